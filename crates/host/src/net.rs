//! All sockets of the host: which are ready, which have something to send, which are being dialled or closed (own design).
//!
//! The poll is edge-triggered: what it said once is kept in lists here until the socket has been found empty or full. Each
//! method hands what happened to `take` as an input of the engine and does an amount of work that the budget bounds.
use core::net::SocketAddr;
use core::time::Duration;
use mio::event::Event;
use mio::net::{TcpListener, UdpSocket};
use mio::{Interest, Registry, Token};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use teem_engine::input::Input;
use teem_path::Path;
use teem_swarm::ids::ConnId;
use teem_swarm::remote::Transport;
use teem_swarm::time::Time;
use teem_wire::datagram::Datagram;

use crate::account::Account;
use crate::budget::{READ_LEN, STARVED_RETRY};
use crate::carrier::{Carrier, Shared};
use crate::config::HostConfig;
use crate::conn::Conn;
use crate::dial::Dial;
use crate::entropy;
use crate::keys::Keys;
use crate::listen::{ListenConfig, Listeners};
use crate::named::Names;
use crate::out::Spares;
use crate::packet;
use crate::race::Races;
use crate::refusals::Refusals;
use crate::relayed::Relayed;
use crate::strangers::Strangers;
use crate::table::Table;
use crate::torrents::Torrents;
use crate::udp::Port;
use crate::undecided::Undecided;
use crate::unsent::Unsent;

mod attach;
mod close;
mod decide;
mod open;
mod racing;
mod ready;
mod relay;
mod traffic;
mod utp;

/// The token of the host's waker.
pub(crate) const WAKER: Token = Token(0);

/// The first token of a listener; each has two, TCP and UDP.
const LISTENERS_FROM: usize = 1;

/// The first token of a connection.
const CONNS_FROM: usize = 64;

/// The token of the connection that a relay hangs on.
const CONTROL: Token = Token(CONNS_FROM - 2);

/// The token of the socket for packets to a relay.
const PACKETS: Token = Token(CONNS_FROM - 1);

struct Listening {
    /// Taken away when everything ends: nobody is accepted any more.
    tcp: Option<TcpListener>,
    udp: Option<Port>,
    /// uTP over the UDP socket, where that is spoken.
    utp: Option<Shared>,
    /// What uTP sent and the system has not taken yet.
    unsent: Unsent,
    /// Somebody may wait.
    accepting: bool,
    /// Packets may wait.
    receiving: bool,
    /// What the poll calls the UDP socket.
    token: Token,
    /// Strangers may open connections of uTP.
    welcomes: bool,
}

enum Entry<B> {
    Undecided(Undecided),
    Dial(Dial),
    Conn(Box<Conn<B>>),
}

