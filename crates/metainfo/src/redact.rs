//! URLs of trackers for people's eyes and logs (own design): passkeys, users and passwords are left out.
use alloc::string::{String, ToString};

use crate::url::Url;

/// Bytes of a text that is no URL that are shown.
const BROKEN_SHOWN: usize = 200;

/// A URL for display and logs: user and password are left out, values of the query and segments of the path that look like a passkey
/// stand as `…`. Of what is no URL that is shown which can hold no secret.
pub fn redact(text: &str) -> String {
    let Some(url) = Url::parse(text.trim()) else { return broken(text.trim()) };
    let mut out = url.scheme.to_ascii_lowercase();
    out.push_str("://");
    out.push_str(url.host);
    if let Some(port) = url.port {
        out.push(':');
        out.push_str(&port.to_string());
    }
    for segment in url.path.split('/').skip(1) {
        out.push('/');
        out.push_str(if secret(segment) { "…" } else { segment });
    }
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
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(if secret(scheme) { "…" } else { scheme });
        out.push_str("://");
    }
    let host_like = !scheme.is_empty() || host.contains(['.', ':']) || host.len() < 20;
    for (at, word) in host.split(' ').enumerate() {
        out.push_str(if at > 0 { " " } else { "" });
        out.push_str(if (at > 0 || !host_like) && secret(word) { "…" } else { word });
    }
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
    names_somebody(text) || !url.query.is_empty() || url.path.split('/').any(secret)
}

/// Whether a web seed's URL holds a name with a password, or a value of its query looks like a token. Files have all sorts of names, so
/// the path says nothing.
pub fn has_token(text: &str) -> bool {
    let Some(url) = Url::parse(text.trim()) else { return true };
    names_somebody(text)
        || url.query.split('&').any(|pair| secret(pair.split_once('=').map_or(pair, |(_, value)| value)))
}

fn names_somebody(url: &str) -> bool {
    url.trim().split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@'))
}

/// Passkeys are 8 and more letters with digits among them, or very long; names of scripts and folders are neither.
fn secret(segment: &str) -> bool {
    segment.len() >= 20 || (segment.len() >= 8 && segment.bytes().any(|b| b.is_ascii_digit()))
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
