//! Torrents that are broken or hostile, by the rows of the project's table of bad input.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::info;
use teem_bencode::Writer;
use teem_metainfo::{Error, Info, Limits, Metainfo, PieceHash, Warning, merkle};

const GOOD: [(&str, &str); 4] = [
    ("length", "i20000e"),
    ("name", "1:n"),
    ("piece length", "i16384e"),
    ("pieces", "40:1234567890123456789012345678901234567890"),
];

/// `GOOD` with some keys replaced, added, or (where the value is empty) left out.
fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    let kept = GOOD.iter().filter(|(key, _)| !changes.iter().any(|(changed, _)| changed == key));
    let all: Vec<_> = kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect();
    info(&all)
}

fn parse(changes: &[(&str, &str)]) -> Result<Info, Error> {
    Info::parse(&with(changes), &Limits::FILE)
}

fn class(changes: &[(&str, &str)]) -> &'static str {
    let error = parse(changes).unwrap_err();
    assert!(error.to_string().len() > 20);
    error.class()
}

fn file(info: &[u8]) -> Vec<u8> {
    [b"d4:info", info, b"e"].concat()
}

#[test]
fn row_01_nested_lists() {
    let mut deep = b"d4:info".to_vec();
    deep.resize(1_000_000, b'l');
    assert_eq!(Metainfo::parse(&deep, &Limits::FILE).unwrap_err().class(), "too_deep");
    assert_eq!(Info::parse(&deep[7..], &Limits::PEER).unwrap_err().class(), "too_deep");
}

#[test]
fn row_02_string_lengths() {
    assert_eq!(Metainfo::parse(b"d4:info99999999999:", &Limits::FILE).unwrap_err().class(), "unexpected_end");
}

#[test]
fn row_03_integers_are_canonical_within_info() {
    assert_eq!(class(&[("private", "i01e")]), "not_canonical");
    assert_eq!(class(&[("private", "i-0e")]), "not_canonical");
    assert_eq!(class(&[("private", "i9223372036854775808e")]), "overflow");
    assert_eq!(class(&[("name", "01:n")]), "not_canonical");
    // Outside nothing depends on them.
    let bytes = [b"d13:creation datei05e4:info".as_slice(), &with(&[]), b"e"].concat();
    assert_eq!(Metainfo::parse(&bytes, &Limits::FILE).unwrap().creation_date, Some(5));
}

#[test]
fn row_04_order_and_duplicates_of_keys() {
    let unsorted = b"d4:name1:n6:lengthi1e12:piece lengthi1e6:pieces20:12345678901234567890e";
    let read = Metainfo::parse(&file(unsorted), &Limits::FILE).unwrap();
    assert_eq!(read.info.raw(), unsorted);
    assert_eq!(read.warnings, [Warning::UnsortedKeys]);
    let twice = b"d6:lengthi1e4:name1:n4:name1:m12:piece lengthi1e6:pieces20:12345678901234567890e";
    assert!(matches!(Info::parse(twice, &Limits::FILE), Err(Error::NotCanonical { at: 21, .. })));
}

#[test]
fn row_05_trailing_bytes() {
    let mut bytes = file(&with(&[]));
    bytes.extend_from_slice(b"\r\n");
    assert_eq!(Metainfo::parse(&bytes, &Limits::FILE).unwrap().warnings, [Warning::TrailingBytes { count: 2 }]);
    let mut info = with(&[]);
    info.push(b'\n');
    assert!(Info::parse(&info, &Limits::PEER).is_err());
}

#[test]
fn row_06_size_of_the_file() {
    assert_eq!(Metainfo::parse(&vec![b'd'; (192 << 20) + 1], &Limits::FILE).unwrap_err().class(), "limit");
    assert_eq!(Info::parse(&vec![b'd'; (16 << 20) + 1], &Limits::PEER).unwrap_err().class(), "limit");
}

