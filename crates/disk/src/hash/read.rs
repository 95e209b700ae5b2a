//! Messages read while they are hashed, so that memory holds a chunk of each lane and never whole pieces (own design).

use super::feed::{feed, finish};
use super::function::Function;
use super::plan::Plan;
use super::stream::Stream;

/// A message under way: its index, and how much of it was read.
struct Active<F: Function> {
    message: usize,
    at: u32,
    stream: Stream<F>,
}

/// The digests of messages of these sizes, read by `read(message, offset, buffer)` in parts of at most `chunk` bytes, all
/// lanes in turn. A message that cannot be read has the error instead and is not read further. `scratch` is grown as needed.
pub(super) fn read_and_hash<F: Function, E>(
    plan: &Plan,
    scratch: &mut Vec<u8>,
    sizes: &[u32],
    chunk: usize,
    mut read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
) -> Vec<Result<F::Digest, E>> {
    let chunk = chunk.max(1).min(sizes.iter().max().map_or(1, |&size| size.max(1) as usize));
    let lanes = plan.lanes().min(sizes.len());
    if scratch.len() < lanes * chunk {
        scratch.resize(lanes * chunk, 0);
    }
    let mut waiting = 0..sizes.len();
    let mut results: Vec<Option<Result<F::Digest, E>>> = sizes.iter().map(|_| None).collect();
    let mut active: Vec<Active<F>> = Vec::with_capacity(lanes);
    let mut lens = Vec::with_capacity(lanes);
    loop {
        let room = lanes - active.len();
        active.extend(waiting.by_ref().take(room).map(|message| Active { message, at: 0, stream: Stream::default() }));
        if active.is_empty() {
            break;
        }
        lens.clear();
        active.retain_mut(|lane| {
            let part = &mut scratch[lens.len() * chunk..][..chunk.min((sizes[lane.message] - lane.at) as usize)];
            match read(lane.message, lane.at, part) {
                Ok(()) => {
                    lane.at += part.len() as u32;
                    lens.push(part.len());
                    true
                }
                Err(error) => {
                    results[lane.message] = Some(Err(error));
                    false
                }
            }
        });
        let parts = lens.iter().zip(scratch.chunks(chunk)).map(|(&len, part)| [&part[..len]]);
        let mut streams: Vec<Stream<F>> = active.iter_mut().map(|lane| std::mem::take(&mut lane.stream)).collect();
        feed(plan, &mut streams, parts);
        let (mut ended, mut through) = (Vec::new(), Vec::new());
        let mut streams = streams.into_iter();
        active.retain_mut(|lane| {
            let stream = streams.next().unwrap_or_default();
            if lane.at == sizes[lane.message] {
                ended.push(lane.message);
                through.push(stream);
                false
            } else {
                lane.stream = stream;
                true
            }
        });
        for (message, digest) in ended.into_iter().zip(finish(plan, through)) {
            results[message] = Some(Ok(digest));
        }
    }
    results.into_iter().flatten().collect()
}
