//! An honest stranger fetches a megabyte while ten, a hundred or a thousand holders do each of the hostile things (audit, rows 1, 5, 9 to 12,
//! 20): it gets it, what the hostile hold of the pool stays within its bound, and what they make the engine do is in proportion to the bytes that they send.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;

use common::{ME, World, hash, info, torrent};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use teem_engine::input::Input;
use teem_swarm::command::{Command, Spreading};
use teem_swarm::ids::ConnId;
use teem_swarm::remote::Via;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

/// Pieces of the content: a megabyte.
const PIECES: u32 = 16;
/// Seconds within which the stranger has it all.
const LIMIT: u64 = 300;
/// What a frugal source takes to see that nobody feeds a peer, in seconds: it helps after that whatever others claim to have.
const UNFED: u64 = 30;
/// What is for blocks read, in bytes.
const POOL: u64 = 8 << 20;
/// Steps of work for each byte that the hostile send, and for each connection that they make: a look at each piece, twice, and at what the
/// honest stranger says besides.
const STEPS_PER_BYTE: u64 = 16;
const STEPS_PER_VISIT: u64 = 2 * PIECES as u64;
/// Peers that one torrent takes, besides those without a handshake.
const PLACES: usize = 80;
const WITHOUT_HANDSHAKE: usize = 128;

/// What a hostile holder does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Vice {
    /// It connects and says nothing.
    Silent,
    /// It introduces itself and holds its place.
    Holds,
    /// It says that it has everything, unchokes, and gives nothing.
    Keeps,
    /// It asks for all it may, again and again, and reads nothing.
    Deaf,
    /// It asks for one block of each piece that it is shown, reads it, and asks for no more of it.
    Nibbles,
    /// It asks for the same blocks of what it is shown, again and again, and reads them.
    Rereads,
    /// It wants what it is shown and leaves it alone.
    Idle,
    /// It says what costs most: bitfields, metadata, lost pieces.
    Costly,
}

const VICES: [Vice; 8] =
    [Vice::Silent, Vice::Holds, Vice::Keeps, Vice::Deaf, Vice::Nibbles, Vice::Rereads, Vice::Idle, Vice::Costly];

struct Siege {
    world: World,
    victim: usize,
    vice: Vice,
    addrs: Vec<SocketAddr>,
    live: BTreeMap<usize, ConnId>,
    /// Messages of the world's log that were looked at, and the pieces that were shown by those to the hostile.
    read: usize,
    shown: Vec<(ConnId, u32)>,
    round: u32,
    /// Bytes that the hostile have sent, as the wire has them.
    bytes: u64,
    /// Connections that they have made.
    visits: u64,
}

impl Siege {
    fn come(&mut self, n: usize) {
        let conn = self.world.stranger(self.victim, self.addrs[n]);
        self.world.deaf.push(conn);
        self.live.insert(n, conn);
        self.visits += 1;
        if self.vice == Vice::Silent {
            return;
        }
        let mut id = [b'x'; 20];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        let features = Features { fast: true, extended: true, ..Features::default() };
        let handshake = Handshake { info_hash: hash(&self.world.info), peer_id: PeerId(id), features };
        self.world.give(self.victim, Input::Hello { conn, handshake, via: Via::TCP });
    }

    fn say(&mut self, conn: ConnId, message: Message) {
        if self.world.why_closed(self.victim, conn).is_none() {
            let mut wire = Vec::new();
            encode(&message, &mut wire);
            self.bytes += wire.len() as u64;
            self.world.give(self.victim, Input::Message { conn, message });
        }
    }

    /// Each comes, if it is not there, and does its worst.
    fn turn(&mut self) {
        self.round += 1;
        for (_, node, conn, message) in &self.world.log[self.read..] {
            if let Message::Have(piece) = message
                && *node == self.victim
            {
                self.shown.push((*conn, *piece));
            }
            if let Message::HaveAll = message
                && *node == self.victim
            {
                self.shown.extend((0..PIECES).map(|piece| (*conn, piece)));
            }
        }
        self.read = self.world.log.len();
        let sent = self.world.sent.split_off(0);
        for (conn, at) in sent.into_iter().filter(|_| matches!(self.vice, Vice::Nibbles | Vice::Rereads)) {
            if self.live.values().any(|live| *live == conn) && self.world.why_closed(self.victim, conn).is_none() {
                self.world.give(self.victim, Input::Sent { conn, bytes: u64::from(at.len) });
            }
        }
        for n in 0..self.addrs.len() {
            let lives = |conn: &ConnId| self.world.why_closed(self.victim, *conn).is_none();
            // One that was turned away comes again, each in its turn.
            if !self.live.get(&n).is_some_and(lives) {
                let its_turn = n % 4 == self.round as usize % 4;
                if self.round > 1 && !its_turn {
                    continue;
                }
                self.come(n);
            }
            let conn = self.live[&n];
            let at = |k: u32| BlockRef { piece: k % PIECES, begin: 0, len: BLOCK_LEN };
            match self.vice {
                Vice::Silent | Vice::Holds => {}
                Vice::Keeps => {
                    self.say(conn, Message::HaveAll);
                    self.say(conn, Message::Unchoke);
                }
                Vice::Deaf => {
                    self.say(conn, Message::Interested);
                    (0..PIECES).for_each(|k| self.say(conn, Message::Request(at(k))));
                }
                Vice::Nibbles => {
                    self.say(conn, Message::Interested);
                    let shown =
                        self.shown.extract_if(.., |(to, _)| *to == conn).map(|(_, piece)| piece).collect::<Vec<_>>();
                    for piece in shown {
                        self.say(conn, Message::Request(at(piece)));
                    }
                }
                Vice::Rereads => {
                    self.say(conn, Message::Interested);
                    let of_it = self.shown.iter().filter(|(to, _)| *to == conn);
                    let shown: Vec<u32> = of_it.map(|(_, piece)| *piece).collect();
                    for piece in shown {
                        self.say(conn, Message::Request(at(piece)));
                    }
                }
                Vice::Idle => self.say(conn, Message::Interested),
                Vice::Costly => {
                    let bits = vec![if self.round.is_multiple_of(2) { 0x55 } else { 0xAA }; PIECES as usize / 8];
                    let said =
                        ExtendedHandshake { metadata_size: Some(1 << 20), ut_metadata: Some(3), ..Default::default() };
                    let unasked = MetadataMessage::Reject { piece: self.round };
                    for message in [
                        Message::Bitfield(bits),
                        Message::ExtendedHandshake(said),
                        Message::Metadata { id: 2, message: unasked },
                        Message::DontHave { id: 7, piece: 3 },
                        Message::Have(3),
                    ] {
                        self.say(conn, message);
                    }
                }
            }
        }
    }
}

