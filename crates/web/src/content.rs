//! Content that is served as it is (RFC 9110, sections 8.8, 13 and 14): whole or one range, or nothing where the client has it already.
use crate::answer::plain;
use crate::body::from_reader;
use crate::range::{Wanted, wanted};
use crate::tag::Tag;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use std::ops::Range;
use std::pin::Pin;
use tokio::io::AsyncRead;

type Reader = Pin<Box<dyn AsyncRead + Send>>;
type Open = Box<dyn FnOnce(Range<u64>) -> Reader + Send>;

enum Source {
    Whole(Bytes),
    Read { length: u64, open: Open },
}

/// Something to be served, with what is said about it.
pub struct Content {
    media_type: &'static str,
    source: Source,
    tag: Option<Tag>,
}

impl Content {
    /// Content that is in memory.
    pub fn whole(media_type: &'static str, content: impl Into<Bytes>) -> Self {
        Self { media_type, source: Source::Whole(content.into()), tag: None }
    }

    /// Content of `length` bytes that is read while it is sent: `open` is asked once for a reader of the bytes that are wanted, and not at
    /// all for HEAD.
    pub fn read<R: AsyncRead + Send + 'static>(
        media_type: &'static str,
        length: u64,
        open: impl FnOnce(Range<u64>) -> R + Send + 'static,
    ) -> Self {
        let open: Open = Box::new(move |range| Box::pin(open(range)));
        Self { media_type, source: Source::Read { length, open }, tag: None }
    }

    /// Adds a tag, by which a client knows whether the content has changed.
    #[must_use]
    pub fn tagged(self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// The answer to a GET or HEAD with these header lines.
    pub fn answer(self, request: &Parts) -> Response {
        let length = self.source.length();
        let mut response = match judge(self.tag.as_ref(), request, length) {
            Verdict::Changed => return plain(StatusCode::PRECONDITION_FAILED, "it is not what was asked for any more"),
            Verdict::Unmodified => with_status(StatusCode::NOT_MODIFIED, Body::empty()),
            Verdict::Nothing => {
                let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE, "it does not have these bytes");
                line(&mut response, CONTENT_RANGE, &format!("bytes */{length}"));
                return response;
            }
            Verdict::Whole => self.source.send(&request.method, StatusCode::OK, 0..length),
            Verdict::Part(range) => {
                let text = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
                let mut response = self.source.send(&request.method, StatusCode::PARTIAL_CONTENT, range);
                line(&mut response, CONTENT_RANGE, &text);
                response
            }
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(tag) = self.tag.and_then(|tag| tag.value()) {
            headers.insert(ETAG, tag);
        }
        response
    }
}

/// What is to be answered.
enum Verdict {
    /// The client asks for an earlier state of the content (`If-Match`).
    Changed,
    /// The client has the present state (`If-None-Match`).
    Unmodified,
    /// Only bytes beyond the end are asked for.
    Nothing,
    Whole,
    Part(Range<u64>),
}

/// Holds a request's conditions against what there is, in the order of section 13.2.2.
fn judge(tag: Option<&Tag>, request: &Parts, length: u64) -> Verdict {
    let headers = &request.headers;
    let named = |name, weak| {
        let mut lines = texts(headers, name);
        lines.any(|list| list.trim() == "*" || tag.is_some_and(|tag| tag.is_in(list, weak)))
    };
    if headers.contains_key(IF_MATCH) && !named(IF_MATCH, false) {
        return Verdict::Changed;
    }
    if named(IF_NONE_MATCH, true) {
        return Verdict::Unmodified;
    }
    let still_the_same =
        !headers.contains_key(IF_RANGE) || texts(headers, IF_RANGE).any(|line| tag.is_some_and(|tag| tag.is(line)));
    let mut ranges = texts(headers, RANGE);
    match (ranges.next(), ranges.next()) {
        (Some(asked), None) if request.method == Method::GET && still_the_same => match wanted(asked, length) {
            Wanted::Whole => Verdict::Whole,
            Wanted::Part(range) => Verdict::Part(range),
            Wanted::Nothing => Verdict::Nothing,
        },
        _ => Verdict::Whole,
    }
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn with_status(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// Adds a header line of printable text.
fn line(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

impl Source {
    fn length(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Read { length, .. } => *length,
        }
    }

    /// A range that lies within it. Its length is said for HEAD too, whose body is not there to be counted.
    fn send(self, method: &Method, status: StatusCode, range: Range<u64>) -> Response {
        let count = range.end - range.start;
        let body = match self {
            _ if *method == Method::HEAD => Body::empty(),
            Self::Whole(bytes) => Body::from(bytes.slice(range.start as usize..range.end as usize)),
            Self::Read { open, .. } => from_reader(open(range), count),
        };
        let mut response = with_status(status, body);
        line(&mut response, CONTENT_LENGTH, &count.to_string());
        response
    }
}
