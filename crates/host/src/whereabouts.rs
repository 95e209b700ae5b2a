//! Whether this machine is where it was (own design): from which address it would speak to the world, and whether it slept.
//!
//! The system is asked for its route, which sends nothing; the address asked about is one that nobody has (RFC 5737, RFC 3849). The
//! clock that timers go by stands still while Linux sleeps, so a sleep is seen as another clock running ahead of it.
use core::net::IpAddr;
use core::time::Duration;
use teem_path::{Path, Standing};
use teem_swarm::time::Time;
use teem_wire::reach::Reach;

/// How often the route and the clocks are looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The same where the user bound us to something, which stops everything when it goes.
const LOOK_EVERY_BOUND: Duration = Duration::from_millis(500);
/// A sleep of less than this changes nothing.
const SLEPT: Duration = Duration::from_secs(30);
/// Somewhere in the world, by family.
const ANYWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];

/// What a look sees.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Seen {
    /// Our address toward the world, by family; `None` where there is no way.
    addrs: [Option<IpAddr>; 2],
    /// For how long the machine has slept since it was started.
    asleep: Duration,
}

/// What was seen last.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    seen: Seen,
    next: Time,
    /// What of that which we are bound to was there.
    pub(crate) standing: Standing,
}

/// What has changed since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Change {
    /// We are elsewhere than before, or were away.
    pub(crate) moved: bool,
    /// What we are bound to has gone or come back, in part or whole.
    pub(crate) standing: bool,
    /// An interface or address is there that sockets made before know nothing of.
    pub(crate) more: bool,
}

impl Whereabouts {
    pub(crate) fn new(path: &Path) -> Self {
        Self { seen: look(path), next: Time::ZERO + every(path), standing: path.standing() }
    }

    /// Whether a router stands between us and the world of IPv4: our address toward it is one that is used within networks alone.
    pub(crate) fn is_routed(&self) -> bool {
        self.seen.addrs[0].is_some_and(|ip| Reach::of(ip) == Reach::Private)
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Time {
        self.next
    }

    /// Looks, when it is time, at what has changed.
    pub(crate) fn look(&mut self, now: Time, path: &Path) -> Change {
        self.next = now + every(path);
        let standing = path.standing();
        let moved = self.sees(look(path));
        let more = standing.has_more_than(&self.standing);
        let before = core::mem::replace(&mut self.standing, standing);
        Change { moved, more, standing: before != self.standing }
    }

    /// Takes in a look. A route that has come back is a move too: peers that were connected may have given up on us.
    fn sees(&mut self, seen: Seen) -> bool {
        let before = core::mem::replace(&mut self.seen, seen);
        let slept = seen.asleep >= before.asleep + SLEPT;
        slept || seen.addrs.iter().zip(before.addrs).any(|(now, before)| now.is_some() && *now != before)
    }
}

fn every(path: &Path) -> Duration {
    if path.is_bound() { LOOK_EVERY_BOUND } else { LOOK_EVERY }
}

fn look(path: &Path) -> Seen {
    let toward = |there: &str| path.source_toward(there.parse().ok()?).ok();
    Seen { addrs: ANYWHERE.map(toward), asleep: asleep() }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn asleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let [all, awake] = [ClockId::Boottime, ClockId::Monotonic].map(|clock| {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    });
    all.saturating_sub(awake)
}

/// Elsewhere the clock goes on, and the engine sees the jump.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn asleep() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(v4: Option<u8>, asleep_s: u64) -> Seen {
        let v4 = v4.map(|n| IpAddr::from([198, 18, 0, n]));
        Seen { addrs: [v4, None], asleep: Duration::from_secs(asleep_s) }
    }

    #[test]
    fn another_address_a_way_that_is_back_and_a_sleep_are_moves() {
        let mut here = Whereabouts { seen: at(Some(1), 0), next: Time::ZERO, standing: Standing::default() };
        assert!(!here.sees(at(Some(1), 0)));
        assert!(here.sees(at(Some(2), 0)));
        assert!(!here.sees(at(None, 0)), "nobody can be told");
        assert!(!here.sees(at(None, 0)));
        assert!(here.sees(at(Some(2), 0)), "back");
        assert!(!here.sees(at(Some(2), 20)));
        assert!(here.sees(at(Some(2), 60)));
        assert!(!here.sees(at(Some(2), 60)));
    }

    #[test]
    fn an_address_of_a_network_alone_has_a_router_before_it() {
        let at = |addr: &str| Whereabouts {
            seen: Seen { addrs: [addr.parse().ok(), None], asleep: Duration::ZERO },
            next: Time::ZERO,
            standing: Standing::default(),
        };
        let routed = |addr| at(addr).is_routed();
        assert_eq!(["192.168.1.7", "100.64.0.9", "8.8.8.8", ""].map(routed), [true, true, false, false]);
    }

    #[test]
    fn the_system_answers_and_nothing_moves_by_looking() {
        let path = Path::direct();
        let mut here = Whereabouts::new(&path);
        let now = here.next();
        assert_eq!(here.look(now, &path), Change::default());
        assert_eq!(here.next(), now + LOOK_EVERY);
    }
}
