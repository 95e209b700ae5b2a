//! The arithmetic of pieces and files, and Merkle trees, against naive models.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use proptest::prelude::*;
use teem_metainfo::{BLOCK_LEN, Layout, merkle};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn extents_are_those_of_a_table_of_bytes(
        files in prop::collection::vec((prop_oneof![Just(0_u64), 0_u64..40], any::<bool>()), 0..12),
        piece_length in 1_u32..32,
        begin in 0_u32..40,
        len in 0_u32..40,
    ) {
        let layout = Layout::new(piece_length, files.iter().copied());
        // For each byte of the piece space: its file and the offset there.
        let table: Vec<(usize, u64)> =
            files.iter().enumerate().flat_map(|(file, &(length, _))| (0..length).map(move |at| (file, at))).collect();
        prop_assert_eq!(layout.total(), table.len() as u64);
        prop_assert_eq!(layout.piece_count() as usize, table.len().div_ceil(piece_length as usize));
        let sizes: u64 = (0..layout.piece_count() + 2).map(|piece| u64::from(layout.piece_size(piece))).sum();
        prop_assert_eq!(sizes, layout.total());
        for piece in 0..layout.piece_count() + 2 {
            let start = piece as usize * piece_length as usize + begin as usize;
            let expected: Vec<_> = table.iter().skip(start).take(len as usize).copied().collect();
            let mut found = Vec::new();
            for extent in layout.extents(piece, begin, len) {
                prop_assert!(extent.len > 0 && extent.pad == files[extent.file].1);
                found.extend((0..u64::from(extent.len)).map(|at| (extent.file, extent.offset + at)));
            }
            prop_assert_eq!(found, expected);
        }
        for file in 0..=files.len() {
            let pieces: Vec<u32> = (0..layout.piece_count())
                .filter(|&piece| layout.extents(piece, 0, piece_length).any(|extent| extent.file == file))
                .collect();
            prop_assert_eq!(layout.pieces_of_file(file).collect::<Vec<_>>(), pieces);
        }
    }

    #[test]
    fn piece_layers_lead_to_the_root(blocks in 1_usize..40, levels in 0_u32..4) {
        let leaves: Vec<_> = (0..blocks).map(|block| merkle::leaf(&[block as u8; 9])).collect();
        let mut padded = leaves.clone();
        padded.resize(blocks.next_power_of_two(), [0; 32]);
        while padded.len() > 1 {
            padded = padded.chunks(2).map(|pair| merkle::parent(&pair[0], &pair[1])).collect();
        }
        prop_assert_eq!(merkle::root(leaves.clone(), [0; 32]), Some(padded[0]));

        let piece_length = BLOCK_LEN << levels;
        let length = blocks as u64 * u64::from(BLOCK_LEN) - 7;
        let pieces: Vec<_> =
            leaves.chunks(1 << levels).map(|leaves| merkle::piece(leaves, piece_length, length).unwrap()).collect();
        if pieces.len() == 1 {
            prop_assert_eq!(pieces[0], padded[0]);
        } else {
            let layer = pieces.as_flattened();
            prop_assert!(merkle::layer_is_valid(layer, length, piece_length, &padded[0]));
            prop_assert!(!merkle::layer_is_valid(&layer[32..], length, piece_length, &padded[0]));
            prop_assert!(!merkle::layer_is_valid(layer, length, piece_length, &[1; 32]));
        }
    }
}
