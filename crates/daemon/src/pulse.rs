//! What keeps the lines of torrents up to date (own design): changed rows are taken over, figures are asked of those that have peers, totals are kept.
//!
//! At rest a beat costs nothing but the question which torrents have peers. No list waits for it.
use crate::asleep;
use crate::daemon::{Daemon, Inner, now};
use crate::events::Happened;
use crate::kept::Table;
use crate::line::{Figures, Turn};
use crate::totals::Totals;
use crate::upkeep::{LAST, LIFE, Pulse};
use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;
use teem_client::event::Snapshot;
use teem_client::metainfo::InfoHash;
use teem_client::{Ended, Status, Torrent, TorrentId};
use teem_disk::Kind;

/// Between two beats.
const BEAT: Duration = Duration::from_secs(1);

/// Beats between two times at which totals are kept.
const KEPT_EACH: u64 = 5;

/// The daemon's life is kept at least so often, in seconds: what is told of times is as old.
const LIFE_EACH: u64 = 60;

/// Changed rows that are taken over before others may change some.
const ROWS_MAX: usize = 500;

/// Torrents that the engine is asked about at once: some milliseconds of its turn.
const ASKED_MAX: usize = 500;

/// What is to be told of a torrent: its hash, its name, and what became of it.
type Told = (InfoHash, String, Turn);

/// Beats until the daemon is gone.
pub(crate) async fn beat(daemon: Weak<Inner>) {
    loop {
        tokio::time::sleep(BEAT).await;
        let Some(inner) = daemon.upgrade() else { return };
        // A client that has ended moves nothing more.
        if Daemon(inner).beat().await.is_err() {
            return;
        }
    }
}

impl Daemon {
    /// Takes over what has changed of the client's torrents since this was last done; costs what changed.
    pub(crate) fn refresh(&self) {
        while self.refresh_some() >= ROWS_MAX {}
    }

    /// The same with some; how many there were.
    fn refresh_some(&self) -> usize {
        let mut pulse = self.pulse();
        let rows = self.0.client.rows_at_most(pulse.seen, ROWS_MAX);
        let number = rows.rows.len();
        pulse.seen = rows.revision;
        for id in rows.removed {
            pulse.hashes.remove(&id);
            pulse.wanted.remove(&id);
        }
        let mut torrents = self.torrents();
        let mut happened = Vec::new();
        for row in rows.rows {
            let hash = row.key.wire();
            let Some(kept) = torrents.get_mut(&hash) else { continue };
            if !kept.torrent.as_ref().is_ok_and(|torrent| torrent.id() == row.id) {
                continue;
            }
            pulse.hashes.insert(row.id, hash);
            if asleep::is_due(&row.status, kept.is_asleep).is_some() {
                pulse.asleep.insert(hash);
            }
            pulse.wanted.insert(row.id);
            happened.extend(self.taken_in(hash, &mut torrents, &row.status, &mut pulse));
        }
        drop((torrents, pulse));
        self.tell(happened);
        number
    }

    /// Takes over what is true of a torrent now: what is to be told of that.
    fn taken_in(&self, hash: InfoHash, torrents: &mut Table, status: &Status, pulse: &mut Pulse) -> Vec<Told> {
        let Some(kept) = torrents.get_mut(&hash) else { return Vec::new() };
        let Some(turns) = kept.line.take_in(status, kept.row.goes_to.is_some()) else { return Vec::new() };
        kept.line.clock(self.life(pulse));
        if turns.contains(&Turn::Complete) {
            kept.line.count(|totals| totals.completed = Some(now()));
        }
        if kept.line.is_counting() {
            pulse.dirty.insert(hash);
        }
        let name = kept.name(hash);
        torrents.touch(&hash);
        turns.into_iter().map(|turn| (hash, name.clone(), turn)).collect()
    }

    fn tell(&self, turns: Vec<Told>) {
        for (hash, name, turn) in turns {
            if turn == Turn::Complete {
                self.is_done(hash);
            }
            self.happened(hash, name, Happened::Turned(turn));
        }
    }

    /// The content of a torrent lies where it stays by now: where all of it is there that is told.
    pub(crate) fn arrived(&self, hash: InfoHash) {
        let mut pulse = self.pulse();
        let mut torrents = self.torrents();
        let Some(kept) = torrents.get_mut(&hash) else { return };
        kept.line.arrived();
        let Ok(status) = kept.torrent.as_ref().map(Torrent::status) else { return };
        let happened = self.taken_in(hash, &mut torrents, &status, &mut pulse);
        drop((torrents, pulse));
        self.tell(happened);
    }

    /// A torrent is among those that are kept: its line is brought up to date, whatever happened before.
    pub(crate) fn enters(&self, hash: InfoHash, is_new: bool) {
        let mut pulse = self.pulse();
        let life = self.life(&pulse);
        let mut torrents = self.torrents();
        let Some(kept) = torrents.get_mut(&hash) else { return };
        if is_new {
            kept.line.settle();
        }
        if let Ok(torrent) = &kept.torrent {
            kept.line.take_in(&torrent.status(), kept.row.goes_to.is_some());
            kept.line.clock(life);
            pulse.hashes.insert(torrent.id(), hash);
            // The figures of one that was taken on at rest are known.
            if !kept.is_asleep {
                pulse.wanted.insert(torrent.id());
            }
        } else {
            kept.line.settle();
            kept.line.clock(life);
        }
        if kept.line.is_counting() {
            pulse.dirty.insert(hash);
        }
        let name = kept.name(hash);
        torrents.touch(&hash);
        drop((torrents, pulse));
        if is_new {
            self.happened(hash, name, Happened::Added);
        }
    }

