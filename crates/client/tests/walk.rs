//! What ends up in a torrent of a folder.
#![allow(clippy::unwrap_used)] // helpers outside of test functions
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use teem_client::create::rules::{LeaveOut, LeftOut, RulesError};
use teem_client::create::walk::{Underway, WalkError, walk, walk_together};

fn tree(name: &str, files: &[&str]) -> std::path::PathBuf {
    let root = std::env::temp_dir().join(format!("teem-walk-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    fs::create_dir_all(&root).unwrap();
    root
}

fn without(exclude: &[&str]) -> LeaveOut {
    LeaveOut { exclude: exclude.iter().map(|s| (*s).to_owned()).collect(), hidden: true, ..LeaveOut::default() }
}

fn names(root: &Path, wishes: &LeaveOut) -> Vec<String> {
    walk(root, wishes, &Underway::default()).unwrap().files.iter().map(|f| f.components().join("/")).collect()
}

#[test]
fn files_come_in_byte_order_and_patterns_leave_out() {
    let root = tree("order", &["b", "a/z", "a/b/c", "a.txt", "deep/x/skip.log", "skip.log", ".hidden"]);
    assert_eq!(names(&root, &without(&[])), [".hidden", "a/b/c", "a/z", "a.txt", "b", "deep/x/skip.log", "skip.log"]);
    assert_eq!(names(&root, &without(&["*.log", "a/b"])), [".hidden", "a/z", "a.txt", "b"]);
    assert!(matches!(
        walk(&root, &without(&["["]), &Underway::default()),
        Err(WalkError::Rules(RulesError::Pattern(_)))
    ));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_name_is_left_out_whatever_brackets_it_has_and_a_pattern_in_vain_is_told() {
    let root =
        tree("brackets", &["[a].txt", "a.txt", "deep/[x]/f", "deep/x/f", "deep/{1,2}", "deep/1", "open]", "b\\c"]);
    let listed = |exclude: &[&str]| {
        let listing = walk(&root, &without(exclude), &Underway::default()).unwrap();
        (listing.files.iter().map(|f| f.components().join("/")).collect::<Vec<_>>(), listing.unused)
    };
    let all = listed(&[]).0;
    for (pattern, gone) in [
        ("[a].txt", "[a].txt"),
        ("./[a].txt", "[a].txt"),
        ("[x]", "deep/[x]/f"),
        ("deep/[x]", "deep/[x]/f"),
        ("deep/[x]/f", "deep/[x]/f"),
        ("deep/[x]/*", "deep/[x]/f"),
        ("{1,2}", "deep/{1,2}"),
        ("open]", "open]"),
        ("b\\c", "b\\c"),
        ("[ab].txt", "a.txt"),
    ] {
        let (left, unused) = listed(&[pattern]);
        let without: Vec<_> = all.iter().filter(|name| *name != gone).cloned().collect();
        assert_eq!((left, unused), (without, vec![]), "{pattern}");
    }
    assert_eq!(listed(&["*.iso", "a.*", "nope/x", "[q].txt"]).1, ["*.iso", "[q].txt", "nope/x"]);
    fs::remove_dir_all(root).unwrap();
}

#[cfg(unix)]
#[test]
fn links_and_sockets_are_left_out_and_named() {
    let root = tree("odd", &["real"]);
    std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let listing = walk(&root, &without(&[]), &Underway::default()).unwrap();
    assert_eq!(listing.files.len(), 1);
    let skipped: Vec<_> =
        listing.skipped.iter().map(|s| (s.path.file_name().unwrap().to_str().unwrap(), &*s.why)).collect();
    assert_eq!(skipped, [("link", "a symbolic link"), ("socket", "neither a file nor a folder")]);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn nothing_to_share_is_said() {
    let root = tree("empty", &[]);
    assert!(matches!(walk(&root, &without(&[]), &Underway::default()), Err(WalkError::Empty(_, 0, _))));
    assert!(matches!(walk(&root.join("nope"), &without(&[]), &Underway::default()), Err(WalkError::Path(..))));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn hidden_files_go_in_only_when_asked_for() {
    let root = tree("hidden", &[".git/config", ".env", "a/.b", "a/Thumbs.db", "a/b", "Desktop.ini", "x.y"]);
    let listing = walk(&root, &LeaveOut::default(), &Underway::default()).unwrap();
    assert_eq!(names(&root, &LeaveOut::default()), ["a/b", "x.y"]);
    assert_eq!(listing.left_out, LeftOut { hidden: 5, ..LeftOut::default() });
    assert_eq!(names(&root, &without(&[])).len(), 7);
    let own = walk(&root.join(".git"), &LeaveOut::default(), &Underway::default()).unwrap();
    assert_eq!(own.files.len(), 1, "what was named is meant");
    let only = walk(&root.join(".env"), &LeaveOut::default(), &Underway::default()).unwrap();
    assert!(only.single);
    fs::remove_dir_all(&root).unwrap();
    let root = tree("hidden", &[".a", ".b"]);
    let said = walk(&root, &LeaveOut::default(), &Underway::default()).unwrap_err().to_string();
    assert!(said.contains("all 2 entries") && said.contains("--hidden"), "{said}");
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn ignore_files_count_when_asked_for_and_the_nearest_decides() {
    let root = tree("ignored", &["a.o", "keep.o", "build/x", "sub/build/y", "sub/a.o", "sub/z", "top", "sub/top"]);
    fs::write(root.join(".gitignore"), "# objects\n*.o\n!keep.o\nbuild/\n/top\n").unwrap();
    fs::write(root.join("sub/.gitignore"), "!a.o\n").unwrap();
    assert_eq!(names(&root, &LeaveOut::default()).len(), 8);
    let wishes = LeaveOut { gitignore: true, ..LeaveOut::default() };
    assert_eq!(names(&root, &wishes), ["keep.o", "sub/a.o", "sub/top", "sub/z"]);
    assert_eq!(
        walk(&root, &wishes, &Underway::default()).unwrap().left_out,
        LeftOut { hidden: 2, ignored: 4, excluded: 0 }
    );
    let list = root.with_extension("list");
    fs::write(&list, "sub\n*.o\n").unwrap();
    let named = LeaveOut { ignore_files: vec![list.clone()], ..LeaveOut::default() };
    assert_eq!(names(&root, &named), ["build/x", "top"]);
    assert_eq!(names(&root, &LeaveOut { gitignore: true, ..named.clone() }), ["keep.o"]);
    fs::write(&list, "[z-a]\n").unwrap();
    assert!(matches!(walk(&root, &named, &Underway::default()), Err(WalkError::Rules(RulesError::IgnoreFile(..)))));
    fs::remove_file(&list).unwrap();
    assert!(matches!(walk(&root, &named, &Underway::default()), Err(WalkError::Rules(RulesError::File(..)))));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn together_only_what_was_named_goes_in() {
    let root = tree("together", &["a", ".b", "d/.hidden", "d/x", "other", "d/sub/y"]);
    let list = |names: &[&str], name: &str| {
        let paths: Vec<_> = names.iter().map(|n| root.join(n)).collect();
        walk_together(&paths, name, &LeaveOut::default(), &Underway::default())
    };
    let listing = list(&["d", ".b", "a", "d/../a"], "n").unwrap();
    let mut names: Vec<_> = listing.files.iter().map(|f| f.components().join("/")).collect();
    names.sort();
    assert_eq!((names, &*listing.name), ([".b", "a", "d/sub/y", "d/x"].map(String::from).to_vec(), "n"));
    assert_eq!(listing.left_out.hidden, 1);
    assert!(matches!(list(&["a", "d/x"], "n"), Err(WalkError::Apart(..))));
    assert!(matches!(list(&["absent"], "n"), Err(WalkError::Path(..))));
    for bad in ["", ".", "..", "a/b", "a\0"] {
        assert!(matches!(list(&["a"], bad), Err(WalkError::BadName(_))), "{bad:?}");
    }
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_listing_counts_what_it_finds_and_ends_when_told() {
    let root = tree("underway", &["a", "b/c", "b/d"]);
    let underway = Underway::default();
    walk(&root, &LeaveOut::default(), &underway).unwrap();
    assert_eq!(underway.files.load(Ordering::Relaxed), 3);
    underway.stop.store(true, Ordering::Relaxed);
    assert!(matches!(walk(&root, &LeaveOut::default(), &underway), Err(WalkError::Stopped)));
    fs::remove_dir_all(root).unwrap();
}
