//! Magnet links, pasted links and URLs: the vectors of other implementations and our own cases.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use proptest::prelude::*;
use serde_json::Value;
use teem_metainfo::{InfoHash, Limits, Link, LinkError, Magnet, MagnetError, TorrentKey, paste, percent, url};

const HASH: &str = "d2354010a3ca4ade5b7427bb093a62a3899ff381";

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn endpoints(value: &Value) -> Vec<String> {
    let pairs = value.as_array().into_iter().flatten();
    pairs.map(|pair| format!("{}:{}", pair[0].as_str().unwrap(), pair[1])).collect()
}

#[test]
fn magnet_vectors() {
    let Some(cases) = common::vectors("magnet.json") else { return };
    for case in &cases {
        let result = Magnet::parse(case["uri"].as_str().unwrap(), &Limits::FILE);
        match case["must"].as_str().unwrap() {
            "reject" => assert!(result.is_err(), "{case}"),
            "accept" => {
                let magnet = result.unwrap_or_else(|error| panic!("{error}: {case}"));
                let theirs = &case["libtorrent"];
                for (ours, key) in [
                    (magnet.key.v1().map(|h| h.to_string()), "infohash_v1"),
                    (magnet.key.v2().map(|h| h.to_string()), "infohash_v2"),
                ] {
                    // The other side takes a hash of zeros for none.
                    if ours.as_deref() != Some("0000000000000000000000000000000000000000") {
                        assert_eq!(ours.as_deref(), theirs[key].as_str(), "{case}");
                    }
                }
                let name = case["source"]["name"].as_str().or(theirs["name"].as_str());
                assert_eq!(magnet.name.as_deref().unwrap_or(""), name.unwrap(), "{case}");
                // The other side leaves out udp trackers without a port and names of peers.
                for tracker in strings(&theirs["trackers"]) {
                    assert!(magnet.trackers.contains(&tracker), "{tracker} of {case}");
                }
                assert_eq!(magnet.web_seeds, strings(&theirs["web_seeds"]), "{case}");
                for peer in endpoints(&theirs["peers"]) {
                    assert!(magnet.peers.contains(&peer), "{peer} of {case}");
                }
                assert_eq!(magnet.nodes, endpoints(&theirs["dht_nodes"]), "{case}");
                for file in theirs["select_only"].as_array().into_iter().flatten() {
                    assert!(magnet.selects(file.as_u64().unwrap() as u32), "{file} of {case}");
                }
                assert_eq!(Magnet::parse(&magnet.to_string(), &Limits::FILE).unwrap(), magnet);
            }
            _ => {}
        }
    }
}

#[test]
fn a_magnet_is_written_as_it_is_read() {
    let text = format!(
        "magnet:?xt=urn:btih:{HASH}&dn=a%20b%26c&tr=http%3A%2F%2Ft.example%2Fa%3Fk%3D1&x.pe=[::1]:6881&x.pe=seed.example:1&so=0,3-5"
    );
    let magnet = Magnet::parse(&text, &Limits::FILE).unwrap();
    assert_eq!(magnet.name.as_deref(), Some("a b&c"));
    assert_eq!(magnet.trackers, ["http://t.example/a?k=1"]);
    assert_eq!(magnet.peers, ["[::1]:6881", "seed.example:1"]);
    assert_eq!(magnet.selected, [0..=0, 3..=5]);
    assert!(magnet.selects(4) && !magnet.selects(1));
    assert_eq!(magnet.to_string(), text);
}

#[test]
fn row_24_magnets_with_too_much() {
    let limits = Limits::FILE;
    let base = format!("magnet:?xt=urn:btih:{HASH}");
    let many = |key: &str, make: fn(usize) -> String| {
        (0..1_000).fold(base.clone(), |text, i| format!("{text}&{key}={}", make(i)))
    };
    let parse = |text: &str| Magnet::parse(text, &limits).unwrap();
    assert_eq!(parse(&many("tr", |i| format!("http://t{i}/"))).trackers.len(), 100);
    assert_eq!(parse(&many("ws", |i| format!("http://w{i}/"))).web_seeds.len(), 20);
    assert_eq!(parse(&many("x.pe", |i| format!("h:{}", i + 1))).peers.len(), 50);
    assert!(parse(&many("x.pe", |_| "h:0".into())).peers.is_empty());
    let huge = format!("{base}&dn={}", "x".repeat(1 << 20));
    assert!(matches!(Magnet::parse(&huge, &limits), Err(MagnetError::TooLong { limit: 65_536, .. })));
    for bad in [
        "urn:btih:abc",
        "urn:btih:",
        "urn:btmh:1220ab",
        "urn:btmh:1120",
        "urn:btih:zz354010a3ca4ade5b7427bb093a62a3899ff381",
    ] {
        let error = Magnet::parse(&format!("magnet:?xt={bad}"), &limits).unwrap_err();
        assert_eq!(error.class(), "bad_info_hash", "{bad}");
    }
    assert_eq!(Magnet::parse("magnet:?dn=x", &limits), Err(MagnetError::MissingHash));
    assert_eq!(parse(&format!("{base}&so=5-2,x,1-,4294967296")).selected, []);
}

