//! The hash of all that happens (own design): two runs with the same hash were the same run.
//!
//! Every input and output of every peer goes in, with its time and its fields, as 64-bit words; each peer has a hash of its
//! own, and those of all peers together are the world's. Only what the checkers ask besides a snapshot stays out, with its answer: it
//! changes nothing, and the hashes of runs that it was not asked in are the same. The mixing is ours and has no keys, so the hash of a seed is the same on every machine; it is no protection against anybody.
use crate::block::SimBlock;
use std::net::{IpAddr, SocketAddr};
use teem_engine::input::Input;
use teem_swarm::ask::{Answer, Question};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::job::{Done, Job, Reader};
use teem_swarm::output::Output;
use teem_swarm::remote::Remote;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::{Message, MetadataMessage};

/// The hash so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }
}

impl Trace {
    /// The hash of all words that were mixed in.
    pub(crate) fn value(self) -> u64 {
        self.0
    }

    /// Mixes words in.
    pub fn words(&mut self, words: &[u64]) {
        for &word in words {
            self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            self.0 ^= self.0 >> 32;
        }
    }

    /// An input of the peer.
    pub fn input(&mut self, now: Time, input: &Input<SimBlock>) {
        if matches!(input, Input::Command(Command::Availability(_))) {
            return;
        }
        self.words(&[now.nanos()]);
        match input {
            Input::Tick => self.words(&[1]),
            Input::Connected { conn, remote, .. } => self.words(&[2, conn.0, end(*remote)]),
            Input::DialFailed { to, why, .. } => self.words(&[3, end(*to), *why as u64]),
            Input::Accepted { conn, remote, .. } => self.words(&[4, conn.0, end(*remote)]),
            Input::Closed { conn, .. } => self.words(&[5, conn.0]),
            Input::Hello { conn, .. } => self.words(&[6, conn.0]),
            Input::Message { conn, message } => {
                self.words(&[7, conn.0]);
                self.message(message);
            }
            Input::Block { conn, at, data } => {
                self.words(&[8, conn.0, u64::from(data.good)]);
                self.block(*at);
            }
            Input::Sent { conn, bytes } => self.words(&[9, conn.0, *bytes]),
            Input::MetadataSent { conn } => self.words(&[16, conn.0]),
            Input::Datagram { from, bytes } => self.words(&[10, number(*from), bytes.len() as u64]),
            Input::Disk(done) => self.done(done),
            Input::Answer { answer, .. } => self.answer(answer),
            Input::Moved => self.words(&[17]),
            Input::Routed(routed) => self.words(&[18, u64::from(*routed)]),
            Input::Command(_) => self.words(&[15]),
        }
    }

