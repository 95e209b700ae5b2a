//! `teem edit`: changes trackers, web seeds and comment of .torrent files; what is hashed stays, so the swarm stays the same (BEP 12, 19).
//!
//! All files are examined before the first is written. One that cannot be edited is named, the others are done all the same. No more
//! than one file is in memory at a time.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::units::Count;
use crate::{cli, json, stdout};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use teem_client::source;
use teem_client::store::{self, Readers};
use teem_metainfo::edit::{Change, Edit, EditError, Edited, edit};
use teem_metainfo::redact::redact_file;
use teem_metainfo::{Limits, url};
use teem_wire::tracker::url::{TrackerUrl, UrlError, has_secret, has_token, redact};

pub(crate) fn run(options: &cli::edit::Edit) -> Outcome {
    let wish = wish(options)?;
    let examined: Vec<Result<(), Stop>> = options.files.iter().map(|file| examine(file, &wish).map(drop)).collect();
    let mut progress = Progress::new(options.json);
    let mut failed = Vec::new();
    for (file, examined) in options.files.iter().zip(examined) {
        let done = examined.and_then(|()| {
            let edited = examine(file, &wish)?;
            if !options.dry_run && !edited.changes.is_empty() {
                store::replace_whole(file, &edited.bytes, readers(&edited)).map_err(Stop::local)?;
            }
            Ok(edited)
        });
        match done {
            Ok(edited) => tell(file, &edited, options),
            Err(stop) => failed.push((file, stop)),
        }
    }
    if options.files.len() == 1
        && let Some((_, stop)) = failed.pop()
    {
        return Err(stop);
    }
    for (file, stop) in &failed {
        progress.say(&format!("teem: {}", stop.message));
        if options.json {
            let error = json!({"class": stop.class, "message": stop.message});
            json::line(&json!({"event": "not_edited", "path": file.to_string_lossy(), "error": error}));
        }
    }
    let count = Count(options.files.len(), "file");
    match failed.into_iter().next() {
        None => Ok(Exit::Done),
        Some((_, first)) => Err(Stop { message: format!("not all of {count} could be edited"), ..first }),
    }
}

/// Understands the wish before any file is opened.
fn wish(options: &cli::edit::Edit) -> Result<Edit, Stop> {
    let bad = |option: &str, text: &str, why: UrlError| {
        Stop::usage(format!("{option}: {}: {}", plain(&redact(text)), plain(&why.to_string())))
    };
    for text in &options.add_trackers {
        TrackerUrl::parse(text).map_err(|why| bad("--add-tracker", text, why))?;
    }
    for text in &options.add_web_seeds {
        url::http(text).map_err(|why| bad("--add-web-seed", text, why))?;
    }
    let replace = match &options.replace[..] {
        [] => None,
        [old, new] if !old.is_empty() => Some((old.clone(), new.clone())),
        _ => return Err(Stop::usage("--replace: a text that is there and another one for it are needed")),
    };
    let wish = Edit {
        replace,
        remove_trackers: options.remove_trackers.clone(),
        add_trackers: options.add_trackers.clone(),
        tier: options.tier.map(usize::from),
        remove_web_seeds: options.remove_web_seeds.clone(),
        add_web_seeds: options.add_web_seeds.clone(),
        comment: options.comment.clone(),
    };
    if wish == (Edit { tier: wish.tier, ..Edit::default() }) {
        return Err(Stop::usage("nothing is to be changed: say what, for example with --add-tracker URL"));
    }
    Ok(wish)
}

/// A file that gets a passkey is its owner's from then on.
fn readers(edited: &Edited) -> Readers {
    let secret = |change: &Change| match change {
        Change::TrackerAdded { url, .. } => has_secret(url),
        Change::TrackerReplaced { old, new } => has_secret(new) && !has_secret(old),
        Change::WebSeedAdded { url } => has_token(url),
        _ => false,
    };
    if edited.changes.iter().any(secret) { Readers::Owner } else { Readers::Usual }
}

fn examine(file: &Path, wish: &Edit) -> Result<Edited, Stop> {
    let bytes = source::read_limited(file).map_err(|e| Stop::link(&e))?;
    edit(&bytes, wish, &Limits::FILE).map_err(|e| {
        let what = match e {
            EditError::Torrent(_) => format!("{} is not a valid .torrent file: {e}", file.display()),
            _ => format!("{} is left as it is: {e}", file.display()),
        };
        Stop::refused(e.class(), what)
    })
}

fn tell(file: &Path, edited: &Edited, options: &cli::edit::Edit) {
    if options.json {
        let changes: Vec<Value> = edited.changes.iter().map(value).collect();
        json::line(&json!({
            "event": "edited", "path": file.to_string_lossy(), "written": !options.dry_run && !changes.is_empty(), "changes": changes,
        }));
        return;
    }
    let mut out = String::new();
    let path = file.to_string_lossy();
    // Writing to a String cannot fail.
    let _ = match (edited.changes.is_empty(), options.dry_run) {
        (true, _) => writeln!(out, "{}: nothing to change", plain(&path)),
        (false, true) => writeln!(out, "{}: would change", plain(&path)),
        (false, false) => writeln!(out, "{}: changed", plain(&path)),
    };
    for change in &edited.changes {
        let _ = writeln!(out, "  {}", plain(&text(change)));
    }
    stdout::text(&out);
}

fn text(change: &Change) -> String {
    let comment = |text: &Option<String>| text.as_ref().map_or("none".to_owned(), |text| format!("{text:?}"));
    match change {
        Change::TrackerAdded { url, tier } => format!("+ tracker {} in tier {tier}", redact(url)),
        Change::TrackerRemoved { url } => format!("- tracker {}", redact(url)),
        Change::TrackerReplaced { old, new } => {
            let (old, new) = (redact(old), redact(new));
            let only = if old == new { ", in what is not shown here" } else { "" };
            format!("tracker {old} becomes {new}{only}")
        }
        Change::WebSeedAdded { url } => format!("+ web seed {}", redact_file(url)),
        Change::WebSeedRemoved { url } => format!("- web seed {}", redact_file(url)),
        Change::Comment { old, new } => format!("comment {} becomes {}", comment(old), comment(new)),
    }
}

fn value(change: &Change) -> Value {
    match change {
        Change::TrackerAdded { url, tier } => json!({"change": "tracker_added", "url": redact(url), "tier": tier - 1}),
        Change::TrackerRemoved { url } => json!({"change": "tracker_removed", "url": redact(url)}),
        Change::TrackerReplaced { old, new } => {
            json!({"change": "tracker_replaced", "old": redact(old), "new": redact(new)})
        }
        Change::WebSeedAdded { url } => json!({"change": "web_seed_added", "url": redact_file(url)}),
        Change::WebSeedRemoved { url } => json!({"change": "web_seed_removed", "url": redact_file(url)}),
        Change::Comment { old, new } => json!({"change": "comment", "old": old, "new": new}),
    }
}
