//! Where a redirect leads (RFC 9110 section 10.2.2): absolute URLs, and paths on the same host.
use super::error::HttpError;
use hyper::Uri;
use teem_metainfo::redact::redact_file;
use teem_metainfo::url::{self, UrlError};

/// A URL that may be fetched: http or https, with a host.
pub(super) fn checked(text: &str) -> Result<Uri, HttpError> {
    if let Err(UrlError::Scheme(scheme)) = url::http(text) {
        return Err(HttpError::Scheme(scheme));
    }
    let bad = || HttpError::BadUrl(redact_file(text));
    let uri: Uri = url::http(text).map_err(|_| bad())?.parse().map_err(|_| bad())?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|h| !h.is_empty()) => Ok(uri),
        _ => Err(bad()),
    }
}

/// Resolves a `Location` value against the URL that was asked.
pub(super) fn resolve(base: &Uri, location: &str) -> Result<Uri, HttpError> {
    let location = location.trim().replace('\\', "/");
    let location = location.as_str();
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |a| a.as_str());
    if location.contains("://") {
        checked(location)
    } else if let Some(rest) = location.strip_prefix("//") {
        checked(&format!("{scheme}://{rest}"))
    } else if location.starts_with('/') {
        checked(&format!("{scheme}://{authority}{location}"))
    } else if location.split(['/', '?', '#']).next().is_some_and(|head| head.contains(':')) {
        Err(HttpError::Scheme(location.split(':').next().unwrap_or_default().to_owned()))
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        checked(&format!("{scheme}://{authority}{folder}/{location}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_resolve_like_a_browser_s() {
        let base = checked("http://a.example:81/x/announce?k=1").unwrap();
        for (location, result) in [
            ("https://b.example/y", Some("https://b.example/y")),
            ("/z?q=2", Some("http://a.example:81/z?q=2")),
            ("next", Some("http://a.example:81/x/next")),
            ("//c.example/p", Some("http://c.example/p")),
            ("HTTPS://B.Example/a b/é", Some("https://b.example/a%20b/%C3%A9")),
            ("/z y\\x", Some("http://a.example:81/z%20y/x")),
            ("http://b.example?q=1", Some("http://b.example/?q=1")),
            ("file:///etc/passwd", None),
            ("ftp://x/", None),
            ("data:text/plain,x", None),
        ] {
            assert_eq!(resolve(&base, location).ok().map(|u| u.to_string()).as_deref(), result, "{location}");
        }
    }

    #[test]
    fn row_62_other_schemes_are_refused() {
        for url in ["file:///etc/passwd", "gopher://x/", "unix:/run/x", "data:,x", "ftp://h/f", "http://"] {
            assert!(checked(url).is_err(), "{url}");
        }
    }
}
