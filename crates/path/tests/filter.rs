//! Lists of addresses as they are found: the vectors of other clients, files packed and not, what is no list; and against a naive model.

use core::net::{IpAddr, Ipv4Addr};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use teem_path::filter::{Filter, FilterError, Line, parse, read};

/// A file of a test's own, deleted with the value.
struct List(PathBuf);

impl List {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("teem-filter-{}-{name}", std::process::id()));
        fs::write(&path, bytes).expect("the folder is writable");
        Self(path)
    }

    fn read(&self) -> Result<(Filter, u64), FilterError> {
        read(std::slice::from_ref(&self.0))
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn ips(value: &Value) -> Vec<IpAddr> {
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|ip| ip.parse().expect("an address")).collect()
}

#[test]
fn vectors_of_other_clients() {
    let Some(root) = std::env::var_os("TEEM_TEST_DATA") else {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
        return;
    };
    let text = fs::read_to_string(PathBuf::from(root).join("vectors/blocklist.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    for vector in vectors.as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let text = vector["text"].as_str().unwrap();
        let rules = text.lines().filter(|line| matches!(parse(line.as_bytes()), Line::Range(..))).count();
        let list = List::new(id, text.as_bytes());
        match vector["rules"].as_u64() {
            Some(wanted) => assert_eq!(rules as u64, wanted, "{id}"),
            None => assert!(matches!(list.read(), Err(FilterError::NoList(_))), "{id}"),
        }
        let Ok((filter, _)) = list.read() else { continue };
        for ip in ips(&vector["blocked"]) {
            assert!(filter.bars(ip), "{id}: {ip}");
        }
        for ip in ips(&vector["allowed"]) {
            assert!(!filter.bars(ip), "{id}: {ip}");
        }
    }
}

#[test]
fn packed_lists_are_unpacked_and_joined_with_others() {
    let text = "a:10.0.0.0-10.0.0.255\nnonsense\n192.0.2.0/24\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let (packed, plain) = (List::new("packed", &packed.finish().unwrap()), List::new("plain", b"10.0.1.0/24"));
    let (filter, bad) = read(&[packed.0.clone(), plain.0.clone()]).unwrap();
    assert_eq!((filter.len(), bad), (2, 1));
    assert!(filter.bars([10, 0, 1, 9].into()) && !filter.bars([10, 0, 2, 0].into()));
    let broken = List::new("broken", &[0x1f, 0x8b, 8, 0, 1]);
    assert!(matches!(broken.read(), Err(FilterError::Io(..))));
    assert!(matches!(read(&["/nowhere/at/all".into()]), Err(FilterError::Io(..))));
}

#[test]
fn a_line_without_an_end_costs_no_more_than_a_line() {
    let list = List::new("long", &vec![b'x'; 1 << 20]);
    assert!(matches!(list.read(), Err(FilterError::NoList(_))));
    assert_eq!(List::new("empty", b"").read().unwrap().0, Filter::default());
}

proptest! {
    #[test]
    fn an_address_is_barred_exactly_when_a_range_holds_it(
        ranges in prop::collection::vec((0_u32..200, 0_u32..20), 0..30), asked in prop::collection::vec(0_u32..230, 30)
    ) {
        // Around the border of two halves, where the table leads from one to the next.
        let ip = |n: u32| IpAddr::from(Ipv4Addr::from(0x0a00_ffa0 + n));
        let filter = Filter::of(ranges.iter().map(|(first, len)| (ip(*first), ip(first + len))));
        for n in asked {
            let held = ranges.iter().any(|(first, len)| (*first..=first + len).contains(&n));
            prop_assert_eq!(filter.bars(ip(n)), held);
        }
    }

    #[test]
    fn no_line_is_more_than_a_line(line in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Line::Range(first, last) = parse(&line) {
            prop_assert!(first <= last && first.is_ipv4() == last.is_ipv4());
        }
    }
}
