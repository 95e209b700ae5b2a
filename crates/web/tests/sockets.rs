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
