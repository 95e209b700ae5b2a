//! Whether this machine is where it was (own design): from which address it would speak to the world, and whether it slept.
//!
//! The system is asked for its route, which sends nothing; the address asked about is one that nobody has (RFC 5737, RFC 3849). The
//! clock that timers go by stands still while Linux sleeps, so a sleep is seen as another clock running ahead of it.
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use teem_swarm::time::Time;

/// How often the route and the clocks are looked at.
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
    next: Time,
}

impl Whereabouts {
    pub(crate) fn new() -> Self {
        Self { seen: look(), next: Time::ZERO + LOOK_EVERY }
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Time {
        self.next
    }

    /// Looks, when it is time: whether we are elsewhere than before, or were away.
    pub(crate) fn moved(&mut self, now: Time) -> bool {
        self.next = now + LOOK_EVERY;
        self.sees(look())
    }

    /// Takes in a look. A route that has come back is a move too: peers that were connected may have given up on us.
    fn sees(&mut self, seen: Seen) -> bool {
        let before = core::mem::replace(&mut self.seen, seen);
        let slept = seen.asleep >= before.asleep + SLEPT;
        slept || seen.addrs.iter().zip(before.addrs).any(|(now, before)| now.is_some() && *now != before)
    }
}

/// Whether this machine has an address no more. The port does not matter.
pub(crate) fn is_gone(mut addr: SocketAddr) -> bool {
    addr.set_port(0);
    // Every other error is one of the moment: too few descriptors take no address away.
    UdpSocket::bind(addr).is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
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

    #[test]
    fn another_address_a_way_that_is_back_and_a_sleep_are_moves() {
        let mut here = Whereabouts { seen: at(Some(1), 0), next: Time::ZERO };
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
    fn the_system_answers_and_nothing_moves_by_looking() {
        let mut here = Whereabouts::new();
        let now = here.next();
        assert!(!here.moved(now));
        assert_eq!(here.next(), now + LOOK_EVERY);
    }

    #[test]
    fn an_address_is_gone_when_the_machine_has_it_not_whatever_its_port_does() {
        let held = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(!is_gone(held.local_addr().unwrap()));
        assert!(is_gone("192.0.2.7:80".parse().unwrap()));
    }
}
