//! Connections that begin with message stream encryption (MSE; rows 43 and 44 of the list of bad inputs as far as they are the host's).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_mse::{Agreed, Entropy, Incoming, Initiator, Method, Methods, PRIVATE_LEN, Progress, Rc4, Responder, req2};
use teem_swarm::ids::ConnId;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::{Encrypted, Encryption, How, Transports, Via};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::encode::{block_head, encode, encode_handshake};
use teem_wire::peer::message::Message;

mod common;
use common::{LOOPBACK, Led, TORRENT, content, handshake};

const BLOCKS: u32 = 40;

fn at(n: u32) -> BlockRef {
    BlockRef { piece: n, begin: 0, len: 16384 }
}

/// A host that has the torrent of [`handshake`].
fn led(encryption: Encryption) -> Led {
    led_over(Transports::Tcp, encryption)
}

fn led_over(transports: Transports, encryption: Encryption) -> Led {
    Led::with_torrent(transports, encryption)
}

/// The other side of a connection, played by the test.
struct Peer {
    stream: TcpStream,
    outgoing: Option<Rc4>,
    incoming: Incoming,
    early: Vec<u8>,
}

impl Peer {
    fn new(stream: TcpStream, agreed: Agreed) -> Self {
        let Agreed { outgoing, incoming, early, .. } = agreed;
        Self { stream, outgoing, incoming, early }
    }

    fn say(&mut self, text: &[u8]) {
        let mut bytes = text.to_vec();
        if let Some(cipher) = &mut self.outgoing {
            cipher.apply(&mut bytes);
        }
        self.stream.write_all(&bytes).unwrap();
    }

