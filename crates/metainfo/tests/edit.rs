//! Edits: the info dictionary stays, trackers agree (BEP 12), what is not known survives.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use proptest::prelude::*;
use teem_metainfo::edit::{Change, Edit, EditError, Edited, edit};
use teem_metainfo::{Limits, Metainfo};

/// Keys of the info dictionary are out of order here: nobody may sort them.
const INFO: &[u8] = b"d4:name1:n12:piece lengthi16384e6:lengthi1e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:unknowni-0ee";
const SOUND: &[u8] = b"d4:name1:n12:piece lengthi16384e6:lengthi1e6:pieces20:aaaaaaaaaaaaaaaaaaaae";

fn file(before: &str, after: &str) -> Vec<u8> {
    [b"d", before.as_bytes(), b"4:info", SOUND, after.as_bytes(), b"e"].concat()
}

fn done(bytes: &[u8], wish: &Edit) -> Edited {
    let edited = edit(bytes, wish, &Limits::FILE).unwrap();
    let (old, new) = (Metainfo::parse(bytes, &Limits::FILE).unwrap(), Metainfo::parse(&edited.bytes, &Limits::FILE));
    assert_eq!(old.info.raw(), new.unwrap().info.raw());
    edited
}

fn add(urls: &[&str], tier: Option<usize>) -> Edit {
    Edit { add_trackers: urls.iter().map(ToString::to_string).collect(), tier, ..Edit::default() }
}

fn text(edited: &Edited) -> String {
    String::from_utf8_lossy(&edited.bytes).into_owned()
}

#[test]
fn each_added_tracker_is_a_tier_and_both_keys_agree() {
    let none = done(&file("", ""), &add(&["http://a/"], None));
    assert!(text(&none).starts_with("d8:announce9:http://a/4:info"), "one alone needs no list: {}", text(&none));
    let one = done(&none.bytes, &add(&["http://b/", "udp://c:1", "http://b/"], None));
    assert!(
        text(&one).starts_with("d8:announce9:http://a/13:announce-listll9:http://a/el9:http://b/el9:udp://c:1ee4:info"),
        "{}",
        text(&one)
    );
    assert_eq!(one.changes[1], Change::TrackerAdded { url: "udp://c:1".into(), tier: 3 });
    let same_tier = done(&one.bytes, &add(&["http://d/", "http://e/"], Some(2)));
    let tiers = Metainfo::parse(&same_tier.bytes, &Limits::FILE).unwrap().trackers;
    assert_eq!(tiers, [vec!["http://a/"], vec!["http://b/", "http://d/", "http://e/"], vec!["udp://c:1"]]);
    let new_tier = done(&one.bytes, &add(&["http://d/", "http://e/"], Some(9)));
    assert_eq!(Metainfo::parse(&new_tier.bytes, &Limits::FILE).unwrap().trackers[3], ["http://d/", "http://e/"]);
    assert_eq!(done(&one.bytes, &add(&["udp://c:1"], Some(1))).bytes, one.bytes, "what is there stays where it is");
}

