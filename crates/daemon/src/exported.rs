//! A torrent with all that is kept of it, in words that another daemon understands (own design): what is exported, and what is imported, be it of another daemon
//! or of another program.
//!
//! Nothing in it is trusted: texts are within the bounds of a row, names lead nowhere, and what is said of pieces is believed as far as the files are as they
//! were left.
use crate::line::Line;
use crate::row::{Course, Origin, Row};
use crate::sharing::is_plain;
use crate::tiers::Tiers;
use crate::totals::{Span, Totals};
use crate::wanted::{Sharing, Wanted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_client::{AnnounceUrl, Priority, Source, source};
use teem_disk::{Carried, Left, Told};
use utoipa::ToSchema;

/// Files of a torrent whose metadata is missing.
const FILES_MAX: usize = 1 << 20;

/// A torrent with all that is kept of it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exported {
    /// Its .torrent file in base64; `link` where the metadata is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torrent: Option<String>,
    /// A magnet link or an info-hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether a server gave the .torrent and not its owner, so that it leads to no machine nearby.
    pub strange: bool,
    /// The folder that its content lies in: an absolute path.
    pub folder: String,
    /// The folder that it is moved to once it is complete: an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) goes_to: Option<String>,
    /// What the content is called there, where that is not the torrent's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Files that go by other names than the torrent's: their places among all files, padding counted, and their paths below the content's folder.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<usize, String>,
    /// Words to find it by.
    pub labels: BTreeSet<String>,
    /// Those of its labels that are categories, each with the folder where the content of new torrents goes; an empty text where that is the daemon's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) categories: BTreeMap<String, String>,
    /// Whether it rests until it is resumed.
    pub paused: bool,
    /// When it was added, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// Patterns of paths and names: the files that are wanted; all where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Patterns of paths and names: the files that are wanted first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
    /// Places of the files that are not wanted, padding counted; then the patterns say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) skipped_files: Vec<usize>,
    /// Places of the files that are wanted before the rest, padding counted; then the patterns say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) first_files: Vec<usize>,
    /// Its trackers in tiers, where they are not those that it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trackers: Option<Vec<Vec<String>>>,
    /// Limit of what it sends, in payload bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) up_limit: Option<u64>,
    /// Limit of what it receives, in payload bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) down_limit: Option<u64>,
    /// Its own goal, as `teem add --until` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether it has given enough.
    pub ended: bool,
    /// Whether it works whatever others do.
    pub forced: bool,
    /// Its place in the queue: lower ones come first. What is imported comes behind all that is there.
    pub order: u64,
    /// How it is shared, where its content is served as it lies and never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedSo>,
    /// What was counted of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Counted>,
    /// What Teem has saved of its pieces and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<SavedState>,
    /// What another program says of its pieces and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Verified>,
}

/// How content is shared.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SharedSo {
    /// Names and addresses that others reach the machine by.
    pub hosts: Vec<String>,
    /// Whether the daemon tracks it.
    pub tracker: bool,
}

/// What was counted of a torrent over all runs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Counted {
    /// Payload bytes received.
    pub downloaded: u64,
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Seconds that it was at work.
    pub active: u64,
    /// Seconds that it was at work and complete.
    pub seeding: u64,
    /// When it became complete by downloading, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// When payload last moved, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<u64>,
}

/// What Teem has saved of a torrent, as it lies in its store: each record in base64.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SavedState {
    /// Which pieces are there, and how the files were left.
    pub state: String,
    /// How the files were left where there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What was written since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) journal: Option<String>,
}

/// What another program says it has of a torrent. Of a file that was changed since the pieces are hashed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Verified {
    /// The pieces that it has verified, as a bitfield of the wire in base64.
    pub pieces: String,
    /// When each file was changed last, in seconds since 1970, padding included; where this is not known: `checked` or `left_by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<i64>>,
    /// When each file was checked last, in seconds since 1970, padding included: one that was changed later is hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Vec<i64>>,
    /// The second since 1970 after which it changed no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_by: Option<i64>,
}

/// Why a torrent cannot be told in words.
const NO_UTF8: &str = "the path of its folder is no UTF-8, which an export cannot say";

