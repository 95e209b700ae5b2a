//! A torrent as the interface tells it (own design): one flat object. Keys are added, never changed.
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A torrent: what its owner wants of it, and how far it is.
#[derive(Clone, PartialEq, Default, Debug, Serialize, ToSchema)]
#[schema(as = Torrent)]
pub(crate) struct Told {
    /// The 20 bytes that peers know it by, as 40 hexadecimal digits.
    pub(crate) infohash: String,
    /// Its name; the link's while the metadata is missing, the info-hash where that has none.
    pub(crate) name: String,
    /// What it does: `metadata`, `choosing`, `placing`, `checking`, `downloading`, `seeding`, `disk_trouble`, `failed`, `stopping`, `paused`, `moving`, `queued` or
    /// `finished`. Further words may come.
    pub(crate) state: String,
    /// The folder that its content lies in, or is moved to once it is complete: an absolute path.
    pub(crate) folder: String,
    /// The folder that it lies in until then: an absolute path; null where that is the same, and afterwards.
    pub(crate) incomplete: Option<String>,
    /// Words of its owner's, sorted.
    pub(crate) labels: Vec<String>,
    /// When it was added, in seconds since 1970.
    pub(crate) added: u64,
    /// Bytes of all its files; null while the metadata is missing.
    pub(crate) size: Option<u64>,
    /// Bytes of its files that are wanted.
    pub(crate) wanted: u64,
    /// Bytes that are wanted and verified.
    pub(crate) have: u64,
    /// Whether all that is wanted is there and verified.
    pub(crate) complete: bool,
    /// Payload received, in bytes a second.
    pub(crate) down_rate: u64,
    /// Payload sent, in bytes a second.
    pub(crate) up_rate: u64,
    /// Bytes of payload received since the daemon started.
    pub(crate) downloaded: u64,
    /// Bytes of payload sent since the daemon started.
    pub(crate) uploaded: u64,
    /// Bytes of payload received over all runs, as kept on the disk a few seconds ago: it never goes back.
    pub(crate) downloaded_total: u64,
    /// Bytes of payload sent over all runs, as kept on the disk a few seconds ago: it never goes back.
    pub(crate) uploaded_total: u64,
    /// What part of what is wanted is there, from 0 to 1; null while the metadata is missing.
    pub(crate) progress: Option<f64>,
    /// Payload sent over all runs for each byte received, or, where none was, for each that is there; null where nothing is.
    pub(crate) ratio: Option<f64>,
    /// Connected peers that have everything.
    pub(crate) seeds: u32,
    /// Connected peers that miss something.
    pub(crate) downloaders: u32,
    /// Seconds until it is complete at the present rate; null where nothing is missing or nothing comes.
    pub(crate) eta: Option<u64>,
    /// Limit of what it sends, in payload bytes a second; null where it has none of its own.
    pub(crate) up_limit: Option<u64>,
    /// Limit of what it receives, in payload bytes a second; null where it has none of its own.
    pub(crate) down_limit: Option<u64>,
    /// Its own goal, as `teem add --until` says it; null where the daemon's file says when it has given enough.
    pub(crate) until: Option<String>,
    /// Whether it works whatever others do.
    pub(crate) forced: bool,
    /// Bytes of a move that are done, while it is `moving`; else null.
    pub(crate) job_done: Option<u64>,
    /// Bytes that are to be moved, while it is `moving`; else null.
    pub(crate) job_of: Option<u64>,
    /// Pieces that were damaged or missing when all of it was hashed again; null when it was not, or is being hashed.
    pub(crate) lost: Option<u32>,
    /// Why it cannot go on, or the present trouble of its disk: a sentence; null where there is none.
    pub(crate) error: Option<String>,
    /// The host of its first tracker; null where it has none.
    pub(crate) tracker: Option<String>,
    /// When it became complete by downloading, in seconds since 1970; null where it did not.
    pub(crate) completed: Option<u64>,
    /// When payload last moved, in seconds since 1970; null where none did.
    pub(crate) moved: Option<u64>,
    /// Seconds that it was at work over all runs, as kept on the disk up to a minute ago.
    pub(crate) active_time: u64,
    /// Seconds that it was at work and complete over all runs, as kept on the disk up to a minute ago.
    pub(crate) seeding_time: u64,
}

/// Which keys of a torrent are told; its info-hash always.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) enum Keys {
    #[default]
    All,
    /// Those whose value is not what a key that is left out stands for.
    Filled,
    These(BTreeSet<String>),
}

/// The value of one key.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Cell<'a> {
    Number(u64),
    Maybe(Option<u64>),
    Share(Option<f64>),
    Yes(bool),
    Text(Option<&'a str>),
    Texts(&'a [String]),
}

impl Cell<'_> {
    /// Whether it is what a key that is left out stands for: null where that can be, else 0, false or nothing.
    fn is_nothing(self) -> bool {
        match self {
            Self::Number(number) => number == 0,
            Self::Maybe(number) => number.is_none(),
            Self::Share(share) => share.is_none(),
            Self::Yes(yes) => !yes,
            Self::Text(text) => text.is_none(),
            Self::Texts(texts) => texts.is_empty(),
        }
    }
}

