//! What becomes of accepted connections (own design): peers go to the engine, HTTP is given away, and a connection that says nothing is let go.
//!
//! Invariants: the engine hears of a connection only when it is a peer's; the undecided are bounded in number and in time, and the
//! oldest of the most crowded network goes when one more comes or descriptors run out: a client that
//! speaks at once is never locked out by silent ones.
use socket2::SockRef;
use std::collections::BTreeMap;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::time::Time;
use teem_wire::holder::{Holder, Network};

use super::{Entry, Net};
use crate::budget::{UNDECIDED_MAX, UNPROVEN_MAX};
use crate::conn::Conn;
use crate::entropy::{self, NO_PAD};
use crate::layer::Layer;
use crate::link::{Channel, Link};
use crate::table::Table;
use crate::undecided::{Look, Undecided};
use crate::{sockopt, table};

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Looks at what has come of undecided connections. Those whose keys are to be computed wait their turn.
    pub(crate) fn decide(&mut self, now: Time, take: &mut impl FnMut(Input<B>)) {
        self.keys.turn(now);
        for _ in 0..self.shown.len() {
            let Some(id) = self.shown.pop_front() else { break };
            let Some(Entry::Undecided(stranger)) = self.table.get_mut(id) else { continue };
            stranger.shown = false;
            let Self { keys, torrents, config, .. } = self;
            let (fill, pad) = (config.entropy, &mut NO_PAD.clone());
            let draw = move || keys.take().then(move || entropy::draw(fill, pad));
            match stranger.look(config.encryption, draw, |name| torrents.find(name)) {
                Look::Wait => {}
                Look::Later => self.show(id, false),
                Look::Over => drop(self.table.remove(id)),
                Look::Clear | Look::Mse(..) if !config.transports.has(stranger.link.transport()) => {
                    drop(self.table.remove(id));
                }
                Look::Clear => self.admit(id, Layer::Plain, take),
                Look::Mse(agreed, answer) => self.admit(id, Layer::responder(*agreed, answer), take),
                Look::Http => self.hand_over(id),
            }
        }
    }

    /// A peer: from here on the connection is the engine's. It keeps its slot and gets another name, since the poll knows it by the slot alone.
    fn admit(&mut self, was: ConnId, layer: Layer, take: &mut impl FnMut(Input<B>)) {
        let Some(Entry::Undecided(Undecided { link, addr, ended, .. })) = self.table.remove(was) else { return };
        let local = link.local().map(sockopt::canonical);
        if let Link::Tcp(stream) = &link {
            sockopt::peer(&SockRef::from(stream), addr, self.config.upload_limited);
        }
        let entry = |id| {
            let mut conn = Box::new(Conn::new(id, Holder::of(addr.ip()), Channel::new(link, layer)));
            (conn.in_ready, conn.ended, conn.ip) = (true, ended, Some(addr.ip()));
            Ok::<_, core::convert::Infallible>(Entry::Conn(conn))
        };
        let Ok(conn) = self.table.insert(entry);
        debug_assert_eq!(table::slot(conn), table::slot(was));
        self.ready.push_back(conn);
        take(Input::Accepted { conn, remote: addr.into(), local });
        // The answer to an encrypted handshake goes out with our own, or alone.
        self.touch(conn);
        self.make_room(take);
        self.unproven.push_back(conn);
    }

    fn hand_over(&mut self, id: ConnId) {
        let Some(Entry::Undecided(Undecided { link: Link::Tcp(mut stream), .. })) = self.table.remove(id) else {
            return;
        };
        // A socket that the poll does not know is none of its business any more.
        let _ = self.registry.deregister(&mut stream);
        self.visitors.push(stream.into());
    }

    /// Ends connections that did not say in time what they are.
    pub(super) fn expire_undecided(&mut self, now: Time) {
        while let Some(&(at, id)) = self.undecided.front() {
            let waits = matches!(self.table.get_mut(id), Some(Entry::Undecided(_)));
            if waits && now < at {
                break;
            }
            self.undecided.pop_front();
            if waits {
                self.table.remove(id);
            }
        }
    }

    /// Makes room for one more undecided connection.
    pub(super) fn make_room_undecided(&mut self) {
        if self.undecided.len() >= UNDECIDED_MAX {
            let table = &mut self.table;
            self.undecided.retain(|&(_, id)| matches!(table.get_mut(id), Some(Entry::Undecided(_))));
        }
        if self.undecided.len() >= UNDECIDED_MAX {
            self.drop_oldest_undecided();
        }
    }

    /// Lets go of the connection of the most crowded network that has been silent for longest; false when none is undecided.
    pub(super) fn drop_oldest_undecided(&mut self) -> bool {
        let table = &mut self.table;
        let who: Vec<Option<Holder>> = self.undecided.iter().map(|(_, id)| holder(table, *id)).collect();
        let Some((_, id)) = oldest_of_a_crowd(&who).and_then(|place| self.undecided.remove(place)) else {
            return false;
        };
        matches!(self.table.remove(id), Some(Entry::Undecided(_)))
    }

    /// Makes room for one more connection without a handshake: the oldest of the most crowded network goes.
    pub(super) fn make_room(&mut self, take: &mut impl FnMut(Input<B>)) {
        if self.unproven.len() < UNPROVEN_MAX {
            return;
        }
        let table = &mut self.table;
        self.unproven.retain(
            |&id| matches!(table.get_mut(id), Some(Entry::Conn(conn)) if !conn.proven && conn.closing.is_none()),
        );
        if self.unproven.len() >= UNPROVEN_MAX {
            let who: Vec<Option<Holder>> = self.unproven.iter().map(|id| holder(table, *id)).collect();
            if let Some(oldest) = oldest_of_a_crowd(&who).and_then(|place| self.unproven.remove(place)) {
                self.drop_conn(oldest, CloseReason::TooMany, take);
            }
        }
    }
}

