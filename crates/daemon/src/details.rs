//! One torrent looked at closely (own design): its files, peers, trackers, pieces.
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::kept::Kept;
use crate::select::SelectError;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use teem_client::event::{PeerStats, Snapshot, TrackerStats};
use teem_client::metainfo::{Info, InfoHash};
use teem_client::{AnnounceUrl, Priority, Torrent};
use utoipa::ToSchema;

/// One file of a torrent; padding is none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = File)]
pub(crate) struct FileTold {
    /// Its place among all files of the torrent, padding counted, from 0.
    pub(crate) index: u32,
    /// Below the torrent's folder, or the name of the one file that there is; with slashes, and as it was renamed.
    pub(crate) path: String,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Bytes of it in verified pieces.
    pub(crate) have: u64,
    /// How much it is wanted: `skip`, `normal` or `first`.
    #[serde(serialize_with = "word")]
    #[schema(value_type = String)]
    pub(crate) priority: Priority,
    /// The number of the first piece with bytes of it, and one after the last.
    #[schema(value_type = [u32; 2])]
    pub(crate) pieces: (u32, u32),
}

/// One connected peer.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = Peer)]
pub(crate) struct PeerTold {
    /// Its address and port, or how a connection is called that has none.
    pub(crate) address: String,
    /// What it calls itself.
    pub(crate) client: String,
    /// `tcp` or `utp`; null where the connection was brought from outside.
    pub(crate) transport: Option<&'static str>,
    /// How the connection is encrypted: `none`, `handshake` (that alone) or `rc4`.
    pub(crate) encrypted: &'static str,
    /// Whether it came to us.
    pub(crate) incoming: bool,
    /// Whether a third's help led to it (BEP 55).
    pub(crate) punched: bool,
    /// What part of the pieces it has shown, from 0 to 1.
    pub(crate) progress: f64,
    /// Payload received from it, in bytes a second.
    pub(crate) down_rate: u64,
    /// Payload sent to it, in bytes a second.
    pub(crate) up_rate: u64,
    /// Bytes of payload received over this connection.
    pub(crate) downloaded: u64,
    /// Bytes of payload sent over this connection.
    pub(crate) uploaded: u64,
    /// Whether it has what we want.
    pub(crate) interesting: bool,
    /// Whether it keeps us from asking.
    pub(crate) choking_us: bool,
    /// Whether we have what it wants.
    pub(crate) interested: bool,
    /// Whether we keep it from asking.
    pub(crate) choked: bool,
}

/// A tracker, as its last answer left it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Tracker)]
pub(crate) struct TrackerTold {
    /// Its URL, without what in it may be a secret.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    pub(crate) url: AnnounceUrl,
    /// Its tier (BEP 12), from 0.
    pub(crate) tier: usize,
    /// Peers that its last answer gave; null where it has not answered, or badly.
    pub(crate) peers: Option<u32>,
    /// What went wrong, in a sentence; null where nothing did.
    pub(crate) error: Option<String>,
    /// Seeds of the swarm, as it said; null where it did not.
    pub(crate) seeds: Option<u32>,
    /// Downloaders of the swarm, as it said; null where it did not.
    pub(crate) downloaders: Option<u32>,
    /// Seconds since its last good answer; null where there was none.
    pub(crate) answered: Option<u64>,
    /// Seconds until it may be asked again; null where that is not known.
    pub(crate) next: Option<u64>,
}

/// What is there of a torrent's content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pieces {
    /// Bytes of a piece, and how many there are.
    pub(crate) size: u32,
    pub(crate) count: u32,
    /// The verified ones as a bitfield of the wire (BEP 3): the first piece in the highest bit.
    pub(crate) verified: Vec<u8>,
}

impl Pieces {
    /// Whether a piece is verified.
    pub(crate) fn has(&self, piece: u32) -> bool {
        self.verified.get(piece as usize / 8).is_some_and(|byte| byte & (0x80 >> (piece % 8)) != 0)
    }

    /// Those of a torrent that is not at work: all where nothing is missing.
    pub(crate) fn at_rest(info: &Info, all: bool) -> Self {
        let count = info.piece_count();
        let mut verified = vec![if all { 0xff } else { 0 }; count.div_ceil(8) as usize];
        if let Some(last) = verified.last_mut().filter(|_| all && !count.is_multiple_of(8)) {
            *last = 0xff << (8 - count % 8);
        }
        Self { size: info.piece_length(), count, verified }
    }
}

