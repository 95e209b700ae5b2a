//! Whether this machine is where it was (own design): from which address it would speak to the world, and whether it slept.
//!
//! The system is asked for its route, which sends nothing; the address asked about is one that nobody has (RFC 5737, RFC 3849). The
//! clock that timers go by stands still while Linux sleeps, so a sleep is seen as another clock running ahead of it.
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::net::UdpSocket;
use teem_swarm::time::Time;

/// How often it is looked.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10);
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
    /// The last address of each family, also while there is no way.
    last: [Option<IpAddr>; 2],
    next: Time,
}

impl Whereabouts {
    pub(crate) fn new() -> Self {
        let seen = look();
        Self { seen, last: seen.addrs, next: Time::ZERO + LOOK_EVERY }
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Time {
        self.next
    }

    /// Looks, if it is time. When something has changed: the addresses that are ours no more.
    pub(crate) fn moved(&mut self, now: Time) -> Option<Vec<IpAddr>> {
        if now < self.next {
            return None;
        }
        self.next = now + LOOK_EVERY;
        let former = self.sees(look())?;
        Some(former.into_iter().filter(|ip| UdpSocket::bind((*ip, 0)).is_err()).collect())
    }

    /// Takes in a look. When we have moved: the addresses that were used before and are not now.
    fn sees(&mut self, seen: Seen) -> Option<Vec<IpAddr>> {
        let before = core::mem::replace(&mut self.seen, seen);
        let mut moved = seen.asleep >= before.asleep + SLEPT;
        let mut former = Vec::new();
        for ((now, before), last) in seen.addrs.into_iter().zip(before.addrs).zip(&mut self.last) {
            let Some(now) = now else { continue };
            // Also when there was no way in between: who was connected has given up on us.
            moved |= before != Some(now);
            former.extend(last.replace(now).filter(|last| *last != now));
        }
        moved.then_some(former)
    }
}

fn look() -> Seen {
    Seen { addrs: ANYWHERE.map(toward), asleep: asleep() }
}

/// The address that packets to there would leave from.
fn toward(there: &str) -> Option<IpAddr> {
    let there: SocketAddr = there.parse().ok()?;
    let any = if there.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(there).ok()?;
    Some(socket.local_addr().ok()?.ip())
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

    fn former(n: &[u8]) -> Vec<IpAddr> {
        n.iter().map(|n| IpAddr::from([198, 18, 0, *n])).collect()
    }

    #[test]
    fn another_address_a_way_that_is_back_and_a_sleep_are_moves() {
        let seen = at(Some(1), 0);
        let mut here = Whereabouts { seen, last: seen.addrs, next: Time::ZERO };
        assert_eq!(here.sees(at(Some(1), 0)), None);
        assert_eq!(here.sees(at(Some(2), 0)), Some(former(&[1])));
        assert_eq!(here.sees(at(None, 0)), None, "nobody can be told");
        assert_eq!(here.sees(at(None, 0)), None);
        assert_eq!(here.sees(at(Some(2), 0)), Some(former(&[])), "back, and the connections may live");
        assert_eq!(here.sees(at(None, 0)), None);
        assert_eq!(here.sees(at(Some(3), 0)), Some(former(&[2])));
        assert_eq!(here.sees(at(Some(3), 20)), None);
        assert_eq!(here.sees(at(Some(3), 60)), Some(former(&[])));
        assert_eq!(here.sees(at(Some(3), 60)), None);
    }

    #[test]
    fn the_system_answers_and_nothing_moves_by_looking() {
        let mut here = Whereabouts::new();
        let now = here.next();
        assert_eq!(here.moved(now), None);
        assert_eq!(here.next(), now + LOOK_EVERY);
    }
}
