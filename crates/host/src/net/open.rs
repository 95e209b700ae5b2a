//! How connections begin (own design): dialled for the engine, or accepted from strangers within bounds.
use core::net::SocketAddr;
use mio::{Interest, Registry, Token};
use std::io;
use teem_engine::input::{DialError, Input};
use teem_path::Meeting;
use teem_path::opener::OpenError;
use teem_swarm::ids::ConnId;
use teem_swarm::time::Time;
use teem_wire::holder::Holder;

use super::{CONNS_FROM, Entry, Net};
use crate::budget::{ACCEPT_PAUSE, ACCEPTS_PER_TURN, DECIDE_LIMIT, SOCKETS_MAX};
use crate::config::HostConfig;
use crate::conn::Conn;
use crate::dial::Dial;
use crate::greeting::Greeting;
use crate::layer::Layer;
use crate::link::{Channel, Link};
use crate::tcp::{self, Accept};
use crate::undecided::Undecided;
use crate::{proxied, sockopt, table};

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// A dial has come to something, or its connection stands and has bytes to be read.
    pub(super) fn dial_ready(
        &mut self,
        id: ConnId,
        result: Result<(), DialError>,
        readable: bool,
        take: &mut impl FnMut(Input<B>),
    ) {
        let Some(Entry::Dial(dial)) = self.table.get_mut(id) else { return };
        let mut readable = readable;
        if let Some(proxied) = &mut dial.proxied {
            dial.stands |= result.is_ok();
            let opened = match result {
                Ok(()) => proxied.look(&mut dial.link),
                Err(_) => Err(OpenError::Failed),
            };
            self.path.note_proxy(match opened {
                Err(why @ (OpenError::Denied | OpenError::Failed | OpenError::Nonsense)) => Some(why.to_string()),
                _ => None,
            });
            match opened {
                Ok(false) => return,
                // What the peer has said already lies in the socket, and the poll does not say so again.
                Ok(true) => (dial.proxied, readable) = (None, true),
                Err(why) => return self.dialled(id, Err(proxied::why(why)), false, take),
            }
        }
        if result.is_ok() {
            self.decided(id);
        }
        let Some(Entry::Dial(dial)) = self.table.get_mut(id) else { return };
        if result.is_err() || !dial.how.mse {
            return self.dialled(id, result, readable, take);
        }
        if dial.greeting.is_none() {
            dial.stands = true;
            let HostConfig { encryption, entropy, .. } = self.config;
            let skey = self.torrents.skey(dial.torrent);
            let greeting = skey.and_then(|skey| Greeting::begin(&mut dial.link, skey, encryption, entropy).ok());
            match greeting {
                Some(greeting) => dial.greeting = Some(Box::new(greeting)),
                None => return self.dialled(id, Err(DialError::NoMse), false, take),
            }
        }
        if let Some(greeting) = &mut dial.greeting
            && readable
        {
            match greeting.look(&mut dial.link) {
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
        let Dial { link, torrent, addr, how, race, greeting, .. } = dial;
        let holder = Holder::of(addr.ip());
        let result = match (result, &greeting) {
            // It stood, and the key did not come in time.
            (Err(DialError::TimedOut), Some(_)) => Err(DialError::NoMse),
            (result, _) => result,
        };
        let result = result.and_then(|()| {
            let local = link.local().map(sockopt::canonical);
            let layer = greeting.map_or(Layer::Plain, |greeting| Layer::initiator(greeting.into_initiator()));
            // The entry moves to a new name, because the slot is the same and the poll knows no more than that.
            let conn = self.table.insert(|id| {
                let channel = Channel::new(link, layer);
                let mut conn = Box::new(Conn::new(id, holder, channel));
                conn.ip = Some(addr.ip());
                Ok::<_, DialError>(Entry::Conn(conn))
            })?;
            Ok((conn, local))
        });
        match result {
            Ok((conn, local)) => {
                debug_assert_eq!(table::slot(conn), table::slot(id));
                if let (true, Some(Entry::Conn(entry))) = (readable, self.table.get_mut(conn)) {
                    entry.in_ready = true;
                    self.ready.push_back(conn);
                }
                take(Input::Connected { conn, torrent, remote: addr.into(), how, local });
            }
            Err(why) => match race {
                Some(race) => self.way_failed(race, how, why, take),
                // The others ended when it stood.
                None => take(Input::DialFailed { torrent, to: addr.into(), how, why, over: true }),
            },
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
                let Some(listener) = &self.listening[n].tcp else { break };
                match tcp::accept(listener) {
                    Accept::Stranger(_, addr) if self.path.bars(addr.ip(), Meeting::Accept) => {}
                    Accept::Stranger(stream, addr) => self.accepted(now, Link::Tcp(stream), addr),
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

    /// Somebody has opened a connection.
    pub(super) fn accepted(&mut self, now: Time, link: Link, addr: SocketAddr) {
        self.strangers.came(addr, link.transport());
        self.make_room_undecided();
        if self.table.len() >= SOCKETS_MAX {
            return;
        }
        let registry = &self.registry;
        let id = self.table.insert(|id| {
            let mut stranger = Undecided::new(link, addr);
            register(registry, &mut stranger.link, id)?;
            Ok::<_, io::Error>(Entry::Undecided(stranger))
        });
        if let Ok(id) = id {
            self.undecided.push_back((now + DECIDE_LIMIT, id));
        }
    }
}

/// Readiness of the link is told by the slot of its entry from now on.
pub(super) fn register(registry: &Registry, link: &mut Link, id: ConnId) -> io::Result<()> {
    match link {
        Link::Tcp(stream) => {
            let token = Token(CONNS_FROM + table::slot(id));
            registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
        }
        Link::Utp(end) => {
            end.enter(table::slot(id));
            Ok(())
        }
        Link::Pair(..) => Ok(()),
    }
}
