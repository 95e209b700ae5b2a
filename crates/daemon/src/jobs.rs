//! Moving, renaming, hashing again, and removing with data (own design): what came of each is on the disk before it is told.
//!
//! A move that takes long is answered while it is under way, with the state `moving`; what became of it is in the row, or is its `error`. One that the
//! process did not live to end is gone on with at the next start, before its torrent is opened.
use crate::daemon::Daemon;
use crate::events::Happened;
use crate::failed::{Failed, StartError};
use crate::kept::Kept;
use crate::line::{Sending, Turn};
use crate::row::Row;
use crate::select::Selector;
use crate::told::Told;
use crate::totals::Totals;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use teem_client::metainfo::InfoHash;
use teem_client::{Ended, JobError, Torrent, Where};
use teem_disk::jobs::Pending;
use teem_disk::{Kind, StateStore};
use tokio::task::JoinHandle;

/// How long an answer waits for a move: renaming is done by then, copying mostly not.
const ANSWER_WAITS: Duration = Duration::from_secs(5);

/// What is wanted of the place of a torrent's content.
#[derive(Clone)]
enum Wish {
    Folder(PathBuf),
    Name(String, String),
    /// What an earlier run has left, and whether the torrent is to be at work then.
    GoOn(Where, bool),
}

impl Daemon {
    /// Moves the content of the selected torrents into another folder; how they stand after five seconds at most. Those that are moved once they are
    /// complete are moved there then, unless it is to be `now`.
    pub(crate) async fn move_selected(
        &self,
        select: &[Selector],
        folder: &Path,
        now: bool,
    ) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        if now {
            return self.move_now(&hashes, folder).await;
        }
        self.move_to(&hashes, folder).await
    }

    /// The same for those of these info-hashes, not now.
    pub(crate) async fn move_to(&self, hashes: &[InfoHash], folder: &Path) -> Result<Vec<Told>, Failed> {
        let folder = self.checked(folder).await.map_err(Failed::Wish)?;
        let (later, at_once): (Vec<InfoHash>, Vec<InfoHash>) = {
            let torrents = self.torrents();
            let is_later = |hash: &InfoHash| {
                let kept = torrents.get(hash).filter(|kept| kept.row.goes_to.is_some());
                let status = kept.and_then(|kept| kept.torrent.as_ref().ok()).map(Torrent::status);
                status.is_some_and(|status| status.complete.is_none() && !status.moving)
            };
            hashes.iter().partition(|hash| is_later(hash))
        };
        self.note_home(&later, &folder).await?;
        self.move_there(&at_once, folder).await?;
        self.told(hashes).await
    }

    /// The same, whether they are complete or not.
    pub(crate) async fn move_now(&self, hashes: &[InfoHash], folder: &Path) -> Result<Vec<Told>, Failed> {
        let folder = self.checked(folder).await.map_err(Failed::Wish)?;
        self.move_there(hashes, folder).await
    }

    /// Moves what is not complete into a folder that it lies in until it is; then it goes where it would be by now. What is complete stays.
    pub(crate) async fn move_until_complete(&self, hashes: &[InfoHash], folder: &Path) -> Result<(), Failed> {
        let folder = self.checked(folder).await.map_err(Failed::Wish)?;
        let not_complete: Vec<(InfoHash, PathBuf)> = {
            let torrents = self.torrents();
            let home = |hash: &InfoHash| {
                let kept = torrents.get(hash)?;
                let status = kept.torrent.as_ref().ok()?.status();
                (status.complete.is_none() && *kept.row.home() != folder).then(|| (*hash, kept.row.home().to_owned()))
            };
            hashes.iter().filter_map(home).collect()
        };
        for (hash, home) in &not_complete {
            self.note_goes_to(&[*hash], Some(home)).await?;
        }
        let hashes: Vec<InfoHash> = not_complete.into_iter().map(|(hash, _)| hash).collect();
        self.relocate(&hashes, &Wish::Folder(folder)).await.map(drop)
    }

    /// Moves torrents, for good.
    async fn move_there(&self, hashes: &[InfoHash], folder: PathBuf) -> Result<Vec<Told>, Failed> {
        let go = |hash: &&InfoHash| self.torrents().get(*hash).is_some_and(|kept| kept.row.goes_to.is_some());
        let go: Vec<InfoHash> = hashes.iter().filter(go).copied().collect();
        self.note_home(&go, &folder).await?;
        self.relocate(hashes, &Wish::Folder(folder)).await
    }

    /// Keeps where torrents are moved once they are complete.
    async fn note_home(&self, hashes: &[InfoHash], folder: &Path) -> Result<(), Failed> {
        let is_there = |hash: &&InfoHash| self.torrents().get(*hash).is_some_and(|kept| kept.row.folder == folder);
        let (there, elsewhere): (Vec<&InfoHash>, Vec<&InfoHash>) = hashes.iter().partition(is_there);
        let there: Vec<InfoHash> = there.into_iter().copied().collect();
        let elsewhere: Vec<InfoHash> = elsewhere.into_iter().copied().collect();
        self.note_goes_to(&elsewhere, Some(folder)).await?;
        self.note_goes_to(&there, None).await?;
        for hash in there {
            self.arrived(hash);
        }
        self.0.policy.look_at(hashes);
        Ok(())
    }

    async fn note_goes_to(&self, hashes: &[InfoHash], folder: Option<&Path>) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let rows = {
            let torrents = self.torrents();
            let row = |hash: &InfoHash| {
                let mut row = torrents.get(hash)?.row.clone();
                row.goes_to = folder.filter(|folder| *folder != row.folder).map(Path::to_owned);
                Some((*hash, row))
            };
            hashes.iter().filter_map(row).collect::<Vec<_>>()
        };
        self.keep_rows(rows).await
    }

    /// Moves a torrent that is complete to the folder that it ends in, unless that is under way or did not succeed.
    pub(crate) fn send_home(&self, hash: InfoHash, torrent: Torrent) {
        let home = {
            let mut torrents = self.torrents();
            let Some(kept) = torrents.get_mut(&hash) else { return };
            let home = kept.row.goes_to.clone().filter(|_| kept.line.sending == Sending::Due);
            // A job that is under way is heard of when it ends.
            let Some(home) = home.filter(|_| torrent.progress().is_none()) else { return };
            home
        };
        drop(self.carry_out(hash, torrent, Wish::Folder(home)));
    }

    /// Gives a file or folder of a torrent's content another name. Both are paths that begin with the name of the content itself.
    pub(crate) async fn rename(&self, hash: InfoHash, path: &str, to: &str) -> Result<Vec<Told>, Failed> {
        self.relocate(&[hash], &Wish::Name(path.to_owned(), to.to_owned())).await
    }

    /// Hashes the content of the selected torrents again.
    pub(crate) async fn recheck_selected(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        self.recheck(&hashes).await
    }

    /// The same for those of these info-hashes. One that rests is hashed when it is resumed.
    pub(crate) async fn recheck(&self, hashes: &[InfoHash]) -> Result<Vec<Told>, Failed> {
        for (hash, torrent) in self.at_work(hashes) {
            self.job_ended(hash, None);
            torrent.recheck().map_err(Failed::Ended)?;
        }
        self.told(hashes).await
    }

    /// Removes the selected torrents and the files that are their own. What they were.
    pub(crate) async fn remove_selected_with_data(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        self.remove_with_data(&hashes).await
    }

    /// The same for those of these info-hashes. What is not the torrent's own stays, whatever it is.
    pub(crate) async fn remove_with_data(&self, hashes: &[InfoHash]) -> Result<Vec<Told>, Failed> {
        let _turn = self.0.turn.lock().await;
        let told = self.told(hashes).await?;
        let torrents = self.at_work(hashes);
        // Each rests first, which takes as long as its trackers do: all at once.
        let plans = torrents.iter().map(|(_, torrent)| {
            let torrent = torrent.clone();
            tokio::spawn(async move { torrent.plan_to_clear().await })
        });
        let mut failed = None;
        let mut planned = BTreeSet::new();
        for ((hash, _), plan) in torrents.iter().zip(plans.collect::<Vec<_>>()) {
            match plan.await {
                Ok(Ok(())) => _ = planned.insert(*hash),
                Ok(Err(e)) => failed = Some(Failed::Job(e)),
                Err(_) => failed = Some(Failed::Ended(Ended::Removed)),
            }
        }
        // Those that could not be begun have no files that anybody knows.
        let begun: BTreeSet<InfoHash> = torrents.iter().map(|(hash, _)| *hash).collect();
        planned.extend(hashes.iter().filter(|hash| !begun.contains(hash)));
        let rows = planned.iter().map(|hash| (hash.to_string(), None)).collect();
        self.keep(Kind::Row, rows).await.map_err(Failed::Store)?;
        for hash in &planned {
            let gone = self.torrents().leave(hash);
            self.offers().remove(hash);
            if let Some(kept) = gone {
                self.happened(*hash, kept.name(*hash), Happened::Removed);
            }
        }
        // Where that cannot be done a torrent that is added again counts on.
        for kind in [Kind::Totals, Kind::Rest, Kind::Facts, Kind::File] {
            let _ = self.keep(kind, planned.iter().map(|hash| (hash.to_string(), None)).collect()).await;
        }
        let gone = torrents.into_iter().filter(|(hash, _)| planned.contains(hash));
        let ends: Vec<_> =
            gone.map(|(_, torrent)| tokio::spawn(async move { torrent.remove_cleared().await })).collect();
        for end in ends {
            if let Ok(Err(e)) = end.await {
                failed = Some(Failed::Job(e));
            }
        }
        for hash in &planned {
            self.0.client.forget(*hash).await;
        }
        failed.map_or(Ok(told), Err)
    }

    /// Those of these torrents that could be begun.
    fn at_work(&self, hashes: &[InfoHash]) -> Vec<(InfoHash, Torrent)> {
        let torrents = self.torrents();
        let of = |hash: &InfoHash| Some((*hash, torrents.get(hash)?.torrent.clone().ok()?));
        hashes.iter().filter_map(of).collect()
    }

    async fn relocate(&self, hashes: &[InfoHash], wish: &Wish) -> Result<Vec<Told>, Failed> {
        let moves: Vec<_> = self
            .at_work(hashes)
            .into_iter()
            .map(|(hash, torrent)| self.carry_out(hash, torrent, wish.clone()))
            .collect();
        let until = tokio::time::Instant::now() + ANSWER_WAITS;
        let mut failed = None;
        for moving in moves {
            // One that takes longer goes on by itself.
            if let Ok(Ok(Err(e))) = tokio::time::timeout_at(until, moving).await {
                failed = Some(e);
            }
        }
        match failed {
            Some(failed) => Err(failed),
            None => self.told(hashes).await,
        }
    }

    /// Carries a wish out and keeps what came of it, whoever waits.
    fn carry_out(&self, hash: InfoHash, torrent: Torrent, wish: Wish) -> JoinHandle<Result<(), Failed>> {
        let daemon = self.clone();
        self.job_ended(hash, None);
        let is_sent = !matches!(wish, Wish::Name(..));
        self.is_sent(hash, is_sent, Sending::UnderWay);
        if let Some(kept) = self.torrents().get_mut(&hash) {
            (kept.line.placing, kept.line.job_pending) = (true, false);
        }
        tokio::spawn(async move {
            let done = async {
                let there = match wish {
                    Wish::Folder(folder) => torrent.move_to(&folder).await,
                    Wish::Name(path, to) => torrent.rename(&path, &to).await,
                    Wish::GoOn(to, works) => torrent.go_on_moving(to, works).await,
                };
                let there = there.map_err(Failed::Job)?;
                daemon.keep_place(hash, there).await?;
                torrent.keep_move().await.map_err(Failed::Store)
            };
            let done = done.await;
            if let Err(e) = &done {
                let is_complete = torrent.status().complete.is_some();
                daemon.is_sent(hash, is_sent, if is_complete { Sending::Failed } else { Sending::Due });
                if let (Some(kept), Failed::Job(JobError::Disk(_, true))) = (daemon.torrents().get_mut(&hash), e) {
                    kept.line.job_pending = true;
                }
                daemon.job_ended(hash, Some(e.to_string()));
            } else {
                daemon.is_sent(hash, is_sent, Sending::Due);
            }
            daemon.is_placed(hash);
            done
        })
    }

    /// Goes on with what stopped half-way, and has the torrent work then.
    pub(crate) fn go_on(&self, hash: InfoHash, torrent: Torrent) {
        if let Some(lies) = torrent.place() {
            drop(self.carry_out(hash, torrent, Wish::GoOn(lies, true)));
        }
    }

    /// What was to be done with a torrent's files is begun, or was not done: that is told with the torrent.
    fn job_ended(&self, hash: InfoHash, why: Option<String>) {
        let mut torrents = self.torrents();
        let Some(kept) = torrents.get_mut(&hash) else { return };
        if kept.line.job_error.as_deref() != why.as_deref() {
            kept.line.job_error = why.clone().map(Into::into);
        }
        let name = kept.name(hash);
        torrents.touch(&hash);
        drop(torrents);
        if let Some(why) = why {
            self.happened(hash, name, Happened::Turned(Turn::Error(why)));
        }
    }

    /// What came of a move is kept, or it came to nothing: lists show the torrent as it is again.
    fn is_placed(&self, hash: InfoHash) {
        let mut torrents = self.torrents();
        if let Some(kept) = torrents.get_mut(&hash) {
            kept.line.placing = false;
            torrents.touch(&hash);
        }
    }

    /// Notes what is done about the folder that a torrent is to be moved to, if that is what is done.
    fn is_sent(&self, hash: InfoHash, is_sent: bool, sending: Sending) {
        if let Some(kept) = self.torrents().get_mut(&hash).filter(|_| is_sent) {
            kept.line.sending = sending;
        }
    }

    /// Keeps where a torrent's content lies by now.
    async fn keep_place(&self, hash: InfoHash, there: Where) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let row = self.torrents().get(&hash).map(|kept| kept.row.clone());
        // One that was removed meanwhile has no row to be kept.
        let Some(row) = row else { return Ok(()) };
        let arrives = row.goes_to.as_ref() == Some(&there.folder);
        let mut row = placed(row, there);
        if arrives {
            row.goes_to = None;
        }
        self.keep(Kind::Row, vec![(hash.to_string(), Some(row.encode()))]).await.map_err(Failed::Store)?;
        let mut torrents = self.torrents();
        torrents.has_row(&hash, row);
        drop(torrents);
        if arrives {
            self.arrived(hash);
        }
        Ok(())
    }

    /// Goes on with what the run before did not live to end: removals at once, moves beside everything else.
    pub(crate) async fn take_up_jobs(&self, jobs: Vec<(InfoHash, Pending)>) -> Result<(), StartError> {
        for (hash, job) in jobs {
            let kept = |kind| self.0.database.get(kind, &hash.to_string(), &|_| true).map_err(StartError::Rows);
            match (job, kept(Kind::Row)?.and_then(|bytes| Row::decode(&bytes))) {
                (Pending::Clear, row) => {
                    if row.is_some() {
                        self.keep(Kind::Row, vec![(hash.to_string(), None)]).await.map_err(StartError::Rows)?;
                    }
                    // What cannot be removed now is tried at the next start.
                    let _ = self.0.client.clear(hash).await;
                }
                // The torrent was removed while it was moved.
                (Pending::Move { .. }, None) => {
                    // A folder that cannot be looked at now is so at the next start.
                    let _ = self.0.client.abandon_move(hash).await;
                }
                (Pending::Move { from, to, placed: is_placed }, Some(row)) => {
                    let works = !row.paused;
                    let row = placed(row, if is_placed { to.clone() } else { from });
                    let (torrent, mut line) = self.begin(hash, &row, true).await;
                    let totals = kept(Kind::Totals)?.and_then(|bytes| Totals::decode(&bytes));
                    line.count_from(totals.unwrap_or_default());
                    let torrent = torrent.map_err(|e| e.to_string());
                    self.torrents().enter(hash, Kept { row, torrent: torrent.clone(), line, is_asleep: false });
                    if let Ok(torrent) = torrent {
                        drop(self.carry_out(hash, torrent, Wish::GoOn(to, works)));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The row of a torrent that lies there.
fn placed(mut row: Row, there: Where) -> Row {
    let Where { folder, name, names } = there;
    (row.folder, row.name, row.names) = (folder, name, names);
    row
}