#[test]
fn row_07_piece_length() {
    for bad in ["i0e", "i-16384e", "i268435457e", "i4294983680e", "5:16384", ""] {
        assert_eq!(class(&[("piece length", bad)]), "bad_piece_length", "{bad}");
    }
    let odd = parse(&[("piece length", "i10001e")]).unwrap();
    assert_eq!((odd.piece_count(), odd.piece_size(0), odd.piece_size(1)), (2, 10_001, 9_999));
    assert_eq!(parse(&[("piece length", "i1e")]).unwrap_err(), Error::WrongPieceCount { expected: 20_000, found: 2 });
    for bad in ["i8192e", "i16385e", "i24576e"] {
        let tree = "d1:nd0:d6:lengthi1e11:pieces root32:12345678901234567890123456789012eee";
        let changes =
            [("file tree", tree), ("meta version", "i2e"), ("length", ""), ("pieces", ""), ("piece length", bad)];
        assert_eq!(class(&changes), "bad_piece_length", "{bad}");
    }
}

#[test]
fn row_08_piece_hashes() {
    assert_eq!(class(&[("pieces", "3:abc")]), "bad_pieces");
    assert_eq!(class(&[("pieces", "")]), "bad_pieces");
    assert_eq!(class(&[("pieces", "i5e")]), "bad_pieces");
    assert_eq!(class(&[("pieces", "0:")]), "wrong_piece_count");
    assert_eq!(class(&[("pieces", "20:12345678901234567890")]), "wrong_piece_count");
    assert_eq!(class(&[("length", "i100000e")]), "wrong_piece_count");
    assert_eq!(class(&[("length", "i100000000000000e")]), "too_many_pieces");
}

#[test]
fn row_09_lengths() {
    for bad in ["i-1e", "i9223372036854775807e", "i281474976710656e", "1:5"] {
        assert_eq!(class(&[("length", bad)]), "bad_length", "{bad}");
    }
    let half = "d6:lengthi140737488355328e4:pathl1:aee";
    let list = format!("l{half}{half}e");
    assert_eq!(class(&[("length", ""), ("files", &list), ("piece length", "i268435456e")]), "bad_length");
}

#[test]
fn row_10_nothing_to_download() {
    let empty = parse(&[("length", "i0e"), ("pieces", "0:")]).unwrap();
    assert_eq!((empty.piece_count(), empty.files().len(), empty.extents(0, 0, 10).count()), (0, 1, 0));
    let list = "ld6:lengthi0e4:pathl1:aeed6:lengthi0e4:pathl1:beee";
    let empties = parse(&[("length", ""), ("files", list), ("pieces", "0:")]).unwrap();
    assert_eq!((empties.piece_count(), empties.total(), empties.pieces_of_file(1)), (0, 0, 0..0));
    let list = "ld4:attr1:p6:lengthi20000e4:pathl1:aeee";
    let pads = parse(&[("length", ""), ("files", list)]).unwrap();
    assert_eq!((pads.content_size(), pads.total()), (0, 20_000));
    assert!(pads.extents(0, 0, 16_384).all(|extent| extent.pad));
}

#[test]
fn row_11_missing_and_contradicting_keys() {
    assert_eq!(class(&[("length", "")]), "no_files");
    assert_eq!(class(&[("length", ""), ("pieces", "")]), "no_files");
    assert_eq!(class(&[("length", ""), ("files", "le")]), "no_files");
    assert_eq!(class(&[("length", ""), ("files", "de")]), "bad_files");
    assert_eq!(class(&[("length", ""), ("files", "li5ee")]), "bad_path");
    assert_eq!(class(&[("length", ""), ("files", "ld6:lengthi5e4:pathleee")]), "bad_path");
    assert_eq!(class(&[("length", ""), ("files", "ld4:pathl1:aeee")]), "bad_length");
    assert_eq!(class(&[("files", "ld6:lengthi5e4:pathl1:aeee")]), "bad_files");
    for name in ["", "0:", "i1e"] {
        assert_eq!(class(&[("name", name)]), "bad_name");
    }
    assert_eq!(Metainfo::parse(b"de", &Limits::FILE).unwrap_err(), Error::MissingInfo);
    assert_eq!(Metainfo::parse(b"d4:infoi1ee", &Limits::FILE).unwrap_err(), Error::MissingInfo);
    assert_eq!(Metainfo::parse(b"le", &Limits::FILE).unwrap_err(), Error::NotADict);
    assert_eq!(Info::parse(b"le", &Limits::FILE).unwrap_err(), Error::NotADict);
}

