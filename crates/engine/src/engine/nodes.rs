//! The DHT beside the torrents (BEP 5): which of them it finds peers for, where those go, and what peers say of their nodes.
use super::Engine;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_dht::id::Id;
use teem_swarm::event::{Event, NodeFigures, State};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::Output;
use teem_swarm::remote::Remote;
use teem_swarm::search::{Counts, Search};
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;

impl<B> Engine<B> {
    /// A torrent has begun, has become another one, or is over: whether the DHT is to find peers for it.
    pub(super) fn look_at_dht(&mut self) {
        while let Some(torrent) = self.changed.pop_first() {
            if self.dht.is_none() {
                continue;
            }
            let seeds = |state| matches!(state, State::Seeding);
            let wanted = self.ask_torrent(torrent, |one| {
                let over = matches!(one.state(), State::Stopping | State::Failed | State::Paused);
                (!over && !one.is_private()).then(|| (one.key(), seeds(one.state())))
            });
            let at_rest = || self.rests.get(&torrent).and_then(|rest| rest.findable()).map(|key| (key, true));
            let wanted = wanted.unwrap_or_else(at_rest);
            let (now, Some(dht)) = (self.now, &mut self.dht) else { continue };
            match wanted.filter(|_| self.removals.get(torrent).is_none()) {
                Some((key, seed)) => dht.join(now, torrent, key.wires().map(|hash| Id(hash.0)).collect(), seed),
                None => dht.leave(now, torrent),
            }
        }
    }

    /// Time has passed for our nodes, and torrents without a peer are looked up again.
    pub(super) fn tick_dht(&mut self) {
        let now = self.now;
        if let Some(dht) = &mut self.dht {
            dht.tick(now);
        }
        while let Some(torrent) = self.dht.as_mut().and_then(|dht| dht.due(now)) {
            let is_lonely = self.ask_torrent(torrent, |one| one.peer_count() == 0);
            if let Some(dht) = &mut self.dht {
                dht.look_again(now, torrent, is_lonely.unwrap_or(false));
            }
        }
    }

    /// Our handshake on a torrent says that we have a node, if the torrent is one that the DHT may know of.
    pub(super) fn with_node(&self, torrent: TorrentId, mut handshake: Handshake) -> Handshake {
        handshake.features.dht = self.dht.as_ref().is_some_and(|dht| dht.has(torrent));
        handshake
    }

    /// A peer that has a node is told where ours is (BEP 5, "BitTorrent Protocol Extension").
    pub(super) fn tell_node(&mut self, conn: ConnId, torrent: TorrentId) {
        let remote = self.ask_torrent(torrent, |one| one.remote(conn)).flatten();
        let Some(addr) = remote.and_then(Remote::addr) else { return };
        let port = self.doors.get().port_for(addr.ip());
        let is_member = self.dht.as_ref().is_some_and(|dht| dht.has(torrent));
        if is_member && port != 0 && self.routes.of(conn) == Some(torrent) {
            self.outputs.push_back(Output::Send { conn, message: Message::Port(port) });
        }
    }

    /// A peer tells where its node is: at its own address.
    pub(super) fn hear_of_node(&mut self, conn: ConnId, port: u16) {
        let Some(torrent) = self.routes.of(conn) else { return };
        let remote = self.ask_torrent(torrent, |one| one.remote(conn)).flatten();
        let addr = remote.and_then(Remote::addr);
        if let (Some(addr), Some(dht)) = (addr, &mut self.dht)
            && dht.has(torrent)
        {
            dht.hints(self.now, &[SocketAddr::new(addr.ip(), port)]);
        }
    }

    /// Nodes that a torrent names.
    pub(super) fn hint_nodes(&mut self, torrent: TorrentId, nodes: &[SocketAddr]) {
        self.look_at_dht();
        if let Some(dht) = self.dht.as_mut().filter(|dht| dht.has(torrent)) {
            dht.hints(self.now, nodes);
        }
    }

    /// How the search for a torrent's peers went, for the owner.
    pub(super) fn tell_search(&mut self, torrent: TorrentId) {
        let rests = self.rests.contains_key(&torrent).then(|| Search::new(torrent, false, Counts::default()));
        let Some(mut search) = self.ask_torrent(torrent, |one| one.search()).or(rests) else { return };
        search.dht = self.dht.as_ref().map(|dht| dht.search(torrent));
        search.votes = self.votes.tally();
        self.outputs.push_back(Output::Event(Event::Search(Box::new(search))));
    }

    /// How the nodes stand, for the owner.
    pub(super) fn tell_nodes(&mut self) {
        let (standing, saved) = self.dht.as_ref().map(crate::dht::Dht::standing).unwrap_or_default();
        let nodes: Vec<NodeFigures> = standing
            .into_iter()
            .map(|(family, status)| NodeFigures {
                family,
                id: status.id.0,
                nodes: status.nodes as u32,
                good: status.good as u32,
                network: status.network,
                torrents: status.announced as u32,
                outside: status.outside,
            })
            .collect();
        let saved = saved.into_iter().map(|node| (node.id.0, node.addr)).collect();
        self.outputs.push_back(Output::Event(Event::Nodes { nodes, saved }));
    }
}