#[test]
fn an_announce_that_the_list_overrides_is_not_revived() {
    let odd = file("8:announce9:http://a/13:announce-listll0:9:http://b/ee", "");
    assert_eq!(done(&odd, &Edit::default()).bytes, odd, "nothing asked for, nothing mended");
    let remove = |url: &str| Edit { remove_trackers: vec![url.into()], ..Edit::default() };
    let replace = |old: &str, new: &str| Edit { replace: Some((old.into(), new.into())), ..Edit::default() };
    for (wish, trackers, starts) in [
        (add(&["http://c/"], None), vec!["http://b/", "http://c/"], "d8:announce9:http://b/13:"),
        (add(&["http://a/"], None), vec!["http://b/", "http://a/"], "d8:announce9:http://a/13:"),
        (add(&["http://c/"], Some(1)), vec!["http://b/", "http://c/"], "d8:announce9:http://b/13:"),
        (remove("http://a/"), vec!["http://b/"], "d8:announce9:http://b/4:info"),
        (remove("http://b/"), vec![], "d4:info"),
        (replace("//b", "//c"), vec!["http://c/"], "d8:announce9:http://c/4:info"),
    ] {
        let edited = done(&odd, &wish);
        let tiers = Metainfo::parse(&edited.bytes, &Limits::FILE).unwrap().trackers;
        assert_eq!(tiers.concat(), trackers, "{wish:?}");
        assert!(text(&edited).starts_with(starts), "{wish:?}: {}", text(&edited));
    }
    // A list without anything of use overrides nothing.
    for list in ["le", "llee", "ll0:ee", "ll9:htp://x/yee", "l0:e"] {
        let kept = file(&format!("8:announce9:http://a/13:announce-list{list}"), "");
        let edited = done(&kept, &add(&["http://c/"], None));
        let tiers = Metainfo::parse(&edited.bytes, &Limits::FILE).unwrap().trackers;
        assert_eq!(tiers.concat(), ["http://a/", "http://c/"], "{list}");
    }
    let flat = file("13:announce-listl9:http://b/9:http://a/e", "");
    let edited = done(&flat, &add(&["http://c/"], None));
    assert!(text(&edited).starts_with("d8:announce9:http://b/13:"), "{}", text(&edited));
}

#[test]
fn trackers_go_one_by_one_until_no_key_is_left() {
    let remove = |url: &str| Edit { remove_trackers: vec![url.into()], ..Edit::default() };
    let two = file("8:announce9:http://a/13:announce-listll9:http://a/el9:http://b/ee", "");
    let one = done(&two, &remove("http://a/"));
    assert!(text(&one).starts_with("d8:announce9:http://b/4:info"), "{}", text(&one));
    assert_eq!(done(&one.bytes, &remove("http://b/")).bytes, file("", ""));
    assert!(done(&two, &remove("http://absent/")).changes.is_empty());
}

#[test]
fn a_passkey_is_replaced_everywhere() {
    let replace = |old: &str, new: &str| Edit { replace: Some((old.into(), new.into())), ..Edit::default() };
    let old = file("8:announce11:http://a/k113:announce-listll11:http://a/k111:http://b/k1el9:http://c/ee", "");
    let new = done(&old, &replace("k1", "k2"));
    assert!(text(&new).starts_with("d8:announce11:http://a/k213:announce-listll11:http://a/k211:http://b/k2el9:"));
    assert_eq!(new.changes.len(), 2, "{:?}", new.changes);
    let merged = done(&old, &replace("b", "a"));
    let trackers = Metainfo::parse(&merged.bytes, &Limits::FILE).unwrap().trackers;
    assert_eq!(trackers, [["http://a/k1"], ["http://c/"]], "two that became one stand once");
    assert!(done(&old, &replace("", "x")).changes.is_empty());
    let broken = edit(&old, &replace("http", "gopher"), &Limits::FILE).unwrap_err();
    assert_eq!(broken.class(), "bad_url");
}

#[test]
fn web_seeds_and_comment() {
    let old = file("7:comment3:old13:comment.utf-83:old", "8:url-list9:http://w/");
    let wish = Edit {
        add_web_seeds: vec!["http://v/".into(), "http://w/".into()],
        comment: Some("néw".into()),
        ..Edit::default()
    };
    let new = done(&old, &wish);
    assert_eq!(text(&new), text(&done(&new.bytes, &wish)), "a second time changes nothing");
    assert!(text(&new).starts_with("d7:comment4:néw13:comment.utf-84:néw4:info"), "{}", text(&new));
    assert!(text(&new).ends_with("8:url-listl9:http://w/9:http://v/ee"), "{}", text(&new));
    let gone = Edit {
        remove_web_seeds: vec!["http://v/".into(), "http://w/".into()],
        comment: Some(String::new()),
        ..Edit::default()
    };
    assert_eq!(done(&new.bytes, &gone).bytes, file("", ""));
    let bad = Edit { add_web_seeds: vec!["udp://w:1".into()], ..Edit::default() };
    assert_eq!(edit(&old, &bad, &Limits::FILE).unwrap_err().class(), "bad_url");
}

