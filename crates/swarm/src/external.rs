//! From where the world sees us (BEP 24 for trackers, BEP 10 `yourip` for peers), and what follows from it (BEP 40).
//!
//! Every tracker, and every network that a peer or a node of the DHT comes from (/24, /48), has one vote for each family. An address is believed when more
//! than half of the votes are for it, among them a tracker's or those of three networks, and then until another has as many. It orders which peers are dialled and which may stay, is shown,
//! and decides nothing else: liars in any number gain no more than that.
use crate::listening::Listening;
use crate::search::Vote;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use teem_wire::compact::Family;
use teem_wire::holder::{Holder, Network};
use teem_wire::priority::priority;
use teem_wire::reach::Reach;

/// Votes that are kept for each family; the oldest makes room.
const VOTES_MAX: usize = 64;
/// Networks of peers that have to agree where no tracker says the same: anybody can dial us and say one thing.
const NETWORKS_MIN: usize = 3;

/// A party that says how it sees us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Voter {
    /// A peer or a node of the DHT, by its network: that has one vote, whoever of it speaks.
    Network(Network),
    /// A tracker, by its host.
    Tracker(String),
}

/// Our public address in each family, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct External {
    /// Our IPv4 address.
    pub v4: Option<IpAddr>,
    /// Our IPv6 address.
    pub v6: Option<IpAddr>,
}

impl External {
    /// That of a family.
    pub fn of(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// Those that are known.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.into_iter().chain(self.v6)
    }

    /// The priority of a connection with that address (BEP 40), where we listen as told; `None` when ours is not known or the other is
    /// not seen by the world.
    pub fn priority(&self, listening: &Listening, addr: SocketAddr) -> Option<u32> {
        let ours = self.of(Family::of(addr.ip()))?;
        let port = listening.port_for(addr.ip());
        if Reach::of(addr.ip()) == Reach::Public { priority(SocketAddr::new(ours, port), addr) } else { None }
    }
}

/// The votes of one address family.
#[derive(Default, Debug)]
struct Poll {
    votes: VecDeque<(Voter, IpAddr)>,
    won: Option<IpAddr>,
}

impl Poll {
    fn vote(&mut self, voter: Voter, ip: IpAddr) {
        self.votes.retain(|(known, _)| *known != voter);
        if self.votes.len() >= VOTES_MAX {
            self.votes.pop_front();
        }
        self.votes.push_back((voter, ip));
        self.won = self.majority().or(self.won);
    }

    /// What more than half of them say: when each two that differ leave together, only that can be left.
    fn majority(&self) -> Option<IpAddr> {
        let mut left: Option<(IpAddr, usize)> = None;
        for (_, ip) in &self.votes {
            left = match left {
                Some((same, count)) if same == *ip => Some((same, count + 1)),
                Some((other, count)) if count > 1 => Some((other, count - 1)),
                Some(_) => None,
                None => Some((*ip, 1)),
            };
        }
        let (ip, _) = left?;
        let for_it = || self.votes.iter().filter(|(_, vote)| *vote == ip);
        let vouched = for_it().any(|(voter, _)| matches!(voter, Voter::Tracker(_))) || for_it().count() >= NETWORKS_MIN;
        (vouched && for_it().count() * 2 > self.votes.len()).then_some(ip)
    }
}

/// The votes of both families.
#[derive(Default, Debug)]
pub struct Votes {
    v4: Poll,
    v6: Poll,
}

impl Votes {
    /// Takes a vote; an earlier one of the same voter is forgotten. Only addresses that the world can reach are eligible.
    pub(crate) fn vote(&mut self, voter: Voter, ip: IpAddr) {
        let ip = ip.to_canonical();
        if Reach::of(ip) == Reach::Public {
            match Family::of(ip) {
                Family::V4 => self.v4.vote(voter, ip),
                Family::V6 => self.v6.vote(voter, ip),
            }
        }
    }

    /// A tracker, by its host, says that it sees us there.
    pub fn tracker_sees(&mut self, host: String, ip: IpAddr) {
        self.vote(Voter::Tracker(host), ip);
    }

    /// A node of the DHT says that it sees us there (BEP 42 `ip`).
    pub fn node_sees(&mut self, node: IpAddr, ip: IpAddr) {
        self.vote(Voter::Network(Holder::of(node).wider()), ip);
    }

    /// What is believed.
    pub fn external(&self) -> External {
        External { v4: self.v4.won, v6: self.v6.won }
    }

    /// Addresses that we are said to be seen at, those that are believed first, with the voters for each.
    pub fn tally(&self) -> Vec<Vote> {
        let mut all: Vec<Vote> = Vec::new();
        for poll in [&self.v4, &self.v6] {
            let begins = all.len();
            for (voter, ip) in &poll.votes {
                let known = all[begins..].iter().position(|vote| vote.ip == *ip);
                let at = begins + known.unwrap_or(all.len() - begins);
                if at == all.len() {
                    let believed = poll.won == Some(*ip);
                    all.push(Vote { ip: *ip, believed, trackers: Vec::new(), networks: 0 });
                }
                match voter {
                    Voter::Tracker(host) => all[at].trackers.push(host.clone()),
                    Voter::Network(_) => all[at].networks += 1,
                }
            }
        }
        all.sort_by_key(|vote| !vote.believed);
        all
    }

