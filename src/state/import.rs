//! `teem state import`: what was kept elsewhere goes to the daemon (own design). It is read here, by its owner; the daemon judges it.
//!
//! What the daemon has already stays as it is there, so an import that was interrupted goes on when it is begun again.
use super::export::{FORMAT, LIST, VERSION};
use super::found::{All, Found, KEPT_MAX, bounded};
use super::{others, saved};
use crate::cli::state::Import;
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::json;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::units::Count;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use teem_client::config::AGENT;
use teem_client::http::fetch::Http;
use teem_client::{Source, source};
use teem_daemon::Exported;

/// Bytes of a list of a million info-hashes.
const LIST_MAX: u64 = 64 << 20;

pub(super) async fn run(options: &Import, own: &Path) -> Outcome {
    let http = Http::new(teem_client::path::Path::direct(), AGENT);
    let mut with = Vec::new();
    for link in &options.with {
        with.push(source::load(link, &http).await.map_err(|e| Stop::link(&e))?);
    }
    let from = options.from.as_deref().unwrap_or(own);
    let all = found(from, with)?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let mut progress = Progress::new(options.json);
    let (mut imported, mut already, mut refused) = (0_usize, 0_usize, 0_usize);
    for Found { name, hash, wanted } in all {
        let done = match wanted {
            Ok(torrent) => {
                match remote
                    .post("/teem/v1/torrents/import", &json!({"torrent": torrent, "dry_run": options.dry_run}))
                    .await
                {
                    Ok(told) => Ok(Some(told)),
                    Err(stop) if stop.class == "already" => Ok(None),
                    Err(stop) if stop.exit == Exit::No => Err(stop.message),
                    Err(stop) => return Err(stop),
                }
            }
            Err(why) => Err(why),
        };
        let event = match &done {
            Ok(Some(_)) => "imported",
            Ok(None) => "already",
            Err(_) => "not_imported",
        };
        match &done {
            Ok(Some(told)) => {
                imported += 1;
                let check = told["to_check"].as_u64().filter(|check| *check > 0);
                if let Some(check) = check {
                    progress.say(&format!(
                        "{}: {check} pieces are hashed, since their files are not as they were left",
                        plain(&name)
                    ));
                }
            }
            Ok(None) => {
                already += 1;
                progress.say(&format!("the daemon has it already: {}", plain(&name)));
            }
            Err(why) => {
                refused += 1;
                progress.say(&format!("not imported: {}: {}", plain(&name), plain(why)));
            }
        }
        if options.json {
            let told = done.as_ref().ok().and_then(Option::as_ref).cloned().unwrap_or(Value::Null);
            json::line(&json!({
                "event": event, "infohash": hash, "name": name, "folder": told["folder"], "believed": told["believed"], "to_check": told["to_check"],
                "error": done.as_ref().err(), "dry_run": options.dry_run,
            }));
        }
        progress.show(&format!("{imported} imported, {already} there already, {refused} not"));
    }
    let would = if options.dry_run { "would be " } else { "" };
    progress.say(&format!(
        "{} {would}imported; {already} the daemon has already, which stay as they are there; {refused} not imported",
        Count(imported, "torrent")
    ));
    Ok(if refused > 0 { Exit::No } else { Exit::Done })
}

/// What lies in a folder, by what it looks like.
fn found(from: &Path, with: Vec<Source>) -> Result<All, Stop> {
    let bad = |e: &dyn std::fmt::Display| Stop::local(format!("{}: {e}", from.display()));
    if !std::fs::metadata(from).map_err(|e| bad(&e))?.is_dir() {
        return Err(bad(&"this is no folder"));
    }
    if from.join(LIST).exists() {
        return exported(from);
    }
    if let Some(all) = others::found(from).map_err(|e| bad(&e))? {
        return Ok(all);
    }
    let all = saved::all(from).map_err(|e| bad(&e))?;
    if all.is_empty() {
        let what = "it is none of: a folder of `teem state export`, one of Teem's saved state, BT_backup of qBittorrent, the folder of Transmission that has `resume` and `torrents`";
        return Err(Stop::refused(
            "nothing_to_import",
            format!("{}: there is nothing to import: {what}", from.display()),
        ));
    }
    let state_dir = from.to_owned();
    Ok(Box::new(all.into_iter().map(move |one| saved::found(&state_dir, &one, &with))))
}

/// What `teem state export` has put there.
fn exported(from: &Path) -> Result<All, Stop> {
    let path = from.join(LIST);
    let refuse = |why: &str| Stop::refused("nothing_to_import", format!("{}: {why}", path.display()));
    let bytes = bounded(&path, LIST_MAX).map_err(|e| refuse(&e))?;
    let list: Value = serde_json::from_slice(&bytes).map_err(|e| refuse(&format!("it is not understood: {e}")))?;
    if list[FORMAT] != VERSION {
        return Err(refuse("it is no list of `teem state export` of this version"));
    }
    let hashes: Vec<String> = serde_json::from_value(list["torrents"].clone())
        .map_err(|e| refuse(&format!("its torrents are not understood: {e}")))?;
    let folder = from.to_owned();
    Ok(Box::new(hashes.into_iter().map(move |hash| {
        let wanted = if hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            one(&folder, &hash)
        } else {
            Err("it is no info-hash".to_owned())
        };
        Found { name: hash.clone(), hash: Some(hash), wanted: wanted.map(Box::new) }
    })))
}

fn one(folder: &Path, hash: &str) -> Result<Exported, String> {
    let bytes = bounded(&folder.join(format!("{hash}.json")), KEPT_MAX)?;
    let mut kept: Exported =
        serde_json::from_slice(&bytes).map_err(|e| format!("what is kept of it is not understood: {e}"))?;
    if kept.link.is_none() {
        let path: PathBuf = folder.join(format!("{hash}.torrent"));
        kept.describe(&source::read_limited(&path).map_err(|e| e.to_string())?);
    }
    Ok(kept)
}