#[test]
fn row_62_schemes_that_are_never_followed() {
    for scheme in
        ["file:///etc/passwd", "gopher://h/", "unix:///run/x", "data:text/plain,x", "ftp://h/a.torrent", "javascript:x"]
    {
        assert!(url::tracker(scheme).is_err() && url::http(scheme).is_err(), "{scheme}");
        let text = format!("magnet:?xt=urn:btih:{HASH}&tr={scheme}&ws={scheme}&xs={scheme}");
        let magnet = Magnet::parse(&text, &Limits::FILE).unwrap();
        assert!(magnet.trackers.is_empty() && magnet.web_seeds.is_empty() && magnet.exact_sources.is_empty());
        if scheme.contains("://") || scheme.starts_with("data:") {
            assert!(matches!(Link::parse(scheme, &Limits::FILE), Err(LinkError::BadUrl { .. })), "{scheme}");
        }
    }
}

fn pasted(text: &str) -> Link {
    Link::parse(text, &Limits::FILE).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

#[test]
fn pasted_links() {
    let hash: InfoHash = HASH.parse().unwrap();
    let plain = format!("magnet:?xt=urn:btih:{HASH}&tr=http%3A%2F%2Ft%2F");
    let wrapped = format!("  {}\r\n  {}\n", &plain[..40], &plain[40..]);
    let coded = percent::encode(plain.as_bytes());
    let html = plain.replace('&', "&amp;");
    let upper = plain.replace("magnet:?xt=urn:btih:", "MAGNET:?XT=URN:BTIH:");
    for text in [
        &plain,
        &format!(" {plain}\n"),
        &format!("<{plain}>"),
        &format!("\"{plain}\""),
        &wrapped,
        &coded,
        &html,
        &upper,
    ] {
        let Link::Magnet { magnet, lost_trackers, .. } = pasted(text) else { panic!("{text:?}") };
        assert_eq!(
            (magnet.key.v1(), &magnet.trackers[..], lost_trackers),
            (Some(hash), &["http://t/".into()][..], false)
        );
    }
    assert!(matches!(pasted(&plain[..60]), Link::Magnet { lost_trackers: true, .. }), "cut off at the ampersand");
    for text in [
        HASH.to_owned(),
        HASH.to_uppercase(),
        "2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B".into(),
        format!(" urn:btih:{HASH} "),
        format!("[a name]({HASH})"),
    ] {
        let Link::Magnet { magnet, lost_trackers: false, .. } = pasted(&text) else { panic!("{text}") };
        assert_eq!(magnet, Magnet::from(TorrentKey::from(hash)));
    }
    assert!(
        matches!(pasted(&format!("1220{HASH}{}", &HASH[..24])), Link::Magnet { magnet, .. } if magnet.key.v2().is_some())
    );
    assert_eq!(pasted(" https://h.example/a.torrent?x=1\n"), Link::Url("https://h.example/a.torrent?x=1".into()));
    for path in ["a.torrent", "./d2354010a3ca4ade5b7427bb093a62a3899ff381", "C:\\x.torrent", "dir/ä b.torrent", "-"] {
        assert_eq!(pasted(path), Link::Path(path.into()));
    }
    assert_eq!(Link::parse(" \n", &Limits::FILE), Err(LinkError::Empty));
    assert!(matches!(Link::parse("magnet:?xt=urn:btih:d2354010a3", &Limits::FILE), Err(LinkError::Magnet(_))));
    assert!(matches!(Link::parse("magnet:foo", &Limits::FILE), Err(LinkError::Magnet(MagnetError::NotMagnet))));
    assert!(Link::parse(&"x".repeat(1 << 20), &Limits::FILE).is_err());
}

#[test]
fn url_vectors() {
    let Some(cases) = common::vectors("url.json") else { return };
    for case in &cases {
        if let Some(encoded) = case["encoded"].as_str() {
            let decoded = common::bytes(&case["decoded"]);
            match case["escape_reserved"].as_bool() {
                None => assert_eq!(percent::decode(encoded), decoded, "{case}"),
                Some(true) => assert_eq!(percent::encode(&decoded), encoded, "{case}"),
                Some(false) => assert_eq!(percent::encode_url(std::str::from_utf8(&decoded).unwrap()), encoded),
            }
            continue;
        }
        let text = case["url"].as_str().unwrap();
        let parsed = url::Url::parse(text).filter(|u| u.is(&["http", "https", "udp", "ftp", "sftp"]));
        assert_eq!(Some(parsed.is_some()), case["valid"].as_bool(), "{case}");
        let Some(parsed) = parsed else { continue };
        for (key, ours) in [
            ("scheme", parsed.scheme),
            ("host", parsed.host),
            ("path", parsed.path),
            ("query", parsed.query),
            ("fragment", parsed.fragment),
        ] {
            assert!(case[key].is_null() || case[key] == ours, "{key} of {case}");
        }
        if let Some(port) = case["port"].as_u64() {
            assert_eq!(parsed.port_or_default().map(u64::from), Some(port), "{case}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn percent_coding_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(percent::decode(&percent::encode(&bytes)), bytes);
    }

    #[test]
    fn any_text_has_links_or_lines(text in "(\\PC|magnet:\\?xt=urn:btih:|http://|file:/|&amp;|&dn=|[\\r\\n <>'\"()#]|\u{feff}){0,20}") {
        for link in paste::links(&text) {
            let _ = Link::parse(&link, &Limits::FILE);
        }
        let _ = Link::parse(&text, &Limits::FILE);
    }

    #[test]
    fn any_text_is_understood_or_refused(text in "(magnet:\\?|http://|)[ -~\\n&=%é]{0,80}") {
        let _ = Link::parse(&text, &Limits::FILE);
        if let Ok(magnet) = Magnet::parse(&format!("magnet:?xt=urn:btih:{HASH}&{text}"), &Limits::FILE) {
            prop_assert_eq!(Magnet::parse(&magnet.to_string(), &Limits::FILE).unwrap(), magnet);
        }
    }
}

/// One link in many surroundings, and what a text of several links holds.
#[test]
fn whatever_stands_around_a_link_is_left_out() {
    let hash: InfoHash = HASH.parse().unwrap();
    let magnet = format!("magnet:?xt=urn:btih:{HASH}&dn=a(b)&tr=http://t/");
    for text in [
        format!("\u{feff}{magnet}"),
        format!("\u{200b}{magnet}\u{200b}"),
        format!("\u{201c}{magnet}\u{201d}"),
        format!("\u{2018}{magnet}\u{2019}"),
        format!("\u{ab}{magnet}\u{bb}"),
        format!("`{magnet}`"),
        format!("```\n{magnet}\n```"),
        format!("'{magnet}'"),
        format!("({magnet})"),
        format!("[name]({magnet})"),
        format!("[{magnet}]"),
        format!("{magnet}."),
        format!("{magnet},"),
        format!("{magnet};"),
        format!("{magnet}!\""),
        format!("Here it is: {magnet}. Have fun"),
        format!("URL={magnet}"),
        format!("Magnet: {magnet}"),
        format!("[InternetShortcut]\r\nURL={magnet}\r\n"),
        format!("<a href=\"{}\">a name</a>", magnet.replace('&', "&amp;")),
        format!("<a href='{}'>a name</a>", magnet.replace('&', "&#38;")),
        magnet.replace('&', "&amp;amp;"),
        magnet.replace('&', "&#x26;"),
        magnet.to_uppercase().replace("HTTP://T/", "http://t/").replace("A(B)", "a(b)"),
        magnet.replace("magnet:?", "MAGNET:?"),
        magnet.replace("magnet:?", "magnet%3A?"),
        format!("magnet:?{}", percent::encode(&magnet.as_bytes()[8..])),
        percent::encode(magnet.as_bytes()),
        format!("{magnet}\r"),
        magnet.replace("&dn", "\u{ad}&dn"),
    ] {
        let Ok(Link::Magnet { magnet, lost_trackers, .. }) = Link::parse(&text, &Limits::FILE) else {
            panic!("{text:?}: {:?}", Link::parse(&text, &Limits::FILE))
        };
        assert_eq!((magnet.key.v1(), magnet.name.as_deref()), (Some(hash), Some("a(b)")), "{text:?}");
        assert_eq!((&magnet.trackers[..], lost_trackers), (&["http://t/".to_owned()][..], false), "{text:?}");
    }
    for text in [
        format!("\u{feff}{HASH}"),
        format!("`{HASH}`"),
        format!("\u{201c}{HASH}\u{201d}."),
        format!("({HASH})"),
        format!("urn:btih:{HASH},"),
        format!("URN:BTIH:{}", HASH.to_uppercase()),
        format!("info-hash:\n{HASH}\n"),
    ] {
        assert!(matches!(pasted(&text), Link::Magnet { magnet, .. } if magnet.key.v1() == Some(hash)), "{text:?}");
    }
    for (text, url) in [
        ("<https://h/a.torrent>", "https://h/a.torrent"),
        ("HTTPS://H.Example/A.torrent", "https://h.example/A.torrent"),
        ("see https://h/a_(b).torrent).", "https://h/a_(b).torrent"),
        ("\u{201e}http://h/a?b=1&amp;c=2\u{201c}", "http://h/a?b=1&c=2"),
        ("https://h/a b.torrent", "https://h/a%20b.torrent"),
    ] {
        assert_eq!(pasted(text), Link::Url(url.into()), "{text}");
    }
    for (text, path) in [
        ("file:///tmp/a%20b.torrent", "/tmp/a b.torrent"),
        ("FILE://localhost/tmp/a.torrent", "/tmp/a.torrent"),
        ("file:/tmp/a.torrent", "/tmp/a.torrent"),
        ("\"file:///tmp/%C3%A4.torrent\"", "/tmp/\u{e4}.torrent"),
        (".", "."),
        ("..", ".."),
        (" a.torrent", " a.torrent"),
        ("it's (1).torrent", "it's (1).torrent"),
    ] {
        assert_eq!(pasted(text), Link::Path(path.into()), "{text}");
    }
    for bad in ["file://other/tmp/a.torrent", "file://", "file:///", "file:///etc/shadow", "file:///a%00.torrent"] {
        let parsed = Link::parse(bad, &Limits::FILE);
        assert!(matches!(parsed, Err(LinkError::BadUrl { .. })), "{bad}: {parsed:?}");
    }
}

#[test]
fn several_links_in_one_text() {
    let (a, b) =
        (format!("magnet:?xt=urn:btih:{HASH}&dn=one"), format!("magnet:?xt=urn:btih:{}&dn=two", "ab".repeat(20)));
    let u = "https://h/c.torrent";
    for text in [
        format!("{a}\n{b}\n{u}\n"),
        format!("{a}\r\n\r\n{b}\r\n{u}"),
        format!("{a}\r{b}\r{u}\r"),
        format!("{a} {b} {u}"),
        format!("{a}, {b}; {u}."),
        format!("{a}{b} {u}"),
        format!("<{a}>\n<{b}>\n<{u}>"),
        format!("1. {a}\n2. {b}\n3. {u}\n"),
        format!("- [one]({a})\n- [two]({b})\n- {u}"),
        format!("\u{feff}# a comment with http://h/d.torrent\n{a}\n{b}\n# more\n{u}"),
        format!("Hello,\nhere are {a} and {b}\nas well as \u{201c}{u}\u{201d}.\nBye"),
        format!("<p>{}<br>{}</p><a href=\"{u}\">x</a>", a.replace('&', "&amp;"), b.replace('&', "&amp;")),
        format!("\"{a}\",\"{b}\",\"{u}\""),
        format!("{}\n  {}\n{b}\n{u}", &a[..40], &a[40..]),
    ] {
        let found = paste::links(&text);
        assert_eq!(found, [a.as_str(), b.as_str(), u], "{text:?}");
    }
    let spaced = format!("magnet:?xt=urn:btih:{HASH}&dn=a name&tr=http://t/ and {b}");
    assert_eq!(paste::links(&spaced)[0], format!("magnet:?xt=urn:btih:{HASH}&dn=a name&tr=http://t/"));
    assert_eq!(paste::links(&format!("{HASH}\n{}", "ab".repeat(20))).len(), 2);
    assert_eq!(paste::links(&format!("{HASH}, {}", "ab".repeat(20))).len(), 2);
    assert_eq!(paste::links("a.torrent\n# no\n\n b c.torrent \n"), ["a.torrent", "b c.torrent"]);
    assert_eq!(paste::links(&format!("{a}\nmine.torrent\n/x/y\nbye bye\n")), [a.as_str(), "mine.torrent", "/x/y"]);
    assert!(paste::links(" \r\n\u{feff}").is_empty());
    let wide = |text: &str, le: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if le { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    for bytes in
        [wide(&format!("\u{feff}{a}\r\n"), true), wide(&format!("\u{feff}{a}"), false), wide(&a, true), wide(&a, false)]
    {
        assert_eq!(paste::links(&paste::text(&bytes).unwrap()), [a.as_str()]);
    }
    assert_eq!(paste::text(b"\xff\xfe\x00"), Some(String::new()));
    assert_eq!(paste::text(b"d8:announce\xff\x80"), None);
}
