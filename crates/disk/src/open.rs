//! Opening a torrent: saved state against the files as they are (own design; rows 19, 20, 67 and 68 of bad input).
//!
//! Files without state are not written to before a piece in them verified, unless the user said so.
use crate::bits::Bits;
use crate::check;
use crate::containment::contained;
use crate::content::Content;
use crate::content::Stored;
use crate::create::HashFiles;
use crate::empty::make_empty;
use crate::error::explain;
use crate::fs::{Folder, Obstacle, Stat};
use crate::last_look::too_long;
use crate::look::Pass;
use crate::part::Parts;
use crate::place::Place;
use crate::select::settle;
use crate::shared::{Shared, Vouched};
use crate::space;
use crate::state::{Claims, Loaded, Saved};
use crate::told::Told;
use crate::torrent::Torrent;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{Extent, Info};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Facts};
use teem_swarm::selection::Selection;

/// Missing files that are looked for under other programs' names for unfinished ones; a program that began any began an early one.
const HINTS_LOOK_MAX: usize = 64;

/// What was found.
pub(crate) struct Found {
    pub(crate) torrent: Arc<Torrent>,
    have: Vec<u32>,
    pub(crate) check: Vec<u32>,
    pub(crate) facts: Facts,
}

impl Found {
    /// How many pieces are there, and how many are to be checked.
    pub(crate) fn numbers(&self) -> (u32, u32) {
        (self.have.len() as u32, self.check.len() as u32)
    }
}

/// Opens a torrent and answers.
pub(crate) fn open(shared: &Shared, id: TorrentId, info: Arc<Info>, wish: Option<Selection>) {
    let found = contained(|| {
        let place = shared.place(id).ok_or_else(|| DiskError {
            kind: DiskErrorKind::BadPath,
            message: "the disk was not told where the content lies".to_owned(),
        })?;
        let found = look(shared, id, info, wish, place)?;
        if let Some(error) = space::too_large(&found.torrent) {
            return Err(error);
        }
        let writes = !found.torrent.place.read_only;
        let trouble = if writes { space::too_little(shared, &found.torrent) } else { None };
        Ok((found, trouble))
    });
    let done = match found {
        Ok((Found { torrent, have, check, facts }, trouble)) => {
            shared.queue.opened(&torrent, torrent.root.device());
            let selection = torrent.parts.selection();
            shared.mailbox.answer([Done::Opened { torrent: id, have, check, facts, selection }]);
            trouble.map(|error| Done::Trouble { torrent: id, error })
        }
        Err(error) => {
            shared.mailbox.answer([Done::OpenFailed { torrent: id, error }]);
            None
        }
    };
    shared.mailbox.tell(done);
}

