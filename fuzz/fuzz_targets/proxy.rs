//! What a proxy says: no more is read than belongs to its answer, and it ends open, refused, or waiting for more. A packet of its relay's is of somebody, and what is
//! wrapped comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_path::Proxy;
use teem_path::opener::{Opener, Target};
use teem_path::relay;

fuzz_target!(|input: (u8, String, Vec<u8>)| {
    let (which, name, bytes) = input;
    let _ = name.parse::<Proxy>();
    let texts = ["socks5://h:1", "socks5://me:pw@h:1", "http://h:1", "http://me:pw@h:1"];
    let proxy: Proxy = texts[usize::from(which) % 4].parse().expect("a proxy");
    let target = if which & 4 == 0 {
        Target::Name(name, 80)
    } else {
        Target::Addr("[2001:db8::1]:80".parse().expect("an address"))
    };
    let mut out = Vec::new();
    if let Some((from, payload)) = relay::unwrap(&bytes) {
        assert!(from.port() != 0 && payload.len() < bytes.len());
        relay::wrap(&Target::Addr(from), payload, &mut out).expect("an address can be said");
        assert_eq!(relay::unwrap(&out), Some((from, payload)));
        out.clear();
    }
    let opener =
        if which & 8 == 0 { Opener::new(&proxy, &target, &mut out) } else { Opener::associate(&proxy, &mut out) };
    let Ok(mut opener) = opener else { return };
    let mut rest = &bytes[..];
    while opener.wants() > 0 && !rest.is_empty() {
        let (now, later) = rest.split_at(opener.wants().min(rest.len()));
        match opener.advance(now, &mut out) {
            Ok(open) => assert_eq!(open, opener.wants() == 0),
            Err(_) => return,
        }
        rest = later;
    }
    if let Some(relay) = opener.relay("203.0.113.1:1080".parse().expect("an address")) {
        assert!(relay.port() != 0 && !relay.ip().is_unspecified() && opener.wants() == 0);
    }
    assert!(out.len() < 4096);
});
