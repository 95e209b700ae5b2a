//! The header lines of a request for content: whatever they say, what is answered is the whole, a part that lies within, or why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use teem_web::http::header::{CONTENT_LENGTH, CONTENT_RANGE, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use teem_web::http::{HeaderValue, Request};
use teem_web::{Content, Response, Tag};

fn header<'a>(response: &'a Response, name: &teem_web::http::HeaderName) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

fuzz_target!(|input: (u64, Vec<(u8, Vec<u8>)>)| {
    let (length, lines) = input;
    let mut request = Request::builder().method(if length % 8 == 7 { "HEAD" } else { "GET" }).uri("/");
    for (which, value) in lines {
        let name = [&RANGE, &IF_RANGE, &IF_NONE_MATCH, &IF_MATCH][usize::from(which) % 4];
        // Half of the values lead into the depth: a tag that fits, or a unit that is known.
        let value = match which / 4 % 4 {
            0 => [b"bytes=", &value[..]].concat(),
            1 => [b"\"e\",", &value[..]].concat(),
            _ => value,
        };
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else { return };
    let opened: Arc<Mutex<Option<Range<u64>>>> = Arc::default();
    let noted = opened.clone();
    let content = Content::read("application/octet-stream", length, move |range| {
        *noted.lock().expect("one thread") = Some(range);
        &b""[..]
    });
    let head = request.method() == "HEAD";
    let response = content.tagged(Tag::of(b"e")).answer(&request.into_parts().0);
    let opened = opened.lock().expect("one thread").take();
    let said = header(&response, &CONTENT_LENGTH).map(str::to_owned);
    match response.status().as_u16() {
        200 => {
            assert!(head || opened == Some(0..length));
            assert_eq!(said, Some(length.to_string()));
        }
        206 => {
            let part = opened.expect("a part is read");
            assert!(!head && part.start < part.end && part.end <= length);
            let text = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            assert_eq!(header(&response, &CONTENT_RANGE), Some(&*text));
            assert_eq!(said, Some((part.end - part.start).to_string()));
        }
        416 => assert_eq!(header(&response, &CONTENT_RANGE), Some(&*format!("bytes */{length}"))),
        304 | 412 => assert_eq!(opened, None),
        other => panic!("{other}"),
    }
});
