//! What is to happen to one peer (own design): what happens next, and nothing else decides.
//!
//! Invariants: events leave in the order of their times, and those of one time in the order in which they were put in;
//! an event is never put before the present. So a run is one sequence, the same on every machine.
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use teem_swarm::time::Time;

/// A queue of events to come. Keep `E` small: events are moved about inside the heap.
#[derive(Debug)]
pub(crate) struct EventQueue<E> {
    heap: BinaryHeap<Entry<E>>,
    now: Time,
    /// Numbers the events put, so that those of one time keep their order.
    put: u32,
    taken: u64,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), now: Time::ZERO, put: 0, taken: 0 }
    }
}

impl<E> EventQueue<E> {
    /// The time of the next event.
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Calls with each event that is to come before a moment, in any order.
    pub(crate) fn each_before(&self, until: Time, mut call: impl FnMut(&E)) {
        // In a binary heap nothing is earlier than what stands above it: below what is too late all is.
        let entries = self.heap.as_slice();
        let (mut place, mut open) = (0, true);
        while open {
            let goes_on = entries.get(place).is_some_and(|entry| entry.at < until);
            if goes_on {
                call(&entries[place].event);
                place = 2 * place + 1;
                continue;
            }
            // To the right of the nearest that stands to the left.
            while place % 2 == 0 && place > 0 {
                place = (place - 1) / 2;
            }
            open = place > 0;
            place += 1;
        }
    }

    /// How many events have been taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Puts an event; a time that has passed means now.
    pub(crate) fn put(&mut self, at: Time, event: E) {
        self.heap.push(Entry { at: at.max(self.now), seq: self.put, event });
        self.put += 1;
    }

    /// Takes the next event and moves the present to its time; `None` when nothing will ever happen again.
    pub(crate) fn take(&mut self) -> Option<(Time, E)> {
        let Entry { at, event, .. } = self.heap.pop()?;
        self.now = at;
        self.taken += 1;
        Some((at, event))
    }
}

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    seq: u32,
    event: E,
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest; the earliest is to come first.
        (other.at, other.seq).cmp(&(self.at, self.seq))
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_arrival() {
        let mut queue = EventQueue::default();
        for (at, name) in [(5, "d"), (1, "a"), (5, "e"), (3, "b"), (3, "c")] {
            queue.put(Time(at), name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.take().map(|(_, name)| name)).collect();
        assert_eq!(order, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn what_comes_before_a_moment_is_found_in_the_heap() {
        let mut queue = EventQueue::default();
        for n in 0..50_u64 {
            queue.put(Time(n * 37 % 50), n * 37 % 50);
            for until in 0..=50 {
                let mut found = Vec::new();
                queue.each_before(Time(until), |at| found.push(*at));
                found.sort_unstable();
                let mut right: Vec<u64> = (0..=n).map(|n| n * 37 % 50).filter(|at| *at < until).collect();
                right.sort_unstable();
                assert_eq!(found, right);
            }
        }
    }

    #[test]
    fn the_past_means_now() {
        let mut queue = EventQueue::default();
        queue.put(Time(9), 1);
        assert_eq!(queue.take(), Some((Time(9), 1)));
        queue.put(Time(2), 2);
        assert_eq!(queue.take(), Some((Time(9), 2)));
        assert_eq!(queue.take(), None);
    }
}
