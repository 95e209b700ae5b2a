//! The orders that windows are cut from (own design): each is kept as long as windows are asked of it, and put right by what has changed since.
use crate::failed::Failed;
use crate::kept::{Kept, Table};
use crate::select::{Seen, Selector};
use crate::shown::share;
use std::cmp::Ordering;
use std::sync::Arc;
use teem_client::metainfo::InfoHash;

/// Orders that are kept, of 20 bytes for each torrent.
const KEPT_MAX: usize = 4;
/// Where one of so many torrents has changed, all are put in order anew.
const PUT_RIGHT: usize = 8;

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

    /// What decides of a torrent's place. Names without regard to case, where they differ in more than that.
    fn rank(self, kept: &Kept, life: u64) -> Rank {
        let line = &kept.line;
        let figures = &line.figures;
        Rank::Number(match self {
            Self::Name => {
                let name = line.name.clone().unwrap_or_else(|| "".into());
                return Rank::Name(name.to_lowercase().into(), name);
            }
            Self::State => return Rank::Word(line.word()),
            Self::Tracker => return Rank::Host(line.trackers.first().cloned()),
            Self::Added => Some(kept.row.added),
            Self::Size => line.size,
            // Neither is less than nothing, so that their bits are in their order.
            Self::Progress => Some(share(line.progress()).to_bits()),
            Self::Ratio => line.ratio().map(f64::to_bits),
            Self::DownRate => Some(figures.down_rate),
            Self::UpRate => Some(figures.up_rate),
            Self::Downloaded => Some(line.totals.downloaded),
            Self::Uploaded => Some(line.totals.uploaded),
            Self::Seeds => Some(figures.seeds.into()),
            Self::Downloaders => Some(figures.downloaders.into()),
            // What never comes to its end comes last.
            Self::Eta => Some(line.eta().unwrap_or(u64::MAX)),
            Self::Completed => line.totals.completed,
            Self::Moved => line.totals.moved,
            Self::SeedingTime => Some(line.totals.seeding.seconds(life)),
        })
    }
}

/// What decides of a torrent's place by one key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(Option<u64>),
    Word(&'static str),
    Host(Option<Arc<str>>),
    Name(Box<str>, Arc<str>),
}

/// One order, as it was at a revision.
struct Order {
    select: Vec<Selector>,
    sort: Key,
    descending: bool,
    /// The second of the daemon's life by which times were compared.
    life: u64,
    revision: u64,
    hashes: Arc<Vec<InfoHash>>,
}

impl Order {
    /// Of those that are selected among all.
    fn new(table: &Table, select: &[Selector], sort: Key, descending: bool, life: u64) -> Result<Self, Failed> {
        let mut order = Self {
            select: select.to_vec(),
            sort,
            descending,
            life,
            revision: table.revision(),
            hashes: Arc::default(),
        };
        let mut places: Vec<_> = chosen(table, select)?.iter().filter_map(|hash| order.place(table, hash)).collect();
        places.sort_unstable_by(|a, b| order.compare(a, b));
        order.hashes = Arc::new(places.into_iter().map(|(_, _, hash)| hash).collect());
        Ok(order)
    }

    fn place(&self, table: &Table, hash: &InfoHash) -> Option<(Rank, u64, InfoHash)> {
        let kept = table.get(hash)?;
        Some((self.sort.rank(kept, self.life), kept.row.added, *hash))
    }

    /// Alike by what is asked for: in the order in which they were added.
    fn compare(&self, a: &(Rank, u64, InfoHash), b: &(Rank, u64, InfoHash)) -> Ordering {
        let order = a.0.cmp(&b.0);
        let order = if self.descending { order.reverse() } else { order };
        order.then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
    }

    /// Takes in what has changed, if that is known and not too much; whether it is right then.
    fn put_right(&mut self, table: &Table, life: u64) -> bool {
        if self.life != life && self.sort == Key::SeedingTime {
            return false;
        }
        let Some(changed) = table.since(self.revision).filter(|some| some.len() <= self.hashes.len() / PUT_RIGHT)
        else {
            return false;
        };
        (self.revision, self.life) = (table.revision(), life);
        if changed.is_empty() {
            return true;
        }
        let fits = |hash: &&InfoHash| {
            let kept = table.get(hash);
            kept.is_some_and(|kept| self.select.iter().all(|one| one.fits(&Seen::of(**hash, &kept.row, &kept.line))))
        };
        let mut moved: Vec<_> = changed.iter().filter(fits).filter_map(|hash| self.place(table, hash)).collect();
        moved.sort_unstable_by(|a, b| self.compare(a, b));
        let stay: Vec<InfoHash> = self.hashes.iter().filter(|hash| !changed.contains(hash)).copied().collect();
        let mut hashes = Vec::with_capacity(stay.len() + moved.len());
        let mut rest = &stay[..];
        for place in moved {
            let is_before =
                |hash: &InfoHash| self.place(table, hash).is_some_and(|other| self.compare(&other, &place).is_lt());
            let (before, after) = rest.split_at(rest.partition_point(is_before));
            hashes.extend_from_slice(before);
            hashes.push(place.2);
            rest = after;
        }
        hashes.extend_from_slice(rest);
        self.hashes = Arc::new(hashes);
        true
    }
}

/// The orders that were asked for last.
#[derive(Default)]
pub(crate) struct Orders(Vec<Order>);

