//! What other programs said of all torrents together (own design): limits, goal and places that hold in place of the file's, and are kept.
//!
//! What is said to be as the file has it is not kept, so that the file counts again.
use super::rules::Rules;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::str::FromStr;
use teem_client::policy::Goal;

/// The word for what there is none of.
pub(crate) const NONE: &str = "none";

/// What was said of a number, if something was: the number, or that there is none.
type Word<T> = Option<Option<T>>;

/// What is to hold in place of what the file says, as far as something was said. Limits are payload bytes a second.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Said {
    pub(crate) up: Word<u64>,
    pub(crate) down: Word<u64>,
    /// Of the other limits.
    pub(crate) other_up: Word<u64>,
    pub(crate) other_down: Word<u64>,
    /// Of those that may work at once.
    pub(crate) downloads: Word<NonZeroU32>,
    pub(crate) seeds: Word<NonZeroU32>,
    pub(crate) checks: Word<NonZeroU32>,
    /// When a torrent has given enough.
    pub(crate) goal: Option<Goal>,
}

impl Said {
    /// The rules of the file with what was said in their place.
    pub(super) fn over(self, file: &Rules) -> Rules {
        let mut rules = file.clone();
        let set = |rule: &mut Option<u64>, said: Word<u64>| *rule = said.unwrap_or(*rule);
        set(&mut rules.speed.usual.up, self.up);
        set(&mut rules.speed.usual.down, self.down);
        set(&mut rules.speed.other.up, self.other_up);
        set(&mut rules.speed.other.down, self.other_down);
        let set = |rule: &mut Option<NonZeroU32>, said: Word<NonZeroU32>| *rule = said.unwrap_or(*rule);
        set(&mut rules.places.downloads, self.downloads);
        set(&mut rules.places.seeds, self.seeds);
        set(&mut rules.places.checks, self.checks);
        rules.goal = self.goal.unwrap_or(rules.goal);
        rules
    }

    /// The later word where there is one, as far as it is not what the file says.
    pub(super) fn and(self, later: Self, file: &Rules) -> Self {
        fn one<T: PartialEq>(before: Option<T>, later: Option<T>, file: &T) -> Option<T> {
            later.or(before).filter(|said| said != file)
        }
        let (speed, places) = (&file.speed, &file.places);
        Self {
            up: one(self.up, later.up, &speed.usual.up),
            down: one(self.down, later.down, &speed.usual.down),
            other_up: one(self.other_up, later.other_up, &speed.other.up),
            other_down: one(self.other_down, later.other_down, &speed.other.down),
            downloads: one(self.downloads, later.downloads, &places.downloads),
            seeds: one(self.seeds, later.seeds, &places.seeds),
            checks: one(self.checks, later.checks, &places.checks),
            goal: one(self.goal, later.goal, &file.goal),
        }
    }

    /// Each as the file calls it, with its value in a word.
    pub(crate) fn words(self) -> Vec<(&'static str, String)> {
        fn word<T: ToString>(said: Word<T>) -> Option<String> {
            said.map(|said| said.map_or_else(|| NONE.to_owned(), |said| said.to_string()))
        }
        let all = [
            ("up", word(self.up)),
            ("down", word(self.down)),
            ("alternative.up", word(self.other_up)),
            ("alternative.down", word(self.other_down)),
            ("queue.downloads", word(self.downloads)),
            ("queue.seeds", word(self.seeds)),
            ("queue.checks", word(self.checks)),
            ("goal.until", self.goal.map(|goal| goal.to_string())),
        ];
        all.into_iter().filter_map(|(key, word)| Some((key, word?))).collect()
    }

    pub(super) fn encode(self) -> Vec<u8> {
        let mut lines = String::new();
        for (key, word) in self.words() {
            let _ = writeln!(lines, "{key} {word}");
        }
        lines.into_bytes()
    }

    /// What was kept; what is not understood of it is left out.
    pub(super) fn decode(text: &str) -> Self {
        fn number<T: FromStr>(word: &str) -> Word<T> {
            if word == NONE { Some(None) } else { word.parse().ok().map(Some) }
        }
        let mut said = Self::default();
        for (key, word) in text.lines().filter_map(|line| line.split_once(' ')) {
            match key {
                "up" => said.up = number(word),
                "down" => said.down = number(word),
                "alternative.up" => said.other_up = number(word),
                "alternative.down" => said.other_down = number(word),
                "queue.downloads" => said.downloads = number(word),
                "queue.seeds" => said.seeds = number(word),
                "queue.checks" => said.checks = number(word),
                "goal.until" => said.goal = word.parse().ok(),
                _ => {}
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::policy::Speed;

    fn said() -> Said {
        Said {
            up: Some(Some(50_000)),
            other_down: Some(None),
            downloads: Some(NonZeroU32::new(3)),
            goal: Some("ratio=2 or idle=60".parse().unwrap()),
            ..Said::default()
        }
    }

    #[test]
    fn what_was_said_holds_in_place_of_the_file_and_the_rest_stays() {
        let mut file = Rules::default();
        file.speed.usual = Speed { up: Some(1), down: Some(2) };
        file.speed.other = Speed { up: Some(3), down: Some(4) };
        let rules = said().over(&file);
        assert_eq!(rules.speed.usual, Speed { up: Some(50_000), down: Some(2) });
        assert_eq!(rules.speed.other, Speed { up: Some(3), down: None });
        assert_eq!((rules.places.downloads, rules.places.seeds), (NonZeroU32::new(3), None));
        assert_eq!(rules.goal.to_string(), "ratio=2 or idle=60");
        let again = said().and(Said { up: Some(Some(1)), down: Some(None), ..Said::default() }, &file);
        assert_eq!(again, Said { up: None, down: Some(None), ..said() }, "what the file says is not kept");
    }

    #[test]
    fn it_comes_back_as_it_was_and_nonsense_is_left_out() {
        let all = Said { seeds: Some(None), checks: Some(NonZeroU32::new(1)), down: Some(Some(0)), ..said() };
        for said in [said(), all, Said::default()] {
            assert_eq!(Said::decode(&String::from_utf8(said.encode()).unwrap()), said);
        }
        assert_eq!(
            Said::decode("up x\nup\nqueue.seeds 0\nnew 7\ngoal.until ?\ndown 5"),
            Said { down: Some(Some(5)), ..Said::default() }
        );
    }
}
