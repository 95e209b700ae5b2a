//! How a run went over time (own design): samples at even intervals, for pictures and for the upload use.
//!
//! The interval is a two-hundredth of the bound. Long runs would give too many samples, so whenever there are `MOST`
//! every second one is dropped and the interval doubles. Samples change nothing in the world.
use crate::node::Node;
use crate::scenario::{Departure, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use teem_swarm::time::Time;

/// Samples kept at most; one in two is dropped then.
const MOST: usize = 1_000;
/// Up to so many peers each has a line of its own in a picture.
pub(crate) const LINES_MAX: usize = 64;
/// Which peers stand for all: the last, the tenth, the middle, the ninth tenth, the first; in thousandths.
const QUANTILES: [usize; 5] = [0, 100, 500, 900, 1000];

/// The world at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// When, in milliseconds.
    pub at_ms: u64,
    /// Progress of the peers that have come: the least, the lowest tenth, the median, the highest tenth, the most; in
    /// thousandths.
    pub progress_permille: [u32; 5],
    /// Progress of each peer that wants the content, in the scenario's order; empty when they are many.
    #[serde(skip)]
    pub each_permille: Vec<u32>,
    /// What the sources have sent over the size, in thousandths.
    pub source_permille: u64,
    /// How much of the content has left the sources, in thousandths.
    pub out_permille: u64,
    /// Of what all present peers could send since the sample before, what they did send, in thousandths.
    pub(crate) upload_permille: u64,
    /// Peers present that want the content or had it from the start.
    pub present: u32,
    /// Present peers that hold the rarest piece.
    pub rarest: u32,
}

/// What the world counts besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub size: u64,
    pub pieces: u32,
    pub(crate) source_sent: u64,
    pub(crate) blocks: u64,
    pub(crate) blocks_missing: u64,
    pub rarest: u32,
}

/// How many present givers of some peers hold each piece.
#[derive(Debug)]
pub(crate) struct Holders(Vec<u32>);

impl Holders {
    /// Nobody holds anything of that many pieces.
    pub(crate) fn new(pieces: u32) -> Self {
        Self(vec![0; pieces as usize])
    }

    /// A present giver holds one piece more.
    pub(crate) fn gained(&mut self, piece: u32) {
        self.0[piece as usize] += 1;
    }

    /// A giver comes or goes with what lies on its disk.
    pub(crate) fn moved(&mut self, node: &Node, comes: bool) {
        for (piece, holders) in (0..).zip(&mut self.0) {
            if node.disk.is_good(piece) {
                *holders = if comes { *holders + 1 } else { holders.saturating_sub(1) };
            }
        }
    }

    /// How many hold the rarest piece, of all together.
    pub(crate) fn rarest<'a>(all: impl Iterator<Item = &'a Self>) -> u32 {
        let mut sums: Vec<u32> = Vec::new();
        for holders in all {
            sums.resize(holders.0.len(), 0);
            sums.iter_mut().zip(&holders.0).for_each(|(sum, holders)| *sum += holders);
        }
        sums.into_iter().min().unwrap_or(0)
    }
}

/// Takes the samples.
#[derive(Debug)]
pub struct Series {
    every: Duration,
    next: Time,
    samples: Vec<Sample>,
    /// Payload that the givers had sent, and when, at the sample before.
    before: (u64, Time),
    /// The same sums over the whole run, kept apart from the thinned samples: payload sent, payload that could be.
    used: Vec<(Time, u64, u64)>,
}

impl Series {
    /// An empty one, with a sample so often.
    pub(crate) fn new(bound: Duration) -> Self {
        Self {
            every: (bound / 200).max(Duration::from_millis(1)),
            next: Time::ZERO,
            samples: Vec::new(),
            before: (0, Time::ZERO),
            used: Vec::new(),
        }
    }

    /// The samples in the order of time.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Of what the peers present could send until then, what they did send, in thousandths.
    pub fn upload_use_permille(&self, until: Time) -> Option<u64> {
        let (_, sent, could) = self.used.iter().rfind(|(at, ..)| *at <= until)?;
        (*could > 0).then(|| (u128::from(*sent) * 1000 / u128::from(*could)) as u64)
    }

    /// Whether a sample is due before what happens now.
    pub(crate) fn due(&self, now: Time) -> bool {
        self.next <= now
    }

    /// Takes the sample that is due.
    pub(crate) fn take(&mut self, nodes: &[&Node], totals: Totals) {
        let at = self.next;
        let permille = |have: u32| (u64::from(have) * 1000 / u64::from(totals.pieces)) as u32;
        let wanting = || nodes.iter().filter(|node| node.spec.role.wants());
        let mut progress: Vec<u32> =
            wanting().filter(|node| counts(node)).map(|node| permille(node.disk.good_pieces())).collect();
        let each_permille = if progress.len() <= LINES_MAX && wanting().count() <= LINES_MAX {
            wanting().map(|node| permille(node.disk.good_pieces())).collect()
        } else {
            Vec::new()
        };
        progress.sort_unstable();
        let last = progress.len().saturating_sub(1);
        let quantile = |part: usize| progress.get(last * part / 1000).copied().unwrap_or(0);
        let givers = nodes.iter().filter(|node| node.spec.role.gives());
        let (mut sent, mut rates, mut present) = (0_u64, 0_u64, 0);
        for node in givers {
            sent += node.sent;
            if node.brain.is_some() {
                rates = rates.saturating_add(node.spec.gives());
                present += 1;
            }
        }
        present += nodes.iter().filter(|node| node.spec.role == Role::FreeRider && node.brain.is_some()).count() as u32;
        let (sent_before, time_before) = std::mem::replace(&mut self.before, (sent, at));
        let could = (u128::from(rates) * at.since(time_before).as_nanos() / 1_000_000_000) as u64;
        let did = sent - sent_before;
        let (_, all, all_could) = self.used.last().copied().unwrap_or((at, 0, 0));
        self.used.push((at, all + did, all_could + could));
        self.samples.push(Sample {
            at_ms: at.since(Time::ZERO).as_millis() as u64,
            progress_permille: QUANTILES.map(quantile),
            each_permille,
            source_permille: totals.source_sent * 1000 / totals.size.max(1),
            out_permille: (totals.blocks - totals.blocks_missing) * 1000 / totals.blocks.max(1),
            upload_permille: did.saturating_mul(1000).checked_div(could).unwrap_or(0),
            present,
            rarest: totals.rarest,
        });
        if self.samples.len() >= MOST {
            let mut place = 0;
            self.samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.every *= 2;
        }
        self.next = at + self.every;
    }
}

/// Whether a peer's progress says something: it has come, and has not gone for good before it had everything.
fn counts(node: &Node) -> bool {
    let returns = matches!(node.spec.departure, Departure::Comes { .. });
    node.came.is_some() && (node.brain.is_some() || node.complete.is_some() || returns)
}
