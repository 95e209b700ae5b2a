//! `teem state`: what is saved of earlier runs, where, and how to be rid of it (own design).
mod export;
mod found;
mod import;
mod others;
mod saved;

use crate::cli::state::{Forget, State, What};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::units::{Bytes, Count};
use crate::{json, stdout};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use teem_client::config::AGENT;
use teem_client::create::memory;
use teem_client::http::fetch::Http;
use teem_client::{source, store};
use teem_disk::{ForgetError, SavedTorrent, forget, saved_torrents};

pub(crate) async fn run(options: &State) -> Outcome {
    let folder = store::state_dir().map_err(Stop::local)?;
    match &options.what {
        None | Some(What::List) => list(&folder, options.json),
        Some(What::Path) => {
            path(&folder, options.json);
            Ok(Exit::Done)
        }
        Some(What::Forget(wish)) => forget_all(&folder, wish, options.json).await,
        Some(What::Export(wish)) => export::run(wish).await,
        Some(What::Import(wish)) => import::run(wish, &folder).await,
    }
}

pub(crate) use export::ready_folder;

fn path(folder: &Path, json: bool) {
    if json {
        json::line(&json!({"event": "state_path", "path": folder.to_string_lossy()}));
    } else {
        stdout::path(folder);
    }
}

fn all(folder: &Path) -> Result<Vec<SavedTorrent>, Stop> {
    saved_torrents(folder).map_err(|e| Stop::local(format!("{} cannot be read: {e}", folder.display())))
}

fn list(folder: &Path, json: bool) -> Outcome {
    let all = all(folder)?;
    let (paths, memories) = memory::remembered(folder);
    if json {
        for saved in &all {
            json::line(&value("saved", saved));
        }
        json::line(&json!({"event": "remembered", "paths": paths, "state_bytes": memories}));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for saved in &all {
        let size = saved.size.map_or_else(|| "?".to_owned(), |size| Bytes(size).to_string());
        let held = saved.held.map_or_else(String::new, |holder| format!("  (held by {holder})"));
        let place = plain(&place(saved));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}  {:>5}  {size:>9}  {place}{held}", saved.info_hash, percent(saved));
    }
    stdout::text(&out);
    let bytes = all.iter().map(|saved| saved.bytes).sum();
    let count = Count(all.len(), "torrent");
    let mut progress = Progress::new(false);
    progress.say(&format!("{count}, {} of saved state in {}", Bytes(bytes), folder.display()));
    if paths > 0 {
        let (count, bytes) = (Count(paths, "shared path"), Bytes(memories));
        progress.say(&format!("digests of {count}, {bytes}, so that nothing is hashed twice; they can be deleted"));
    }
    Ok(Exit::Done)
}

/// How much of a torrent is done, as last saved; all is said only of all.
fn percent(saved: &SavedTorrent) -> String {
    match saved.pieces {
        None => "?".to_owned(),
        Some(0) => "100 %".to_owned(),
        Some(pieces) => format!("{} %", u64::from(saved.have) * 100 / u64::from(pieces)),
    }
}

/// The content's path as far as it is known.
fn place(saved: &SavedTorrent) -> String {
    match (&saved.folder, &saved.name) {
        (Some(folder), Some(name)) => folder.join(name).to_string_lossy().into_owned(),
        (Some(folder), None) => folder.to_string_lossy().into_owned(),
        (None, Some(name)) => format!("{name} (in a folder that is not known any more)"),
        (None, None) => "(not known any more)".to_owned(),
    }
}

fn value(event: &str, saved: &SavedTorrent) -> Value {
    json!({
        "event": event, "infohash": saved.info_hash.to_string(), "folder": saved.folder.as_ref().map(|f| f.to_string_lossy()),
        "name": saved.name, "size": saved.size, "have": saved.have, "pieces": saved.pieces, "uploaded": saved.uploaded,
        "downloaded": saved.downloaded, "state_bytes": saved.bytes, "held": saved.held.is_some(), "held_by": saved.held.and_then(|h| h.0),
    })
}

/// All links are understood first, then each is forgotten wherever it is saved; one that is held hinders no other.
async fn forget_all(state_dir: &Path, wish: &Forget, json: bool) -> Outcome {
    let only = wish.folder.as_deref().map(real).transpose()?;
    let http = Http::new(teem_client::path::Path::direct(), AGENT);
    let mut hashes = Vec::new();
    for link in &wish.links {
        let source = source::load(link, &http).await.map_err(|e| Stop::link(&e))?;
        hashes.push((link, source.key.wire()));
    }
    let all = all(state_dir)?;
    let (mut progress, mut failed) = (Progress::new(json), Vec::new());
    for (link, hash) in hashes {
        let here = |saved: &&SavedTorrent| {
            saved.info_hash == hash && only.as_ref().is_none_or(|o| saved.folder.as_ref() == Some(o))
        };
        let mut found = all.iter().filter(here).peekable();
        if found.peek().is_none() {
            failed.push(Stop::refused("no_state", format!("nothing is saved of {}", plain(link))));
        }
        for saved in found {
            match forget(state_dir, saved) {
                Ok(()) if json => json::line(&value("forgotten", saved)),
                Ok(()) => progress.say(&format!("forgotten: {hash}  {}; its content stays", plain(&place(saved)))),
                Err(e) => failed.push(refused(saved, &e)),
            }
        }
    }
    let last = failed.pop();
    for stop in failed {
        progress.say(&format!("teem: {}", stop.message));
    }
    last.map_or(Ok(Exit::Done), Err)
}

fn refused(saved: &SavedTorrent, e: &ForgetError) -> Stop {
    let message = format!("{} is not forgotten: {e}", plain(&place(saved)));
    let class = if matches!(e, ForgetError::Held(_)) { "locked" } else { "local" };
    Stop { exit: Exit::Local, class, message }
}

/// As it is written in saved state; one that is gone is taken as typed.
fn real(folder: &Path) -> Result<PathBuf, Stop> {
    std::fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).map_err(Stop::local)
}
