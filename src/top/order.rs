//! In which order the rows stand.
use super::row::{Row, looked_at};
use std::cmp::Ordering;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    Added,
    Name,
    State,
    Progress,
    Down,
    Up,
    Ratio,
    Peers,
    Eta,
    Labels,
}

/// The keys as a user writes them, in the order in which `s` goes through them, and whether the greatest comes first then.
const KEYS: [(Key, &str, bool); 10] = [
    (Key::Added, "added", false),
    (Key::Name, "name", false),
    (Key::State, "state", false),
    (Key::Progress, "progress", true),
    (Key::Down, "down_rate", true),
    (Key::Up, "up_rate", true),
    (Key::Ratio, "ratio", true),
    (Key::Peers, "peers", true),
    (Key::Eta, "eta", false),
    (Key::Labels, "labels", false),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Order {
    key: Key,
    greatest_first: bool,
}

impl Order {
    /// Understands `KEY`, and `-KEY` for the greatest first.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (word, greatest_first) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let known = KEYS.iter().find(|(_, known, _)| *known == word);
        let words = || KEYS.map(|(_, word, _)| word).join(", ");
        let usage = || format!("--sort: `{text}` is none of {}; with `-` before it the greatest comes first", words());
        known.map(|(key, ..)| Self { key: *key, greatest_first }).ok_or_else(usage)
    }

    /// The next key.
    pub(super) fn next(self) -> Self {
        let at = KEYS.iter().position(|(key, ..)| *key == self.key).map_or(0, |at| (at + 1) % KEYS.len());
        Self { key: KEYS[at].0, greatest_first: KEYS[at].2 }
    }

    /// The same key the other way round.
    pub(super) fn turned(self) -> Self {
        Self { greatest_first: !self.greatest_first, ..self }
    }

    pub(super) fn words(self) -> String {
        let word = KEYS.iter().find(|(key, ..)| *key == self.key).map_or("", |(_, word, _)| word);
        format!("by {word}{}", if self.greatest_first { ", greatest first" } else { "" })
    }

    /// Which of two rows comes first. What is not known comes last either way; equal ones stand as they were added.
    pub(super) fn compare(self, a: &Row, b: &Row) -> Ordering {
        looked_at();
        let turn = |order: Ordering| if self.greatest_first { order.reverse() } else { order };
        let known = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => turn(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let seconds = |row: &Row| row.eta.map(|seconds| seconds as f64);
        let order = match self.key {
            Key::Added => turn(a.added.cmp(&b.added)),
            Key::Name => turn(a.folded.cmp(&b.folded)),
            Key::State => turn(a.state.cmp(&b.state)),
            Key::Progress => known(a.progress, b.progress),
            Key::Down => turn(a.down.cmp(&b.down)),
            Key::Up => turn(a.up.cmp(&b.up)),
            Key::Ratio => known(a.ratio, b.ratio),
            Key::Peers => turn(a.peers().cmp(&b.peers())),
            Key::Eta => known(seconds(a), seconds(b)),
            Key::Labels => turn(a.labels.cmp(&b.labels)),
        };
        order.then_with(|| a.added.cmp(&b.added)).then_with(|| a.hash.cmp(&b.hash))
    }
}

impl Default for Order {
    fn default() -> Self {
        Self { key: KEYS[0].0, greatest_first: KEYS[0].2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_understood_and_gone_through() {
        assert_eq!(Order::parse("-up_rate").unwrap().words(), "by up_rate, greatest first");
        assert_eq!(Order::parse("up_rate").unwrap().words(), "by up_rate");
        assert!(Order::parse("colour").unwrap_err().contains("down_rate"));
        let mut order = Order::default();
        for _ in KEYS {
            order = order.next();
        }
        assert_eq!(order, Order::default());
    }

    #[test]
    fn what_is_not_known_comes_last_either_way() {
        let (mut known, unknown) = (Row::new("b"), Row::new("a"));
        known.eta = Some(9);
        for order in ["eta", "-eta"].map(|text| Order::parse(text).unwrap()) {
            assert_eq!(order.compare(&known, &unknown), Ordering::Less);
            assert_eq!(order.compare(&unknown, &known), Ordering::Greater);
        }
    }
}
