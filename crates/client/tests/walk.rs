//! What ends up in a torrent of a folder.
#![allow(clippy::unwrap_used)] // helpers outside of test functions
use std::fs;
use std::path::Path;
use teem_client::create::walk::{WalkError, walk};

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

fn names(root: &Path, exclude: &[&str]) -> Vec<String> {
    let exclude: Vec<String> = exclude.iter().map(|s| (*s).to_owned()).collect();
    walk(root, &exclude).unwrap().files.iter().map(|f| f.components.join("/")).collect()
}

#[test]
fn files_come_in_byte_order_and_patterns_leave_out() {
    let root = tree("order", &["b", "a/z", "a/b/c", "a.txt", "deep/x/skip.log", "skip.log", ".hidden"]);
    assert_eq!(names(&root, &[]), [".hidden", "a/b/c", "a/z", "a.txt", "b", "deep/x/skip.log", "skip.log"]);
    assert_eq!(names(&root, &["*.log", "a/b"]), [".hidden", "a/z", "a.txt", "b"]);
    assert!(matches!(walk(&root, &["[".into()]), Err(WalkError::Pattern(_))));
    fs::remove_dir_all(root).unwrap();
}

#[cfg(unix)]
#[test]
fn links_and_sockets_are_left_out_and_named() {
    let root = tree("odd", &["real"]);
    std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let listing = walk(&root, &[]).unwrap();
    assert_eq!(listing.files.len(), 1);
    let skipped: Vec<_> =
        listing.skipped.iter().map(|s| (s.path.file_name().unwrap().to_str().unwrap(), &*s.why)).collect();
    assert_eq!(skipped, [("link", "a symbolic link"), ("socket", "neither a file nor a folder")]);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn nothing_to_share_is_said() {
    let root = tree("empty", &[]);
    assert!(matches!(walk(&root, &[]), Err(WalkError::Empty(_, 0))));
    assert!(matches!(walk(&root.join("nope"), &[]), Err(WalkError::Path(..))));
    fs::remove_dir_all(root).unwrap();
}