impl Exported {
    /// What is kept of a torrent, the source and what is saved of its pieces aside.
    pub(crate) fn of(row: &Row, line: &Line, life: u64) -> Result<Self, String> {
        let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(NO_UTF8);
        let by = |wanted: Priority| {
            (0..).zip(&row.files).filter(|(_, priority)| **priority == wanted).map(|(index, _)| index).collect()
        };
        let reveal = |tier: &Vec<AnnounceUrl>| tier.iter().map(|url| url.reveal().to_owned()).collect();
        let totals = line.totals;
        let is_strange = |url: &AnnounceUrl| url.origin() == teem_client::Origin::Stranger;
        let strange = row.trackers.iter().flatten().flatten().any(is_strange);
        Ok(Self {
            torrent: None,
            link: match &row.origin {
                Origin::Link(link) => Some(link.clone()),
                _ => None,
            },
            strange: strange || matches!(row.origin, Origin::File(_, true) | Origin::Stored(true)),
            folder: text(&row.folder)?,
            goes_to: row.goes_to.as_deref().map(text).transpose()?,
            name: row.name.clone(),
            names: row.names.clone(),
            labels: row.labels.clone(),
            categories: BTreeMap::new(),
            paused: row.paused,
            added: Some(row.added),
            only: row.only.clone(),
            first: row.first.clone(),
            skipped_files: by(Priority::Skip),
            first_files: by(Priority::High),
            trackers: row.trackers.as_ref().map(|tiers| tiers.iter().map(reveal).collect()),
            up_limit: row.up,
            down_limit: row.down,
            until: row.course.until.map(|until| until.to_string()),
            ended: row.course.ended,
            forced: row.course.forced,
            order: row.course.order,
            shared: row.shared.as_ref().map(|of| SharedSo { hosts: of.hosts.clone(), tracker: of.tracks }),
            totals: Some(Counted {
                downloaded: totals.downloaded,
                uploaded: totals.uploaded,
                active: totals.active.seconds(life),
                seeding: totals.seeding.seconds(life),
                completed: totals.completed,
                moved: totals.moved,
            }),
            saved: None,
            told: None,
        })
    }

    /// What is to be transferred.
    pub(crate) fn source(&self) -> Result<Source, String> {
        let source = match (&self.torrent, &self.link) {
            (Some(file), None) => {
                let bytes = STANDARD.decode(file.trim()).map_err(|e| format!("its .torrent is no base64: {e}"))?;
                source::from_bytes("it", &bytes).map_err(|e| e.to_string())?
            }
            (None, Some(link)) => source::from_magnet(link).ok_or("its link is no magnet link or info-hash")?,
            _ => return Err("one of `torrent` and `link` is to be given".to_owned()),
        };
        Ok(if self.strange && self.torrent.is_some() { source.of_stranger() } else { source })
    }

    /// The row that it is to have, in this place of the queue; its folders are not looked at yet.
    pub(crate) fn row(&self, source: &Source, order: u64, now: u64) -> Result<Row, String> {
        let origin = match (&source.file, &self.link) {
            (Some(file), _) => Origin::File(file.clone(), self.strange),
            (None, Some(link)) => Origin::Link(link.trim().to_owned()),
            (None, None) => return Err("one of `torrent` and `link` is to be given".to_owned()),
        };
        let files = source.info.as_ref().map(|info| info.files().len());
        if self.names.len() > files.unwrap_or(0) || !self.name.iter().all(|name| is_plain(name)) {
            return Err("it has names that no files of its own have".to_owned());
        }
        let is_path = |path: &String| path.split('/').all(is_plain);
        if !self.names.values().all(is_path) {
            return Err("it has names of files that lead elsewhere".to_owned());
        }
        let goal = self.until.as_deref().map(str::parse).transpose()?;
        let trackers = self.trackers.as_ref().map(|tiers| trackers(tiers, self.strange)).transpose()?;
        let seeded = self.totals.map_or(0, |totals| totals.seeding);
        let course = Course { until: goal, ended: self.ended, seeded, forced: self.forced, order };
        let wanted = Wanted {
            folder: PathBuf::from(&self.folder),
            goes_to: self.goes_to.as_ref().map(PathBuf::from),
            name: self.name.clone(),
            names: self.names.clone(),
            labels: self.labels.clone(),
            only: self.only.clone(),
            first: self.first.clone(),
            files: self.files(files.unwrap_or(FILES_MAX))?,
            trackers,
            up: self.up_limit,
            down: self.down_limit,
            shared: self.shared.as_ref().map(|so| Sharing { hosts: so.hosts.clone(), tracks: so.tracker }),
        };
        let row =
            Row { origin, paused: self.paused, added: self.added.unwrap_or(now), wanted: Arc::new(wanted), course };
        let understood = Row::decode(&row.encode());
        understood.filter(|again| *again == row).ok_or_else(|| {
            "what is said of it is beyond the bounds of what is kept: see labels, patterns and folders, which are whole paths".to_owned()
        })
    }

    /// How much each file is wanted; nothing where all are wanted alike.
    fn files(&self, count: usize) -> Result<Vec<Priority>, String> {
        let last = self.skipped_files.iter().chain(&self.first_files).max();
        let Some(last) = last.copied() else { return Ok(Vec::new()) };
        if last >= count {
            return Err(format!("it has no file {last}"));
        }
        let mut files = vec![Priority::Normal; last + 1];
        for index in &self.first_files {
            files[*index] = Priority::High;
        }
        for index in &self.skipped_files {
            files[*index] = Priority::Skip;
        }
        Ok(files)
    }

    /// What was counted of it.
    pub(crate) fn counted(&self) -> Option<Totals> {
        self.totals.map(|Counted { downloaded, uploaded, active, seeding, completed, moved }| Totals {
            downloaded,
            uploaded,
            active: Span::of(active),
            seeding: Span::of(seeding),
            completed,
            moved,
        })
    }

