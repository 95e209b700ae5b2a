//! Lines of lists of addresses: a range has both ends of one family in order, and bars them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_path::filter::{Filter, Line, parse};

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.split(|byte| *byte == b'\n').map(parse);
    let ranges: Vec<_> =
        lines.filter_map(|line| if let Line::Range(a, b) = line { Some((a, b)) } else { None }).collect();
    assert!(ranges.iter().all(|(a, b)| a <= b && a.is_ipv4() == b.is_ipv4()));
    let filter = Filter::of(ranges.iter().copied());
    assert!(filter.len() <= ranges.len());
    assert!(ranges.iter().all(|(a, b)| filter.bars(*a) && filter.bars(*b)));
});
