//! Connections without a socket: a peer that speaks the protocol from memory downloads from us and seeds to us (BEP 3, 6).
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use teem_client::metainfo::InfoHash;
use teem_client::{Add, Link};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::{block_head, encode, encode_handshake};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PIECE: u32 = 16 << 10;
/// More than a link holds at once, so that both sides have to wait for each other.
const LEN: usize = 700_001;

fn content() -> Vec<u8> {
    (0..LEN as u32).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect()
}

/// All blocks of the content, a piece each.
fn blocks() -> Vec<BlockRef> {
    let pieces = (LEN as u32).div_ceil(PIECE);
    (0..pieces).map(|piece| BlockRef { piece, begin: 0, len: PIECE.min(LEN as u32 - piece * PIECE) }).collect()
}

/// What a peer is told.
enum Word {
    Handshake,
    Message(Message),
    Block(BlockRef, Vec<u8>),
}

/// A peer in memory.
struct Peer {
    link: Link,
    decoder: Decoder,
    bytes: Vec<u8>,
    block: Option<(BlockRef, Vec<u8>)>,
}

impl Peer {
    fn new(link: Link) -> Self {
        Self { link, decoder: Decoder::new(Limits::PEER), bytes: Vec::new(), block: None }
    }

    async fn greet(&mut self, info_hash: InfoHash, id: u8) {
        let features = Features { fast: true, ..Features::default() };
        let handshake = Handshake { info_hash, peer_id: PeerId([id; 20]), features };
        self.link.write_all(&encode_handshake(&handshake)).await.unwrap();
    }

    async fn say(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        self.link.write_all(&bytes).await.unwrap();
    }

    async fn give(&mut self, at: BlockRef) {
        let start = (at.piece * PIECE + at.begin) as usize;
        self.link.write_all(&block_head(at)).await.unwrap();
        self.link.write_all(&content()[start..start + at.len as usize]).await.unwrap();
    }

    /// The next word, or nothing when the link has ended.
    async fn hear(&mut self) -> Option<Word> {
        loop {
            let (used, frame) = self.decoder.step(&self.bytes).unwrap();
            let word = match frame {
                Some(Frame::Handshake(_)) => Some(Word::Handshake),
                Some(Frame::Message(message)) => Some(Word::Message(message)),
                Some(Frame::Block(at)) => {
                    self.block = Some((at, Vec::new()));
                    None
                }
                Some(Frame::Payload { bytes, last }) => {
                    self.block.as_mut().unwrap().1.extend_from_slice(bytes);
                    self.block.take_if(|_| last).map(|(at, data)| Word::Block(at, data))
                }
                None => {
                    self.bytes.drain(..used);
                    let mut more = [0; 4096];
                    let len = self.link.read(&mut more).await.unwrap();
                    if len == 0 {
                        return None;
                    }
                    self.bytes.extend_from_slice(&more[..len]);
                    continue;
                }
            };
            self.bytes.drain(..used);
            if word.is_some() {
                return word;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_on_an_attached_link_downloads_all_of_it() {
    let folder = Folder::new("attached-down");
    std::fs::write(folder.path().join("content"), content()).unwrap();
    let client = client(&folder, "state").await;
    let source = torrent("content", &content());
    let ours = client.add(Add::publish(source, folder.path())).await.unwrap();
    ours.completed().await.unwrap();

    let mut peer = Peer::new(client.attach().unwrap());
    peer.greet(ours.info_hash(), 7).await;
    peer.say(&Message::HaveNone).await;
    peer.say(&Message::Interested).await;
    let mut got = vec![None; blocks().len()];
    let mut allowed = false;
    let mut shown = vec![false; blocks().len()];
    let mut asked = vec![false; blocks().len()];
    while got.iter().any(Option::is_none) {
        match peer.hear().await.expect("the link lives until all is there") {
            Word::Message(Message::Unchoke) => allowed = true,
            Word::Message(Message::Choke) => allowed = false,
            Word::Message(Message::HaveAll) => shown.fill(true),
            Word::Message(Message::Have(piece)) => shown[piece as usize] = true,
            Word::Message(Message::Reject(at)) => asked[at.piece as usize] = false,
            Word::Block(at, data) => {
                peer.say(&Message::Have(at.piece)).await;
                got[at.piece as usize] = Some(data);
            }
            Word::Handshake | Word::Message(_) => {}
        }
        for at in blocks() {
            let piece = at.piece as usize;
            if allowed && shown[piece] && !asked[piece] {
                asked[piece] = true;
                peer.say(&Message::Request(at)).await;
            }
        }
    }
    let got: Vec<u8> = got.into_iter().flatten().flatten().collect();
    assert!(got == content());
    client.shutdown().await;
    while peer.hear().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_on_an_attached_link_seeds_all_of_it() {
    let folder = Folder::new("attached-up");
    let client = client(&folder, "state").await;
    let source = torrent("content", &content());
    let ours = client.add(Add::download(source, folder.path())).await.unwrap();

    let mut peer = Peer::new(ours.attach().unwrap());
    assert!(matches!(peer.hear().await, Some(Word::Handshake)), "who dials says the first word");
    peer.greet(ours.info_hash(), 8).await;
    peer.say(&Message::HaveAll).await;
    // We close the link when we have everything: two seeds are of no use to each other.
    while let Some(word) = peer.hear().await {
        match word {
            Word::Message(Message::Interested) => {
                let ends: Vec<_> = ours.snapshot().await.unwrap().peers.iter().map(|peer| peer.addr.addr()).collect();
                assert_eq!(ends, [None], "a peer without an address, and nobody else");
                peer.say(&Message::Unchoke).await;
            }
            Word::Message(Message::Request(at)) => peer.give(at).await,
            Word::Handshake | Word::Message(_) | Word::Block(..) => {}
        }
    }
    ours.durable().await.unwrap();
    assert!(std::fs::read(folder.path().join("content")).unwrap() == content());
    client.shutdown().await;
}
