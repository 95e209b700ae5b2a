//! Names and paths: safe everywhere, distinct, the same on each run.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::collections::BTreeSet;

use proptest::prelude::*;
use teem_metainfo::path::sanitise;
use teem_metainfo::{Error, Info, Limits};
use unicode_normalization::UnicodeNormalization as _;

fn safe(name: &str) -> String {
    sanitise(name.as_bytes(), 255)
}

fn assert_safe(name: &str) {
    assert!(!name.is_empty() && name.len() <= 255 && name != "." && name != "..", "{name:?}");
    assert!(!name.contains(['/', '\\', '\0', ':', '*', '?', '"', '<', '>', '|']), "{name:?}");
    assert!(!name.chars().any(char::is_control) && !name.ends_with(['.', ' ']) && !name.starts_with(' '), "{name:?}");
    assert_eq!(safe(name), name, "safe names stay");
}

fn paths(list: &[&[&str]]) -> Result<Vec<String>, Error> {
    let list: Vec<Vec<Vec<u8>>> =
        list.iter().map(|path| path.iter().map(|part| part.as_bytes().to_vec()).collect()).collect();
    let info = Info::parse(&common::of_paths(&list), &Limits::FILE)?;
    Ok(info.files().iter().map(|file| file.path()).collect())
}

#[test]
fn row_12_paths_that_would_escape() {
    for (from, to) in
        [("..", "_"), (".", "_"), ("", "_"), ("/", "_"), ("C:\\x", "C__x"), ("a/b", "a_b"), ("a\\b", "a_b")]
    {
        assert_eq!(safe(from), to, "{from:?}");
    }
    assert_eq!(paths(&[&["..", "..", "etc"], &["/etc/passwd"]]).unwrap(), ["_/_/etc", "_etc_passwd"]);
}

#[test]
fn row_13_characters_that_hide() {
    for (from, to) in
        [("a\0b", "a_b"), ("a\u{7f}\u{85}b", "a__b"), ("a\u{202e}gpj.exe", "agpj.exe"), ("a\u{200b}\u{feff}b", "ab")]
    {
        assert_eq!(safe(from), to, "{from:?}");
    }
    assert_eq!(sanitise(b"a\xff\xfeb\xc3", 255), "a_b_");
}

#[test]
fn row_14_long_names_keep_their_extension() {
    let long = format!("{}.tar.gz", "ü".repeat(5_000));
    let short = safe(&long);
    assert!(short.len() > 250 && short.len() <= 255 && short.ends_with("ü.gz"), "{short}");
    assert_safe(&safe(&".".repeat(10_000)));
    assert_safe(&safe(&format!("{}.{}", "a".repeat(300), "b".repeat(300))));
    assert_safe(&safe(&format!("{} . ", "a".repeat(253))));
}

#[test]
fn row_15_names_that_windows_reserves() {
    for (from, to) in [
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("com1", "com1_"),
        ("LPT9.tar.gz", "LPT9_.tar.gz"),
        ("aux .h", "aux _.h"),
        ("dot.", "dot._"),
        ("space ", "space _"),
        (" foo", "_foo"),
        ("com", "com"),
        ("console", "console"),
        ("...", "..._"),
    ] {
        assert_eq!(safe(from), to, "{from:?}");
        assert_safe(to);
    }
}

#[test]
fn row_16_names_that_some_systems_hold_for_equal() {
    assert_eq!(paths(&[&["Readme.txt"], &["README.TXT"]]).unwrap(), ["Readme.txt", "README.1.TXT"]);
    assert_eq!(paths(&[&["\u{e9}"], &["e\u{301}"]]).unwrap(), ["\u{e9}", "e\u{301}.1"]);
    assert_eq!(paths(&[&["straße"], &["STRASSE"]]).unwrap(), ["straße", "STRASSE.1"]);
    assert_eq!(paths(&[&["A", "x"], &["a", "X"], &["a", "y"]]).unwrap(), ["A/x", "a/X.1", "a/y"]);
}

