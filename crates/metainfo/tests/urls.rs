//! URLs as people and programs write them: mended as a browser does it, and named where they are of no use.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use teem_metainfo::url::{self, UrlError};
use teem_metainfo::{Limits, Magnet, Metainfo, Warning};

const HASH: &str = "d2354010a3ca4ade5b7427bb093a62a3899ff381";

#[test]
fn what_browsers_mend_is_mended() {
    for (written, meant) in [
        ("http://h:1", "http://h:1"),
        ("http://h:1?key=x", "http://h:1?key=x"),
        ("http://h:1#f", "http://h:1"),
        ("http://h:/a", "http://h/a"),
        ("http://h:0080/a", "http://h:80/a"),
        ("HTTP://Tracker.EXAMPLE/Announce", "http://tracker.example/Announce"),
        ("Udp://H:1/Announce", "udp://h:1/Announce"),
        ("  http://h/a\t\r\n", "http://h/a"),
        ("\u{feff}http://h/a\u{200b}", "http://h/a"),
        ("\u{a0}http://h/a\u{3000}", "http://h/a"),
        ("<http://h/a>", "http://h/a"),
        ("http://h/an\r\n  nounce", "http://h/an%20%20nounce"),
        ("http://h/an\tnounce", "http://h/announce"),
        ("http://h/a b/announce?k=v w", "http://h/a%20b/announce?k=v%20w"),
        ("http:\\\\h\\a\\announce", "http://h/a/announce"),
        ("http:/h/a", "http://h/a"),
        ("http:h/a", "http://h/a"),
        ("http:////h/a", "http://h/a"),
        ("http://h/\u{fc}ber?q=\u{df}", "http://h/%C3%BCber?q=%C3%9F"),
        ("http://h/a?q=<\">`{|}^", "http://h/a?q=%3C%22%3E%60%7B%7C%7D%5E"),
        ("http://h/a%20b%zz", "http://h/a%20b%zz"),
        ("http://[2001:DB8:0::1]:80/a", "http://[2001:db8::1]:80/a"),
        ("http://u:p@h:1/a", "http://u:p@h:1/a"),
        ("http://u:p%40w@H/a", "http://u:p%40w@h/a"),
        ("http://%68ost/a", "http://host/a"),
        ("http://h./a", "http://h./a"),
        ("https://h/a/../b", "https://h/a/../b"),
    ] {
        let mended = url::tracker(written).unwrap_or_else(|why| panic!("{written:?}: {why}"));
        assert_eq!(mended, meant, "{written:?}");
        assert_eq!(url::tracker(&mended).unwrap(), meant, "mending twice changes nothing");
    }
    assert_eq!(
        url::tracker(b"http://h/\xfcber").unwrap(),
        "http://h/%FCber",
        "bytes that are no UTF-8 stay what they are"
    );
}

#[test]
fn what_is_of_no_use_says_why() {
    let text = String::from;
    for (written, why) in [
        ("", UrlError::NoScheme),
        ("announce", UrlError::NoScheme),
        ("tracker.example:80/announce", UrlError::NoScheme),
        ("localhost:80", UrlError::NoScheme),
        ("//h/announce", UrlError::NoScheme),
        ("htp://h/a", UrlError::Scheme(text("htp"))),
        ("FTP://h/a", UrlError::Scheme(text("ftp"))),
        ("http://", UrlError::NoHost),
        ("http:///", UrlError::NoHost),
        ("http://?a", UrlError::NoHost),
        ("http://:80/", UrlError::NoHost),
        ("http://u@/a", UrlError::NoHost),
        ("http://h h/", UrlError::Host(text("h h"))),
        ("http://b\u{fc}cher.example/", UrlError::Host(text("b\u{fc}cher.example"))),
        ("http://[::1/", UrlError::Host(text("[::1"))),
        ("http://[fe80::1%25eth0]/", UrlError::Host(text("[fe80::1%25eth0]"))),
        ("http://[::1]x/", UrlError::Host(text("[::1]"))),
        ("http://h%2fx/", UrlError::Host(text("h%2fx"))),
        ("http://h:0/", UrlError::Port(text("0"))),
        ("http://h:65536/", UrlError::Port(text("65536"))),
        ("http://h:80x/", UrlError::Port(text("80x"))),
        ("http://h:-1/", UrlError::Port(text("-1"))),
        ("http://./", UrlError::Host(text("."))),
    ] {
        assert_eq!(url::tracker(written), Err(why), "{written:?}");
    }
    assert_eq!(url::http("udp://h:1/"), Err(UrlError::Scheme(text("udp"))));
}

#[test]
fn a_link_says_which_urls_were_left_out_and_shows_no_passkey() {
    let text = format!(
        "magnet:?xt=urn:btih:{HASH}&tr=http://b%C3%BCcher.example/&tr=htp://h/0123456789abcdef/announce&tr=HTTP://H:1?k=v\
         &tr=http%3A%2F%2Fh%2Fa%20b&ws=ftp://h/x&tr=%FF&tr="
    );
    let (magnet, warnings) = Magnet::read(&text, &Limits::FILE).unwrap();
    assert_eq!(magnet.trackers, ["http://h:1?k=v", "http://h/a%20b"]);
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains("http://b\u{fc}cher.example/") && said[0].contains("xn--"), "{said:?}");
    assert!(said[1].contains("htp://h/\u{2026}/announce") && said[1].contains("\"htp\""), "{said:?}");
    assert!(said[2].contains("ftp://h/x"), "{said:?}");
}

#[test]
fn a_link_with_too_many_trackers_says_so_once() {
    let many = (0..200).fold(String::new(), |many, n| many + &format!("&tr=http://t{n}/"));
    let (magnet, warnings) = Magnet::read(&format!("magnet:?xt=urn:btih:{HASH}{many}"), &Limits::FILE).unwrap();
    assert_eq!(magnet.trackers.len(), 100);
    assert_eq!(warnings, [Warning::TooMany { what: "tr" }]);
}

fn torrent(outside: &str) -> Vec<u8> {
    let info = format!("4:infod6:lengthi5e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
    let mut keys: Vec<String> = vec![outside.to_owned(), info];
    keys.retain(|key| !key.is_empty());
    format!("d{}e", keys.concat()).into_bytes()
}

#[test]
fn a_torrent_says_which_trackers_were_left_out() {
    let long = format!("http://h/{}", "a".repeat(20_000));
    let text = |text: &str| format!("{}:{text}", text.len());
    let tiers = format!("ll{}{}{}ee", text("HTTP://H.Example?a"), text("http://h:0/a"), text(&long));
    let list = format!("8:announce{}13:announce-list{tiers}", text("htp://h/a"));
    let meta = Metainfo::parse(&torrent(&list), &Limits::FILE).unwrap();
    assert_eq!(meta.trackers, [vec!["http://h.example?a".to_owned()]]);
    assert!(matches!(&meta.warnings[0], Warning::BadUrl { why: UrlError::Port(port), .. } if port == "0"));
    assert!(
        matches!(&meta.warnings[1], Warning::BadUrl { why: UrlError::TooLong(_), .. }),
        "{:?}",
        meta.warnings.len()
    );
    assert!(meta.warnings[1].to_string().len() < 500);
    let meta = Metainfo::parse(&torrent("8:announce9:htp://h/a"), &Limits::FILE).unwrap();
    assert!(meta.trackers.is_empty());
    assert_eq!(meta.warnings.len(), 1, "the only tracker is named where it was left out");
}
