//! The fields of a torrent as Transmission tells them (rpc-spec of 4.0.6 and 4.1, `torrent-get`): which there are, what each costs, where it comes from.
//!
//! What this program does not know is told as the value that means unknown there (0, -1, an empty text); `docs/api.md` names these.
use super::nested;
use crate::details::FileTold;
use crate::facts::Facts;
use crate::goals::{Part, Parts as Goals, ratio};
use crate::standing::{Ask, Parts, Standing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use teem_client::Torrent;
use teem_client::event::State;
use teem_client::metainfo::{Magnet, TorrentKey};
use teem_client::policy::Goal;

/// Bytes of a kilobyte, as rates and sizes are told (`units`).
pub(super) const KILO: u64 = 1000;

/// Peers that one torrent has at most.
pub(super) const PEERS_MAX: u64 = 80;

/// Whose a limit of seeding is: the session's, the torrent's own, nobody's.
const OF_SESSION: u8 = 0;
const OF_ITS_OWN: u8 = 1;
const NOBODYS: u8 = 2;

/// An error of this machine's.
const LOCAL_ERROR: u8 = 3;

/// Not now, and not known (`eta`).
const NONE: i64 = -1;
const UNKNOWN: i64 = -2;

/// What a field takes to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Needs {
    /// What is kept and what is true of it.
    Nothing,
    /// What the engine says of those that have peers or are being looked at.
    Busy,
    /// What stands in the .torrent or the link.
    Facts,
    /// The same, and what the engine says of the trackers of all.
    Trackers,
    /// The metadata, and which pieces are there: a turn of the engine's for each torrent that has some and not all.
    Pieces,
    /// The same, and what follows for each file.
    Files,
}

impl Needs {
    pub(super) fn ask(self) -> Ask {
        match self {
            Self::Busy => Ask::Busy,
            Self::Trackers => Ask::All,
            _ => Ask::Nothing,
        }
    }

    pub(super) fn pieces(self) -> bool {
        matches!(self, Self::Pieces | Self::Files)
    }

    pub(super) fn facts(self) -> bool {
        matches!(self, Self::Facts | Self::Trackers)
    }
}

/// A torrent that is looked at.
pub(super) struct Look<'a> {
    pub(super) number: u64,
    /// From 0, in the order of the queue.
    pub(super) place: usize,
    pub(super) standing: &'a Standing,
    pub(super) facts: &'a Facts,
    pub(super) parts: Option<&'a Parts>,
    pub(super) files: &'a [FileTold],
    /// Whether truths in lists are numbers, as in the legacy dialect.
    pub(super) numbers: bool,
    /// What the rules say of all.
    pub(super) goal: Goal,
    /// Whether passkeys of trackers are told.
    pub(super) secrets: bool,
}

/// A field: its name as written inside.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    pub(super) of: fn(&Look<'_>) -> Value,
}

/// The field of a name that is written as inside.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

const fn plain(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Nothing, of }
}

const fn busy(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Busy, of }
}

const fn fact(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Facts, of }
}

const fn of_files(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Files, of }
}

