//! What may be changed of a torrent while it is in the client, at work or paused (own design; BEP 12 for tiers): its content hashed
//! again, its trackers, its limits.
use crate::status::Ended;
use crate::torrent::Torrent;
use teem_metainfo::AnnounceUrl;
use teem_swarm::command::{Command, TrackerChange};
use teem_swarm::ids::GroupId;

impl Torrent {
    /// Has all pieces hashed again as they lie on the disk: [`Self::rechecked`] waits for the end.
    ///
    /// Its peers are let go meanwhile and dialled again afterwards; nothing is served or read before it was hashed. The status says
    /// `Checking`, [`Snapshot::checked`](teem_swarm::event::Snapshot::checked) how far it is, and each piece that was hashed is a
    /// [`Changes::PIECES`](crate::Changes::PIECES). What is damaged or missing is fetched anew, or shown to nobody where the content is
    /// published. A paused torrent is hashed when it is resumed, and one that is paused meanwhile is hashed anew then.
    pub fn recheck(&self) -> Result<(), Ended> {
        if let Some(ended) = self.status().ended() {
            return Err(ended);
        }
        self.entry.modify(|status| status.rechecked.take().is_some());
        self.command(Command::Recheck(self.id()))
    }

    /// Waits until the pieces have been hashed again after [`Self::recheck`]: how many that had been verified are damaged or missing.
    pub async fn rechecked(&self) -> Result<u32, Ended> {
        self.until(|status| status.rechecked).await
    }

    /// One more tracker, which the user has named: it may be anywhere. It joins that tier, the first being 0; with `None`, or where there is no such tier, it gets one of its own.
    /// One that is there already stays where it is, and is the user's from now on. The new one hears `started`, the others notice nothing.
    pub fn add_tracker(&self, url: impl Into<String>, tier: Option<usize>) -> Result<(), Ended> {
        self.change_trackers(TrackerChange::Add { url: AnnounceUrl::of_user(url), tier })
    }

    /// One tracker less. It hears `stopped` if it had heard `started`.
    pub fn remove_tracker(&self, url: impl Into<String>) -> Result<(), Ended> {
        self.change_trackers(TrackerChange::Remove(url.into()))
    }

    /// These trackers instead, in tiers (BEP 12). Those that were there before and stay notice nothing.
    pub fn set_trackers(&self, tiers: Vec<Vec<AnnounceUrl>>) -> Result<(), Ended> {
        self.change_trackers(TrackerChange::Replace(tiers))
    }

    /// Has its trackers asked as soon as they let themselves be asked again; a torrent that rests asks when it is resumed anyhow.
    pub fn announce(&self) -> Result<(), Ended> {
        self.command(Command::Announce(self.id()))
    }

    fn change_trackers(&self, change: TrackerChange) -> Result<(), Ended> {
        self.command(Command::Trackers(self.id(), change))
    }

    /// Sets the torrent's own limits, payload bytes a second; `None` is without limit. They hold over pauses, and beside those of
    /// [`Client::limits`](crate::Client::limits).
    pub fn limits(&self, up: Option<u64>, down: Option<u64>) -> Result<(), Ended> {
        self.command(Command::TorrentLimits { torrent: self.id(), up, down })
    }

    /// The torrent is in these groups from now on, over pauses, and in no others: it shares the lowest of their limits each way
    /// ([`Client::group_limits`](crate::Client::group_limits)).
    pub fn groups(&self, groups: &[GroupId]) -> Result<(), Ended> {
        self.command(Command::Groups(self.id(), groups.into()))
    }
}
