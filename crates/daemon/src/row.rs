//! What is kept of one torrent (own design): where it came from and what its owner wants of it. How far it has come is the disk's to keep.
//!
//! A row is a bencoded dictionary; keys that are not known are left alone, so that an older version reads what a newer one wrote.
use crate::tiers;
use crate::wanted::{Sharing, Wanted};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::{Deref, DerefMut};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_bencode::{Limits, Value, Writer, parse};
use teem_client::policy::Goal;
use teem_client::{Add, Choice, Mode, Priority, Selection, Source, Where, source};

/// Bytes, nesting and tokens of a row: a .torrent file's, which is most of it.
const LIMITS: Limits = teem_metainfo::Limits::FILE.bencode;

/// Labels of one torrent, and bytes of one.
pub(crate) const LABELS_MAX: usize = 32;
pub(crate) const LABEL_BYTES: usize = 100;

/// Names and addresses of this machine that one torrent is shared under.
pub(crate) const HOSTS_MAX: usize = 32;

/// Patterns of one choice of files.
pub(crate) const PATTERNS_MAX: usize = 100;

/// Where a torrent came from, as it can be loaded again without asking anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The .torrent file, and whether a server gave it and not the user.
    File(Arc<[u8]>, bool),
    /// The same, in a record of its own.
    Stored(bool),
    /// A magnet link or an info-hash.
    Link(String),
}

/// The row of one torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) origin: Origin,
    /// Whether its owner wants it to rest.
    pub(crate) paused: bool,
    /// When it was added, in seconds since 1970.
    pub(crate) added: u64,
    /// What its owner wants of it, as others may of theirs.
    pub(crate) wanted: Arc<Wanted>,
    /// What the rules for many torrents know of it.
    pub(crate) course: Course,
}

impl Deref for Row {
    type Target = Wanted;

    fn deref(&self) -> &Wanted {
        &self.wanted
    }
}

impl DerefMut for Row {
    fn deref_mut(&mut self) -> &mut Wanted {
        Arc::make_mut(&mut self.wanted)
    }
}

/// What the rules for many torrents know of one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Course {
    /// Its own goal, where it has one.
    pub(crate) until: Option<Goal>,
    /// Whether it has given enough.
    pub(crate) ended: bool,
    /// Seconds that it has seeded, up to when this was kept.
    pub(crate) seeded: u64,
    /// Whether it works whatever others do.
    pub(crate) forced: bool,
    /// Its place in the queue: lower ones come first, of equal ones those that were added first.
    pub(crate) order: u64,
}

