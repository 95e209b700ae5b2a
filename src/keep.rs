//! `share --keep` and `get --keep`: the daemon does the work (own design). What it has is refused to commands that would work on it by themselves.
use crate::create::may_write;
use crate::exit::{Exit, Outcome, Stop};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::share::{Ready, recipes};
use crate::signals::Signals;
use crate::units::Enough;
use crate::verbs::{Followed, follow, name_link};
use crate::{cli, making, stdin, stdout};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use teem_client::create::hash::Digests;
use teem_client::create::memory;
use teem_client::create::recipe::Recipe;
use teem_client::publish::addresses::Address;
use teem_client::{source, store};
use teem_metainfo::InfoHash;
use tokio::time::{Instant, timeout};

/// How long the daemon is waited for by those who can do without it.
const ASKED_MAX: Duration = Duration::from_secs(2);

/// Hashes content, hands it to the daemon, and says the links that the daemon gives.
pub(crate) async fn share(options: &cli::Share) -> Outcome {
    let wishes = making::wishes(&options.metainfo, options.output.as_deref())?;
    if let Some(output) = &options.output {
        if options.paths.len() > 1 && options.together.is_none() {
            return Err(Stop::usage("-o names one file, and there are several torrents; --together makes one of them"));
        }
        may_write(output, options.force)?;
    }
    let remote = Remote::usual()?;
    // Before anything long is done.
    remote.get("/teem/v1").await?;
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let mut progress = Progress::new(options.json);
    let state_dir = store::state_dir().map_err(Stop::local)?;
    let mut hashes = Vec::new();
    for recipe in recipes(options, wishes, &mut signals).await? {
        making::say_skipped(&recipe, &options.metainfo, &mut progress);
        let file = memory::file(&state_dir, &recipe.listing.root, &recipe.shape());
        let mut digests = Digests::remembered(&recipe, file);
        if !digests.complete(&recipe) {
            digests = making::digests(&recipe, Some(digests), options.json, &mut signals).await?;
        }
        hashes.push(hand_over(&remote, options, &recipe, &mut digests, &mut progress).await?);
        // A link that nobody can read makes nothing available.
        stdout::check()?;
    }
    let followed = Followed { hashes: &hashes, json: false, deadline: None, says_done: false };
    let exit = follow(&remote, &followed, &mut signals).await?;
    if exit == Exit::Done {
        progress.say("the daemon goes on sharing; `teem remove` ends that, and leaves the files alone");
    }
    Ok(exit)
}