#[test]
fn row_17_duplicates_and_directories() {
    assert_eq!(paths(&[&["a"], &["a"], &["a.1"], &["a"]]).unwrap(), ["a", "a.1", "a.1.1", "a.2"].map(String::from));
    assert_eq!(paths(&[&["a"], &["a", "b"]]).unwrap(), ["a.1", "a/b"]);
    let many = |count: usize| paths(&vec![&["same"][..]; count]);
    assert_eq!(many(501).unwrap().iter().collect::<BTreeSet<_>>().len(), 501);
    assert_eq!(many(502).unwrap_err(), Error::TooManyDuplicates { limit: 500 });
}

#[test]
fn originals_are_remembered() {
    let raw = |parts: &[&[u8]]| parts.iter().map(|part| part.to_vec()).collect::<Vec<_>>();
    let list = [raw(&[b"what?"]), raw(&[b"plain"]), raw(&[b"plain"]), raw(&[b"..", b"x"]), raw(&[b"\xff"])];
    let info = Info::parse(&common::of_paths(&list), &Limits::FILE).unwrap();
    let originals: Vec<_> = info.files().iter().map(|file| file.original()).collect();
    assert_eq!(originals[0], Some(vec![&b"what?"[..]]));
    assert_eq!((&originals[1], &originals[2]), (&None, &Some(vec![&b"plain"[..]])));
    let native: Vec<_> = info.files().iter().map(|file| file.native_parts()).collect();
    let same: [&[u8]; 4] = [b"what?", b"plain", b"plain", b"\xff"];
    assert_eq!([&native[0], &native[1], &native[2], &native[4]], same.map(|part| Some(vec![part])).each_ref());
    let native_path = |file| info.files().get(file).unwrap().native_path();
    assert_eq!((native_path(0), native_path(4)), (Some(vec!["what?"]), None));
    assert_eq!((&native[3], info.native_name()), (&None, Some(&b"n"[..])));
}

#[test]
fn vectors_of_other_implementations() {
    let Some(cases) = common::vectors("path-sanitise.json") else { return };
    for case in &cases {
        for element in case["elements"].as_array().unwrap() {
            assert_safe(&sanitise(&common::bytes(element), 255));
        }
    }
    for case in common::vectors("path-portable.json").unwrap() {
        let name = case["name"].as_str().unwrap();
        assert_eq!(Some(safe(name) == name), case["safe_on_windows"].as_bool(), "{case}");
    }
    for case in common::vectors("utf8.json").unwrap() {
        let input = common::bytes(&case["input"]);
        let kept = case["valid"].as_bool().unwrap();
        assert_eq!(sanitise(&input, 255).as_bytes() == input, kept, "{case}");
    }
    for case in common::vectors("path-duplicates.json").unwrap() {
        let files: Vec<_> = case["files"].as_array().unwrap().iter().filter(|file| file["pad"] != true).collect();
        let parts: Vec<Vec<&str>> = files.iter().map(|f| f["path"].as_str().unwrap().split('/').collect()).collect();
        let resolved = paths(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        assert_eq!(
            resolved.iter().map(|path| path.to_lowercase()).collect::<BTreeSet<_>>().len(),
            files.len(),
            "{case}"
        );
    }
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "A", "b", "..", ".", "", "a.1", "CON", "a/b", "é", "e\u{301}", "a.", "\u{200b}a"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => "\\PC{0,300}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_become_a_safe_name(bytes in part(), limit in 64_usize..=255) {
        let name = sanitise(&bytes, limit);
        prop_assert!(name.len() <= limit);
        assert_safe(&name);
    }

    #[test]
    fn paths_never_escape_and_never_collide(
        list in prop::collection::vec(prop::collection::vec(part(), 1..4), 1..30)
    ) {
        let info = Info::parse(&common::of_paths(&list), &Limits::FILE).unwrap();
        let fold = |path: &[&str]| path.join("/").nfd().flat_map(char::to_lowercase).collect::<String>();
        let mut files = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for file in info.files().iter() {
            let path = file.parts();
            for part in &path {
                assert_safe(part);
            }
            prop_assert!(files.insert(fold(&path)), "{path:?} stands twice");
            folders.extend((1..path.len()).map(|end| fold(&path[..end])));
        }
        prop_assert!(files.is_disjoint(&folders));
    }
}
