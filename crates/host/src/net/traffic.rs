//! Bytes in and out of the sockets that stand (own design): one read and one vectored write a turn for each, packets by the dozen.
use core::net::SocketAddr;
use std::collections::BTreeMap;
use teem_engine::input::Input;
use teem_path::Meeting;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::remote::Transport;
use teem_swarm::time::Time;
use teem_wire::datagram::Datagram;
use teem_wire::holder::Holder;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

use super::{Entry, Net};
use crate::budget::{TURN_READ_LEN, UNREAD_ALL_MAX, UNREAD_MESSAGES_MAX};
use crate::conn::{Conn, ReadEnd};
use crate::out::Spares;
use crate::packet::{self, For};
use crate::sockopt;

/// Packets of uTP refused in one turn on one socket; what is beyond that is dropped, and its sender repeats it.
const REFUSALS_PER_TURN: usize = 32;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Reads from those that are ready, once each, within the budget. When the storage has no buffer left, only blocks that have
    /// one already are read to their end: they are what may come back to the pool.
    pub(crate) fn read(&mut self, alloc: &mut impl FnMut(usize) -> Option<B>, take: &mut impl FnMut(Input<B>)) {
        self.starved = false;
        let mut budget = TURN_READ_LEN;
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(Entry::Conn(conn)) = self.table.get_mut(id) else { continue };
            let room = if self.starved { conn.missing() } else { self.scratch.len() };
            if room == 0 {
                self.ready.push_back(id);
                continue;
            }
            let listened = conn.channel.must_listen();
            let (len, end) = conn.read(&mut self.scratch[..room], alloc, take);
            // The other side has said how to go on: what waits can go out.
            let speaks = listened && !conn.channel.must_listen();
            conn.blocked &= !speaks;
            budget = budget.saturating_sub(len);
            match end {
                ReadEnd::More => self.ready.push_back(id),
                ReadEnd::Drained => conn.in_ready = false,
                ReadEnd::Starved => {
                    self.ready.push_back(id);
                    self.starved = true;
                }
                ReadEnd::Closed(why) => self.drop_conn(id, why, take),
            }
            if speaks {
                self.touch(id);
            }
            if budget == 0 {
                return;
            }
        }
    }

    /// Takes packets from the UDP sockets. A client that opens a uTP connection tries TCP at once when it is told that nobody speaks
    /// uTP here, and after seconds when it hears nothing; no answer is longer than what it answers.
    ///
    /// What comes over a uTP connection is decoded where it lies, and a block copied once. What cannot be, since its connection is not a peer's yet or the storage
    /// has no buffer, is kept by uTP and read like a socket's.
    pub(crate) fn receive(
        &mut self,
        now: Time,
        alloc: &mut impl FnMut(usize) -> Option<B>,
        take: &mut impl FnMut(Input<B>),
    ) {
        let Self { strangers, listening, scratch, questions, refusals: told, table, ready, room, path, names, .. } =
            self;
        let mut over = Vec::new();
        for listening in listening.iter_mut().filter(|listening| listening.receiving) {
            let mut refusals = Vec::new();
            let utp = listening.utp.as_ref();
            let Some(udp) = &listening.udp else {
                listening.receiving = false;
                continue;
            };
            let relayed = udp.is_relayed();
            let empty = udp.receive(scratch, |from, local, packet| {
                if relayed && names.heard(from, packet) {
                    return;
                }
                match packet::sort(packet, |head| utp.is_some_and(|utp| utp.knows(from, head))) {
                    // A tracker is asked wherever it is.
                    Some(For::Engine) => take(Input::Datagram { from, bytes: packet.to_vec() }),
                    Some(_) if path.bars(from.ip(), Meeting::Packet) => {}
                    Some(For::Node) => {
                        // Whatever comes through a relay shows nothing of this machine.
                        if packet::is_dht_query(packet) && !relayed {
                            strangers.came(from, Transport::Utp);
                        }
                        take(Input::Datagram { from, bytes: packet.to_vec() });
                    }
                    Some(For::Tracker) => questions.push(Datagram { remote: from, local, bytes: packet.to_vec() }),
                    Some(For::Utp(head)) => match (utp, head.refusal()) {
                        (Some(utp), _) => utp.receive(now, from, local, packet, |slot, bytes| {
                            let conn = table.at(slot).and_then(|id| table.get_mut(id));
                            let Some(Entry::Conn(conn)) = conn else { return 0 };
                            match conn.deliver(bytes, room, alloc, take) {
                                None => return 0,
                                Some(ReadEnd::Closed(why)) => over.push((conn.id, why)),
                                // The rest of the packet waits in the connection.
                                Some(ReadEnd::Starved) if !core::mem::replace(&mut conn.in_ready, true) => {
                                    ready.push_back(conn.id);
                                }
                                Some(_) => {}
                            }
                            bytes.len()
                        }),
                        (None, Some(answer)) if refusals.len() < REFUSALS_PER_TURN && told.take(now, from.ip()) => {
                            refusals.push(Datagram { remote: from, local, bytes: answer.encode().to_vec() });
                        }
                        (None, _) => {}
                    },
                    None => {}
                }
            });
            listening.receiving = !empty;
            for refusal in &refusals {
                udp.answer(refusal);
            }
        }
        for (id, why) in over {
            self.drop_conn(id, why, take);
        }
    }

    /// Writes to those that were touched, once each.
    pub(crate) fn write(&mut self, take: &mut impl FnMut(Input<B>)) {
        while let Some(id) = self.overfull.pop() {
            self.drop_conn(id, CloseReason::Flood("messages that the peer does not read"), take);
        }
        for _ in 0..self.touched.len() {
            let Some(id) = self.touched.pop_front() else { break };
            let Some(Entry::Conn(conn)) = self.table.get_mut(id) else { continue };
            conn.in_touched = false;
            match conn.write(&mut self.spares) {
                Ok(wrote) => {
                    let closing = conn.closing.is_some();
                    if wrote.payload > 0 && !closing {
                        take(Input::Sent { conn: id, bytes: wrote.payload });
                    }
                    if !closing {
                        (0..wrote.metadata).for_each(|_| take(Input::MetadataSent { conn: id }));
                    }
                    if !conn.has_unsent() && closing {
                        self.flushed(id);
                    } else {
                        self.touch(id);
                    }
                }
                Err(why) => self.drop_conn(id, why, take),
            }
        }
    }

    /// Queues what `encode` writes.
    pub(crate) fn send(&mut self, id: ConnId, encode: impl FnOnce(&mut Vec<u8>)) {
        self.queue(id, |conn, spares| conn.out.push(spares, encode));
    }

    /// Appends to what waits for a connection. What waits for one that does not read is counted now and then.
    fn queue(&mut self, id: ConnId, append: impl FnOnce(&mut Conn<B>, &mut Spares<B>)) {
        if let Some(Entry::Conn(conn)) = self.table.get_mut(id)
            && conn.closing.is_none()
        {
            let before = conn.out.len();
            append(conn, &mut self.spares);
            if conn.blocked {
                if conn.out.messages_len() > UNREAD_MESSAGES_MAX {
                    self.overfull.push(id);
                }
                self.uncounted += conn.out.len().saturating_sub(before);
            }
            self.touch(id);
            if self.uncounted > UNREAD_ALL_MAX / 8 {
                self.count_unread();
            }
        }
    }

    /// Counts what peers that do not read make us hold: where that is too much in all, those with most of it lose their connections.
    fn count_unread(&mut self) {
        self.uncounted = 0;
        let unread = |conn: &Conn<B>| (conn.id, conn.holder, conn.out.len());
        let conns = self.table.values_mut().filter_map(|entry| match entry {
            Entry::Conn(conn) if conn.closing.is_none() => Some(unread(conn)),
            _ => None,
        });
        let all: Vec<_> = conns.collect();
        self.overfull.extend(too_much(all, UNREAD_ALL_MAX));
    }

    /// Queues a piece of metadata, of which the engine hears when it has gone.
    pub(crate) fn send_metadata(&mut self, id: ConnId, message: &Message) {
        self.queue(id, |conn, spares| conn.out.push_metadata(spares, message));
    }

    /// Queues a block.
    pub(crate) fn send_block(&mut self, id: ConnId, at: BlockRef, data: B) {
        self.queue(id, |conn, spares| conn.out.push_block(spares, at, data));
    }

    /// Sends a packet from the socket of its family.
    pub(crate) fn datagram(&mut self, now: Time, to: SocketAddr, packet: &[u8]) {
        let to = sockopt::canonical(to);
        if packet::is_dht(packet) && self.path.bars(to.ip(), Meeting::Packet) {
            return;
        }
        self.strangers.speak_to(now, to);
        if let Some(udp) = self.listening.iter().filter_map(|l| l.udp.as_ref()).find(|udp| udp.serves(to.ip())) {
            udp.send(to, packet);
        } else {
            self.hold(to, packet);
        }
    }

    /// Sends the answer to a question, from the address that was asked.
    pub(crate) fn answer(&self, packet: &Datagram) {
        let mut ports = self.listening.iter().filter_map(|listening| listening.udp.as_ref());
        if let Some(udp) = ports.find(|udp| udp.serves(packet.local.ip())) {
            udp.answer(packet);
        }
    }
}

