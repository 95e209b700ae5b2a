//! What a torrent is doing (own design): one phase at a time, and what exists only in it inside it.
use super::download::Download;
use crate::ask::AskId;
use crate::event::State;
use crate::picker::pick::Picker;
use crate::time::Time;
use alloc::boxed::Box;

/// How far a torrent is in finding a place for its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Placing {
    /// It was asked for under this id.
    Asked(AskId),
    /// The question was not taken; it is asked again at this time.
    Again(Time),
}

/// A torrent's phase.
#[derive(Debug)]
pub(super) enum Phase {
    /// The metadata is not known.
    Metadata,
    /// The files are known, and the owner is to say which of them are wanted.
    Choosing,
    /// The metadata has come; it is not known yet where the content goes.
    Placing(Placing),
    /// The disk looks at what is there.
    Checking,
    /// Something is missing and wanted.
    Downloading(Box<Download>),
    /// All that is wanted is there, or the content is ours to publish.
    Seeding,
    /// It cannot go on.
    Failed,
    /// It ends; while `closing` the disk has not let go.
    Stopping { closing: bool },
}

impl Phase {
    /// For the owner.
    pub(super) fn state(&self) -> State {
        match self {
            Self::Metadata => State::Metadata,
            Self::Choosing => State::Choosing,
            Self::Placing(_) => State::Placing,
            Self::Checking => State::Checking,
            Self::Downloading(download) if download.is_halted() => State::DiskTrouble,
            Self::Downloading(_) => State::Downloading,
            Self::Seeding => State::Seeding,
            Self::Failed => State::Failed,
            Self::Stopping { .. } => State::Stopping,
        }
    }

    /// The download, while there is one.
    pub(super) fn download(&self) -> Option<&Download> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    /// What is asked for, while there is a download.
    pub(super) fn picker(&self) -> Option<&Picker> {
        self.download().map(Download::picker)
    }

    /// The download, to be changed.
    pub(super) fn download_mut(&mut self) -> Option<&mut Download> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    /// Whether it is not known yet what the content is, what is wanted of it, or where it goes.
    pub(super) fn is_before_content(&self) -> bool {
        matches!(self, Self::Metadata | Self::Choosing | Self::Placing(_))
    }

    /// Whether a place was asked for under this id.
    pub(super) fn has_asked(&self, id: AskId) -> bool {
        matches!(self, Self::Placing(Placing::Asked(asked)) if *asked == id)
    }

    /// When a place is to be asked for again.
    pub(super) fn asks_again(&self) -> Option<Time> {
        if let Self::Placing(Placing::Again(at)) = self { Some(*at) } else { None }
    }

    /// Whether the disk still looks at what is there.
    pub(super) fn is_checking(&self) -> bool {
        matches!(self, Self::Checking)
    }

    /// Whether a download is under way and the disk works.
    pub(super) fn is_downloading(&self) -> bool {
        self.state() == State::Downloading
    }

    /// Whether the disk has the content open.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Checking | Self::Downloading(_) | Self::Seeding)
    }

    /// Whether nobody is taken in any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Failed | Self::Stopping { .. })
    }

    /// Whether the disk has been told to let go and has not.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self, Self::Stopping { closing: true })
    }
}
