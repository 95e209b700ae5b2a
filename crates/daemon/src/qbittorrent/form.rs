//! What a request of qBittorrent's interface says (its Web API; RFC 7578 for files): the query of one that reads, the body of one that posts, as
//! `application/x-www-form-urlencoded` or `multipart/form-data`.
use serde_json::Value;
use std::borrow::Cow;

/// Values of one request; there are fewer in any.
const FIELDS_MAX: usize = 10_000;

/// Bytes of the lines before a part's content.
const HEAD_BYTES: usize = 8 << 10;

/// What was said, in its order; of a key that comes twice the first counts.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Form {
    texts: Vec<(String, String)>,
    /// Contents of files, each with the field that it came in.
    files: Vec<(String, Vec<u8>)>,
}

impl Form {
    /// Of a query, or a body that is written like one.
    pub(super) fn of_pairs(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(FIELDS_MAX);
        Self { texts: pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect(), files: Vec::new() }
    }

    /// Of a body of that type. A part that is cut off or is none is left out, and so is what comes behind it.
    pub(super) fn of_body(content_type: &str, body: &[u8]) -> Self {
        match boundary(content_type) {
            Some(boundary) => Self::of_parts(body, &boundary),
            None => Self::of_pairs(body),
        }
    }

    fn of_parts(body: &[u8], boundary: &str) -> Self {
        let mut form = Self::default();
        let first = format!("--{boundary}");
        let next = format!("\r\n--{boundary}");
        let Some(begin) = find(body, first.as_bytes()) else { return form };
        let mut rest = &body[begin + first.len()..];
        for _ in 0..FIELDS_MAX {
            // After a boundary comes a line's end, or two dashes and nothing more.
            let Some(part) = rest.strip_prefix(b"\r\n") else { break };
            let Some(end) = find(part, next.as_bytes()) else { break };
            form.take(&part[..end]);
            rest = &part[end + next.len()..];
        }
        form
    }

    /// Takes one part in, if it has a name.
    fn take(&mut self, part: &[u8]) {
        // One without lines before its content begins with the empty line.
        let (head, content) = match part.strip_prefix(b"\r\n") {
            Some(content) => (&[][..], content),
            None => match find(part, b"\r\n\r\n") {
                Some(end) => (&part[..end], &part[end + 4..]),
                None => return,
            },
        };
        if head.len() > HEAD_BYTES {
            return;
        }
        let head = String::from_utf8_lossy(head);
        let disposition = head.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let Some(disposition) = disposition else { return };
        let Some(name) = parameter(disposition, "name") else { return };
        if parameter(disposition, "filename").is_some() || parameter(disposition, "filename*").is_some() {
            self.files.push((name.into_owned(), content.to_vec()));
        } else {
            self.texts.push((name.into_owned(), String::from_utf8_lossy(content).into_owned()));
        }
    }

    /// All of it as an object, of files their length.
    pub(super) fn told(&self) -> Value {
        let files = self.files.iter().map(|(key, content)| (key.clone(), format!("{} bytes", content.len()).into()));
        let texts = self.texts.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
        Value::Object(files.chain(texts).collect())
    }

    /// Bytes of all that was said, keys included.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|(key, value)| key.len() + value.len()).sum();
        texts + self.files.iter().map(|(key, content)| key.len() + content.len()).sum::<usize>()
    }

    /// A value; `None` where it is not said.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.texts.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A value that says something.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).map(str::trim).filter(|value| !value.is_empty())
    }

    /// A truth, in whichever words the programs have.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    pub(super) fn int(&self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// Values that a sign parts, without space around them and without empty ones.
    pub(super) fn list(&self, key: &str, sign: char) -> Vec<String> {
        let parts = self.get(key).unwrap_or_default().split(sign).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The contents of all files, whatever their fields are called.
    pub(super) fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.files.iter().map(|(_, content)| content.as_slice())
    }
}

/// The boundary of a body in parts.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(&format!(";{rest}"), "boundary").filter(|boundary| !boundary.is_empty()).map(Cow::into_owned)
}

/// The value of `; key=value` or `; key="value"`.
fn parameter<'a>(text: &'a str, key: &str) -> Option<Cow<'a, str>> {
    let mut rest = text;
    while let Some(at) = rest.find(';') {
        rest = rest[at + 1..].trim_start();
        let (name, value) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = value.find(';').unwrap_or(value.len());
            (Cow::Borrowed(value[..end].trim()), &value[end..])
        };
        if name.trim().eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// What stands up to the closing quote, and what comes behind it.
fn unquoted(text: &str) -> (Cow<'_, str>, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let value = &text[..at];
                let plain = value.contains('\\').then(|| value.replace("\\\"", "\"").replace("\\\\", "\\"));
                return (plain.map_or(Cow::Borrowed(value), Cow::Owned), &text[at + 1..]);
            }
            _ => {}
        }
    }
    (Cow::Borrowed(text), "")
}

/// Where a text of bytes begins in another. It takes time in proportion to both lengths' product at worst, and a boundary has few bytes.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| *byte == first) {
        if text[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"x y\"";

    fn body(parts: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            out.extend(format!("--x y\r\n{part}\r\n").into_bytes());
        }
        out.extend(b"--x y--\r\n");
        out
    }

    #[test]
    fn pairs_are_read_with_their_lists_and_truths() {
        let form = Form::of_pairs(b"hashes=a%7Cb|&paused=True&n=-2&empty=&tags=x,%20y,&n=3");
        assert_eq!(form.list("hashes", '|'), ["a", "b"]);
        assert_eq!((form.flag("paused"), form.flag("n"), form.int("n")), (Some(true), None, Some(-2)));
        assert_eq!((form.get("empty"), form.text("empty"), form.get("none")), (Some(""), None, None));
        assert_eq!(form.list("tags", ','), ["x", "y"]);
    }

    #[test]
    fn parts_are_texts_and_files() {
        let bytes = body(&[
            "Content-Disposition: form-data; name=\"category\"\r\n\r\ntv; new",
            "content-disposition: form-data; name=torrents; filename=\"a \\\"b\\\".torrent\"\r\nContent-Type: application/x-bittorrent\r\n\r\nd1:x\r\n--x1:ye",
            "Content-Disposition: form-data; name=\"empty\"\r\n\r\n",
            "no head at all",
            "\r\nnobody's",
        ]);
        let form = Form::of_body(KIND, &bytes);
        assert_eq!((form.get("category"), form.get("empty")), (Some("tv; new"), Some("")));
        assert_eq!(form.files().collect::<Vec<_>>(), [b"d1:x\r\n--x1:ye"]);
        assert_eq!(form.texts.len(), 2);
    }

    #[test]
    fn what_is_cut_off_is_left_out_and_nothing_panics() {
        let bytes = body(&[
            "Content-Disposition: form-data; name=\"a\"\r\n\r\n1",
            "Content-Disposition: form-data; name=\"b\"\r\n\r\n2",
        ]);
        for n in 0..bytes.len() {
            let form = Form::of_body(KIND, &bytes[..n]);
            assert!(form.texts.len() <= 2, "{n}");
        }
        assert_eq!(Form::of_body("multipart/form-data; boundary=", b"--\r\n"), Form::of_pairs(b"--\r\n"));
        assert_eq!(Form::of_body("multipart/form-data", b"a=1").get("a"), Some("1"));
        assert_eq!(parameter("form-data; name=\"open", "name").as_deref(), Some("open"));
    }
}
