//! URLs for people's eyes and logs (own design): passkeys, users and passwords are left out, wherever in a URL they stand and wherever a URL
//! stands in a text.
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

use crate::percent::decode;
pub use crate::secret::redact_host;
use crate::secret::{is_code, secret};
use crate::url::{self, Url};

/// Bytes of a text that is no URL that are shown.
const BROKEN_SHOWN: usize = 200;
/// Bytes of a query's value that is looked for in other texts; shorter ones are words like any.
const VALUE_MIN: usize = 5;
/// The same of a user and a password.
const PASSWORD_MIN: usize = 3;

/// A tracker's URL for display and logs: user and password are left out; labels of the host, segments of the path that look like a passkey
/// and all values of the query stand as `…`. Of what is no URL that is shown which can hold no secret.
pub fn redact(text: &str) -> String {
    let Some(url) = Url::parse(text.trim()) else { return broken(text.trim()) };
    let mut out = authority(&url);
    for segment in url.path.split('/').skip(1) {
        out.push('/');
        match segment.split_once('=') {
            Some((name, _)) if !secret(name) => {
                out.push_str(name);
                out.push_str("=…");
            }
            _ => out.push_str(if secret(segment) { "…" } else { segment }),
        }
    }
    out + &query(&url)
}

/// A web seed's URL, or that of a .torrent, for display and logs: as [`redact`], but names in the path are files' names, of all sorts. Of a path
/// only that is left out which is a long number or a code and nothing else.
pub fn redact_file(text: &str) -> String {
    let Some(url) = Url::parse(text.trim()) else { return broken(text.trim()) };
    let mut out = authority(&url);
    for segment in url.path.split('/').skip(1) {
        out.push('/');
        out.push_str(if is_code(segment) { "…" } else { segment });
    }
    out + &query(&url)
}

/// A text in which others speak (a tracker's reason, an error) for display and logs: each URL in it stands as [`redact`] writes it.
pub(crate) fn redact_text(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let begin = rest[..at].trim_end_matches(scheme).len();
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>(){}|,;«»“”„‘’".contains(c);
        let end = at + 3 + rest[at + 3..].find(ends).unwrap_or(rest.len() - at - 3);
        let url = rest[begin..end].trim_end_matches(['.', ':', '!', '?', ']']);
        out.push_str(&rest[..begin]);
        // Without a scheme it is treated as if it had one.
        let shown = if begin < at { redact(url) } else { redact(&["x", url].concat()).split_off(1) };
        out.push_str(if url.len() > at + 3 - begin { &shown } else { url });
        rest = &rest[begin + url.len().max(at + 3 - begin)..];
    }
    out.push_str(rest);
    uncoded(&out)
}

/// A link, or what was meant as one, for display and logs. Of a magnet link its first parameter is enough to know it by.
pub fn redact_link(text: &str) -> String {
    match text.split_once(['?', '&']) {
        Some((scheme, rest)) if !text.contains("://") && scheme.len() <= "magnet://".len() => {
            let mark = &text[scheme.len()..=scheme.len()];
            let (first, more) = rest.split_once('&').map_or((rest, ""), |(first, _)| (first, "&…"));
            uncoded(&alloc::format!("{scheme}{mark}{first}{more}"))
        }
        _ => redact_text(text),
    }
}

/// A text without URLs that are coded, as in a link or a query.
fn uncoded(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut from) = (String::new(), 0);
    while let Some(at) = lower[from..].find("%3a%2f%2f").map(|at| at + from) {
        let end =
            text[at..].find(|c: char| c.is_whitespace() || "&\"'<>".contains(c)).map_or(text.len(), |end| at + end);
        out.push_str(&text[from..at]);
        out.push_str("://…");
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// A text that speaks of that tracker, for display and logs: as `redact_text`, and what is secret in the URL is left out wherever the text
/// repeats it, coded or not, in any case.
pub fn redact_of(text: &str, url: &str) -> String {
    let mut out = redact_text(text);
    for secret in secrets(url) {
        out = without(&out, &secret);
    }
    out
}

/// What [`redact`] leaves out of a URL, as it stands and decoded, the longest first.
fn secrets(url: &str) -> Vec<String> {
    let mended = url::tracker(url);
    let Some(url) = Url::parse(mended.as_deref().unwrap_or(url).trim()) else { return Vec::new() };
    let mut found: Vec<&str> = Vec::new();
    let (user, password) = url.user.split_once(':').unwrap_or((url.user, ""));
    found.extend([user, password].iter().filter(|text| text.len() >= PASSWORD_MIN));
    if redact_host(url.host).contains('…') {
        found.extend(url.host.split('.').filter(|label| is_code(label)));
    }
    for segment in url.path.split('/') {
        found.extend(segment.split_once('=').map(|(_, value)| value).filter(|value| value.len() >= VALUE_MIN));
        found.extend(Some(segment).filter(|segment| secret(segment)));
    }
    for pair in url.query.split('&') {
        let value = pair.split_once('=').map_or(pair, |(_, value)| value);
        found.extend(Some(value).filter(|value| value.len() >= VALUE_MIN));
    }
    let mut all: Vec<String> = found.iter().map(|text| (*text).to_owned()).collect();
    all.extend(found.iter().filter_map(|text| String::from_utf8(decode(text)).ok()));
    all.retain(|text| !text.is_empty());
    all.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    all.dedup();
    all
}

/// The text with `…` wherever that stood, in any case.
fn without(text: &str, secret: &str) -> String {
    let (lower, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let (mut out, mut from) = (String::new(), 0);
    while let Some(at) = lower[from..].find(&secret).map(|at| at + from) {
        out.push_str(&text[from..at]);
        out.push('…');
        from = at + secret.len();
    }
    out.push_str(&text[from..]);
    out
}

/// Scheme, host and port.
fn authority(url: &Url<'_>) -> String {
    let mut out = url.scheme.to_ascii_lowercase();
    out.push_str("://");
    out.push_str(&redact_host(url.host));
    if let Some(port) = url.port {
        out.push(':');
        out.push_str(&port.to_string());
    }
    out
}

/// The query without its values.
fn query(url: &Url<'_>) -> String {
    let mut out = String::new();
    for (at, pair) in url.query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if !secret(name) => {
                out.push_str(name);
                out.push_str("=…");
            }
            _ => out.push('…'),
        }
    }
    out
}

