//! Torrents of version 2 alone (BEP 52): pieces are held against the trees of their files, in memory, spilled and on the disk.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod rig;
use rig::*;
use std::sync::Arc;
use teem_disk::{DiskConfig, Place};
use teem_metainfo::{BLOCK_LEN, Limits, Metainfo, Version, merkle};
use teem_swarm::job::{Done, Facts, Job, Verdict};
use teem_wire::peer::block::BlockRef;

/// A torrent of these files, named in ascending order, with its piece layers.
fn make_v2(piece_length: usize, files: &[(&str, usize)]) -> Made {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    let (mut tree, mut layers) = (Vec::new(), Vec::new());
    for &(path, len) in files {
        let content = noise(len as u64, len);
        let leaves: Vec<_> = content.chunks(BLOCK_LEN as usize).map(merkle::leaf).collect();
        let of_piece = |leaves: &[_]| merkle::piece(leaves, piece_length as u32, len as u64).unwrap();
        let nodes: Vec<_> = leaves.chunks(piece_length / BLOCK_LEN as usize).map(of_piece).collect();
        let pad = merkle::padding((piece_length / BLOCK_LEN as usize).trailing_zeros());
        let root = merkle::root(nodes.clone(), pad).unwrap();
        if nodes.len() > 1 {
            layers.push((root, nodes.concat()));
        }
        tree.extend(format!("{}:{path}d0:d6:lengthi{len}e11:pieces root32:", path.len()).bytes());
        tree.extend(root);
        tree.extend(b"ee");
        list.push((path.to_owned(), bytes.len(), len));
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(piece_length), 0);
    }
    layers.sort();
    let mut raw = b"d4:infod9:file treed".to_vec();
    raw.extend(tree);
    raw.extend(format!("e12:meta versioni2e4:name1:t12:piece lengthi{piece_length}ee12:piece layersd").bytes());
    for (root, layer) in layers {
        raw.extend(b"32:");
        raw.extend(root);
        raw.extend(format!("{}:", layer.len()).bytes());
        raw.extend(layer);
    }
    raw.extend(b"ee");
    let info = Metainfo::parse(&raw, &Limits::FILE).unwrap().info;
    assert_eq!((info.version(), info.total()), (Version::V2, bytes.len() as u64));
    Made { bytes, files: list, info: Arc::clone(&info) }
}

/// Files of several pieces, of less than a piece, and of less than a block.
fn mixed() -> Made {
    make_v2(32_768, &[("a", 5 * 16_384 + 17), ("b", 20_000), ("c", 5)])
}

#[test]
fn pieces_are_downloaded_and_checked_against_their_trees() {
    let dir = Scratch::new("trees");
    let made = mixed();
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, 0..made.pieces());
    made.assert_whole(&dir.0);
    rig.close(Facts::default());
    // Nothing vouches for the files in another state folder: they are hashed.
    let place = Place::download(&dir.0, dir.join("other"));
    assert_eq!(rig.open_checked(&made, place.clone()), [0, 1, 2, 3, 4]);
    for (file, len, piece) in [("a", 32_768 + 9, 1), ("b", 20_000, 3), ("c", 5, 4)] {
        let path = made.path(&dir.0, file);
        let mut damaged = std::fs::read(&path).unwrap();
        damaged[len - 1] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(rig.check(&[piece]), [0; 0], "{file}");
    }
    assert_eq!(rig.check(&[0, 1, 2, 3, 4]), [0, 2]);
}

#[test]
fn a_wrong_block_makes_the_piece_wrong() {
    let dir = Scratch::new("trees-wrong");
    let made = mixed();
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    for piece in 0..made.pieces() {
        for at in made.blocks(piece) {
            let mut data = made.data(at).to_vec();
            data[4] ^= u8::from(at.begin == 0);
            rig.block(at, &data);
        }
        let verdict = rig.wait(|done| match done {
            Done::Piece { piece: told, verdict, .. } if *told == piece => Some(verdict.clone()),
            _ => None,
        });
        assert_eq!(verdict, Verdict::Wrong { bad_blocks: vec![0, 1] }, "{piece}");
    }
    rig.download(&made, 0..made.pieces());
    made.assert_whole(&dir.0);
}

#[test]
fn spilled_pieces_are_read_back_into_their_trees() {
    let dir = Scratch::new("trees-spill");
    let made = make_v2(1 << 20, &[("f", (3 << 20) + 777)]);
    // 64 buffers: 48 for downloads, while one piece has 64 blocks.
    let mut rig = Rig::start(&DiskConfig { pool_bytes: 1 << 20, ..DiskConfig::default() });
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    let mut blocks: Vec<BlockRef> = (0..made.pieces()).flat_map(|p| made.blocks(p)).collect();
    blocks.sort_by_key(|at| (at.begin / 65_536, at.piece));
    for at in blocks {
        rig.block(at, made.data(at));
    }
    for piece in 0..made.pieces() {
        assert!(rig.piece(piece));
    }
    made.assert_whole(&dir.0);
}

#[test]
fn a_piece_whose_layer_is_not_known_is_never_right() {
    let dir = Scratch::new("trees-unknown");
    let made = mixed();
    // As a magnet link would bring it: the info dictionary alone.
    let info = Arc::new(teem_metainfo::Info::parse(made.info.raw(), &Limits::PEER).unwrap());
    let alone = Made { info, bytes: made.bytes, files: made.files };
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&alone, Place::download(&dir.0, dir.join("state")));
    rig.write(&alone, 0);
    assert!(!rig.piece(0));
    // A file of one piece needs no layer.
    rig.download(&alone, 3..5);
    rig.submit([Job::Check { torrent: T, pieces: vec![1] }]);
    assert!(!rig.wait(|done| if let Done::Checked { piece: 1, ok, .. } = done { Some(*ok) } else { None }));
}
