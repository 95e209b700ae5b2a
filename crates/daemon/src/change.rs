//! What is changed of torrents that are kept (own design): labels, limits, trackers, which files are wanted. Each change is on the disk before it is answered, and
//! where one of the selected torrents cannot have what is wanted nothing is changed of any.
use crate::adding::within_bounds;
use crate::asker::is_token;
use crate::daemon::Daemon;
use crate::details::known;
use crate::failed::Failed;
use crate::row::Row;
use crate::select::Selector;
use crate::tiers::Edit;
use crate::told::Told;
use std::collections::BTreeSet;
use std::sync::Arc;
use teem_client::metainfo::{Info, InfoHash};
use teem_client::policy::Goal;
use teem_client::{Choice, Origin, Priority, Torrent};
use teem_disk::Kind;

/// What is to be otherwise. What is `None` or empty stays.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Changes {
    /// These labels and no others.
    pub(crate) labels: Option<BTreeSet<String>>,
    /// These labels besides.
    pub(crate) add_labels: BTreeSet<String>,
    /// No longer these.
    pub(crate) remove_labels: BTreeSet<String>,
    /// What is sent.
    pub(crate) up: Limit,
    /// What is received.
    pub(crate) down: Limit,
    /// When it has given enough.
    pub(crate) until: Until,
    /// Only the files that fit one of these patterns; with none, all. What was said of single files is forgotten.
    pub(crate) only: Option<Vec<String>>,
    /// Of these first what fits one of these; the same.
    pub(crate) first: Option<Vec<String>>,
    /// What becomes of its trackers, one change after the other.
    pub(crate) trackers: Vec<Edit>,
    /// How much these files are wanted, by index from 0 with padding counted; the others stay as they are.
    pub(crate) files: Vec<(Vec<u32>, Priority)>,
}

/// A limit, as it is to be.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Limit {
    /// As it was.
    #[default]
    Stays,
    /// So many payload bytes a second, or without limit.
    Becomes(Option<u64>),
}

/// A goal, as it is to be.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Until {
    /// As it was.
    #[default]
    Stays,
    /// Its own, or that of the rules.
    Becomes(Option<Goal>),
}

impl Limit {
    fn or(self, before: Option<u64>) -> Option<u64> {
        match self {
            Self::Stays => before,
            Self::Becomes(limit) => limit,
        }
    }
}

impl Changes {
    /// Whether it is said which files are wanted.
    fn is_choice(&self) -> bool {
        self.only.is_some() || self.first.is_some() || !self.files.is_empty()
    }

    /// The row as it is to be, or why that cannot be. Takes time in proportion to the torrent's files, where these are chosen.
    fn apply(&self, mut row: Row, info: Option<&Info>) -> Result<Row, String> {
        if let Some(labels) = &self.labels {
            row.labels.clone_from(labels);
        }
        row.labels.extend(self.add_labels.iter().cloned());
        row.labels.retain(|label| !self.remove_labels.contains(label));
        (row.up, row.down) = (self.up.or(row.up), self.down.or(row.down));
        if let Until::Becomes(until) = self.until {
            row.course.until = until;
        }
        if self.only.is_some() || self.first.is_some() {
            row.files.clear();
        }
        if let Some(only) = &self.only {
            row.only.clone_from(only);
        }
        if let Some(first) = &self.first {
            row.first.clone_from(first);
        }
        within_bounds(&row.labels, &row.only, &row.first)?;
        if !self.files.is_empty() {
            row.files = self.by_index(&row, info)?;
            (row.only, row.first) = (Vec::new(), Vec::new());
        }
        // What fits none of the files is said now; of a torrent whose files are not known it is found out when they are.
        if let (Some(info), true) = (info, self.is_choice()) {
            row.choice().of(info)?;
        }
        Ok(row)
    }

