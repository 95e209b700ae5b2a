//! A window on the torrents (own design): which, in which order, from where on. All of it is answered from what is kept in memory, and only the rows of the
//! window are written out.
use crate::daemon::{Daemon, Kept};
use crate::failed::Failed;
use crate::select::{Seen, Selector};
use crate::shown::{share, told};
use crate::told::Told;
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use teem_client::metainfo::InfoHash;
use utoipa::ToSchema;

/// What is to be seen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Query {
    /// All where there is none.
    pub(crate) select: Vec<Selector>,
    pub(crate) sort: Key,
    pub(crate) descending: bool,
    pub(crate) offset: usize,
    /// All from there on where there is none.
    pub(crate) limit: Option<usize>,
    /// The keys that are shown of each torrent beside its info-hash; all where none is named.
    pub(crate) fields: BTreeSet<String>,
}

/// A window on the torrents.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    /// How many torrents are selected, shown or not.
    pub(crate) total: usize,
    /// The number of the last change of any torrent.
    pub(crate) revision: u64,
    /// How many of the selected torrents come before the first that is shown.
    pub(crate) offset: usize,
    /// The torrents that are shown. Where the request names `fields`, they have these keys and `infohash` alone.
    #[schema(value_type = Vec<Told>)]
    pub(crate) torrents: Vec<Value>,
    /// The revision of each of them.
    #[serde(skip)]
    pub(crate) revisions: Vec<u64>,
}

impl Window {
    /// A window that nothing is in.
    pub(crate) fn nothing(revision: u64) -> Self {
        Self { total: 0, revision, offset: 0, torrents: Vec::new(), revisions: Vec::new() }
    }
}

/// What torrents are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Key {
    #[default]
    Added,
    Name,
    Size,
    State,
    Progress,
    Ratio,
    DownRate,
    UpRate,
    Downloaded,
    Uploaded,
    Seeds,
    Downloaders,
    Eta,
    Tracker,
    Completed,
    Moved,
    SeedingTime,
}

impl Key {
    /// All there are.
    pub(crate) const ALL: [Self; 17] = [
        Self::Added,
        Self::Name,
        Self::Size,
        Self::State,
        Self::Progress,
        Self::Ratio,
        Self::DownRate,
        Self::UpRate,
        Self::Downloaded,
        Self::Uploaded,
        Self::Seeds,
        Self::Downloaders,
        Self::Eta,
        Self::Tracker,
        Self::Completed,
        Self::Moved,
        Self::SeedingTime,
    ];

    /// The key of a torrent's object.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Name => "name",
            Self::Size => "size",
            Self::State => "state",
            Self::Progress => "progress",
            Self::Ratio => "ratio",
            Self::DownRate => "down_rate",
            Self::UpRate => "up_rate",
            Self::Downloaded => "downloaded_total",
            Self::Uploaded => "uploaded_total",
            Self::Seeds => "seeds",
            Self::Downloaders => "downloaders",
            Self::Eta => "eta",
            Self::Tracker => "tracker",
            Self::Completed => "completed",
            Self::Moved => "moved",
            Self::SeedingTime => "seeding_time",
        }
    }

    /// By its word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.word() == word)
    }

    fn compare(self, a: &Kept, b: &Kept, life: u64) -> Ordering {
        let (l, r) = (&a.line, &b.line);
        match self {
            Self::Added => a.row.added.cmp(&b.row.added),
            Self::Name => by_name(l.name.as_deref().unwrap_or(""), r.name.as_deref().unwrap_or("")),
            Self::Size => l.size.cmp(&r.size),
            Self::State => l.word().cmp(r.word()),
            Self::Progress => share(l.progress()).total_cmp(&share(r.progress())),
            Self::Ratio => l.ratio().unwrap_or(-1.0).total_cmp(&r.ratio().unwrap_or(-1.0)),
            Self::DownRate => l.figures.down_rate.cmp(&r.figures.down_rate),
            Self::UpRate => l.figures.up_rate.cmp(&r.figures.up_rate),
            Self::Downloaded => l.totals.downloaded.cmp(&r.totals.downloaded),
            Self::Uploaded => l.totals.uploaded.cmp(&r.totals.uploaded),
            Self::Seeds => l.figures.seeds.cmp(&r.figures.seeds),
            Self::Downloaders => l.figures.downloaders.cmp(&r.figures.downloaders),
            // What never comes to its end comes last.
            Self::Eta => l.eta().unwrap_or(u64::MAX).cmp(&r.eta().unwrap_or(u64::MAX)),
            Self::Tracker => l.trackers.first().cmp(&r.trackers.first()),
            Self::Completed => l.totals.completed.cmp(&r.totals.completed),
            Self::Moved => l.totals.moved.cmp(&r.totals.moved),
            Self::SeedingTime => l.totals.seeding.seconds(life).cmp(&r.totals.seeding.seconds(life)),
        }
    }
}

