//! What is told of torrents (qBittorrent's Web API, `torrents/info` and what is asked of one).
use super::form::Form;
use super::outcome::{Done, Outcome, Refused};
use super::torrent::{self, Context};
use crate::daemon::Daemon;
use crate::facts::Facts;
use crate::label::{Labels, category};
use crate::standing::{AT_ONCE, Ask, Parts, Standing};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;
use teem_client::metainfo::InfoHash;
use teem_client::{AnnounceUrl, Priority};
use teem_metainfo::PieceHash;
use tokio::task::spawn_blocking;

/// Torrents that one call names.
const HASHES_MAX: usize = 200_000;

/// Trackers' states: not asked, working, in vain.
const NOT_ASKED: u8 = 1;
const WORKING: u8 = 2;
const NOT_WORKING: u8 = 4;

/// The torrents of `hashes`, all where they are `all`; what is no hash is left out.
pub(super) fn hashes(daemon: &Daemon, form: &Form) -> Result<Vec<InfoHash>, Refused> {
    let words = form
        .get("hashes")
        .or_else(|| form.get("hash"))
        .or_else(|| form.get("id"))
        .ok_or_else(|| Refused::missing("hashes"))?;
    if words == "all" {
        return Ok(daemon.torrents().keys().copied().collect());
    }
    let named: BTreeSet<InfoHash> =
        words.split('|').take(HASHES_MAX).filter_map(|word| word.trim().parse().ok()).collect();
    let torrents = daemon.torrents();
    Ok(named.into_iter().filter(|hash| torrents.contains_key(hash)).collect())
}

/// The torrent of `hash`.
pub(super) async fn one(daemon: &Daemon, form: &Form) -> Result<Standing, Refused> {
    let word = form.text("hash").ok_or_else(|| Refused::missing("hash"))?;
    let unknown = || Refused::unknown(format!("there is no torrent {word}"));
    let hash = word.parse().map_err(|_| unknown())?;
    daemon.standing(&[hash], Ask::All).await?.pop().ok_or_else(unknown)
}

/// Carries `torrents/info` out: filtered, sorted and cut as the call says.
pub(super) async fn info(daemon: &Daemon, form: &Form, secrets: bool) -> Outcome {
    let all: Vec<InfoHash> = match form.text("hashes") {
        Some(_) => hashes(daemon, form)?,
        None => daemon.torrents().keys().copied().collect(),
    };
    let with_trackers = form.flag("includeTrackers") == Some(true);
    let ask = if with_trackers { Ask::All } else { Ask::Busy };
    let told = (daemon.all_labels(), form.clone(), daemon.0.policy.rules().goal, daemon.shelf(all.len()).await);
    let (told, mut list) = (Arc::new(told), Vec::new());
    for some in all.chunks(AT_ONCE) {
        let standing = daemon.standing(some, ask).await?;
        let told = told.clone();
        let writing = spawn_blocking(move || {
            let (labels, form, goal, shelf) = &*told;
            let context = Context { labels, goal: *goal, secrets };
            let key = form.text("sort").unwrap_or("added_on");
            for one in standing.iter().filter(|one| is_wanted(one, form, labels)) {
                let facts = one.facts_by(shelf);
                let mut entry = torrent::told(one, &facts, &context);
                if with_trackers {
                    entry["trackers"] = trackers_of(one, &facts, secrets);
                }
                list.push((entry[key].clone(), entry.to_string()));
            }
            list
        });
        list = writing.await.map_err(Refused::conflict)?;
    }
    list.sort_by(|(a, _), (b, _)| order(a, b));
    if form.flag("reverse") == Some(true) {
        list.reverse();
    }
    let mut out = b"[".to_vec();
    for (_, entry) in window(&list, form.int("offset").unwrap_or(0), form.int("limit").unwrap_or(-1)) {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend(entry.as_bytes());
    }
    out.push(b']');
    Ok(Done::Written(out))
}

/// Whether a torrent is among those that a call asks for.
fn is_wanted(one: &Standing, form: &Form, labels: &Labels) -> bool {
    let of = category(labels, &one.row.labels).unwrap_or_default();
    let tags = || one.row.labels.iter().filter(|label| *label != of);
    form.text("filter").is_none_or(|filter| fits(one, filter))
        && form.get("category").is_none_or(|wanted| wanted == of)
        && form.get("tag").is_none_or(|tag| if tag.is_empty() { tags().count() == 0 } else { tags().any(|t| t == tag) })
        && form.flag("private").is_none_or(|is| one.about().is_some_and(|about| about.private == is))
}

/// The part of a list from an offset, which counts from the end where it is negative; all of it without a limit.
fn window<T>(list: &[T], offset: i64, limit: i64) -> &[T] {
    let from = usize::try_from(offset)
        .unwrap_or_else(|_| list.len().saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)));
    let most = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let rest = &list[from.min(list.len())..];
    &rest[..most.min(rest.len())]
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
    }
}

/// Whether a torrent passes a filter; one that is not known lets all pass.
fn fits(one: &Standing, filter: &str) -> bool {
    let state = torrent::state(one);
    let stopped = state.starts_with("stopped");
    let moves = one.moves();
    match filter {
        "downloading" => !one.is_complete(),
        "seeding" => one.is_complete() && !stopped,
        "completed" => one.is_complete(),
        "stopped" | "paused" => stopped,
        "running" | "resumed" => !stopped,
        "active" => moves,
        "inactive" => !moves,
        "stalled" => state.starts_with("stalled"),
        "stalled_uploading" => state == "stalledUP",
        "stalled_downloading" => state == "stalledDL",
        "checking" => state.starts_with("checking"),
        "moving" => state == "moving",
        "errored" => state == "error",
        _ => true,
    }
}