    fn by_index(&self, row: &Row, info: Option<&Info>) -> Result<Vec<Priority>, String> {
        let mut files = match info {
            Some(info) => {
                let selection = row.choice().of(info)?;
                (0..info.files().len()).map(|file| selection.file(file)).collect()
            }
            None if !row.only.is_empty() || !row.first.is_empty() => {
                return Err("its files are not known yet, and are chosen by patterns: change these".to_owned());
            }
            None => row.files.clone(),
        };
        for (indices, priority) in &self.files {
            for index in indices {
                let index = *index as usize;
                if index >= files.len() && info.is_some() {
                    return Err(format!("there is no file {index}: the files are 0 to {}", files.len() - 1));
                }
                if index >= FILES_MAX {
                    return Err(format!("no torrent has a file {index}"));
                }
                if index >= files.len() {
                    files.resize(index + 1, Priority::Normal);
                }
                files[index] = *priority;
            }
        }
        Ok(files)
    }
}

/// Files of a torrent whose metadata is missing: what nobody can have more of.
const FILES_MAX: usize = 1 << 20;

/// A selected torrent, and what is to be of it.
struct Changed {
    hash: InfoHash,
    row: Row,
    torrent: Option<Torrent>,
}

impl Daemon {
    /// Changes the selected torrents; how they stand then.
    pub(crate) async fn set(&self, select: &[Selector], changes: Changes) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        self.set_of(&hashes, changes).await?;
        self.told(&hashes).await
    }

    /// Changes these torrents, as far as they are there.
    pub(crate) async fn set_of(&self, hashes: &[InfoHash], changes: Changes) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let found: Vec<Changed> = {
            let torrents = self.torrents();
            let of = |hash: &InfoHash| {
                let kept = torrents.get(hash)?;
                Some(Changed { hash: *hash, row: kept.row.clone(), torrent: kept.torrent.clone().ok() })
            };
            hashes.iter().filter_map(of).collect()
        };
        let mut all: Vec<(Changed, Option<Arc<Info>>)> = Vec::with_capacity(found.len());
        for one in found {
            // Only a choice of files needs to know them.
            let info = match one.torrent.as_ref().filter(|_| changes.is_choice()) {
                Some(torrent) => known(torrent).await?,
                None => None,
            };
            all.push((one, info));
        }
        // What a token names leads nowhere that a stranger's link would not.
        let origin = if is_token() { Origin::Stranger } else { Origin::User };
        let (daemon, wanted) = (self.clone(), changes.clone());
        let changed = tokio::task::spawn_blocking(move || {
            let of = |(one, info): (Changed, Option<Arc<Info>>)| {
                let mut row = wanted.apply(one.row, info.as_deref())?;
                if !wanted.trackers.is_empty() {
                    row.trackers = Some(daemon.edited(one.hash, &row, &wanted.trackers, origin)?);
                }
                Ok(Changed { row, ..one })
            };
            all.into_iter().map(of).collect::<Result<Vec<_>, String>>()
        });
        let changed = changed.await.unwrap_or_else(|e| Err(e.to_string())).map_err(Failed::Wish)?;
        let rows = changed.iter().map(|one| (one.hash.to_string(), Some(one.row.encode()))).collect();
        self.keep(Kind::Row, rows).await.map_err(Failed::Store)?;
        for Changed { hash, row, torrent } in changed {
            let ((up, down), groups) = ((row.up, row.down), self.0.policy.groups(&row.labels));
            let choice = row.choice();
            let trackers = row.trackers.clone().filter(|_| !changes.trackers.is_empty());
            self.has_row(hash, row);
            let Some(torrent) = torrent else { continue };
            // One that has ended has no limits to set. Those that its labels share may be others too.
            let _ = torrent.limits(up, down);
            let _ = torrent.groups(&groups);
            if let Some(trackers) = trackers {
                self.shows_trackers(hash, &trackers);
                // The same is true of its trackers.
                let _ = torrent.set_trackers(trackers);
            }
            if changes.is_choice() {
                choose(&torrent, choice).await;
                // Bytes that are wanted are others, though it may do what it did.
                self.pulse().wanted.insert(torrent.id());
            }
        }
        self.0.policy.look_at(hashes);
        Ok(())
    }

    /// Has the trackers of the selected torrents asked as soon as they let themselves be asked again; how the torrents stand.
    pub(crate) async fn announce(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        self.announce_of(&hashes);
        self.told(&hashes).await
    }

    /// The same with these torrents, as far as they are there.
    pub(crate) fn announce_of(&self, hashes: &[InfoHash]) {
        let torrents: Vec<Torrent> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| torrents.get(hash)?.torrent.clone().ok()).collect()
        };
        for torrent in torrents {
            // One that has ended announces nothing more.
            let _ = torrent.announce();
        }
    }
}