/// Names without regard to case, where they differ in more than that.
fn by_name(a: &str, b: &str) -> Ordering {
    fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
        name.chars().flat_map(char::to_lowercase)
    }
    folded(a).cmp(folded(b)).then_with(|| a.cmp(b))
}

impl Daemon {
    /// A window as it is now. Asks nobody; takes time in proportion to all torrents, and once more to those of the window.
    pub(crate) async fn window(&self, query: Query) -> Result<Window, Failed> {
        let daemon = self.clone();
        let window = tokio::task::spawn_blocking(move || {
            daemon.refresh();
            let life = daemon.pulse().life_kept();
            let torrents = daemon.torrents();
            let revision = daemon.revision();
            cut(&torrents, &query, life, revision)
        });
        window.await.unwrap_or_else(|e| Err(Failed::Wish(format!("a fault of this program, please report it: {e}"))))
    }

    /// The torrents that these select, in the order of their info-hashes; none where nothing is selected.
    pub(crate) fn selected(&self, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
        if select.is_empty() {
            return Ok(Vec::new());
        }
        self.refresh();
        chosen(&self.torrents(), select).map(|all| all.into_iter().map(|(hash, _)| hash).collect())
    }
}

/// The selected torrents, by info-hash.
fn chosen<'a>(
    torrents: &'a BTreeMap<InfoHash, Kept>,
    select: &[Selector],
) -> Result<Vec<(InfoHash, &'a Kept)>, Failed> {
    let all = || torrents.iter().map(|(hash, kept)| (*hash, kept));
    if select.is_empty() {
        return Ok(all().collect());
    }
    let seen: Vec<Seen<'_>> = all().map(|(hash, kept)| Seen::of(hash, &kept.row, &kept.line)).collect();
    let mut chosen = vec![false; seen.len()];
    for selector in select {
        for index in selector.of(&seen).map_err(Failed::Select)? {
            chosen[index] = true;
        }
    }
    Ok(all().zip(chosen).filter(|(_, chosen)| *chosen).map(|(one, _)| one).collect())
}

fn cut(torrents: &BTreeMap<InfoHash, Kept>, query: &Query, life: u64, revision: u64) -> Result<Window, Failed> {
    let mut all = chosen(torrents, &query.select)?;
    let total = all.len();
    let from = query.offset.min(total);
    let to = query.limit.map_or(total, |limit| from.saturating_add(limit).min(total));
    let order = |a: &(InfoHash, &Kept), b: &(InfoHash, &Kept)| {
        let order = query.sort.compare(a.1, b.1, life);
        let order = if query.descending { order.reverse() } else { order };
        // Alike by what is asked for: in the order in which they were added.
        order.then_with(|| (a.1.row.added, a.0).cmp(&(b.1.row.added, b.0)))
    };
    // Only what is shown is put into its order.
    if from > 0 && from < total {
        all.select_nth_unstable_by(from, order);
    }
    let rest = &mut all[from..];
    let len = to - from;
    if len < rest.len() && len > 0 {
        rest.select_nth_unstable_by(len - 1, order);
    }
    let shown = &mut rest[..len];
    shown.sort_unstable_by(order);
    let torrents = shown.iter().map(|(hash, kept)| object(&told(*hash, kept, None, life), &query.fields)).collect();
    let revisions = shown.iter().map(|(_, kept)| kept.line.revision).collect();
    Ok(Window { total, revision, offset: from, torrents, revisions })
}

