//! What servers may answer, and what comes of it (rows 52, 53 and 62 of bad input): typed errors, bounded memory, no loops.
#![allow(clippy::unwrap_used)] // helpers outside of test functions
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use teem_client::http::error::HttpError;
use teem_client::http::fetch::{Fetched, Http, Limits};

const LIMITS: Limits = Limits { body: 64 << 10, redirects: 5, time: Duration::from_secs(20) };

/// A server that answers each request by what `answer` writes, until the test's process ends; counts the requests.
fn server(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let seen = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            seen.fetch_add(1, Ordering::SeqCst);
            let head = String::from_utf8_lossy(&head).into_owned();
            answer(head.split(' ').nth(1).unwrap_or_default(), &mut stream);
        }
    });
    (addr, count)
}

/// Writing to a client that has gone away is what several of these tests are about.
fn say(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}

fn plain(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    say(stream, format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).as_bytes());
    say(stream, body);
}

fn get(addr: SocketAddr, path: &str, limits: Limits) -> Result<Fetched, HttpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Http::new(teem_path::Path::direct(), "test").get(&format!("http://{addr}{path}"), limits))
}

#[test]
fn statuses_and_bodies_come_as_they_are() {
    let (addr, _) = server(|path, s| match path {
        "/404" => plain(s, "404 Not Found", "", b"<html>"),
        "/empty" => plain(s, "200 OK", "", b""),
        _ => plain(s, "200 OK", "", path.as_bytes()),
    });
    assert_eq!(get(addr, "/404", LIMITS).unwrap().status, 404);
    assert_eq!(get(addr, "/empty", LIMITS).unwrap().body, b"");
    assert_eq!(get(addr, "/a?b=%20c", LIMITS).unwrap().body, b"/a?b=%20c");
}

#[test]
fn gzip_is_unpacked_and_bombs_are_not() {
    let pack = |bytes: &[u8]| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let (small, bomb) = (pack(b"d8:intervali60ee"), pack(&vec![0; 16 << 20]));
    let (addr, _) = server(move |path, s| match path {
        "/bomb" => plain(s, "200 OK", "Content-Encoding: gzip\r\n", &bomb),
        "/broken" => plain(s, "200 OK", "Content-Encoding: gzip\r\n", b"no gzip"),
        _ => plain(s, "200 OK", "Content-Encoding: gzip\r\n", &small),
    });
    assert_eq!(get(addr, "/", LIMITS).unwrap().body, b"d8:intervali60ee");
    assert_eq!(get(addr, "/bomb", LIMITS).unwrap_err(), HttpError::TooLarge(LIMITS.body));
    assert!(matches!(get(addr, "/broken", LIMITS), Err(HttpError::Protocol(_))));
}

#[test]
fn endless_and_oversized_bodies_are_cut_off() {
    let (addr, _) = server(|path, s| match path {
        "/length" => {
            say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n");
        }
        "/chunks" => {
            say(s, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while say(s, b"400\r\n") && say(s, &[b'x'; 1024]) && say(s, b"\r\n") {}
        }
        _ => {
            say(s, b"HTTP/1.1 200 OK\r\n\r\n");
            while say(s, &[b'x'; 1024]) {}
        }
    });
    for path in ["/length", "/chunks", "/stream"] {
        assert_eq!(get(addr, path, LIMITS).unwrap_err(), HttpError::TooLarge(LIMITS.body), "{path}");
    }
}

#[test]
fn nonsense_is_no_http() {
    let (addr, _) = server(|path, s| {
        let _ = match path {
            "/chunk" => say(s, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "/short" => say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"),
            "/nothing" => true,
            _ => say(s, b"220 smtp ready\r\n\r\n"),
        };
    });
    for path in ["/chunk", "/short", "/nothing", "/smtp"] {
        assert!(matches!(get(addr, path, LIMITS), Err(HttpError::Protocol(_))), "{path}");
    }
}

#[test]
fn a_server_that_drips_is_left() {
    let (addr, _) = server(|_, s| {
        say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
        // Held open until the client has had enough.
        let _ = s.read(&mut [0; 16]);
    });
    let short = Limits { time: Duration::from_millis(200), ..LIMITS };
    assert_eq!(get(addr, "/", short).unwrap_err(), HttpError::TimedOut(short.time));
}

#[test]
fn row_53_redirects_are_followed_five_times_and_never_to_other_schemes() {
    let (addr, count) = server(|path, s| match path {
        "/loop" => plain(s, "302 Found", "Location: /loop\r\n", b""),
        "/file" => plain(s, "302 Found", "Location: file:///etc/passwd\r\n", b""),
        "/twice" => plain(s, "301 Moved", "Location: once\r\n", b""),
        "/once" => plain(s, "307 Temporary", "Location: /end\r\n", b""),
        _ => plain(s, "200 OK", "", b"end"),
    });
    assert_eq!(get(addr, "/loop", LIMITS).unwrap_err(), HttpError::Redirects(5));
    assert_eq!(count.load(Ordering::SeqCst), 6);
    assert_eq!(get(addr, "/file", LIMITS).unwrap_err(), HttpError::Scheme("file".into()));
    assert_eq!(get(addr, "/twice", LIMITS).unwrap().body, b"end");
}

#[test]
fn a_refused_connection_is_said_with_the_address() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = get(addr, "/", LIMITS).unwrap_err();
    assert!(matches!(&error, HttpError::Unreachable(why) if why.contains(&addr.to_string())), "{error}");
}

#[test]
fn a_server_that_does_not_speak_tls_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        plain(&mut stream, "200 OK", "", b"x");
        // Reads until the client leaves, so that what was said is not lost to a reset.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime
        .block_on(Http::new(teem_path::Path::direct(), "test").get(&format!("https://{addr}/"), LIMITS))
        .unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error}");
}

#[test]
fn a_client_without_a_name_says_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    for (name, said) in [("somebody", true), ("", false)] {
        let heard = std::thread::scope(|scope| {
            let heard = scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                plain(&mut stream, "200 OK", "", b"");
                String::from_utf8(head).unwrap().to_ascii_lowercase()
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let http = Http::new(teem_path::Path::direct(), name);
            runtime.block_on(http.get(&format!("http://{addr}/"), LIMITS)).unwrap();
            heard.join().unwrap()
        });
        assert_eq!(heard.contains("user-agent"), said, "{heard}");
    }
}