#[test]
fn row_14_deep_and_long_paths() {
    let of =
        |parts: usize, size: usize| Info::parse(&common::of_paths(&[vec![vec![b'a'; size]; parts]]), &Limits::FILE);
    assert_eq!(of(5_000, 1).unwrap_err(), Error::PathTooDeep { file: 0, limit: 100 });
    assert!(of(100, 1).is_ok());
    assert_eq!(of(1, 10_000).unwrap().files().get(0).unwrap().path().len(), 255);
    assert_eq!(of(20, 255).unwrap_err(), Error::BadPath { file: 0 });
}

#[test]
fn row_18_symlinks_are_recorded_only() {
    for target in ["l3:etc6:passwde", "l2:..1:xe", "l1:ae", "0:", ""] {
        let key = if target.is_empty() { String::new() } else { format!("12:symlink path{target}") };
        let list = format!("ld6:lengthi20000e4:pathl1:beed4:attr1:l6:lengthi7e4:pathl1:ae{key}ee");
        let info = parse(&[("length", ""), ("files", &list)]).unwrap();
        let link = info.files().get(1).unwrap();
        assert_eq!((link.length, info.total(), info.pieces_of_file(1)), (0, 20_000, 0..0));
        assert!(link.symlink().unwrap().iter().all(|part| part != ".."));
    }
}

/// A version 2 torrent of one file of 40,000 bytes: info keys and piece layers.
fn v2(tree: &str, layers: &[u8]) -> Result<Metainfo, Error> {
    let tree = format!("d1:nd0:{tree}ee");
    let info = with(&[("file tree", &tree), ("meta version", "i2e"), ("length", ""), ("pieces", "")]);
    Metainfo::parse(&[b"d4:info", &info[..], b"12:piece layers", layers, b"e"].concat(), &Limits::FILE)
}

fn sized(length: u32, root: &str) -> String {
    format!("d6:lengthi{length}e11:pieces root{}:{root}e", root.len())
}

#[test]
fn row_22_file_trees_and_piece_layers() {
    // ASCII nodes of three pieces, and their root as text is binary: so the tree is built by hand.
    let nodes = [[b'a'; 32], [b'b'; 32], [b'c'; 32]];
    let root = merkle::root(nodes.to_vec(), [0; 32]).unwrap();
    let build = |root: &[u8], layer: &[u8]| {
        let mut w = Writer::new();
        w.dict(|d| {
            d.key(b"info").dict(|d| {
                d.key(b"file tree").dict(|d| {
                    d.key(b"n").dict(|d| {
                        d.key(b"").dict(|d| {
                            d.key(b"length").int(40_000);
                            d.key(b"pieces root").bytes(root);
                        });
                    });
                });
                d.key(b"meta version").int(2);
                d.key(b"name").bytes(b"n");
                d.key(b"piece length").int(16_384);
            });
            d.key(b"piece layers").dict(|d| d.key(root).bytes(layer));
        });
        Metainfo::parse(&w.into_bytes(), &Limits::FILE).map_err(|error| error.class())
    };
    let good = build(&root, nodes.as_flattened()).unwrap();
    assert_eq!((good.info.is_single_file(), good.info.piece_count(), good.info.layers().len()), (true, 3, 1));
    let node = |piece: usize, len| PieceHash::Merkle(merkle::Subtree::of_piece(nodes[piece], len, 16_384));
    assert_eq!(good.info.key().v1(), None);
    assert_eq!((good.info.piece_hash(1), good.info.piece_hash(2)), (Some(node(1, 16_384)), Some(node(2, 7_232))));
    assert_eq!(good.info.piece_hash(3), None);
    let alone = Info::parse(good.info.raw(), &Limits::PEER).unwrap();
    assert_eq!(alone.piece_hash(1), None, "the layer stands beside the info dictionary");
    assert_eq!(build(&[7; 32], nodes.as_flattened()).unwrap_err(), "bad_piece_layer");
    assert_eq!(build(&root, &nodes.as_flattened()[..64]).unwrap_err(), "bad_piece_layer");
    assert_eq!(build(&root, &nodes.as_flattened()[..95]).unwrap_err(), "bad_piece_layer");
    assert_eq!(build(&root[..31], nodes.as_flattened()).unwrap_err(), "missing_pieces_root");

    let root = "12345678901234567890123456789012";
    assert!(v2(&sized(16_384, root), b"de").is_ok(), "a file of one piece needs no layer");
    assert_eq!(v2(&sized(16_385, root), b"de").unwrap_err(), Error::BadPieceLayer { file: 0 });
    assert_eq!(v2(&sized(16_385, root), b"i5e").unwrap_err().class(), "bad_piece_layer");
    assert_eq!(v2("d6:lengthi5ee", b"de").unwrap_err(), Error::MissingPiecesRoot { file: 0 });
    assert_eq!(v2("i5e", b"de").unwrap_err(), Error::BadFiles);
    assert_eq!(v2("d4:attr1:p6:lengthi5ee", b"de").unwrap_err(), Error::BadPadFile { file: 0 });
    let only = |changes: &[(&str, &str)]| class(&[&[("length", ""), ("pieces", "")], changes].concat());
    assert_eq!(only(&[("meta version", "i2e")]), "no_file_tree");
    assert_eq!(only(&[("meta version", "i3e")]), "bad_meta_version");
    assert_eq!(only(&[("file tree", "de")]), "no_meta_version");
    assert_eq!(only(&[("meta version", "i2e"), ("file tree", "de")]), "no_files");
    assert_eq!(only(&[("meta version", "i2e"), ("file tree", "d1:nlee")]), "bad_files");
    assert_eq!(only(&[("meta version", "i2e"), ("file tree", "d0:d6:lengthi0eee")]), "bad_files");
}

