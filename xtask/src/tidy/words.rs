//! Comments are sentences: they name their subject first, so none begins with "Who …" or "Whoever …", and what an item's
//! document says takes more than two words ("It." says nothing that its name does not).

use crate::finding::Finding;
use crate::source::Source;
use crate::tidy::owed::Owed;
use crate::tree::Package;

/// A document of an item says more than this many words.
const WORDS_MAX: usize = 2;

pub(super) fn check(package: &Package, owed: &Owed, findings: &mut Vec<Finding>) {
    let found: Vec<Finding> = package.sources.values().flat_map(poor).collect();
    let owed = owed.words.iter().find(|(name, _)| *name == package.manifest.name).map_or(0, |&(_, owed)| owed);
    if owed > 0 && found.is_empty() {
        let message = "its comments are all sentences: take it off the list in xtask/src/tidy/owed.rs";
        findings.push(Finding::new(&package.manifest.path, 0, message));
    }
    if found.len() > owed {
        findings.extend(found);
    }
}

/// The comments of a file that are no sentences.
pub(super) fn poor(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for comment in comments(&source.text) {
        let words: Vec<&str> = comment.text.split_whitespace().collect();
        let question = comment.text.split_inclusive(['.', '?']).next().is_some_and(|first| first.ends_with('?'));
        if words.first().is_some_and(|first| ["Who", "Whoever", "Whom", "Whomever"].contains(first)) && !question {
            let message = "a comment begins with \"Who …\": say the subject first (\"A peer that …\")";
            found.push(Finding::new(&source.path, comment.line, message));
        }
        if comment.of_item && words.len() <= WORDS_MAX {
            let message = format!(
                "the document \"{}\" says no more than the name: say what it is, with its unit, its bounds or its source",
                comment.text.trim()
            );
            found.push(Finding::new(&source.path, comment.line, message));
        }
    }
    found
}

/// Lines of one kind of comment that follow each other.
struct Comment {
    line: usize,
    /// Its lines begin with `///`.
    of_item: bool,
    text: String,
}

fn comments(text: &str) -> Vec<Comment> {
    let mut found: Vec<Comment> = Vec::new();
    let mut before = "";
    for (i, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let mark = ["///", "//!", "//"].into_iter().find(|mark| line.starts_with(mark)).unwrap_or("");
        let words = &line[mark.len()..];
        if mark.is_empty() || words.starts_with('/') {
            before = "";
            continue;
        }
        match found.last_mut().filter(|_| mark == before) {
            Some(comment) => {
                comment.text.push(' ');
                comment.text.push_str(words);
            }
            None => found.push(Comment { line: i + 1, of_item: mark == "///", text: words.to_string() }),
        }
        before = mark;
    }
    found
}