#[test]
fn what_is_not_known_survives_and_what_is_ambiguous_is_refused() {
    let mut odd = b"d3:zzzi007e4:info".to_vec();
    odd.extend_from_slice(SOUND);
    odd.extend_from_slice(b"5:aaaaaldeee\n");
    let edited = done(&odd, &add(&["http://a/"], None));
    assert_eq!(
        text(&edited),
        format!("d5:aaaaaldee8:announce9:http://a/4:info{}3:zzzi007ee\n", String::from_utf8_lossy(SOUND))
    );
    let twice = [b"d4:info", SOUND, b"4:info", SOUND, b"e"].concat();
    let refused = edit(&twice, &add(&["http://a/"], None), &Limits::FILE).unwrap_err();
    assert_eq!(refused, EditError::RepeatedKey { key: "info".into() });
    let bad = [b"d4:info", INFO, b"e"].concat();
    assert_eq!(edit(&bad, &Edit::default(), &Limits::FILE).unwrap_err().class(), "not_canonical");
}

#[test]
fn no_more_than_readers_keep() {
    let urls: Vec<String> = (0..1_001).map(|n| format!("http://t{n}/")).collect();
    let wish = Edit { add_trackers: urls.clone(), ..Edit::default() };
    assert_eq!(edit(&file("", ""), &wish, &Limits::FILE).unwrap_err().class(), "limit");
    let wish = Edit { add_web_seeds: urls, ..Edit::default() };
    assert_eq!(edit(&file("", ""), &wish, &Limits::FILE).unwrap_err().class(), "limit");
    let wish = Edit { comment: Some("x".repeat(20_000)), ..Edit::default() };
    assert_eq!(edit(&file("", ""), &wish, &Limits::FILE).unwrap_err().class(), "limit");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is added, then removed again, leaves the file as it was.
    #[test]
    fn adding_and_removing_cancel(names in proptest::collection::btree_set("[a-z]{2,6}", 1..6), tier in proptest::option::of(1_usize..5)) {
        let urls: Vec<String> = names.iter().map(|name| format!("http://{name}/announce")).collect();
        let old = file("8:announce9:http://a/13:announce-listll9:http://a/el9:http://b/ee", "3:odd1:x");
        let there = done(&old, &Edit { add_trackers: urls.clone(), add_web_seeds: urls.clone(), tier, ..Edit::default() });
        let trackers = Metainfo::parse(&there.bytes, &Limits::FILE).unwrap().trackers;
        prop_assert_eq!(trackers.iter().flatten().count(), urls.len() + 2);
        let back = done(&there.bytes, &Edit { remove_trackers: urls.clone(), remove_web_seeds: urls, ..Edit::default() });
        prop_assert_eq!(back.bytes, old);
    }

    /// Whatever is damaged, either the file is refused or what is hashed stays.
    #[test]
    fn damage_never_reaches_the_info_dictionary(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = file("8:announce9:http://a/13:announce-listll9:http://a/el9:http://b/ee7:comment1:c", "8:url-list9:http://w/");
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let wish = Edit {
            replace: Some(("a".into(), "b".into())),
            remove_trackers: vec!["http://b/".into()],
            comment: Some("new".into()),
            add_web_seeds: vec!["http://v/".into()],
            ..add(&["http://c/"], Some(1))
        };
        if let Ok(edited) = edit(&bytes, &wish, &Limits::FILE) {
            let raw = |bytes: &[u8]| Metainfo::parse(bytes, &Limits::FILE).unwrap().info.raw().to_vec();
            prop_assert_eq!(raw(&edited.bytes), raw(&bytes));
            let again = edit(&edited.bytes, &Edit { replace: None, ..wish }, &Limits::FILE).unwrap();
            prop_assert_eq!(again.bytes, edited.bytes);
        }
    }
}
