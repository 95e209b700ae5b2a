//! A torrent as qBittorrent tells it (its Web API 2.11.4, `torrents/info`, `sync/maindata`, `torrents/properties`).
//!
//! What this program does not know is told as the value that means unknown or unlimited there; `docs/api.md` names these.
use super::sharing;
use crate::facts::Facts;
use crate::label::{Labels, category};
use crate::standing::Standing;
use serde_json::{Value, json};
use teem_client::event::State;
use teem_client::metainfo::{Magnet, TorrentKey};
use teem_client::policy::Goal;
use teem_client::{AnnounceUrl, Torrent};

/// Seconds until it is complete where nobody knows: a hundred days.
const ETA_UNKNOWN: u64 = 8_640_000;

/// What there is none of, and a moment that nobody knows.
const NONE: i64 = -1;

/// The greatest ratio that is told.
const RATIO_MAX: f64 = 9999.0;

/// What a torrent does, in qBittorrent's words of 5.1.
pub(super) fn state(one: &Standing) -> &'static str {
    let (up, complete) = (one.told.up_rate > 0, one.is_complete());
    match one.state() {
        State::Failed => "error",
        _ if one.told.error.is_some() => "error",
        State::Paused if one.told.state == "queued" => {
            if complete {
                "queuedUP"
            } else {
                "queuedDL"
            }
        }
        State::Paused | State::Stopping if complete => "stoppedUP",
        State::Paused | State::Stopping => "stoppedDL",
        State::Metadata | State::Choosing => "metaDL",
        _ if one.told.state == "moving" => "moving",
        State::Placing => "checkingResumeData",
        State::Checking => "checkingDL",
        _ if complete => {
            if up {
                "uploading"
            } else {
                "stalledUP"
            }
        }
        _ if one.told.forced => "forcedDL",
        _ if one.told.down_rate > 0 => "downloading",
        _ => "stalledDL",
    }
}

/// What was sent for each byte received, or for each that is there where none was.
pub(super) fn ratio(one: &Standing) -> f64 {
    one.told.ratio.unwrap_or(0.0).min(RATIO_MAX)
}

pub(super) fn eta(one: &Standing) -> u64 {
    one.told.eta.unwrap_or(ETA_UNKNOWN).min(ETA_UNKNOWN)
}

fn key(one: &Standing) -> TorrentKey {
    one.torrent.as_ref().map_or_else(|_| TorrentKey::from(one.hash), Torrent::key)
}

/// Seeds and downloaders that its trackers have told of; unknown where none has.
fn swarm(one: &Standing) -> (i64, i64) {
    let told = one.figures.as_ref().map_or(&[][..], |figures| &figures.trackers).iter().filter_map(|t| t.swarm);
    let most = told.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)));
    most.map_or((NONE, NONE), |(seeds, downloaders)| (seeds.into(), downloaders.into()))
}

/// The tags: labels that are no category.
pub(super) fn tags(one: &Standing, labels: &Labels) -> String {
    let category = category(labels, &one.row.labels);
    let tags = one.row.labels.iter().filter(|label| Some(label.as_str()) != category);
    tags.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Where its content lies: the one file, or the folder of many.
pub(super) fn content_path(one: &Standing) -> String {
    one.row.folder.join(&one.told.name).to_string_lossy().into_owned()
}

fn root_path(one: &Standing) -> String {
    if one.about().is_some_and(|about| about.files > 1) { content_path(one) } else { String::new() }
}

/// Its first tracker.
fn tracker(facts: &Facts, secrets: bool) -> String {
    let first = facts.trackers.iter().flatten().next();
    first.map_or_else(String::new, |url| shown(&AnnounceUrl::of_user(url.as_str()), secrets))
}

/// A tracker's URL as those may see it who may not change torrents: it may hold a passkey.
pub(super) fn shown(url: &AnnounceUrl, secrets: bool) -> String {
    if secrets { url.reveal().to_owned() } else { url.shown() }
}

/// What entries are told by.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) labels: &'a Labels,
    /// What the rules say of all.
    pub(super) goal: Goal,
    /// Whether passkeys of trackers are told.
    pub(super) secrets: bool,
}

