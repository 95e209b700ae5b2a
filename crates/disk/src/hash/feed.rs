//! Messages that come in parts, through the lanes of a kernel (own design).
//!
//! Lanes run in step over as many whole blocks as each of their messages has lying together; a message that is through
//! makes room for the next. When too few are left for the kernel to pay, they go one after the other.

use super::kernel::{Kernel, LANES_MAX};
use super::stream::Stream;

/// A message in a lane: the index of its stream, what is left of the part at hand, and the parts to come.
struct Lane<'a, P> {
    message: usize,
    part: &'a [u8],
    parts: P,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Lane<'a, P> {
    /// Makes at least one block ready; false when the parts are used up.
    fn fill(&mut self, stream: &mut Stream) -> bool {
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
pub(super) fn feed<'a, P>(kernel: Kernel, streams: &mut [Stream], messages: impl IntoIterator<Item = P>)
where
    P: IntoIterator<Item = &'a [u8]>,
{
    let mut waiting =
        messages.into_iter().enumerate().map(|(message, parts)| Lane { message, part: &[], parts: parts.into_iter() });
    let mut lanes: Vec<_> = waiting.by_ref().take(kernel.lanes()).collect();
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
        if kernel.pays(lanes.len()) {
            step(kernel, streams, &mut lanes);
        } else {
            for lane in &mut lanes {
                step(Kernel::SINGLE, streams, std::slice::from_mut(lane));
            }
        }
    }
}

/// Takes as many blocks of each lane as all have ready.
fn step<P>(kernel: Kernel, streams: &mut [Stream], lanes: &mut [Lane<'_, P>]) {
    let mut states = [[0; 5]; LANES_MAX];
    let states = &mut states[..lanes.len()];
    let mut ready: [&[[u8; 64]]; LANES_MAX] = [&[]; LANES_MAX];
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
    kernel.compress(states, ready);
    for (state, lane) in states.iter().zip(lanes) {
        streams[lane.message].pass(&mut lane.part, *state, count);
    }
}

/// The digests of streams that have got all their parts.
pub(super) fn finish(kernel: Kernel, mut streams: Vec<Stream>) -> Vec<[u8; 20]> {
    let paddings: Vec<_> = streams.iter().map(Stream::padding).collect();
    feed(kernel, &mut streams, paddings.iter().map(|(padding, len)| [&padding[..*len]]));
    streams.iter().map(Stream::digest).collect()
}
