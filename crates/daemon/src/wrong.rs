//! Wrong tokens are slowed down (own design): where many came from, one waits before the next is looked at.
//!
//! A network (/24 of IPv4, /64 of IPv6) may bring five wrong ones in a row, and one every 12 s; each beyond that doubles the wait, up to 8 s. The wait comes
//! before the token is looked at, so that nobody learns more by hanging up. A right token from there waits no longer than that, and not at all once it was
//! shown from there. Both tables are of a fixed size and looked up at one place by a keyed hash: what collides shares a wait, and nobody can choose
//! whom he collides with.
use crate::token::Hash;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wrong ones of a network that cost no wait.
const FREE: u64 = 5;
/// Time after which one of them is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(12);
/// The wait before the first that does cost one, and the longest.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(8);
/// Wrong ones that are counted of a network: as many as lead to the longest wait.
const COUNTED_MAX: u64 = FREE + 6;
/// Places of each table: 32 KiB, some ten times the networks that a daemon is asked from.
const PLACES: usize = 4096;

/// What is remembered of wrong tokens, and of right ones.
pub(crate) struct Wrong {
    key: [u8; 16],
    begun: Instant,
    inside: Mutex<Inside>,
}

struct Inside {
    /// For each place the moment at which all wrong ones of its networks are forgotten, in milliseconds since the beginning.
    until: Box<[u64]>,
    /// Hashes of networks with right tokens that were shown from there.
    right: Box<[u64]>,
}

impl Wrong {
    /// Nobody has brought any.
    pub(crate) fn new() -> Self {
        let mut key = [0; 16];
        teem_client::entropy::fill(&mut key);
        let inside = Inside { until: vec![0; PLACES].into(), right: vec![0; PLACES].into() };
        Self { key, begun: Instant::now(), inside: Mutex::new(inside) }
    }

    /// How long a token from there waits before it is looked at.
    pub(crate) fn wait(&self, from: IpAddr, token: &Hash) -> Duration {
        let (pair, network) = (self.hash(from, token), self.hash(from, &[]));
        let inside = self.inside();
        if inside.right[place(pair)] == pair {
            return Duration::ZERO;
        }
        let left = inside.until[place(network)].saturating_sub(self.now());
        let beyond = left.div_ceil(FORGOTTEN.as_millis() as u64).saturating_sub(FREE);
        if beyond == 0 { Duration::ZERO } else { (WAIT_MIN * (1 << (beyond - 1).min(10))).min(WAIT_MAX) }
    }

    /// A token from there was wrong.
    pub(crate) fn was_wrong(&self, from: IpAddr) {
        let (now, one) = (self.now(), FORGOTTEN.as_millis() as u64);
        let place = place(self.hash(from, &[]));
        let mut inside = self.inside();
        inside.until[place] = (inside.until[place].max(now) + one).min(now + COUNTED_MAX * one);
    }

    /// A token from there was right.
    pub(crate) fn was_right(&self, from: IpAddr, token: &Hash) {
        let pair = self.hash(from, token);
        self.inside().right[place(pair)] = pair;
    }

    /// Of a network, and of a token that was shown from there.
    fn hash(&self, from: IpAddr, token: &[u8]) -> u64 {
        let digest = Sha256::new().chain_update(self.key).chain_update(prefix(from)).chain_update(token).finalize();
        digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    /// A panic elsewhere does not make it unusable: each change leaves it whole.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network of an address: /24 of IPv4, /64 of IPv6.
fn prefix(ip: IpAddr) -> [u8; 9] {
    let mut part = [0; 9];
    match ip.to_canonical() {
        IpAddr::V4(ip) => part[..3].copy_from_slice(&ip.octets()[..3]),
        IpAddr::V6(ip) => {
            part[..8].copy_from_slice(&ip.octets()[..8]);
            part[8] = 6;
        }
    }
    part
}

fn place(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Hash = [7; 32];
    const OTHER: Hash = [8; 32];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn each_wrong_one_beyond_a_few_doubles_the_wait_and_time_forgets_them() {
        let wrong = Wrong::new();
        let here = ip("192.0.2.7");
        let mut waits = Vec::new();
        for _ in 0..14 {
            waits.push(wrong.wait(here, &TOKEN).as_millis());
            wrong.was_wrong(here);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(wrong.wait(ip("192.0.2.200"), &TOKEN), WAIT_MAX, "the same network");
        // However many came, a while later all is as it was.
        tokio::time::advance(FORGOTTEN * 3).await;
        assert_eq!(wrong.wait(here, &TOKEN), Duration::from_secs(1));
        tokio::time::advance(FORGOTTEN * 3).await;
        assert_eq!(wrong.wait(here, &TOKEN), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_token_that_was_shown_from_there_waits_for_nothing() {
        let wrong = Wrong::new();
        let (here, there) = (ip("2001:db8:1:2::3"), ip("2001:db8:1:3::3"));
        wrong.was_right(here, &TOKEN);
        for _ in 0..100 {
            wrong.was_wrong(here);
        }
        assert_eq!((wrong.wait(here, &TOKEN), wrong.wait(here, &OTHER)), (Duration::ZERO, WAIT_MAX));
        assert_eq!(wrong.wait(ip("2001:db8:1:2:ffff::1"), &TOKEN), Duration::ZERO, "the same /64");
        wrong.was_wrong(there);
        assert_eq!(wrong.wait(there, &TOKEN), Duration::ZERO, "one is no many");
    }

    #[tokio::test(start_paused = true)]
    async fn many_networks_take_no_more_memory_and_nobody_waits_longer() {
        let wrong = Wrong::new();
        for n in 0..100_000_u32 {
            wrong.was_wrong(IpAddr::from((n << 8).to_be_bytes()));
        }
        let inside = wrong.inside();
        assert_eq!((inside.until.len(), inside.right.len()), (PLACES, PLACES));
        drop(inside);
        assert!(wrong.wait(ip("203.0.113.1"), &TOKEN) <= WAIT_MAX);
    }
}