    fn hear(&mut self, len: usize) -> Vec<u8> {
        while self.early.len() < len {
            let mut bytes = vec![0; 65536];
            let got = self.stream.read(&mut bytes).unwrap();
            assert!(got > 0, "the stream ended after {} of {len} bytes", self.early.len());
            self.incoming.apply(&mut bytes[..got]);
            self.early.extend_from_slice(&bytes[..got]);
        }
        self.early.drain(..len).collect()
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Dials and leads the encrypted handshake to its end; the words of the protocol begin with `first`.
fn dial(led: &Led, methods: Methods, private: [u8; PRIVATE_LEN], portion: usize, first: &[u8]) -> (Peer, Method) {
    let mut stream = patient(TcpStream::connect(led.addr()).unwrap());
    let mut out = Vec::new();
    let entropy = Entropy { private, pad: &[0x55; 77] };
    let mut initiator = Initiator::new(handshake().info_hash.0, methods, &entropy, &mut out);
    let mut buffer = [0; 4096];
    loop {
        for bytes in out.chunks(portion) {
            stream.write_all(bytes).unwrap();
        }
        out.clear();
        let len = stream.read(&mut buffer).unwrap();
        assert!(len > 0, "the host hung up");
        match initiator.advance(&buffer[..len]).unwrap() {
            Progress::More => {}
            Progress::Introduce => assert_eq!(initiator.introduce(first, &mut out), first.len()),
            Progress::Agreed(agreed) => {
                let method = agreed.method;
                return (Peer::new(stream, *agreed), method);
            }
        }
    }
}

/// Both send blocks to one another, and everything arrives as it was.
fn converse(led: &Led, conn: ConnId, peer: &mut Peer) {
    led.run((0..BLOCKS).map(|n| Output::SendBlock { conn, at: at(n), data: led.block(at(n)) }));
    for n in 0..BLOCKS {
        peer.say(&block_head(at(n)));
        peer.say(&content(at(n)));
        let frame = peer.hear(13 + 16384);
        assert!(frame[..13] == block_head(at(n)) && frame[13..] == content(at(n)), "block {n}");
    }
    let (mut got, mut sent) = (0, 0);
    while got < BLOCKS || sent < u64::from(BLOCKS) * 16384 {
        match led.next() {
            Input::Block { at: said, data, .. } => {
                assert_eq!((said, data.as_ref()), (at(got), &content(at(got))[..]));
                got += 1;
            }
            Input::Sent { conn: of, bytes } if of == conn => sent += bytes,
            other => panic!("{other:?}"),
        }
    }
}

fn hello(led: &Led, conn: ConnId) -> Via {
    match led.next() {
        Input::Hello { conn: of, handshake: got, via } => {
            assert_eq!((of, got), (conn, handshake()));
            via
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stranger_that_begins_encrypted_is_a_peer_like_any_other() {
    let cases = [
        (Encryption::Allow, Methods::Both, Method::Clear),
        (Encryption::Prefer, Methods::Rc4Only, Method::Rc4),
        (Encryption::Require, Methods::Both, Method::Rc4),
    ];
    for (wanted, offered, want) in cases {
        for (portion, first) in [(1, &encode_handshake(&handshake())[..]), (4096, b"")] {
            let led = led(wanted);
            let (mut peer, method) = dial(&led, offered, [3; PRIVATE_LEN], portion, first);
            assert_eq!(method, want, "{wanted:?}");
            let conn = led.accepted();
            if first.is_empty() {
                peer.say(&encode_handshake(&handshake()));
            }
            hello(&led, conn);
            led.run([Output::Hello { conn, handshake: handshake() }]);
            assert_eq!(peer.hear(68), encode_handshake(&handshake()));
            converse(&led, conn, &mut peer);
            drop(peer);
            assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));
            led.end();
        }
    }
}

#[test]
fn a_key_that_begins_like_a_handshake_is_a_key() {
    let private =
        (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| [a, b].repeat(PRIVATE_LEN / 2))).find(|private| {
            let mut out = Vec::new();
            let entropy = Entropy { private: private[..].try_into().unwrap(), pad: &[] };
            Initiator::new([0; 20], Methods::Both, &entropy, &mut out);
            out[0] == 19
        });
    let led = led(Encryption::Allow);
    let private = private.unwrap()[..].try_into().unwrap();
    let (mut peer, _) = dial(&led, Methods::Both, private, 1, &encode_handshake(&handshake()));
    let conn = led.accepted();
    hello(&led, conn);
    led.run([Output::Hello { conn, handshake: handshake() }]);
    assert_eq!(peer.hear(68), encode_handshake(&handshake()));
    led.end();
}

/// The host ends a connection that begins so. Its engine hears nothing, as the next thing that it is told shows.
fn is_turned_away(led: &Led, bytes: &[u8]) {
    let mut stream = patient(TcpStream::connect(led.addr()).unwrap());
    stream.write_all(bytes).unwrap();
    // What it answered before it hung up does not matter.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
}

#[test]
fn what_is_no_key_and_what_is_not_wanted_ends_unheard() {
    let led = led(Encryption::Require);
    let mut prime = [0xff; 96];
    prime[..8].copy_from_slice(&[0xff; 8]);
    is_turned_away(&led, &encode_handshake(&handshake()));
    is_turned_away(&led, &[0; 96]);
    is_turned_away(&led, &prime);
    let mut one = [0; 96];
    one[95] = 1;
    is_turned_away(&led, &one);
    // A key that may be one, and then no marker in the range where it must be.
    let mut nonsense = vec![0x77; 96];
    nonsense.extend_from_slice(&[0; 1000]);
    is_turned_away(&led, &nonsense);
    let (_peer, method) = dial(&led, Methods::Both, [9; PRIVATE_LEN], 4096, &encode_handshake(&handshake()));
    assert_eq!(method, Method::Rc4);
    let conn = led.accepted();
    hello(&led, conn);
    led.end();
}

/// A peer that is dialled and leads the encrypted handshake to its end.
fn answer(listener: &TcpListener, methods: Methods) -> (Peer, Method) {
    let mut stream = patient(listener.accept().unwrap().0);
    let mut responder = Responder::new(methods);
    let skey = handshake().info_hash.0;
    let mut buffer = [0; 4096];
    let mut out = Vec::new();
    loop {
        let len = stream.read(&mut buffer).unwrap();
        assert!(len > 0, "the host hung up");
        let entropy = || Some(Entropy { private: [8; PRIVATE_LEN], pad: &[9; 500] });
        let find = |name: &[u8; 20]| (*name == req2(&skey)).then_some(skey);
        let agreed = responder.advance(&buffer[..len], entropy, find, &mut out).unwrap();
        for byte in &out {
            stream.write_all(&[*byte]).unwrap();
        }
        out.clear();
        if let Some(agreed) = agreed {
            let method = agreed.method;
            return (Peer::new(stream, *agreed), method);
        }
    }
}

#[test]
fn a_dial_that_begins_encrypted_goes_on_as_both_want() {
    let cases = [
        (Encryption::Prefer, Methods::Both, Method::Clear),
        (Encryption::Allow, Methods::Rc4Only, Method::Rc4),
        (Encryption::Require, Methods::Both, Method::Rc4),
    ];
    for (wanted, taken, want) in cases {
        let led = led(wanted);
        let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP_MSE.into() }]);
        let (mut peer, method, conn) = std::thread::scope(|scope| {
            let answering = scope.spawn(|| answer(&listener, taken));
            let conn = match led.next() {
                Input::Connected { conn, torrent: TORRENT, remote, .. } if remote == addr => conn,
                other => panic!("{other:?}"),
            };
            let mut more = Vec::new();
            encode(&Message::Have(7), &mut more);
            led.run([Output::Hello { conn, handshake: handshake() }, Output::Send { conn, message: Message::Have(7) }]);
            let (mut peer, method) = answering.join().unwrap();
            assert_eq!(peer.hear(68), encode_handshake(&handshake()));
            assert_eq!(peer.hear(more.len()), more);
            (peer, method, conn)
        });
        assert_eq!(method, want, "{wanted:?}");
        peer.say(&encode_handshake(&handshake()));
        hello(&led, conn);
        converse(&led, conn, &mut peer);
        led.end();
    }
}

