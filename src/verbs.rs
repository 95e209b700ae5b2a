//! The commands that drive the daemon: `teem add`, `list`, `why`, `pause`, `resume`, `remove`, `set`, `limits`, `announce`, `events`.
mod asked;
mod changes;
mod feeds;
mod files;
mod follow;
mod limits;
mod shown;
mod watch;

use crate::cli::daemon::{Add, Limits, List, Set, Token, TokenVerb, Verb};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::remote::Remote;
use crate::units::{Bytes, Count};
use crate::{json, stdout};
use asked::{of, tell, warn_of_trouble};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub(crate) use feeds::feed;
pub(crate) use files::{relocate, remove};
pub(crate) use follow::{Followed, follow};
use serde_json::{Value, json};
use shown::{hash, line, query, say, shown};
use std::fmt::Write as _;
use teem_client::source;
use teem_metainfo::{Limits as Bounds, Link};
pub(crate) use watch::events;

pub(crate) async fn add(options: &Add) -> Outcome {
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let folder =
        options.to.as_ref().map(std::path::absolute).transpose().map_err(|e| Stop::local(format!("--to: {e}")))?;
    let incomplete = options.incomplete.as_ref().map(std::path::absolute).transpose();
    let incomplete = incomplete.map_err(|e| Stop::local(format!("--incomplete: {e}")))?;
    let links: Vec<String> = options.links.iter().flat_map(|link| source::expand(link)).collect();
    let (mut last, mut added) = (None, Vec::new());
    for link in links {
        let mut request = json!({
            "folder": folder, "labels": options.labels, "paused": options.paused, "only": options.only, "first": options.first,
            "until": options.until.map(|goal| goal.to_string()), "up_limit": options.up.and_then(|rate| rate.0), "down_limit": options.down.and_then(|rate| rate.0),
        });
        if let Some(incomplete) = &incomplete {
            request["incomplete"] = json!(incomplete);
        }
        name_link(&mut request, &link)?;
        match remote.post("/teem/v1/torrents", &request).await {
            Ok(torrent) => {
                added.extend(torrent["infohash"].as_str().map(str::to_owned));
                if options.json {
                    json::line(&torrent);
                } else {
                    say(&format!("added {} ({})", shown(&torrent["name"]), hash(&torrent)));
                }
            }
            // One that is refused hinders no other.
            Err(stop) if stop.exit == Exit::No => {
                if let Some(before) = last.replace(stop) {
                    say(&format!("teem: {}", plain(&before.message)));
                }
            }
            Err(stop) => return Err(stop),
        }
    }
    let waited =
        if options.wait && !added.is_empty() { watch::wait(&remote, &added, options.json).await? } else { Exit::Done };
    last.map_or(Ok(waited), Err)
}

/// Says in a request what is to be added. The daemon may not read what its user may, and does not stand where he does.
pub(crate) fn name_link(request: &mut Value, link: &str) -> Result<(), Stop> {
    if let Ok(Link::Path(path)) = Link::parse(link, &Bounds::FILE) {
        let bytes = source::read_limited(std::path::Path::new(&path)).map_err(|e| Stop::link(&e))?;
        request["torrent"] = json!(STANDARD.encode(bytes));
    } else {
        request["link"] = json!(link);
    }
    Ok(())
}

pub(crate) async fn why(options: &Verb) -> Outcome {
    let torrents = of(&options.select, "/why", options.reached.daemon.as_deref()).await?;
    warn_of_trouble(&Remote::new(options.reached.daemon.as_deref())?).await;
    let mut out = String::new();
    for torrent in torrents.as_array().map(Vec::as_slice).unwrap_or_default() {
        if options.json {
            json::line(torrent);
            continue;
        }
        // A reason may end with what would help.
        let why = torrent["why"].as_str().unwrap_or_default();
        let help = torrent["help"].as_str().filter(|help| !why.contains(help));
        let sentences = [Some(why), help].into_iter().flatten().filter(|text| !text.is_empty()).map(plain);
        let sentences = sentences.collect::<Vec<_>>().join(". ");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} ({}): {sentences}", shown(&torrent["name"]), hash(torrent));
        for line in torrent["report"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let _ = writeln!(out, "  {}", shown(line));
        }
    }
    stdout::text(&out);
    Ok(Exit::Done)
}

