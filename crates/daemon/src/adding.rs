//! How a torrent comes to be kept (own design): what it is, what is wanted of it, and its row on the disk before anybody is told.
use crate::asker::is_token;
use crate::daemon::{Daemon, now};
use crate::facts::Facts;
use crate::failed::AddFailed;
use crate::held::Held;
use crate::kept::Kept;
use crate::line::Line;
use crate::row::{Course, LABEL_BYTES, LABELS_MAX, Origin, PATTERNS_MAX, Row};
use crate::told::Told;
use crate::totals::Totals;
use crate::wanted::Wanted;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use teem_client::policy::Goal;
use teem_client::source;
use teem_client::{AddError, Priority, Source, Torrent};
use teem_disk::{Kind, StateStore};

/// Where content lies until it is complete.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) enum Incomplete {
    /// Where the rules say.
    #[default]
    ByRules,
    /// In the folder that it ends in.
    Never,
    /// In this folder.
    In(PathBuf),
}

/// What is wanted of a torrent that is added.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Wishes {
    /// The folder that its content goes into; the first of the daemon's where none is named.
    pub(crate) folder: Option<PathBuf>,
    /// Where it lies until it is complete.
    pub(crate) incomplete: Incomplete,
    /// Words of its owner's to find it by.
    pub(crate) labels: BTreeSet<String>,
    /// Whether it rests until it is resumed.
    pub(crate) paused: bool,
    /// Only the files that fit one of these patterns; everything when there is none.
    pub(crate) only: Vec<String>,
    /// Of these first what fits one of these.
    pub(crate) first: Vec<String>,
    /// How much each file is wanted, padding counted; then the patterns say nothing.
    pub(crate) files: Vec<Priority>,
    /// A file by itself goes into a folder that is called like it.
    pub(crate) subfolder: bool,
    /// Upload limit, payload bytes a second.
    pub(crate) up: Option<u64>,
    /// Download limit, payload bytes a second.
    pub(crate) down: Option<u64>,
    /// When it has given enough; what the rules say where none is named.
    pub(crate) until: Option<Goal>,
}

/// What is known of a torrent that is new here.
pub(crate) struct Brought {
    /// The fingerprint of its files, where they were hashed just now.
    pub(crate) hashed: Option<Vec<u8>>,
    /// What was counted of it elsewhere.
    pub(crate) totals: Option<Totals>,
}

impl Daemon {
    /// Adds what a link leads to: a magnet link, an info-hash or the URL of a .torrent, not a file.
    pub(crate) async fn add_link(&self, link: &str, wishes: Wishes) -> Result<Told, AddFailed> {
        let is_url = ["http://", "https://"].iter().any(|scheme| starts_with(link.trim(), scheme));
        let source = match source::from_magnet(link) {
            Some(source) => source,
            None if is_url && is_token() => {
                source::load_public(link, self.0.client.http()).await.map_err(AddFailed::Link)?
            }
            None if is_url => source::load(link, self.0.client.http()).await.map_err(AddFailed::Link)?,
            None => {
                let why = "this is no magnet link, info-hash or http(s) URL; files are given by their content";
                return Err(AddFailed::Wish(why.to_owned()));
            }
        };
        self.add(link, source, wishes).await
    }

    /// Adds a .torrent file.
    pub(crate) async fn add_file(&self, bytes: &[u8], wishes: Wishes) -> Result<Told, AddFailed> {
        let source = source::from_bytes("it", bytes).map_err(AddFailed::Link)?;
        self.add("", source, wishes).await
    }

    /// Adds what a link led to.
    pub(crate) async fn add(&self, link: &str, source: Source, wishes: Wishes) -> Result<Told, AddFailed> {
        let strange = source.origin == teem_client::Origin::Stranger;
        let origin = match (&source.file, &source.magnet) {
            (Some(file), _) => Origin::File(file.clone(), strange),
            // What a URL led to.
            (None, Some(magnet)) if source::from_magnet(link).is_none() => Origin::Link(magnet.to_string()),
            (None, _) => Origin::Link(link.trim().to_owned()),
        };
        let mut wishes = wishes;
        let one_file = source.info.as_ref().filter(|info| info.is_single_file());
        if let Some(info) = one_file.filter(|_| wishes.subfolder) {
            let folder = wishes.folder.or_else(|| self.0.policy.rules().folder(&wishes.labels));
            wishes.folder = Some(folder.unwrap_or_else(|| self.first_root().to_owned()).join(called_like(info.name())));
        }
        let name = source.info.as_deref().map(|info| info.name().to_owned());
        let row = self.looked_at(origin, wishes, name).await.map_err(AddFailed::Wish)?;
        self.take_in(row, source, None).await
    }

    /// Keeps a torrent and begins it. `hashed` is the fingerprint of files that were hashed just now.
    pub(crate) async fn take_in(&self, row: Row, source: Source, hashed: Option<Vec<u8>>) -> Result<Told, AddFailed> {
        let _turn = self.0.turn.lock().await;
        self.keep_new(row, source, Brought { hashed, totals: None }).await
    }

