//! Where the records of saved state lie (own design): as files, a few for each torrent, or in one database for many thousands.
//!
//! The bytes of a record are the same in both, so that one can be filled from the other by copying.
use std::io;

/// Bytes of a state file that are read: 2 Mi pieces twice, what is wanted of millions of files, facts.
pub(super) const STATE_MAX: u64 = 64 << 20;

/// What a record is about: a torrent in one place, or a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// What is claimed of its pieces, and how its files were left.
    State,
    /// What its owner wants of it: where it came from, its labels, whether it is paused. The disk does not look inside.
    Row,
    /// A key that others speak to its owner's program with. The disk does not look inside.
    Token,
    /// What was counted of it over all runs. The disk does not look inside.
    Totals,
    /// What its owner's program was told to remember. The disk does not look inside.
    Setting,
    /// What a word that torrents are labelled with means to its owner. The disk does not look inside.
    Label,
    /// What its trackers know of a torrent, and when each may be asked again. The disk does not look inside.
    Announces,
    /// What is being moved or removed of a torrent, and how far that has come.
    Job,
    /// Its .torrent, which is read when it is needed. The disk does not look inside.
    File,
    /// What the next run takes it on with, where it rested. The disk does not look inside.
    Rest,
    /// What its .torrent says besides the content: a comment, trackers. The disk does not look inside.
    Facts,
    /// A feed that its owner's program takes torrents from. The disk does not look inside.
    Feed,
    /// How a feed stood when it was asked. The disk does not look inside.
    FeedStanding,
    /// What was taken of a feed. The disk does not look inside.
    FeedSeen,
}

impl Kind {
    /// All there are.
    pub(super) const ALL: [Self; 14] = [
        Self::State,
        Self::Row,
        Self::Token,
        Self::Totals,
        Self::Setting,
        Self::Label,
        Self::Announces,
        Self::Job,
        Self::File,
        Self::Rest,
        Self::Facts,
        Self::Feed,
        Self::FeedStanding,
        Self::FeedSeen,
    ];

    /// As it is called in names of files and tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Row => "row",
            Self::Token => "token",
            Self::Totals => "totals",
            Self::Setting => "setting",
            Self::Label => "label",
            Self::Announces => "announces",
            Self::Job => "job",
            Self::File => "file",
            Self::Rest => "rest",
            Self::Facts => "facts",
            Self::Feed => "feed",
            Self::FeedStanding => "feed_standing",
            Self::FeedSeen => "feed_seen",
        }
    }
}

/// Keeps records by kind and name. Its calls may wait for the medium.
///
/// Invariant: a record is replaced as a whole. After the power went a reader finds one that was put before, never parts of two, and none
/// that is older than the last one that a [`StateStore::flush`] returned for.
pub trait StateStore: Send + Sync {
    /// The newest record under this name that is `whole`; an error where one cannot be read and no other is whole, so that nobody takes what
    /// cannot be read for nothing and writes over it.
    fn get(&self, kind: Kind, name: &str, whole: &dyn Fn(&[u8]) -> bool) -> io::Result<Option<Vec<u8>>>;

    /// Replaces a record. Readers see it at once; it is durable at the next flush at the latest.
    fn put(&self, kind: Kind, name: &str, record: Vec<u8>) -> io::Result<()>;

    /// Removes a record, as durably as one is put; fine when there is none.
    fn remove(&self, kind: Kind, name: &str) -> io::Result<()>;

    /// Makes all that was put durable.
    fn flush(&self) -> io::Result<()>;
}
