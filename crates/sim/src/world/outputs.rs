//! Carries out what a peer wants (own design): the part of a host, in virtual time.
use super::{Event, TAIL, World};
use crate::block::SimBlock;
use crate::node::PORT;
use crate::packet::Packet;
use crate::scenario::{Departure, Role};
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_engine::output::Output;
use teem_swarm::command::Command;
use teem_swarm::event::Event as Told;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::Job;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::message::{Message, MetadataMessage};

/// The name of the world's one torrent.
pub(super) const TORRENT: TorrentId = TorrentId(1);
/// How far the tracker is from the middle of the network, there and back, with its work.
const TRACKER: Duration = Duration::from_millis(60);
/// How often a peer is asked for its own account.
const AUDIT: Duration = Duration::from_secs(20);
/// What the owner of a torrent takes to say where it shall lie.
const OWNER: Duration = Duration::from_millis(1);

impl World {
    pub(super) fn carry_out(&mut self, now: Time, peer: u32, output: Output<SimBlock>) {
        match output {
            Output::Dial { torrent, addr } => self.dial(now, peer, torrent, addr),
            Output::Hello { conn, handshake } => self.push(conn, Packet::Hello(Box::new(handshake))),
            Output::Send { conn, message } => {
                if matches!(message, Message::Metadata { message: MetadataMessage::Data { .. }, .. }) {
                    // Lines here carry it in its time; the bound on what is unsent is the business of the crates' own tests.
                    self.post(peer, now, Input::MetadataSent { conn });
                }
                self.push(conn, Packet::message(message));
            }
            Output::SendBlock { conn, at, data } => {
                if self.nodes[peer as usize].spec.role == Role::Seed {
                    self.left_a_seed(at);
                }
                self.push(conn, Packet::Block(at, data));
            }
            Output::Close { conn, .. } => self.close(now, conn),
            Output::Disk(job) => {
                let mut answers = Vec::new();
                let written = if let Job::Write { at, .. } = &job { Some(at.piece) } else { None };
                let node = &mut self.nodes[peer as usize];
                let before = node.disk.good_pieces();
                node.disk.run(job, &mut answers);
                if let Some(piece) = written.filter(|_| node.disk.good_pieces() > before && node.spec.role.gives()) {
                    self.series.gained(piece);
                }
                for (after, done) in answers {
                    self.post(peer, now + after, Input::Disk(done));
                }
            }
            Output::Announce { torrent, url, announce } => {
                let node = &self.nodes[peer as usize];
                let addr = SocketAddr::new(node.addr.ip(), if announce.port == 0 { PORT } else { announce.port });
                let at = now + TRACKER + node.delay * 2;
                let reply = self.tracker.announce(now, addr, &announce);
                self.post(peer, at, Input::Tracker { torrent, url, source: PeerSource::PublicTracker, reply });
            }
            Output::Datagram { .. } => {}
            Output::Resolve { host, port } => {
                let addrs = Err(format!("{host}: this world has no such name"));
                self.post(peer, now + TRACKER, Input::Resolved { host, port, addrs });
            }
            Output::Event(event) => self.told(now, peer, &event),
        }
    }

    /// Gives a peer an input later.
    pub(super) fn post(&mut self, peer: u32, at: Time, input: Input<SimBlock>) {
        let node = &mut self.nodes[peer as usize];
        let (place, life) = (node.post(input), node.life);
        self.put(peer, at, Event::Mail { place, life });
    }

    /// Asks a peer for its own account some time later; the checkers compare it with theirs.
    pub(super) fn audit(&mut self, peer: u32) {
        let at = self.now + AUDIT;
        self.post(peer, at, Input::Command(Command::Snapshot(TORRENT)));
    }

    fn told(&mut self, now: Time, peer: u32, event: &Told) {
        let node = &mut self.nodes[peer as usize];
        match event {
            Told::Metadata { torrent, .. } => {
                self.post(peer, now + OWNER, Input::Command(Command::Placed(*torrent)));
            }
            Told::Complete { .. } if node.complete.is_none() && node.spec.role.wants() => {
                node.complete = Some(now);
                let (life, must) = (node.life, node.must());
                if let Departure::WhenComplete(after) = node.spec.departure {
                    self.put(peer, now + after, Event::Go { life, crash: false });
                }
                if must {
                    self.settled(now);
                }
            }
            Told::Snapshot(_) => self.audit(peer),
            Told::Removed { .. } => self.stop(now, peer),
            _ => {}
        }
    }

    /// One that the run waited for is complete, or gone for good.
    pub(super) fn settled(&mut self, now: Time) {
        self.missing -= 1;
        if self.missing == 0 {
            self.end = self.end.min(now + TAIL);
        }
    }

    fn left_a_seed(&mut self, at: BlockRef) {
        self.out.sent += u64::from(at.len);
        let index = at.piece as usize * self.content.blocks_max() as usize + (at.begin / BLOCK_LEN) as usize;
        let Some(left) = self.out.left.get_mut(index) else { return };
        if !std::mem::replace(left, true) {
            self.out.missing -= 1;
            if self.out.missing == 0 {
                self.out.all_out = Some(self.out.sent);
            }
        }
    }
}