/// Carries `torrents/properties` out.
pub(super) async fn properties(daemon: &Daemon, form: &Form) -> Outcome {
    let one = one(daemon, form).await?;
    Ok(Done::Json(torrent::properties(&one, &one.facts())))
}

/// Carries `torrents/files` out; with `indexes`, of those alone.
pub(super) async fn files(daemon: &Daemon, form: &Form) -> Outcome {
    let one = one(daemon, form).await?;
    let Some(parts) = daemon.parts(std::slice::from_ref(&one)).await?.pop().flatten() else {
        return Ok(Done::Json(json!([])));
    };
    let wanted: Vec<usize> = form.list("indexes", '|').iter().filter_map(|index| index.parse().ok()).collect();
    let (complete, availability) = (one.is_complete(), -1);
    let told = parts.files(&one).into_iter().enumerate().map(|(index, file)| {
        let priority = match file.priority {
            Priority::Skip => 0,
            Priority::Normal => 1,
            Priority::High => 6,
        };
        let progress = if file.size == 0 { 1.0 } else { file.have as f64 / file.size as f64 };
        json!({
            "index": index, "name": parts.path(&one, &file), "size": file.size, "progress": progress, "priority": priority,
            "is_seed": complete, "piece_range": [file.pieces.0, file.pieces.1.saturating_sub(1)], "availability": availability,
        })
    });
    let chosen =
        told.enumerate().filter(|(index, _)| wanted.is_empty() || wanted.contains(index)).map(|(_, file)| file);
    Ok(Done::Json(chosen.collect()))
}

/// Carries `torrents/pieceStates` out: 0 is missing, 2 is there.
pub(super) async fn pieces(daemon: &Daemon, form: &Form) -> Outcome {
    let one = one(daemon, form).await?;
    let told = match daemon.parts(std::slice::from_ref(&one)).await?.pop().flatten() {
        Some(Parts { pieces, .. }) => (0..pieces.count).map(|piece| if pieces.has(piece) { 2 } else { 0 }).collect(),
        None => Vec::<u8>::new(),
    };
    Ok(Done::Json(json!(told)))
}

/// Carries `torrents/export` out: the .torrent as it came.
pub(super) async fn export(daemon: &Daemon, form: &Form) -> Outcome {
    let (one, kept) = (one(daemon, form).await?, daemon.clone());
    let file = spawn_blocking(move || kept.file(one.hash)).await.map_err(Refused::conflict)?;
    file.map(Done::Torrent).ok_or_else(|| Refused::conflict("it came by a link: there is no .torrent of it"))
}

/// Carries `torrents/pieceHashes` out: none where a torrent has none of that kind.
pub(super) async fn piece_hashes(daemon: &Daemon, form: &Form) -> Outcome {
    let one = one(daemon, form).await?;
    let Some(info) = daemon.info(one.hash).await? else { return Ok(Done::Json(json!([]))) };
    let hash = |piece| match info.piece_hash(piece) {
        Some(PieceHash::Sha1(hash)) => Some(Value::from(InfoHash(hash).to_string())),
        _ => None,
    };
    Ok(Done::Json((0..info.piece_count()).filter_map(hash).collect()))
}

/// Carries `torrents/trackers` out.
pub(super) async fn trackers(daemon: &Daemon, form: &Form, secrets: bool) -> Outcome {
    let one = one(daemon, form).await?;
    Ok(Done::Json(trackers_of(&one, &one.facts(), secrets)))
}

/// Each tracker, by tier.
fn trackers_of(one: &Standing, facts: &Facts, secrets: bool) -> Value {
    let known = one.figures.as_ref().map_or(&[][..], |figures| &figures.trackers);
    let each = facts.trackers.iter().enumerate().flat_map(|(tier, urls)| urls.iter().map(move |url| (tier, url)));
    let told = each.map(|(tier, url)| {
        let known = known.iter().find(|tracker| tracker.url.reveal() == url);
        let last = known.and_then(|tracker| tracker.last.as_ref());
        let (status, peers, message) = match last {
            None => (NOT_ASKED, -1, String::new()),
            Some(Ok(peers)) => (WORKING, i64::from(*peers), String::new()),
            Some(Err(why)) => (NOT_WORKING, -1, why.clone()),
        };
        let (seeds, downloaders) = known
            .and_then(|tracker| tracker.swarm)
            .map_or((-1, -1), |(seeds, downloaders)| (i64::from(seeds), i64::from(downloaders)));
        json!({
            "url": torrent::shown(&AnnounceUrl::of_user(url.as_str()), secrets), "tier": tier, "status": status,
            "num_peers": peers, "num_seeds": seeds, "num_leeches": downloaders, "num_downloaded": -1, "msg": message,
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_count_from_either_end() {
        let list: Vec<Value> = (0..5).map(Value::from).collect();
        let of = |offset, limit| window(&list, offset, limit).iter().filter_map(Value::as_i64).collect::<Vec<_>>();
        assert_eq!((of(0, -1), of(3, 0), of(1, 2)), (vec![0, 1, 2, 3, 4], vec![3, 4], vec![1, 2]));
        assert_eq!((of(-2, -1), of(9, 1), of(i64::MIN, 1)), (vec![3, 4], vec![], vec![0]));
    }

    #[test]
    fn values_of_one_kind_are_ordered() {
        assert_eq!(order(&json!("a"), &json!("b")), Ordering::Less);
        assert_eq!(order(&json!(2), &json!(1.5)), Ordering::Greater);
        assert_eq!(order(&json!(null), &json!(0)), Ordering::Equal);
        assert_eq!(order(&json!(false), &json!(true)), Ordering::Less);
    }
}