/// The connections that have to go so that what is held for all is no more than `max`: each time the largest of the holder with most.
fn too_much(mut all: Vec<(ConnId, Holder, usize)>, max: usize) -> Vec<ConnId> {
    let mut holders: BTreeMap<Holder, usize> = BTreeMap::new();
    for (_, holder, len) in &all {
        *holders.entry(*holder).or_default() += len;
    }
    let mut sum: usize = holders.values().sum();
    let mut gone = Vec::new();
    while sum > max {
        let Some(most) = holders.iter().max_by_key(|(_, len)| **len).map(|(holder, _)| *holder) else { break };
        let of_it = all.iter().enumerate().filter(|(_, (_, holder, _))| *holder == most);
        let Some(place) = of_it.max_by_key(|(_, (_, _, len))| *len).map(|(place, _)| place) else { break };
        let (id, _, len) = all.swap_remove(place);
        sum -= len;
        holders.entry(most).and_modify(|held| *held -= len);
        gone.push(id);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostConfig;
    use crate::listen::{ListenConfig, Listeners};
    use core::net::{IpAddr, Ipv4Addr};
    use core::time::Duration;
    use std::net::UdpSocket;
    use teem_swarm::remote::Encryption;
    use teem_utp::packet::{HEAD_LEN, Head, Kind};

    /// What listens on loopback, where, and what tells of its readiness.
    fn listening() -> (mio::Poll, Net<Vec<u8>>, SocketAddr) {
        let poll = mio::Poll::new().unwrap();
        let listen = ListenConfig { addr: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: 0 };
        let listeners = Listeners::bind(&teem_path::Path::direct(), listen).unwrap();
        let to = listeners.bound().addrs[0];
        let config = HostConfig::new(Encryption::Allow, |_| {});
        let net = Net::new(poll.registry().try_clone().unwrap(), listeners, config).unwrap();
        (poll, net, to)
    }

    /// The head of a packet of uTP that belongs to no stream.
    fn head(kind: Kind) -> Head {
        let (connection_id, timestamp_us, timestamp_difference_us) = (9, 5, 0);
        Head { kind, connection_id, timestamp_us, timestamp_difference_us, window: 1 << 20, seq_nr: 1, ack_nr: 0 }
    }

    /// On loopback a packet is there when its send returns.
    #[test]
    fn so_many_packets_of_utp_are_refused_in_a_second_and_no_reset_is() {
        let (mut poll, mut net, to) = listening();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.set_nonblocking(true).unwrap();
        let mut refused = |kind, ms| {
            let mut events = mio::Events::with_capacity(16);
            let mut count = 0;
            for _ in 0..60 {
                stranger.send_to(&head(kind).encode(), to).unwrap();
                poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
                for event in &events {
                    net.event(event, &mut |_| {});
                }
                net.receive(Time::ZERO + Duration::from_millis(ms), &mut |_| None, &mut |_| {});
                let mut answer = [0; 64];
                while let Ok(len) = stranger.recv(&mut answer) {
                    let answered = Head::decode(&answer[..len]).map(|head| (head.kind, head.connection_id));
                    assert_eq!((len, answered), (HEAD_LEN, Some((Kind::Reset, 9))));
                    count += 1;
                }
            }
            count
        };
        assert_eq!([refused(Kind::Syn, 1_000), refused(Kind::Syn, 1_999)], [32, 0]);
        assert_eq!([refused(Kind::Data, 2_000), refused(Kind::Reset, 3_000)], [32, 0]);
    }

    /// What is nobody's costs a turn no more than its budget, and leads to nothing: no answer, and not a word to the machine.
    #[test]
    fn of_garbage_a_turn_takes_so_many_packets_and_says_nothing() {
        let (mut poll, mut net, to) = listening();
        let [crowd, stranger] = [(), ()].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        crowd.set_nonblocking(true).unwrap();
        stranger.set_nonblocking(true).unwrap();
        // Of every length, and of no kind that there is.
        for n in 0..crate::udp::PACKETS_PER_TURN + 20 {
            let packet = [n as u8 | 0x80; 19];
            crowd.send_to(&packet[..n % 20], to).unwrap();
        }
        stranger.send_to(&head(Kind::Syn).encode(), to).unwrap();
        let mut events = mio::Events::with_capacity(16);
        let (mut answer, mut answered) = ([0; 64], Vec::new());
        for _ in 0..2 {
            poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            let mut take = |input| panic!("{input:?}");
            for event in &events {
                net.event(event, &mut take);
            }
            net.receive(Time::ZERO, &mut |_| None, &mut take);
            answered.push(stranger.recv(&mut answer).is_ok());
        }
        assert_eq!(answered, [false, true], "one that stands behind them has its turn with the next");
        assert!(crowd.recv(&mut answer).is_err() && net.questions.is_empty());
    }

    #[test]
    fn row_11_of_the_audit_the_holder_with_most_unread_loses_its_connections() {
        let holder = |n: u32| Holder::named(n);
        let mut all: Vec<_> = (0..10).map(|n| (ConnId(n), holder(1), 100)).collect();
        all.extend((10..15).map(|n| (ConnId(n), holder(2), 150)));
        all.push((ConnId(99), holder(3), 400));
        assert!(too_much(all.clone(), 2_150).is_empty());
        let gone = too_much(all, 1_300);
        assert_eq!(gone.len(), 8, "{gone:?}");
        assert!(!gone.contains(&ConnId(99)), "it holds less than each of the others");
        let left = 10 * 100 + 5 * 150 + 400 - gone.iter().map(|id| if id.0 < 10 { 100 } else { 150 }).sum::<u64>();
        assert!(left <= 1_300);
    }
}
