//! Each limit, met by a client that goes beyond it. The clock is the test's: it moves when nothing else can.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
mod common;

use common::{Client, server};
use std::time::Duration;
use teem_web::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, advance, sleep};

const LIMITS: Limits = Limits::DEFAULT;
const SECOND: Duration = Duration::from_secs(1);
/// A second less than an idle connection may last.
const ALMOST_IDLE: Duration = LIMITS.idle.saturating_sub(SECOND);

#[tokio::test(start_paused = true)]
async fn a_head_of_too_many_bytes_or_lines() {
    let server = server(LIMITS);
    for (request, status) in [
        (format!("GET /echo HTTP/1.1\r\nHost: t\r\nX: {}\r\n\r\n", "x".repeat(LIMITS.head_bytes)), 431),
        (format!("GET /echo HTTP/1.1\r\nHost: t\r\n{}\r\n", "X: y\r\n".repeat(LIMITS.headers)), 431),
        (format!("GET /echo HTTP/1.1\r\nHost: t\r\n{}\r\n", "X: y\r\n".repeat(LIMITS.headers - 1)), 200),
        (format!("GET /echo?{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(LIMITS.target_bytes - 6)), 200),
        (format!("GET /echo?{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(LIMITS.target_bytes - 5)), 414),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(LIMITS.path_bytes - 1)), 404),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(LIMITS.path_bytes)), 414),
    ] {
        let mut client = Client::new(&server, "192.0.2.1");
        // A server that has read enough closes while the rest is still being sent.
        let _ = client.stream.write_all(request.as_bytes()).await;
        assert_eq!(client.next(false).await.unwrap().status, status, "{}", &request[..50]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_ends_at_its_deadline() {
    let server = server(LIMITS);
    let begun = Instant::now();
    let mut client = Client::new(&server, "192.0.2.1");
    for byte in b"GET /echo" {
        client.say([*byte]).await;
        sleep(SECOND).await;
    }
    let answer = client.next(false).await.unwrap();
    assert_eq!((answer.status, answer.text()), (408, "the request did not come to its end\r\n"));
    assert!(client.ended().await);
    assert_eq!(begun.elapsed().as_secs(), LIMITS.head.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_the_same_deadline_from_its_first_byte() {
    let server = server(LIMITS);
    let mut client = Client::new(&server, "192.0.2.1");
    assert_eq!(client.get("/echo?a").await.text(), "a");
    advance(ALMOST_IDLE).await;
    client.say("GET /").await;
    let begun = Instant::now();
    assert_eq!(client.next(false).await.unwrap().status, 408);
    assert_eq!(begun.elapsed().as_secs(), LIMITS.head.as_secs());
}

#[tokio::test(start_paused = true)]
async fn silence_ends_without_a_word() {
    let server = server(LIMITS);
    let begun = Instant::now();
    let mut silent = Client::new(&server, "192.0.2.1");
    assert!(silent.ended().await);
    assert_eq!(begun.elapsed().as_secs(), LIMITS.head.as_secs());

    let mut kept = Client::new(&server, "192.0.2.1");
    for _ in 0..3 {
        assert_eq!(kept.get("/echo?a").await.text(), "a");
        sleep(ALMOST_IDLE).await;
    }
    assert_eq!(kept.get("/echo?a").await.text(), "a", "idle for less than the limit, however often");
    let begun = Instant::now();
    assert!(kept.ended().await);
    assert_eq!(begun.elapsed().as_secs(), LIMITS.idle.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_body_of_too_many_bytes() {
    let server = server(LIMITS);
    let most = LIMITS.body_bytes;
    let mut client = Client::new(&server, "192.0.2.1");
    client.say(format!("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: {most}\r\n\r\n")).await;
    client.say(vec![b'x'; most]).await;
    assert_eq!(client.next(false).await.unwrap().text(), most.to_string());
    client.say(format!("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", most + 1)).await;
    let refused = client.next(false).await.unwrap();
    assert_eq!((refused.status, refused.text()), (413, "the body is too long\n"));
    assert!(client.ended().await, "what is not read cannot be skipped");

    let mut chunked = Client::new(&server, "192.0.2.1");
    chunked.say("POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("{:x}\r\n{}\r\n", 1024, "x".repeat(1024));
    for _ in 0..=most / 1024 {
        if chunked.stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    assert_eq!(chunked.next(false).await.unwrap().status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end() {
    let server = server(LIMITS);
    let begun = Instant::now();
    let mut client = Client::new(&server, "192.0.2.1");
    client.say("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n").await;
    for _ in 1..LIMITS.body.as_secs() {
        client.say("x").await;
        sleep(SECOND).await;
    }
    assert_eq!(client.next(false).await.unwrap().status, 400);
    assert_eq!(begun.elapsed().as_secs(), LIMITS.body.as_secs());
    assert!(client.ended().await);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_let_go() {
    let server = server(LIMITS);
    let begun = Instant::now();
    let mut client = Client::new(&server, "192.0.2.1");
    client.say("GET /endless HTTP/1.1\r\nHost: t\r\n\r\n").await;
    sleep(LIMITS.stall + SECOND).await;
    // What was in between is still there, then comes the end.
    let mut got = Vec::new();
    client.stream.read_to_end(&mut got).await.unwrap();
    assert!(got.starts_with(b"HTTP/1.1 200") && got.len() <= common::PIPE, "{}", got.len());
    assert_eq!(begun.elapsed().as_secs(), LIMITS.stall.as_secs() + 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_little_is_let_go_and_a_slow_one_is_not() {
    for (bytes_a_second, goes_on) in [(100, false), (400, true)] {
        let server = server(LIMITS);
        let mut client = Client::new(&server, "192.0.2.1");
        client.say("GET /endless HTTP/1.1\r\nHost: t\r\n\r\n").await;
        let mut seconds = 0;
        let mut buffer = vec![0; bytes_a_second];
        while seconds < 300 && client.stream.read_exact(&mut buffer).await.is_ok() {
            sleep(SECOND).await;
            seconds += 1;
        }
        assert_eq!(seconds == 300, goes_on, "{bytes_a_second} bytes a second for {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_make_room_for_a_newcomer() {
    let limits = Limits { connections: 3, ..LIMITS };
    let server = server(limits);
    let mut busy = Client::new(&server, "192.0.2.1");
    busy.say("GET /never HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let mut kept = [Client::new(&server, "192.0.2.2"), Client::new(&server, "192.0.2.3")];
    for turn in [1, 0, 1] {
        assert_eq!(kept[turn].get("/echo?a").await.text(), "a");
        tokio::task::yield_now().await;
    }
    let before = Instant::now();
    let mut newcomer = Client::new(&server, "192.0.2.4");
    assert_eq!(newcomer.get("/echo?b").await.text(), "b");
    assert!(kept[0].ended().await, "it was idle longest");
    assert_eq!(before.elapsed(), Duration::ZERO, "at once");
    assert_eq!(kept[1].get("/echo?c").await.text(), "c");
}

#[tokio::test(start_paused = true)]
async fn slow_heads_of_one_network_lock_nobody_out() {
    let limits = Limits { connections: 8, per_network: 6, ..LIMITS };
    let server = server(limits);
    let mut slow = Vec::new();
    for n in 0..100 {
        let mut client = Client::new(&server, &format!("2001:db8::{n:x}"));
        client.say("GET /ann").await;
        slow.push(client);
        assert_eq!(Client::new(&server, "192.0.2.1").get("/echo?a").await.text(), "a");
    }
    let mut late = 0;
    for client in &mut slow {
        late += usize::from(client.next(false).await.is_some_and(|answer| answer.status == 408));
    }
    assert_eq!(late, limits.per_network, "no more of them had places");
}

#[tokio::test(start_paused = true)]
async fn where_each_network_has_one_and_uses_it_a_newcomer_is_turned_away() {
    let server = server(Limits { connections: 2, ..LIMITS });
    let mut busy = [Client::new(&server, "192.0.1.1"), Client::new(&server, "192.0.2.1")];
    for client in &mut busy {
        client.say("GET /never HTTP/1.1\r\nHost: t\r\n\r\n").await;
    }
    let mut newcomer = Client::new(&server, "192.0.3.1");
    let refused = newcomer.get("/echo?a").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
    assert_eq!(refused.text(), "every connection is in use; please try again in ten seconds\n");
    assert!(newcomer.ended().await);
    drop(busy);
    // Some clients close their half once they have asked, so only the end of the route frees the place of one that is gone.
    sleep(LIMITS.route + SECOND).await;
    assert_eq!(Client::new(&server, "192.0.3.1").get("/echo?a").await.text(), "a");
}

#[tokio::test(start_paused = true)]
async fn few_are_turned_away_with_a_word_at_a_time_and_none_of_them_for_long() {
    let limits = Limits { connections: 1, turned_away: 2, ..LIMITS };
    let server = server(limits);
    let mut busy = Client::new(&server, "192.0.2.1");
    busy.say("GET /never HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let begun = Instant::now();
    // They neither ask nor close.
    let mut silent = [Client::new(&server, "192.0.2.2"), Client::new(&server, "192.0.2.3")];
    tokio::task::yield_now().await;
    assert!(Client::new(&server, "192.0.2.4").ended().await, "closed without a word");
    for client in &mut silent {
        assert_eq!(client.next(false).await.unwrap().status, 503);
    }
    sleep(limits.farewell + SECOND).await;
    for client in &mut silent {
        assert!(client.stream.write_all(b"G").await.is_err(), "its connection is closed");
    }
    assert_eq!(Client::new(&server, "192.0.2.4").next(false).await.unwrap().status, 503);
    assert_eq!(begun.elapsed(), limits.farewell + SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_does_not_end_is_ended() {
    let server = server(LIMITS);
    let mut client = Client::new(&server, "192.0.2.1");
    let begun = Instant::now();
    let answer = client.get("/never").await;
    assert_eq!((answer.status, answer.text()), (503, "this takes too long; please try again later\n"));
    assert_eq!(begun.elapsed().as_secs(), LIMITS.route.as_secs());
    assert_eq!(client.get("/echo?a").await.text(), "a", "the connection goes on");
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_answers_and_not_for_idle_ones() {
    let server = server(LIMITS);
    let mut idle = Client::new(&server, "192.0.2.1");
    assert_eq!(idle.get("/echo?a").await.text(), "a");
    let mut taking = Client::new(&server, "192.0.2.2");
    taking.say("GET /content HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let mut hung = Client::new(&server, "192.0.2.3");
    hung.say("GET /never HTTP/1.1\r\nHost: t\r\n\r\n").await;
    tokio::task::yield_now().await;
    let begun = Instant::now();
    server.shutdown().await;
    assert_eq!(begun.elapsed().as_secs(), LIMITS.grace.as_secs(), "only what hangs is waited for so long");
    assert_eq!(taking.next(false).await.unwrap().body, common::CONTENT);
    for client in [&mut idle, &mut taking, &mut hung] {
        assert!(client.ended().await);
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_server_its_connections_end() {
    let server = server(LIMITS);
    let mut client = Client::new(&server, "192.0.2.1");
    assert_eq!(client.get("/echo?a").await.text(), "a");
    drop(server);
    let before = Instant::now();
    assert!(client.ended().await);
    assert_eq!(before.elapsed(), Duration::ZERO);
}