impl Told {
    /// All keys with their values, in the order of the object.
    pub(crate) fn cells(&self) -> [(&'static str, Cell<'_>); 35] {
        fn text(text: &str) -> Cell<'_> {
            Cell::Text(Some(text))
        }
        let number = Cell::Number;
        [
            ("infohash", text(&self.infohash)),
            ("name", text(&self.name)),
            ("state", text(&self.state)),
            ("folder", text(&self.folder)),
            ("incomplete", Cell::Text(self.incomplete.as_deref())),
            ("labels", Cell::Texts(&self.labels)),
            ("added", number(self.added)),
            ("size", Cell::Maybe(self.size)),
            ("wanted", number(self.wanted)),
            ("have", number(self.have)),
            ("complete", Cell::Yes(self.complete)),
            ("down_rate", number(self.down_rate)),
            ("up_rate", number(self.up_rate)),
            ("downloaded", number(self.downloaded)),
            ("uploaded", number(self.uploaded)),
            ("downloaded_total", number(self.downloaded_total)),
            ("uploaded_total", number(self.uploaded_total)),
            ("progress", Cell::Share(self.progress)),
            ("ratio", Cell::Share(self.ratio)),
            ("seeds", number(self.seeds.into())),
            ("downloaders", number(self.downloaders.into())),
            ("eta", Cell::Maybe(self.eta)),
            ("up_limit", Cell::Maybe(self.up_limit)),
            ("down_limit", Cell::Maybe(self.down_limit)),
            ("until", Cell::Text(self.until.as_deref())),
            ("forced", Cell::Yes(self.forced)),
            ("job_done", Cell::Maybe(self.job_done)),
            ("job_of", Cell::Maybe(self.job_of)),
            ("lost", Cell::Maybe(self.lost.map(u64::from))),
            ("error", Cell::Text(self.error.as_deref())),
            ("tracker", Cell::Text(self.tracker.as_deref())),
            ("completed", Cell::Maybe(self.completed)),
            ("moved", Cell::Maybe(self.moved)),
            ("active_time", number(self.active_time)),
            ("seeding_time", number(self.seeding_time)),
        ]
    }

    /// The same with these keys, as an object.
    pub(crate) fn with<'a>(&'a self, keys: &'a Keys) -> Shown<'a> {
        Shown { told: self, keys }
    }

    /// Those keys that are otherwise than they were.
    pub(crate) fn other<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'static str, Cell<'a>)> {
        self.cells().into_iter().zip(before.cells()).filter(|(now, before)| now != before).map(|(now, _)| now)
    }
}

impl Keys {
    /// Whether a key with this value is told.
    pub(crate) fn tell(&self, key: &str, cell: Cell<'_>) -> bool {
        match self {
            Self::Filled => !cell.is_nothing(),
            Self::All => true,
            Self::These(keys) => keys.contains(key),
        }
    }

    /// Whether a key is told whatever its value is, when it has changed.
    pub(crate) fn has(&self, key: &str) -> bool {
        if let Self::These(keys) = self { keys.contains(key) } else { true }
    }
}

/// A torrent with some of its keys.
pub(crate) struct Shown<'a> {
    told: &'a Told,
    keys: &'a Keys,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        for (key, cell) in self.told.cells() {
            if key == "infohash" || self.keys.tell(key, cell) {
                map.serialize_entry(key, &cell)?;
            }
        }
        map.end()
    }
}

/// Why a torrent does not move.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Why)]
pub(crate) struct WhyTold {
    /// The torrent's info-hash, as 40 hexadecimal digits.
    pub(crate) infohash: String,
    /// The torrent's name.
    pub(crate) name: String,
    /// What the torrent does: a word, as in its object.
    pub(crate) state: String,
    /// A word for scripts; null of a torrent that could not be begun.
    pub(crate) verdict: Option<String>,
    /// The reason, in a sentence for its owner; null where there is none.
    pub(crate) why: Option<String>,
    /// What would help, in a sentence; null where nothing would.
    pub(crate) help: Option<String>,
    /// The evidence, line by line.
    pub(crate) report: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn value(told: &Told, keys: &Keys) -> Value {
        serde_json::to_value(told.with(keys)).unwrap()
    }

    #[test]
    fn all_keys_are_those_of_the_object_and_what_says_nothing_can_be_left_out() {
        let full = Told {
            infohash: "ab".into(),
            labels: vec!["a".into()],
            size: Some(7),
            ratio: Some(0.5),
            error: Some("why".into()),
            forced: true,
            down_rate: 3,
            ..Told::default()
        };
        for told in [&full, &Told::default()] {
            assert_eq!(value(told, &Keys::All), serde_json::to_value(told).unwrap());
        }
        let filled = json!({"infohash": "ab", "name": "", "state": "", "folder": "", "labels": ["a"], "size": 7, "ratio": 0.5, "error": "why", "forced": true, "down_rate": 3});
        assert_eq!(value(&full, &Keys::Filled), filled);
        assert_eq!(
            value(&Told::default(), &Keys::Filled),
            json!({"infohash": "", "name": "", "state": "", "folder": ""})
        );
        let some = Keys::These(["eta".to_owned(), "size".to_owned()].into());
        assert_eq!(value(&full, &some), json!({"infohash": "ab", "size": 7, "eta": null}));
    }

    #[test]
    fn what_is_otherwise_is_told_also_where_it_is_nothing_now() {
        let before = Told { down_rate: 5, error: Some("why".into()), size: Some(1), ..Told::default() };
        let now = Told { size: Some(1), ..Told::default() };
        let other: Vec<_> = now.other(&before).collect();
        assert_eq!(other, [("down_rate", Cell::Number(0)), ("error", Cell::Text(None))]);
    }
}