pub(crate) async fn list(options: &List) -> Outcome {
    if options.watch {
        return watch::list(options).await;
    }
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let window = remote.get(&format!("/teem/v1/torrents?{}", query(options))).await?;
    warn_of_trouble(&remote).await;
    let torrents = window["torrents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if options.json {
        torrents.iter().for_each(json::line);
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for torrent in torrents {
        line(&mut out, torrent);
    }
    stdout::text(&out);
    let sum = |key: &str| torrents.iter().filter_map(|torrent| torrent[key].as_u64()).sum();
    let (down, up) = (Bytes(sum("down_rate")), Bytes(sum("up_rate")));
    say(&format!("{}, down {down}/s, up {up}/s", Count(torrents.len(), "torrent")));
    Ok(Exit::Done)
}

pub(crate) async fn pause(options: &Verb) -> Outcome {
    command(&options.select, "pause", "paused", options.reached.daemon.as_deref(), options.json).await
}

pub(crate) async fn resume(options: &Verb) -> Outcome {
    command(&options.select, "resume", "resumed", options.reached.daemon.as_deref(), options.json).await
}

pub(crate) async fn recheck(options: &Verb) -> Outcome {
    command(&options.select, "recheck", "hashing again:", options.reached.daemon.as_deref(), options.json).await
}

pub(crate) async fn announce(options: &Verb) -> Outcome {
    command(&options.select, "announce", "asked the trackers of", options.reached.daemon.as_deref(), options.json).await
}

pub(crate) async fn set(options: &Set) -> Outcome {
    let changes::Told { select, changes, queue } = changes::read(&options.what).map_err(Stop::usage)?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let mut torrents = json!([]);
    if !changes.is_empty() {
        let mut request = json!({"select": select});
        for (key, value) in changes {
            request[key] = value;
        }
        torrents = remote.post("/teem/v1/torrents/set", &request).await?;
    }
    if let Some(to) = queue {
        torrents = remote.post("/teem/v1/torrents/queue", &json!({"select": select, "to": to})).await?;
    }
    for torrent in torrents.as_array().map(Vec::as_slice).unwrap_or_default() {
        if options.json {
            json::line(torrent);
        } else {
            say(&format!("changed {} ({})", shown(&torrent["name"]), hash(torrent)));
        }
    }
    Ok(Exit::Done)
}

/// Says which limits of all torrents together hold, changes them, and has the other ones hold, or not, or by the hours of the daemon's file.
pub(crate) async fn limits(options: &Limits) -> Outcome {
    let limits::Told { wanted, changes } = limits::read(&options.what).map_err(Stop::usage)?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let limits = if changes.is_empty() {
        remote.get("/teem/v1/limits").await?
    } else {
        remote.post("/teem/v1/limits", &changes.into()).await?
    };
    let mut told = match wanted {
        None => remote.get("/teem/v1/alternative").await?,
        Some(wanted) => remote.post("/teem/v1/alternative", &json!({"wanted": wanted})).await?,
    };
    for key in ["up_limit", "down_limit", "alternative_up_limit", "alternative_down_limit"] {
        told[key] = limits[key].clone();
    }
    if options.json {
        json::line(&told);
    } else {
        stdout::text(&limits::shown(&told));
    }
    Ok(Exit::Done)
}

pub(crate) async fn token(options: &Token) -> Outcome {
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    match &options.what {
        TokenVerb::Create { name, scope } => {
            let request = json!({"name": name, "scope": scope.word()});
            let made = remote.post("/teem/v1/tokens", &request).await?;
            if options.json {
                json::line(&made);
            } else {
                stdout::text(&format!("{}\n", made["token"].as_str().unwrap_or_default()));
                say(&format!("the token {name} allows to {scope}; it is not shown again"));
            }
        }
        TokenVerb::List => {
            let tokens = remote.get("/teem/v1/tokens").await?;
            for token in tokens.as_array().map(Vec::as_slice).unwrap_or_default() {
                if options.json {
                    json::line(token);
                } else {
                    stdout::text(&format!("{:<8} {}\n", shown(&token["scope"]), shown(&token["name"])));
                }
            }
        }
        TokenVerb::Revoke { name } => {
            let gone = remote.post("/teem/v1/tokens/revoke", &json!({"name": name})).await?;
            if options.json {
                json::line(&gone);
            } else {
                say(&format!("the token {name} opens nothing any more"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Has the daemon do something with the selected torrents.
async fn command(select: &[String], what: &str, done: &str, daemon: Option<&str>, json: bool) -> Outcome {
    let remote = Remote::new(daemon)?;
    let torrents = remote.post(&format!("/teem/v1/torrents/{what}"), &json!({"select": select})).await?;
    tell(&torrents, done, json);
    Ok(Exit::Done)
}