impl Row {
    /// Of a torrent that is added in that second, of which that is wanted.
    pub(crate) fn new(origin: Origin, wanted: Wanted, added: u64) -> Self {
        Self { origin, paused: false, added, wanted: Arc::new(wanted), course: Course::default() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        // Keys in their order.
        out.dict(|d| {
            d.key(b"added").uint(self.added);
            if let Some(down) = self.down {
                d.key(b"down").uint(down);
            }
            d.key(b"ended").uint(self.course.ended.into());
            if let Origin::File(file, _) = &self.origin {
                d.key(b"file").bytes(file);
            }
            if !self.files.is_empty() {
                d.key(b"files").bytes(&self.files.iter().map(|priority| level(*priority)).collect::<Vec<_>>());
            }
            texts(d.key(b"first"), &self.first);
            d.key(b"folder").bytes(self.folder.as_os_str().as_bytes());
            d.key(b"forced").uint(self.course.forced.into());
            if let Some(folder) = &self.goes_to {
                d.key(b"goes to").bytes(folder.as_os_str().as_bytes());
            }
            texts(d.key(b"labels"), &self.labels);
            if let Origin::Link(link) = &self.origin {
                d.key(b"link").str(link);
            }
            if let Some(name) = &self.name {
                d.key(b"name").str(name);
            }
            if !self.names.is_empty() {
                d.key(b"names").list(|out| {
                    for (file, name) in &self.names {
                        out.uint(*file as u64);
                        out.str(name);
                    }
                });
            }
            texts(d.key(b"only"), &self.only);
            d.key(b"order").uint(self.course.order);
            d.key(b"paused").uint(self.paused.into());
            d.key(b"seeded").uint(self.course.seeded);
            if let Some(shared) = &self.shared {
                texts(d.key(b"shared"), &shared.hosts);
            }
            if matches!(self.origin, Origin::Stored(_)) {
                d.key(b"stored").uint(1);
            }
            d.key(b"strange").uint(matches!(self.origin, Origin::File(_, true) | Origin::Stored(true)).into());
            if let Some(trackers) = &self.trackers {
                tiers::write(d.key(b"trackers"), trackers);
            }
            if let Some(shared) = &self.shared {
                d.key(b"tracks").uint(shared.tracks.into());
            }
            if let Some(until) = &self.course.until {
                d.key(b"until").str(&until.to_string());
            }
            if let Some(up) = self.up {
                d.key(b"up").uint(up);
            }
        });
        out.into_bytes()
    }

    /// The row in these bytes, if it is whole and within its bounds.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &LIMITS).ok()?;
        let root = document.root();
        let number = |key: &[u8]| root.get(key).map(|value| value.as_uint());
        let text = |key: &[u8]| root.get(key).and_then(|value| value.as_str());
        let origin = match (root.get(b"file").and_then(|file| file.as_bytes()), text(b"link")) {
            (Some(file), _) => Origin::File(file.into(), number(b"strange")?? != 0),
            (None, Some(link)) => Origin::Link(link.to_owned()),
            (None, None) if root.get(b"stored").is_some() => Origin::Stored(number(b"strange")?? != 0),
            (None, None) => return None,
        };
        let path = |value: Value<'_, '_>| value.as_bytes().map(|path| PathBuf::from(OsStr::from_bytes(path)));
        let folder = path(root.get(b"folder")?)?;
        let goes_to = root.get(b"goes to").map_or(Some(None), |value| path(value).map(Some))?;
        let wanted = Wanted {
            folder,
            goes_to,
            name: text(b"name").map(str::to_owned),
            names: root.get(b"names").map_or(Some(BTreeMap::new()), names)?,
            labels: list(root.get(b"labels")?)?.into_iter().collect(),
            only: list(root.get(b"only")?)?,
            first: list(root.get(b"first")?)?,
            files: root.get(b"files").map_or(Some(Vec::new()), |files| priorities(files.as_bytes()?))?,
            trackers: root.get(b"trackers").map_or(Some(None), |list| tiers::read(list).map(Some))?,
            up: number(b"up").map_or(Some(None), |n| n.map(Some))?,
            down: number(b"down").map_or(Some(None), |n| n.map(Some))?,
            shared: match root.get(b"shared") {
                Some(hosts) => Some(Sharing { hosts: list(hosts)?, tracks: number(b"tracks")?? != 0 }),
                None => None,
            },
        };
        let row = Self {
            origin,
            paused: number(b"paused")?? != 0,
            added: number(b"added")??,
            wanted: Arc::new(wanted),
            course: Course {
                until: text(b"until").map_or(Some(None), |text| text.parse().ok().map(Some))?,
                ended: number(b"ended").unwrap_or(Some(0))? != 0,
                seeded: number(b"seeded").unwrap_or(Some(0))?,
                forced: number(b"forced").unwrap_or(Some(0))? != 0,
                order: number(b"order").unwrap_or(Some(0))?,
            },
        };
        let bounded = row.labels.len() <= LABELS_MAX
            && row.labels.iter().all(|label| label.len() <= LABEL_BYTES)
            && row.only.len().max(row.first.len()) <= PATTERNS_MAX
            && row.shared.as_ref().is_none_or(|shared| shared.hosts.len() <= HOSTS_MAX)
            && row.folder.is_absolute()
            && row.goes_to.as_ref().is_none_or(|folder| folder.is_absolute());
        bounded.then_some(row)
    }

    /// The same row with its .torrent in a record of its own, and that, where there is one in the row.
    pub(crate) fn apart(self) -> (Self, Option<Arc<[u8]>>) {
        match self.origin {
            Origin::File(file, strange) => (Self { origin: Origin::Stored(strange), ..self }, Some(file)),
            _ => (self, None),
        }
    }

    /// Where its content lies, or is to lie.
    pub(crate) fn place(&self) -> Where {
        Where { folder: self.folder.clone(), name: self.name.clone(), names: self.names.clone() }
    }

    /// What is to be transferred; [`Daemon::source`](crate::daemon::Daemon::source) reads a .torrent that is stored.
    pub(crate) fn source(&self) -> Option<Source> {
        let mut source = match &self.origin {
            Origin::File(bytes, strange) => {
                let source = source::from_bytes("the .torrent that was kept", bytes).ok()?;
                if *strange { source.of_stranger() } else { source }
            }
            Origin::Link(link) => source::from_magnet(link)?,
            Origin::Stored(_) => return None,
        };
        if let Some(trackers) = &self.trackers {
            source.trackers.clone_from(trackers);
        }
        Some(source)
    }

    /// The folder that its owner knows its content by: where it ends.
    pub(crate) fn home(&self) -> &Path {
        self.goes_to.as_deref().unwrap_or(&self.folder)
    }

    /// Where it lies until it is complete, if that is elsewhere.
    pub(crate) fn incomplete(&self) -> Option<&Path> {
        self.goes_to.as_ref().map(|_| self.folder.as_path())
    }

    /// The torrent as the client is to take it.
    pub(crate) fn add(&self, source: Source) -> Add {
        let mut add = Add::download(source, self.folder.clone());
        (add.paused, add.up, add.down) = (self.paused, self.up, self.down);
        (add.name, add.names) = (self.name.clone(), self.names.clone());
        add.choice = self.choice();
        if self.shared.is_some() {
            add.mode = Mode::Publish;
        }
        add
    }

