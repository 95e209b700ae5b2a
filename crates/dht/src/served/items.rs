//! Items that others stored with us (BEP 44), for two hours unless they are stored again.
//!
//! Where there are too many, the network whose nodes stored most of them loses the one that was stored longest ago.
use crate::id::Id;
use crate::item::{SALT_MAX, VALUE_MAX, is_signed, target_of_key, target_of_value};
use crate::krpc::message::{ItemFields, KEY_LEN, SIGNATURE_LEN, Signed, code};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::time::Duration;
use teem_basis::time::Time;
use teem_wire::holder::Network;

/// Items; with their values they take 1.2 MiB at most.
const ITEMS_MAX: usize = 1_000;
/// BEP 44, "Expiration".
const LIFETIME: Duration = Duration::from_secs(2 * 3_600);

#[derive(Debug)]
struct Item {
    value: Box<[u8]>,
    owner: Option<Owner>,
    by: Network,
    at: Time,
}

#[derive(Debug)]
struct Owner {
    key: [u8; KEY_LEN],
    signature: [u8; SIGNATURE_LEN],
    seq: i64,
}

/// All items, under their targets.
#[derive(Debug, Default)]
pub(super) struct Items {
    items: BTreeMap<Id, Item>,
}

/// The target that a `put` is for; the code of the error where value or salt is too long.
pub(super) fn target(value: &[u8], signed: Option<&Signed<'_>>) -> Result<Id, i64> {
    match signed {
        _ if value.len() > VALUE_MAX => Err(code::VALUE_TOO_LONG),
        Some(signed) if signed.salt.len() > SALT_MAX => Err(code::SALT_TOO_LONG),
        Some(signed) => Ok(target_of_key(signed.key, signed.salt)),
        None => Ok(target_of_value(value)),
    }
}