/// A whole entry of `torrents/info`.
pub(super) fn told(one: &Standing, facts: &Facts, told: &Context<'_>) -> Value {
    let Context { labels, goal, secrets } = *told;
    let (num_complete, num_incomplete) = swarm(one);
    let trackers: usize = facts.trackers.iter().map(Vec::len).sum();
    let moment = |at: Option<u64>| at.and_then(|at| i64::try_from(at).ok()).unwrap_or(NONE);
    let key = key(one);
    let mut told = json!({
        "hash": one.told.infohash,
        "infohash_v1": key.v1().map(|hash| hash.to_string()).unwrap_or_default(),
        "infohash_v2": key.v2().map(|hash| hash.to_string()).unwrap_or_default(),
        "name": one.told.name,
        "magnet_uri": Magnet { name: Some(one.told.name.clone()), ..Magnet::from(key) }.to_string(),
        "size": one.told.wanted,
        "total_size": one.told.size.unwrap_or(0),
        "progress": one.told.progress.unwrap_or(0.0),
        "dlspeed": one.told.down_rate,
        "upspeed": one.told.up_rate,
        "num_seeds": one.told.seeds,
        "num_complete": num_complete,
        "num_leechs": one.told.downloaders,
        "num_incomplete": num_incomplete,
        "ratio": ratio(one),
        "eta": eta(one),
        "state": state(one),
        "category": category(labels, &one.row.labels).unwrap_or_default(),
        "tags": tags(one, labels),
        "save_path": one.told.folder,
        "download_path": one.told.incomplete.as_deref().unwrap_or_default(),
        "content_path": content_path(one),
        "root_path": root_path(one),
        "added_on": one.row.added,
        "tracker": tracker(facts, secrets),
        "trackers_count": trackers,
        "dl_limit": one.row.down.unwrap_or(0),
        "up_limit": one.row.up.unwrap_or(0),
        "downloaded": one.told.downloaded_total,
        "uploaded": one.told.uploaded_total,
        "downloaded_session": one.told.downloaded,
        "uploaded_session": one.told.uploaded,
        "amount_left": one.left(),
        "completed": one.told.have,
        "last_activity": moment(one.told.moved),
        "completion_on": moment(one.told.completed),
        "time_active": one.told.active_time,
        "seeding_time": one.told.seeding_time,
        "force_start": one.told.forced,
        "private": one.about().map(|about| about.private),
        "has_metadata": one.about().is_some(),
        "comment": facts.comment,
        "total_wasted": one.figure(|f| f.wasted),
    });
    for rest in [sharing::told(one, goal), not_here()] {
        if let (Value::Object(told), Value::Object(rest)) = (&mut told, rest) {
            told.extend(rest);
        }
    }
    told
}

/// What this program does not have or does not know, as those tell it who have it and do not use it.
fn not_here() -> Value {
    json!({
        "auto_tmm": false,
        "availability": -1,
        "f_l_piece_prio": false,
        "popularity": 0,
        "priority": 0,
        "reannounce": 0,
        "seen_complete": NONE,
        "seq_dl": false,
        "super_seeding": false,
    })
}

/// An answer of `torrents/properties`.
pub(super) fn properties(one: &Standing, facts: &Facts) -> Value {
    let (about, told) = (one.about(), &one.told);
    let (seeds_total, peers_total) = swarm(one);
    let limit = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(NONE);
    json!({
        "hash": told.infohash, "infohash_v1": key(one).v1().map(|hash| hash.to_string()).unwrap_or_default(),
        "infohash_v2": key(one).v2().map(|hash| hash.to_string()).unwrap_or_default(), "name": told.name,
        "addition_date": told.added, "completion_date": limit(told.completed), "creation_date": facts.created,
        "comment": facts.comment, "created_by": facts.creator,
        "dl_limit": limit(told.down_limit), "up_limit": limit(told.up_limit),
        "dl_speed": told.down_rate, "up_speed": told.up_rate,
        "dl_speed_avg": 0, "up_speed_avg": 0, "download_path": told.incomplete.as_deref().unwrap_or_default(), "eta": eta(one),
        "has_metadata": about.is_some(), "is_private": about.is_some_and(|about| about.private),
        "private": about.map(|about| about.private),
        "last_seen": NONE, "nb_connections": told.seeds + told.downloaders, "nb_connections_limit": NONE,
        "peers": told.downloaders, "peers_total": peers_total, "seeds": told.seeds, "seeds_total": seeds_total,
        "piece_size": about.map_or(NONE, |about| about.piece_length.into()), "popularity": 0,
        "pieces_have": one.figure(|f| f.pieces), "pieces_num": about.map_or(NONE, |about| about.pieces.into()),
        "progress": told.progress.unwrap_or(0.0), "reannounce": 0, "save_path": told.folder,
        "seeding_time": told.seeding_time, "share_ratio": ratio(one), "time_elapsed": told.active_time,
        "total_downloaded": told.downloaded_total, "total_downloaded_session": told.downloaded,
        "total_size": told.size.unwrap_or(0), "total_uploaded": told.uploaded_total,
        "total_uploaded_session": told.uploaded, "total_wasted": one.figure(|f| f.wasted),
    })
}
