//! A move, or another name (own design), step by step: look, copy where the file system is another, give names, save the state for the new place, remove.
//!
//! | record | all lies | after a kill or a cut |
//! |---|---|---|
//! | none, `Copying` | in the old place | copied on, or taken back |
//! | `Placing` | in the old place or, file by file, in the new one (renamed); in the old one (copied) | renamed on |
//! | `Placed` | in the new place | the old one is cleared |
use super::copy::{CopyFailed, Folders, ToCopy, copy_all, is_staged, shares, staged};
use super::outcome::{JobFailed, Where};
use super::record::{self, Moving, Placing, Record, Stage, Step};
use super::watch::{Ended, Staged, Watch};
use crate::bits::Bits;
use crate::content::Content;
use crate::error::{bytes, explain};
use crate::fs::{Access, Folder, Stat};
use crate::look::Pass;
use crate::open::{self, Found};
use crate::part::Parts;
use crate::place::Place;
use crate::shared::Shared;
use crate::state::{
    About, CHUNK, Claims, Kind, Record as FileRecord, Saved, StateStore, decode, encode, forget_stem, stem_of,
};
use crate::torrent::Torrent;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{Info, InfoHash};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskError, DiskErrorKind};
use teem_swarm::selection::Selection;

/// What stands for the folder in claims that a record holds.
const IN_RECORD: &[u8] = b"job";

/// A file that is there: its slot, its path, and what it is like.
type Seen = (usize, PathBuf, Stat);

/// What the steps of one move have in common.
struct Ground<'a> {
    shared: &'a Shared,
    id: TorrentId,
    info: &'a Arc<Info>,
    from: Place,
    to: Place,
    old: Arc<dyn Folder>,
    new: Arc<dyn Folder>,
    store: Arc<dyn StateStore>,
    watch: &'a Watch,
}

/// Moves, or goes on with the move that an earlier run has left.
pub(super) fn relocate(
    shared: &Shared,
    id: TorrentId,
    info: &Arc<Info>,
    (from, to): (&Place, &Place),
    watch: &Watch,
) -> Result<Where, JobFailed> {
    let hash = info.key().wire();
    let keeping = |e: io::Error| JobFailed::pending(explain(&e, "keep state in", &from.state_dir));
    let store = shared.store(&from.state_dir).map_err(keeping)?;
    let left = record::load(&*store, hash).map_err(keeping)?;
    let (from, to, left) = match left {
        Some(Record::Move(Moving { from: was, to: meant, stage: Stage::Copying })) if meant != Where::of(to) => {
            // Another move was begun, and nothing but copies was made for it.
            let ground = Ground::new(shared, id, info, (was.like(from), meant.like(to)), watch)?;
            ground.remove_copies().map_err(keeping)?;
            (from.clone(), to.clone(), None)
        }
        Some(Record::Move(Moving { from: was, to: meant, stage })) => (was.like(from), meant.like(to), Some(stage)),
        Some(Record::Clear(_)) => {
            let message = format!("{} is being removed", from.folder.display());
            return Err(JobFailed::pending(DiskError { kind: DiskErrorKind::Locked, message }));
        }
        None => (from.clone(), to.clone(), None),
    };
    let there = Where::of(&to);
    if left.is_none() && is_nowhere(shared, &*store, &from, info).map_err(keeping)? {
        return Ok(there);
    }
    let ground = Ground::new(shared, id, info, (from, to), watch);
    let ground = ground.map_err(|failed| JobFailed { pending: left.is_some(), ..failed })?;
    match left {
        None | Some(Stage::Copying) => {
            let Some(placing) = ground.ready()? else { return Ok(there) };
            ground.place(placing)?;
        }
        Some(Stage::Placing(placing)) => ground.place(placing)?,
        Some(Stage::Placed(placing)) => ground.clear_old(&placing)?,
    }
    Ok(there)
}

/// Whether nothing was ever made in a place: its folder is not there, and nothing is remembered of it.
fn is_nowhere(shared: &Shared, store: &dyn StateStore, place: &Place, info: &Info) -> io::Result<bool> {
    match shared.fs.folder(&place.folder, false) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let stem = stem_of(&*shared.fs, info.key().wire(), place)?;
            Ok(store.get(Kind::State, &stem, &|_| true)?.is_none())
        }
        _ => Ok(false),
    }
}