/// The seed is besieged by so many holders of so many networks; a stranger fetches all. How many seconds that takes.
fn besieged(vice: Vice, count: usize, networks: usize, spreading: Spreading) -> u64 {
    let mut world = World::of_engines(info(u64::from(PIECES), false));
    let victim = world.node(true);
    let Command::Add(mut add) = torrent(&world.info.clone(), true, &[], &[]) else {
        unreachable!("that is what it makes")
    };
    add.spreading = spreading;
    world.command(victim, Command::Add(add));
    world.wait(1);
    let addr = |n: usize| {
        let (network, host) = (n % networks, n / networks);
        SocketAddr::new(IpAddr::from([198, 19 + (network / 200) as u8, (network % 200) as u8, 1 + host as u8]), 40_000)
    };
    let addrs = (0..count).map(addr).collect();
    let mut siege = Siege {
        world,
        victim,
        vice,
        addrs,
        live: BTreeMap::new(),
        read: 0,
        shown: Vec::new(),
        round: 0,
        bytes: 0,
        visits: 0,
    };
    siege.turn();
    siege.world.wait(1);
    let seed = siege.world.nodes[victim].addr;
    let stranger = siege.world.node(false);
    siege.world.nodes[stranger].addr = "192.0.2.1:5000".parse().unwrap();
    let command = torrent(&siege.world.info.clone(), true, &[seed], &[]);
    siege.world.command(stranger, command);
    let mut second = 0;
    while !siege.world.is_complete(stranger) {
        assert!(
            second < LIMIT,
            "{vice:?}, {count} holders of {networks} networks: {} pieces",
            siege.world.nodes[stranger].disk.pieces(ME)
        );
        second += 1;
        siege.turn();
        siege.world.wait(1);
        let there = siege.live.values().filter(|conn| siege.world.why_closed(victim, **conn).is_none()).count();
        assert!(there <= PLACES + WITHOUT_HANDSHAKE, "{there} connections");
        let engine = &siege.world.nodes[victim].machine;
        assert!(engine.held() <= POOL, "{vice:?}, {count} of {networks}: {} bytes of the pool", engine.held());
        let most = STEPS_PER_BYTE * siege.bytes + STEPS_PER_VISIT * siege.visits;
        assert!(engine.work() <= most, "{vice:?}, {count} of {networks}: {} steps, {most} at most", engine.work());
    }
    let (steps, kib) = (siege.world.nodes[victim].machine.work(), siege.bytes.div_ceil(1024));
    eprintln!(
        "figure: {vice:?}, {count} holders of {networks} networks, {spreading:?}: {second} s; {steps} steps for {kib} KiB"
    );
    second
}

/// However the seed spreads, the stranger is served; and a source that shows its pieces one by one is hardly later than one that shows all.
fn besieged_either_way(vice: Vice, count: usize, networks: usize) {
    let ordinary = besieged(vice, count, networks, Spreading::Ordinary);
    let frugal = besieged(vice, count, networks, Spreading::Frugal);
    assert!(frugal <= ordinary + UNFED, "{vice:?}, {count} of {networks}: {frugal} s instead of {ordinary} s");
}

#[test]
fn eighty_networks_that_read_the_same_again_and_again_keep_nothing_from_a_stranger() {
    besieged_either_way(Vice::Rereads, 80, 80);
}

#[test]
fn ten_holders_keep_nothing_from_an_honest_stranger() {
    for vice in VICES {
        besieged_either_way(vice, 10, 1);
        besieged_either_way(vice, 10, 10);
    }
}

#[test]
fn a_hundred_holders_keep_nothing_from_an_honest_stranger() {
    for vice in VICES {
        besieged_either_way(vice, 100, 1);
        besieged_either_way(vice, 100, 100);
    }
}

#[test]
fn a_thousand_holders_keep_nothing_from_an_honest_stranger() {
    for vice in VICES {
        besieged(vice, 1_000, 5, Spreading::Frugal);
    }
}