    /// What Teem has saved of it.
    pub(crate) fn carried(&self) -> Result<Option<Carried>, String> {
        let bytes = |text: &String| STANDARD.decode(text).map_err(|e| format!("what is saved of it is no base64: {e}"));
        let Some(SavedState { state, table, journal }) = &self.saved else { return Ok(None) };
        let (table, journal) = (table.as_ref().map(bytes).transpose()?, journal.as_ref().map(bytes).transpose()?);
        Ok(Some(Carried { state: bytes(state)?, table, journal }))
    }

    /// What another program says it has of it.
    pub(crate) fn verified(&self) -> Result<Option<Told>, String> {
        let Some(Verified { pieces, changed, checked, left_by }) = &self.told else { return Ok(None) };
        let pieces = STANDARD.decode(pieces).map_err(|e| format!("the pieces of `told` are no base64: {e}"))?;
        let left = match (changed, checked, left_by) {
            (Some(seconds), None, None) => Left::Each(seconds.clone()),
            (None, Some(seconds), None) => Left::EachBy(seconds.clone()),
            (None, None, Some(second)) => Left::By(*second),
            _ => return Err("one of `changed`, `checked` and `left_by` is to be given".to_owned()),
        };
        Ok(Some(Told { pieces, left }))
    }

    /// Puts down what Teem has saved of it.
    pub fn save(&mut self, carried: &Carried) {
        let text = |bytes: &Vec<u8>| STANDARD.encode(bytes);
        let (table, journal) = (carried.table.as_ref().map(text), carried.journal.as_ref().map(text));
        self.saved = Some(SavedState { state: text(&carried.state), table, journal });
    }

    /// Puts down its .torrent.
    pub fn describe(&mut self, file: &[u8]) {
        (self.torrent, self.link) = (Some(STANDARD.encode(file)), None);
    }
}

/// Trackers as they are kept.
fn trackers(tiers: &[Vec<String>], strange: bool) -> Result<Tiers, String> {
    let origin = if strange { teem_client::Origin::Stranger } else { teem_client::Origin::User };
    crate::tiers::Edit::All(tiers.to_vec()).apply(Tiers::new(), origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "abababababababababababababababababababab";

    fn of_link() -> Exported {
        Exported { link: Some(HASH.to_owned()), folder: "/data".to_owned(), ..Exported::default() }
    }

    fn row(exported: &Exported) -> Result<Row, String> {
        exported.row(&exported.source()?, 7, 9)
    }

    #[test]
    fn what_is_exported_of_a_row_is_that_row_again() {
        let wanted = Wanted {
            folder: "/data".into(),
            goes_to: Some("/done".into()),
            labels: ["films", "new"].map(String::from).into(),
            only: vec!["*.mkv".into()],
            first: vec!["a*".into()],
            files: vec![Priority::Normal, Priority::Skip, Priority::High],
            trackers: Some(vec![vec![AnnounceUrl::of_user("udp://t:1")], vec![AnnounceUrl::of_user("http://u/a")]]),
            up: Some(1),
            down: Some(2),
            ..Wanted::default()
        };
        let course =
            Course { until: "ratio=2 and time=1h".parse().ok(), ended: true, seeded: 0, forced: true, order: 7 };
        let full = Row { paused: true, course, ..Row::new(Origin::Link(HASH.to_owned()), wanted, 5) };
        let exported = Exported::of(&full, &Line::new(None), 0).unwrap();
        let text = serde_json::to_string(&exported).unwrap();
        let again: Exported = serde_json::from_str(&text).unwrap();
        assert_eq!((&again, row(&again)), (&exported, Ok(full)));
    }

    #[test]
    fn what_leads_elsewhere_or_is_beyond_bounds_is_refused() {
        assert!(row(&of_link()).is_ok());
        for (what, bad) in [
            ("name", Exported { name: Some("../x".into()), ..of_link() }),
            ("names", Exported { names: [(0, "a".to_owned())].into(), ..of_link() }),
            ("folder", Exported { folder: "data".into(), ..of_link() }),
            ("goes to", Exported { goes_to: Some("x".into()), ..of_link() }),
            ("files", Exported { skipped_files: vec![usize::MAX], ..of_link() }),
            ("goal", Exported { until: Some("never ever".into()), ..of_link() }),
            ("trackers", Exported { trackers: Some(vec![vec!["nonsense".into()]]), ..of_link() }),
            ("labels", Exported { labels: (0..99).map(|n| n.to_string()).collect(), ..of_link() }),
            ("two sources", Exported { torrent: Some(String::new()), ..of_link() }),
            ("link", Exported { link: Some("http://x/y.torrent".into()), ..of_link() }),
        ] {
            assert!(row(&bad).is_err(), "{what}");
        }
        assert!(
            Exported { saved: Some(SavedState { state: "?".into(), ..SavedState::default() }), ..of_link() }
                .carried()
                .is_err()
        );
        assert!(Exported { told: Some(Verified::default()), ..of_link() }.verified().is_err());
        assert!(serde_json::from_str::<Exported>(r#"{"link":"x","folder":"/a","hook":"rm"}"#).is_err());
    }
}