#[test]
fn a_peer_that_hangs_up_instead_of_showing_its_key_has_no_mse() {
    let led = led(Encryption::Prefer);
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP_MSE.into() }]);
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 20]).unwrap();
    drop(stream);
    let failed = |input| match input {
        Input::DialFailed { torrent: TORRENT, to, how: How::TCP_MSE, why, over: true } => {
            assert_eq!(to, addr);
            why
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(led.next()), DialError::NoMse);
    drop(listener);
    led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP_MSE.into() }]);
    assert_eq!(failed(led.next()), DialError::Refused, "nobody is there");
    led.end();
}

#[test]
fn hundreds_that_never_finish_their_keys_keep_nobody_out() {
    let led = led(Encryption::Allow);
    let half_open = || {
        let mut stream = TcpStream::connect(led.addr()).unwrap();
        // Those that came first are let go for those that come later, perhaps before they have said a word.
        let _ = stream.write_all(&[0x77; 95]);
        stream
    };
    let mut crowd: Vec<TcpStream> = (0..250).map(|_| half_open()).collect();
    let (mut encrypted, _) = dial(&led, Methods::Both, [5; PRIVATE_LEN], 4096, &encode_handshake(&handshake()));
    crowd.extend((0..250).map(|_| half_open()));
    let conn = led.accepted();
    hello(&led, conn);
    led.run([Output::Hello { conn, handshake: handshake() }]);
    assert_eq!(encrypted.hear(68), encode_handshake(&handshake()));
    let mut clear = TcpStream::connect(led.addr()).unwrap();
    clear.write_all(&encode_handshake(&handshake())).unwrap();
    let conn = led.accepted();
    hello(&led, conn);
    led.end();
}

#[test]
fn two_hosts_meet_by_each_way_that_both_take() {
    for takes in [Encryption::Allow, Encryption::Prefer, Encryption::Require, Encryption::Off] {
        for how in [How::TCP, How::TCP_MSE, How::UTP, How::UTP_MSE] {
            let led = |encryption| led_over(Transports::Auto, encryption);
            let (one, other) = (led(Encryption::Allow), led(takes));
            one.run([Output::Dial { torrent: TORRENT, to: other.addr().into(), plan: how.into() }]);
            if how.mse && takes == Encryption::Off {
                assert!(matches!(one.next(), Input::DialFailed { why: DialError::NoMse, .. }));
                continue;
            }
            let conn = match one.next() {
                Input::Connected { conn, .. } => conn,
                other => panic!("{other:?}"),
            };
            one.run([Output::Hello { conn, handshake: handshake() }]);
            if !how.mse && takes == Encryption::Require {
                assert!(matches!(one.next(), Input::Closed { conn: of, why: CloseReason::Remote } if of == conn));
                continue;
            }
            let there = other.accepted();
            let encrypted = match (how.mse, takes) {
                (false, _) => Encrypted::Nothing,
                (true, Encryption::Require) => Encrypted::Everything,
                (true, _) => Encrypted::Handshake,
            };
            let via = Via { transport: Some(how.transport), encrypted };
            assert_eq!(hello(&other, there), via);
            other.run([Output::Hello { conn: there, handshake: handshake() }]);
            assert_eq!(hello(&one, conn), via);
            let blocks = || (0..BLOCKS).map(at);
            one.run(blocks().map(|at| Output::SendBlock { conn, at, data: one.block(at) }));
            other.run(blocks().map(|at| Output::SendBlock { conn: there, at, data: other.block(at) }));
            for led in [&one, &other] {
                for at in blocks() {
                    let (said, bytes) = until_block(led);
                    assert!(said == at && bytes == content(at), "{takes:?} {how:?} {said:?}");
                }
            }
        }
    }
}

fn until_block(led: &Led) -> (BlockRef, Vec<u8>) {
    loop {
        match led.next() {
            Input::Block { at, data, .. } => return (at, data.as_ref().to_vec()),
            Input::Sent { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