/// Hands one torrent over: its info-hash.
async fn hand_over(
    remote: &Remote,
    options: &cli::Share,
    recipe: &Recipe,
    digests: &mut Digests,
    progress: &mut Progress,
) -> Result<String, Stop> {
    let pieces = digests.whole().map_err(making::stop)?;
    let made_at = digests.made_at();
    let finish = |trackers: &[Vec<String>]| recipe.finish(&pieces, trackers, made_at).map_err(making::stop);
    let (info, torrent) = finish(&[])?;
    let root = &recipe.listing.root;
    let name = root.file_name().and_then(|name| name.to_str()).filter(|name| *name != info.name());
    let fingerprint = digests.fingerprint().try_into().ok().map(InfoHash);
    let request = json!({
        "torrent": STANDARD.encode(torrent), "folder": root.parent().unwrap_or(root), "name": name, "hosts": options.hosts,
        "tracker": !options.no_tracker, "up_limit": options.up.and_then(|rate| rate.0), "hashed": fingerprint.map(|of| of.to_string()),
    });
    let links = remote.post("/teem/v1/torrents/share", &request).await?["links"].take();
    if let Some(output) = &options.output {
        let (_, torrent) = finish(&tiers(&links["trackers"]))?;
        store::write_whole(output, &torrent, making::readers(recipe)).map_err(Stop::local)?;
    }
    let addresses: Vec<Address> = links["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|told| Some(Address::told(told["host"].as_str()?.to_owned(), told["class"].as_str()?)))
        .collect();
    let ready = Ready {
        hash: info.key().wire().to_string(),
        info: &info,
        magnet: links["magnet"].as_str().unwrap_or_default(),
        torrent_url: links["torrent_url"].as_str(),
        page_url: links["page_url"].as_str(),
        addresses: &addresses,
        withheld: &texts(&links["withheld"]),
        port: links["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
    };
    ready.say(options, recipe, progress);
    Ok(ready.hash)
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn tiers(list: &Value) -> Vec<Vec<String>> {
    list.as_array().into_iter().flatten().map(texts).collect()
}

/// Has the daemon download links, and follows until all is done.
pub(crate) async fn get(options: &cli::Get) -> Outcome {
    let deadline = options.timeout.map(|time| Instant::now() + time.0);
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let remote = Remote::usual()?;
    let folder = std::path::absolute(&options.output).map_err(|e| Stop::local(format!("-o: {e}")))?;
    let mut progress = Progress::new(options.json);
    let (mut hashes, mut refused) = (Vec::new(), None);
    for (link, mut request) in requests(options, &folder)? {
        request["up_limit"] = json!(options.up.and_then(|rate| rate.0));
        request["down_limit"] = json!(options.down.and_then(|rate| rate.0));
        let added = tokio::select! {
            added = remote.post("/teem/v1/torrents", &request) => added,
            exit = signals.first() => return Ok(exit),
        };
        match added {
            Ok(torrent) => hashes.extend(torrent["infohash"].as_str().map(str::to_owned)),
            Err(stop) if stop.exit == Exit::No => match hash_of(&link, &request).filter(|_| stop.class == "already") {
                Some(hash) => {
                    progress.say("the daemon has it already");
                    hashes.push(hash);
                }
                // One that is refused hinders no other.
                None => {
                    if let Some(Stop { message, .. }) = refused.replace(stop) {
                        progress.say(&format!("teem: {message}"));
                    }
                }
            },
            Err(stop) => return Err(stop),
        }
    }
    if let (Some(stop), true) = (&refused, !hashes.is_empty()) {
        progress.say(&format!("teem: {}", stop.message));
    }
    if hashes.is_empty() {
        return refused.map_or(Ok(Exit::Done), Err);
    }
    let followed = Followed { hashes: &hashes, json: options.json, deadline, says_done: true };
    let exit = follow(&remote, &followed, &mut signals).await?;
    Ok(if exit == Exit::Done && refused.is_some() { Exit::No } else { exit })
}

/// What the daemon is asked for, with each link as it was typed.
fn requests(options: &cli::Get, folder: &Path) -> Result<Vec<(String, Value)>, Stop> {
    let until = options.until.map(Enough::goal);
    let plain = json!({"folder": folder, "only": options.only, "first": options.first, "until": until});
    let mut requests = Vec::new();
    let mut name = |link: String| -> Result<(), Stop> {
        let mut request = plain.clone();
        name_link(&mut request, &link)?;
        requests.push((link, request));
        Ok(())
    };
    let mut file = None;
    for link in &options.links {
        if !stdin::is_dash(link) {
            source::expand(link).into_iter().try_for_each(&mut name)?;
            continue;
        }
        let bytes = stdin::bytes()?;
        match source::links(&bytes) {
            None => file = Some(bytes),
            Some(links) if links.is_empty() => return Err(Stop::usage("standard input holds no link")),
            Some(links) => links.into_iter().try_for_each(&mut name)?,
        }
    }
    if let Some(bytes) = file {
        let mut request = plain.clone();
        request["torrent"] = json!(STANDARD.encode(bytes));
        requests.push(("-".to_owned(), request));
    }
    Ok(requests)
}

/// The info-hash of a link, where it can be told without asking anybody.
fn hash_of(link: &str, request: &Value) -> Option<String> {
    let of = match request["torrent"].as_str() {
        Some(file) => source::from_bytes("it", &STANDARD.decode(file).ok()?).ok()?,
        None => source::from_magnet(link)?,
    };
    Some(of.key.wire().to_string())
}

/// Refuses what the daemon has: this torrent in this folder, or another one that goes by the same name there. Where no daemon answers, nothing is.
pub(crate) async fn refuse_what_is_kept(hash: InfoHash, folder: &Path, name: Option<&str>) -> Result<(), Stop> {
    let Ok(remote) = Remote::usual() else { return Ok(()) };
    let folder = real(folder);
    let mut select = vec![hash.to_string()];
    // Of what is called so only the names are compared; a pattern fits at least those.
    select.extend(name.map(|name| name.replace(['*', '?'], "?")));
    for select in select {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("select", &select).append_pair("fields", "name,folder");
        let asked = timeout(ASKED_MAX, remote.get(&format!("/teem/v1/torrents?{}", query.finish()))).await;
        let Ok(Ok(window)) = asked else { continue };
        for torrent in window["torrents"].as_array().into_iter().flatten() {
            let text = |key: &str| torrent[key].as_str().unwrap_or_default();
            let is_it = text("infohash") == hash.to_string() || Some(text("name")) == name;
            if is_it && real(Path::new(text("folder"))) == folder {
                let path = folder.join(text("name"));
                let short: String = text("infohash").chars().take(8).collect();
                return Err(Stop {
                    exit: Exit::Local,
                    class: "locked",
                    message: format!(
                        "the daemon has {} (`teem list {short}`): choose another folder, have the daemon do it (--keep), or `teem remove {short}` first; the files stay",
                        path.display()
                    ),
                });
            }
        }
    }
    Ok(())
}

/// A folder as others name it; one that is not there yet as it is typed.
fn real(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned())
}