    /// We are elsewhere: what was said of the former place is worth nothing.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn ip(n: u32) -> IpAddr {
        IpAddr::from((0x0808_0000 + n).to_be_bytes())
    }

    fn peer(n: u32) -> Voter {
        Voter::Network(Network::of(IpAddr::from((0x0900_0000 + n * 256).to_be_bytes())))
    }

    /// Votes after which that address is believed.
    fn all_say(said: IpAddr) -> Votes {
        let mut votes = Votes::default();
        (5_000..5_003).for_each(|n| votes.vote(peer(n), said));
        votes
    }

    #[test]
    fn row_19_of_the_audit_peers_are_believed_when_three_networks_agree_and_a_tracker_at_once() {
        let mut votes = Votes::default();
        for n in 0..50 {
            votes.vote(peer(1), ip(7));
            votes.vote(Voter::Network(Network::of(IpAddr::from([9, 0, 1, n]))), ip(7));
        }
        votes.vote(peer(2), ip(7));
        assert_eq!(votes.external().v4, None, "two networks, however often they say it");
        votes.vote(peer(3), ip(7));
        assert_eq!(votes.external().v4, Some(ip(7)));
        let mut votes = Votes::default();
        votes.vote(Voter::Tracker("t".into()), ip(8));
        assert_eq!(votes.external().v4, Some(ip(8)));
    }

    #[test]
    fn nodes_of_three_networks_are_believed_and_a_network_has_one_vote_with_its_peers() {
        let mut votes = Votes::default();
        for n in 0..200 {
            votes.node_sees(IpAddr::from([9, 9, 9, n]), ip(7));
        }
        votes.node_sees("2a00:1:2::1".parse().unwrap(), ip(7));
        votes.node_sees("2a00:1:2:3::1".parse().unwrap(), ip(7));
        votes.vote(Voter::Network(Network::of(IpAddr::from([9, 9, 9, 1]))), ip(7));
        assert_eq!((votes.external().v4, votes.v4.votes.len()), (None, 2), "a /24 and a /48");
        votes.node_sees(IpAddr::from([9, 9, 8, 1]), ip(7));
        assert_eq!(votes.external().v4, Some(ip(7)));
    }

    #[test]
    fn a_crowd_of_liars_that_disagree_changes_nothing() {
        let (mut votes, mut rng) = (all_say(ip(7)), Rng::new(1));
        for n in 1..=1000 {
            votes.vote(peer(n), ip(1000 + rng.below(60_000) as u32));
            assert_eq!(votes.external().v4, Some(ip(7)));
        }
    }

    #[test]
    fn two_that_are_told_alike_do_not_alternate() {
        let (mut votes, mut rng) = (all_say(ip(7)), Rng::new(2));
        for n in 0..1000 {
            for (k, said) in [(1, ip(8)), (2, ip(1000 + rng.below(60_000) as u32)), (3, ip(7))] {
                votes.vote(peer(3 * n + k), said);
                assert_eq!(votes.external().v4, Some(ip(7)));
            }
        }
    }

    #[test]
    fn one_voter_has_one_vote_and_the_honest_win() {
        let (mut votes, mut rng) = (Votes::default(), Rng::new(3));
        votes.vote(peer(0), ip(9));
        for n in 1..50 {
            votes.vote(peer(n), ip(7));
            votes.vote(peer(0), ip(1000 + rng.below(60_000) as u32));
        }
        assert_eq!(votes.external().v4, Some(ip(7)));
        assert_eq!(votes.v4.votes.len(), 50);
        for n in 100..1000 {
            votes.vote(peer(n), ip(8));
        }
        assert_eq!((votes.external().v4, votes.v4.votes.len()), (Some(ip(8)), VOTES_MAX), "the oldest are forgotten");
    }

    #[test]
    fn the_tally_names_trackers_counts_networks_and_begins_with_what_is_believed() {
        let mut votes = Votes::default();
        votes.vote(peer(1), ip(9));
        for n in 2..5 {
            votes.vote(peer(n), ip(7));
        }
        votes.vote(Voter::Tracker("t".into()), ip(7));
        let vote = |said, believed, trackers: &[&str], networks| Vote {
            ip: said,
            believed,
            trackers: trackers.iter().map(|host| (*host).into()).collect(),
            networks,
        };
        assert_eq!(votes.tally(), [vote(ip(7), true, &["t"], 3), vote(ip(9), false, &[], 1)]);
    }

    #[test]
    fn near_addresses_are_never_ours_and_families_are_apart() {
        let mut votes = Votes::default();
        for near in
            ["127.0.0.1", "10.0.0.1", "192.168.1.2", "169.254.1.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1", "fd00::1"]
        {
            votes.vote(peer(1), near.parse().unwrap());
            votes.vote(Voter::Tracker(near.into()), near.parse().unwrap());
        }
        assert_eq!(votes.external(), External::default());
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        for n in 1..=3 {
            votes.vote(peer(n), v6);
            votes.vote(peer(n), "::ffff:8.8.0.7".parse().unwrap());
        }
        assert_eq!(votes.external(), External { v4: Some(ip(7)), v6: Some(v6) });
        let external = votes.external();
        assert_eq!(external.priority(&1.into(), "10.0.0.1:5".parse().unwrap()), None);
        assert!(external.priority(&1.into(), "9.9.9.9:5".parse().unwrap()).is_some());
        votes.forget();
        assert_eq!(votes.external().priority(&1.into(), "9.9.9.9:5".parse().unwrap()), None);
    }
}
