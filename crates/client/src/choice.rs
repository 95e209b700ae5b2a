//! Which files of a torrent are wanted, said before its files are known (BEP 53 for indices; own design for patterns).
use crate::patterns::{Exact, Patterns};
use crate::status::Ended;
use std::collections::BTreeSet;
use std::fmt;
use std::iter;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
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
    /// By the priority of each file, padding included; files beyond the list are wanted like the rest.
    Files(Selection),
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

    /// Whether it wants everything alike without saying so.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// What it means for a torrent; everything alike where nothing is said. An error is a sentence for the user.
    pub fn of(&self, info: &Info) -> Result<Selection, String> {
        let selection = match self {
            Self::All | Self::Ask => return Ok(Selection::all()),
            Self::Patterns { only, first } => by_patterns(info, only, first)?,
            Self::Files(selection) => selection.clone(),
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
    let (only_these, first_these) = (wishes("--only", info, only)?, wishes("--first", info, first)?);
    Ok(select(info, |_, file| match () {
        () if !only.is_empty() && !covers(&only_these, info, file) => Priority::Skip,
        () if covers(&first_these, info, file) => Priority::High,
        () => Priority::Normal,
    }))
}

/// What names of something are, by [`Exact::key`].
type Names<'a> = BTreeSet<(&'a str, bool)>;

/// Patterns against the paths below the torrent's folder, and against those that begin with it, as `show` prints them. What is the name
/// of something means that alone; what fits nothing below the folder is held against the whole paths.
fn wishes(option: &str, info: &Info, texts: &[String]) -> Result<[Patterns; 2], String> {
    let read = |texts: &[String], names: &Names<'_>| {
        let is_name = |exact: &Exact<'_>| names.contains(&exact.key());
        Patterns::new(texts, is_name).map_err(|why| format!("{option}: {why}"))
    };
    let exact: Vec<Exact<'_>> = texts.iter().map(|text| Exact::of(text)).collect();
    let sought: Vec<Exact<'_>> = exact.iter().flat_map(|exact| iter::once(*exact).chain(exact.folders())).collect();
    let (mut below, mut whole) = (BTreeSet::new(), BTreeSet::new());
    for file in info.files().iter().filter(|file| !file.pad) {
        let (inner, outer) = (paths(info, &file), paths_with_name(info, &file));
        below.extend(sought.iter().filter(|exact| inner.iter().any(|path| exact.covers(path))).map(Exact::key));
        whole.extend(sought.iter().filter(|exact| outer.iter().any(|path| exact.covers(path))).map(Exact::key));
    }
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    for (text, exact) in texts.iter().zip(&exact) {
        let key = exact.key();
        if below.contains(&key) || (!whole.contains(&key) && fits_some(info, text, paths, |t| read(t, &below))?) {
            inner.push(text.clone());
        } else if whole.contains(&key) || fits_some(info, text, paths_with_name, |t| read(t, &whole))? {
            outer.push(text.clone());
        } else {
            return Err(format!("{option}: no file of {} fits `{text}`; there is {}", info.name(), names(info)));
        }
    }
    Ok([read(&inner, &below)?, read(&outer, &whole)?])
}

