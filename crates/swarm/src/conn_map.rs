//! A map by connection for the few hundred that there are at most (own design).
//!
//! The names stand in an array of their own, in order: a handler looks the same connection up again and again, so the place
//! found last is tried first, and a search goes through a few lines of memory instead of the nodes of a tree. New connections have the
//! greatest names, so they go to the end. Iteration is in the order of names.
use crate::ids::ConnId;
use alloc::vec::Vec;
use core::cell::Cell;

/// A map from connections to `T`.
#[derive(Clone, Debug)]
pub struct ConnMap<T> {
    /// Ascending.
    names: Vec<ConnId>,
    /// What stands under each, in the same order.
    values: Vec<T>,
    /// Where something was found last; any value is right.
    last: Cell<usize>,
}

impl<T> Default for ConnMap<T> {
    fn default() -> Self {
        Self { names: Vec::new(), values: Vec::new(), last: Cell::new(0) }
    }
}

impl<T> ConnMap<T> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands under a name.
    pub fn get(&self, conn: &ConnId) -> Option<&T> {
        self.find(*conn).ok().map(|i| &self.values[i])
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, conn: &ConnId) -> Option<&mut T> {
        self.find(*conn).ok().map(|i| &mut self.values[i])
    }

    /// Whether something stands under a name.
    pub fn contains_key(&self, conn: &ConnId) -> bool {
        self.find(*conn).is_ok()
    }

    /// Puts something under a name; what stood there before.
    pub fn insert(&mut self, conn: ConnId, value: T) -> Option<T> {
        match self.find(conn) {
            Ok(i) => Some(core::mem::replace(&mut self.values[i], value)),
            Err(i) => {
                self.names.insert(i, conn);
                self.values.insert(i, value);
                None
            }
        }
    }

    /// Takes out what stands under a name.
    pub fn remove(&mut self, conn: &ConnId) -> Option<T> {
        let i = self.find(*conn).ok()?;
        self.names.remove(i);
        Some(self.values.remove(i))
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.names.clear();
        self.values.clear();
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

    /// Where a name stands, or would.
    fn find(&self, conn: ConnId) -> Result<usize, usize> {
        let last = self.last.get();
        if self.names.get(last) == Some(&conn) {
            return Ok(last);
        }
        let found = self.names.binary_search(&conn);
        if let Ok(i) = found {
            self.last.set(i);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_tree(ops in prop::collection::vec((0u8..4, 0u64..20), 0..300)) {
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