/// A torrent with the keys that are to be seen.
pub(crate) fn object(told: &Told, fields: &BTreeSet<String>) -> Value {
    // INVARIANT: it is texts, numbers and lists of these, under keys that are texts.
    let mut value = serde_json::to_value(told).expect("JSON");
    if let Some(object) = value.as_object_mut().filter(|_| !fields.is_empty()) {
        object.retain(|key, _| key == "infohash" || fields.contains(key));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;
    use crate::row::{Course, Origin, Row};

    fn kept(n: u32) -> (InfoHash, Kept) {
        let mut hash = [0; 20];
        hash[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B9).to_be_bytes());
        let row = Row {
            origin: Origin::Link(InfoHash(hash).to_string()),
            name: None,
            names: BTreeMap::new(),
            folder: "/data".into(),
            goes_to: None,
            labels: if n.is_multiple_of(2) { ["even".to_owned()].into() } else { [].into() },
            paused: false,
            added: u64::from(n / 10),
            only: Vec::new(),
            first: Vec::new(),
            files: Vec::new(),
            trackers: None,
            up: None,
            down: None,
            shared: None,
            course: Course::default(),
        };
        let mut line = Line::new(None);
        line.name = Some(format!("{} {n}", if n.is_multiple_of(3) { "Name" } else { "name" }).into());
        line.size = Some(u64::from(n % 7));
        line.figures.up_rate = u64::from(n % 11);
        (InfoHash(hash), Kept { row, torrent: Err("none".to_owned()), line, is_asleep: false })
    }

    fn torrents(n: u32) -> BTreeMap<InfoHash, Kept> {
        (0..n).map(kept).collect()
    }

    fn names(window: &Window) -> Vec<&str> {
        window.torrents.iter().map(|told| told["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn windows_are_cuts_of_one_order_whatever_it_is() {
        let torrents = torrents(100);
        for sort in Key::ALL {
            for descending in [false, true] {
                let query = Query { sort, descending, ..Query::default() };
                let whole = cut(&torrents, &query, 0, 3).unwrap();
                assert_eq!((whole.total, whole.torrents.len(), whole.revision), (100, 100, 3));
                for (offset, limit) in [(0, 10), (17, 30), (95, 10), (100, 5), (500, 5), (3, 0)] {
                    let some = Query { offset, limit: Some(limit), ..query.clone() };
                    let cut = cut(&torrents, &some, 0, 3).unwrap();
                    let from = offset.min(100);
                    let to = (from + limit).min(100);
                    assert_eq!((cut.total, &cut.torrents[..]), (100, &whole.torrents[from..to]), "{sort:?} {offset}");
                }
            }
        }
    }

    #[test]
    fn names_are_sorted_without_case_and_only_what_is_selected_counts() {
        let torrents = torrents(20);
        let select = vec![Selector::parse("label:even")];
        let query = Query { select, sort: Key::Name, limit: Some(3), ..Query::default() };
        let window = cut(&torrents, &query, 0, 0).unwrap();
        assert_eq!((window.total, names(&window)), (10, vec!["Name 0", "name 10", "Name 12"]));
        let none = Query { select: vec![Selector::parse("label:odd")], ..Query::default() };
        assert!(cut(&torrents, &none, 0, 0).is_err());
        assert_eq!(by_name("abc", "ABD"), Ordering::Less);
        assert_eq!(by_name("Ä", "ä b"), Ordering::Less);
    }

    #[test]
    fn keys_are_those_of_the_object() {
        let told = serde_json::to_value(Told::default()).unwrap();
        for key in Key::ALL {
            assert!(told.get(key.word()).is_some(), "{key:?}");
            assert_eq!(Key::parse(key.word()), Some(key));
        }
        assert_eq!(Key::parse("infohash"), None);
    }
}