/// Whether a pattern fits any file, by the paths that `of` says.
fn fits_some(
    info: &Info,
    text: &str,
    of: fn(&Info, &File<'_>) -> Vec<PathBuf>,
    read: impl Fn(&[String]) -> Result<Patterns, String>,
) -> Result<bool, String> {
    let one = read(&[text.to_owned()])?;
    let mut files = info.files().iter().filter(|file| !file.pad);
    Ok(files.any(|file| of(info, &file).iter().any(|path| one.covers(path))))
}

/// Whether one of the patterns fits a file, or a folder that it lies in.
fn covers([below, whole]: &[Patterns; 2], info: &Info, file: &File<'_>) -> bool {
    paths(info, file).iter().any(|path| below.covers(path))
        || (!whole.is_empty() && paths_with_name(info, file).iter().any(|path| whole.covers(path)))
}

fn select(info: &Info, priority: impl Fn(usize, &File<'_>) -> Priority) -> Selection {
    let one = |(i, file): (usize, File<'_>)| {
        if file.pad { Priority::Normal } else { priority(i, &file) }
    };
    Selection::of(info.files().iter().enumerate().map(one).collect())
}

/// The paths of a file by which people know it: as it is written here, and as the torrent has it where that differs.
fn paths(info: &Info, file: &File<'_>) -> Vec<PathBuf> {
    let here = path(info, file);
    let native = if info.is_single_file() {
        info.native_name().and_then(|name| str::from_utf8(name).ok()).map(PathBuf::from)
    } else {
        file.native_path().map(|parts| parts.iter().collect())
    };
    let native = native.filter(|native| *native != here);
    iter::once(here).chain(native).collect()
}

/// The same with the torrent's name in front; a single file has no folder.
fn paths_with_name(info: &Info, file: &File<'_>) -> Vec<PathBuf> {
    if info.is_single_file() {
        return Vec::new();
    }
    paths(info, file).into_iter().map(|path| Path::new(info.name()).join(path)).collect()
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

    /// A torrent `name` of files whose names have brackets.
    fn bracketed(name: &str) -> Info {
        let text = |text: &str| format!("{}:{text}", text.len());
        let file =
            |path: &[&str]| format!("d6:lengthi5e4:pathl{}ee", path.iter().map(|part| text(part)).collect::<String>());
        let files = [
            file(&["[a].txt"]),
            file(&["a.txt"]),
            file(&["Show [1080p]", "e{1,2}.mkv"]),
            file(&["Show 1", "e1.mkv"]),
            file(&["what?", "*.txt"]),
            file(&["[open", "x!"]),
        ];
        let raw = format!(
            "d5:filesl{}e4:name{}12:piece lengthi16384e6:pieces20:{}e",
            files.concat(),
            text(name),
            "h".repeat(20)
        );
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    #[test]
    fn a_name_is_a_name_whatever_brackets_it_has() {
        let info = bracketed("t");
        for (pattern, wanted) in [
            ("[a].txt", vec![0]),
            ("./[a].txt", vec![0]),
            ("/[a].txt", vec![0]),
            ("[b-z].txt", vec![]),
            ("[ab].txt", vec![1]),
            ("Show [1080p]", vec![2]),
            ("Show [1080p]/", vec![2]),
            ("Show [1080p]/e{1,2}.mkv", vec![2]),
            ("Show [1080p]/*.mkv", vec![2]),
            ("t/Show [1080p]/e*", vec![2]),
            ("Show [12]/*.mkv", vec![3]),
            ("[open/*", vec![5]),
            ("e{1,2}.mkv", vec![2]),
            ("e{1,3}.mkv", vec![3]),
            ("Show [12]", vec![3]),
            ("[open", vec![5]),
            ("[open/x!", vec![5]),
            ("x!", vec![5]),
            ("*.txt", vec![4]),
            ("a*.txt", vec![1]),
            ("t/[a].txt", vec![0]),
            ("t/Show [1080p]/e{1,2}.mkv", vec![2]),
            ("t/a*", vec![1]),
            ("t", vec![0, 1, 2, 3, 4, 5]),
        ] {
            let chosen = patterns(&[pattern], &[]).of(&info);
            let chosen = chosen.map(|selection| (0..6).filter(|&i| selection.wants(i)).collect::<Vec<_>>());
            if wanted.is_empty() {
                assert!(chosen.unwrap_err().contains(pattern), "{pattern}");
            } else {
                assert_eq!(chosen, Ok(wanted), "{pattern}");
            }
            let first = patterns(&[], &[pattern])
                .of(&info)
                .map(|selection| (0..6).filter(|&i| selection.file(i) == Priority::High).collect::<Vec<_>>());
            assert_eq!(
                first.ok(),
                patterns(&[pattern], &[]).of(&info).ok().map(|s| (0..6).filter(|&i| s.wants(i)).collect())
            );
        }
        let two = patterns(&["[a].txt", "Show [12]"], &["Show [12]"]).of(&info).unwrap();
        assert_eq!([two.file(0), two.file(1), two.file(3)], [Priority::Normal, Priority::Skip, Priority::High]);
        // The folder's own name has brackets too, and is the name of a file in another torrent.
        let info = bracketed("[a].txt");
        let both = patterns(&["[a].txt/a.txt"], &[]).of(&info).unwrap();
        assert!(both.wants(1) && !both.wants(0));
        assert!(!patterns(&["[a].txt"], &[]).of(&info).unwrap().wants(1), "what lies in the folder comes first");
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
