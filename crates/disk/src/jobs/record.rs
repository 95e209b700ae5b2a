//! The record of a job (own design): what it is, and how far it has come. It is replaced as a whole at each step, and durable before the next begins.
//!
//! A magic, a version, fields in order, SHA-1 over all of it: what is cut, flipped or from a newer version does not decode.
use super::outcome::Where;
use crate::hash;
use crate::state::{Form, Kind, Record as FileRecord, StateStore};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use teem_metainfo::InfoHash;

/// Begins every record.
const MAGIC: &[u8; 8] = b"teem-job";

const VERSION: u8 = 1;

/// What is being done to a torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Record {
    Move(Moving),
    Clear(Clearing),
}

/// A move from one place to another, and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Moving {
    pub(super) from: Where,
    pub(super) to: Where,
    pub(super) stage: Stage,
}

/// How far a move has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Files are being copied to hidden names beside their place. All lies where it lay.
    Copying,
    /// Files are being given their names in the new place.
    Placing(Placing),
    /// All lies in the new place. What was copied goes from the old one.
    Placed(Placing),
}

/// What is known of the files once they are ready to be placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placing {
    /// Whether the files themselves are renamed, and not copies of them.
    pub(super) renames: bool,
    /// Claims as they are saved, the names of files aside.
    pub(super) claims: Vec<u8>,
    /// The files as they were in the old place, by slot.
    pub(super) sources: Vec<FileRecord>,
    /// What is to be done for the files that are the torrent's.
    pub(super) steps: Vec<Step>,
}

/// A file or the part file: its slot, and its paths beneath the two folders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) slot: usize,
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// What is to be removed of a torrent, whose place may be known to nobody else by now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Clearing {
    pub(super) folder: PathBuf,
    /// What the names of the saved state begin with.
    pub(super) stem: String,
    /// Beneath the folder.
    pub(super) files: Vec<PathBuf>,
}

/// The record of a torrent's job.
pub(super) fn load(store: &dyn StateStore, hash: InfoHash) -> io::Result<Option<Record>> {
    let whole = |bytes: &[u8]| Record::decode(bytes).is_some();
    let bytes = store.get(Kind::Job, &hash.to_string(), &whole)?;
    Ok(bytes.and_then(|bytes| Record::decode(&bytes)))
}

/// Keeps it for good.
pub(super) fn save(store: &dyn StateStore, hash: InfoHash, record: &Record) -> io::Result<()> {
    store.put(Kind::Job, &hash.to_string(), record.encode())?;
    store.flush()
}

