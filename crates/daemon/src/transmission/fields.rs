//! The fields of a torrent as Transmission tells them (rpc-spec of 4.0.6 and 4.1, `torrent-get`): which there are, what each costs, where it comes from.
//!
//! What this program does not know is told as the value that means unknown there (0, -1, an empty text); `docs/api.md` names these.
use super::nested;
use crate::daemon::now;
use crate::standing::{Facts, Standing};
use serde_json::{Value, json};
use teem_client::Torrent;
use teem_client::event::State;
use teem_client::metainfo::{Magnet, TorrentKey};

/// Bytes of a kilobyte, as rates and sizes are told (`units`).
pub(super) const KILO: u64 = 1000;

/// Peers that one torrent has at most.
pub(super) const PEERS_MAX: u64 = 80;

/// A truth that is left to the session.
const OF_SESSION: u8 = 0;

/// Not now, and not known (`eta`).
const NONE: i64 = -1;
const UNKNOWN: i64 = -2;

/// What a field takes to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Needs {
    /// What is kept and what is true of it.
    Nothing,
    /// A turn of the engine's.
    Figures,
    /// What stands in the .torrent or the link.
    Facts,
    /// Both figures and the .torrent.
    All,
}

impl Needs {
    pub(super) fn figures(self) -> bool {
        matches!(self, Self::Figures | Self::All)
    }

    pub(super) fn facts(self) -> bool {
        matches!(self, Self::Facts | Self::All)
    }
}

/// A torrent that is looked at.
pub(super) struct Look<'a> {
    pub(super) number: u64,
    /// From 0, in the order of the queue.
    pub(super) place: usize,
    pub(super) standing: &'a Standing,
    pub(super) facts: &'a Facts,
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

const fn figure(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Figures, of }
}

const fn fact(name: &'static str, of: fn(&Look<'_>) -> Value) -> Field {
    Field { name, needs: Needs::Facts, of }
}

/// All of them, by name.
static FIELDS: &[Field] = &[
    figure("activity_date", |t| if moves(t) { now().into() } else { 0.into() }),
    plain("added_date", |t| t.standing.row.added.into()),
    plain("bandwidth_priority", |_| 0.into()),
    fact("comment", |t| t.facts.comment.as_str().into()),
    figure("corrupt_ever", |t| t.standing.figure(|f| f.wasted).into()),
    fact("creator", |t| t.facts.creator.as_str().into()),
    fact("date_created", |t| t.facts.created.into()),
    figure(
        "desired_available",
        |t| if t.standing.figure(|f| f.seeds) > 0 { t.standing.left().into() } else { 0.into() },
    ),
    plain("done_date", |_| 0.into()),
    plain("download_dir", |t| t.standing.folder().into()),
    plain("download_limit", |t| (t.standing.row.down.unwrap_or(0) / KILO).into()),
    plain("download_limited", |t| t.standing.row.down.is_some().into()),
    figure("downloaded_ever", |t| t.standing.figure(|f| f.downloaded).into()),
    plain("edit_date", |_| 0.into()),
    figure("error", |t| error(t).0.into()),
    figure("error_string", |t| error(t).1.into()),
    figure("eta", |t| eta(t).into()),
    plain("eta_idle", |_| NONE.into()),
    plain("file_count", |t| t.standing.about().map_or(0, |about| about.files).into()),
    plain("group", |_| "".into()),
    plain("hash_string", |t| t.standing.hash.to_string().into()),
    plain("have_unchecked", |_| 0.into()),
    figure("have_valid", |t| t.standing.figure(|f| f.have).into()),
    plain("honors_session_limits", |_| true.into()),
    plain("id", |t| t.number.into()),
    plain("is_finished", |_| false.into()),
    plain("is_private", |t| t.standing.about().is_some_and(|about| about.private).into()),
    plain("is_stalled", |_| false.into()),
    plain("labels", |t| t.standing.row.labels.iter().cloned().collect()),
    figure("left_until_done", |t| t.standing.left().into()),
    plain("magnet_link", |t| magnet(t.standing).into()),
    plain("manual_announce_time", |_| NONE.into()),
    plain("max_connected_peers", |_| PEERS_MAX.into()),
    figure("metadata_percent_complete", |t| metadata(t).into()),
    plain("name", |t| t.standing.name().into()),
    plain("peer_limit", |_| PEERS_MAX.into()),
    figure("peers", |t| nested::peers(t.standing)),
    figure("peers_connected", |t| t.standing.figure(|f| f.seeds + f.downloaders).into()),
    plain("peers_from", |_| nested::peers_from()),
    figure("peers_getting_from_us", |t| t.standing.peers().iter().filter(|peer| peer.up_rate > 0).count().into()),
    figure("peers_sending_to_us", |t| t.standing.peers().iter().filter(|peer| peer.down_rate > 0).count().into()),
    figure("percent_complete", |t| share(t.standing.figure(|f| f.have), t.standing.size()).into()),
    figure("percent_done", |t| done(t).into()),
    plain("piece_count", |t| t.standing.about().map_or(0, |about| about.pieces).into()),
    plain("piece_size", |t| t.standing.about().map_or(0, |about| about.piece_length).into()),
    plain("primary_mime_type", |_| "application/octet-stream".into()),
    plain("queue_position", |t| t.place.into()),
    figure("rate_download", |t| t.standing.figure(|f| f.down_rate).into()),
    figure("rate_upload", |t| t.standing.figure(|f| f.up_rate).into()),
    figure("recheck_progress", |t| rechecked(t).into()),
    plain("seconds_downloading", |_| 0.into()),
    plain("seconds_seeding", |_| 0.into()),
    plain("seed_idle_limit", |_| 0.into()),
    plain("seed_idle_mode", |_| OF_SESSION.into()),
    plain("seed_ratio_limit", |_| 0.0.into()),
    plain("seed_ratio_mode", |_| OF_SESSION.into()),
    plain("sequential_download", |_| false.into()),
    figure("size_when_done", |t| t.standing.wanted().into()),
    plain("start_date", |_| 0.into()),
    plain("status", |t| status(t.standing).into()),
    plain("torrent_file", |_| "".into()),
    plain("total_size", |t| t.standing.size().into()),
    fact("tracker_list", |t| nested::tracker_list(t.facts, t.secrets)),
    Field { name: "tracker_stats", needs: Needs::All, of: |t| nested::tracker_stats(t.standing, t.facts, t.secrets) },
    fact("trackers", |t| nested::trackers(t.facts, t.secrets)),
    plain("upload_limit", |t| (t.standing.row.up.unwrap_or(0) / KILO).into()),
    plain("upload_limited", |t| t.standing.row.up.is_some().into()),
    figure("upload_ratio", |t| ratio(t).into()),
    figure("uploaded_ever", |t| t.standing.figure(|f| f.uploaded).into()),
    plain("webseeds", |_| json!([])),
    plain("webseeds_sending_to_us", |_| 0.into()),
];

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn moves(t: &Look<'_>) -> bool {
    t.standing.figure(|f| f.up_rate + f.down_rate) > 0
}

