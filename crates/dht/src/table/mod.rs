//! The routing table (BEP 5, "Routing Table"; BEP 42): nodes by how many first bits their ids share with ours.
//!
//! Half of all nodes share no bit, so there is room for 128 of them; then 64, 32, 16, and 8 of each nearer distance: a look-up begins seven bits nearer to its
//! target than with eight everywhere, which saves a round trip or two. A node is one address: a second one there has no place. Only nodes that have
//! answered a query of ours are told to others; those of a former run stand here too, until they answer or fail.
pub(crate) mod bucket;

use crate::id::{Distance, ID_LEN, Id};
use crate::krpc::message::Contact;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bucket::{Bucket, Entry};
use core::net::{IpAddr, SocketAddr};
use teem_basis::time::Time;
use teem_wire::reach::Reach;

/// Distances: one for each bit of an id.
const BUCKETS: usize = ID_LEN * 8;
/// Nodes that are kept for the next run.
pub(crate) const SAVED_MAX: usize = 400;

/// How many nodes stand in the bucket of those that share so many bits with us.
const fn capacity(shared: usize) -> usize {
    match shared {
        0 => 128,
        1 => 64,
        2 => 32,
        3 => 16,
        _ => 8,
    }
}

/// The nodes by distance, and by address.
#[derive(Debug)]
pub(crate) struct Table {
    own: Id,
    buckets: Vec<Bucket>,
    places: BTreeMap<(IpAddr, u16), Contact>,
}

impl Table {
    pub(crate) fn new(own: Id) -> Self {
        Self { own, buckets: Vec::new(), places: BTreeMap::new() }
    }

    /// Nodes in it.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Nodes that others are told of.
    pub(crate) fn good(&self) -> usize {
        self.buckets.iter().flat_map(Bucket::nodes).filter(|entry| entry.is_good()).count()
    }

    /// Whether a node is here that has answered.
    pub(crate) fn has_proven(&self, addr: SocketAddr) -> bool {
        let contact = self.places.get(&place(addr)).filter(|contact| contact.addr == addr);
        let bucket = |contact: &&Contact| self.buckets.get(self.own.common_bits(contact.id) as usize);
        let nodes = contact.and_then(|contact| Some((contact, bucket(&contact)?.nodes())));
        nodes.is_some_and(|(contact, nodes)| nodes.iter().any(|entry| entry.contact == *contact && entry.proven))
    }

    /// A node has answered.
    pub(crate) fn answered(&mut self, now: Time, contact: Contact, fits: bool) {
        self.put(Entry { contact, fits, proven: true, heard: now, looked_at: now, failures: 0 });
    }

    /// A node of a former run, that may be there still.
    pub(crate) fn saved(&mut self, now: Time, contact: Contact, fits: bool) {
        if !self.places.contains_key(&place(contact.addr)) {
            let heard = Time::ZERO;
            self.put(Entry { contact, fits, proven: false, heard, looked_at: now, failures: 0 });
        }
    }

    /// Whether a node that we have not asked yet would find room here.
    pub(crate) fn wants(&self, contact: &Contact) -> bool {
        let shared = self.own.common_bits(contact.id) as usize;
        if shared >= BUCKETS || self.places.contains_key(&place(contact.addr)) {
            return false;
        }
        self.buckets.get(shared).is_none_or(|bucket| bucket.has_room(capacity(shared), contact.addr.ip()))
    }

    /// A node has not answered.
    pub(crate) fn failed(&mut self, addr: SocketAddr) {
        let Some(contact) = self.places.get(&place(addr)).filter(|contact| contact.addr == addr).copied() else {
            return;
        };
        let Some(bucket) = self.buckets.get_mut(self.own.common_bits(contact.id) as usize) else { return };
        let places = &self.places;
        let (left, came) = bucket.failed(&contact, |spare| !places.contains_key(&place(spare.addr)));
        if let Some(left) = left {
            self.places.remove(&place(left.addr));
        }
        if let Some(came) = came {
            self.places.insert(place(came.addr), came);
        }
    }

    /// The nodes closest to a target that others are told of, from near to far.
    pub(crate) fn closest_good(&self, target: Id, count: usize) -> Vec<Contact> {
        self.closest_that(target, count, Entry::is_good)
    }

    /// The nodes closest to a target, those included that have not answered yet in this run.
    pub(crate) fn closest(&self, target: Id, count: usize) -> Vec<Contact> {
        self.closest_that(target, count, |_| true)
    }

    fn closest_that(&self, target: Id, count: usize, takes: impl Fn(&Entry) -> bool) -> Vec<Contact> {
        let shared = (self.own.common_bits(target) as usize).min(self.buckets.len());
        let mut out: Vec<(Distance, Contact)> = Vec::with_capacity(count + 1);
        // What shares more bits with the target lies in its own bucket; what is nearer to us than the target shares exactly as many bits with
        // it; each bucket before is farther than all behind it.
        let (before, behind) = self.buckets.split_at(shared);
        let (own, nearer) = behind.split_at(behind.len().min(1));
        for bucket in own {
            insert(&mut out, bucket, target, count, &takes);
        }
        if out.len() < count {
            for bucket in nearer {
                insert(&mut out, bucket, target, count, &takes);
            }
        }
        for bucket in before.iter().rev() {
            if out.len() >= count {
                break;
            }
            insert(&mut out, bucket, target, count, &takes);
        }
        out.into_iter().map(|(_, contact)| contact).collect()
    }