/// What can be shown of a text that is no URL: enough to find it in a file. What stands between two marks may be a passkey, what
/// stands before an `@` a password; the host may be neither, whatever digits it has.
fn broken(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.split_at(rest.find(['/', '\\', '#']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    // What is no port may be a password, where the host behind it was forgotten.
    let (host, port) = match host.split_once(':').filter(|_| !host.starts_with('[')) {
        Some((name, port)) if !port.bytes().all(|c| c.is_ascii_digit()) => (name, ":…"),
        _ => (host, ""),
    };
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(if secret(scheme) { "…" } else { scheme });
        out.push_str("://");
    }
    let host_like = !scheme.is_empty() || host.contains(['.', ':']) || host.len() < 20;
    for (at, word) in host.split(' ').enumerate() {
        out.push_str(if at > 0 { " " } else { "" });
        let shown = if (at > 0 || !host_like) && secret(word) { "…".to_owned() } else { redact_host(word) };
        out.push_str(&shown);
    }
    out.push_str(port);
    for segment in path.split_inclusive(['/', '\\', '#', ' ', '&', '=']) {
        let word = segment.trim_end_matches(['/', '\\', '#', ' ', '&', '=']);
        out.push_str(if secret(word) { "…" } else { word });
        out.push_str(&segment[word.len()..]);
    }
    let shown: String = out.chars().filter(|c| !c.is_control()).take(BROKEN_SHOWN).collect();
    if shown.is_empty() { "(malformed URL)".to_string() } else { shown }
}

/// Whether a tracker's URL holds something that [`redact`] would hide: with it anybody could announce as its owner.
pub fn has_secret(text: &str) -> bool {
    let Some(url) = Url::parse(text.trim()) else { return true };
    let value = |segment: &str| segment.contains('=') || secret(segment);
    names_somebody(text) || !url.query.is_empty() || hides_host(url.host) || url.path.split('/').any(value)
}

/// Whether a web seed's URL holds a name with a password, or a value of its query looks like a token. Files have all sorts of names, so
/// the path says nothing.
pub fn has_token(text: &str) -> bool {
    let Some(url) = Url::parse(text.trim()) else { return true };
    names_somebody(text)
        || hides_host(url.host)
        || url.query.split('&').any(|pair| secret(pair.split_once('=').map_or(pair, |(_, value)| value)))
}

fn hides_host(host: &str) -> bool {
    redact_host(host) != host
}

fn names_somebody(url: &str) -> bool {
    url.trim().split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_must_not_be_given() {
        for url in [
            "http://t.example/0123456789abcdef0123456789abcdef/announce",
            "http://t.example/announce?passkey=a",
            "http://u@t.example/",
            "x",
        ] {
            assert!(has_secret(url), "{url}");
        }
        assert!(!has_secret("udp://tracker.example:1337/announce") && !has_secret("http://t.example:80"));
        for url in [
            "https://u:p@w.example/a",
            "https://w.example/a?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027",
            "https://w.example/a?0123456789ab",
        ] {
            assert!(has_token(url), "{url}");
        }
        for url in [
            "https://w.example/a-very-long-name-of-a-file-1.2.3.iso",
            "http://mirror.example/content?a&b",
            "https://w.example/@a/b",
        ] {
            assert!(!has_token(url), "{url}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = [
            ("http://t.example/announce", "http://t.example/announce"),
            ("http://u:pw@t.example:80/announce.php", "http://t.example:80/announce.php"),
            ("https://t.example/0123456789abcdef0123456789abcdef/announce", "https://t.example/…/announce"),
            ("https://t.example/announce?passkey=abc&uid=7", "https://t.example/announce?passkey=…&uid=…"),
            ("https://t.example/announce?0123456789abcdef", "https://t.example/announce?…"),
        ];
        for (url, expected) in shown {
            assert_eq!(redact(url), expected);
        }
    }

    #[test]
    fn a_secret_is_left_out_wherever_in_a_url_it_stands() {
        let key = "0123456789abcdef0123456789abcdef";
        for (url, shown) in [
            ("http://KEY.t.example/announce", "http://….t.example/announce"),
            ("http://k3y9x2m7q1zz.tracker.example:80/a", "http://….tracker.example:80/a"),
            ("udp://KEY.t.example:6969", "udp://….t.example:6969"),
            ("http://t.example/passkey=abc/announce", "http://t.example/passkey=…/announce"),
            ("http://u:KEY@t.example/", "http://t.example/"),
            ("http://KEY@t.example", "http://t.example"),
            ("http://t.example/announce?a&KEY=1", "http://t.example/announce?…&…"),
            ("http://t.example/#KEY", "http://t.example/"),
            // Names of machines are shown.
            ("http://tracker2.open-tracker.example", "http://tracker2.open-tracker.example"),
            ("http://ec2-54-210-1-2.compute-1.amazonaws.com/a", "http://ec2-54-210-1-2.compute-1.amazonaws.com/a"),
            ("udp://192.168.100.200:1", "udp://192.168.100.200:1"),
            ("udp://[2001:db8:1234:5678:9abc:def0:1234:5678]:1", "udp://[2001:db8:1234:5678:9abc:def0:1234:5678]:1"),
        ] {
            let url = url.replace("KEY", key);
            assert_eq!(redact(&url), shown);
            assert_eq!(
                has_secret(&url),
                url.contains(key) && !url.contains('#') || url.contains("k3y9") || url.contains('='),
                "{url}"
            );
        }
        for (url, shown) in [
            (
                "https://u:p@w.example/a-long-name-of-a-file-1.2.3.iso",
                "https://w.example/a-long-name-of-a-file-1.2.3.iso",
            ),
            ("https://KEY.w.example/a", "https://….w.example/a"),
            ("https://w.example/dl/KEY/a.torrent?token=x", "https://w.example/dl/…/a.torrent?token=…"),
        ] {
            assert_eq!(redact_file(&url.replace("KEY", key)), shown);
        }
    }

    #[test]
    fn a_secret_is_left_out_wherever_a_text_repeats_it() {
        let key = "0123456789abcdef0123456789abcdef";
        let url =
            "https://User:pass%20word@0a1b2c3d4e5f6a7b.t.example/KEY/announce?uid=7&sid=hunter2".replace("KEY", key);
        for (text, shown) in [
            ("unregistered passkey KEY", "unregistered passkey …"),
            ("GET /KEY/announce failed", "GET /…/announce failed"),
            ("see https://t.example/login?next=/KEY/x.", "see https://t.example/login?next=…."),
            ("bad http://other.example/KEY, sorry", "bad http://other.example/…, sorry"),
            ("no password \"pass word\" (pass%20word) for USER", "no password \"…\" (…) for …"),
            ("sid=HUNTER2 of 7", "sid=… of 7"),
            ("0a1b2c3d4e5f6a7b.t.example cannot be resolved", "….t.example cannot be resolved"),
            ("next=https%3A%2F%2Ft.example%2FKEY&x", "next=https://…&x"),
            ("a://", "a://"),
            ("://", "://"),
            ("é://é é", "é://é é"),
        ] {
            assert_eq!(redact_of(&text.replace("KEY", key), &url), shown, "{text}");
        }
        let cut = "magnt:?xt=urn:btih:0123&tr=http%3A%2F%2Ft%2Fkey";
        assert_eq!(redact_link(cut), "magnt:?xt=urn:btih:0123&…");
        assert_eq!(redact_link("folder/a&b.torrent"), "folder/a&b.torrent");
        assert_eq!(redact_link("htps://t.example/0123456789ab/a.torrent"), "htps://t.example/…/a.torrent");
    }

    #[test]
    fn what_is_no_url_can_be_found_again_and_holds_no_secret() {
        let shown = [
            ("nonsense 0123456789abcdef", "nonsense …"),
            ("t.example:80/0123456789abcdef/announce?key=secret", "t.example:80/…/announce"),
            ("http://user:secret@tracker1.example:99999/a", "http://tracker1.example:99999/a"),
            ("http://h ost/0123456789abcdef/", "http://h ost/…/"),
            ("0123456789abcdef0123456789abcdef", "…"),
            ("", "(malformed URL)"),
        ];
        for (text, expected) in shown {
            assert_eq!(redact(text), expected, "{text}");
        }
    }
}