impl Items {
    /// What is known of an item; of one that is no newer than `seq`, only how new it is.
    pub(super) fn find(&self, now: Time, target: Id, seq: Option<i64>) -> ItemFields<'_> {
        let Some(item) = self.items.get(&target).filter(|item| now.since(item.at) < LIFETIME) else {
            return ItemFields::default();
        };
        match &item.owner {
            None => ItemFields { value: Some(&item.value), ..ItemFields::default() },
            Some(owner) if seq.is_some_and(|seq| owner.seq <= seq) => {
                ItemFields { seq: Some(owner.seq), ..ItemFields::default() }
            }
            Some(owner) => ItemFields {
                key: Some(&owner.key),
                signature: Some(&owner.signature),
                seq: Some(owner.seq),
                value: Some(&item.value),
            },
        }
    }

    /// Stores what lies under `target`; the code of the error where it cannot be.
    pub(super) fn put(
        &mut self,
        now: Time,
        from: IpAddr,
        target: Id,
        value: &[u8],
        signed: Option<&Signed<'_>>,
    ) -> Result<(), i64> {
        let by = Network::of(from);
        if let Some(signed) = signed {
            let stored = self.items.get_mut(&target).filter(|item| now.since(item.at) < LIFETIME);
            let newest = stored.as_ref().and_then(|item| item.owner.as_ref()).map(|owner| owner.seq);
            if newest.is_some_and(|seq| signed.cas.is_some_and(|cas| cas != seq)) {
                return Err(code::CAS_MISMATCH);
            }
            let same = stored.filter(|item| newest == Some(signed.seq) && *item.value == *value);
            if newest.is_some_and(|seq| seq > signed.seq || seq == signed.seq && same.is_none()) {
                return Err(code::SEQ_TOO_LOW);
            }
            if !is_signed(signed.key, signed.signature, signed.salt, signed.seq, value) {
                return Err(code::BAD_SIGNATURE);
            }
        }
        if !self.items.contains_key(&target) && self.items.len() >= ITEMS_MAX {
            self.drop_of_the_most_crowded();
        }
        let owner = signed.map(|s| Owner { key: *s.key, signature: *s.signature, seq: s.seq });
        self.items.insert(target, Item { value: value.into(), owner, by, at: now });
        Ok(())
    }

    /// Forgets those that nobody stored again.
    pub(super) fn forget_the_old(&mut self, now: Time) {
        self.items.retain(|_, item| now.since(item.at) < LIFETIME);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    fn drop_of_the_most_crowded(&mut self) {
        let mut crowds: BTreeMap<Network, usize> = BTreeMap::new();
        self.items.values().for_each(|item| *crowds.entry(item.by).or_default() += 1);
        let Some((network, _)) = crowds.into_iter().max_by_key(|(_, items)| *items) else { return };
        let oldest = self.items.iter().filter(|(_, item)| item.by == network).min_by_key(|(_, item)| item.at);
        if let Some(target) = oldest.map(|(target, _)| *target) {
            self.items.remove(&target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{public_key, sign};

    const FROM: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(20, 0, 0, 1));
    const SEED: [u8; 32] = [7; 32];

    fn put(items: &mut Items, seq: i64, cas: Option<i64>, value: &[u8]) -> Result<(), i64> {
        let (key, signature) = (public_key(&SEED), sign(&SEED, b"", seq, value));
        let signed = Signed { key: &key, signature: &signature, seq, cas, salt: b"" };
        let target = target(value, Some(&signed))?;
        items.put(Time::ZERO, FROM, target, value, Some(&signed))
    }

    /// Row 51 of bad input: what is older, was not expected, or differs under the same number does not replace what is there.
    #[test]
    fn row_51_the_newest_stays() {
        let mut items = Items::default();
        assert_eq!(put(&mut items, 5, Some(9), b"1:a"), Ok(()), "there is nothing to compare with");
        assert_eq!(put(&mut items, 4, None, b"1:b"), Err(code::SEQ_TOO_LOW));
        assert_eq!(put(&mut items, 5, None, b"1:b"), Err(code::SEQ_TOO_LOW));
        assert_eq!(put(&mut items, 5, None, b"1:a"), Ok(()));
        assert_eq!(put(&mut items, 6, Some(4), b"1:b"), Err(code::CAS_MISMATCH));
        assert_eq!(put(&mut items, 6, Some(5), b"1:b"), Ok(()));
        let target = target_of_key(&public_key(&SEED), b"");
        let found = items.find(Time::ZERO, target, None);
        assert_eq!((found.seq, found.value), (Some(6), Some(&b"1:b"[..])));
        let no_newer = items.find(Time::ZERO, target, Some(6));
        assert_eq!((no_newer.seq, no_newer.value, no_newer.key), (Some(6), None, None));
        assert!(items.find(Time::ZERO, target, Some(5)).value.is_some());
    }

    /// Row 51 of bad input: a signature of somebody else, a long salt, a long value.
    #[test]
    fn row_51_what_does_not_fit_is_refused() {
        let (key, signature) = (public_key(&SEED), sign(&[8; 32], b"", 1, b"1:a"));
        let signed = Signed { key: &key, signature: &signature, seq: 1, cas: None, salt: b"" };
        let put = |signed: &Signed<'_>, value: &[u8]| {
            Items::default().put(Time::ZERO, FROM, target(value, Some(signed))?, value, Some(signed))
        };
        assert_eq!(put(&signed, b"1:a"), Err(code::BAD_SIGNATURE));
        assert_eq!(put(&Signed { salt: &[1; 65], ..signed }, b"1:a"), Err(code::SALT_TOO_LONG));
        assert_eq!(put(&signed, &[b'i'; 1_001]), Err(code::VALUE_TOO_LONG));
        let own = sign(&SEED, &[1; 64], 1, b"1:a");
        assert_eq!(put(&Signed { salt: &[1; 64], signature: &own, ..signed }, b"1:a"), Ok(()));
    }

    #[test]
    fn items_are_bounded_and_go_after_two_hours() {
        let mut items = Items::default();
        for n in 0..3 * ITEMS_MAX as u64 {
            let value = alloc::format!("i{n}e");
            let from = if n == 0 { IpAddr::from([30, 0, 0, 1]) } else { FROM };
            items.put(Time::from_nanos(n), from, target_of_value(value.as_bytes()), value.as_bytes(), None).unwrap();
        }
        assert_eq!(items.len(), ITEMS_MAX);
        let (first, hours) = (target_of_value(b"i0e"), |h| Time::ZERO + Duration::from_hours(h));
        assert_eq!(items.find(hours(1), first, None).value, Some(&b"i0e"[..]), "it is of another network");
        assert_eq!(items.find(hours(2), first, None).value, None);
        items.forget_the_old(hours(3));
        assert_eq!(items.len(), 0);
    }
}
