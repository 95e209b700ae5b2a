//! Messages that come in parts, through the lanes of kernels (own design).
//!
//! Lanes run in step over as many whole blocks as each of their messages has lying together; a message that is through
//! makes room for the next. Which kernel takes how many of them is the plan's.

use super::function::{Block, Function};
use super::kernel::{Kernel, LANES_MAX};
use super::plan::Plan;
use super::stream::Stream;

/// A message in a lane: the index of its stream, what is left of the part at hand, and the parts to come.
struct Lane<'a, P> {
    message: usize,
    part: &'a [u8],
    parts: P,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Lane<'a, P> {
    /// Makes at least one block ready; false when the parts are used up.
    fn fill<F: Function>(&mut self, stream: &mut Stream<F>) -> bool {
        while !stream.fill(&mut self.part) {
            match self.parts.next() {
                Some(part) => self.part = part,
                None => return false,
            }
        }
        true
    }
}

/// Gives each stream its parts.
pub(super) fn feed<'a, F: Function, P>(plan: &Plan, streams: &mut [Stream<F>], messages: impl IntoIterator<Item = P>)
where
    P: IntoIterator<Item = &'a [u8]>,
{
    let mut waiting =
        messages.into_iter().enumerate().map(|(message, parts)| Lane { message, part: &[], parts: parts.into_iter() });
    let mut lanes: Vec<_> = waiting.by_ref().take(plan.lanes()).collect();
    loop {
        let mut i = 0;
        while i < lanes.len() {
            let lane = &mut lanes[i];
            if lane.fill(&mut streams[lane.message]) {
                i += 1;
            } else if let Some(next) = waiting.next() {
                *lane = next;
            } else {
                lanes.swap_remove(i);
            }
        }
        if lanes.is_empty() {
            return;
        }
        let mut rest = &mut lanes[..];
        while !rest.is_empty() {
            let kernel = plan.first(rest.len());
            let (group, after) = rest.split_at_mut(kernel.lanes().min(rest.len()));
            step(kernel, streams, group);
            rest = after;
        }
    }
}

/// Takes as many blocks of each lane as all have ready.
fn step<F: Function, P>(kernel: Kernel, streams: &mut [Stream<F>], lanes: &mut [Lane<'_, P>]) {
    let mut states = [F::START; LANES_MAX];
    let states = &mut states[..lanes.len()];
    let mut ready: [&[Block]; LANES_MAX] = [&[]; LANES_MAX];
    let ready = &mut ready[..lanes.len()];
    for ((state, ready), lane) in states.iter_mut().zip(ready.iter_mut()).zip(lanes.iter()) {
        let stream = &streams[lane.message];
        *state = stream.state;
        *ready = stream.ready(lane.part);
    }
    let count = ready.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    for blocks in ready.iter_mut() {
        *blocks = &blocks[..count];
    }
    F::compress(kernel, states, ready);
    for (state, lane) in states.iter().zip(lanes) {
        streams[lane.message].pass(&mut lane.part, *state, count);
    }
}

/// The digests of streams that have got all their parts.
pub(super) fn finish<F: Function>(plan: &Plan, mut streams: Vec<Stream<F>>) -> Vec<F::Digest> {
    let paddings: Vec<_> = streams.iter().map(Stream::padding).collect();
    feed(plan, &mut streams, paddings.iter().map(|(padding, len)| [&padding[..*len]]));
    streams.iter().map(Stream::digest).collect()
}
