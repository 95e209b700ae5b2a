//! Announce and scrape over UDP (BEP 15): from a packet to the packet that answers it, or to silence.
//!
//! Sender addresses can be forged, so nobody is sent more than he sent before he has shown by a connection id that he receives what is sent
//! to him. What is malformed, unknown or has a bad id is met with silence; a refusal in words needs a good id.
use crate::request::Request;
use crate::tracker::Tracker;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_wire::compact::Family;
use teem_wire::tracker::udp::{NUM_WANT_DEFAULT, Reply, decode_request, encode_reply};

/// Answers a packet from `from`, which came to our address `local` (unspecified where that is not known). Every answer goes back to
/// the sender.
pub fn handle(
    tracker: &mut Tracker,
    now: Duration,
    from: SocketAddr,
    local: SocketAddr,
    packet: &[u8],
) -> Option<Vec<u8>> {
    use teem_wire::tracker::udp::Request as Packet;
    let ip = from.ip().to_canonical();
    let reply = match decode_request(packet)? {
        Packet::Connect { transaction } => Reply::Connect { transaction, connection: tracker.ids().issue(now, ip) },
        Packet::Announce { connection, transaction, announce } => {
            if !tracker.ids().check(now, ip, connection) {
                return None;
            }
            let request = Request {
                info_hash: announce.info_hash,
                peer_id: announce.peer_id,
                key: announce.key,
                from: ip,
                local,
                port: announce.port,
                left: announce.left,
                event: announce.event,
                num_want: Some(announce.num_want).filter(|n| *n != NUM_WANT_DEFAULT),
                peers_max: tracker.limits().udp_peers,
                family: Some(Family::of(ip)),
            };
            match tracker.announce(now, &request) {
                Ok(reply) => Reply::Announce { transaction, reply },
                Err(refusal) => Reply::Error { transaction, message: refusal.to_string() },
            }
        }
        Packet::Scrape { connection, transaction, hashes } => {
            if !tracker.ids().check(now, ip, connection) {
                return None;
            }
            // The answer has no hashes: an entry for each that was asked, in order.
            let asked = hashes.iter().take(tracker.limits().udp_scrape);
            Reply::Scrape { transaction, entries: asked.map(|h| tracker.scrape(h).unwrap_or_default()).collect() }
        }
    };
    Some(encode_reply(&reply, Family::of(ip)))
}
