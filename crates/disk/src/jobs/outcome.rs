//! What comes of a job (own design): where the content lies then, or why it is not done and whether it has to be gone on with.
use crate::place::Place;
use std::collections::BTreeMap;
use std::path::PathBuf;
use teem_swarm::job::DiskError;

/// Where the content of a torrent lies, as a record says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Where {
    /// The folder that holds the content's file or folder.
    pub folder: PathBuf,
    /// The content's own name, where it differs from the torrent's.
    pub name: Option<String>,
    /// Files that go by other names, by index.
    pub names: BTreeMap<usize, String>,
}

impl Where {
    /// Where a place is.
    pub fn of(place: &Place) -> Self {
        Self { folder: place.folder.clone(), name: place.name.clone(), names: place.names.clone() }
    }

    /// The place there, under the terms of another.
    pub fn like(&self, place: &Place) -> Place {
        let Self { folder, name, names } = self.clone();
        Place { folder, name, names, ..place.clone() }
    }
}

/// Why a job is not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobFailed {
    /// What went wrong.
    pub error: DiskError,
    /// Its record stands: the torrent is not to be opened before the job was begun again and has ended. Else all is as it was.
    pub pending: bool,
}

impl JobFailed {
    pub(super) fn unchanged(error: DiskError) -> Self {
        Self { error, pending: false }
    }

    pub(super) fn pending(error: DiskError) -> Self {
        Self { error, pending: true }
    }
}
