//! What a client is told whose request reaches no route (RFC 9110, section 15): it did not end, cannot be read, or there is no place for the
//! connection.
use std::fmt::Write as _;

/// Told to a client whose request has begun and does not end (section 15.5.9).
pub(crate) const LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 37\r\n\r\n\
    the request did not come to its end\r\n";

/// Told to a client for which there is no place (section 15.6.4).
pub(crate) const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 10\r\ncontent-type: text/plain\r\n\
    content-length: 60\r\n\r\nevery connection is in use; please try again in ten seconds\n";

/// Told to a client that begins with the preface of HTTP/2 (RFC 9113, section 3.4; RFC 9110, section 15.6.6).
pub(crate) const NO_HTTP_2: &[u8] =
    b"HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 33\r\n\r\n\
    only HTTP/1.1 is understood here\n";

/// How HTTP/2 begins, as far as it is a line of HTTP/1.1.
pub(crate) const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

/// A line of every answer without a body.
const NO_LENGTH: &str = "content-length: 0\r\n";

/// Hyper answers what it cannot read by a status without a word: the same answer with a sentence. `None` for everything else.
pub(crate) fn worded(answer: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?;
    let (version, rest) = head.split_once(' ')?;
    let (status, lines) = rest.split_once("\r\n")?;
    let sentence = match status.split_once(' ')?.0 {
        "400" => "this is no HTTP request that can be understood\n",
        "414" => "the target is too long\n",
        "431" => "the header lines are too long or too many\n",
        _ => return None,
    };
    let lines = format!("{lines}\r\n");
    // An error that a route answers always has a type and a body.
    if !version.starts_with("HTTP/1.") || !lines.contains(NO_LENGTH) || lines.contains("content-type:") {
        return None;
    }
    let mut text = format!("{version} {status}\r\n{}content-type: text/plain\r\n", lines.replace(NO_LENGTH, ""));
    // Writing to a string cannot fail.
    let _ = write!(text, "content-length: {}\r\n\r\n{sentence}", sentence.len());
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_sentences() {
        for answer in [LATE, BUSY, NO_HTTP_2] {
            let text = std::str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{text}: {}", body.len());
        }
    }

    #[test]
    fn only_what_hyper_says_of_itself_is_given_words() {
        let bad = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: Sun, 29 Nov 2026 20:00:00 GMT\r\n\r\n";
        let worded_text = String::from_utf8(worded(bad.as_bytes()).unwrap()).unwrap();
        assert!(
            worded_text.ends_with("\r\ncontent-length: 47\r\n\r\nthis is no HTTP request that can be understood\n"),
            "{worded_text}"
        );
        for other in [
            bad.replace("400 Bad Request", "200 OK"),
            bad.replace("content-length: 0", "content-length: 5"),
            bad.replace("connection: close", "content-type: text/plain"),
            format!("{bad}x"),
            format!("x{bad}"),
        ] {
            assert_eq!(worded(other.as_bytes()), None, "{other}");
        }
    }
}
