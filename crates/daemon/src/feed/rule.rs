//! Which items of a feed are taken (own design): by words and patterns of the title and by size.
use super::read::Item;
use crate::pattern::fits;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use teem_client::policy::Goal;

/// Bytes of a pattern.
const PATTERN_BYTES: usize = 200;

/// Words that a title has, or with `*` and `?` a pattern of all of it; case says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern(String);

impl FromStr for Pattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_good = !text.trim().is_empty() && text.len() <= PATTERN_BYTES && !text.contains(['\n', '\0']);
        let bad = || format!("words or a pattern of 1 to {PATTERN_BYTES} bytes on one line are wanted");
        is_good.then(|| Self(text.trim().to_owned())).ok_or_else(bad)
    }
}

impl Pattern {
    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it fits a title in small letters.
    fn fits(&self, title: &str) -> bool {
        let pattern = self.0.to_lowercase();
        if pattern.contains(['*', '?']) {
            return fits(&pattern, title);
        }
        pattern.split_whitespace().all(|word| has_word(title, word))
    }
}

/// Whether a word stands in a text with no letter or digit of ASCII directly beside its own; other writing has words without gaps.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |a: Option<char>, b: Option<char>| {
        a.zip(b).is_some_and(|(a, b)| a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
    };
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !joins(before, word.chars().next()) && !joins(word.chars().next_back(), after)
    })
}

/// What is taken, and how.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rule {
    /// One of these is to fit the title; any title does where there is none.
    pub(crate) want: Vec<Pattern>,
    /// None of these may fit it.
    pub(crate) not: Vec<Pattern>,
    /// Bytes of the content, at least and at most.
    pub(crate) min_size: Option<u64>,
    pub(crate) max_size: Option<u64>,
    /// What the torrents are labelled with.
    pub(crate) labels: BTreeSet<String>,
    /// Where content goes; the label's folder or the daemon's first where none is named.
    pub(crate) folder: Option<PathBuf>,
    /// Whether they rest until they are resumed.
    pub(crate) paused: bool,
    /// When each has given enough.
    pub(crate) until: Option<Goal>,
}

impl Rule {
    /// Whether it takes an item, and why or why not, in a sentence.
    pub(crate) fn judge(&self, item: &Item) -> Result<String, String> {
        let title = item.title.to_lowercase();
        if let Some(unwanted) = self.not.iter().find(|pattern| pattern.fits(&title)) {
            return Err(format!("`{}` is not wanted", unwanted.text()));
        }
        let wanted = self.want.iter().find(|pattern| pattern.fits(&title));
        if wanted.is_none() && !self.want.is_empty() {
            let all: Vec<_> = self.want.iter().map(|pattern| format!("`{}`", pattern.text())).collect();
            return Err(format!("the title fits none of {}", all.join(", ")));
        }
        let mut why = wanted
            .map_or_else(|| "any title is wanted".to_owned(), |pattern| format!("the title fits `{}`", pattern.text()));
        match item.size {
            Some(size) => self.judge_size(size)?,
            None if self.min_size.is_some() || self.max_size.is_some() => why.push_str(", its size is not told"),
            None => {}
        }
        Ok(why)
    }

    /// Whether it takes content of so many bytes; why not, in a sentence.
    pub(crate) fn judge_size(&self, size: u64) -> Result<(), String> {
        match (self.min_size, self.max_size) {
            (Some(min), _) if size < min => Err(format!("it has {size} bytes, fewer than {min}")),
            (_, Some(max)) if size > max => Err(format!("it has {size} bytes, more than {max}")),
            _ => Ok(()),
        }
    }
}

/// The first of these rules that takes an item, with why.
pub(crate) fn first<'a>(rules: &'a [Rule], item: &Item) -> Option<(usize, &'a Rule, String)> {
    rules.iter().enumerate().find_map(|(n, rule)| rule.judge(item).ok().map(|why| (n, rule, why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn item(title: &str, size: Option<u64>) -> Item {
        Item { title: title.to_owned(), id: "1".to_owned(), link: None, size }
    }

    #[test]
    fn words_stand_alone_and_patterns_fit_all_of_the_title() {
        for (text, title, is_fit) in [
            ("ubuntu server", "Ubuntu.24.04.Server.iso", true),
            ("ubuntu server", "ubuntu-servers", false),
            ("24.04", "ubuntu-24.04.iso", true),
            ("24.04", "ubuntu-24.041", false),
            ("*1080p*", "A Show S01E02 1080p", true),
            ("a show s??e??*", "A Show S01E02 1080p", true),
            ("a show", "x a show", true),
            ("a show*", "x a show", false),
            ("ÜBER", "das über-wort", true),
            ("日本", "新日本語", true),
        ] {
            assert_eq!(pattern(text).fits(&title.to_lowercase()), is_fit, "{text} {title}");
        }
        for bad in ["", "  ", "a\nb", &"x".repeat(PATTERN_BYTES + 1)] {
            assert!(bad.parse::<Pattern>().is_err());
        }
    }

    #[test]
    fn the_first_rule_that_takes_an_item_has_it_and_each_says_why() {
        let small = Rule { want: vec![pattern("iso")], max_size: Some(10), ..Rule::default() };
        let any = Rule { not: vec![pattern("beta")], ..Rule::default() };
        let rules = [small.clone(), any.clone()];
        let of = |title, size| first(&rules, &item(title, size)).map(|(n, _, why)| (n, why));
        assert_eq!(of("an iso", Some(10)).unwrap().0, 0);
        assert_eq!(of("an iso", Some(11)).unwrap().0, 1);
        assert_eq!(of("an iso", None).unwrap(), (0, "the title fits `iso`, its size is not told".to_owned()));
        assert_eq!(of("a beta", None), None);
        assert!(small.judge(&item("a tar", None)).unwrap_err().contains("none of `iso`"));
        assert!(any.judge(&item("beta 2", None)).unwrap_err().contains("`beta` is not wanted"));
        assert!(small.judge_size(11).unwrap_err().contains("more than 10"));
    }
}
