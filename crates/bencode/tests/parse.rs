//! What the parser reads, records and refuses.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use proptest::prelude::*;
use teem_bencode::{Error, Kind, Limits, Value, ViolationKind, Writer, parse, parse_prefix};

const SMALL: Limits = Limits { bytes: 100_000_000, depth: 4, tokens: 10 };

fn error(input: &[u8]) -> Error {
    parse(input, &Limits::METAINFO).unwrap_err()
}

#[test]
fn values_keep_their_bytes() {
    let input = b"d1:ai-5e1:bl3:abc0:e1:cd1:x1:yee";
    let document = parse(input, &Limits::METAINFO).unwrap();
    let root = document.root();
    assert_eq!(root.get(b"a").unwrap().as_int(), Some(-5));
    assert_eq!(root.get(b"a").unwrap().as_uint(), None);
    let list: Vec<_> = root.get(b"b").unwrap().list().unwrap().map(|v| v.as_bytes().unwrap()).collect();
    assert_eq!(list, [&b"abc"[..], b""]);
    let inner = root.get(b"c").unwrap();
    assert_eq!((inner.raw(), inner.span()), (&b"d1:x1:ye"[..], 23..31));
    assert_eq!(root.dict().unwrap().count(), 3);
    assert!(root.is_canonical() && root.get(b"z").is_none() && root.list().is_none());
}

#[test]
fn row_01_deep_nesting_is_refused_without_recursion() {
    for byte in *b"ld" {
        let mut input = Vec::new();
        for _ in 0..1_000_000 {
            input.push(byte);
            if byte == b'd' {
                input.extend_from_slice(b"0:");
            }
        }
        for limits in [Limits::METAINFO, Limits { bytes: usize::MAX, ..Limits::TRACKER }] {
            let at = limits.depth as usize * if byte == b'd' { 3 } else { 1 };
            assert_eq!(parse(&input, &limits).unwrap_err(), Error::TooDeep { at, limit: limits.depth });
        }
    }
    assert!(parse(b"llllee", &SMALL).is_err() && parse(b"lllleeee", &SMALL).is_ok());
}

#[test]
fn row_02_string_lengths_beyond_the_input() {
    assert_eq!(error(b"99999999999:"), Error::UnexpectedEnd { at: 12 });
    assert_eq!(error(b"18446744073709551616:a"), Error::UnexpectedEnd { at: 22 });
    assert_eq!(error(b"999999999999999999999:a"), Error::BadStringLength { at: 0 });
    assert_eq!(error(b"3-abc"), Error::BadStringLength { at: 0 });
    assert_eq!(error(b"3"), Error::UnexpectedEnd { at: 1 });
}

#[test]
fn row_03_integers() {
    for input in [&b"i-0e"[..], b"i01e", b"i-03e", b"i00e"] {
        let document = parse(input, &Limits::METAINFO).unwrap();
        assert_eq!(document.root().first_violation().unwrap().kind, ViolationKind::IntLeadingZero);
    }
    assert_eq!(error(b"i9223372036854775808e"), Error::Overflow { at: 0 });
    assert_eq!(error(b"i-9223372036854775809e"), Error::Overflow { at: 0 });
    assert_eq!(error(b"i1"), Error::UnexpectedEnd { at: 2 });
    assert_eq!(error(b"ie"), Error::BadDigit { at: 1 });
    assert_eq!(error(b"i-e"), Error::BadDigit { at: 2 });
    assert_eq!(parse(b"i-9223372036854775808e", &SMALL).unwrap().root().as_int(), Some(i64::MIN));
}

#[test]
fn row_04_order_and_duplicates_of_keys() {
    let violations = |input: &[u8]| -> Vec<_> {
        parse(input, &Limits::METAINFO).unwrap().root().violations().map(|v| (v.at, v.kind)).collect()
    };
    assert_eq!(violations(b"d1:bi1e1:ai2ee"), [(7, ViolationKind::UnsortedKey)]);
    assert_eq!(violations(b"d1:ai1e1:ai2ee"), [(7, ViolationKind::DuplicateKey)]);
    let apart = violations(b"d1:bi1e1:ai2e1:bi3ee");
    assert!(apart.contains(&(13, ViolationKind::DuplicateKey)), "{apart:?}");
    let document = parse(b"d1:ad1:y0:1:x0:e1:bdee", &Limits::METAINFO).unwrap();
    assert!(!document.root().get(b"a").unwrap().is_canonical() && document.root().get(b"b").unwrap().is_canonical());
}