/// Looks at what is saved and at the files in a place, given with the number of the telling.
pub(crate) fn look(
    shared: &Shared,
    id: TorrentId,
    info: Arc<Info>,
    wish: Option<Selection>,
    (told, place): (u64, Place),
) -> Result<Found, DiskError> {
    let root = shared.folders.keep(&place.folder, !place.read_only);
    let root = root.map_err(|e| explain(&e, "open", &place.folder))?;
    let pass = RefCell::new(Pass::new(&root));
    let is_folder = |path: &Path| root.below(path).is_none_or(|below| below.is_ok());
    let content = Content::new(info, &place, |path| pass.borrow_mut().identity(path), is_folder);
    drop(pass);
    let (saved, Loaded { claims, journal, stale }) =
        Saved::open(&*shared.fs, (&shared.folders, &shared.leases), shared.records.as_ref(), &place, &content)?;
    let before = claims.as_ref().map(|claims| claims.selection.clone());
    // What is served as it lies is served whole.
    let wish = wish.or_else(|| before.clone().filter(|_| !place.read_only)).unwrap_or_default();
    let chosen = before.is_some_and(|before| before != wish);
    let parts = Parts::new(&content.info, wish);
    let means = (Arc::clone(&shared.files), Arc::clone(&shared.mailbox));
    let torrent = Arc::new(Torrent::new((id, told), content, place, root, means, parts, saved));
    stat_all(&torrent, claims.as_ref(), stale)?;
    if !torrent.place.read_only && !torrent.place.overwrite {
        let own = |file: &Stored| torrent.parts.wants(file.index) && !torrent.seen(file.index).apart;
        let long = |file: &Stored| torrent.stat_of(file.index).is_some_and(|stat| stat.len > file.len);
        if let Some(file) = torrent.content.stored().filter(own).find(long) {
            return Err(too_long(&torrent, &file));
        }
    }
    let vouched = shared.take_vouched(id);
    // State that does not know of our files yet, or not of all pieces that may be in them, is replaced before anything is
    // written: a process that is killed then must find them ours, and those pieces doubtful.
    let mut outdated = true;
    let found = match claims {
        Some(claims) => {
            let (have, check) = {
                let now = |file| torrent.stat_of(file);
                claims.judge(&journal, &torrent.content, &now, |extent| torrent.is_kept(extent))
            };
            outdated =
                chosen || check.iter().any(|&piece| !claims.doubtful.has(piece) && !journal.pieces.contains(&piece));
            let mut marks = torrent.marks();
            for &piece in &have {
                marks.durable.insert(piece);
            }
            drop(marks);
            Found { torrent, have, check, facts: claims.facts }
        }
        None => match vouched {
            Some(Vouched::Hashed(hashed)) if as_hashed(&torrent, &hashed) => {
                let have: Vec<u32> = (0..torrent.content.piece_count()).collect();
                Found { torrent, have, check: Vec::new(), facts: Facts::default() }
            }
            Some(Vouched::Told(told)) => as_told(torrent, &told)?,
            _ => {
                hint_at_unfinished(&torrent);
                without_state(torrent)?
            }
        },
    };
    {
        let mut marks = found.torrent.marks();
        for &piece in &found.have {
            marks.verified.insert(piece);
        }
        for &piece in &found.check {
            marks.doubtful.insert(piece);
        }
    }
    if !found.torrent.place.read_only {
        make_empty(&found.torrent)?;
        if outdated {
            found.torrent.save(None)?;
        }
        if found.torrent.has_to_move() {
            // What cannot be put in place now is tried again with each sync.
            let _ = settle(&found.torrent);
        }
    }
    let is_whole = found.have.len() as u32 == found.torrent.content.piece_count();
    if found.torrent.place.read_only || is_whole {
        found.torrent.rest();
    }
    Ok(found)
}

/// Looks at all files, and remembers what they were like; `then` is how they were when the state was saved.
fn stat_all(torrent: &Torrent, then: Option<&Claims>, stale: BTreeSet<u32>) -> Result<(), DiskError> {
    let mut pass = Pass::new(&torrent.root);
    for file in torrent.content.stored() {
        let stat = pass.stat(&torrent.path(file.index)).and_then(|stat| {
            // What has to be written to cannot be behind a link.
            let linked = stat.map_or(pass.is_linked(), |stat| stat.linked && stat.len != file.len);
            if linked && !torrent.place.read_only { Err(Obstacle::error("a symbolic link")) } else { Ok(stat) }
        });
        let stat = stat.map_err(|e| explain(&e, "use", &torrent.whole_path(file.index)));
        torrent.seen(file.index).stat = match stat {
            // What is served as it lies is served as far as it can be.
            Err(error) if torrent.place.read_only && error.kind == DiskErrorKind::BadPath => {
                torrent.remark(format!("{}: not served", error.message));
                None
            }
            other => other?,
        };
    }
    torrent.find_parts().map_err(|e| explain(&e, "use", &torrent.place.folder))?;
    if let Some(then) = then {
        torrent.recall_parts(then);
    }
    torrent.touched().unsaved.extend(stale);
    for file in 0..=torrent.part_slot() {
        if then.is_none_or(|then| then.files.get(file) != Some(&torrent.record(file))) {
            torrent.unsaved(file);
        }
    }
    Ok(())
}

/// Says so when another program seems to have begun a file that is not there: it is left alone, and the person may want to go on from it.
fn hint_at_unfinished(torrent: &Torrent) {
    if torrent.place.read_only {
        return;
    }
    let missing = torrent.content.stored().filter(|file| file.len > 0 && torrent.seen(file.index).stat.is_none());
    let begun = missing.take(HINTS_LOOK_MAX).find_map(|file| {
        let there = |path: &PathBuf| matches!(torrent.root.stat(path), Ok(Some(_)));
        Some((file, torrent.content.unfinished(file.index).find(there)?))
    });
    if let Some((file, path)) = begun {
        torrent.remark(format!(
            "{} looks like what another program has of {}: it is left alone; to go on from it, end that program, rename the file and begin again",
            torrent.place.folder.join(path).display(),
            torrent.whole_path(file.index).display()
        ));
    }
}

