//! The protocol: keep-alive, pipelining, HTTP/1.0, HEAD, forms of targets, and requests that are none.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
mod common;

use common::{Client, server};
use teem_web::Limits;

#[tokio::test(start_paused = true)]
async fn many_announces_on_one_connection() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    for n in 0..1000 {
        let query = format!("info_hash=%ff%00+%2B&n={n}");
        let answer = client.get(&format!("/echo?{query}")).await;
        assert_eq!((answer.status, answer.text()), (200, query.as_str()), "the query is what was sent");
        assert_eq!(answer.header("connection"), None);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let last = client.ask("GET", "/echo", "Connection: close\r\n").await;
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert!(client.ended().await);
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    let requests: Vec<_> = (0..10).map(|n| format!("GET /echo?{n} HTTP/1.1\r\nHost: t\r\n\r\n")).collect();
    let requests = requests.concat();
    // The last one comes in two halves, the first of them with the others.
    let (first, second) = requests.split_at(requests.len() - 9);
    client.say(first).await;
    for n in 0..9 {
        assert_eq!(client.next(false).await.unwrap().text(), n.to_string());
    }
    client.say(second).await;
    assert_eq!(client.next(false).await.unwrap().text(), "9");
}

#[tokio::test(start_paused = true)]
async fn http_1_0_needs_no_host_and_closes_unless_asked() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    client.say("GET /echo?a HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.next(false).await.unwrap().text(), "a");
    assert!(client.ended().await);

    let mut client = Client::new(&server, "192.0.2.1");
    for _ in 0..2 {
        client.say("GET /echo?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        let answer = client.next(false).await.unwrap();
        assert_eq!((answer.text(), answer.header("connection")), ("b", Some("keep-alive")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_half_is_answered() {
    use tokio::io::AsyncWriteExt;
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    client.say("GET /echo?a HTTP/1.1\r\nHost: t\r\n\r\n").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.next(false).await.unwrap().text(), "a");
    assert!(client.ended().await);
}

#[tokio::test(start_paused = true)]
async fn head_says_what_get_would_and_sends_nothing() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    for target in ["/echo?abc", "/page", "/content", "/read", "/there-is-none"] {
        let (head, get) = (client.ask("HEAD", target, "").await, client.get(target).await);
        assert_eq!(head.status, get.status, "{target}");
        for name in ["content-length", "content-type", "etag", "accept-ranges"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {target}");
        }
        assert!(!get.body.is_empty(), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn forms_of_targets() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "::ffff:192.0.2.1");
    assert_eq!(client.get("http://tracker.example:6969/echo?%20").await.text(), "%20");
    assert_eq!(client.get("/who").await.text(), "192.0.2.1:5000", "without the disguise of IPv6");
    assert_eq!(client.ask("OPTIONS", "*", "").await.status, 404);
    assert_eq!(client.get("/ECHO").await.status, 404);
    assert_eq!(client.get("//echo").await.status, 404);
    assert_eq!(client.get("/%65cho").await.status, 404);
    assert_eq!(client.ask("CONNECT", "example:80", "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn errors_are_short_and_plain() {
    let server = server(Limits::DEFAULT);
    let mut client = Client::new(&server, "192.0.2.1");
    let none = client.get("/none").await;
    assert_eq!((none.status, none.text()), (404, "there is nothing here\n"));
    assert_eq!(none.header("content-type"), Some("text/plain"));
    let post = client.ask("POST", "/echo", "Content-Length: 0\r\n").await;
    assert_eq!((post.status, post.text()), (405, "this can only be read\n"));
    assert_eq!(post.header("allow"), Some("GET,HEAD"));
    let unknown = client.ask("BREW", "/echo", "").await;
    assert_eq!(unknown.status, 405);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_gets_a_4xx_and_a_sentence() {
    let server = server(Limits::DEFAULT);
    for (request, status) in [
        ("GET /echo HTTP/1.1\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("\x13BitTorrent protocol\r\n\r\n", 400),
        ("GET /echo\r\n\r\n", 400),
        ("GET /echo HTTP/7.0\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        ("GET /echo HTTP/1.1\r\nHost: t\r\nno colon\r\n\r\n", 400),
        ("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n", 400),
        ("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("\x16\x03\x01\x02\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ] {
        let mut client = Client::new(&server, "192.0.2.1");
        client.say(request).await;
        let answer = client.next(false).await.unwrap_or_else(|| panic!("{request:?}"));
        assert_eq!(answer.status, status, "{request:?}: {}", answer.head);
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{request:?}");
        let sentence = answer.text().strip_suffix('\n').unwrap();
        assert!(sentence.contains(' ') && !sentence.contains('\n'), "{request:?}: {sentence:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sentence_comes_whole_through_a_narrow_pipe_and_after_answers() {
    let server = server(Limits::DEFAULT);
    let mut narrow = Client::through(&server, "192.0.2.1", 3);
    assert_eq!(narrow.get("/echo?a").await.text(), "a");
    narrow.say("what is this\r\n\r\n").await;
    let answer = narrow.next(false).await.unwrap();
    assert_eq!((answer.status, answer.text()), (400, "this is no HTTP request that can be understood\n"));
    assert!(narrow.ended().await);

    // An answer of a route that has the same status keeps its own words.
    let mut client = Client::new(&server, "192.0.2.1");
    let own = client.ask("GET", "/echo", "Host: another\r\n").await;
    assert_eq!((own.status, own.text()), (400, "the request must name its host once\n"));
}

#[tokio::test(start_paused = true)]
async fn a_page_lets_a_browser_do_little() {
    let server = server(Limits::DEFAULT);
    let page = Client::new(&server, "192.0.2.1").get("/page").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && policy.contains("frame-ancestors 'none'"));
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), (Some("no-store"), Some("no-referrer")));
}