#[test]
fn row_23_halves_of_a_hybrid_that_differ() {
    let hybrid = |files: &str, tree: &str| {
        let root = "11:pieces root32:12345678901234567890123456789012";
        let tree = tree.replace('R', root);
        let changes = [("length", ""), ("files", files), ("file tree", &tree), ("meta version", "i2e")];
        parse(&changes).map_err(|error| error.class())
    };
    let files = "ld6:lengthi10e4:pathl1:aeed4:attr1:p6:lengthi16374e4:pathl4:.pad1:1eed6:lengthi9e4:pathl1:beee";
    let good = hybrid(files, "d1:ad0:d6:lengthi10eRee1:bd0:d6:lengthi9eReee").unwrap();
    assert!(good.key().v2().is_some());
    assert_eq!(good.key().wire(), good.key().v1().unwrap());
    let last = good.files().get(2).unwrap();
    assert!(last.pieces_root().is_some() && last.offset == 16_384);
    for tree in [
        "d1:ad0:d6:lengthi10eRee1:bd0:d6:lengthi8eReee",
        "d1:ad0:d6:lengthi10eRee1:cd0:d6:lengthi9eReee",
        "d1:ad0:d6:lengthi10eReee",
        "d1:ad0:d6:lengthi10eRee1:bd0:d6:lengthi9eRee1:cd0:d6:lengthi9eReee",
    ] {
        assert_eq!(hybrid(files, tree).unwrap_err(), "v1_v2_mismatch", "{tree}");
    }
    let unaligned = "ld6:lengthi16385e4:pathl1:aeed6:lengthi9e4:pathl1:beee";
    assert_eq!(hybrid(unaligned, "d1:ad0:d6:lengthi16385eRee1:bd0:d6:lengthi9eReee").unwrap_err(), "bad_pad_file");
}

#[test]
fn row_62_schemes_in_a_file() {
    let bytes = [
        b"d8:announce11:file:///etc13:announce-listll11:file:///etc12:http://t/ann18:gopher://tracker/ae".as_slice(),
        b"e4:info",
        &with(&[]),
        b"8:url-listl11:file:///etc9:http://w/e",
        b"e",
    ];
    let read = Metainfo::parse(&bytes.concat(), &Limits::FILE).unwrap();
    assert_eq!((read.trackers, read.web_seeds), (vec![vec!["http://t/ann".into()]], vec!["http://w/".into()]));
    assert_eq!(read.warnings.len(), 3);
}
