//! Links as people paste them, and .torrent files as others made them, by what `show` says of them.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::common::namespace::Folder;
use crate::common::run::{teem, teem_with};
use serde_json::{Value, json};

const HASH: &str = "c0fda1edafdbdbb96443424e0b3899af7159d10e";
/// The same in base32.
const HASH32: &str = "YD62D3NP3PN3SZCDIJHAWOEZV5YVTUIO";

#[test]
fn a_magnet_survives_mail_pages_and_terminals() {
    let folder = Folder::new("magnets");
    let whole = format!("magnet:?xt=urn:btih:{HASH}&dn=a%20name&tr=http%3A%2F%2Ft.example%2Fa&x.pe=198.18.0.1:42");
    let coded: String = whole
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
        .collect();
    let (start, end) = whole.split_at(40);
    for link in [
        whole.clone(),
        format!("  {whole}\n"),
        format!("{start}\n  {end}"),
        format!("{start}\r\n{end}\r\n"),
        whole.replace('&', "&amp;"),
        coded,
        format!("<{whole}>"),
        format!("\"{whole}\""),
        whole.replace("magnet:?xt", "MAGNET:?XT").replace(HASH, &HASH.to_uppercase()),
        whole.replace(HASH, HASH32),
    ] {
        let shown = teem(&folder.0, &["show", &link, "--json"]).ended(0).json();
        assert_eq!(shown["infohash_v1"], HASH, "{link:?}");
        assert_eq!(shown["name"], "a name", "{link:?}");
        assert_eq!(shown["trackers"], json!(["http://t.example/a"]), "{link:?}");
        assert_eq!(shown["peers"], json!(["198.18.0.1:42"]), "{link:?}");
        // Standard input holds one link a line.
        if !link.trim().contains('\n') {
            let piped = teem_with(&folder.0, &["show", "-", "--json"], &[], link.as_bytes());
            assert_eq!(piped.ended(0).json()["infohash_v1"], HASH, "{link:?} on standard input");
        }
    }
}

#[test]
fn bare_info_hashes_and_lost_trackers() {
    let folder = Folder::new("hashes");
    for text in [HASH.to_string(), HASH.to_uppercase(), HASH32.to_string(), HASH32.to_lowercase(), format!(" {HASH}\n")]
    {
        let shown = teem(&folder.0, &["show", &text, "--json"]).ended(0).json();
        assert_eq!(shown["infohash_v1"], HASH, "{text:?}");
    }
    let cut = format!("magnet:?xt=urn:btih:{HASH}");
    let hint = teem(&folder.0, &["show", &cut]).ended(0).out;
    assert!(hint.contains("hint") && hint.contains("quotes"), "{hint}");
    let got = teem(&folder.0, &["get", &cut, "--timeout", "100ms", "--listen", ":0"]).ended(4);
    assert!(got.err.contains("hint: ") && got.err.contains("quotes"), "{}", got.err);
    assert!(got.err.contains("--peer"), "what would help is missing: {}", got.err);
}

