//! Real sockets on loopback: a listener, connections that another part accepted, and the end of both.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
mod common;

use common::server;
use std::net::SocketAddr;
use teem_web::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with(&stream.local_addr().unwrap().to_string()) {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "{answer}");
        answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    answer
}

#[tokio::test]
async fn listeners_and_given_connections() {
    let mut server = server(Limits::DEFAULT);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = server.listen(listener).unwrap();
    let (streams, given) = mpsc::channel(1);
    server.given(given);
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let held: SocketAddr = holder.local_addr().unwrap();
    let mut clients = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(held).await.unwrap()];
    streams.send(holder.accept().await.unwrap().0.into_std().unwrap()).await.unwrap();
    for _ in 0..3 {
        for client in &mut clients {
            assert!(ask(client).await.starts_with("HTTP/1.1 200"));
        }
    }
    server.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
    for client in &mut clients {
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }
    assert!(streams.is_closed());
}

#[tokio::test]
async fn a_panic_while_one_is_served_ends_that_connection_alone() {
    let routes = teem_web::Router::new()
        .route("/", teem_web::routing::get(async || "here"))
        .route("/fault", teem_web::routing::get(async || if true { panic!("planted in a route") } else { "never" }));
    let mut server = teem_web::Server::new(routes, Limits::DEFAULT);
    let addr = server.listen(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    for _ in 0..3 {
        let (mut good, mut bad) = (TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap());
        bad.write_all(b"GET /fault HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
        assert_eq!(bad.read(&mut [0; 64]).await.unwrap_or(0), 0, "it is ended without a word");
        good.write_all(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        good.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
    }
    server.shutdown().await;
}
