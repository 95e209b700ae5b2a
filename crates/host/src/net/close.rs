//! How connections end (own design): for the engine with what was queued, by the other side, or because time is over.
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use teem_engine::input::{DialError, Input};
use teem_path::{Path, Standing};
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::time::Time;

use super::{Entry, Net};
use crate::budget::FLUSH_LIMIT;
use crate::conn::Closing;
use crate::sockopt;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Closes a connection for the engine: what is queued is still sent. A peer that did nothing wrong is waited for until it has
    /// everything; one that broke the protocol is gone at once.
    pub(crate) fn close(&mut self, now: Time, id: ConnId, why: CloseReason) {
        let Some(Entry::Conn(conn)) = self.table.get_mut(id) else { return };
        if conn.closing.is_some() {
            return;
        }
        let friendly =
            conn.proven && matches!(why, CloseReason::Stopping | CloseReason::BothSeeds | CloseReason::Useless);
        if !friendly && !conn.has_unsent() {
            self.table.remove(id);
            return;
        }
        conn.stop_receiving();
        conn.closing = Some(if friendly { Closing::Linger } else { Closing::Flush });
        self.closings.push_back((now + FLUSH_LIMIT, id));
        self.touch(id);
    }

    /// Ends everything: dials and the undecided at once, connections as after `Stopping`; nobody is accepted any more.
    pub(crate) fn close_all(&mut self, now: Time) {
        for listening in &mut self.listening {
            (listening.tcp, listening.welcomes) = (None, false);
        }
        self.races.end();
        for id in self.table.ids() {
            match self.table.get_mut(id) {
                Some(Entry::Dial(_) | Entry::Undecided(_)) => drop(self.table.remove(id)),
                _ => self.close(now, id, CloseReason::Stopping),
            }
        }
    }

    /// Ends dials, closings and the undecided whose time is over, and begins the ways of dials whose moment has come.
    pub(crate) fn expire(&mut self, now: Time, take: &mut impl FnMut(Input<B>)) {
        while let Some(&(at, id)) = self.dials.first() {
            let until = match self.table.get_mut(id) {
                Some(Entry::Dial(dial)) => Some(dial.until()),
                _ => None,
            };
            if until.is_some() && now < at {
                break;
            }
            self.dials.pop_first();
            match until {
                // It has come further meanwhile, and has longer.
                Some(until) if now < until => drop(self.dials.insert((until, id))),
                Some(_) => self.dialled(id, Err(DialError::TimedOut), false, take),
                None => {}
            }
        }
        self.begin_due(now, take);
        while let Some(&(at, id)) = self.closings.front() {
            if self.table.get_mut(id).is_some() && now < at {
                break;
            }
            self.closings.pop_front();
            self.table.remove(id);
        }
        self.expire_undecided(now);
    }

    /// Ends what there is with those whom the lists keep out since they were exchanged.
    pub(crate) fn look_at_lists(&mut self, take: &mut impl FnMut(Input<B>)) {
        let version = self.path.filter_version();
        if core::mem::replace(&mut self.filtered_by, version) == version {
            return;
        }
        let path = self.path.clone();
        for id in self.table.ids() {
            match self.table.get_mut(id) {
                Some(Entry::Conn(conn)) if conn.ip.is_some_and(|ip| path.holds_out(ip)) => {
                    self.drop_conn(id, CloseReason::Stopping, take);
                }
                Some(Entry::Dial(dial)) if path.holds_out(dial.addr.ip()) => {
                    self.dialled(id, Err(DialError::Filtered), false, take);
                }
                Some(Entry::Undecided(stranger)) if path.holds_out(stranger.addr.ip()) => {
                    self.table.remove(id);
                }
                _ => {}
            }
        }
    }

    /// Ends the dials and connections of addresses that this machine has no more: nothing comes through them, and the system would try
    /// for minutes. The same goes for those of an interface that we are bound to and that is down. Whether there were any.
    pub(crate) fn lose(&mut self, now: Time, standing: &Standing, take: &mut impl FnMut(Input<B>)) -> bool {
        // One connection stands for all of its address.
        let mut gone: BTreeMap<IpAddr, bool> = BTreeMap::new();
        let mut is_gone = |local: SocketAddr| {
            *gone.entry(local.ip()).or_insert_with(|| Path::is_gone(local) || !standing.holds(local.ip()))
        };
        // A link that does not know its address leaves from one of those that are left.
        let mut is_lost = |local: Option<SocketAddr>| local.map_or(standing.is_cut_off(), &mut is_gone);
        let mut lost = self.lose_relay(now, standing);
        for id in self.table.ids() {
            match self.table.get_mut(id) {
                Some(Entry::Conn(conn))
                    if conn.channel.is_socket() && is_lost(conn.channel.local().map(sockopt::canonical)) =>
                {
                    self.drop_conn(id, CloseReason::Remote, take);
                }
                Some(Entry::Dial(dial)) if is_lost(dial.link.local().map(sockopt::canonical)) => {
                    self.dialled(id, Err(DialError::Unreachable), false, take);
                }
                _ => continue,
            }
            lost = true;
        }
        lost
    }
}
