//! Where connections are taken (BEP 3 `port`, BEP 10 `p`; own design): one place that everybody asks, since it may change while we run.
//!
//! A router may forward another port than the one that we listen on, and of each address family another. Those who come from outside are told the
//! port there, those within this network the one here.
use alloc::sync::Arc;
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// Where connections of one address family are taken.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Door {
    /// The port that we listen on, for TCP and UDP; 0 is none.
    pub here: u16,
    /// The port that leads there from outside, where a router forwards one.
    pub outside: Option<u16>,
    /// Whether it is known that strangers reach us.
    pub reachable: bool,
}

impl Door {
    /// The port that is told to those who come from outside.
    fn told_outside(self) -> u16 {
        self.outside.filter(|_| self.here != 0).unwrap_or(self.here)
    }
}

/// Where connections are taken, by family.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Listening {
    /// The door of IPv4, which a router often moves to another port.
    pub v4: Door,
    /// The door of IPv6, which is mostly the same outside.
    pub v6: Door,
}

impl Listening {
    /// That of a family.
    pub fn of(&self, family: Family) -> Door {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// The port that somebody at that address reaches us on; 0 is none.
    pub fn port_for(&self, asker: IpAddr) -> u16 {
        let door = self.of(Family::of(asker));
        if Reach::of(asker) == Reach::Public { door.told_outside() } else { door.here }
    }

    /// The port that those outside who speak that family reach us on; 0 is none.
    pub fn outside(&self, family: Family) -> u16 {
        self.of(family).told_outside()
    }

    /// The port that is told where it is not known by which family it is read: a router forwards another one with IPv4 mostly.
    pub fn port(&self) -> u16 {
        let (v4, v6) = (self.v4.told_outside(), self.v6.told_outside());
        if v4 == 0 || self.v4.outside.is_none() && self.v6.outside.is_some() { v6 } else { v4 }
    }

    /// Whether somebody has to be told of a difference.
    fn is_told_alike(&self, other: &Self) -> bool {
        let told = |door: Door| (door.here, door.told_outside());
        told(self.v4) == told(other.v4) && told(self.v6) == told(other.v6)
    }
}

impl From<u16> for Listening {
    /// The same port of both families, and no router that forwards another.
    fn from(port: u16) -> Self {
        let door = Door { here: port, ..Door::default() };
        Self { v4: door, v6: door }
    }
}

/// One door in a place that is shared: both ports in one number, so that they are never seen apart.
#[derive(Default, Debug)]
struct Shared {
    ports: AtomicU32,
    reachable: AtomicBool,
}

impl Shared {
    fn get(&self) -> Door {
        let ports = self.ports.load(Ordering::Relaxed);
        let outside = (ports & 0xFFFF) as u16;
        Door {
            here: (ports >> 16) as u16,
            outside: (outside != 0).then_some(outside),
            reachable: self.reachable.load(Ordering::Relaxed),
        }
    }

    fn set(&self, door: Door) {
        let outside = u32::from(door.outside.unwrap_or(0));
        self.ports.store(u32::from(door.here) << 16 | outside, Ordering::Relaxed);
        self.reachable.store(door.reachable, Ordering::Relaxed);
    }
}

/// The [`Listening`] of one engine; clones share it. Only the engine changes it, in the turn of
/// [`Command::Listen`](crate::command::Command::Listen) and [`Command::Door`](crate::command::Command::Door) among the inputs.
#[derive(Clone, Default, Debug)]
pub struct Doors(Arc<(Shared, Shared, AtomicBool)>);

impl Doors {
    /// As it is now.
    pub fn get(&self) -> Listening {
        Listening { v4: self.0.0.get(), v6: self.0.1.get() }
    }

    /// Whether a router stands between us and the world of IPv4 from now on, whose door is another address than ours.
    pub fn set_routed(&self, routed: bool) {
        self.0.2.store(routed, Ordering::Relaxed);
    }

    /// Whether strangers at that address cannot dial us, as far as is known: a router stands between, and no port of it leads here.
    pub(crate) fn hides_from(&self, ip: IpAddr) -> bool {
        let door = self.get().of(Family::of(ip));
        let routed = Family::of(ip) == Family::V4 && self.0.2.load(Ordering::Relaxed);
        routed && Reach::of(ip) == Reach::Public && door.outside.is_none() && !door.reachable
    }

    /// From now on, for all clones. Whether somebody has to be told of another port.
    pub fn set(&self, listening: Listening) -> bool {
        let before = self.get();
        self.0.0.set(listening.v4);
        self.0.1.set(listening.v6);
        !before.is_told_alike(&listening)
    }

    /// A router forwards another port of one family than before, or strangers are known to reach us there. What was found out of a port that we have
    /// left since is not taken. Whether somebody has to be told of another port.
    pub fn set_door(&self, family: Family, door: Door) -> bool {
        let mut listening = self.get();
        if listening.of(family).here != door.here {
            return false;
        }
        match family {
            Family::V4 => listening.v4 = door,
            Family::V6 => listening.v6 = door,
        }
        self.set(listening)
    }
}

impl From<u16> for Doors {
    fn from(port: u16) -> Self {
        let doors = Self::default();
        doors.set(port.into());
        doors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn those_outside_are_told_the_port_that_the_router_forwards() {
        let doors = Doors::from(7000);
        assert_eq!((doors.get().port(), doors.get().port_for(ip("8.8.8.8"))), (7000, 7000));
        let mapped = Door { here: 7000, outside: Some(9000), reachable: false };
        assert!(doors.set_door(Family::V4, mapped));
        let now = doors.get();
        let told = ["8.8.8.8", "10.0.0.1", "127.0.0.1", "2a00::1", "fe80::1"].map(|asker| now.port_for(ip(asker)));
        assert_eq!((told, now.port()), ([9000, 7000, 7000, 7000, 7000], 9000));
        assert!(!doors.set_door(Family::V4, Door { reachable: true, ..mapped }), "nobody is told of that");
        assert!(doors.get().v4.reachable);
        assert!(doors.set_door(Family::V6, Door { here: 7000, outside: Some(9001), reachable: false }));
        assert_eq!((doors.get().port(), doors.get().port_for(ip("2a00::1"))), (9000, 9001));
        assert!(doors.set_door(Family::V4, Door { outside: None, ..mapped }), "the router forwards it no more");
        assert_eq!(doors.get().port(), 9001);
    }

    #[test]
    fn behind_a_router_we_are_hidden_until_a_port_leads_here() {
        let doors = Doors::from(7000);
        assert!(!doors.hides_from(ip("8.8.8.8")));
        doors.set_routed(true);
        assert_eq!(["8.8.8.8", "10.0.0.1", "2a00::1"].map(|ip_| doors.hides_from(ip(ip_))), [true, false, false]);
        doors.set_door(Family::V4, Door { here: 7000, outside: None, reachable: true });
        assert!(!doors.hides_from(ip("8.8.8.8")));
        doors.set_door(Family::V4, Door { here: 7000, outside: Some(9000), reachable: false });
        assert!(!doors.hides_from(ip("8.8.8.8")));
    }

    #[test]
    fn a_mapping_of_a_port_that_was_left_is_not_taken() {
        let doors = Doors::from(7000);
        doors.set_door(Family::V4, Door { here: 7000, outside: Some(9000), reachable: true });
        assert!(doors.set(7001.into()));
        assert_eq!(doors.get(), Listening::from(7001));
        assert!(!doors.set_door(Family::V4, Door { here: 7000, outside: Some(9000), reachable: true }));
        assert_eq!(doors.get(), Listening::from(7001));
        assert!(!doors.set(7001.into()), "the same again");
    }
}