/// The sockets of all connections, and which of them have something to do.
pub(crate) struct Net<B> {
    registry: Registry,
    listening: Vec<Listening>,
    /// What the system did not carry of our packets.
    pub(crate) account: Arc<Account>,
    /// What came from whom we never spoke to.
    pub(crate) strangers: Strangers,
    /// The relay of the proxy, where that can have one.
    relayed: Option<Relayed>,
    /// There was one before.
    was_relayed: bool,
    /// What waits for the relay to be granted.
    held: Vec<(SocketAddr, Vec<u8>)>,
    /// Names that are asked through it.
    names: Names,
    /// The way that outgoing connections take.
    pub(crate) path: Path,
    /// The lists of addresses that connections were held against.
    filtered_by: u64,
    /// The port, the same everywhere.
    port: u16,
    /// The sockets that take connections and packets are to be made anew.
    pub(crate) deaf: bool,
    config: HostConfig,
    /// What an encrypted handshake may be for.
    pub(crate) torrents: Torrents,
    table: Table<Entry<B>>,
    /// Connections that may have more to read, each once.
    ready: VecDeque<ConnId>,
    /// Connections with something to send and room for it, each once.
    touched: VecDeque<ConnId>,
    /// Connections whose peer does not read while messages for it pile up.
    overfull: Vec<ConnId>,
    /// Bytes queued for peers that do not read since all of that was last counted.
    uncounted: usize,
    races: Races,
    /// Dials by their deadlines; those that are over already are skipped.
    dials: BTreeSet<(Time, ConnId)>,
    /// Closings, in the order of their deadlines; those that are over already are skipped.
    closings: VecDeque<(Time, ConnId)>,
    /// Undecided connections in the order of their deadlines; those that are decided already are skipped.
    undecided: VecDeque<(Time, ConnId)>,
    /// Undecided connections that have something to be looked at, each once.
    shown: VecDeque<ConnId>,
    /// How many keys may be computed.
    keys: Keys,
    /// Peers' connections by age, of which no handshake had come when they were put here.
    unproven: VecDeque<ConnId>,
    accept_again: Option<Time>,
    /// How many links were attached so far: their names.
    attached: u32,
    /// What came to the port and is not for the engine: connections that began with HTTP, questions to a tracker. Taken after each look.
    pub(crate) visitors: Vec<std::net::TcpStream>,
    pub(crate) questions: Vec<Datagram>,
    /// How often we have said lately that nobody speaks uTP here.
    refusals: Refusals,
    /// The storage had no buffer when it was last asked.
    starved: bool,
    spares: Spares<B>,
    scratch: Vec<u8>,
    /// Room for a packet that is decrypted.
    room: Vec<u8>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    pub(crate) fn new(registry: Registry, listeners: Listeners, config: HostConfig) -> io::Result<Self> {
        let (path, port) = (listeners.path.clone(), listeners.bound().port);
        let account = Arc::default();
        let listening = listening(&registry, listeners, config, &account)?;
        let relayed = path.may_relay().then(Relayed::new);
        Ok(Self {
            registry,
            relayed,
            was_relayed: false,
            held: Vec::new(),
            names: Names::default(),
            account,
            strangers: Strangers::new(),
            listening,
            filtered_by: path.filter_version(),
            path,
            port,
            deaf: false,
            config,
            torrents: Torrents::default(),
            table: Table::new(),
            ready: VecDeque::new(),
            touched: VecDeque::new(),
            overfull: Vec::new(),
            uncounted: 0,
            races: Races::default(),
            dials: BTreeSet::new(),
            closings: VecDeque::new(),
            undecided: VecDeque::new(),
            shown: VecDeque::new(),
            keys: Keys::default(),
            unproven: VecDeque::new(),
            accept_again: None,
            attached: 0,
            visitors: Vec::new(),
            questions: Vec::new(),
            refusals: Refusals::default(),
            starved: false,
            spares: Spares::new(),
            scratch: vec![0; READ_LEN],
            room: vec![0; packet::PACKET_MAX],
        })
    }

    /// Listens on other sockets. Connections that were accepted on the former stay; those that the kernel still holds for them are refused.
    pub(crate) fn listen(&mut self, listeners: Listeners) -> io::Result<()> {
        let (path, port) = (listeners.path.clone(), listeners.bound().port);
        // The new ones have the tokens of the former; a word of the poll that is late makes us look once in vain.
        let mut new = listening(&self.registry, listeners, self.config, &self.account)?;
        new.extend(self.take_relay());
        for utp in core::mem::replace(&mut self.listening, new).into_iter().filter_map(|former| former.utp) {
            utp.close();
        }
        self.read_all();
        (self.path, self.port, self.accept_again, self.deaf) = (path, port, None, false);
        Ok(())
    }

    /// Takes the same port again, on interfaces that have come back. What listened there before hears nothing, and has to go first.
    pub(crate) fn listen_again(&mut self) {
        self.deaf = true;
        let relay = self.take_relay();
        for utp in core::mem::take(&mut self.listening).into_iter().filter_map(|former| former.utp) {
            utp.close();
        }
        let wanted = ListenConfig { addr: self.path.from(), port: self.port };
        self.listening.extend(relay);
        // What fails now is tried again at the next look.
        if let Ok(listeners) = Listeners::bind(&self.path, wanted) {
            let _ = self.listen(listeners);
        }
    }

