//! What is true of a torrent from some moment on (own design): unlike events it cannot be missed.
use std::fmt;
use std::sync::Arc;
use teem_metainfo::Info;
use teem_swarm::event::{Event, State};
use teem_swarm::job::DiskError;

/// What is true of a torrent from some moment on. Unlike events it cannot be missed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// What the torrent does.
    pub state: State,
    /// Its metadata, once known; not while it rests ([`Torrent::metadata`](crate::Torrent::metadata) reads it then).
    pub info: Option<Arc<Info>>,
    /// What is known of it from its metadata, at rest too.
    pub about: Option<About>,
    /// Whether it is complete, without peers, and no more than a record: it serves whoever comes.
    pub rests: bool,
    /// Set when every piece that is wanted is verified; true when that was so from the start.
    pub complete: Option<bool>,
    /// Whether all of a complete torrent is on the disk for good.
    pub durable: bool,
    /// Set when all pieces have been hashed again as the owner asked: how many that had been verified are damaged or missing.
    pub rechecked: Option<u32>,
    /// Why it cannot go on.
    pub failed: Option<Box<(String, Option<DiskError>)>>,
    /// Whether that is a fault of this program, which its authors should hear of.
    pub fault: bool,
    /// The disk's present trouble.
    pub disk: Option<Box<DiskError>>,
    /// Whether its content is being moved or given other names: [`Torrent::progress`](crate::Torrent::progress) says how far that is.
    pub moving: bool,
    /// Whether it has been removed from the client.
    pub removed: bool,
}

/// What is known of a torrent from its metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// What the torrent calls its content.
    pub name: Arc<str>,
    /// Bytes of all its files.
    pub size: u64,
    /// How many files those are.
    pub files: u32,
    /// How many pieces they are cut into.
    pub pieces: u32,
    /// Bytes of each piece but the last.
    pub piece_length: u32,
    /// Whether only its trackers tell of peers (BEP 27).
    pub private: bool,
}

impl About {
    /// What its metadata says.
    pub fn of(info: &Info) -> Self {
        Self {
            name: info.name().into(),
            size: info.content_size(),
            files: info.content_files() as u32,
            pieces: info.piece_count(),
            piece_length: info.piece_length(),
            private: info.is_private(),
        }
    }
}

impl Status {
    /// Of a torrent that is being added.
    pub(crate) fn new(info: Option<Arc<Info>>, paused: bool, choose: bool) -> Self {
        let state = match &info {
            _ if paused => State::Paused,
            Some(_) if choose => State::Choosing,
            Some(_) => State::Checking,
            None => State::Metadata,
        };
        Self {
            state,
            about: info.as_deref().map(About::of),
            rests: false,
            info,
            complete: None,
            durable: false,
            rechecked: None,
            failed: None,
            fault: false,
            disk: None,
            moving: false,
            removed: false,
        }
    }

    /// Of a torrent that is added at rest, or paused after it rested.
    pub(crate) fn at_rest(about: About, paused: bool) -> Self {
        let state = if paused { State::Paused } else { State::Seeding };
        let (complete, durable, rests) = (Some(true), true, true);
        Self { state, about: Some(about), complete, durable, rests, ..Self::new(None, paused, false) }
    }

    /// Notes what an event says for good; tells whether anything changed.
    pub(crate) fn take_in(&mut self, event: &Event) -> bool {
        match event {
            Event::Metadata { info, .. } => (self.about, self.info) = (Some(About::of(info)), Some(info.clone())),
            Event::Rests { .. } => (self.rests, self.info) = (true, None),
            Event::Woken { info, .. } => (self.rests, self.info) = (false, Some(info.clone())),
            Event::State { state, .. } => {
                self.state = *state;
                if matches!(state, State::Metadata | State::Choosing | State::Checking) {
                    self.failed = None; // it was begun again
                }
                if matches!(state, State::Checking | State::Downloading) {
                    // It is being found out, or more is wanted than was, or something is damaged.
                    (self.complete, self.durable) = (None, false);
                }
            }
            // What is complete is made durable next.
            Event::Complete { at_start, .. } => (self.complete, self.durable) = (Some(*at_start), false),
            Event::Rechecked { lost, .. } => self.rechecked = Some(*lost),
            Event::Durable { complete: true, .. } => self.durable = true,
            Event::Failed { why, disk, .. } => {
                self.failed = Some(Box::new((why.clone(), disk.clone())));
                self.state = State::Failed;
            }
            Event::Fault { why, .. } => self.take_fault(why),
            Event::Disk { error, .. } => self.disk = Some(Box::new(error.clone())),
            Event::DiskRecovered { .. } => self.disk = None,
            Event::Removed { .. } => self.removed = true,
            _ => return false,
        }
        true
    }

    /// A fault of this program is its end.
    pub(crate) fn take_fault(&mut self, why: &str) {
        if !self.fault {
            self.failed = Some(Box::new((why.to_owned(), None)));
            (self.fault, self.state) = (true, State::Failed);
        }
    }

    /// Why nothing more is to be waited for, when that is so.
    pub fn ended(&self) -> Option<Ended> {
        match self.failed.as_deref() {
            Some((why, _)) if self.fault => Some(Ended::Fault(why.clone())),
            Some((why, disk)) => Some(Ended::Failed(why.clone(), disk.clone())),
            None => self.removed.then_some(Ended::Removed),
        }
    }
}

/// A torrent ended before what was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// It cannot go on, for this reason; the disk's own error where it is the disk that refuses.
    Failed(String, Option<DiskError>),
    /// A fault of this program ended it, alone or with the whole client: a sentence that says what is to be reported.
    Fault(String),
    /// It was removed, or the client was shut down.
    Removed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why, _) | Self::Fault(why) => f.write_str(why),
            Self::Removed => f.write_str("the torrent was removed"),
        }
    }
}

impl std::error::Error for Ended {}