    /// Which files are wanted.
    pub(crate) fn choice(&self) -> Choice {
        if !self.files.is_empty() {
            Choice::Files(Selection::of(self.files.clone()))
        } else if !self.only.is_empty() || !self.first.is_empty() {
            Choice::Patterns { only: self.only.clone(), first: self.first.clone() }
        } else {
            Choice::All
        }
    }
}

/// A priority as a byte of the row.
fn level(priority: Priority) -> u8 {
    match priority {
        Priority::Skip => b's',
        Priority::Normal => b'n',
        Priority::High => b'f',
    }
}

fn priorities(bytes: &[u8]) -> Option<Vec<Priority>> {
    let priority = |byte: &u8| match byte {
        b's' => Some(Priority::Skip),
        b'n' => Some(Priority::Normal),
        b'f' => Some(Priority::High),
        _ => None,
    };
    bytes.iter().map(priority).collect()
}

fn texts<'a>(out: &mut Writer, items: impl IntoIterator<Item = &'a String>) {
    out.list(|out| items.into_iter().for_each(|item| out.str(item)));
}

fn list(value: Value<'_, '_>) -> Option<Vec<String>> {
    value.list()?.map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Indices of files and their names, in turn.
fn names(value: Value<'_, '_>) -> Option<BTreeMap<usize, String>> {
    let mut items = value.list()?;
    let mut names = BTreeMap::new();
    while let Some(file) = items.next() {
        names.insert(usize::try_from(file.as_uint()?).ok()?, items.next()?.as_str()?.to_owned());
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let wanted = Wanted {
            folder: "/data/films".into(),
            goes_to: Some("/data/done".into()),
            name: Some("A film".into()),
            names: [(0, "a/b".to_owned()), (7, "c".to_owned())].into(),
            labels: ["films", "new"].map(String::from).into(),
            only: vec!["*.mkv".into()],
            up: Some(1_000),
            ..Wanted::default()
        };
        let link = Origin::Link(format!("magnet:?xt=urn:btih:{}", "ab".repeat(20)));
        let until = "ratio=2 and time=1h".parse().ok();
        let course = Course { until, ended: true, seeded: 77, forced: true, order: 3 };
        Row { paused: true, course, ..Row::new(link, wanted, 1_796_000_000) }
    }

    /// The same of which something else is wanted.
    fn with(change: impl FnOnce(&mut Wanted)) -> Row {
        let mut row = row();
        change(&mut row);
        row
    }

    #[test]
    fn one_of_a_version_without_rules_is_read() {
        let mut bytes = Row { course: Course::default(), ..row() }.encode();
        for key in [&b"5:endedi0e"[..], b"6:forcedi0e", b"5:orderi0e", b"6:seededi0e"] {
            let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
            bytes.drain(at..at + key.len());
        }
        assert_eq!(Row::decode(&bytes), Some(Row { course: Course::default(), ..row() }));
    }

    #[test]
    fn comes_back_as_it_was() {
        let of_file = Row {
            origin: Origin::File(b"d4:infode"[..].into(), true),
            paused: false,
            ..with(|wanted| {
                *wanted = Wanted { folder: "/data/films".into(), down: Some(7), ..Wanted::default() };
            })
        };
        let by_index = with(|wanted| wanted.files = vec![Priority::Skip, Priority::Normal, Priority::High]);
        let sharing = Sharing { hosts: vec!["films.example".into()], tracks: true };
        let shared = with(|wanted| wanted.shared = Some(sharing));
        let tiers = vec![vec![teem_client::AnnounceUrl::of_user("udp://t:1")], Vec::new()];
        let tracked = with(|wanted| wanted.trackers = Some(tiers));
        for row in [row(), of_file, by_index, tracked, shared] {
            assert_eq!(Row::decode(&row.encode()), Some(row));
        }
    }

    #[test]
    fn what_a_newer_version_adds_is_left_alone() {
        let mut bytes = row().encode();
        bytes.pop();
        bytes.extend(b"4:zzzzl3:newee");
        assert_eq!(Row::decode(&bytes), Some(row()));
    }

    #[test]
    fn no_cut_is_believed_and_bounds_are_held() {
        let good = row().encode();
        for n in 0..good.len() {
            assert_eq!(Row::decode(&good[..n]), None, "{n}");
        }
        let labels = (0..=LABELS_MAX).map(|n| n.to_string()).collect();
        assert_eq!(Row::decode(&with(|wanted| wanted.labels = labels).encode()), None);
        assert_eq!(Row::decode(&with(|wanted| wanted.folder = "data".into()).encode()), None);
        assert_eq!(Row::decode(&with(|wanted| wanted.goes_to = Some("data".into())).encode()), None);
    }
}
