//! The validator of .torrent files: never panics, and what it lets through keeps its promises.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use teem_metainfo::{Limits, Metainfo};

fuzz_target!(|bytes: &[u8]| {
    let Ok(metainfo) = Metainfo::parse(bytes, &Limits::FILE) else { return };
    let info = &metainfo.info;
    let mut paths = BTreeSet::new();
    for file in info.files().iter().filter(|file| !file.pad) {
        let path: Vec<&str> = info.full_path(&file).collect();
        assert!(!path.is_empty());
        for part in &path {
            assert!(!part.is_empty() && *part != "." && *part != ".." && !part.contains(['/', '\\', '\0']));
        }
        assert!(paths.insert(path.join("/").to_lowercase()), "two files of one name");
    }
    let mut sum = 0u64;
    for piece in 0..info.piece_count().min(4096) {
        let size = info.piece_size(piece);
        let extents: u64 = info.extents(piece, 0, size).map(|extent| u64::from(extent.len)).sum();
        assert_eq!(extents, u64::from(size));
        sum += u64::from(size);
    }
    if info.piece_count() <= 4096 {
        assert_eq!(sum, info.total());
    }
});