    /// Whether no peer's socket is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// How long the poll may sleep at `now` as far as the sockets go: not at all when something is known to be ready.
    pub(crate) fn sleep_max(&self, now: Time) -> Option<Duration> {
        let accepting = self.accept_again.is_none() && self.listening.iter().any(|listening| listening.accepting);
        let receiving = self.listening.iter().any(|listening| listening.receiving);
        let shown = !self.shown.is_empty() && self.keys.wait(now).is_none();
        if accepting || receiving || shown || !self.touched.is_empty() || (!self.starved && !self.ready.is_empty()) {
            return Some(Duration::ZERO);
        }
        let first = |queue: &VecDeque<(Time, ConnId)>| queue.front().map(|&(at, _)| at.since(now));
        let retry = self.starved.then_some(STARVED_RETRY);
        let accept = self.accept_again.map(|at| at.since(now));
        let utp = self.listening.iter().filter_map(|listening| listening.utp.as_ref()?.deadline()).min();
        let utp = utp.map(|at| at.since(now));
        let keys = if self.shown.is_empty() { None } else { self.keys.wait(now) };
        let dials = self.dials.first().map(|(at, _)| at.since(now));
        let queues = [dials, self.races.wait(now), first(&self.closings), first(&self.undecided)];
        queues.into_iter().chain([retry, accept, keys, utp, self.relay_wait(now)]).flatten().min()
    }

    /// Notes what the poll says of a socket.
    pub(crate) fn event(&mut self, event: &Event, take: &mut impl FnMut(Input<B>)) {
        let token = event.token().0;
        if event.token() == CONTROL {
            if let Some(relayed) = &mut self.relayed {
                relayed.ready = true;
            }
            return;
        }
        if token < CONNS_FROM {
            for (n, listening) in self.listening.iter_mut().enumerate() {
                if event.token() == listening.token {
                    listening.receiving = true;
                    if event.is_writable() {
                        listening.unsent.room();
                    }
                } else if token == LISTENERS_FROM + 2 * n {
                    listening.accepting = true;
                }
            }
            return;
        }
        let slot = token - CONNS_FROM;
        let Some(id) = self.table.at(slot) else { return };
        let ended = event.is_read_closed() || event.is_error();
        let readable = event.is_readable() || ended;
        match self.table.get_mut(id) {
            Some(Entry::Dial(dial)) => {
                if let Some(result) = dial.stands.then_some(Ok(())).or_else(|| dial.finish()) {
                    self.dial_ready(id, result, readable, take);
                }
            }
            Some(Entry::Undecided(_)) if readable => self.show(id, ended),
            Some(Entry::Conn(_)) => self.link_ready(id, readable, event.is_writable()),
            Some(Entry::Undecided(_)) | None => {}
        }
        // The poll does not say it again. By now the connection may have become a peer's, under another name in the same place.
        if ended && let Some(Entry::Conn(conn)) = self.table.at(slot).and_then(|id| self.table.get_mut(id)) {
            conn.ended = true;
        }
    }

    /// Whether uploads are limited, now and for connections to come.
    pub(crate) fn limit_upload(&mut self, limited: bool) {
        if self.config.upload_limited != limited {
            self.config.upload_limited = limited;
            for entry in self.table.values_mut() {
                match entry {
                    Entry::Dial(dial) => dial.link.limit_unsent(limited),
                    Entry::Conn(conn) => conn.channel.limit_unsent(limited),
                    // It learns the limits when it turns out to be a peer's.
                    Entry::Undecided(_) => {}
                }
            }
        }
    }
}

/// Registers the sockets that take connections and packets.
fn listening(
    registry: &Registry,
    listeners: Listeners,
    config: HostConfig,
    account: &Arc<Account>,
) -> io::Result<Vec<Listening>> {
    let registered = listeners.pairs.into_iter().enumerate().map(|(n, pair)| {
        let mut tcp = TcpListener::from_std(pair.tcp);
        registry.register(&mut tcp, Token(LISTENERS_FROM + 2 * n), Interest::READABLE)?;
        let udp = pair.udp.map(|udp| {
            let mut udp = UdpSocket::from_std(udp);
            registry.register(&mut udp, Token(LISTENERS_FROM + 2 * n + 1), Interest::READABLE)?;
            Port::new(udp, account)
        });
        let utp = config.transports.has(Transport::Utp).then(|| Carrier::shared(entropy::words(config.entropy)));
        Ok(Listening {
            tcp: Some(tcp),
            udp: udp.transpose()?,
            utp,
            unsent: Unsent::default(),
            accepting: true,
            receiving: true,
            token: Token(LISTENERS_FROM + 2 * n + 1),
            welcomes: true,
        })
    });
    registered.collect()
}
