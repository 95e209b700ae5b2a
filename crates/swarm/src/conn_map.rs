//! A map by connection for the few hundred that there are at most (own design).
//!
//! The names stand in an array of their own, in order, and iteration is in that order; new connections have the greatest
//! names, so they go to the end. A handler looks the same connection up again and again, so what was found last is tried
//! first; any other is found through an index, which touches one or two lines of memory where a search by halves touches five.
//! The index is a table of places, at most half full, probed one after the other from where the name's hash points. Names are
//! given by the host, never by a peer, so the hash needs no key. What leaves or comes in between moves places: then the index is
//! made anew, which costs as much as moving them did.
//! Invariants: the index holds each place once; `last` is a name that is there, and its place; `greatest` is the last name.
use crate::ids::ConnId;
use alloc::vec::Vec;
use core::cell::Cell;

/// The mark of an index entry that stands for nothing.
const FREE: u16 = u16::MAX;
/// Most entries a map is indexed for; beyond it names are searched by halves.
const INDEXED_MAX: usize = 1 << 14;
/// Entries of the smallest index.
const INDEX_MIN: usize = 16;

/// A map from connections to `T`.
#[derive(Clone, Debug)]
pub struct ConnMap<T> {
    /// What was found last.
    last: Cell<Option<(ConnId, usize)>>,
    greatest: Option<ConnId>,
    /// Places of names by their hash; its length is a power of two, or 0 while it is not used.
    index: Vec<u16>,
    /// What stands under the names, in their order.
    values: Vec<T>,
    /// Names in ascending order.
    names: Vec<ConnId>,
}

impl<T> Default for ConnMap<T> {
    fn default() -> Self {
        Self { last: Cell::new(None), greatest: None, index: Vec::new(), values: Vec::new(), names: Vec::new() }
    }
}

impl<T> ConnMap<T> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands under a name.
    pub fn get(&self, conn: &ConnId) -> Option<&T> {
        self.find(*conn).map(|i| &self.values[i])
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, conn: &ConnId) -> Option<&mut T> {
        self.find(*conn).map(|i| &mut self.values[i])
    }

    /// Whether something stands under a name.
    pub fn contains_key(&self, conn: &ConnId) -> bool {
        self.find(*conn).is_some()
    }

    /// Puts something under a name; what stood there before.
    pub fn insert(&mut self, conn: ConnId, value: T) -> Option<T> {
        if let Some(i) = self.find(conn) {
            return Some(core::mem::replace(&mut self.values[i], value));
        }
        let place = self.names.partition_point(|name| *name < conn);
        self.names.insert(place, conn);
        self.values.insert(place, value);
        if place + 1 == self.names.len() && self.names.len() * 2 <= self.index.len() {
            self.greatest = Some(conn);
            self.enter(place);
        } else {
            self.reindex();
        }
        None
    }

    /// Takes out what stands under a name.
    pub fn remove(&mut self, conn: &ConnId) -> Option<T> {
        let i = self.find(*conn)?;
        self.names.remove(i);
        let value = self.values.remove(i);
        self.reindex();
        Some(value)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Names and what stands under them, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&ConnId, &T)> {
        self.names.iter().zip(&self.values)
    }

    /// The names, ascending.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &ConnId> {
        self.names.iter()
    }

    /// What stands under the names, in their order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.values.iter()
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.values.iter_mut()
    }

    /// Where a name stands.
    fn find(&self, conn: ConnId) -> Option<usize> {
        if let Some((name, place)) = self.last.get()
            && name == conn
        {
            return Some(place);
        }
        // New names are the greatest: these are the ones that are looked for without being there.
        if self.greatest.is_none_or(|greatest| greatest < conn) {
            return None;
        }
        let place = if self.index.is_empty() { self.names.binary_search(&conn).ok() } else { self.probe(conn) }?;
        self.last.set(Some((conn, place)));
        Some(place)
    }

    /// By the index.
    fn probe(&self, conn: ConnId) -> Option<usize> {
        let mask = self.index.len() - 1;
        let mut probe = slot(conn, mask);
        while self.index[probe] != FREE {
            let place = usize::from(self.index[probe]);
            if self.names[place] == conn {
                return Some(place);
            }
            probe = (probe + 1) & mask;
        }
        None
    }

    /// Enters the name at a place into the index, which has room.
    fn enter(&mut self, place: usize) {
        let mask = self.index.len() - 1;
        let mut probe = slot(self.names[place], mask);
        while self.index[probe] != FREE {
            probe = (probe + 1) & mask;
        }
        self.index[probe] = place as u16;
    }

    /// Makes the index anew.
    fn reindex(&mut self) {
        (self.last, self.greatest) = (Cell::new(None), self.names.last().copied());
        self.index.clear();
        if self.names.len() <= INDEXED_MAX {
            self.index.resize((self.names.len() * 2).next_power_of_two().max(INDEX_MIN), FREE);
            (0..self.names.len()).for_each(|place| self.enter(place));
        }
    }
}

/// Where the search for a name begins in an index with that mask.
fn slot(conn: ConnId, mask: usize) -> usize {
    // The middle bits of a product depend on all lower bits of the name.
    (conn.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_tree(ops in prop::collection::vec((0u8..4, 0u64..60), 0..300)) {
            let (mut map, mut tree) = (ConnMap::new(), BTreeMap::new());
            for (n, (op, conn)) in ops.into_iter().enumerate() {
                let conn = ConnId(conn);
                match op {
                    0 => prop_assert_eq!(map.insert(conn, n), tree.insert(conn, n)),
                    1 => prop_assert_eq!(map.remove(&conn), tree.remove(&conn)),
                    2 => prop_assert_eq!(map.get_mut(&conn), tree.get_mut(&conn)),
                    _ => prop_assert_eq!(map.get(&conn), tree.get(&conn)),
                }
                prop_assert!(map.iter().eq(tree.iter()));
                prop_assert_eq!(map.contains_key(&conn), tree.contains_key(&conn));
            }
        }
    }
}
