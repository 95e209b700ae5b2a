//! One HTTP request over a connection of its own, as much of RFC 9112 as the control ports of other clients need.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The longest an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// An answer to a request, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The three digits of its status.
    pub status: u16,
    /// The lines of its header, as they came.
    pub head: String,
    /// The bytes of its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header line.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(':')).find_map(|(key, value)| {
            let found = key.eq_ignore_ascii_case(name);
            found.then(|| value.trim())
        })
    }
}

/// GET without a body, POST with one.
pub fn request(address: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> io::Result<Answer> {
    request_of_bytes(address, path, headers, body.map(str::as_bytes))
}

/// The same with a body that need be no text.
pub fn request_of_bytes(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut reader = BufReader::new(stream);
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(bad());
        }
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(bad)?;
    let mut answer = Answer { status, head, body: Vec::new() };
    // Some go on with the connection whatever they are asked for.
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut answer.body)?;
    Ok(answer)
}
