//! The share of each network (own design): where room is short, a place is taken from the network that has most.
use alloc::collections::{BTreeMap, BTreeSet};
use teem_wire::holder::Network;

/// How many places each network has, and which has most. Work grows with the logarithm of their number.
#[derive(Clone, Default, Debug)]
pub(crate) struct Crowding {
    counts: BTreeMap<Network, u32>,
    order: BTreeSet<(u32, Network)>,
}

impl Crowding {
    /// Another place is taken by that network.
    pub(crate) fn add(&mut self, network: Network) {
        self.change(network, |count| count.saturating_add(1));
    }

    /// A place of that network has become free.
    pub(crate) fn take(&mut self, network: Network) {
        self.change(network, |count| count.saturating_sub(1));
    }

    /// How many places it has.
    pub(crate) fn count(&self, network: Network) -> usize {
        self.counts.get(&network).map_or(0, |count| *count as usize)
    }

    /// How many networks have any.
    pub(crate) fn networks(&self) -> usize {
        self.counts.len()
    }

    /// The network that has most.
    pub(crate) fn most(&self) -> Option<Network> {
        self.order.last().map(|(_, network)| *network)
    }

    fn change(&mut self, network: Network, change: impl FnOnce(u32) -> u32) {
        let before = self.counts.get(&network).copied().unwrap_or(0);
        let after = change(before);
        self.order.remove(&(before, network));
        if after == 0 {
            self.counts.remove(&network);
        } else {
            self.counts.insert(network, after);
            self.order.insert((after, network));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_that_has_most_is_known_as_places_come_and_go() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        let (few, many) = (of("192.0.2.1"), of("198.51.100.1"));
        let mut crowding = Crowding::default();
        assert_eq!((crowding.most(), crowding.count(few)), (None, 0));
        crowding.add(few);
        crowding.add(many);
        crowding.add(many);
        assert_eq!((crowding.most(), crowding.count(many)), (Some(many), 2));
        crowding.take(many);
        crowding.take(many);
        assert_eq!((crowding.most(), crowding.count(many)), (Some(few), 0));
        crowding.take(few);
        crowding.take(few);
        assert_eq!((crowding.most(), crowding.count(few)), (None, 0), "what is not there is not taken");
    }
}
