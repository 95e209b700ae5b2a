//! The rows, which of them are shown in which order, and the one that the cursor stands on.
//!
//! Invariants: `places` has each row by its info-hash; `shown` holds indices into `rows`, each once; the cursor follows its torrent when others come and go.
//! An event costs a look at each row and the order anew, which of rows that stand in order already takes about one comparison each.
use super::order::Order;
use super::row::Row;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    places: HashMap<String, usize>,
    shown: Vec<usize>,
    order: Order,
    /// In small letters.
    filter: String,
    cursor: usize,
    /// The info-hash under the cursor.
    selected: Option<String>,
    totals: Totals,
}

/// Of all rows, shown or not.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Totals {
    pub(super) torrents: usize,
    /// Those that cannot go on, or have trouble.
    pub(super) troubled: usize,
    /// Payload bytes a second.
    pub(super) down: u64,
    pub(super) up: u64,
}

impl Table {
    /// Takes over what was told of torrents: all there is of a whole window, else what changed.
    pub(super) fn take(&mut self, told: &Value, whole: bool) {
        if whole {
            (self.rows, self.places, self.shown) = Default::default();
        }
        for told in told["torrents"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            let Some(hash) = told.get("infohash").and_then(Value::as_str) else { continue };
            let place = *self.places.entry(hash.to_owned()).or_insert(self.rows.len());
            if place == self.rows.len() {
                self.rows.push(Row::new(hash));
            }
            self.rows[place].update(told);
        }
        if let Some(order) = told["order"].as_array() {
            let listed: HashSet<&str> = order.iter().filter_map(Value::as_str).collect();
            let before = self.rows.len();
            self.rows.retain(|row| listed.contains(row.hash.as_str()));
            if self.rows.len() < before {
                self.places = self.rows.iter().enumerate().map(|(place, row)| (row.hash.clone(), place)).collect();
                self.shown.clear();
            }
        }
        self.totals = self.rows.iter().fold(Totals::default(), |sum, row| Totals {
            torrents: sum.torrents + 1,
            troubled: sum.troubled + usize::from(row.error.is_some()),
            down: sum.down.saturating_add(row.down),
            up: sum.up.saturating_add(row.up),
        });
        self.arrange();
    }

    /// Shows the rows that fit, in their order.
    fn arrange(&mut self) {
        let fits: Vec<bool> = self.rows.iter().map(|row| row.fits(&self.filter)).collect();
        // Those that were shown stand nearly in order.
        self.shown.retain(|place| fits[*place]);
        let mut missing = fits;
        for place in &self.shown {
            missing[*place] = false;
        }
        self.shown.extend(missing.iter().enumerate().filter_map(|(place, missing)| missing.then_some(place)));
        let (rows, order) = (&self.rows, self.order);
        self.shown.sort_by(|a, b| order.compare(&rows[*a], &rows[*b]));
        let selected = self.selected.as_ref().and_then(|hash| self.places.get(hash));
        let found = selected.and_then(|place| self.shown.iter().position(|shown| shown == place));
        self.select(found.unwrap_or(self.cursor));
    }

    /// Puts the cursor on that line, or the last.
    pub(super) fn select(&mut self, line: usize) {
        self.cursor = line.min(self.shown.len().saturating_sub(1));
        self.selected = self.row(self.cursor).map(|row| row.hash.clone());
    }

    pub(super) fn sort(&mut self, order: Order) {
        self.order = order;
        self.arrange();
    }

    pub(super) fn filter(&mut self, text: &str) {
        self.filter = text.to_lowercase();
        self.arrange();
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    pub(super) fn filtered_by(&self) -> &str {
        &self.filter
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// How many lines are shown.
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// The row of a line.
    pub(super) fn row(&self, line: usize) -> Option<&Row> {
        self.shown.get(line).map(|place| &self.rows[*place])
    }

    pub(super) fn selected(&self) -> Option<&Row> {
        self.row(self.cursor)
    }

    pub(super) fn find(&self, hash: &str) -> Option<&Row> {
        self.places.get(hash).map(|place| &self.rows[*place])
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::LOOKS;
    use super::*;
    use serde_json::json;

    fn names(table: &Table) -> Vec<&str> {
        (0..table.len()).filter_map(|line| table.row(line)).map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn rows_come_change_and_go_and_the_cursor_stays_on_its_torrent() {
        let mut table = Table::default();
        let row = |hash: &str, name: &str, up: u64| json!({"infohash": hash, "name": name, "up_rate": up});
        table.take(&json!({"torrents": [row("a", "Alpha", 1), row("b", "beta", 3), row("c", "gamma", 2)]}), true);
        table.sort(Order::parse("-up_rate").unwrap());
        assert_eq!(names(&table), ["beta", "gamma", "Alpha"]);
        table.select(2);
        table.take(&json!({"torrents": [{"infohash": "a", "up_rate": 9}]}), false);
        assert_eq!((names(&table), table.cursor()), (vec!["Alpha", "beta", "gamma"], 0));
        table.take(&json!({"torrents": [], "order": ["c", "a"]}), false);
        assert_eq!(names(&table), ["Alpha", "gamma"]);
        assert_eq!(table.totals(), Totals { torrents: 2, troubled: 0, down: 0, up: 11 });
        table.filter("MM");
        assert_eq!((names(&table), table.selected().unwrap().hash.as_str()), (vec!["gamma"], "c"));
        table.take(&json!({"torrents": [row("d", "delta", 0)]}), true);
        table.filter("");
        assert_eq!(names(&table), ["delta"]);
        table.take(&json!({"torrents": [], "order": []}), false);
        assert!(table.selected().is_none());
    }

    #[test]
    fn a_hundred_thousand_rows_are_looked_at_a_few_times_for_each_event() {
        const ROWS: u64 = 100_000;
        let row =
            |n: u64| json!({"infohash": format!("{n:040x}"), "name": format!("name {n}"), "up_rate": n * 7919 % ROWS});
        let window = json!({"torrents": (0..ROWS).map(row).collect::<Vec<_>>()});
        let order: Vec<String> = (0..ROWS).filter(|n| n % 1000 != 1).map(|n| format!("{n:040x}")).collect();
        let mut table = Table::default();
        let mut looks = |what: &str, most: u64, act: &mut dyn FnMut(&mut Table)| {
            LOOKS.set(0);
            act(&mut table);
            assert!(LOOKS.get() <= most, "{what}: {} looks", LOOKS.get());
        };
        looks("a window", 3 * ROWS, &mut |table| table.take(&window, true));
        // An order of which nothing is known takes n log2 n.
        looks("another order", 20 * ROWS, &mut |table| table.sort(Order::parse("-up_rate").unwrap()));
        let change = json!({"torrents": [{"infohash": format!("{:040x}", 5), "up_rate": 99_999_999}]});
        looks("a change", 4 * ROWS, &mut |table| table.take(&change, false));
        looks("a move of the cursor", 0, &mut |table| table.select(50_000));
        looks("removals", 20 * ROWS, &mut |table| table.take(&json!({"torrents": [], "order": order}), false));
        assert_eq!(table.len(), 99_900);
    }
}
