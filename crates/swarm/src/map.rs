//! Hash maps of the core (own design): keyed by the passed-in generator, so that a stranger cannot choose colliding
//! keys and a simulation still runs the same everywhere.
use crate::rng::Rng;
use core::hash::BuildHasher;
use siphasher::sip::SipHasher13;

/// Builds keyed hashers.
#[derive(Clone, Debug)]
pub struct Keys(u64, u64);

impl Keys {
    /// Draws a key.
    pub fn new(rng: &mut Rng) -> Self {
        Self(rng.next_u64(), rng.next_u64())
    }
}

impl BuildHasher for Keys {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

/// A map; make it by `Map::with_hasher(Keys::new(rng))`.
pub type Map<K, V> = hashbrown::HashMap<K, V, Keys>;
/// A set; make it by `Set::with_hasher(Keys::new(rng))`.
pub type Set<K> = hashbrown::HashSet<K, Keys>;