/// The metadata of a torrent, once known; that of one that rests is read again.
pub(crate) async fn known(torrent: &Torrent) -> Result<Option<Arc<Info>>, Failed> {
    let status = torrent.status();
    if status.rests { torrent.metadata().await.map(Some).map_err(Failed::Ended) } else { Ok(status.info) }
}

impl Daemon {
    /// The files of a torrent, in their order; none while the metadata is missing.
    pub(crate) async fn files(&self, hash: InfoHash) -> Result<Vec<FileTold>, Failed> {
        let Some(info) = self.info(hash).await? else { return Ok(Vec::new()) };
        let Some(pieces) = self.pieces(hash).await? else { return Ok(Vec::new()) };
        let (choice, names) = self.of(hash, |kept| (kept.row.choice(), kept.row.names.clone()))?;
        let files = tokio::task::spawn_blocking(move || {
            // A choice that fits none of the files was not followed.
            let selection = choice.of(&info).unwrap_or_default();
            files(&info, &pieces, &names, |file| selection.file(file))
        });
        files.await.map_err(|e| Failed::Wish(e.to_string()))
    }

    /// The connected peers of a torrent, at most 100.
    pub(crate) async fn peers(&self, hash: InfoHash) -> Result<Vec<PeerTold>, Failed> {
        let Some(figures) = self.figures(hash).await? else { return Ok(Vec::new()) };
        let all = self.info(hash).await?.map_or(0, |info| info.piece_count());
        Ok(figures.peers.iter().map(|peer| peer_told(peer, all)).collect())
    }

    /// The trackers of a torrent, in the order in which they are tried.
    pub(crate) async fn trackers(&self, hash: InfoHash) -> Result<Vec<TrackerTold>, Failed> {
        let figures = self.figures(hash).await?;
        Ok(figures.map(|figures| figures.trackers.into_iter().map(tracker_told).collect()).unwrap_or_default())
    }

    /// Which pieces of a torrent are there; `None` while the metadata is missing. Of one that is not at work and not complete none are told.
    pub(crate) async fn pieces(&self, hash: InfoHash) -> Result<Option<Pieces>, Failed> {
        let Some(info) = self.info(hash).await? else { return Ok(None) };
        let Ok(torrent) = self.handle(hash)? else { return Ok(Some(Pieces::at_rest(&info, false))) };
        let verified = torrent.verified().await.map_err(Failed::Ended)?;
        if !verified.is_empty() {
            let (size, count) = (info.piece_length(), info.piece_count());
            return Ok(Some(Pieces { size, count, verified: verified.into_vec() }));
        }
        let whole = torrent.status().complete.is_some() && self.of(hash, |kept| kept.row.choice())?.is_all();
        Ok(Some(Pieces::at_rest(&info, whole)))
    }

    /// The metadata of a torrent, once known; that of one that rests is read again.
    pub(crate) async fn info(&self, hash: InfoHash) -> Result<Option<Arc<Info>>, Failed> {
        let of = |kept: &Kept| match &kept.torrent {
            Ok(torrent) => Ok(torrent.clone()),
            Err(_) => Err(Box::new(kept.row.clone())),
        };
        match self.of(hash, of)? {
            Ok(torrent) => known(&torrent).await,
            Err(row) => Ok(self.source(hash, &row).and_then(|source| source.info)),
        }
    }

    /// The figures of a torrent with its peers and trackers; `None` of one that could not be begun.
    pub(crate) async fn figures(&self, hash: InfoHash) -> Result<Option<Snapshot>, Failed> {
        match self.handle(hash)? {
            Ok(torrent) => torrent.snapshot().await.map(Some).map_err(Failed::Ended),
            Err(_) => Ok(None),
        }
    }

    fn handle(&self, hash: InfoHash) -> Result<Result<Torrent, String>, Failed> {
        self.of(hash, |kept| kept.torrent.clone())
    }

    fn of<T>(&self, hash: InfoHash, ask: impl FnOnce(&Kept) -> T) -> Result<T, Failed> {
        let unknown = || Failed::Select(SelectError::Nothing(hash.to_string()));
        self.torrents().get(&hash).map(|kept| ask(kept)).ok_or_else(unknown)
    }
}

