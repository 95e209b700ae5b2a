//! Saved state made of what another program says it has (own design): the files are made durable, then their pieces are claimed.
use crate::containment::contained;
use crate::disk::DiskHandle;
use crate::open;
use crate::place::Place;
use crate::shared::Vouched;
use crate::sync;
use crate::told::Told;
use std::sync::Arc;
use teem_metainfo::Info;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::DiskError;
use teem_swarm::selection::Selection;

impl DiskHandle {
    /// Keeps as saved state what another program says it has of a torrent that lies in this place and is not open: how many pieces are believed, and how many
    /// are to be checked when the torrent is opened. Where there is saved state in this place already that stays as it is. Waits for the medium.
    pub fn believe(
        &self,
        torrent: TorrentId,
        info: Arc<Info>,
        (place, wish): (Place, Option<Selection>),
        told: Told,
    ) -> Result<(u32, u32), DiskError> {
        let shared = self.shared();
        shared.vouch(torrent, Vouched::Told(told));
        let looked = contained(|| open::look(shared, torrent, info, wish, (0, place)));
        // What was not asked for is not for a later one.
        drop(shared.take_vouched(torrent));
        let found = looked?;
        let numbers = found.numbers();
        sync::close(shared, &found.torrent, None)?;
        Ok(numbers)
    }
}
