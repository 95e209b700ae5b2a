//! The relay of a proxy as one more socket for packets (own design; RFC 1928, section 7): it is among those that are listened on while it is granted. When it goes, all that
//! went by it ends, and nothing is sent another way.
use mio::Interest;
use mio::net::UdpSocket;
use std::io;
use std::net::SocketAddr;
use teem_path::{Datagrams, Standing};
use teem_swarm::remote::Transport;
use teem_swarm::time::Time;

use super::{CONTROL, Listening, Net, PACKETS};
use crate::carrier::Carrier;
use crate::entropy;
use crate::named::Named;
use crate::relayed::{Change, Relayed};
use crate::udp::Port;
use crate::unsent::Unsent;

/// Packets that wait for a relay that is being asked for.
const HELD_MAX: usize = 64;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Goes on with the relay; whether there is one again, after there was none.
    pub(crate) fn look_at_relay(&mut self, now: Time) -> bool {
        let Some(relayed) = &mut self.relayed else {
            self.names.end();
            return false;
        };
        let change = relayed.step(now, &self.path, &self.registry, CONTROL);
        let is_back = self.relay_changed(now, change);
        self.ask_names(now);
        is_back
    }

    /// Gives the relay up where the connection to the proxy leaves from an address that is gone.
    pub(super) fn lose_relay(&mut self, now: Time, standing: &Standing) -> bool {
        let Some(relayed) = &mut self.relayed else { return false };
        let gone =
            |local: SocketAddr| teem_path::Path::is_gone(local) || !standing.holds(local.ip()) || standing.is_cut_off();
        if !relayed.local().is_some_and(gone) {
            return false;
        }
        let change = relayed.lose(now, &self.path);
        self.relay_changed(now, change);
        true
    }

    fn relay_changed(&mut self, now: Time, change: Option<Change>) -> bool {
        match change {
            Some(Change::Granted(socket, relay)) => {
                let Ok(port) = self.relay_port(socket, relay) else {
                    let _ = self.relayed.as_mut().and_then(|relayed| relayed.lose(now, &self.path));
                    return false;
                };
                for (to, packet) in self.held.drain(..) {
                    port.udp.iter().for_each(|udp| udp.send(to, &packet));
                }
                self.listening.push(port);
                core::mem::take(&mut self.was_relayed)
            }
            Some(Change::Gone) => {
                self.was_relayed = true;
                for utp in self.listening.extract_if(.., |one| one.token == PACKETS).filter_map(|one| one.utp) {
                    utp.close();
                }
                // Those whose packets went by it find out.
                self.read_all();
                false
            }
            None => {
                if !self.relayed.as_ref().is_some_and(Relayed::is_asked) {
                    self.held.clear();
                }
                false
            }
        }
    }

    fn relay_port(&mut self, socket: std::net::UdpSocket, relay: SocketAddr) -> io::Result<Listening> {
        let mut udp = UdpSocket::from_std(socket);
        self.registry.register(&mut udp, PACKETS, Interest::READABLE)?;
        let utp = self.config.transports.has(Transport::Utp);
        Ok(Listening {
            tcp: None,
            udp: Some(Port::relayed(udp, relay, &self.account)?),
            utp: utp.then(|| Carrier::shared(entropy::words(self.config.entropy))),
            unsent: Unsent::default(),
            accepting: false,
            receiving: true,
            token: PACKETS,
            welcomes: self.path.listens(),
        })
    }

    /// The relay alone, which stays when other sockets are listened on.
    pub(super) fn take_relay(&mut self) -> Option<Listening> {
        self.listening.extract_if(.., |one| one.token == PACKETS).next()
    }

    /// Keeps a packet that a relay may carry soon.
    pub(super) fn hold(&mut self, to: SocketAddr, packet: &[u8]) {
        if self.relayed.as_ref().is_some_and(Relayed::is_asked) && self.held.len() < HELD_MAX {
            self.held.push((to, packet.to_vec()));
        }
    }

    /// Has a name be found by the relay.
    pub(crate) fn ask_name(&mut self, now: Time, named: Named) {
        self.names.ask(now, named);
        self.ask_names(now);
    }

    fn ask_names(&mut self, now: Time) {
        let Self { names, listening, path, .. } = self;
        let port = listening.iter().filter_map(|one| one.udp.as_ref()).find(|udp| udp.is_relayed());
        match port {
            Some(udp) => names.send(now, |to, packet| udp.send_by_relay(to, packet)),
            None if matches!(path.datagrams(), None | Some(Datagrams::Refused(_))) => names.end(),
            None => names.wait_for_relay(now),
        }
    }

    /// For how long nothing is due here.
    pub(super) fn relay_wait(&self, now: Time) -> Option<core::time::Duration> {
        let has_relay = self.listening.iter().any(|one| one.token == PACKETS);
        let names = self.names.next(has_relay).map(|at| at.since(now));
        let relay = self.relayed.as_ref().and_then(|relayed| relayed.wait(now));
        names.into_iter().chain(relay).min()
    }
}