#[test]
fn row_05_trailing_bytes() {
    assert_eq!(error(b"de\r\n"), Error::Trailing { at: 2 });
    let (document, consumed) = parse_prefix(b"de\r\n", &Limits::METAINFO).unwrap();
    assert_eq!((document.root().kind(), consumed), (Kind::Dict, 2));
}

#[test]
fn row_06_size_and_count_are_bounded() {
    let large = vec![b'l'; 202_000_000];
    assert_eq!(error(&large), Error::TooLarge { size: 202_000_000, limit: 192 << 20 });
    assert_eq!(parse(b"l0:0:0:0:0:0:0:0:0:0:e", &SMALL).unwrap_err(), Error::TooManyTokens { at: 19, limit: 10 });
}

#[test]
fn structure_errors_say_where() {
    assert_eq!(error(b""), Error::UnexpectedEnd { at: 0 });
    assert_eq!(error(b"e"), Error::UnexpectedByte { at: 0 });
    assert_eq!(error(b"d1:ae"), Error::UnexpectedByte { at: 4 });
    assert_eq!(error(b"di1ei1ee"), Error::KeyNotString { at: 1 });
    assert_eq!(error(b"l1:a"), Error::UnexpectedEnd { at: 4 });
    assert!(error(b"x").to_string().contains("byte 0"));
}

#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Tree>),
    Dict(std::collections::BTreeMap<Vec<u8>, Tree>),
}

fn write(tree: &Tree, out: &mut Writer) {
    match tree {
        Tree::Int(value) => out.int(*value),
        Tree::Bytes(value) => out.bytes(value),
        Tree::List(items) => out.list(|w| items.iter().for_each(|item| write(item, w))),
        Tree::Dict(items) => out.dict(|d| items.iter().for_each(|(key, item)| write(item, d.key(key)))),
    }
}

fn read(value: Value<'_, '_>) -> Tree {
    match value.kind() {
        Kind::Int => Tree::Int(value.as_int().unwrap()),
        Kind::Bytes => Tree::Bytes(value.as_bytes().unwrap().to_vec()),
        Kind::List => Tree::List(value.list().unwrap().map(read).collect()),
        Kind::Dict => Tree::Dict(value.dict().unwrap().map(|(key, value)| (key.to_vec(), read(value))).collect()),
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf =
        prop_oneof![any::<i64>().prop_map(Tree::Int), prop::collection::vec(any::<u8>(), 0..12).prop_map(Tree::Bytes)];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::List),
            prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..4), inner, 0..6).prop_map(Tree::Dict),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_is_read(tree in trees(), tail in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut writer = Writer::new();
        write(&tree, &mut writer);
        let mut bytes = writer.into_bytes();
        let length = bytes.len();
        bytes.extend(tail);
        let (document, consumed) = parse_prefix(&bytes, &Limits::METAINFO).unwrap();
        prop_assert_eq!(consumed, length);
        prop_assert!(document.root().is_canonical());
        prop_assert_eq!(read(document.root()), tree);
        for end in 0..length {
            prop_assert!(parse(&bytes[..end], &Limits::METAINFO).is_err());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(&b"ilde0123:-a"[..]), 0..60)) {
        if let Ok(document) = parse(&bytes, &Limits::METAINFO) {
            let tree = read(document.root());
            let mut writer = Writer::new();
            write(&tree, &mut writer);
            prop_assert_eq!(document.root().is_canonical(), writer.into_bytes() == bytes);
        }
    }
}

#[test]
fn dict_from_sorts() {
    let mut writer = Writer::new();
    writer.dict_from([(b"b".to_vec(), b"i1e".to_vec()), (b"a".to_vec(), b"0:".to_vec())]);
    assert_eq!(writer.as_bytes(), b"d1:a0:1:bi1ee");
}