/// The party at the other end of a connection that is there still.
fn holder<B>(table: &mut Table<Entry<B>>, id: ConnId) -> Option<Holder> {
    match table.get_mut(id)? {
        Entry::Undecided(stranger) => Some(Holder::of(stranger.addr.ip())),
        Entry::Conn(conn) => Some(conn.holder),
        Entry::Dial(_) => None,
    }
}

/// Among those, oldest first, the place of the first that is of the most crowded network.
fn oldest_of_a_crowd(all: &[Option<Holder>]) -> Option<usize> {
    let mut crowds: BTreeMap<Network, usize> = BTreeMap::new();
    let networks = || all.iter().map(|holder| holder.map(Holder::wider));
    networks().flatten().for_each(|network| *crowds.entry(network).or_default() += 1);
    let most = crowds.values().max()?;
    networks().position(|network| network.and_then(|network| crowds.get(&network)) == Some(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::DECIDE_LIMIT;
    use crate::config::HostConfig;
    use crate::listen::{ListenConfig, Listeners};
    use core::time::Duration;
    use std::io::{Read, Write};
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
    use teem_swarm::remote::Encryption;
    use teem_wire::peer::ids::PROTOCOL;

    #[test]
    fn a_crowd_makes_room_for_itself() {
        let of = |text: &str| Some(Holder::of(text.parse().unwrap()));
        let crowd = [of("203.0.113.1"), None, of("192.0.2.1"), of("198.51.100.7"), of("192.0.2.200")];
        assert_eq!(oldest_of_a_crowd(&crowd), Some(2));
        assert_eq!(oldest_of_a_crowd(&crowd[..4]), Some(0), "of equal crowds the oldest");
        assert_eq!(oldest_of_a_crowd(&[None]), None);
    }

    /// The sockets of a host on a clock of the test's own.
    struct Clock {
        poll: mio::Poll,
        net: Net<Vec<u8>>,
        addr: SocketAddr,
        accepted: usize,
    }

    impl Clock {
        fn new() -> Self {
            let poll = mio::Poll::new().unwrap();
            let listen = ListenConfig { addr: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: 0 };
            let listeners = Listeners::bind(&teem_path::Path::direct(), listen).unwrap();
            let config = HostConfig::new(Encryption::Allow, |_| {});
            let addr = listeners.bound().addrs[0];
            let net = Net::new(poll.registry().try_clone().unwrap(), listeners, config).unwrap();
            Self { poll, net, addr, accepted: 0 }
        }

        /// One look at everything that has come, at a moment; on loopback that is all that was sent.
        fn turn(&mut self, now: Time) {
            let mut events = mio::Events::with_capacity(64);
            let Self { poll, net, accepted, .. } = self;
            let mut take = |input| *accepted += usize::from(matches!(input, Input::Accepted { .. }));
            for _ in 0..3 {
                poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
                for event in &events {
                    net.event(event, &mut take);
                }
                net.expire(now, &mut take);
                net.accept(now);
                net.receive(now, &mut |_| None, &mut take);
                net.decide(now, &mut take);
            }
        }
    }

    #[test]
    fn who_does_not_decide_in_time_is_let_go() {
        let mut clock = Clock::new();
        let start = Time::ZERO + Duration::from_secs(100);
        let mut silent = TcpStream::connect(clock.addr).unwrap();
        clock.turn(start);
        assert_eq!(clock.net.sleep_max(start), Some(DECIDE_LIMIT));
        let mut slow = TcpStream::connect(clock.addr).unwrap();
        slow.write_all(b"GE").unwrap();
        let peer = TcpStream::connect(clock.addr).unwrap();
        (&peer).write_all(PROTOCOL).unwrap();
        let second = Duration::from_secs(1);
        clock.turn(start + second);
        assert_eq!((clock.accepted, clock.net.table.len()), (1, 3));
        clock.turn(start + DECIDE_LIMIT - Duration::from_nanos(1));
        assert_eq!(clock.net.table.len(), 3);
        clock.turn(start + DECIDE_LIMIT);
        assert_eq!(clock.net.table.len(), 2, "the silent one is gone");
        assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
        // Bytes that decide nothing buy no time.
        slow.write_all(b"T").unwrap();
        clock.turn(start + second + DECIDE_LIMIT);
        assert_eq!(clock.net.table.len(), 1, "the slow one too; the peer is the engine's to judge");
        assert!(matches!(slow.read(&mut [0; 1]), Ok(0) | Err(_)));
    }

    #[test]
    fn a_key_that_waits_its_turn_holds_what_it_came_with_and_no_more() {
        let mut clock = Clock::new();
        while clock.net.keys.take() || clock.net.keys.wait(Time::ZERO).is_none() {
            clock.net.keys.turn(Time::ZERO);
        }
        let mut stranger = TcpStream::connect(clock.addr).unwrap();
        let mut unread = [0; 16 * 1024];
        for _ in 0..10 {
            stranger.write_all(&[0x77; 1024]).unwrap();
            clock.turn(Time::ZERO);
            clock.turn(Time::ZERO);
        }
        assert_eq!(clock.net.shown.len(), 1, "it waits in one place");
        let id = clock.net.shown[0];
        let Some(Entry::Undecided(waiting)) = clock.net.table.get_mut(id) else { panic!("it has gone") };
        let unread = waiting.link.peek(&mut unread).unwrap();
        assert!(unread >= 8 * 1024, "{unread} of 10240 bytes were left in the kernel");
    }

    #[test]
    fn the_undecided_are_bounded_and_the_oldest_goes() {
        let mut clock = Clock::new();
        let mut crowd = Vec::new();
        for n in 0..UNDECIDED_MAX + 3 {
            crowd.push(TcpStream::connect(clock.addr).unwrap());
            clock.turn(Time::ZERO);
            assert_eq!(clock.net.table.len(), (n + 1).min(UNDECIDED_MAX));
        }
        for stranger in &mut crowd[..3] {
            assert_eq!(stranger.read(&mut [0; 1]).unwrap(), 0);
        }
        crowd[3].write_all(b"POST ").unwrap();
        clock.turn(Time::ZERO);
        assert_eq!((clock.net.visitors.len(), clock.net.table.len()), (1, UNDECIDED_MAX - 1));
    }
}