/// All of them, by name.
static FIELDS: &[Field] = &[
    plain("activity_date", |t| t.standing.told.moved.unwrap_or(0).into()),
    plain("added_date", |t| t.standing.row.added.into()),
    plain("bandwidth_priority", |_| 0.into()),
    fact("comment", |t| t.facts.comment.as_str().into()),
    plain("corrupt_ever", |_| 0.into()),
    fact("creator", |t| t.facts.creator.as_str().into()),
    fact("date_created", |t| t.facts.created.into()),
    plain("desired_available", |t| if t.standing.told.seeds > 0 { t.standing.left().into() } else { 0.into() }),
    plain("done_date", |t| t.standing.told.completed.unwrap_or(0).into()),
    plain("download_dir", |t| t.standing.told.folder.as_str().into()),
    plain("download_limit", |t| (t.standing.row.down.unwrap_or(0) / KILO).into()),
    plain("download_limited", |t| t.standing.row.down.is_some().into()),
    plain("downloaded_ever", |t| t.standing.told.downloaded_total.into()),
    plain("edit_date", |_| 0.into()),
    plain("error", |t| if t.standing.told.error.is_some() { LOCAL_ERROR.into() } else { 0.into() }),
    plain("error_string", |t| t.standing.told.error.as_deref().unwrap_or_default().into()),
    plain("eta", |t| eta(t).into()),
    plain("eta_idle", |_| NONE.into()),
    plain("file_count", |t| t.standing.about().map_or(0, |about| about.files).into()),
    of_files("file_stats", |t| nested::file_stats(t.files)),
    of_files("files", |t| nested::files(t.standing, t.parts, t.files)),
    plain("group", |_| "".into()),
    plain("hash_string", |t| t.standing.hash.to_string().into()),
    plain("have_unchecked", |_| 0.into()),
    plain("have_valid", |t| t.standing.told.have.into()),
    plain("honors_session_limits", |_| true.into()),
    plain("id", |t| t.number.into()),
    plain("is_finished", |t| t.standing.row.course.ended.into()),
    plain("is_private", |t| t.standing.about().is_some_and(|about| about.private).into()),
    plain("is_stalled", |_| false.into()),
    plain("labels", |t| t.standing.row.labels.iter().cloned().collect()),
    plain("left_until_done", |t| t.standing.left().into()),
    plain("magnet_link", |t| magnet(t.standing).into()),
    plain("manual_announce_time", |_| NONE.into()),
    plain("max_connected_peers", |_| PEERS_MAX.into()),
    busy("metadata_percent_complete", |t| metadata(t).into()),
    plain("name", |t| t.standing.told.name.as_str().into()),
    plain("peer_limit", |_| PEERS_MAX.into()),
    busy("peers", |t| nested::peers(t.standing)),
    plain("peers_connected", |t| (t.standing.told.seeds + t.standing.told.downloaders).into()),
    plain("peers_from", |_| nested::peers_from()),
    busy("peers_getting_from_us", |t| t.standing.peers().iter().filter(|peer| peer.up_rate > 0).count().into()),
    busy("peers_sending_to_us", |t| t.standing.peers().iter().filter(|peer| peer.down_rate > 0).count().into()),
    plain("percent_complete", |t| share(t.standing.told.have, t.standing.told.size.unwrap_or(0)).into()),
    plain("percent_done", |t| t.standing.told.progress.unwrap_or(0.0).into()),
    plain("piece_count", |t| t.standing.about().map_or(0, |about| about.pieces).into()),
    plain("piece_size", |t| t.standing.about().map_or(0, |about| about.piece_length).into()),
    Field {
        name: "pieces",
        needs: Needs::Pieces,
        of: |t| STANDARD.encode(t.parts.map_or(&[][..], |parts| &parts.pieces.verified)).into(),
    },
    plain("primary_mime_type", |_| "application/octet-stream".into()),
    of_files("priorities", |t| nested::priorities(t.files)),
    plain("queue_position", |t| t.place.into()),
    plain("rate_download", |t| t.standing.told.down_rate.into()),
    plain("rate_upload", |t| t.standing.told.up_rate.into()),
    busy("recheck_progress", |t| rechecked(t).into()),
    plain("seconds_downloading", |t| t.standing.told.active_time.saturating_sub(t.standing.told.seeding_time).into()),
    plain("seconds_seeding", |t| t.standing.told.seeding_time.into()),
    plain("seed_idle_limit", |t| (limit(own(t).idle, t.goal.idle_s) / 60).into()),
    plain("seed_idle_mode", |t| mode(own(t).idle).into()),
    plain("seed_ratio_limit", |t| ratio(limit(own(t).ratio, t.goal.ratio)).into()),
    plain("seed_ratio_mode", |t| mode(own(t).ratio).into()),
    plain("sequential_download", |_| false.into()),
    plain("size_when_done", |t| t.standing.told.wanted.into()),
    plain("start_date", |_| 0.into()),
    plain("status", |t| status(t.standing).into()),
    // There is no such file; some make a URL of its path, which has to be absolute.
    plain("torrent_file", |t| format!("/{}.torrent", t.standing.hash).into()),
    plain("total_size", |t| t.standing.told.size.unwrap_or(0).into()),
    fact("tracker_list", |t| nested::tracker_list(t.facts, t.secrets)),
    Field {
        name: "tracker_stats",
        needs: Needs::Trackers,
        of: |t| nested::tracker_stats(t.standing, t.facts, t.secrets),
    },
    fact("trackers", |t| nested::trackers(t.facts, t.secrets)),
    plain("upload_limit", |t| (t.standing.row.up.unwrap_or(0) / KILO).into()),
    plain("upload_limited", |t| t.standing.row.up.is_some().into()),
    plain("upload_ratio", |t| t.standing.told.ratio.unwrap_or(NONE as f64).into()),
    plain("uploaded_ever", |t| t.standing.told.uploaded_total.into()),
    of_files("wanted", |t| nested::wanted(t.files, t.numbers)),
    plain("webseeds", |_| json!([])),
    plain("webseeds_sending_to_us", |_| 0.into()),
];