/// Takes it away for good.
pub(super) fn remove(store: &dyn StateStore, hash: InfoHash) -> io::Result<()> {
    store.remove(Kind::Job, &hash.to_string())?;
    store.flush()
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        match self {
            Self::Move(Moving { from, to, stage }) => {
                let (number, placing) = match stage {
                    Stage::Copying => (0, None),
                    Stage::Placing(placing) => (1, Some(placing)),
                    Stage::Placed(placing) => (2, Some(placing)),
                };
                out.push(number);
                put_where(&mut out, from);
                put_where(&mut out, to);
                if let Some(Placing { renames, claims, sources, steps }) = placing {
                    out.push(u8::from(*renames));
                    put(&mut out, claims);
                    out.extend((sources.len() as u32).to_le_bytes());
                    for source in sources {
                        source.encode(&mut out);
                    }
                    out.extend((steps.len() as u32).to_le_bytes());
                    for step in steps {
                        out.extend((step.slot as u32).to_le_bytes());
                        put(&mut out, step.from.as_os_str().as_bytes());
                        put(&mut out, step.to.as_os_str().as_bytes());
                    }
                }
            }
            Self::Clear(Clearing { folder, stem, files }) => {
                out.push(3);
                put(&mut out, folder.as_os_str().as_bytes());
                put(&mut out, stem.as_bytes());
                out.extend((files.len() as u32).to_le_bytes());
                for file in files {
                    put(&mut out, file.as_os_str().as_bytes());
                }
            }
        }
        let sum = hash::sha1(&out);
        out.extend(sum);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<20>()?;
        let body = body.strip_prefix(MAGIC).filter(|_| hash::sha1(body) == *sum)?;
        let (&[VERSION, number], body) = body.split_first_chunk::<2>()? else { return None };
        let mut r = Reader(body);
        let record = if number == 3 {
            let (folder, stem) = (r.path()?, r.text()?);
            let files = (0..r.u32()?).map(|_| r.path()).collect::<Option<_>>()?;
            Self::Clear(Clearing { folder, stem, files })
        } else {
            let (from, to) = (r.place()?, r.place()?);
            let stage = match number {
                0 => Stage::Copying,
                1 => Stage::Placing(r.placing()?),
                2 => Stage::Placed(r.placing()?),
                _ => return None,
            };
            Self::Move(Moving { from, to, stage })
        };
        r.0.is_empty().then_some(record)
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn put_where(out: &mut Vec<u8>, place: &Where) {
    put(out, place.folder.as_os_str().as_bytes());
    // No name is empty.
    put(out, place.name.as_deref().unwrap_or_default().as_bytes());
    out.extend((place.names.len() as u32).to_le_bytes());
    for (file, name) in &place.names {
        out.extend((*file as u32).to_le_bytes());
        put(out, name.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*first))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn path(&mut self) -> Option<PathBuf> {
        Some(Path::new(OsStr::from_bytes(self.bytes()?)).to_owned())
    }

    fn place(&mut self) -> Option<Where> {
        let (folder, name) = (self.path()?, self.text()?);
        let names = (0..self.u32()?).map(|_| Some((self.u32()? as usize, self.text()?)));
        let names: BTreeMap<usize, String> = names.collect::<Option<_>>()?;
        Some(Where { folder, name: Some(name).filter(|name| !name.is_empty()), names })
    }

    fn placing(&mut self) -> Option<Placing> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        let claims = self.bytes()?.to_vec();
        let sources = (0..self.u32()?).map(|_| {
            let (source, rest) = FileRecord::decode(self.0, Form::Now)?;
            self.0 = rest;
            Some(source)
        });
        let sources = sources.collect::<Option<_>>()?;
        let steps =
            (0..self.u32()?).map(|_| Some(Step { slot: self.u32()? as usize, from: self.path()?, to: self.path()? }));
        let steps = steps.collect::<Option<_>>()?;
        Some(Placing { renames: *first != 0, claims, sources, steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Stat;

    #[test]
    fn comes_back_as_it_was_and_no_cut_is_believed() {
        let from = Where { folder: "/a".into(), name: None, names: BTreeMap::new() };
        let to = Where { folder: "/b".into(), name: Some("n".into()), names: [(3, "x/y".to_owned())].into() };
        let stat = Stat { len: 5, mtime_ns: -3, ctime_ns: 4, inode: 7, ..Stat::default() };
        let sources = vec![FileRecord::Missing, FileRecord::Own(stat), FileRecord::Apart];
        let steps = vec![Step { slot: 1, from: "t/a".into(), to: "n/x/y".into() }];
        let placing = Placing { renames: true, claims: b"claims".to_vec(), sources, steps };
        let moving = |stage| Record::Move(Moving { from: from.clone(), to: to.clone(), stage });
        let files = vec!["t/a".into(), "t/d/b".into()];
        for record in [
            moving(Stage::Copying),
            moving(Stage::Placing(placing.clone())),
            moving(Stage::Placed(placing)),
            Record::Clear(Clearing { folder: "/c".into(), stem: "s".into(), files }),
        ] {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes), Some(record));
            for n in 0..bytes.len() {
                assert_eq!(Record::decode(&bytes[..n]), None, "{n}");
            }
            let mut other = bytes;
            other[12] ^= 1;
            assert_eq!(Record::decode(&other), None);
        }
    }
}
