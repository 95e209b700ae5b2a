//! Content that the owner of a torrent reads for itself (own design): for streaming, or to be passed on by other ways than peers'.
//!
//! Such a block waits in the disk's one queue among those of the peers. Few are under way at once, so that the owner has its turn like a
//! peer has, and never the whole queue.
use super::Engine;
use teem_swarm::ids::{ReadId, TorrentId};
use teem_swarm::job::{Job, ReadError, Reader};
use teem_swarm::output::Output;
use teem_wire::peer::block::BlockRef;

/// Blocks under way to the owner, of all torrents together: half a MiB.
const LOCAL_READS_MAX: usize = 32;

impl<B> Engine<B> {
    /// The owner wants to read.
    pub(super) fn read(&mut self, torrent: TorrentId, id: ReadId, at: BlockRef) {
        let refused = match self.ask_torrent(torrent, |one| one.holds(at)) {
            None => Some(ReadError::NoTorrent),
            Some(false) => Some(ReadError::NotThere),
            Some(true) => (self.local_reads >= LOCAL_READS_MAX).then_some(ReadError::Busy),
        };
        self.outputs.push_back(if let Some(error) = refused {
            Output::Read { id, result: Err(error) }
        } else {
            self.local_reads += 1;
            Output::Disk(Job::Read { torrent, reader: Reader::Local(id), at })
        });
    }

    /// The disk has answered; it answers each read once, also when the torrent has gone meanwhile.
    pub(super) fn has_read(&mut self, id: ReadId, result: Result<B, ReadError>) {
        self.local_reads = self.local_reads.saturating_sub(1);
        self.outputs.push_back(Output::Read { id, result });
    }
}
