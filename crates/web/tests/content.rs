//! Content as it is asked for: ranges, conditions, and bodies that are read while they are sent.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
mod common;

use common::{CONTENT, Client, PIPE, server};
use teem_web::Limits;

#[tokio::test(start_paused = true)]
async fn one_range_is_sent_and_several_are_the_whole() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    for target in ["/content", "/read"] {
        for (range, part, line) in [
            ("bytes=0-4", &CONTENT[..5], "bytes 0-4/20"),
            ("bytes=5-", &CONTENT[5..], "bytes 5-19/20"),
            ("bytes=-3", &CONTENT[17..], "bytes 17-19/20"),
            ("bytes=0-", CONTENT, "bytes 0-19/20"),
            ("bytes=19-99", &CONTENT[19..], "bytes 19-19/20"),
        ] {
            let answer = client.ask("GET", target, &format!("Range: {range}\r\n")).await;
            assert_eq!((answer.status, answer.body.as_slice()), (206, part), "{range} of {target}");
            assert_eq!(answer.header("content-range"), Some(line));
        }
        for range in ["bytes=0-1,3-4", "bytes=4-3", "lines=0-1", "bytes=0-1\r\nRange: bytes=2-3"] {
            let answer = client.ask("GET", target, &format!("Range: {range}\r\n")).await;
            assert_eq!((answer.status, answer.body.as_slice()), (200, CONTENT), "{range} of {target}");
            assert_eq!((answer.header("content-range"), answer.header("accept-ranges")), (None, Some("bytes")));
        }
        let beyond = client.ask("GET", target, "Range: bytes=20-\r\n").await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */20")));
        let head = client.ask("HEAD", target, "Range: bytes=0-4\r\n").await;
        assert_eq!((head.status, head.header("content-length")), (200, Some("20")), "a range is for GET alone");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_has_is_not_sent_again() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    let tag = client.get("/content").await.header("etag").unwrap().to_owned();
    for (headers, status) in [
        (format!("If-None-Match: {tag}\r\n"), 304),
        (format!("If-None-Match: \"x\", W/{tag}\r\n"), 304),
        ("If-None-Match: *\r\n".to_owned(), 304),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200),
        (format!("If-Match: \"x\", {tag}\r\n"), 200),
        (format!("If-Match: W/{tag}\r\n"), 412),
        (format!("If-Range: {tag}\r\nRange: bytes=1-2\r\n"), 206),
        ("If-Range: \"x\"\r\nRange: bytes=1-2\r\n".to_owned(), 200),
        (format!("If-None-Match: {tag}\r\nRange: bytes=1-2\r\n"), 304),
    ] {
        let answer = client.ask("GET", "/content", &headers).await;
        assert_eq!(answer.status, status, "{headers}");
        assert!(status != 304 || answer.body.is_empty() && answer.header("etag") == Some(&tag), "{answer:?}");
    }
    assert_eq!(client.ask("GET", "/content", "If-Match: *\r\n").await.status, 200);
    assert_eq!(client.ask("GET", "/read", "If-Range: \"x\"\r\nRange: bytes=1-2\r\n").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_only_as_fast_as_it_is_taken() {
    let (mut feed, reader) = tokio::io::duplex(PIPE);
    let reader = std::sync::Arc::new(std::sync::Mutex::new(Some(reader)));
    let route = teem_web::routing::get(move || {
        let reader = reader.lock().unwrap().take().unwrap();
        async { teem_web::Response::new(teem_web::from_reader(reader, 1 << 20)) }
    });
    let fed = teem_web::Server::new(teem_web::Router::new().route("/", route), Limits::DEFAULT);
    let mut taker = Client::new(&fed, "192.0.2.1");
    taker.say("GET / HTTP/1.1\r\nHost: t\r\n\r\n").await;
    // The client takes nothing: what is fed comes to a halt at what the server may hold.
    let mut taken = 0;
    let stuck = async {
        loop {
            taken += tokio::io::AsyncWriteExt::write(&mut feed, &[7; 512]).await.unwrap();
        }
    };
    let halt = tokio::time::timeout(Limits::DEFAULT.stall / 2, stuck).await;
    assert!(halt.is_err() && taken < 256 << 10, "{taken} bytes read ahead");
    let rest = async {
        for _ in 0..((1 << 20) - taken) / 512 {
            tokio::io::AsyncWriteExt::write_all(&mut feed, &[7; 512]).await.unwrap();
        }
    };
    let (answer, ()) = tokio::join!(taker.next(false), rest);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 1 << 20));
    assert!(answer.body.iter().all(|byte| *byte == 7));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_ends_too_soon_ends_the_connection() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    client.say("GET /short HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let got = client.rest().await;
    assert!(!got.windows(4).any(|four| four == b"\r\n\r\n") || got.ends_with(b"\r\n\r\nhalf"), "{got:?}");
    assert!(client.ended().await, "the client sees that something is missing");
}