/// Has a torrent follow a choice that was found to fit it. Nothing comes of it for one that has ended.
async fn choose(torrent: &Torrent, choice: Choice) {
    let _ = torrent.choose_whenever(choice).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Origin;
    use crate::wanted::Wanted;
    use teem_client::metainfo::Limits;

    fn row() -> Row {
        let wanted = Wanted {
            folder: "/data".into(),
            labels: ["old", "kept"].map(String::from).into(),
            only: vec!["*.mkv".into()],
            up: Some(1),
            ..Wanted::default()
        };
        Row::new(Origin::Link("00".repeat(20)), wanted, 1)
    }

    /// Files `a.mkv`, `b.txt`, `c.mkv`.
    fn info() -> Info {
        let file = |name: &str| format!("d6:lengthi10e4:pathl{}:{name}ee", name.len());
        let files = ["a.mkv", "b.txt", "c.mkv"].map(file).concat();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn labels_and_limits_change_and_the_rest_stays() {
        let changes = Changes {
            add_labels: set(&["new"]),
            remove_labels: set(&["old"]),
            up: Limit::Becomes(None),
            down: Limit::Becomes(Some(7)),
            ..Changes::default()
        };
        let changed = changes.apply(row(), None).unwrap();
        let mut wanted = row();
        (wanted.labels, wanted.up, wanted.down) = (set(&["kept", "new"]), None, Some(7));
        assert_eq!(changed, wanted);
        let replaced = Changes { labels: Some(set(&["only"])), ..Changes::default() }.apply(row(), None).unwrap();
        assert_eq!(replaced.labels, set(&["only"]));
        let long = Changes { add_labels: set(&[&"x".repeat(101)]), ..Changes::default() };
        assert!(long.apply(row(), None).unwrap_err().contains("labels"));
    }

    #[test]
    fn files_by_index_begin_with_what_was_wanted() {
        use Priority::{High, Normal, Skip};
        let info = info();
        let by_index = |files| Changes { files, ..Changes::default() };
        let changed = by_index(vec![(vec![0], Skip), (vec![1], High)]).apply(row(), Some(&info)).unwrap();
        assert_eq!((&changed.files[..], changed.only.len()), (&[Skip, High, Normal][..], 0));
        let again = by_index(vec![(vec![0], Normal)]).apply(changed.clone(), Some(&info)).unwrap();
        assert_eq!(again.files, [Normal, High, Normal]);
        let patterns = Changes { first: Some(vec!["c*".into()]), ..Changes::default() };
        let of_patterns = patterns.apply(changed.clone(), Some(&info)).unwrap();
        assert_eq!((of_patterns.files.len(), &of_patterns.first[..]), (0, &["c*".to_owned()][..]));
        let refused = |files| by_index(files).apply(row(), Some(&info)).unwrap_err();
        assert!(refused(vec![(vec![3], Skip)]).contains("0 to 2"));
        assert!(refused(vec![(vec![0, 2], Skip)]).contains("none of the files"), "something has to be wanted");
        let nothing = Changes { only: Some(vec!["*.iso".into()]), ..Changes::default() };
        assert!(nothing.apply(row(), Some(&info)).unwrap_err().contains("*.iso"));
    }

    #[test]
    fn files_that_are_not_known_yet_can_be_named() {
        use Priority::{Normal, Skip};
        let by_index = Changes { files: vec![(vec![1], Skip)], ..Changes::default() };
        assert!(by_index.apply(row(), None).unwrap_err().contains("patterns"));
        let mut plain = row();
        plain.only.clear();
        assert_eq!(by_index.apply(plain.clone(), None).unwrap().files, [Normal, Skip]);
        let far = Changes { files: vec![(vec![u32::MAX], Skip)], ..Changes::default() };
        assert!(far.apply(plain, None).is_err());
    }
}
