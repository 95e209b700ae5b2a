//! When which torrent wants to be called (own design): a queue ordered by time, so that a moment costs the logarithm of
//! the number of torrents and never a look at all of them. Mostly a torrent is called and its moment stays: then no tree is
//! touched at all.
use alloc::collections::BTreeMap;
use teem_swarm::first_set::FirstSet;
use teem_swarm::ids::TorrentId;
use teem_swarm::time::Time;

/// At most one moment for each torrent.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: FirstSet<(Time, TorrentId)>,
    times: BTreeMap<TorrentId, Time>,
    /// What [`Self::set`] said last; it still holds.
    last: Option<(TorrentId, Option<Time>)>,
}

impl Timers {
    /// Sets, moves or clears the moment of a torrent.
    pub(crate) fn set(&mut self, who: TorrentId, when: Option<Time>) {
        if self.last == Some((who, when)) {
            return;
        }
        self.last = Some((who, when));
        let before = self.get(who);
        if before == when {
            return;
        }
        match when {
            Some(time) => self.times.insert(who, time),
            None => self.times.remove(&who),
        };
        if let Some(time) = before {
            self.queue.remove(&(time, who));
        }
        if let Some(time) = when {
            self.queue.insert((time, who));
        }
    }

    /// The moment of a torrent.
    pub(crate) fn get(&self, who: TorrentId) -> Option<Time> {
        self.times.get(&who).copied()
    }

    /// The next moment.
    pub(crate) fn first(&self) -> Option<Time> {
        self.queue.first().map(|(time, _)| *time)
    }

    /// Takes out the first torrent whose moment has come.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<TorrentId> {
        let (_, who) = *self.queue.first().filter(|(time, _)| *time <= now)?;
        self.set(who, None);
        Some(who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_each_in_order() {
        let mut timers = Timers::default();
        let at = Time::from_nanos;
        timers.set(TorrentId(1), Some(at(30)));
        timers.set(TorrentId(2), Some(at(20)));
        timers.set(TorrentId(3), Some(at(10)));
        timers.set(TorrentId(1), Some(at(5)));
        timers.set(TorrentId(3), None);
        assert_eq!(timers.first(), Some(at(5)));
        assert_eq!(timers.pop_due(at(4)), None);
        assert_eq!(timers.pop_due(at(20)), Some(TorrentId(1)));
        assert_eq!(timers.pop_due(at(20)), Some(TorrentId(2)));
        assert_eq!((timers.pop_due(at(99)), timers.first()), (None, None));
    }
}