fn own(t: &Look<'_>) -> Goals {
    Goals::of(t.standing.row.course.until)
}

fn mode(part: Part) -> u8 {
    match part {
        Part::OfRules => OF_SESSION,
        Part::Own(_) => OF_ITS_OWN,
        Part::Never => NOBODYS,
    }
}

/// The limit of its own, or that of all.
fn limit(part: Part, of_all: Option<u64>) -> u64 {
    if let Part::Own(limit) = part { limit } else { of_all.unwrap_or(0) }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn metadata(t: &Look<'_>) -> f64 {
    if t.standing.about().is_some() {
        return 1.0;
    }
    let (have, of) = t.standing.figure(|f| f.metadata);
    share(have.into(), of.into())
}

fn rechecked(t: &Look<'_>) -> f64 {
    if t.standing.state() != State::Checking {
        return 0.0;
    }
    let (checked, of) = t.standing.figure(|f| f.checked);
    share(checked.into(), of.into())
}

fn eta(t: &Look<'_>) -> i64 {
    match t.standing.state() {
        State::Paused | State::Failed | State::Stopping => NONE,
        _ if t.standing.is_complete() => NONE,
        _ => t.standing.told.eta.map_or(UNKNOWN, |seconds| i64::try_from(seconds).unwrap_or(UNKNOWN)),
    }
}

fn status(standing: &Standing) -> u8 {
    match standing.state() {
        State::Paused if standing.told.state == "queued" => {
            if standing.is_complete() {
                5
            } else {
                3
            }
        }
        State::Paused | State::Failed | State::Stopping => 0,
        State::Checking => 2,
        // One that is still to be moved is not done: programs would look for it where it will be.
        State::Seeding if standing.row.goes_to.is_some() => 4,
        State::Seeding => 6,
        State::DiskTrouble if standing.is_complete() => 6,
        _ => 4,
    }
}

/// A link to the torrent itself; its trackers' URLs may hold passkeys and are left out.
fn magnet(standing: &Standing) -> String {
    let key = standing.torrent.as_ref().map_or_else(|_| TorrentKey::from(standing.hash), Torrent::key);
    let name = Some(standing.told.name.clone()).filter(|name| *name != standing.told.infohash);
    Magnet { name, ..Magnet::from(key) }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_order_and_found() {
        assert!(FIELDS.is_sorted_by_key(|field| field.name));
        for field_ in FIELDS {
            assert_eq!(field(field_.name).map(|found| found.name), Some(field_.name));
        }
        assert!(field("nothing").is_none());
    }
}
