//! Whose turn is next (own design): time is cut into spans, and each peer lives through a span at one go.
//!
//! No span is longer than the shortest way between two peers, so nothing that a peer does in a span can reach another
//! in the same one: that each lives through it alone changes nothing. (It is the "lookahead" of conservative parallel
//! simulation, used so that what belongs to one peer is touched while it is near in memory, and for threads.) Within a span the
//! peers of one calendar come in the order of their numbers, and what they do to others is handed over in that order too
//! (`world::exchange`), so a run is the same on every machine and on any number of threads.
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;
use teem_swarm::time::Time;

/// The mark of a peer that nothing is expected of.
const NEVER: u64 = u64::MAX;

/// The turns of some peers. A peer has one turn at most.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// Length of a span in nanoseconds.
    span: u64,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The span in which each peer has its turn.
    turns: Vec<u64>,
}

impl Calendar {
    /// Nothing is expected of that many peers.
    pub(crate) fn new(span: Duration, peers: usize) -> Self {
        Self { span: (span.as_nanos() as u64).max(1), heap: BinaryHeap::new(), turns: vec![NEVER; peers] }
    }

    /// The span in which a moment lies.
    pub(crate) fn span_of(&self, at: Time) -> u64 {
        at.nanos() / self.span
    }

    /// When the span of a moment begins.
    pub(crate) fn begin(&self, at: Time) -> Time {
        Time(self.span_of(at) * self.span)
    }

    /// When the next span begins in which somebody has a turn, at the soonest.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((span, _))| Time(span.saturating_mul(self.span)))
    }

    /// Something is to happen to a peer then: it has its turn at the latest in that span.
    pub(crate) fn due(&mut self, peer: u32, at: Time) {
        let span = self.span_of(at);
        let turn = &mut self.turns[peer as usize];
        if span < *turn {
            *turn = span;
            self.heap.push(Reverse((span, peer)));
        }
    }

    /// The next turns of spans that begin before a moment, as many as there are up to `most`, in order: whose they are is put
    /// into `peers`. Each lasts until the peer's [`Self::rest`]. Says whether there are any.
    pub(crate) fn turns(&mut self, most: usize, until: Time, peers: &mut Vec<u32>) -> bool {
        peers.clear();
        while let Some(&Reverse((span, peer))) = self.heap.peek()
            && peers.len() < most
            && span.saturating_mul(self.span) < until.nanos()
        {
            self.heap.pop();
            if self.turns[peer as usize] == span {
                peers.push(peer);
            }
        }
        !peers.is_empty()
    }

    /// The turn of a peer is over; the next thing that is to happen to it does so then.
    pub(crate) fn rest(&mut self, peer: u32, next: Option<Time>) {
        self.turns[peer as usize] = NEVER;
        if let Some(at) = next {
            self.due(peer, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_after_span_and_within_it_by_number() {
        let mut calendar = Calendar::new(Duration::from_nanos(10), 3);
        for (peer, at) in [(2, 25), (1, 29), (1, 11), (0, 20)] {
            calendar.due(peer, Time(at));
        }
        let (mut order, mut peers) = (Vec::new(), Vec::new());
        while let Some(begin) = calendar.next() {
            if !calendar.turns(2, begin + Duration::from_nanos(10), &mut peers) {
                continue;
            }
            for &peer in &peers {
                calendar.due(peer, begin);
                calendar.rest(peer, order.is_empty().then_some(Time(29)));
            }
            order.push((begin.nanos(), peers.clone()));
        }
        assert_eq!(order, [(10, vec![1]), (20, vec![0, 1]), (20, vec![2])]);
    }
}
