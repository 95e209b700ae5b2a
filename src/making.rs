//! What `create` and `share` have in common: the wishes, hashing with progress, what was left out.
use crate::cli::metainfo::MetainfoOptions;
use crate::exit::Stop;
use crate::foreign::plain;
use crate::progress::{Progress, bytes_done};
use crate::signals::Signals;
use crate::units::Count;
use crate::{json, preset};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use teem_client::create::hash::{self, Digests};
use teem_client::create::recipe::{MakeError, Recipe, Wishes};
use teem_client::create::rules::LeaveOut;
use teem_client::create::walk::Underway;
use teem_client::store::Readers;
use teem_metainfo::url;
use teem_wire::tracker::url::{TrackerUrl, UrlError, redact};
use tokio::time::Instant;

/// How often the progress of listing and hashing is looked at.
const EVERY: Duration = Duration::from_millis(200);

/// The readers of the .torrent that is written: its owner alone where it holds secrets.
pub(crate) fn readers(recipe: &Recipe) -> Readers {
    if recipe.has_secrets() { Readers::Owner } else { Readers::Usual }
}

/// What is typed, and beneath it the preset.
pub(crate) fn wishes(typed: &MetainfoOptions, output: Option<&Path>) -> Result<Wishes, Stop> {
    let options = &preset::beneath(typed)?;
    let piece_length = match options.piece_size {
        None => None,
        Some(size) => match u32::try_from(size.0) {
            Ok(n) if n.is_power_of_two() && (16 << 10..=16 << 20).contains(&n) => Some(n),
            _ => {
                return Err(Stop::usage(
                    "--piece-size: a power of two from 16Ki to 16Mi is needed, such as 256Ki or 4Mi",
                ));
            }
        },
    };
    let bad = |option: &str, text: &str, why: UrlError| {
        Stop::usage(format!("{option}: {}: {}", plain(&redact(text)), plain(&why.to_string())))
    };
    let mut trackers = Vec::new();
    for text in &options.trackers {
        TrackerUrl::parse(text).map_err(|why| bad("--tracker", text, why))?;
        trackers.push(vec![url::tracker(text).map_err(|why| bad("--tracker", text, why))?]);
    }
    let mut web_seeds = Vec::new();
    for text in &options.web_seeds {
        web_seeds.push(url::http(text).map_err(|why| bad("--web-seed", text, why))?);
    }
    let mut wishes = Wishes::default();
    wishes.piece_length = piece_length;
    wishes.private = options.private.unwrap_or(false);
    wishes.comment.clone_from(&options.comment);
    wishes.source.clone_from(&options.source);
    wishes.trackers = trackers;
    wishes.web_seeds = web_seeds;
    wishes.leave_out = LeaveOut {
        exclude: options.exclude.clone(),
        hidden: options.hidden.unwrap_or(false),
        ignore_files: options.ignore_files.clone(),
        gitignore: options.gitignore.unwrap_or(false),
    };
    wishes.output = output.map(Path::to_owned);
    Ok(wishes)
}

/// Trouble with the path is local; what cannot become a torrent is refused.
pub(crate) fn stop(e: MakeError) -> Stop {
    match e {
        MakeError::Create(_) | MakeError::Invalid(_) => Stop::refused("create", e),
        _ => Stop::local(e),
    }
}

/// Lists the path off the async threads, with progress when it takes long; a signal stops it.
pub(crate) async fn plan(path: &Path, wishes: Wishes, json: bool, signals: &mut Signals) -> Result<Arc<Recipe>, Stop> {
    let path = path.to_owned();
    planned(move |underway| Recipe::watched(&path, &wishes, underway), json, signals).await
}

/// The same for several paths as one torrent.
pub(crate) async fn plan_together(
    paths: &[PathBuf],
    name: &str,
    wishes: Wishes,
    json: bool,
    signals: &mut Signals,
) -> Result<Arc<Recipe>, Stop> {
    let (paths, name) = (paths.to_vec(), name.to_owned());
    planned(move |underway| Recipe::together(&paths, &name, &wishes, underway), json, signals).await
}

