//! The disk of a node of the lab (own design): one `SimDisk` for each torrent, without delays of its own, that asserts its side of the
//! contract of `teem_swarm::job`.
use crate::block::SimBlock;
use crate::content::Content;
use crate::storage::SimDisk;
use std::collections::BTreeMap;
use std::sync::Arc;
use teem_metainfo::{Info, Limits};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Job};
use teem_swarm::rng::Rng;

/// The disk of a node.
#[derive(Default, Debug)]
pub struct Disk {
    /// Torrents that are opened from now on are there whole.
    pub whole: bool,
    /// Nothing is answered while this is so.
    pub silent: bool,
    torrents: BTreeMap<TorrentId, SimDisk>,
}

impl Disk {
    /// A disk on which every torrent is there whole, or nothing of any.
    pub(crate) fn stocked(whole: bool) -> Self {
        Self { whole, ..Self::default() }
    }

    /// Makes the content of a torrent known, with pieces that are there and claimed by its saved state.
    pub(crate) fn put(
        &mut self,
        torrent: TorrentId,
        info: &Arc<Info>,
        have: impl IntoIterator<Item = u32>,
    ) -> &mut SimDisk {
        let mut disk = SimDisk::new(Content::of(info.clone()), false, Rng::new(u64::from(torrent.0)));
        disk.put_claimed(have);
        self.torrents.insert(torrent, disk);
        self.of(torrent)
    }

    /// What it has of a torrent.
    ///
    /// # Panics
    /// When it knows no such torrent.
    pub fn of(&mut self, torrent: TorrentId) -> &mut SimDisk {
        // INVARIANT: a test asks for a torrent that it has put there or opened.
        self.torrents.get_mut(&torrent).expect("a torrent that is known")
    }

    /// Right pieces of a torrent; none when it is not known.
    pub fn pieces(&self, torrent: TorrentId) -> u32 {
        self.torrents.get(&torrent).map_or(0, SimDisk::good_pieces)
    }

    /// Carries a job out.
    ///
    /// # Panics
    /// When the job breaks the contract: a block given twice, a read of a piece that is not there, a write into a verified one.
    pub fn run(&mut self, job: Job<SimBlock>) -> Vec<Done<SimBlock>> {
        if self.silent {
            return Vec::new();
        }
        let torrent = match &job {
            Job::Open { torrent, info, .. } => {
                if !self.torrents.contains_key(torrent) {
                    self.put(*torrent, info, []);
                }
                if self.whole {
                    self.of(*torrent).put_claimed(0..info.piece_count());
                }
                *torrent
            }
            Job::Metadata { torrent, key, bytes } => {
                let result = Info::parse(bytes, &Limits::default()).map(Arc::new).map_err(|error| error.to_string());
                let hash_ok = key.matches(bytes);
                return vec![Done::Metadata { torrent: *torrent, result, hash_ok }];
            }
            Job::Write { torrent, at, data } => {
                assert_eq!(SimBlock { good: true, ..*data }, SimBlock::right(*at), "the payload is not what was said");
                let disk = self.of(*torrent);
                assert!(!disk.is_good(at.piece), "a verified piece is written again: {at:?}");
                assert!(!disk.holds(*at), "a block is given twice: {at:?}");
                *torrent
            }
            Job::Read { torrent, at, .. } => {
                assert!(self.of(*torrent).is_good(at.piece), "a piece is read that is not there: {at:?}");
                *torrent
            }
            Job::Select { torrent, .. }
            | Job::Check { torrent, .. }
            | Job::Forget { torrent, .. }
            | Job::Sync { torrent, .. }
            | Job::Close { torrent, .. } => *torrent,
        };
        let mut answers = Vec::new();
        self.of(torrent).run(job, &mut answers);
        answers.into_iter().map(|(_, done)| done).collect()
    }
}
