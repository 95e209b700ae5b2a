//! How connections begin (own design): dialled for the engine, or accepted from strangers within bounds.
use core::net::SocketAddr;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io;
use teem_engine::input::{DialError, Input};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::{How, Remote, Transport};
use teem_swarm::time::Time;
use teem_wire::holder::Holder;

use super::{CONNS_FROM, Entry, Net};
use crate::budget::{ACCEPT_PAUSE, ACCEPTS_PER_TURN, DECIDE_LIMIT, SOCKETS_MAX};
use crate::conn::Conn;
use crate::dial::{self, Dial};
use crate::greeting::Greeting;
use crate::layer::Layer;
use crate::link::{Channel, Link};
use crate::tcp::{self, Accept};
use crate::undecided::Undecided;
use crate::{sockopt, table};

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Begins a dial.
    pub(crate) fn dial(&mut self, now: Time, torrent: TorrentId, to: Remote, how: How) -> Result<(), DialError> {
        let (Remote::Addr(addr), Transport::Tcp) = (to, how.transport) else {
            return Err(DialError::Unreachable);
        };
        if self.table.len() >= SOCKETS_MAX {
            return Err(DialError::Unreachable);
        }
        let mut dial = dial::start(torrent, (addr, how), self.outgoing, self.upload_limited)?;
        let registry = &self.registry;
        let id = self.table.insert(|id| {
            register(registry, &mut dial.stream, id).map_err(|_| DialError::Unreachable)?;
            Ok(Entry::Dial(dial))
        })?;
        self.dials.push_back((now + dial::CONNECT_LIMIT, id));
        Ok(())
    }

    /// The poll says something of a dial.
    pub(super) fn dial_ready(&mut self, id: ConnId, readable: bool, take: &mut impl FnMut(Input<B>)) {
        let Some(Entry::Dial(dial)) = self.table.get_mut(id) else { return };
        if dial.greeting.is_none() {
            match dial::finish(&dial.stream) {
                None => return,
                Some(Ok(())) if dial.how.mse => {
                    let Some(skey) = self.torrents.skey(dial.torrent) else {
                        return self.dialled(id, Err(DialError::NoMse), false, take);
                    };
                    match Greeting::begin(&mut dial.stream, skey, self.encryption, self.entropy) {
                        Ok(greeting) => dial.greeting = Some(Box::new(greeting)),
                        Err(_) => return self.dialled(id, Err(DialError::NoMse), false, take),
                    }
                }
                Some(result) => return self.dialled(id, result, readable, take),
            }
        }
        if let Some(greeting) = &mut dial.greeting
            && readable
        {
            match greeting.look(&mut dial.stream) {
                Ok(false) => {}
                Ok(true) => self.dialled(id, Ok(()), readable, take),
                Err(_) => self.dialled(id, Err(DialError::NoMse), false, take),
            }
        }
    }

    /// A dial is over.
    pub(super) fn dialled(
        &mut self,
        id: ConnId,
        result: Result<(), DialError>,
        readable: bool,
        take: &mut impl FnMut(Input<B>),
    ) {
        let Some(Entry::Dial(dial)) = self.table.remove(id) else { return };
        let Dial { stream, torrent, addr, how, greeting } = dial;
        let holder = Holder::of(addr.ip());
        let result = match (result, &greeting) {
            // It stood, and the key did not come in time.
            (Err(DialError::TimedOut), Some(_)) => Err(DialError::NoMse),
            (result, _) => result,
        };
        let result = result.and_then(|()| {
            let local = stream.local_addr().map_err(|_| DialError::Unreachable)?;
            let layer = greeting.map_or(Layer::Plain, |greeting| Layer::initiator(greeting.into_initiator()));
            // The entry moves to a new name, because the slot is the same and the poll knows no more than that.
            let conn = self.table.insert(|id| {
                let channel = Channel::new(Link::Tcp(stream), layer);
                Ok(Entry::Conn(Box::new(Conn::new(id, holder, channel))))
            })?;
            Ok((conn, sockopt::canonical(local)))
        });
        match result {
            Ok((conn, local)) => {
                debug_assert_eq!(table::slot(conn), table::slot(id));
                if let (true, Some(Entry::Conn(entry))) = (readable, self.table.get_mut(conn)) {
                    entry.in_ready = true;
                    self.ready.push_back(conn);
                }
                take(Input::Connected { conn, torrent, remote: addr.into(), local: Some(local) });
            }
            Err(why) => take(Input::DialFailed { torrent, to: addr.into(), how, why }),
        }
    }

    /// Accepts the connections that wait, within the budget.
    pub(crate) fn accept(&mut self, now: Time) {
        if self.accept_again.is_some_and(|at| now < at) {
            return;
        }
        self.accept_again = None;
        for n in 0..self.listening.len() {
            for _ in 0..ACCEPTS_PER_TURN {
                if !self.listening[n].accepting {
                    break;
                }
                match tcp::accept(&self.listening[n].tcp) {
                    Accept::Stranger(stream, addr) => self.accepted(now, stream, addr),
                    Accept::Empty => self.listening[n].accepting = false,
                    // A connection that has said nothing yet gives way to one that may.
                    Accept::Exhausted if self.drop_oldest_undecided() => {}
                    Accept::Exhausted => {
                        self.accept_again = Some(now + ACCEPT_PAUSE);
                        return;
                    }
                }
            }
        }
    }

    fn accepted(&mut self, now: Time, stream: TcpStream, addr: SocketAddr) {
        self.make_room_undecided();
        if self.table.len() >= SOCKETS_MAX {
            return;
        }
        let registry = &self.registry;
        let id = self.table.insert(|id| {
            let mut stranger = Undecided::new(stream, addr);
            register(registry, &mut stranger.stream, id)?;
            Ok::<_, io::Error>(Entry::Undecided(stranger))
        });
        if let Ok(id) = id {
            self.undecided.push_back((now + DECIDE_LIMIT, id));
        }
    }
}

fn register(registry: &Registry, stream: &mut TcpStream, id: ConnId) -> io::Result<()> {
    registry.register(stream, Token(CONNS_FROM + table::slot(id)), Interest::READABLE | Interest::WRITABLE)
}