/// Takes the hidden copies away that a move of a torrent has left that is no more, and its record.
pub(super) fn abandon(shared: &Shared, hash: InfoHash, state_dir: &Path) -> io::Result<()> {
    let store = shared.store(state_dir)?;
    if let Some(Record::Move(Moving { to, .. })) = record::load(&*store, hash)? {
        match shared.fs.folder(&to.folder, false) {
            Ok(folder) => {
                for name in folder.names()?.iter().map(Path::new).filter(|name| is_staged(hash, name)) {
                    folder.remove(name)?;
                }
                folder.sync_dir(Path::new(""))?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    record::remove(&*store, hash)
}

/// Copies what lies on another file system while the torrent is open.
pub(super) fn stage_open(
    shared: &Shared,
    info: &Arc<Info>,
    (from, to): (&Place, &Place),
    watch: &Watch,
) -> Result<(), JobFailed> {
    let keeping = |e: io::Error| JobFailed::unchanged(explain(&e, "keep state in", &from.state_dir));
    let store = shared.store(&from.state_dir).map_err(keeping)?;
    if record::load(&*store, info.key().wire()).map_err(keeping)?.is_some()
        || is_nowhere(shared, &*store, from, info).map_err(keeping)?
    {
        return Ok(());
    }
    // Nothing of it is opened here: it needs no number.
    let ground = Ground::new(shared, TorrentId(u32::MAX), info, (from.clone(), to.clone()), watch)?;
    let content = ground.content(&ground.from, &ground.old);
    let mut seen = Vec::new();
    for file in content.stored() {
        let path = content.path(file.index).unwrap_or_default();
        let stat = ground.old.stat(&path);
        let stat = stat.map_err(|e| JobFailed::unchanged(explain(&e, "use", &from.folder.join(&path))))?;
        seen.extend(stat.map(|stat| (file.index, path, stat)));
    }
    let steps = ground.steps(&seen).map_err(JobFailed::unchanged)?;
    if ground.renames(&seen) {
        return Ok(());
    }
    ground.room(&seen).map_err(JobFailed::unchanged)?;
    ground.copy(&steps, &seen).map(drop)
}

impl<'a> Ground<'a> {
    fn new(
        shared: &'a Shared,
        id: TorrentId,
        info: &'a Arc<Info>,
        (from, to): (Place, Place),
        watch: &'a Watch,
    ) -> Result<Self, JobFailed> {
        let failed = |path: &Path, e: &io::Error| JobFailed::unchanged(explain(e, "open", path));
        let old = shared.fs.folder(&from.folder, false).map_err(|e| failed(&from.folder, &e))?;
        let new = shared.fs.folder(&to.folder, true).map_err(|e| failed(&to.folder, &e))?;
        let store = shared.store(&from.state_dir).map_err(|e| failed(&from.state_dir, &e))?;
        Ok(Self { shared, id, info, from, to, old, new, store, watch })
    }
}

impl Ground<'_> {
    fn hash(&self) -> InfoHash {
        self.info.key().wire()
    }

    /// Keeps how far it has come.
    fn say(&self, stage: Stage) -> Result<(), DiskError> {
        let moving = Moving { from: Where::of(&self.from), to: Where::of(&self.to), stage };
        let said = record::save(&*self.store, self.hash(), &Record::Move(moving));
        said.map_err(|e| explain(&e, "keep state in", &self.from.state_dir))
    }

    fn content(&self, place: &Place, root: &Arc<dyn Folder>) -> Content {
        let pass = RefCell::new(Pass::new(&**root));
        let is_folder = |path: &Path| root.below(path).is_none_or(|below| below.is_ok());
        Content::new(Arc::clone(self.info), place, |path| pass.borrow_mut().identity(path), is_folder)
    }

    /// The paths of a slot: of a file, or of the part file.
    fn path(&self, content: &Content, slot: usize) -> PathBuf {
        content.path(slot).unwrap_or_else(|| Parts::new(self.info, Selection::default()).path)
    }

    /// What is to be done for files that are there: nothing where the paths are the same. Refused when something is in the way, or is no file.
    fn steps(&self, seen: &[Seen]) -> Result<Vec<Step>, DiskError> {
        let content = self.new_content();
        let mut taken = BTreeSet::new();
        let mut steps = Vec::new();
        for (slot, from, stat) in seen {
            let to = self.path(&content, *slot);
            if stat.linked {
                let message = format!(
                    "{} is a symbolic link, or lies behind one: put the file itself there, or move it by hand",
                    self.from.folder.join(from).display()
                );
                return Err(DiskError { kind: DiskErrorKind::BadPath, message });
            }
            if self.from.folder == self.to.folder && *from == to {
                continue;
            }
            if !taken.insert(to.clone()) {
                return Err(occupied(&self.to.folder.join(to)));
            }
            match self.new.stat(&to) {
                Ok(None) => {}
                Ok(Some(_)) => return Err(occupied(&self.to.folder.join(to))),
                Err(e) => return Err(explain(&e, "move to", &self.to.folder.join(to))),
            }
            steps.push(Step { slot: *slot, from: from.clone(), to });
        }
        Ok(steps)
    }

    /// The content in the new place, under the names that are given there.
    fn new_content(&self) -> Content {
        Content::new(Arc::clone(self.info), &self.to, |_| None, |_| false)
    }

    /// The hidden name of a file that is renamed to see whether any can be.
    fn probe(&self) -> PathBuf {
        staged(self.hash(), self.info.files().len() + 1)
    }

    /// Whether the files themselves can be renamed: they lie on the file system of the new folder, and by the same mount.
    fn renames(&self, seen: &[Seen]) -> bool {
        let device = self.new.device();
        let tried = || -> io::Result<()> {
            let probe = self.probe();
            self.old.open(&probe, Access::Write)?;
            let moved = self.shared.fs.rename_across((&self.from.folder, &probe), (&self.to.folder, &probe));
            self.old.remove(&probe)?;
            self.new.remove(&probe)?;
            moved
        };
        let alike = seen.iter().all(|(.., stat)| stat.device == device);
        alike && (self.from.folder == self.to.folder || seen.is_empty() || tried().is_ok())
    }

    /// Whether what is to be copied has room.
    fn room(&self, seen: &[Seen]) -> Result<(), DiskError> {
        let taken = |path: PathBuf| self.new.stat(&path).ok().flatten().map_or(0, |stat| stat.allocated);
        let missing =
            |(slot, _, stat): &Seen| stat.allocated.min(stat.len).saturating_sub(taken(staged(self.hash(), *slot)));
        let needed: u64 = seen.iter().map(missing).sum();
        match self.new.free() {
            Ok(free) if free < needed && !self.shares(seen) => {
                let path = self.to.folder.display();
                let message = format!("needs {} on {path}, has {}: nothing was moved", bytes(needed), bytes(free));
                Err(DiskError { kind: DiskErrorKind::NoSpace, message })
            }
            _ => Ok(()),
        }
    }

    /// Whether the new folder takes no room for what the file system has already.
    fn shares(&self, seen: &[Seen]) -> bool {
        let Some((slot, from, _)) = seen.iter().find(|(.., stat)| stat.len > 0) else { return false };
        let file = ToCopy { slot: *slot, from: from.clone(), to: staged(self.hash(), *slot) };
        let shares = shares(&self.folders(), &file);
        if !shares {
            // Of no bytes, and not told of by any record.
            let _ = self.new.remove(&file.to);
        }
        shares
    }

    fn folders(&self) -> Folders<'_> {
        Folders { from: (&*self.old, &self.from.folder), to: (&*self.new, &self.to.folder) }
    }

    /// Copies all files to hidden names; nothing is left of it where that fails, unless the program ends.
    fn copy(&self, steps: &[Step], seen: &[Seen]) -> Result<Vec<Staged>, JobFailed> {
        self.say(Stage::Copying).map_err(|error| self.take_back_copies(error))?;
        self.watch.begin(seen.iter().map(|(.., stat)| stat.len).sum());
        let of = |step: &Step| {
            let (slot, from) = (step.slot, step.from.clone());
            ToCopy { slot, from, to: staged(self.hash(), slot) }
        };
        let files: Vec<ToCopy> = steps.iter().map(of).collect();
        copy_all(&self.folders(), &files, self.watch).map_err(|failed| match failed {
            CopyFailed::Disk(error) => self.take_back_copies(error),
            CopyFailed::Ended(Ended::GivenUp) => self.take_back_copies(given_up(&self.to)),
            CopyFailed::Ended(Ended::Stopped) => JobFailed::pending(given_up(&self.to)),
        })
    }

    fn remove_copies(&self) -> io::Result<()> {
        for slot in 0..=self.info.files().len() {
            self.new.remove(&staged(self.hash(), slot))?;
        }
        self.new.sync_dir(Path::new(""))?;
        record::remove(&*self.store, self.hash())
    }

    /// Nothing but copies was made: they go, and the record with them. What went wrong is told.
    fn take_back_copies(&self, error: DiskError) -> JobFailed {
        // What cannot be removed now is removed by the next run; all lies where it lay.
        let _ = self.remove_copies();
        JobFailed::unchanged(error)
    }

    /// Finds out what there is, and copies it where that is needed. `None` where nothing is the torrent's.
    fn ready(&self) -> Result<Option<Placing>, JobFailed> {
        let was_begun = record::load(&*self.store, self.hash()).is_ok_and(|left| left.is_some());
        let refused = |error| if was_begun { self.take_back_copies(error) } else { JobFailed::unchanged(error) };
        let found = open::look(self.shared, self.id, Arc::clone(self.info), None, (0, self.from.clone()));
        let found = match found {
            Ok(found) => found,
            // What lies there is somebody else's.
            Err(error) if error.kind == DiskErrorKind::Occupied => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        let placing = self.ready_with(&found, &refused);
        let torrent = &found.torrent;
        torrent.files.close(torrent.id);
        torrent.saved().close();
        torrent.root.rest();
        placing.map(Some)
    }

    fn ready_with(&self, found: &Found, refused: &dyn Fn(DiskError) -> JobFailed) -> Result<Placing, JobFailed> {
        let torrent = &found.torrent;
        let own = torrent.content.stored().map(|file| file.index).chain([torrent.part_slot()]);
        let own = own.filter(|slot| !torrent.seen(*slot).apart);
        let seen: Vec<Seen> =
            own.filter_map(|slot| Some((slot, torrent.path(slot), torrent.seen(slot).stat?))).collect();
        let steps = self.steps(&seen).map_err(refused)?;
        let renames = self.renames(&seen);
        let sources: Vec<FileRecord> = (0..=torrent.part_slot()).map(|slot| torrent.record(slot)).collect();
        let mut files = sources.clone();
        // What was just found is made durable before anything else is believed of it.
        crate::sync::flush(torrent).map_err(refused)?;
        if renames {
            let all = seen.iter().map(|(.., stat)| stat.len).sum();
            self.watch.begin(all);
            self.watch.add(all);
        } else {
            self.room(&seen).map_err(refused)?;
            let copies = self.copy(&steps, &seen)?;
            for (step, copy) in steps.iter().zip(copies) {
                files[step.slot] = FileRecord::own(Some(copy.copy));
            }
        }
        if self.watch.ended() == Some(Ended::GivenUp) {
            return Err(self.take_back_copies(given_up(&self.to)));
        }
        let pieces = torrent.content.piece_count();
        let (mut have, mut doubtful) = (Bits::new(pieces), Bits::new(pieces));
        {
            let marks = torrent.marks();
            for piece in marks.verified.iter() {
                if marks.durable.has(piece) {
                    have.insert(piece)
                } else {
                    doubtful.insert(piece)
                };
            }
            found.check.iter().for_each(|piece| _ = doubtful.insert(*piece));
        }
        let selection = torrent.parts.selection();
        let claims = Claims { generation: 0, have, doubtful, files, facts: found.facts.clone(), selection };
        let placing = Placing { renames, claims: encode(&self.about(), &claims), sources, steps };
        let said = self.say(Stage::Placing(placing.clone()));
        said.map_err(|error| if renames { refused(error) } else { self.take_back_copies(error) })?;
        Ok(placing)
    }

    fn about(&self) -> About<'static> {
        About {
            key: self.info.key(),
            folder: IN_RECORD,
            pieces: self.info.piece_count(),
            files: self.info.files().len(),
        }
    }

    /// Gives the files their names in the new place, or back the old ones where that fails.
    fn place(&self, placing: Placing) -> Result<(), JobFailed> {
        let steps = &placing.steps;
        let done = self.rename_all(steps, placing.renames).and_then(|()| self.save_in(&self.to, &placing));
        if let Err(error) = done {
            return Err(self.go_back(steps, &placing, error));
        }
        self.say(Stage::Placed(placing.clone())).map_err(JobFailed::pending)?;
        self.clear_old(&placing)
    }

    fn rename_all(&self, steps: &[Step], renames: bool) -> Result<(), DiskError> {
        let mut made = BTreeSet::new();
        for step in steps {
            let path = self.to.folder.join(&step.to);
            let parent = step.to.parent().unwrap_or(Path::new(""));
            if !parent.as_os_str().is_empty() && made.insert(parent.to_owned()) {
                self.new.make_dirs(parent).map_err(|e| explain(&e, "make the folder of", &path))?;
            }
            let copy = staged(self.hash(), step.slot);
            let from: (&Path, &Path) = if renames { (&self.from.folder, &step.from) } else { (&self.to.folder, &copy) };
            match self.shared.fs.rename_across(from, (&self.to.folder, &step.to)) {
                Ok(()) => {}
                // Placed by an earlier run, or gone: what is not there is not claimed.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(occupied(&path)),
                Err(e) => return Err(explain(&e, "move the file to", &path)),
            }
        }
        sync_folders(&self.new, &self.to, steps.iter().map(|step| &step.to))?;
        if renames {
            sync_folders(&self.old, &self.from, steps.iter().map(|step| &step.from))?;
        }
        Ok(())
    }

    /// Saves the state for a place in which the files lie, each as it is there by now: one that is not as it was is to be checked.
    fn save_in(&self, place: &Place, placing: &Placing) -> Result<(), DiskError> {
        let shared = self.shared;
        let broken = || DiskError {
            kind: DiskErrorKind::Io,
            message: format!("what was noted of the move to {} cannot be read", self.to.folder.display()),
        };
        let claims = decode(&placing.claims, &self.about()).ok_or_else(broken)?;
        let root = shared.folders.keep(&place.folder, true).map_err(|e| explain(&e, "open", &place.folder))?;
        let root_of: Arc<dyn Folder> =
            shared.fs.folder(&place.folder, true).map_err(|e| explain(&e, "open", &place.folder))?;
        let content = self.content(place, &root_of);
        let leases = (&*shared.folders, &shared.leases);
        let (saved, _) = Saved::open(&*shared.fs, leases, shared.records.as_ref(), place, &content)?;
        let parts = Parts::new(&content.info, claims.selection.clone());
        let means = (Arc::clone(&shared.files), Arc::clone(&shared.mailbox));
        let torrent = Torrent::new((self.id, 0), content, place.clone(), root, means, parts, saved);
        let mut changed = Vec::new();
        for slot in 0..=torrent.part_slot() {
            let path = torrent.path(slot);
            let is_stored = slot == torrent.part_slot() || torrent.content.path(slot).is_some();
            let now = if is_stored { torrent.root.stat(&path) } else { Ok(None) };
            let now = now.map_err(|e| explain(&e, "use", &place.folder.join(&path)))?;
            let then = claims.files.get(slot).copied().unwrap_or_default();
            let as_it_was = match (then, now) {
                (FileRecord::Own(then), Some(now)) => {
                    (then.len, then.mtime_ns, then.inode) == (now.len, now.mtime_ns, now.inode)
                }
                (FileRecord::Own(_), None) => false,
                _ => true,
            };
            if !as_it_was {
                changed.push(slot);
            }
            let mut seen = torrent.seen(slot);
            (seen.stat, seen.apart) = (now, then == FileRecord::Apart);
        }
        {
            let mut marks = torrent.marks();
            for piece in claims.have.iter() {
                marks.verified.insert(piece);
                marks.durable.insert(piece);
            }
            for piece in claims.doubtful.iter() {
                marks.doubtful.insert(piece);
            }
        }
        for slot in changed {
            torrent.doubt(slot);
        }
        torrent.touched().unsaved.extend(0..=(torrent.part_slot() / CHUNK) as u32);
        torrent.save(Some(claims.facts))?;
        self.store.flush().map_err(|e| explain(&e, "keep state in", &place.state_dir))?;
        torrent.files.close(torrent.id);
        torrent.saved().close();
        Ok(())
    }

    /// Gives everything its former name, and says why.
    fn go_back(&self, steps: &[Step], placing: &Placing, why: DiskError) -> JobFailed {
        let back = || -> Result<(), DiskError> {
            for step in steps {
                let copy = staged(self.hash(), step.slot);
                let to: (&Path, &Path) =
                    if placing.renames { (&self.from.folder, &step.from) } else { (&self.to.folder, &copy) };
                // What lies in the new place is ours where it is missing in the other.
                let before = if placing.renames { self.old.stat(&step.from) } else { self.new.stat(&copy) };
                if matches!(before, Ok(Some(_))) {
                    continue;
                }
                match self.shared.fs.rename_across((&self.to.folder, &step.to), to) {
                    Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
                        return Err(explain(&e, "move back to", &to.0.join(to.1)));
                    }
                    _ => {}
                }
            }
            remove_empty(&*self.new, steps.iter().map(|step| &step.to));
            if placing.renames {
                sync_folders(&self.old, &self.from, steps.iter().map(|step| &step.from))?;
                // What a cut brings back in the new place has a name in the old one too.
                let _ = sync_folders(&self.new, &self.to, steps.iter().map(|step| &step.to));
                self.save_in(&self.from, placing)?;
                let removed = record::remove(&*self.store, self.hash());
                return removed.map_err(|e| explain(&e, "keep state in", &self.from.state_dir));
            }
            Ok(())
        };
        match back() {
            Ok(()) if placing.renames => JobFailed::unchanged(why),
            Ok(()) => self.take_back_copies(why),
            Err(_) => JobFailed::pending(why),
        }
    }

    /// All lies in the new place: what is left of the torrent's own in the old one goes.
    fn clear_old(&self, placing: &Placing) -> Result<(), JobFailed> {
        let failed = |e: io::Error| JobFailed::pending(explain(&e, "keep state in", &self.from.state_dir));
        let steps = &placing.steps;
        if !placing.renames {
            for step in steps {
                let now = self.old.stat(&step.from).ok().flatten().filter(|stat| !stat.linked);
                let is_ours = match (placing.sources.get(step.slot), now) {
                    (Some(FileRecord::Own(then)), Some(now)) => {
                        (then.len, then.mtime_ns, then.inode) == (now.len, now.mtime_ns, now.inode)
                    }
                    _ => false,
                };
                if is_ours {
                    // What cannot be removed is left: the torrent needs it no longer.
                    let _ = self.old.remove(&step.from);
                }
            }
        }
        // A cut may have brought it back.
        for folder in [&self.old, &self.new] {
            let _ = folder.remove(&self.probe()).and_then(|()| folder.sync_dir(Path::new("")));
        }
        remove_empty(&*self.old, steps.iter().map(|step| &step.from));
        let _ = sync_folders(&self.old, &self.from, steps.iter().map(|step| &step.from));
        let stem = |place: &Place| stem_of(&*self.shared.fs, self.hash(), place);
        let (before, now) = (stem(&self.from).map_err(failed)?, stem(&self.to).map_err(failed)?);
        if before != now {
            forget_stem(&*self.shared.fs, &*self.store, &self.from.state_dir, &before).map_err(failed)?;
        }
        Ok(())
    }
}

