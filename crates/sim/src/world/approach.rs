//! Reading ahead what the next peers will need (own design).
//!
//! A large world lies far from the processor, and an event waits for one place in memory after the other, because each says
//! where the next one is. So before some peers live through a span, what their events are about is read once: the reads of
//! several events don't wait for each other, and what has been read is near when it is needed. It changes nothing and nothing
//! depends on it; a place that was forgotten here is only slower.
use super::{Event, World};
use crate::conn::parts;
use std::hint::black_box;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::job::Done;
use teem_swarm::time::Time;

/// Pipes of one uplink that are read for: more are seldom sent from in one span.
const READY_MAX: usize = 8;

/// Something that is to happen soon.
#[derive(Clone, Copy, Debug)]
struct Near {
    /// To whom.
    peer: u32,
    /// On which of its connections.
    conn: ConnId,
    /// What travels in the pipe.
    pipe: u32,
    /// The piece that it is about, if it is about one.
    piece: u32,
}

impl World {
    /// Reads what the events of these peers before a moment are about.
    pub(super) fn approach(&self, peers: &[u32], until: Time) {
        let mut near = Vec::new();
        for &peer in peers {
            self.foresee(peer, until, &mut near);
        }
        for one in &near {
            let (index, side) = parts(u64::from(one.pipe));
            black_box(self.conns[index].peers);
            self.conns[index].pipes[side].approach();
        }
        for one in &near {
            self.checker.approach(one.peer, one.conn);
            if let Some(brain) = &self.nodes[one.peer as usize].brain {
                brain.approach(Some((one.conn, one.piece)));
            }
        }
    }

    /// What is to happen to a peer before a moment, as far as it concerns a connection.
    fn foresee(&self, peer: u32, until: Time, near: &mut Vec<Near>) {
        let node = &self.nodes[peer as usize];
        black_box((node.sent, node.life, node.tick_at, node.down.busy_until));
        if let Some(brain) = &node.brain {
            brain.approach(None);
        }
        if node.up.busy_until < until {
            for &pipe in node.up.ready.iter().take(READY_MAX) {
                let (index, side) = parts(u64::from(pipe));
                self.agendas[self.conns[index].peers[1 - side] as usize].approach();
                self.conns[index].pipes[side].approach();
            }
        }
        self.agendas[peer as usize].each_before(until, |event| {
            let (pipe, sends, piece) = match *event {
                Event::Have { pipe, piece, .. } => (pipe, false, piece),
                Event::Arrive { pipe } | Event::Deliver { pipe } => (pipe, false, 0),
                Event::Room { pipe } => (pipe, true, 0),
                Event::Uplink => match node.up.current {
                    Some((pipe, _)) => (pipe, true, 0),
                    None => return,
                },
                Event::Mail { place, .. } => match node.awaits(place) {
                    Some(Input::Disk(Done::Block { conn, at, .. })) => (conn.0 as u32, true, at.piece),
                    _ => return,
                },
                _ => return,
            };
            // The other side of a connection knows it by the name next to ours.
            let conn = ConnId(u64::from(pipe) ^ u64::from(!sends));
            near.push(Near { peer, conn, pipe, piece });
        });
    }
}
