//! The threads on which the parts of a world live through a span at the same time (own design).
//!
//! A part goes to its thread and comes back, so nothing is shared but what never changes.
use super::part::Part;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use teem_swarm::time::Time;

/// A span for a part: the end of it, and of the run.
type Task = (Part, Time, Time);

/// One thread beside ours.
struct Hand {
    tasks: Sender<Task>,
    done: Receiver<Part>,
}

/// The threads: one for each part but the first, which lives on the thread that asks.
pub(super) struct Crew {
    hands: Vec<Hand>,
}

impl Crew {
    /// Threads beside ours, which end when the crew is gone.
    pub(super) fn new<'scope>(scope: &'scope Scope<'scope, '_>, threads: usize) -> Self {
        let hand = |_| {
            let (tasks, work) = channel::<Task>();
            let (back, done) = channel();
            scope.spawn(move || {
                for (mut part, until, end) in work {
                    part.live_through(until, end);
                    if back.send(part).is_err() {
                        break;
                    }
                }
            });
            Hand { tasks, done }
        };
        Self { hands: (0..threads).map(hand).collect() }
    }

    /// All parts live through a span that ends then. There are as many as threads, and one more.
    pub(super) fn live_through(&self, parts: &mut Vec<Part>, until: Time, end: Time) {
        let others = parts.split_off(1);
        for (hand, part) in self.hands.iter().zip(others) {
            // Sending fails only where that thread has panicked; the panic is passed on below.
            let _ = hand.tasks.send((part, until, end));
        }
        parts[0].live_through(until, end);
        // INVARIANT: a thread gives back what it got, unless it panicked: then that panic is the news, not ours.
        parts.extend(self.hands.iter().map(|hand| hand.done.recv().expect("a part of the world panicked")));
    }
}
