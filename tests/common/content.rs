//! Content to move: a single file or a tree with empty files and odd names, made from a seed; and its digests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One file.
    Single,
    /// Folders, empty files, names that need care; every one is legal on every system, so no client may change it.
    Tree,
}

/// Files of a tree: path, and its part of all bytes in hundredths.
const TREE: [(&str, u64); 9] = [
    ("a plain name.bin", 31),
    ("empty", 0),
    (".hidden", 1),
    ("deep/er/and/deeper still/file", 20),
    ("deep/empty too.txt", 0),
    ("Übergröße – ñandú 日本語 🎈.dat", 17),
    ("it's 100% & (odd) [name] #1 + ~.bin", 13),
    ("deep/one byte", 0),
    ("z", 18),
];

/// Writes content of `size` bytes (a few more for a tree) to `folder`/`name`.
pub fn write(folder: &Path, name: &str, shape: Shape, size: u64) {
    let mut random = Random(size ^ 0x9e37_79b9_7f4a_7c15);
    let root = folder.join(name);
    match shape {
        Shape::Single => put(&root, size, &mut random),
        Shape::Tree => {
            for (path, part) in TREE {
                let odd = if part > 0 { 7 + part } else { u64::from(path.ends_with("one byte")) };
                put(&root.join(path), size * part / 100 + odd, &mut random);
            }
        }
    }
}

fn put(path: &Path, size: u64, random: &mut Random) {
    let mut bytes = vec![0; size as usize];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
    }
    fs::create_dir_all(path.parent().expect("below a folder")).expect("the folder is writable");
    fs::write(path, bytes).expect("the folder is writable");
}

/// xorshift64: bytes that compress badly and are the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// All files below `root` (or `root` itself, under the empty path), sorted, each with the SHA-256 of its bytes.
pub fn digests(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for path in files(root) {
        let bytes = fs::read(below(root, &path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        found.insert(path, hex(&Sha256::digest(&bytes)));
    }
    found
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `root`/`path`, for the empty path `root` itself, without the slash that `join` would put behind it.
pub fn below(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_path_buf() } else { root.join(path) }
}

/// All files below `root` relative to it, in the order of their names; the empty path when `root` is itself a file.
pub fn files(root: &Path) -> Vec<PathBuf> {
    if root.is_file() {
        return vec![PathBuf::new()];
    }
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Panics when the two differ in a name or in a byte.
#[track_caller]
pub fn assert_same(wanted: &Path, got: &Path) {
    compare(&digests(wanted), &digests(got));
}

/// Same, for a client that makes no empty files (Transmission).
#[track_caller]
pub fn assert_same_but_empty(wanted: &Path, got: &Path) {
    let mut filled = digests(wanted);
    filled
        .retain(|path, _| below(wanted, path).metadata().is_ok_and(|data| data.len() > 0) || below(got, path).exists());
    compare(&filled, &digests(got));
}

#[track_caller]
fn compare(wanted: &BTreeMap<PathBuf, String>, got: &BTreeMap<PathBuf, String>) {
    assert!(!wanted.is_empty(), "nothing to compare with");
    for (path, digest) in wanted {
        match got.get(path) {
            Some(other) => assert!(other == digest, "{}: other bytes arrived", path.display()),
            None => panic!("{}: did not arrive; {:?} did", path.display(), got.keys()),
        }
    }
    assert_eq!(got.len(), wanted.len(), "more arrived than was sent: {:?}", got.keys());
}