/// The pieces whose files are all there and long enough.
fn candidates(torrent: &Torrent) -> Vec<u32> {
    let long_enough = |e: Extent| torrent.stat_of(e.file).is_some_and(|stat| stat.len >= e.offset + u64::from(e.len));
    let there = |piece: &u32| torrent.content.extents(*piece).all(|e| torrent.is_kept(&e) && long_enough(e));
    (0..torrent.content.piece_count()).filter(there).collect()
}

/// Whether all files are as they were when the torrent was made of them, which lists them in the same order.
fn as_hashed(torrent: &Torrent, hashed: &HashFiles) -> bool {
    let mut next = 0..hashed.len();
    let same = torrent.content.stored().all(|file| {
        next.next().is_some_and(|at| {
            let now = torrent.stat_of(file.index).map(|now| (now.len, now.mtime_ns));
            let then = hashed.state(at).map(|then| (then.length, then.modified_ns));
            then.is_some() && then == now && hashed.path(at) == torrent.whole_path(file.index)
        })
    });
    same && next.is_empty()
}

/// Another program had the content. Where nothing of it is believed the files are those of a stranger.
fn as_told(torrent: Arc<Torrent>, told: &Told) -> Result<Found, DiskError> {
    match judge(&torrent, told) {
        Some((have, check)) if !have.is_empty() => {
            for &piece in &have {
                torrent.found(piece);
            }
            Ok(Found { torrent, have, check, facts: Facts::default() })
        }
        _ => without_state(torrent),
    }
}

/// The pieces that are believed, and those that are to be checked; of the latter too those that nobody spoke of, since what lies there may be theirs.
fn judge(torrent: &Torrent, told: &Told) -> Option<(Vec<u32>, Vec<u32>)> {
    let pieces = Bits::from_bytes(&told.pieces, torrent.content.piece_count())?;
    let stored = |file: usize| torrent.content.path(file).is_some();
    let fits: Vec<bool> = (0..torrent.content.info.files().len())
        .map(|file| {
            let len = torrent.content.info.files().get(file).map_or(0, |file| file.length);
            let fits = |now: Stat| now.len == len && told.left.fits(file, &now);
            !stored(file) || torrent.stat_of(file).is_some_and(fits)
        })
        .collect();
    let (mut have, mut check) = (Vec::new(), Vec::new());
    for piece in 0..torrent.content.piece_count() {
        let long = |file: usize, end: u64| torrent.stat_of(file).is_some_and(|stat| stat.len >= end);
        let there = |e| torrent.is_kept(&e) && long(e.file, e.offset + u64::from(e.len));
        if !torrent.content.extents(piece).all(there) {
            continue;
        }
        let is_believed = pieces.has(piece) && torrent.content.extents(piece).all(|e| fits[e.file]);
        if is_believed { have.push(piece) } else { check.push(piece) }
    }
    Some((have, check))
}

/// Nobody vouches for the files. One piece that verifies proves that they are this torrent's; otherwise they are
/// somebody else's, and nothing is written into them.
fn without_state(torrent: Arc<Torrent>) -> Result<Found, DiskError> {
    let candidates = candidates(&torrent);
    let facts = Facts::default();
    let occupied = torrent
        .content
        .stored()
        .find(|file| !torrent.seen(file.index).apart && torrent.stat_of(file.index).is_some_and(|stat| stat.len > 0));
    let Some(occupied) = occupied else { return Ok(Found { torrent, have: Vec::new(), check: Vec::new(), facts }) };
    if torrent.place.overwrite || torrent.place.read_only {
        return Ok(Found { torrent, have: Vec::new(), check: candidates, facts });
    }
    for (i, &piece) in candidates.iter().enumerate() {
        if check::verify(&torrent, &[piece]).pop().unwrap_or(Ok(false))? {
            // Those before it are wrong; those after it are for the engine to ask for.
            let check = candidates[i + 1..].to_vec();
            return Ok(Found { torrent, have: vec![piece], check, facts });
        }
    }
    let path = torrent.whole_path(occupied.index);
    let why = if candidates.is_empty() {
        "whether it belongs to this torrent cannot be told before what shares its pieces is there"
    } else {
        "nothing in it belongs to this torrent"
    };
    let message =
        format!("{} is there already, and {why}; choose another folder with -o, or give --overwrite", path.display());
    Err(DiskError { kind: DiskErrorKind::Occupied, message })
}
