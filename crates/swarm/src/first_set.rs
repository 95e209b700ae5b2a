//! An ordered set whose first member lies beside it (own design).
//!
//! When the next thing is due is asked after every input, and mostly nothing has changed since: the answer is at hand without a
//! look into the tree. Invariant: `first` is the least of `all`.
use alloc::collections::BTreeSet;

/// A set that knows its first member.
#[derive(Clone, Debug)]
pub struct FirstSet<T> {
    first: Option<T>,
    all: BTreeSet<T>,
}

impl<T> Default for FirstSet<T> {
    fn default() -> Self {
        Self { first: None, all: BTreeSet::new() }
    }
}

impl<T: Ord + Copy> FirstSet<T> {
    /// The least member.
    pub fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// The greatest member.
    pub fn last(&self) -> Option<&T> {
        self.all.last()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Puts a member in; whether it was not there.
    pub fn insert(&mut self, member: T) -> bool {
        if self.first.is_none_or(|first| member < first) {
            self.first = Some(member);
        }
        self.all.insert(member)
    }

    /// Takes a member out; whether it was there.
    pub fn remove(&mut self, member: &T) -> bool {
        let there = self.all.remove(member);
        if self.first.as_ref() == Some(member) {
            self.first = self.all.first().copied();
        }
        there
    }

    /// Takes the least member out.
    pub fn pop_first(&mut self) -> Option<T> {
        let first = self.all.pop_first();
        self.first = self.all.first().copied();
        first
    }

    /// Takes everything out.
    pub fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        core::mem::take(self).all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_tree(ops in prop::collection::vec((0u8..5, 0u8..20), 0..200)) {
            let (mut set, mut tree) = (FirstSet::default(), BTreeSet::new());
            for (op, n) in ops {
                match op {
                    0 | 1 => prop_assert_eq!(set.insert(n), tree.insert(n)),
                    2 => prop_assert_eq!(set.remove(&n), tree.remove(&n)),
                    3 => prop_assert_eq!(set.pop_first(), tree.pop_first()),
                    _ if n == 0 => prop_assert!(set.take().eq(core::mem::take(&mut tree))),
                    _ => {}
                }
                prop_assert_eq!(set.first(), tree.first());
                prop_assert_eq!((set.last(), set.len(), set.is_empty()), (tree.last(), tree.len(), tree.is_empty()));
            }
        }
    }
}