    /// Those of these torrents whose figures change by themselves, or have not been asked yet.
    pub(crate) fn moving(&self, hashes: &[InfoHash]) -> Vec<InfoHash> {
        let pulse = self.pulse();
        let torrents = self.torrents();
        let moves = |hash: &&InfoHash| {
            let id = torrents.get(hash).and_then(|kept| kept.torrent.as_ref().ok()).map(Torrent::id);
            id.is_some_and(|id| pulse.busy.contains(&id) || pulse.wanted.contains(&id))
        };
        hashes.iter().filter(moves).copied().collect()
    }

    async fn beat(&self) -> Result<(), Ended> {
        self.refresh();
        let busy = self.0.client.busy().await?;
        let ids: BTreeSet<TorrentId> = busy.iter().map(|figures| figures.torrent).collect();
        let asked: Vec<TorrentId> = {
            let mut pulse = self.pulse();
            let Pulse { busy: before, wanted, .. } = &mut *pulse;
            // Of those that have lost their last peer the last bytes are still to be counted.
            wanted.extend(before.difference(&ids));
            before.clone_from(&ids);
            let asked: Vec<TorrentId> = wanted.difference(&ids).take(ASKED_MAX).copied().collect();
            wanted.retain(|id| !ids.contains(id) && asked.binary_search(id).is_err());
            asked
        };
        let still = if asked.is_empty() { Vec::new() } else { self.0.client.snapshots_of(&asked).await? };
        self.figures_of(&busy, &still);
        let beats = {
            let mut pulse = self.pulse();
            pulse.beats += 1;
            pulse.beats
        };
        // What is not kept now is so at a later beat, or its torrent begins as any other.
        let _ = self.keep_asleep().await;
        if beats.is_multiple_of(KEPT_EACH) {
            self.look_for_room();
            self.keep_totals().await;
        }
        self.tell_of_trouble();
        Ok(())
    }

    /// Tells once that changes cannot be kept, and once that they are again.
    fn tell_of_trouble(&self) {
        let trouble = self.trouble();
        if std::mem::replace(&mut self.pulse().told_of_trouble, trouble.is_some()) != trouble.is_some() {
            let happened = trouble.map_or(Happened::StoreWorks, Happened::StoreFails);
            self.events().push(now(), String::new(), String::new(), happened);
        }
    }

    /// Takes over figures of those that have peers, and of those that have none.
    fn figures_of(&self, busy: &[Snapshot], still: &[Snapshot]) {
        let now = now();
        let mut pulse = self.pulse();
        let mut torrents = self.torrents();
        let all = busy.iter().map(|figures| (figures.torrent, Figures::of(figures)));
        let all = all.chain(still.iter().map(|figures| (figures.torrent, Figures::of(figures).still())));
        for (id, figures) in all {
            let Some(hash) = pulse.hashes.get(&id).copied() else { continue };
            let Some(kept) = torrents.get_mut(&hash) else { continue };
            if let Some((down, up)) = kept.line.figure(figures, now) {
                (pulse.downloaded, pulse.uploaded) = (pulse.downloaded + down, pulse.uploaded + up);
                if kept.line.is_counting() {
                    pulse.dirty.insert(hash);
                }
                torrents.touch(&hash);
            }
        }
    }

    /// Keeps the totals that have changed on the disk, and only then tells them. Where that fails they wait for the next time.
    pub(crate) async fn keep_totals(&self) {
        let last_event = self.events().last();
        let (life, last, totals) = {
            let mut pulse = self.pulse();
            let life = self.life(&pulse);
            if pulse.dirty.is_empty() && life < pulse.life_kept + LIFE_EACH {
                return;
            }
            let torrents = self.torrents();
            let dirty = std::mem::take(&mut pulse.dirty);
            let totals: Vec<(InfoHash, Totals)> =
                dirty.into_iter().filter_map(|hash| Some((hash, torrents.get(&hash)?.line.counted()))).collect();
            (life, torrents.revision().max(last_event), totals)
        };
        let records = totals.iter().map(|(hash, totals)| (hash.to_string(), Some(totals.encode())));
        let counted = [(LIFE, life), (LAST, last)].map(|(name, n)| (name.to_owned(), Some(n.to_string().into_bytes())));
        let records = records.chain(counted).collect();
        let kept = self.keep(Kind::Totals, records).await;
        let mut pulse = self.pulse();
        if kept.is_err() {
            pulse.dirty.extend(totals.into_iter().map(|(hash, _)| hash));
            return;
        }
        pulse.life_kept = life;
        let mut torrents = self.torrents();
        for (hash, totals) in totals {
            if let Some(kept) = torrents.get_mut(&hash) {
                kept.line.keeps(totals);
                torrents.touch(&hash);
            }
        }
    }

    /// Seconds that the daemon has run, over all runs.
    fn life(&self, pulse: &Pulse) -> u64 {
        pulse.life_before.saturating_add(self.0.since.elapsed().as_secs())
    }

    /// The same as of now.
    pub(crate) fn life_now(&self) -> u64 {
        self.life(&self.pulse())
    }

    /// Counts and keeps all there is to be counted: at the end.
    pub(crate) async fn keep_all_totals(&self) {
        // A client that has ended has nothing more to count.
        let _ = self.beat().await;
        self.pulse().life_kept = 0;
        self.keep_totals().await;
    }
}