fn done(t: &Look<'_>) -> f64 {
    if t.standing.is_complete() { 1.0 } else { t.standing.figure(|f| share(f.have, f.wanted)) }
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

/// What was sent for each byte received, or for each that is there where none was; unknown where nothing is.
fn ratio(t: &Look<'_>) -> f64 {
    t.standing.figure(|f| {
        let base = if f.downloaded > 0 { f.downloaded } else { f.have };
        if base == 0 { NONE as f64 } else { share(f.uploaded, base) }
    })
}

fn eta(t: &Look<'_>) -> i64 {
    match t.standing.state() {
        State::Paused | State::Failed | State::Stopping => NONE,
        _ if t.standing.is_complete() => NONE,
        _ => t.standing.eta().map_or(UNKNOWN, |seconds| i64::try_from(seconds).unwrap_or(UNKNOWN)),
    }
}

/// 3 is a local error, 2 one of all trackers.
fn error(t: &Look<'_>) -> (u8, String) {
    if let Some(why) = t.standing.trouble() {
        return (3, why);
    }
    let trackers = t.standing.figures.as_ref().map_or(&[][..], |figures| &figures.trackers);
    let mut failed = trackers.iter().map(|tracker| tracker.last.as_ref().and_then(|last| last.as_ref().err()));
    match failed.next() {
        Some(Some(first)) if failed.all(|failed| failed.is_some()) => (2, first.clone()),
        _ => (0, String::new()),
    }
}

fn status(standing: &Standing) -> u8 {
    match standing.state() {
        State::Paused | State::Failed | State::Stopping => 0,
        State::Checking => 2,
        State::Seeding => 6,
        State::DiskTrouble if standing.is_complete() => 6,
        _ => 4,
    }
}

/// A link to the torrent itself; its trackers' URLs may hold passkeys and are left out.
fn magnet(standing: &Standing) -> String {
    let key = standing.torrent.as_ref().map_or_else(|_| TorrentKey::from(standing.hash), Torrent::key);
    let name = Some(standing.name()).filter(|name| *name != standing.hash.to_string());
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
