//! Which files of a torrent are wanted, said before its files are known (BEP 53 for indices; own design for patterns).
use crate::patterns::Patterns;
use crate::status::Ended;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use teem_metainfo::{File, Info};
use teem_swarm::selection::{Priority, Selection};

/// File names that an error lists.
const NAMED_MAX: usize = 5;

/// A choice of files.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub enum Choice {
    /// As in the last run, else everything alike. (By patterns, everything is `*`.)
    #[default]
    All,
    /// By patterns against the path below the torrent's folder, or against any name in it when the pattern has no slash.
    Patterns {
        /// Only what one of these fits; everything when there is none.
        only: Vec<String>,
        /// Of that, first what one of these fits.
        first: Vec<String>,
    },
    /// By index from 0, padding included (BEP 53, `so`).
    Indices(Vec<RangeInclusive<u32>>),
    /// By somebody who wants to see the files first: the torrent waits in [`State::Choosing`](crate::event::State::Choosing) until
    /// [`Torrent::choose`](crate::Torrent::choose). What is published needs no choice, and waits for none.
    Ask,
}

/// Why a choice is not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ChooseError {
    /// None of the files fits it: a sentence for the user.
    Choice(String),
    /// The torrent has ended.
    Ended(Ended),
}

impl fmt::Display for ChooseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(why) => f.write_str(why),
            Self::Ended(ended) => ended.fmt(f),
        }
    }
}

impl std::error::Error for ChooseError {}

impl Choice {
    /// Whether it says something by itself: else it is left to the last run, or to somebody who is asked.
    pub(crate) fn is_said(&self) -> bool {
        !matches!(self, Self::All | Self::Ask)
    }

    /// What it means for a torrent; everything alike where nothing is said. An error is a sentence for the user.
    pub fn of(&self, info: &Info) -> Result<Selection, String> {
        let selection = match self {
            Self::All | Self::Ask => return Ok(Selection::all()),
            Self::Patterns { only, first } => by_patterns(info, only, first)?,
            Self::Indices(ranges) => select(info, |file, _| {
                let wanted = ranges.iter().any(|range| range.contains(&(file as u32)));
                if wanted { Priority::Normal } else { Priority::Skip }
            }),
        };
        let some = info.files().iter().enumerate().any(|(i, file)| !file.pad && selection.wants(i));
        if some { Ok(selection) } else { Err(format!("the link selects none of the files of {}", info.name())) }
    }
}

fn by_patterns(info: &Info, only: &[String], first: &[String]) -> Result<Selection, String> {
    for (option, pattern) in only.iter().map(|p| ("--only", p)).chain(first.iter().map(|p| ("--first", p))) {
        let one = Patterns::new(std::slice::from_ref(pattern)).map_err(|why| format!("{option}: {why}"))?;
        let mut files = info.files().iter().filter(|file| !file.pad);
        if !files.any(|file| one.covers(&path(info, &file))) {
            return Err(format!("{option}: no file of {} fits `{pattern}`; there is {}", info.name(), names(info)));
        }
    }
    let (only, first) = (Patterns::new(only).map(|p| (!only.is_empty()).then_some(p))?, Patterns::new(first)?);
    Ok(select(info, |_, path| match &only {
        Some(only) if !only.covers(path) => Priority::Skip,
        _ if first.covers(path) => Priority::High,
        _ => Priority::Normal,
    }))
}

fn select(info: &Info, priority: impl Fn(usize, &PathBuf) -> Priority) -> Selection {
    let one = |(i, file): (usize, File<'_>)| {
        if file.pad { Priority::Normal } else { priority(i, &path(info, &file)) }
    };
    Selection::of(info.files().iter().enumerate().map(one).collect())
}

/// The path of a file below the torrent's folder; a single file has the torrent's name.
fn path(info: &Info, file: &File<'_>) -> PathBuf {
    if info.is_single_file() { PathBuf::from(info.name()) } else { file.path().into() }
}

fn names(info: &Info) -> String {
    let mut files = info.files().iter().filter(|file| !file.pad).map(|file| path(info, &file).display().to_string());
    let first: Vec<String> = files.by_ref().take(NAMED_MAX).collect();
    match files.count() {
        0 => first.join(", "),
        more => format!("{}, and {more} more (`teem show` lists them)", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::Limits;

    fn info() -> Info {
        let file = |path: &str| format!("d6:lengthi5e4:pathl{path}ee");
        let files = [file("5:a.txt"), file("3:sub5:b.mkv"), file("3:sub4:deep5:c.txt")].concat();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    fn patterns(only: &[&str], first: &[&str]) -> Choice {
        let own = |list: &[&str]| list.iter().map(|&p| p.to_owned()).collect();
        Choice::Patterns { only: own(only), first: own(first) }
    }

    fn chosen(choice: &Choice) -> Result<Vec<Priority>, String> {
        choice.of(&info()).map(|selection| (0..3).map(|i| selection.file(i)).collect())
    }

    #[test]
    fn patterns_fit_names_paths_and_folders() {
        use Priority::{High, Normal, Skip};
        assert_eq!(chosen(&patterns(&["*.txt"], &[])).unwrap(), [Normal, Skip, Normal]);
        assert_eq!(
            chosen(&patterns(&["sub/*"], &[])).unwrap(),
            [Skip, Normal, Normal],
            "a folder takes its content along"
        );
        assert_eq!(chosen(&patterns(&["sub"], &["c*"])).unwrap(), [Skip, Normal, High]);
        assert_eq!(chosen(&patterns(&[], &["b.mkv"])).unwrap(), [Normal, High, Normal]);
        assert_eq!(chosen(&Choice::All).unwrap(), [Normal; 3]);
    }

    #[test]
    fn what_fits_nothing_is_said() {
        let told = chosen(&patterns(&["*.iso"], &[])).unwrap_err();
        assert!(told.contains("`*.iso`") && told.contains("sub/b.mkv"), "{told}");
        assert!(chosen(&patterns(&["[x"], &[])).unwrap_err().contains("not a pattern"));
    }

    #[test]
    fn indices_count_from_zero() {
        use Priority::{Normal, Skip};
        assert_eq!(chosen(&Choice::Indices(vec![1..=9])).unwrap(), [Skip, Normal, Normal]);
        assert!(chosen(&Choice::Indices(vec![7..=9])).is_err());
    }
}
