//! What `share` remembers of a path (own design): digests of pieces, so that nothing is hashed twice, and the port that
//! links hold. Kept in the state folder, never beside the content; a damaged file means hashing again, nothing worse.
use super::found::FoundFiles;
use crate::store;
use std::io;
use std::path::{Path, PathBuf};
use teem_bencode::{Limits, Writer, parse};
use teem_metainfo::InfoHash;

/// Bytes of a digest; one of zeros stands for a piece that has not been hashed.
const DIGEST: usize = 20;

/// What is remembered of one path and one way to make a torrent of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// Over names, sizes and times of all files: digests hold only while it is the same.
    pub(crate) fingerprint: Vec<u8>,
    /// The digest of each piece, or `None` while it is missing.
    pub pieces: Vec<Option<[u8; DIGEST]>>,
    /// TCP and UDP port that the links hold; 0 when none was had yet.
    pub port: u16,
    /// When the torrent was first made, seconds since 1970; it stands in the .torrent, which should stay the same.
    pub(crate) made_at: i64,
}

/// The file that holds the memory of a path; `recipe` is everything besides the content that shapes the info dictionary.
pub fn file(state_dir: &Path, root: &Path, recipe: &[u8]) -> PathBuf {
    let mut key = root.as_os_str().as_encoded_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(recipe);
    state_dir.join("share").join(format!("{}.memory", InfoHash::of(&key)))
}

/// How many paths are remembered, and the bytes that takes.
pub fn remembered(state_dir: &Path) -> (usize, u64) {
    let entries = std::fs::read_dir(state_dir.join("share")).into_iter().flatten().filter_map(Result::ok);
    let memories = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "memory"));
    memories.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.metadata().map_or(0, |m| m.len())))
}

/// A digest over what tells that files are the same as before.
pub(crate) fn fingerprint(files: &FoundFiles) -> Vec<u8> {
    let all = files.iter().map(|file| {
        let mut all = Vec::new();
        for name in file.names() {
            all.extend_from_slice(name);
            all.push(b'/');
        }
        all.extend_from_slice(&file.length().to_be_bytes());
        all.extend_from_slice(&u128::try_from(file.modified_ns()).unwrap_or(0).to_be_bytes());
        all.extend_from_slice(&file.identity());
        all
    });
    InfoHash::of_parts(all).0.to_vec()
}

impl Memory {
    /// Reads it; anything damaged counts as nothing remembered.
    pub fn load(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|bytes| Self::decode(&bytes)).unwrap_or_default()
    }

    /// Writes the memory to a file, whose folders are made.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            store::private_dir(folder)?;
        }
        let body = self.encode();
        let mut file = InfoHash::of(&body).0.to_vec();
        file.extend_from_slice(&body);
        store::write_whole(path, &file, store::Readers::Owner)
    }

    fn encode(&self) -> Vec<u8> {
        let pieces: Vec<u8> = self.pieces.iter().flat_map(|p| p.unwrap_or_default()).collect();
        let mut w = Writer::new();
        w.dict(|d| {
            d.key(b"fingerprint").bytes(&self.fingerprint);
            d.key(b"made at").int(self.made_at);
            d.key(b"pieces").bytes(&pieces);
            d.key(b"port").int(i64::from(self.port));
        });
        w.into_bytes()
    }

    fn decode(file: &[u8]) -> Option<Self> {
        let (check, body) = file.split_at_checked(DIGEST)?;
        if InfoHash::of(body).0 != check {
            return None;
        }
        let document = parse(body, &Limits::METAINFO).ok()?;
        let root = document.root();
        let port = |key: &[u8]| root.get(key).and_then(|v| v.as_int()).and_then(|n| u16::try_from(n).ok());
        let (digests, rest) = root.get(b"pieces")?.as_bytes()?.as_chunks::<DIGEST>();
        rest.is_empty().then_some(())?;
        Some(Self {
            fingerprint: root.get(b"fingerprint")?.as_bytes()?.to_vec(),
            pieces: digests.iter().map(|d| (*d != [0; DIGEST]).then_some(*d)).collect(),
            port: port(b"port")?,
            made_at: root.get(b"made at")?.as_int()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_67_a_damaged_memory_is_no_memory() {
        let memory =
            Memory { fingerprint: vec![7; 20], pieces: vec![Some([1; 20]), None, Some([3; 20])], port: 1, made_at: 3 };
        let path =
            std::env::temp_dir().join(format!("teem-memory-{}", std::process::id())).join("share").join("x.memory");
        memory.save(&path).unwrap();
        let state_dir = path.parent().and_then(Path::parent).unwrap();
        assert_eq!(remembered(state_dir), (1, std::fs::metadata(&path).unwrap().len()));
        assert_eq!(remembered(Path::new("/nonexistent")), (0, 0));
        assert_eq!(Memory::load(&path), memory);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(Memory::load(&path), Memory::default(), "cut at {at}");
            let mut flipped = good.clone();
            flipped[at] ^= 4;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(Memory::load(&path), Memory::default(), "flipped at {at}");
        }
        std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    }
}
