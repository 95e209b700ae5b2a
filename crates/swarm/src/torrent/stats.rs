//! The figures of a torrent: for people, for trackers (BEP 3), for the next run.
use super::Torrent;
use super::announce::Counters;
use super::files::file_of;
use super::source::Source;
use crate::event::{PeerStats, Snapshot, State};
use crate::job::Facts;
use crate::peer::Peer;
use crate::rate::DISPLAY_SLOTS;
use crate::time::Time;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// Peers in a snapshot.
const PEERS_MAX: usize = 100;
/// Peers in the saved facts.
const SAVED_PEERS_MAX: usize = 200;

impl Torrent {
    /// All bytes of the content, without pads; 0 while the metadata is missing.
    fn whole(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.content_size())
    }

    /// What trackers are told.
    pub(super) fn counters(&self) -> Counters {
        let missing = self.whole().saturating_sub(self.have_bytes);
        let left = if self.publish { 0 } else { missing };
        Counters {
            uploaded: self.sent.total(),
            downloaded: self.received.total(),
            left: self.info.is_some().then_some(left),
        }
    }

    /// What outlives this run besides the pieces.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            uploaded: self.facts_before.uploaded + self.sent.total(),
            downloaded: self.facts_before.downloaded + self.received.total(),
            completed_at: self.announcer.completed_at().to_vec(),
            complete: self.geometry.pieces > 0 && self.have.is_full(),
            peers: if self.is_private() {
                Vec::new()
            } else {
                self.candidates.worth_saving(SAVED_PEERS_MAX).map(|a| a.to_string()).collect()
            },
            out: self.out_pieces(),
            granted: match &self.source {
                Some(source) => source.under_way(&self.peers),
                None => self.facts_before.granted.clone(),
            },
        }
    }

    /// How many connected peers have shown each piece: what pieces are picked by while something is missing, and else the same
    /// sum, for which nothing is kept then. Costs in proportion to the pieces; without a picker, to those that all peers have.
    pub fn availability(&self) -> Box<[u16]> {
        if let Some(picker) = &self.picker {
            let of = |piece| u16::try_from(picker.availability(piece)).unwrap_or(u16::MAX);
            return (0..self.geometry.pieces).map(of).collect();
        }
        let mut sums = vec![0u16; self.geometry.pieces as usize];
        for piece in self.peers.values().flat_map(|peer| peer.has.iter()) {
            if let Some(sum) = sums.get_mut(piece as usize) {
                *sum = sum.saturating_add(1);
            }
        }
        sums.into_boxed_slice()
    }

    /// The figures of this moment. Costs in proportion to the peers.
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let busiest = self.picker.as_ref().and_then(|p| p.begun().max_by_key(|(_, part)| part.asked_once()));
        let file = busiest.and_then(|(piece, _)| file_of(self.info.as_deref()?, piece));
        let all = self.geometry.pieces;
        let is_seed = |p: &Peer| p.is_complete() || (all > 0 && p.holds == Some(all));
        let complete = self.peers.values().filter(|p| is_seed(p)).count() as u32;
        let out = self.source.as_ref().and_then(Source::first_copy);
        Snapshot {
            torrent: self.id,
            state: self.state,
            have: self.wanted.have,
            wanted: self.wanted.bytes,
            pieces: self.have.count(),
            checked: (self.checks.1 - self.checks.0, self.checks.1),
            file,
            down_rate: self.received.rate(now, DISPLAY_SLOTS),
            up_rate: self.sent.rate(now, DISPLAY_SLOTS),
            downloaded: self.received.total(),
            uploaded: self.sent.total(),
            wasted: self.wasted,
            swarm_shown: self.shown.sum(),
            first_copy: out.map(|n| (u64::from(n) * u64::from(self.geometry.piece_len)).min(self.whole())),
            seeds: complete,
            downloaders: self.peers.len() as u32 - complete,
            unchoked_us: self.peers.values().filter(|p| !p.choking_us && self.state != State::Seeding).count() as u32,
            metadata: self.fetch.progress(),
            dials: self.candidates.dials(),
            external: self.candidates.external(),
            peers: self.peers.values().take(PEERS_MAX).map(|p| peer_stats(now, p)).collect(),
            trackers: self.announcer.stats(),
        }
    }
}

fn peer_stats(now: Time, peer: &Peer) -> PeerStats {
    PeerStats {
        conn: peer.conn,
        addr: peer.addr,
        client: peer.name(),
        pieces: peer.has.count(),
        down_rate: peer.pipeline.meter.rate(now, DISPLAY_SLOTS),
        up_rate: peer.upload.meter.rate(now, DISPLAY_SLOTS),
        choking_us: peer.choking_us,
        choked: peer.am_choking,
    }
}