#[test]
fn broken_links_are_refused_with_a_reason() {
    let folder = Folder::new("broken");
    for (link, class) in [
        ("magnet:?xt=urn:btih:12345", "bad_info_hash"),
        ("magnet:?dn=only-a-name", "missing_info_hash"),
        ("magnet:", "not_a_magnet"),
        ("ftp://example.org/a.torrent", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
    ] {
        assert_eq!(teem(&folder.0, &["show", link, "--json"]).ended(1).class(), class, "{link}");
        assert_eq!(teem(&folder.0, &["get", link, "--json", "--listen", ":0"]).ended(1).class(), class, "{link}");
    }
}

#[test]
fn only_v2_is_shown_but_not_fetched() {
    let folder = Folder::new("v2");
    let link = format!("magnet:?xt=urn:btmh:1220{}", "ab".repeat(32));
    let shown = teem(&folder.0, &["show", &link, "--json"]).ended(0).json();
    assert_eq!(shown["infohash_v2"], "ab".repeat(32));
    let refused = teem(&folder.0, &["get", &link, "--json", "--listen", ":0"]).ended(1);
    assert_eq!(refused.class(), "only_v2");
    assert!(refused.err.contains("version 2"), "{}", refused.err);
}

/// What stands in `expect.json` and must be the same in our document; the rest is the other program's taste.
const FACTS: [&str; 9] = [
    "infohash_v1",
    "infohash_v2",
    "files",
    "real_files",
    "total_size",
    "size_without_pads",
    "piece_length",
    "pieces",
    "private",
];
/// The same, where the order says nothing.
const LISTS: [&str; 3] = ["trackers", "web_seeds", "dht_nodes"];

#[test]
fn torrents_of_others_are_shown_or_refused_as_they_should() {
    let Some(root) = env::var_os("TEEM_TEST_DATA").map(PathBuf::from) else {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
        return;
    };
    let text = fs::read_to_string(root.join("expect.json")).expect("expect.json is there");
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("it is JSON");
    let folder = Folder::new("others");
    let mut wrong = Vec::new();
    for (path, expected) in expected.iter().filter(|(path, _)| path.ends_with(".torrent")) {
        let file = root.join(path);
        let ran = teem(&folder.0, &["show", &file.to_string_lossy(), "--json"]);
        match (expected["verdict"].as_str(), ran.code) {
            (Some("accept"), 0) => {
                let shown = ran.json();
                wrong.extend(
                    FACTS
                        .iter()
                        .filter(|key| shown[**key] != expected[**key])
                        .map(|key| format!("{path}: {key} is {}, not {}", shown[*key], expected[*key])),
                );
                wrong.extend(
                    LISTS
                        .iter()
                        .filter(|key| sorted(&shown[**key]) != sorted(&expected[**key]))
                        .map(|key| format!("{path}: {key} is {}, not {}", shown[*key], expected[*key])),
                );
                wrong.extend(files(path, &shown["file_list"], &expected["file_list"]));
            }
            (Some("reject"), 1) => {
                let class = ran.class();
                // What is wrong in two ways may be refused for either.
                let also = expected["ref"]["warnings"].is_array().then_some("not_canonical");
                if expected["error_class"] != class.as_str() && also != Some(class.as_str()) {
                    wrong.push(format!("{path}: class {class}, not {}", expected["error_class"]));
                }
            }
            (Some("either") | None, 0 | 1) => {}
            (verdict, code) => wrong.push(format!("{path}: {verdict:?}, but exit code {code}: {}", ran.err)),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Web seeds may be completed to end with a slash, and what is no URL be left out.
fn sorted(list: &Value) -> Vec<String> {
    let text = |entry: &Value| entry.as_str().map_or(entry.to_string(), |url| url.trim_end_matches('/').to_string());
    let mut all: Vec<String> = list.as_array().into_iter().flatten().map(text).collect();
    all.retain(|entry| !entry.starts_with('/'));
    all.sort();
    all.dedup();
    all
}

/// Names may be other safe ones, and pads stand before or after empty files; sizes and roots are facts.
fn files(path: &str, shown: &Value, expected: &Value) -> Option<String> {
    let facts = |list: &Value| -> Vec<String> {
        let one = |file: &Value| format!("{} {} {}", file["size"], file["pad"] == true, file["pieces_root"]);
        let mut all: Vec<String> = list.as_array().into_iter().flatten().map(one).collect();
        all.sort();
        all
    };
    let (ours, theirs) = (facts(shown), facts(expected));
    // Long lists are cut off there.
    let differs = ours != theirs && ours.len() == theirs.len();
    differs.then(|| format!("{path}: file_list is {ours:?}, not {theirs:?}"))
}

#[test]
fn links_are_found_in_files_on_standard_input_and_among_other_words() {
    let folder = Folder::new("pasted");
    let whole = format!("magnet:?xt=urn:btih:{HASH}&dn=a%20name&tr=http%3A%2F%2Ft.example%2Fa");
    let wide: Vec<u8> = format!("\u{feff}{whole}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let url_file = format!("[InternetShortcut]\r\nURL={whole}\r\n");
    let page = format!("<html><a href=\"{}\">x</a></html>", whole.replace('&', "&amp;"));
    let texts = [
        whole.clone().into_bytes(),
        format!("\u{feff}{whole}\r\n").into_bytes(),
        wide,
        url_file.into_bytes(),
        page.into_bytes(),
        format!("\u{201c}{whole}\u{201d}").into_bytes(),
        format!("# mine\n\n`{HASH}`\n").into_bytes(),
    ];
    for text in texts {
        let said = String::from_utf8_lossy(&text).into_owned();
        fs::write(folder.0.join("the link.txt"), &text).unwrap();
        let file = format!("file://{}/the%20link.txt", folder.0.display());
        for link in ["the link.txt", "'the link.txt'", &file] {
            let shown = teem(&folder.0, &["show", link, "--json"]).ended(0).json();
            assert_eq!(shown["infohash_v1"], HASH, "{link}: {said:?}");
        }
        let piped = teem_with(&folder.0, &["show", "-", "--json"], &[], &text).ended(0).json();
        assert_eq!(piped["infohash_v1"], HASH, "{said:?}");
    }
    let two = format!("{whole}\n{}\n", "ab".repeat(20));
    let piped = teem_with(&folder.0, &["show", "-", "--json"], &[], two.as_bytes()).ended(0).json();
    assert_eq!(piped["infohash_v1"], HASH);
    assert!(piped["hints"][0].as_str().is_some_and(|hint| hint.contains("2 links")), "{piped}");
    fs::write(folder.0.join("several.txt"), &two).unwrap();
    let got = teem(&folder.0, &["get", "several.txt", "--listen", "127.0.0.1:0", "--timeout", "1s"]).ended(4).err;
    assert!(got.contains("of 2 done"), "{got}");
}

#[test]
fn a_server_that_answers_with_a_magnet_link_is_understood() {
    use std::io::{BufRead, BufReader, Write};
    let folder = Folder::new("answers");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let magnet = format!("magnet:?xt=urn:btih:{HASH}&dn=a%20name");
    let answers = [
        ("/redirect", format!("HTTP/1.1 302 Found\r\nLocation: {magnet}\r\nContent-Length: 0\r\n\r\n"), true),
        ("/text", format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n\u{feff}{magnet}", magnet.len() + 3), true),
        ("/path", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n/etc/passwd".to_owned(), false),
        ("/url", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhttp://127.0.0.1:1/x".to_owned(), false),
        ("/file", "HTTP/1.1 302 Found\r\nLocation: file:///a.torrent\r\nContent-Length: 0\r\n\r\n".to_owned(), false),
    ];
    let given = answers.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let target = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let answer = given.iter().find(|(path, ..)| target.split(' ').nth(1) == Some(path));
            let _ = stream.write_all(answer.map_or(&b""[..], |(_, text, _)| text.as_bytes()));
        }
    });
    for (path, _, understood) in answers {
        let shown = teem(&folder.0, &["show", &format!("http://127.0.0.1:{port}{path}"), "--json"]);
        if understood {
            assert_eq!(shown.ended(0).json()["infohash_v1"], HASH, "{path}");
        } else {
            shown.ended(1);
        }
    }
}
