//! From where other nodes see us (BEP 42, `ip`): each network (/24, /48) has one vote.
//!
//! Our id follows from the address that is believed, so a lie would move us to another place of the table. More than half of the votes have to agree, of
//! three networks at least, and what is believed stays until another address has as many.
use alloc::collections::VecDeque;
use core::net::IpAddr;
use teem_wire::compact::Family;
use teem_wire::holder::Network;
use teem_wire::reach::Reach;

/// Votes that are kept; the oldest makes room.
const VOTES_MAX: usize = 48;
/// Networks that have to agree.
const NETWORKS_MIN: usize = 3;

/// The votes on our address in one family.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    votes: VecDeque<(Network, IpAddr)>,
    believed: Option<IpAddr>,
}

/// Whether a vote has changed what is believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wins(pub(crate) bool);

impl Outside {
    /// A node says how it sees us; `None` when that is no news or cannot be.
    pub(crate) fn vote(&mut self, family: Family, by: IpAddr, seen: IpAddr) -> Option<Wins> {
        let (network, seen) = (Network::of(by), seen.to_canonical());
        if Reach::of(seen) != Reach::Public || Family::of(seen) != family {
            return None;
        }
        match self.votes.iter_mut().find(|(voter, _)| *voter == network) {
            Some((_, said)) if *said == seen => return None,
            Some((_, said)) => *said = seen,
            None => {
                if self.votes.len() >= VOTES_MAX {
                    self.votes.pop_front();
                }
                self.votes.push_back((network, seen));
            }
        }
        let votes = self.votes.iter().filter(|(_, said)| *said == seen).count();
        let wins = votes >= NETWORKS_MIN && votes * 2 > self.votes.len() && self.believed != Some(seen);
        if wins {
            self.believed = Some(seen);
        }
        Some(Wins(wins))
    }

    /// What is believed.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(n: u8, host: u8) -> IpAddr {
        IpAddr::from([9, 0, n, host])
    }

    #[test]
    fn three_networks_have_to_agree_and_each_has_one_vote() {
        let (mut outside, ours) = (Outside::default(), IpAddr::from([8, 8, 8, 8]));
        for host in 0..50 {
            let news = (host == 0).then_some(Wins(false));
            assert_eq!(outside.vote(Family::V4, by(1, host), ours), news);
            assert_eq!(outside.vote(Family::V4, by(2, host), ours), news);
        }
        assert_eq!(outside.address(), None);
        assert_eq!(outside.vote(Family::V4, by(3, 1), ours), Some(Wins(true)));
        assert_eq!(outside.address(), Some(ours));
    }

    #[test]
    fn a_third_that_lies_changes_nothing_and_near_addresses_are_never_ours() {
        let (mut outside, ours) = (Outside::default(), IpAddr::from([8, 8, 8, 8]));
        for n in 0..200u8 {
            let said = if n % 3 == 2 { IpAddr::from([7, 7, 7, 7]) } else { ours };
            outside.vote(Family::V4, by(n, 1), said);
            outside.vote(Family::V4, by(n, 1), IpAddr::from([10, 0, 0, 1]));
            outside.vote(Family::V4, by(n, 1), "2001:db8::1".parse().unwrap());
        }
        assert_eq!((outside.address(), outside.votes.len()), (Some(ours), VOTES_MAX));
    }
}