    /// An output of the peer.
    pub fn output(&mut self, now: Time, output: &Output<SimBlock>) {
        if matches!(output, Output::Event(Event::Availability { .. })) {
            return;
        }
        self.words(&[now.nanos()]);
        match output {
            Output::Dial { to, .. } => self.words(&[32, end(*to)]),
            Output::Hello { conn, handshake } => {
                self.words(&[33, conn.0]);
                for part in handshake.peer_id.0.chunks(4) {
                    self.words(&[part.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))]);
                }
            }
            Output::Send { conn, message } => {
                self.words(&[34, conn.0]);
                self.message(message);
            }
            Output::SendBlock { conn, at, data } => {
                self.words(&[35, conn.0, u64::from(data.good)]);
                self.block(*at);
            }
            Output::Close { conn, .. } => self.words(&[36, conn.0]),
            Output::Disk(job) => self.job(job),
            Output::Ask { question, .. } => match question {
                Question::Announce { announce, .. } => {
                    self.words(&[38, announce.event as u64, announce.left, announce.uploaded, announce.downloaded]);
                }
                Question::Resolve { port, .. } => self.words(&[40, u64::from(*port)]),
                Question::Place { .. } => self.words(&[42]),
                Question::Load { .. } => self.words(&[43]),
            },
            Output::Datagram { to, bytes } => self.words(&[39, number(*to), bytes.len() as u64]),
            Output::Event(_) => self.words(&[41]),
            Output::Read { id, .. } => self.words(&[42, id.0]),
        }
    }

    fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Announced { reply, .. } => {
                let peers = reply.as_ref().map_or(&[][..], |reply| &reply.peers);
                self.words(&[13, u64::from(reply.is_ok()), peers.len() as u64]);
                for &addr in peers {
                    self.words(&[number(addr)]);
                }
            }
            Answer::Resolved(addrs) => self.words(&[11, u64::from(addrs.is_ok())]),
            Answer::Placed(place) => self.words(&[18, u64::from(place.is_ok())]),
            Answer::Loaded(info) => self.words(&[20, u64::from(info.is_ok())]),
            Answer::Busy => self.words(&[19]),
        }
    }

    fn block(&mut self, at: BlockRef) {
        self.words(&[u64::from(at.piece) << 32 | u64::from(at.begin), u64::from(at.len)]);
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::KeepAlive => self.words(&[64]),
            Message::Choke => self.words(&[65]),
            Message::Unchoke => self.words(&[66]),
            Message::Interested => self.words(&[67]),
            Message::NotInterested => self.words(&[68]),
            Message::Have(piece) => self.words(&[69, u64::from(*piece)]),
            Message::Bitfield(bits) => {
                self.words(&[70]);
                for part in bits.chunks(8) {
                    self.words(&[part.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))]);
                }
            }
            Message::Request(at) => {
                self.words(&[71]);
                self.block(*at);
            }
            Message::Cancel(at) => {
                self.words(&[72]);
                self.block(*at);
            }
            Message::Port(port) => self.words(&[73, u64::from(*port)]),
            Message::Suggest(piece) => self.words(&[74, u64::from(*piece)]),
            Message::HaveAll => self.words(&[75]),
            Message::HaveNone => self.words(&[76]),
            Message::Reject(at) => {
                self.words(&[77]);
                self.block(*at);
            }
            Message::AllowedFast(piece) => self.words(&[78, u64::from(*piece)]),
            Message::ExtendedHandshake(hello) => {
                self.words(&[79, u64::from(hello.metadata_size.unwrap_or(0)), u64::from(hello.reqq.unwrap_or(0))]);
            }
            Message::Metadata { message, .. } => match message {
                MetadataMessage::Request { piece } => self.words(&[80, u64::from(*piece)]),
                MetadataMessage::Data { piece, .. } => self.words(&[81, u64::from(*piece)]),
                MetadataMessage::Reject { piece } => self.words(&[82, u64::from(*piece)]),
            },
            Message::DontHave { piece, .. } => self.words(&[84, u64::from(*piece)]),
            Message::Pex { message, .. } => {
                self.words(&[85, message.added.len() as u64, message.dropped.len() as u64]);
                let added = message.added.iter().map(|contact| (contact.addr, contact.flags.0));
                for (addr, flags) in added.chain(message.dropped.iter().map(|addr| (*addr, 0))) {
                    self.words(&[number(addr), u64::from(flags)]);
                }
            }
            Message::Holepunch { message, .. } => {
                self.words(&[86, number(message.at)]);
            }
            Message::Unknown { id, .. } => self.words(&[83, u64::from(*id)]),
        }
    }

    fn job(&mut self, job: &Job<SimBlock>) {
        match job {
            Job::Open { .. } => self.words(&[96]),
            Job::Check { pieces, .. } => self.words(&[97, pieces.len() as u64]),
            Job::Write { at, data, .. } => {
                self.words(&[98, u64::from(data.good)]);
                self.block(*at);
            }
            Job::Forget { piece, .. } => self.words(&[99, u64::from(*piece)]),
            Job::Read { reader, at, .. } => {
                self.words(&[100, reader_number(*reader)]);
                self.block(*at);
            }
            Job::Sync { .. } => self.words(&[101]),
            Job::Metadata { bytes, .. } => self.words(&[102, bytes.len() as u64]),
            Job::Close { .. } => self.words(&[103]),
            Job::Select { .. } => self.words(&[104]),
        }
    }

    fn done(&mut self, done: &Done<SimBlock>) {
        match done {
            Done::Opened { have, check, .. } => self.words(&[128, have.len() as u64, check.len() as u64]),
            Done::Checked { piece, ok, .. } => self.words(&[129, u64::from(*piece), u64::from(*ok)]),
            Done::Piece { piece, verdict, .. } => {
                self.words(&[130, u64::from(*piece), u64::from(verdict.is_right())]);
            }
            Done::Block { reader, at, .. } => {
                self.words(&[131, reader_number(*reader)]);
                self.block(*at);
            }
            Done::ReadFailed { reader, at, .. } => {
                self.words(&[132, reader_number(*reader)]);
                self.block(*at);
            }
            Done::Synced { .. } => self.words(&[133]),
            Done::Metadata { hash_ok, .. } => self.words(&[134, u64::from(*hash_ok)]),
            Done::OpenFailed { .. } | Done::WriteFailed { .. } | Done::SyncFailed { .. } | Done::Trouble { .. } => {
                self.words(&[135]);
            }
            Done::Recovered { .. } => self.words(&[136]),
            Done::Remark { .. } => self.words(&[138]),
            Done::Closed { .. } => self.words(&[137]),
        }
    }
}

fn number(addr: SocketAddr) -> u64 {
    match addr.ip() {
        IpAddr::V4(ip) => u64::from(u32::from(ip)) << 16 | u64::from(addr.port()),
        IpAddr::V6(ip) => (u128::from(ip) as u64).rotate_left(16) ^ u64::from(addr.port()),
    }
}

fn end(remote: Remote) -> u64 {
    match remote {
        Remote::Addr(addr) => number(addr),
        Remote::Named(number) => u64::MAX - u64::from(number),
        // Worlds have no other ends.
        _ => u64::MAX >> 1,
    }
}

/// What a reader is called.
fn reader_number(reader: Reader) -> u64 {
    match reader {
        Reader::Peer(conn) => conn.0,
        Reader::Local(id) => id.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_every_word_count() {
        let hash = |words: &[u64]| {
            let mut trace = Trace::default();
            trace.words(words);
            trace.value()
        };
        assert_eq!(hash(&[1, 2]), hash(&[1, 2]));
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_ne!(hash(&[0]), hash(&[0, 0]));
    }
}
