//! What each holder has had us look at (own design; audit, rows 5 and 10): messages of a few bytes after which we look at many pieces or requests.
//!
//! It is charged to the holder, so that coming again renews no credit, and summed by the network around it. Half of it is forgotten every five
//! minutes. Connections of this machine are charged one by one: they all have one address.
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::remote::Remote;
use crate::time::Time;
use alloc::collections::BTreeMap;
use core::time::Duration;
use teem_wire::holder::Holder;

/// How often half of what was spent is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(300);
/// Steps that a holder has free: each piece of the largest torrent four times.
const HOLDER_MAX: u64 = 4 * 2_097_152;
/// And a network: an honest one may have several holders, and bitfields of the largest torrent cost each of them an eighth of a million.
const NETWORK_MAX: u64 = 4 * HOLDER_MAX;
/// Parties that are remembered; with more, what all have spent is halved until there are fewer.
const PARTIES_MAX: usize = 4_096;

/// What has been looked at for whom, in steps.
#[derive(Clone, Default, Debug)]
pub(in crate::torrent) struct Looks {
    spent: BTreeMap<Holder, u64>,
    forgotten: Time,
}

impl Looks {
    /// Whether a peer may have us look at so many pieces or requests more; if so, that is charged.
    pub(in crate::torrent) fn may(&mut self, conn: ConnId, who: Remote, steps: u64) -> bool {
        let holder = if who.is_loopback() { Holder::named(conn.0 as u32) } else { who.holder() };
        let own = self.spent.get(&holder).copied().unwrap_or(0);
        let network: u64 = self.spent.range(holder.wider().holders()).map(|(_, spent)| *spent).sum();
        if own + steps > HOLDER_MAX || network + steps > NETWORK_MAX {
            return false;
        }
        self.spent.insert(holder, own + steps);
        while self.spent.len() > PARTIES_MAX {
            self.forget_half();
        }
        true
    }

    /// The same for what a peer says that it has: it cannot be passed over.
    pub(in crate::torrent) fn charge(&mut self, conn: ConnId, who: Remote, pieces: u64) -> Result<(), CloseReason> {
        if self.may(conn, who, pieces) { Ok(()) } else { Err(CloseReason::Flood("bitfields again and again")) }
    }

    /// Time has passed; to be called now and then.
    pub(in crate::torrent) fn tick(&mut self, now: Time) {
        if now.since(self.forgotten) >= FORGET_EVERY {
            self.forgotten = now;
            self.forget_half();
        }
    }

    fn forget_half(&mut self) {
        self.spent.retain(|_, spent| {
            *spent /= 2;
            *spent > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;

    fn at(text: &str) -> Remote {
        text.parse::<SocketAddr>().unwrap().into()
    }

    #[test]
    fn a_holder_and_its_network_have_so_much_whatever_their_connections() {
        let mut looks = Looks::default();
        let holders = ["198.18.0.1:1", "198.18.0.2:1", "198.18.0.3:1", "198.18.0.4:1", "198.18.0.5:1"];
        let spent = holders.map(|holder| (0..10).filter(|n| looks.may(ConnId(*n), at(holder), HOLDER_MAX / 4)).count());
        assert_eq!(spent, [4, 4, 4, 4, 0], "the fifth of the network finds it spent");
        assert!(looks.may(ConnId(9), at("198.18.1.1:1"), HOLDER_MAX), "another network has its own");
        looks.tick(Time::ZERO + FORGET_EVERY);
        assert!(looks.may(ConnId(9), at("198.18.0.5:1"), HOLDER_MAX / 4));
    }

    #[test]
    fn connections_of_this_machine_are_charged_one_by_one() {
        let mut looks = Looks::default();
        assert!(
            looks.may(ConnId(1), at("127.0.0.1:1"), HOLDER_MAX) && looks.may(ConnId(2), at("127.0.0.1:2"), HOLDER_MAX)
        );
        assert!(!looks.may(ConnId(1), at("127.0.0.1:1"), 1));
    }

    #[test]
    fn no_more_parties_are_remembered_than_there_is_room_for() {
        let mut looks = Looks::default();
        for n in 0..3 * PARTIES_MAX as u32 {
            let ip = core::net::Ipv4Addr::from(0x0900_0000 + n * 256);
            assert!(looks.may(ConnId(0), SocketAddr::from((ip, 1)).into(), 3));
        }
        assert!(looks.spent.len() <= PARTIES_MAX);
    }
}