/// Makes the names in the folders of these files durable, and those folders themselves.
fn sync_folders<'p>(
    root: &Arc<dyn Folder>,
    place: &Place,
    files: impl Iterator<Item = &'p PathBuf>,
) -> Result<(), DiskError> {
    let folders: BTreeSet<&Path> = files.flat_map(|file| file.ancestors().skip(1)).collect();
    for folder in folders {
        match root.sync_dir(folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(explain(&e, "sync", &place.folder.join(folder)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes the folders of these files that are empty, the innermost first; the root stays.
pub(super) fn remove_empty<'p>(root: &dyn Folder, files: impl Iterator<Item = &'p PathBuf>) {
    let above = files.flat_map(|file| file.ancestors().skip(1)).filter(|folder| !folder.as_os_str().is_empty());
    let mut folders: Vec<&Path> = above.collect::<BTreeSet<_>>().into_iter().collect();
    folders.sort_by_key(|folder| Reverse(folder.components().count()));
    for folder in folders {
        // Not empty, or gone.
        let _ = root.remove_dir(folder);
    }
}

fn occupied(path: &Path) -> DiskError {
    let message = format!("{} is there already: move it away, or choose another folder or name", path.display());
    DiskError { kind: DiskErrorKind::Occupied, message }
}

fn given_up(to: &Place) -> DiskError {
    DiskError { kind: DiskErrorKind::Io, message: format!("the move to {} was given up", to.folder.display()) }
}
