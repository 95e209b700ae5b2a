//! The connections of the host by name and by slot (own design).
//!
//! A [`ConnId`] holds its slot in the low bits and a serial number above, so that looking one up is an index and a comparison, and a
//! name is never used again. What the poll reports is the slot alone: should it have changed hands within one turn, the new
//! holder looks at its socket once in vain.
use teem_swarm::ids::ConnId;

/// Bits of a name that are the slot.
const SLOT_BITS: u32 = 24;

struct Slot<T> {
    serial: u64,
    entry: Option<T>,
}

/// Entries of any kind under names.
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
    serial: u64,
}

fn split(id: ConnId) -> (usize, u64) {
    ((id.0 & ((1 << SLOT_BITS) - 1)) as usize, id.0 >> SLOT_BITS)
}

/// The slot of a name, which the poll knows it by.
pub(crate) fn slot(id: ConnId) -> usize {
    split(id).0
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), serial: 0 }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Adds what `make` gives under a new name; nothing is added when it fails.
    pub(crate) fn insert<E>(&mut self, make: impl FnOnce(ConnId) -> Result<T, E>) -> Result<ConnId, E> {
        let slot = self.free.last().copied().unwrap_or(self.slots.len());
        debug_assert!(slot < 1 << SLOT_BITS, "the number of sockets is bounded far below");
        let serial = self.serial + 1;
        let id = ConnId(serial << SLOT_BITS | slot as u64);
        let entry = Some(make(id)?);
        self.serial = serial;
        if self.free.pop().is_some() {
            self.slots[slot] = Slot { serial, entry };
        } else {
            self.slots.push(Slot { serial, entry });
        }
        Ok(id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut T> {
        let (slot, serial) = split(id);
        let slot = self.slots.get_mut(slot)?;
        if slot.serial == serial { slot.entry.as_mut() } else { None }
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<T> {
        let entry = self.get_mut(id).is_some();
        let slot = entry.then_some(split(id).0)?;
        self.free.push(slot);
        self.slots[slot].entry.take()
    }

    /// The name that a slot has now.
    pub(crate) fn at(&self, slot: usize) -> Option<ConnId> {
        let held = self.slots.get(slot)?;
        held.entry.as_ref().map(|_| ConnId(held.serial << SLOT_BITS | slot as u64))
    }

    /// The names of all connections.
    pub(crate) fn ids(&self) -> Vec<ConnId> {
        (0..self.slots.len()).filter_map(|slot| self.at(slot)).collect()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut Table<u32>, value: u32) -> ConnId {
        table.insert(|_| Ok::<_, ()>(value)).unwrap()
    }

    #[test]
    fn a_slot_is_used_again_and_a_name_is_not() {
        let mut table = Table::new();
        let first = insert(&mut table, 1);
        let second = insert(&mut table, 2);
        assert_eq!(table.remove(first), Some(1));
        assert_eq!((table.remove(first), table.len()), (None, 1));
        let third = insert(&mut table, 3);
        assert_eq!(slot(third), slot(first));
        assert_ne!(third, first);
        assert_eq!(table.get_mut(first), None);
        assert_eq!(table.get_mut(third), Some(&mut 3));
        assert_eq!(table.at(slot(first)), Some(third));
        assert_eq!(table.ids(), [third, second]);
        assert_eq!(table.insert(|_| Err(())), Err(()));
        assert_eq!(table.len(), 2);
    }
}
