//! Dials of one address by two ways (RFC 8305; own design): the second begins a moment after the first, or as soon as that has failed; the first that stands
//! is kept.
//!
//! A way stands when the other side has answered, before a word of ours. So the one that loses has sent nothing but its opening, which is no byte of
//! the protocol's. A race knows no clock and no sockets: who leads it does.
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::{How, Plan};
use teem_swarm::time::Time;

/// Where a way is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Runner<R> {
    /// It has not begun.
    Waits,
    /// It is under way.
    Runs(R),
    /// It has failed.
    Out,
}

/// The ways to one address, each under way as an `R`.
#[derive(Debug)]
pub(crate) struct Race<R> {
    pub(crate) torrent: TorrentId,
    /// As it was asked for.
    pub(crate) addr: SocketAddr,
    ways: [Option<(How, Runner<R>)>; 2],
}

impl<R: Copy + PartialEq> Race<R> {
    /// One in which nobody runs yet.
    pub(crate) fn new(torrent: TorrentId, addr: SocketAddr, plan: Plan) -> Self {
        let ways = [Some(plan.first), plan.second].map(|way| way.map(|how| (how, Runner::Waits)));
        Self { torrent, addr, ways }
    }

    /// The way that is the next to begin.
    pub(crate) fn next(&self) -> Option<How> {
        self.ways.iter().flatten().find(|(_, runner)| *runner == Runner::Waits).map(|(how, _)| *how)
    }

    /// That way has begun.
    pub(crate) fn begins(&mut self, how: How, as_that: R) {
        self.set(how, Runner::Runs(as_that));
    }

    /// That way has come to nothing.
    pub(crate) fn fails(&mut self, how: How) {
        self.set(how, Runner::Out);
    }

    /// Whether no way is under way or to begin.
    pub(crate) fn is_over(&self) -> bool {
        self.ways.iter().flatten().all(|(_, runner)| *runner == Runner::Out)
    }

    /// Those under way.
    pub(crate) fn running(&self) -> impl Iterator<Item = R> {
        self.ways.iter().flatten().filter_map(|(_, runner)| match runner {
            Runner::Runs(it) => Some(*it),
            Runner::Waits | Runner::Out => None,
        })
    }

    /// That way is to begin anew, unless one over the same is under way or to begin. Whether it is.
    pub(crate) fn join(&mut self, how: How) -> bool {
        let alike = |way: &Option<(How, Runner<R>)>| way.is_some_and(|(one, _)| one.transport == how.transport);
        let slot = self.ways.iter().position(alike).or_else(|| self.ways.iter().position(Option::is_none));
        let Some(way) = slot.map(|slot| &mut self.ways[slot]) else { return false };
        let may = way.is_none_or(|(_, runner)| runner == Runner::Out);
        if may {
            *way = Some((how, Runner::Waits));
        }
        may
    }

    fn set(&mut self, of: How, to: Runner<R>) {
        for (how, runner) in self.ways.iter_mut().flatten() {
            if *how == of {
                *runner = to;
            }
        }
    }
}

/// All dials that have not been decided: which way of which stands is still open.
#[derive(Default)]
pub(crate) struct Races {
    pub(crate) open: BTreeMap<u64, Race<ConnId>>,
    /// When the next way of a race begins.
    pub(crate) starts: BTreeSet<(Time, u64)>,
    /// The name of the last.
    pub(crate) last: u64,
}

impl Races {
    /// How long until a way is to begin.
    pub(crate) fn wait(&self, now: Time) -> Option<Duration> {
        self.starts.first().map(|(at, _)| at.since(now))
    }

    /// Nobody is waited for any more.
    pub(crate) fn end(&mut self) {
        (self.open, self.starts) = Default::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race(plan: Plan) -> Race<u32> {
        Race::new(TorrentId(1), SocketAddr::from(([192, 0, 2, 1], 7000)), plan)
    }

    #[test]
    fn the_second_is_next_once_the_first_runs_or_has_failed() {
        let plan = Plan { first: How::TCP, second: Some(How::UTP) };
        for fails in [false, true] {
            let mut race = race(plan);
            assert_eq!(race.next(), Some(How::TCP));
            race.begins(How::TCP, 7);
            assert!(race.running().eq([7]));
            if fails {
                race.fails(How::TCP);
            }
            assert_eq!((race.next(), race.is_over()), (Some(How::UTP), false));
            race.begins(How::UTP, 8);
            assert_eq!(race.next(), None);
            assert!(race.running().eq(if fails { &[8][..] } else { &[7, 8] }.iter().copied()));
            race.fails(How::UTP);
            assert_eq!(race.is_over(), fails, "the first may still stand");
        }
    }

    #[test]
    fn a_way_that_has_failed_may_join_the_race_again() {
        let mut race = race(Plan { first: How::TCP, second: Some(How::UTP_MSE) });
        race.begins(How::TCP, 1);
        assert!(!race.join(How::UTP), "it is to begin");
        race.begins(How::UTP_MSE, 2);
        assert!(!race.join(How::UTP), "it is under way");
        race.fails(How::UTP_MSE);
        assert!(race.join(How::UTP));
        assert_eq!((race.next(), race.is_over()), (Some(How::UTP), false));
        race.begins(How::UTP, 3);
        assert!(race.running().eq([1, 3]));
    }

    #[test]
    fn a_lone_way_is_a_race_that_it_wins_or_loses() {
        let mut race = race(How::UTP_MSE.into());
        race.begins(How::UTP_MSE, 3);
        assert_eq!((race.next(), race.is_over()), (None, false));
        race.fails(How::UTP_MSE);
        assert!(race.is_over() && race.running().next().is_none());
    }
}