impl Orders {
    /// Those that are selected, in this order.
    pub(crate) fn of(
        &mut self,
        table: &Table,
        select: &[Selector],
        sort: Key,
        descending: bool,
        life: u64,
    ) -> Result<Arc<Vec<InfoHash>>, Failed> {
        let is_it = |one: &Order| (&one.select[..], one.sort, one.descending) == (select, sort, descending);
        let known = self.0.iter().position(is_it).map(|at| self.0.remove(at));
        let put_right = |mut order: Order| order.put_right(table, life).then_some(order);
        let order = match known.and_then(put_right) {
            Some(order) => order,
            None => Order::new(table, select, sort, descending, life)?,
        };
        let hashes = order.hashes.clone();
        // What several selectors select, or an info-hash, cannot be told of each torrent by itself; and what selects nothing is to be said.
        if select.len() <= 1 && select.iter().all(Selector::is_of_each) && !hashes.is_empty() {
            if self.0.len() >= KEPT_MAX {
                self.0.remove(0);
            }
            self.0.push(order);
        } else if hashes.is_empty() && !select.is_empty() {
            chosen(table, select)?;
        }
        Ok(hashes)
    }
}

/// The selected torrents, by info-hash.
pub(crate) fn chosen(torrents: &Table, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
    let all = || torrents.iter().map(|(hash, kept)| (*hash, kept));
    if select.is_empty() {
        return Ok(torrents.keys().copied().collect());
    }
    let seen: Vec<Seen<'_>> = all().map(|(hash, kept)| Seen::of(hash, &kept.row, &kept.line)).collect();
    let mut chosen = vec![false; seen.len()];
    for selector in select {
        for index in selector.of(&seen).map_err(Failed::Select)? {
            chosen[index] = true;
        }
    }
    Ok(torrents.keys().zip(chosen).filter(|(_, chosen)| *chosen).map(|(hash, _)| *hash).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::tests::made;
    use crate::told::Told;

    fn kept(n: u32) -> (InfoHash, Kept) {
        let (hash, mut kept) = made(n);
        kept.row.labels = if n.is_multiple_of(2) { ["even".to_owned()].into() } else { [].into() };
        kept.row.added = u64::from(n / 10);
        kept.line.name = Some(format!("{} {n}", if n.is_multiple_of(3) { "Name" } else { "name" }).into());
        kept.line.size = Some(u64::from(n % 7));
        kept.line.figures.up_rate = u64::from(n % 11);
        (hash, kept)
    }

    fn table(n: u32) -> Table {
        let mut table = Table::new(0);
        for (hash, kept) in (0..n).map(kept) {
            table.enter(hash, kept);
        }
        table
    }

    fn names(table: &Table, hashes: &[InfoHash]) -> Vec<String> {
        hashes.iter().map(|hash| table[hash].name(*hash)).collect()
    }

    #[test]
    fn an_order_that_is_put_right_is_as_one_that_is_made() {
        let (mut table, mut orders) = (table(300), Orders::default());
        let selects = [vec![], vec![Selector::parse("label:even")], vec![Selector::parse("*1*")]];
        let mut new = 1_000;
        for round in 0..40_u32 {
            for sort in Key::ALL {
                let (select, descending) = (&selects[(round % 3) as usize], round % 2 == 0);
                // The first makes it, the second finds it changed.
                for _ in 0..2 {
                    let of = orders.of(&table, select, sort, descending, 0).unwrap();
                    let made = Order::new(&table, select, sort, descending, 0).unwrap();
                    assert_eq!(of, made.hashes, "{sort:?} {round}");
                    let hashes: Vec<InfoHash> = table.keys().copied().collect();
                    for n in 0..5 {
                        let hash = hashes[(round * 7 + n * 31) as usize % hashes.len()];
                        let kept = table.get_mut(&hash).unwrap();
                        kept.line.figures.up_rate += u64::from(round * n);
                        kept.line.name = Some(format!("name {}", round * n).into());
                        kept.row.labels = if n % 2 == 0 { ["even".to_owned()].into() } else { [].into() };
                        table.touch(&hash);
                    }
                    table.leave(&hashes[(round * 3) as usize % hashes.len()]);
                    let (hash, one) = kept(new);
                    table.enter(hash, one);
                    new += 1;
                }
            }
        }
        assert_eq!(orders.0.len(), KEPT_MAX);
    }

    #[test]
    fn names_are_sorted_without_case_and_only_what_is_selected_counts() {
        let (table, mut orders) = (table(20), Orders::default());
        let even = [Selector::parse("label:even")];
        let found = orders.of(&table, &even, Key::Name, false, 0).unwrap();
        assert_eq!(
            (found.len(), &names(&table, &found)[..3]),
            (10, &["Name 0", "name 10", "Name 12"].map(str::to_owned)[..])
        );
        assert!(orders.of(&table, &[Selector::parse("label:odd")], Key::Name, false, 0).is_err());
    }

    #[test]
    fn one_that_selects_nothing_any_more_is_refused() {
        let (mut table, mut orders) = (table(40), Orders::default());
        let one = [Selector::parse("name 1")];
        assert_eq!(orders.of(&table, &one, Key::Added, false, 0).unwrap().len(), 1);
        let hash = kept(1).0;
        table.leave(&hash);
        assert!(orders.of(&table, &one, Key::Added, false, 0).is_err());
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
