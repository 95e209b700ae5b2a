//! Reading ahead what the next peers will need (own design).
//!
//! A large world lies far from the processor, and an event waits for one place in memory after the other, because each says
//! where the next one is. So before some peers live through a span, what their events are about is read once: the reads of
//! several events don't wait for each other, and what has been read is near when it is needed. It changes nothing and nothing
//! depends on it; a place that was forgotten here is only slower.
use super::event::Event;
use super::part::Part;
use crate::name;
use std::hint::black_box;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Reader};
use teem_swarm::time::Time;

/// Pipes of one uplink that are read for: more are seldom sent from in one span.
const READY_MAX: usize = 8;

/// Something that is to happen soon.
#[derive(Clone, Copy, Debug)]
struct Near {
    /// The number of the peer that it happens to.
    me: usize,
    /// The end of a connection at which it happens.
    end: u32,
    /// The connection as the peer's process names it.
    conn: ConnId,
}

impl Part {
    /// Reads what the events of these peers before a moment are about.
    pub(super) fn approach(&self, peers: &[u32], until: Time) {
        let mut near = Vec::new();
        for &peer in peers {
            self.foresee(peer as usize, until, &mut near);
        }
        for one in &mut near {
            let end = &self.nodes[one.me].ends[one.end as usize];
            one.conn = end.conn;
            end.out.approach();
            end.incoming.approach();
        }
        for one in &near {
            self.checker.approach(one.me, one.conn);
        }
    }

    /// What is to happen to a peer before a moment, as far as it concerns a connection.
    fn foresee(&self, me: usize, until: Time, near: &mut Vec<Near>) {
        let node = &self.nodes[me];
        black_box((node.sent, node.life, node.tick_at, node.down.busy_until));
        if node.up.busy_until < until {
            for &end in node.up.ready.iter().take(READY_MAX) {
                node.ends[end as usize].out.approach();
            }
        }
        self.agendas[me].each_before(until, |event| {
            let end = match *event {
                Event::Have { end, .. } | Event::Arrive { end } | Event::Deliver { end } | Event::Room { end } => end,
                Event::Uplink => match node.up.current {
                    Some((end, _)) => end,
                    None => return,
                },
                Event::Mail { place, .. } => match node.awaits(place) {
                    Some(Input::Disk(Done::Block { reader: Reader::Peer(conn), .. })) => name::place(*conn),
                    _ => return,
                },
                _ => return,
            };
            near.push(Near { me, end, conn: ConnId(0) });
        });
    }
}
