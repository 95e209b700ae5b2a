//! How dials race (own design; RFC 8305): which way begins when, and what becomes of the others.
use mio::Registry;
use teem_engine::input::{DialError, Input};
use teem_path::Meeting;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::{How, Plan, Remote, Transport};
use teem_swarm::time::Time;

use super::{Entry, Net};
use crate::budget::SOCKETS_MAX;
use crate::dial::{self, Dial};
use crate::link::Link;
use crate::race::Race;
use crate::udp::Port;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Begins a dial; where one of the same address is under way, its way joins that.
    pub(crate) fn dial(
        &mut self,
        now: Time,
        torrent: TorrentId,
        to: Remote,
        plan: Plan,
        take: &mut impl FnMut(Input<B>),
    ) {
        let Remote::Addr(addr) = to else {
            return take(Input::DialFailed { torrent, to, how: plan.first, why: DialError::Unreachable, over: true });
        };
        if self.path.bars(addr.ip(), Meeting::Dial) {
            return take(Input::DialFailed { torrent, to, how: plan.first, why: DialError::Filtered, over: true });
        }
        // A peer is to be met at this moment (BEP 55) whose former dial waits for TCP alone.
        let former = self.races.open.iter_mut().find(|(_, race)| race.torrent == torrent && race.addr == addr);
        if let Some((name, race)) = former {
            let name = *name;
            if race.join(plan.first) {
                self.begin_next(now, name, take);
            }
            return;
        }
        self.races.last += 1;
        let race = self.races.last;
        self.races.open.insert(race, Race::new(torrent, addr, plan));
        self.begin_next(now, race, take);
    }

    /// Begins the ways whose moment has come.
    pub(super) fn begin_due(&mut self, now: Time, take: &mut impl FnMut(Input<B>)) {
        while let Some(&(at, race)) = self.races.starts.first()
            && at <= now
        {
            self.races.starts.pop_first();
            self.begin_next(now, race, take);
        }
    }

    /// Begins the next way of a race; when that is impossible, the one after it.
    fn begin_next(&mut self, now: Time, name: u64, take: &mut impl FnMut(Input<B>)) {
        while let Some(race) = self.races.open.get(&name)
            && let Some(how) = race.next()
        {
            match self.begin(now, name, how) {
                Ok(conn) => {
                    let Some(race) = self.races.open.get_mut(&name) else { return };
                    race.begins(how, conn);
                    if race.next().is_some() {
                        self.races.starts.insert((now + Plan::HEAD_START, name));
                    }
                    return;
                }
                Err(why) => self.way_failed(name, how, why, take),
            }
        }
    }

    /// Begins one way.
    fn begin(&mut self, now: Time, name: u64, how: How) -> Result<ConnId, DialError> {
        let race = self.races.open.get(&name).ok_or(DialError::Unreachable)?;
        if self.table.len() >= SOCKETS_MAX {
            return Err(DialError::Unreachable);
        }
        let (addr, torrent) = (race.addr, race.torrent);
        let (link, proxied) = match how.transport {
            Transport::Tcp => dial::start(addr, &self.path, self.config.upload_limited)?,
            _ => (self.dial_utp(now, addr)?, None),
        };
        let mut dial = Dial::new(link, torrent, (addr, how), now);
        (dial.race, dial.proxied) = (Some(name), proxied);
        let (registry, until): (&Registry, Time) = (&self.registry, dial.until());
        let id = self.table.insert(|id| {
            super::open::register(registry, &mut dial.link, id).map_err(|_| DialError::Unreachable)?;
            Ok(Entry::Dial(dial))
        })?;
        self.dials.insert((until, id));
        Ok(id)
    }

    /// Opens a connection over uTP.
    fn dial_utp(&mut self, now: Time, addr: core::net::SocketAddr) -> Result<Link, DialError> {
        self.strangers.speak_to(now, addr);
        let serves = |udp: &Port| udp.serves(addr.ip());
        let listening = self.listening.iter().find(|listening| listening.udp.as_ref().is_some_and(serves));
        let utp = listening.and_then(|listening| listening.utp.as_ref()).ok_or(DialError::Unreachable)?;
        utp.connect(now, addr).map(Link::Utp).ok_or(DialError::Unreachable)
    }

    /// A way stands: the others end, and nothing has been said on them.
    pub(super) fn decided(&mut self, winner: ConnId) {
        let Some(Entry::Dial(dial)) = self.table.get_mut(winner) else { return };
        let Some(race) = dial.race.take().and_then(|name| self.races.open.remove(&name)) else { return };
        for loser in race.running().filter(|conn| *conn != winner) {
            self.table.remove(loser);
        }
    }

    /// A way has come to nothing. The next begins at once, or the torrent is told that it was the last.
    pub(super) fn way_failed(&mut self, name: u64, how: How, why: DialError, take: &mut impl FnMut(Input<B>)) {
        let Some(race) = self.races.open.get_mut(&name) else { return };
        race.fails(how);
        let (torrent, to, over) = (race.torrent, race.addr.into(), race.is_over());
        if over {
            self.races.open.remove(&name);
        } else if race.next().is_some() {
            // It has not to wait for its moment; begun it is in this turn, by `begin_due`.
            self.races.starts.retain(|(_, of)| *of != name);
            self.races.starts.insert((Time::ZERO, name));
        }
        take(Input::DialFailed { torrent, to, how, why, over });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostConfig;
    use crate::listen::{ListenConfig, Listeners};
    use core::time::Duration;
    use socket2::{Domain, Socket, Type};
    use std::io::{ErrorKind, Read};
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
    use teem_swarm::remote::{Encryption, Transports};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const T: TorrentId = TorrentId(1);
    const RACE: Plan = Plan { first: How::TCP, second: Some(How::UTP) };
    const UTP_FIRST: Plan = Plan { first: How::UTP, second: Some(How::TCP) };

    fn ms(n: u64) -> Time {
        Time::ZERO + Duration::from_millis(n)
    }

    /// The sockets of a host on a clock of the test's own.
    struct Clock {
        poll: mio::Poll,
        net: Net<Vec<u8>>,
        heard: Vec<Input<Vec<u8>>>,
    }

    impl Clock {
        fn new() -> Self {
            let poll = mio::Poll::new().unwrap();
            let listeners =
                Listeners::bind(&teem_path::Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: 0 }).unwrap();
            let config = HostConfig { transports: Transports::Auto, ..HostConfig::new(Encryption::Allow, |_| {}) };
            let mut net = Net::new(poll.registry().try_clone().unwrap(), listeners, config).unwrap();
            net.torrents.add(T, [[7; 20]].into_iter());
            Self { poll, net, heard: Vec::new() }
        }

        fn dial(&mut self, now: Time, peer: &Peer, plan: Plan) {
            self.net.dial(now, T, peer.addr.into(), plan, &mut |input| self.heard.push(input));
            self.turn(now);
        }

        /// Looks at everything that has come, at a moment; on loopback that is all that was sent.
        fn turn(&mut self, now: Time) {
            let mut events = mio::Events::with_capacity(64);
            let Self { poll, net, heard } = self;
            let mut take = |input| heard.push(input);
            for _ in 0..3 {
                poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
                for event in &events {
                    net.event(event, &mut take);
                }
                net.receive(now, &mut |_| None, &mut take);
                net.utp_news(now, &mut take);
                net.expire(now, &mut take);
                net.utp_transmit(now);
            }
        }

        /// What was heard since the last time: the ways that failed, and the one that stands.
        fn heard(&mut self) -> Vec<(How, Option<DialError>, bool)> {
            let told = self.heard.drain(..).map(|input| match input {
                Input::Connected { how, .. } => (how, None, true),
                Input::DialFailed { how, why, over, .. } => (how, Some(why), over),
                other => panic!("{other:?}"),
            });
            told.collect()
        }
    }

    /// Somebody with a port for UDP, and one of the same number for TCP that accepts, refuses or is silent.
    struct Peer {
        addr: SocketAddr,
        udp: UdpSocket,
        tcp: Option<TcpListener>,
        /// What fills the queue of a silent one.
        crowd: Vec<TcpStream>,
    }

    impl Peer {
        fn bound() -> (Socket, UdpSocket) {
            loop {
                let tcp = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                tcp.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
                let addr = tcp.local_addr().unwrap().as_socket().unwrap();
                if let Ok(udp) = UdpSocket::bind(addr) {
                    udp.set_nonblocking(true).unwrap();
                    return (tcp, udp);
                }
            }
        }

        /// TCP is refused: the port is bound, and nobody listens.
        fn refusing() -> (Self, Socket) {
            let (held, udp) = Self::bound();
            (Self { addr: udp.local_addr().unwrap(), udp, tcp: None, crowd: Vec::new() }, held)
        }

        fn listening() -> Self {
            let (tcp, udp) = Self::bound();
            tcp.listen(16).unwrap();
            let tcp: TcpListener = tcp.into();
            tcp.set_nonblocking(true).unwrap();
            Self { addr: udp.local_addr().unwrap(), udp, tcp: Some(tcp), crowd: Vec::new() }
        }

        /// TCP is silent: the queue of those that wait to be accepted is full, and the system drops who comes.
        fn silent() -> Self {
            let (tcp, udp) = Self::bound();
            tcp.listen(0).unwrap();
            let addr = udp.local_addr().unwrap();
            let crowd = core::iter::from_fn(|| TcpStream::connect_timeout(&addr, Duration::from_millis(100)).ok());
            let crowd = crowd.take(16).collect();
            let tcp: TcpListener = tcp.into();
            tcp.set_nonblocking(true).unwrap();
            Self { addr, udp, tcp: Some(tcp), crowd }
        }

        /// The packets of uTP that have come: types and payload lengths.
        fn packets(&self) -> Vec<(u8, usize)> {
            let mut buffer = [0; 2048];
            core::iter::from_fn(|| self.udp.recv(&mut buffer).ok().map(|len| (buffer[0] >> 4, len - 20))).collect()
        }

        /// Answers an opening of uTP, and nothing else.
        fn answer(&self) {
            let mut buffer = [0; 2048];
            let (len, from) = self.udp.recv_from(&mut buffer).unwrap();
            assert_eq!((len, buffer[0]), (20, 0x41), "an opening");
            let mut answer = [0; 20];
            answer[0] = 0x21;
            answer[2..4].copy_from_slice(&buffer[2..4]);
            answer[12..16].copy_from_slice(&(1u32 << 20).to_be_bytes());
            answer[16..20].copy_from_slice(&[1, 1, buffer[16], buffer[17]]);
            self.udp.send_to(&answer, from).unwrap();
        }

        /// Bytes that came over TCP on all connections to it but those of the crowd; each has ended.
        fn tcp_bytes(&mut self) -> Vec<usize> {
            self.crowd.clear();
            let listener = self.tcp.as_ref().unwrap();
            core::iter::from_fn(|| listener.accept().ok())
                .map(|(mut stream, _)| {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    let mut bytes = Vec::new();
                    match stream.read_to_end(&mut bytes) {
                        Ok(_) => {}
                        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
                    }
                    bytes.len()
                })
                .collect()
        }
    }

    const SYN: (u8, usize) = (4, 0);

    #[test]
    fn a_refusal_by_tcp_begins_utp_at_once() {
        let (peer, _held) = Peer::refusing();
        let mut clock = Clock::new();
        clock.dial(ms(0), &peer, RACE);
        assert_eq!(clock.heard(), [(How::TCP, Some(DialError::Refused), false)]);
        peer.answer();
        clock.turn(ms(1));
        assert_eq!(clock.heard(), [(How::UTP, None, true)]);
        assert!(clock.net.races.open.is_empty() && clock.net.races.starts.is_empty());
    }

    #[test]
    fn while_tcp_is_silent_utp_begins_after_its_delay_and_may_win() {
        let mut peer = Peer::silent();
        let mut clock = Clock::new();
        clock.dial(ms(0), &peer, RACE);
        assert_eq!(clock.net.races.wait(ms(0)), Some(Plan::HEAD_START));
        clock.turn(ms(249));
        assert_eq!(peer.packets(), []);
        clock.turn(ms(250));
        peer.answer();
        clock.turn(ms(260));
        assert_eq!(clock.heard(), [(How::UTP, None, true)]);
        assert_eq!(clock.net.table.len(), 1, "the other has ended");
        assert!(peer.tcp_bytes().iter().all(|bytes| *bytes == 0));
    }

    #[test]
    fn where_tcp_stands_no_packet_of_utp_leaves() {
        let peer = Peer::listening();
        let mut clock = Clock::new();
        clock.dial(ms(0), &peer, RACE);
        clock.turn(ms(300));
        assert_eq!((clock.heard(), peer.packets()), (vec![(How::TCP, None, true)], vec![]));
    }

    #[test]
    fn a_loser_has_sent_nothing_but_its_opening() {
        for plan in [UTP_FIRST, Plan { first: How::UTP_MSE, second: Some(How::TCP_MSE) }] {
            let mut peer = Peer::listening();
            let mut clock = Clock::new();
            clock.dial(ms(0), &peer, plan);
            assert_eq!(peer.packets(), [SYN]);
            clock.turn(ms(250));
            clock.turn(ms(5_000));
            assert!(peer.packets().iter().all(|(kind, payload)| *kind != 0 && *payload == 0), "{plan:?}");
            if plan == UTP_FIRST {
                assert_eq!(clock.heard(), [(How::TCP, None, true)]);
            } else {
                drop(clock);
                assert!(peer.tcp_bytes()[0] >= 96, "the winner's key goes out");
            }
        }
        // Both ways are under way, and uTP, which began last, wins: TCP has sent nothing.
        let mut peer = Peer::silent();
        let mut clock = Clock::new();
        clock.dial(ms(0), &peer, Plan { first: How::TCP_MSE, second: Some(How::UTP_MSE) });
        clock.turn(ms(250));
        peer.answer();
        clock.turn(ms(260));
        assert_eq!(clock.net.table.len(), 1);
        let sent = peer.packets();
        assert!(sent.iter().any(|(kind, payload)| *kind == 0 && *payload > 0), "the winner's key: {sent:?}");
        assert!(peer.tcp_bytes().iter().all(|bytes| *bytes == 0));
    }

    #[test]
    fn a_race_that_nobody_wins_is_over_once() {
        let (peer, _held) = Peer::refusing();
        let mut clock = Clock::new();
        clock.dial(ms(0), &peer, RACE);
        clock.turn(ms(3_999));
        assert_eq!(clock.heard(), [(How::TCP, Some(DialError::Refused), false)]);
        clock.turn(ms(4_000));
        assert_eq!(clock.heard(), [(How::UTP, Some(DialError::TimedOut), true)]);
        assert_eq!((clock.net.table.len(), clock.net.races.open.len()), (0, 0));
        let mut clock = Clock::new();
        let peer = Peer::silent();
        clock.dial(ms(0), &peer, RACE);
        clock.turn(ms(250));
        clock.turn(ms(4_250));
        assert_eq!(clock.heard(), [(How::UTP, Some(DialError::TimedOut), false)]);
        clock.turn(ms(10_000));
        assert_eq!(clock.heard(), [(How::TCP, Some(DialError::TimedOut), true)]);
    }

    #[test]
    fn what_cannot_be_begun_makes_way_for_the_other() {
        let peer = Peer::listening();
        let mut clock = Clock::new();
        // Nothing of ours speaks uTP over IPv6.
        let addr = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], peer.addr.port()));
        let mut heard = Vec::new();
        clock.net.dial(ms(0), T, addr.into(), UTP_FIRST, &mut |input| heard.push(input));
        clock.heard = heard;
        let unreachable = |how, over| (how, Some(DialError::Unreachable), over);
        assert_eq!(clock.heard(), [unreachable(How::UTP, false), unreachable(How::TCP, true)]);
    }
}
