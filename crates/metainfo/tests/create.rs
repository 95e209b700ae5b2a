//! What is created is what is read, and always the same bytes.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use teem_metainfo::create::{CreateError, Options, Plan, Source, piece_length_for, torrent};
use teem_metainfo::{Info, Limits, Metainfo, PieceHash, Version};

fn source(path: &str, length: u64) -> Source {
    let path = path.split('/').filter(|part| !part.is_empty()).map(|part| part.as_bytes().to_vec()).collect();
    Source { path, length, executable: false }
}

fn options() -> Options {
    Options { name: b"n".to_vec(), ..Options::default() }
}

#[test]
fn the_piece_length_follows_the_size() {
    const KIB: u64 = 1 << 10;
    for (total, expected) in [
        (0, 16 * KIB),
        (4_000 * 16 * KIB, 16 * KIB),
        (4_000 * 16 * KIB + 1, 32 * KIB),
        (1 << 30, 512 * KIB),
        (1 << 40, 16 << 20),
    ] {
        assert_eq!(u64::from(piece_length_for(total)), expected, "{total}");
    }
}

#[test]
fn a_single_file() {
    let options = Options {
        private: true,
        source: Some("tag".into()),
        comment: Some("words".into()),
        created_by: Some("me".into()),
        creation_date: Some(5),
        trackers: vec![vec!["http://a/".into(), "udp://b:1/".into()], vec!["http://c/".into()]],
        web_seeds: vec!["http://w/".into()],
        ..options()
    };
    let plan = Plan::new(vec![source("", 20_000)], &options, &Limits::FILE).unwrap();
    assert_eq!(plan.layout().piece_count(), 2);
    let info = plan.info(&[[1; 20], [2; 20]], &options).unwrap();
    let bytes = torrent(&info, &options);
    assert!(teem_bencode::parse(&bytes, &Limits::FILE.bencode).unwrap().root().is_canonical());
    let read = Metainfo::parse(&bytes, &Limits::FILE).unwrap();
    assert_eq!(read.info.raw(), info);
    assert_eq!(read.info.key(), Info::parse(&info, &Limits::PEER).unwrap().key());
    assert_eq!((read.info.version(), read.info.is_single_file(), read.info.is_private()), (Version::V1, true, true));
    assert_eq!((read.info.source(), read.info.piece_hash(1)), (Some("tag"), Some(PieceHash::Sha1([2; 20]))));
    assert_eq!((read.info.piece_size(1), read.info.piece_hash(2)), (3_616, None));
    assert_eq!((read.trackers, read.web_seeds), (options.trackers, options.web_seeds));
    assert_eq!((read.comment, read.created_by, read.creation_date), (options.comment, options.created_by, Some(5)));
    assert!(read.warnings.is_empty());
}

#[test]
fn a_folder_is_sorted() {
    let mut script = source("bin/run", 1);
    script.executable = true;
    let plan = Plan::new(vec![source("z", 3), script, source("a", 0)], &options(), &Limits::FILE).unwrap();
    let info = Info::parse(&plan.info(&[[0; 20]], &options()).unwrap(), &Limits::FILE).unwrap();
    let files: Vec<_> = info.files().iter().map(|f| (f.path(), f.offset, f.length, f.executable)).collect();
    assert_eq!(files, [("a".into(), 0, 0, false), ("bin/run".into(), 0, 1, true), ("z".into(), 1, 3, false)]);
    let empty = Plan::new(vec![source("e", 0)], &options(), &Limits::FILE).unwrap();
    assert!(Info::parse(&empty.info(&[], &options()).unwrap(), &Limits::FILE).is_ok());
}

#[test]
fn what_cannot_be_created() {
    let new = |files: Vec<Source>, options: &Options| Plan::new(files, options, &Limits::FILE).map(|_| ()).unwrap_err();
    assert_eq!(new(vec![], &options()), CreateError::NoFiles);
    assert_eq!(new(vec![source("", 1)], &Options::default()), CreateError::NoName);
    for value in [0, 8 << 10, 24 << 10, 32 << 20] {
        let options = Options { piece_length: Some(value), ..options() };
        assert_eq!(new(vec![source("", 1)], &options), CreateError::BadPieceLength { value });
    }
    assert!(matches!(new(vec![source("a", 1), source("a", 1)], &options()), CreateError::BadPath { .. }));
    assert!(matches!(new(vec![source("a", 1), source("", 1)], &options()), CreateError::BadPath { .. }));
    assert!(matches!(new(vec![source("", 1 << 48)], &options()), CreateError::TooLarge { .. }));
    let small = Options { piece_length: Some(16 << 10), ..options() };
    assert!(matches!(new(vec![source("", 1 << 40)], &small), CreateError::TooLarge { pieces: 67_108_864 }));
    let plan = Plan::new(vec![source("", 1)], &options(), &Limits::FILE).unwrap();
    assert_eq!(plan.info(&[], &options()), Err(CreateError::WrongPieceCount { expected: 1, found: 0 }));
}