async fn planned(
    plan: impl FnOnce(&Underway) -> Result<Recipe, MakeError> + Send + 'static,
    json: bool,
    signals: &mut Signals,
) -> Result<Arc<Recipe>, Stop> {
    let underway = Arc::new(Underway::default());
    let seen = underway.clone();
    let mut listing = tokio::task::spawn_blocking(move || plan(&seen));
    let mut progress = Progress::new(json);
    // A listing that ends within the first of these ticks says nothing.
    let mut tick = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
    let mut by_signal = None;
    loop {
        tokio::select! {
            ended = &mut listing => {
                return match (ended.map_err(Stop::local)?, by_signal) {
                    (Err(MakeError::Stopped), Some(exit)) => {
                        Err(Stop { exit, class: "interrupted", message: "listing the files was stopped".to_owned() })
                    }
                    (planned, _) => planned.map(Arc::new).map_err(stop),
                };
            }
            exit = signals.first(), if by_signal.is_none() => {
                by_signal = Some(exit);
                underway.stop.store(true, Ordering::Relaxed);
            }
            _ = tick.tick() => {
                let files = underway.files.load(Ordering::Relaxed);
                if json {
                    json::line(&json!({"event": "listing", "files": files}));
                } else if progress.due() {
                    progress.show(&format!("listing  {}", Count(files as usize, "file")));
                }
            }
        }
    }
}

/// Hashes with progress; a signal stops it, and what is done is remembered in `memory` where there is one.
pub(crate) async fn digests(
    recipe: &Arc<Recipe>,
    memory: Option<Digests>,
    json: bool,
    signals: &mut Signals,
) -> Result<Digests, Stop> {
    let (total, done) = (recipe.listing.total(), Arc::new(AtomicU64::new(0)));
    let stopped = Arc::new(AtomicBool::new(false));
    let (work, counter, flag) = (recipe.clone(), done.clone(), stopped.clone());
    let mut hashing = tokio::task::spawn_blocking(move || hash::run(&work, memory, &counter, &flag));
    let (mut progress, started) = (Progress::new(json), Instant::now());
    let mut tick = tokio::time::interval(EVERY);
    let mut by_signal = None;
    let digests = loop {
        tokio::select! {
            ended = &mut hashing => break ended.map_err(Stop::local)?,
            exit = signals.first(), if by_signal.is_none() => {
                by_signal = Some(exit);
                stopped.store(true, Ordering::Relaxed);
            }
            _ = tick.tick() => {
                let so_far = done.load(Ordering::Relaxed);
                if json {
                    json::line(&json!({"event": "hashing", "done": so_far, "total": total}));
                } else if progress.due() {
                    progress.show(&bytes_done("hashing", so_far, total, started.elapsed()));
                }
            }
        }
    };
    match (digests, by_signal) {
        (Err(MakeError::Stopped), Some(exit)) => {
            Err(Stop { exit, class: "interrupted", message: "hashing was stopped".to_owned() })
        }
        (Err(e), _) => Err(stop(e)),
        (Ok(digests), _) => {
            if json {
                // However short it was: scripts can rely on a line that says it is done.
                json::line(&json!({"event": "hashing", "done": total, "total": total}));
            }
            Ok(digests)
        }
    }
}

/// Says what was left out: what could not go in by name, the first ten; what was not to go in by count. A pattern that was typed and left out
/// nothing is named; those of a preset are for more than one folder.
pub(crate) fn say_skipped(recipe: &Recipe, typed: &MetainfoOptions, progress: &mut Progress) {
    for pattern in recipe.listing.unused.iter().filter(|pattern| typed.exclude.contains(pattern)) {
        progress.say(&format!("warning: --exclude: nothing fits `{}`", plain(pattern)));
    }
    let left_out = &recipe.listing.left_out;
    if left_out.total() > 0 {
        progress.say(&format!("left out: {left_out}"));
    }
    let skipped = &recipe.listing.skipped;
    for s in skipped.iter().take(10) {
        progress.say(&format!("left out: {}: {}", plain(&s.path.to_string_lossy()), s.why));
    }
    if skipped.len() > 10 {
        progress.say(&format!("left out: {} more", skipped.len() - 10));
    }
}

/// The counts for scripts.
pub(crate) fn left_out_json(recipe: &Recipe) -> Value {
    let left_out = &recipe.listing.left_out;
    json!({"hidden": left_out.hidden, "excluded": left_out.excluded, "ignored": left_out.ignored})
}

/// The names for scripts.
pub(crate) fn skipped_json(recipe: &Recipe) -> Value {
    recipe.listing.skipped.iter().map(|s| json!({"path": s.path.to_string_lossy(), "why": s.why})).collect()
}
