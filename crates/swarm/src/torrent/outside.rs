//! What trackers and peers say of where they see us (BEP 24; BEP 10 `yourip`), and what they are told by the engine when most
//! agree: votes of all torrents are counted together.
use super::Torrent;
use super::context::Context;
use crate::choke::prefix::Prefix;
use crate::event::Event;
use crate::external::{External, Voter};
use crate::ids::ConnId;
use core::net::IpAddr;
use teem_wire::compact::Family;
use teem_wire::tracker::url::TrackerUrl;

impl Torrent {
    /// A peer says how it sees us: once for a connection, so that counting costs it as much as us.
    pub(super) fn hear_of_us<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, ip: Option<IpAddr>) {
        let (Some(ip), Some(peer)) = (ip, self.peers.get_mut(&conn)) else { return };
        if !peer.voted && peer.addr.ip().map(Family::of) == Some(Family::of(ip)) {
            peer.voted = true;
            cx.votes.vote(Voter::Peer(Prefix::of_remote(peer.addr)), ip);
        }
    }

    /// From there the world sees us, as most say.
    pub fn seen_from_outside<B>(&mut self, cx: &mut Context<'_, B>, external: External) {
        let before = self.candidates.external();
        for ip in external.iter().filter(|ip| before.iter().all(|known| known != *ip)) {
            cx.tell(Event::External { torrent: self.id, ip });
        }
        self.candidates.set_external(external);
    }
}

/// A tracker says how it sees us.
pub(super) fn tracker_sees_us<B>(cx: &mut Context<'_, B>, url: &str, ip: Option<IpAddr>) {
    if let (Some(ip), Ok(url)) = (ip, TrackerUrl::parse(url)) {
        cx.votes.vote(Voter::Tracker(url.host), ip);
    }
}