    /// The node that was left alone the longest; its turn is over then. Nodes near us count twice, since only few know them.
    pub(crate) fn stalest(&mut self, now: Time) -> Option<Contact> {
        let aged = |shared: usize, entry: &Entry| {
            let age = now.since(entry.looked_at.max(entry.heard));
            if shared > 3 || entry.failures > 0 { age * 2 } else { age }
        };
        let entries =
            self.buckets.iter_mut().enumerate().flat_map(|(n, bucket)| bucket.nodes_mut().map(move |e| (n, e)));
        let (_, entry) = entries.max_by_key(|(n, entry)| (aged(*n, entry), entry.contact))?;
        entry.looked_at = now;
        Some(entry.contact)
    }

    /// A node was asked, so it is not its turn soon.
    pub(crate) fn asked(&mut self, now: Time, addr: SocketAddr) {
        let Some(contact) = self.places.get(&place(addr)).copied() else { return };
        let bucket = self.buckets.get_mut(self.own.common_bits(contact.id) as usize);
        if let Some(entry) = bucket.and_then(|bucket| bucket.node_mut(&contact)) {
            entry.looked_at = now;
        }
    }

    /// The nodes that the next run may begin with: the nearest first, since they are fewest.
    pub(crate) fn to_save(&self) -> Vec<Contact> {
        let good = self.buckets.iter().rev().flat_map(Bucket::nodes).filter(|entry| entry.is_good());
        good.map(|entry| entry.contact).take(SAVED_MAX).collect()
    }

    /// We have another id: each node finds its place anew.
    pub(crate) fn rebase(&mut self, own: Id) {
        let former = core::mem::replace(self, Self::new(own));
        for entry in former.buckets.into_iter().flat_map(Bucket::into_nodes) {
            self.put(entry);
        }
    }

    /// Holds places and buckets against each other.
    pub(crate) fn check(&self) {
        let mut standing = 0;
        for (shared, bucket) in self.buckets.iter().enumerate() {
            assert!(bucket.nodes().len() <= capacity(shared), "bucket {shared} has {}", bucket.nodes().len());
            for entry in bucket.nodes() {
                assert_eq!(entry.contact.id.common_bits(self.own) as usize, shared, "{:?}", entry.contact);
                assert_eq!(self.places.get(&place(entry.contact.addr)), Some(&entry.contact), "its place is another's");
                standing += 1;
            }
        }
        assert_eq!(standing, self.places.len(), "a place without a node");
    }

    fn put(&mut self, entry: Entry) {
        let contact = entry.contact;
        let shared = self.own.common_bits(contact.id) as usize;
        if shared >= BUCKETS {
            return;
        }
        match self.places.get(&place(contact.addr)).copied() {
            Some(known) if known == contact => {
                let node = self.buckets.get_mut(shared).and_then(|bucket| bucket.node_mut(&contact));
                if let Some(node) = node.filter(|_| entry.proven) {
                    *node = entry;
                }
                return;
            }
            // The same socket says another id, or the host listens elsewhere now: the former is gone, unless it still answers.
            Some(known) => {
                let former = self.own.common_bits(known.id) as usize;
                let Some(bucket) = self.buckets.get_mut(former) else { return };
                let fails = bucket.node_mut(&known).is_none_or(|node| node.failures > 0 || !node.proven);
                if known.addr != contact.addr && !fails {
                    return;
                }
                bucket.remove(&known);
                self.places.remove(&place(contact.addr));
            }
            None => {}
        }
        if self.buckets.len() <= shared {
            self.buckets.resize_with(shared + 1, Bucket::default);
        }
        let (is_in, left) = self.buckets[shared].put(capacity(shared), entry);
        if let Some(left) = left {
            self.places.remove(&place(left.addr));
        }
        if is_in {
            self.places.insert(place(contact.addr), contact);
        }
    }
}

/// What one node is: an address, whatever the port; on loopback one socket, since many programs share that address and nobody else reaches them.
fn place(addr: SocketAddr) -> (IpAddr, u16) {
    let ip = addr.ip().to_canonical();
    if Reach::of(ip) == Reach::Loopback { (ip, addr.port()) } else { (ip, 0) }
}

/// Puts the nodes of a bucket among the closest.
fn insert(
    out: &mut Vec<(Distance, Contact)>,
    bucket: &Bucket,
    target: Id,
    count: usize,
    takes: &impl Fn(&Entry) -> bool,
) {
    for entry in bucket.nodes().iter().filter(|entry| takes(entry)) {
        let distance = entry.contact.id.distance(target);
        let at = out.partition_point(|(other, _)| *other < distance);
        if at < count {
            out.truncate(count - 1);
            out.insert(at, (distance, entry.contact));
        }
    }
}

#[cfg(test)]
mod tests;
