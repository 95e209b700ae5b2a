//! Content to move: a single file or a tree with empty files and odd names, made from a seed; and its digests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The content is a file alone, in no folder.
    Single,
    /// Folders, empty files, names that need care; every one is legal on every system, so no client may change it.
    Tree,
    /// Names that are legal here and not everywhere, so that a client may write others.
    Odd,
    /// So many small files in folders of a hundred.
    Many(usize),
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

/// Names of [`Shape::Odd`]: reserved, of the greatest length, different in case or in normal form alone, or with characters
/// that some system forbids or some program takes for its own. Not among them, because a client refuses the whole torrent:
/// a backslash (rqbit), nothing but dots (Transmission).
const ODD: [&str; 17] = [
    "CON",
    "aux.txt",
    "trailing dot.",
    "trailing space ",
    " leading space",
    "colon: question? star* quote\" less< more> pipe|",
    "Case/file",
    "case/File",
    "caf\u{e9}",
    "cafe\u{301}",
    "-rf",
    "~",
    "$(true) `true` %00 %2e%2e",
    "right\u{202e}to left",
    "\u{feff}bom",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "long 日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日.b",
];

/// Writes content of about `size` bytes to `folder`/`name`; how large many files are follows from their number alone.
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
        Shape::Odd => {
            for (i, path) in ODD.iter().enumerate() {
                put(&root.join(path), size / ODD.len() as u64 + 1 + i as u64, &mut random);
            }
        }
        Shape::Many(count) => {
            for i in 0..count {
                put(&root.join(format!("{:03}/{i:05}", i / 100)), 1 + i as u64 % 997, &mut random);
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

/// Same, for names that a client may have changed: only what is in the files counts.
#[track_caller]
pub fn assert_same_bytes(wanted: &Path, got: &Path) {
    let by_digest = |root: &Path| digests(root).into_iter().map(|(path, digest)| (digest, path)).collect();
    let (wanted, got): (BTreeMap<String, PathBuf>, BTreeMap<String, PathBuf>) = (by_digest(wanted), by_digest(got));
    let missing: Vec<_> =
        wanted.iter().filter(|(digest, _)| !got.contains_key(*digest)).map(|(_, path)| path).collect();
    assert!(missing.is_empty(), "did not arrive: {missing:?}; {:?} did", got.values());
    assert_eq!(got.len(), wanted.len(), "more arrived than was sent: {:?}", got.values());
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
