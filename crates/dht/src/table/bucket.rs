//! The nodes at one distance from us (BEP 5, "Routing Table"): those that share so many first bits of their ids with ours and no more.
//!
//! Nodes stay while they answer. One that failed makes room for another that has answered and waits; ids that fit their address (BEP 42) come before
//! those that do not; of one /24 (IPv4) or /64 (IPv6) there are two at most.
use crate::krpc::message::Contact;
use alloc::vec::Vec;
use core::net::IpAddr;
use teem_basis::time::Time;
use teem_wire::reach::Reach;

/// Nodes of one network.
const OF_ONE_NETWORK: usize = 2;
/// Nodes that wait for a place.
const SPARES_MAX: usize = 8;
/// Answers that failed to come one after the other until a node is dropped though nobody waits for its place.
const FAILURES_MAX: u8 = 2;

/// A node in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) contact: Contact,
    /// Its id fits its address.
    pub(crate) fits: bool,
    /// It has answered us at least once in this run.
    pub(crate) proven: bool,
    /// When it answered last, or was put here.
    pub(crate) heard: Time,
    /// When it was asked last, so that the next one's turn comes.
    pub(crate) looked_at: Time,
    /// Answers in a row that did not come.
    pub(crate) failures: u8,
}

impl Entry {
    /// Whether others are told of it.
    pub(crate) fn is_good(&self) -> bool {
        self.proven && self.failures == 0
    }
}

/// Nodes of one distance, and those that wait for a place among them.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    nodes: Vec<Entry>,
    spares: Vec<Entry>,
}

impl Bucket {
    pub(crate) fn nodes(&self) -> &[Entry] {
        &self.nodes
    }

    pub(crate) fn node_mut(&mut self, contact: &Contact) -> Option<&mut Entry> {
        self.nodes.iter_mut().find(|entry| entry.contact == *contact)
    }

    pub(crate) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.nodes.iter_mut()
    }

    pub(crate) fn into_nodes(self) -> impl Iterator<Item = Entry> {
        self.nodes.into_iter().chain(self.spares)
    }

    /// Whether a node would find a place at once.
    pub(crate) fn has_room(&self, capacity: usize, ip: IpAddr) -> bool {
        crowd(&self.nodes, ip) < OF_ONE_NETWORK
            && (self.nodes.len() < capacity || self.nodes.iter().any(|entry| entry.failures > 0))
    }

    /// A node wants in; what left for it, and whether it is in.
    pub(crate) fn put(&mut self, capacity: usize, entry: Entry) -> (bool, Option<Contact>) {
        self.spares.retain(|spare| spare.contact.addr != entry.contact.addr);
        let crowded = crowd(&self.nodes, entry.contact.addr.ip()) >= OF_ONE_NETWORK;
        if !crowded && self.nodes.len() < capacity {
            self.nodes.push(entry);
            return (true, None);
        }
        let yields = |old: &&mut Entry| {
            let same = !crowded || network(old.contact.addr.ip()) == network(entry.contact.addr.ip());
            same && (old.failures > 0 || (entry.proven && (!old.proven || (entry.fits && !old.fits))))
        };
        // The first to yield failed most often; then those that never answered, then those whose id does not fit.
        if let Some(old) = self.nodes.iter_mut().filter(yields).max_by_key(|old| (old.failures, !old.proven)) {
            let left = old.contact;
            *old = entry;
            return (true, Some(left));
        }
        if entry.proven && !crowded {
            if self.spares.len() >= SPARES_MAX {
                self.spares.remove(0);
            }
            self.spares.push(entry);
        }
        (false, None)
    }

    /// A node did not answer. What became of it: the node that left, and the one that came instead.
    pub(crate) fn failed(
        &mut self,
        contact: &Contact,
        is_free: impl Fn(&Contact) -> bool,
    ) -> (Option<Contact>, Option<Contact>) {
        let Some(at) = self.nodes.iter().position(|entry| entry.contact == *contact) else {
            self.spares.retain(|spare| spare.contact != *contact);
            return (None, None);
        };
        self.nodes[at].failures = self.nodes[at].failures.saturating_add(1);
        let best = |&(n, spare): &(usize, &Entry)| (spare.fits, n);
        let rest = |spare: &Entry| {
            let others = self.nodes.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, entry)| entry);
            of_network(others, spare.contact.addr.ip()) < OF_ONE_NETWORK && is_free(&spare.contact)
        };
        let spare = self.spares.iter().enumerate().filter(|(_, spare)| rest(spare)).max_by_key(best).map(|(n, _)| n);
        match spare {
            Some(spare) => {
                let new = self.spares.remove(spare);
                self.nodes[at] = new;
                (Some(*contact), Some(new.contact))
            }
            None if self.nodes[at].failures >= FAILURES_MAX || !self.nodes[at].proven => {
                self.nodes.swap_remove(at);
                (Some(*contact), None)
            }
            None => (None, None),
        }
    }

    /// Takes a node out.
    pub(crate) fn remove(&mut self, contact: &Contact) {
        self.nodes.retain(|entry| entry.contact != *contact);
        self.spares.retain(|entry| entry.contact != *contact);
    }
}

/// What counts as one network in a bucket: a /24, a /64. Loopback is not shared by strangers, so nothing there is one.
pub(crate) fn network(ip: IpAddr) -> Option<[u8; 8]> {
    if Reach::of(ip) == Reach::Loopback {
        return None;
    }
    let mut part = [0; 8];
    match ip.to_canonical() {
        IpAddr::V4(ip) => part[..3].copy_from_slice(&ip.octets()[..3]),
        IpAddr::V6(ip) => part.copy_from_slice(&ip.octets()[..8]),
    }
    Some(part)
}

fn crowd(nodes: &[Entry], ip: IpAddr) -> usize {
    of_network(nodes.iter(), ip)
}

fn of_network<'a>(nodes: impl Iterator<Item = &'a Entry>, ip: IpAddr) -> usize {
    let Some(network_of_it) = network(ip) else { return 0 };
    nodes.filter(|entry| network(entry.contact.addr.ip()) == Some(network_of_it)).count()
}