    /// The same for those who have the turn.
    pub(crate) async fn keep_new(&self, row: Row, source: Source, brought: Brought) -> Result<Told, AddFailed> {
        let Brought { hashed, totals } = brought;
        let hash = source.key.wire();
        let mut line = Line::new(Some(&source));
        let (row, held, torrent) = self.take_on(row, source, hashed).await.map_err(AddFailed::Client)?;
        let (row, file) = row.apart();
        if let Some(facts) = file.as_deref().and_then(Facts::of_file) {
            // It is committed with the file; one that is missing is made anew.
            let _ = self.put(Kind::Facts, &hash.to_string(), facts.encode());
        }
        let file = file.map(|file| (hash.to_string(), Some(file.to_vec()))).into_iter().collect();
        // That an earlier torrent of this info-hash was complete says nothing of this one.
        let forgotten = self.0.database.remove(Kind::Rest, &hash.to_string());
        let mut before = forgotten.and(self.keep(Kind::File, file).await);
        if let (Ok(()), Some(totals)) = (&before, totals) {
            line.count_from(totals);
            before = self.keep(Kind::Totals, vec![(hash.to_string(), Some(totals.encode()))]).await;
        }
        let kept = match before {
            Ok(()) => self.keep(Kind::Row, vec![(hash.to_string(), Some(row.encode()))]).await,
            Err(e) => Err(e),
        };
        if let Err(e) = kept {
            torrent.remove().await;
            return Err(AddFailed::Store(e));
        }
        let groups = self.0.policy.groups(&row.labels);
        if !groups.is_empty() {
            // One that has ended has no limits to set.
            let _ = torrent.groups(&groups);
        }
        self.torrents().enter(hash, Kept { row, torrent: Ok(torrent), line, is_asleep: false });
        self.enters(hash, true);
        if let Some(held) = held {
            self.hold(hash, held);
        }
        let told = self.told(&[hash]).await.map_err(|_| AddFailed::Client(AddError::Stopped))?;
        told.into_iter().next().ok_or(AddFailed::Client(AddError::Stopped))
    }

    /// Has the client take it. Where another lies in the folder for what is not complete under the same name, it lies where it ends at once.
    async fn take_on(
        &self,
        row: Row,
        source: Source,
        hashed: Option<Vec<u8>>,
    ) -> Result<(Row, Option<Held>, Torrent), AddError> {
        let held = self.waits_first(&row).filter(|_| !row.paused);
        let take = async |row: &Row, source: Source| {
            let mut add = row.add(source);
            if let Some(hashed) = hashed.clone() {
                let looked = tokio::task::spawn_blocking(move || {
                    add.hashed_as(&hashed);
                    add
                });
                add = looked.await.map_err(|_| AddError::Stopped)?;
            }
            add.paused |= held.is_some();
            self.0.client.add(add).await
        };
        match take(&row, source.clone()).await {
            Err(AddError::SamePlace(_)) if row.goes_to.is_some() => {
                let (mut row, home) = (row.clone(), row.home().to_owned());
                (row.folder, row.goes_to) = (home, None);
                let torrent = take(&row, source).await?;
                Ok((row, held, torrent))
            }
            taken => taken.map(|torrent| (row, held, torrent)),
        }
    }

    /// The row of these wishes for content of this name. Its folder is looked at on a thread of its own, since the disk may hang.
    async fn looked_at(&self, origin: Origin, wishes: Wishes, name: Option<String>) -> Result<Row, String> {
        let folder = wishes.folder.clone().or_else(|| self.0.policy.rules().folder(&wishes.labels));
        let folder = folder.unwrap_or_else(|| self.first_root().to_owned());
        self.look(&folder.clone(), move |daemon| daemon.row(origin, wishes, &folder, name.as_deref())).await
    }

    /// The row of these wishes, or why they cannot be granted.
    fn row(&self, origin: Origin, wishes: Wishes, folder: &Path, name: Option<&str>) -> Result<Row, String> {
        let Wishes { folder: _, incomplete, labels, paused, only, first, files, subfolder: _, up, down, until } =
            wishes;
        let folder = self.below_roots(folder)?;
        let incomplete = match incomplete {
            Incomplete::ByRules => self.0.policy.rules().incomplete(&labels),
            Incomplete::Never => None,
            Incomplete::In(folder) => Some(folder),
        };
        let incomplete = incomplete.map(|folder| self.below_roots(&folder)).transpose()?;
        // What lies there already is used there.
        let is_there = name.is_some_and(|name| fs::symlink_metadata(folder.join(name)).is_ok());
        let (folder, goes_to) = match incomplete.filter(|incomplete| *incomplete != folder && !is_there) {
            Some(incomplete) => (incomplete, Some(folder)),
            None => (folder, None),
        };
        within_bounds(&labels, &only, &first)?;
        let course = Course { until, order: self.next_place(), ..Course::default() };
        let wanted = Wanted { folder, goes_to, labels, only, first, files, up, down, ..Wanted::default() };
        Ok(Row { paused, course, ..Row::new(origin, wanted, now()) })
    }

    /// The place behind all others in the queue.
    pub(crate) fn next_place(&self) -> u64 {
        self.torrents().behind()
    }
}

/// The name of a file without what says its kind.
fn called_like(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim_end_matches(['.', ' ']);
    if stem.is_empty() { name } else { stem }
}

/// Whether labels and patterns are within their bounds; if not, a sentence.
pub(crate) fn within_bounds(labels: &BTreeSet<String>, only: &[String], first: &[String]) -> Result<(), String> {
    if labels.len() > LABELS_MAX || labels.iter().any(|label| label.is_empty() || label.len() > LABEL_BYTES) {
        return Err(format!("at most {LABELS_MAX} labels, each of 1 to {LABEL_BYTES} bytes"));
    }
    if only.len().max(first.len()) > PATTERNS_MAX {
        return Err(format!("at most {PATTERNS_MAX} patterns"));
    }
    Ok(())
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_called_like_the_file_in_it() {
        for (name, folder) in
            [("a film.mkv", "a film"), ("x.tar.gz", "x.tar"), ("film", "film"), (".rc", ".rc"), ("a ..b", "a")]
        {
            assert_eq!(called_like(name), folder);
        }
    }
}