/// All files but padding, by the names that they go by. Takes time in proportion to files and pieces.
pub(crate) fn files(
    info: &Info,
    pieces: &Pieces,
    names: &BTreeMap<usize, String>,
    priority: impl Fn(usize) -> Priority,
) -> Vec<FileTold> {
    let all = info.files();
    let mut have = vec![0u64; all.len()];
    for piece in (0..pieces.count).filter(|piece| pieces.has(*piece)) {
        for extent in info.extents(piece, 0, info.piece_size(piece)) {
            have[extent.file] += u64::from(extent.len);
        }
    }
    let stored = all.iter().enumerate().filter(|(_, file)| !file.pad);
    let told = stored.map(|(index, file)| {
        let span = info.pieces_of_file(index);
        FileTold {
            index: index as u32,
            path: match names.get(&index) {
                _ if info.is_single_file() => info.name().to_owned(),
                Some(name) => name.clone(),
                None => file.path(),
            },
            size: file.length,
            have: have[index],
            priority: priority(index),
            pieces: (span.start, span.end),
        }
    });
    told.collect()
}

fn peer_told(peer: &PeerStats, all: u32) -> PeerTold {
    PeerTold {
        address: peer.addr.to_string(),
        client: peer.client.clone(),
        transport: peer.transport.map(teem_client::event::Transport::word),
        encrypted: peer.encrypted.word(),
        incoming: peer.incoming,
        punched: peer.punched,
        progress: if all == 0 { 0.0 } else { f64::from(peer.pieces) / f64::from(all) },
        down_rate: peer.down_rate,
        up_rate: peer.up_rate,
        downloaded: peer.downloaded,
        uploaded: peer.uploaded,
        interesting: peer.interesting,
        choking_us: peer.choking_us,
        interested: peer.interested,
        choked: peer.choked,
    }
}

fn tracker_told(tracker: TrackerStats) -> TrackerTold {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    TrackerTold {
        tier: tracker.tier,
        peers: tracker.last.as_ref().and_then(|last| last.as_ref().ok().copied()),
        error: tracker.last.and_then(Result::err),
        seeds: tracker.swarm.map(|(seeds, _)| seeds),
        downloaders: tracker.swarm.map(|(_, downloaders)| downloaders),
        answered: seconds(tracker.answered),
        next: seconds(tracker.next),
        url: tracker.url,
    }
}

/// A priority as it is told and asked for.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn word<S: Serializer>(priority: &Priority, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match priority {
        Priority::Skip => "skip",
        Priority::Normal => "normal",
        Priority::High => "first",
    })
}

fn shown<S: Serializer>(url: &AnnounceUrl, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&url.shown())
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::metainfo::Limits;

    /// Pieces of 16 KiB: `a` has 20,000 bytes, `b` 1,000, `c` 30,000.
    fn info() -> Info {
        let file = |(name, length): (&str, u32)| format!("d6:lengthi{length}e4:pathl1:{name}ee");
        let files = [("a", 20_000), ("b", 1_000), ("c", 30_000)].map(file).concat();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces80:{}e", "h".repeat(80));
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    #[test]
    fn what_a_file_has_is_what_its_verified_pieces_hold_of_it() {
        let info = info();
        let pieces = Pieces { size: 16_384, count: 4, verified: vec![0b0100_0000] };
        assert!(pieces.has(1) && !pieces.has(0) && !pieces.has(9));
        let names = BTreeMap::from([(2, "d/other".to_owned())]);
        let files = files(&info, &pieces, &names, |file| if file == 1 { Priority::Skip } else { Priority::Normal });
        let told: Vec<_> = files.iter().map(|f| (f.path.as_str(), f.have, f.priority, f.pieces)).collect();
        assert_eq!(
            told,
            [
                ("a", 20_000 - 16_384, Priority::Normal, (0, 2)),
                ("b", 1_000, Priority::Skip, (1, 2)),
                ("d/other", 32_768 - 21_000, Priority::Normal, (1, 4)),
            ]
        );
    }

    #[test]
    fn a_whole_torrent_at_rest_has_every_piece_and_no_bit_more() {
        let all = Pieces::at_rest(&info(), true);
        assert_eq!((all.count, &all.verified[..]), (4, &[0xf0][..]));
        assert_eq!(Pieces::at_rest(&info(), false).verified, [0]);
    }
}
