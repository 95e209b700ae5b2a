//! Tokens (BEP 5, "announce_peer"; BEP 44): who wants to store something shows that it gets packets at its address.
//!
//! A token is a keyed hash over address, target and a stretch of five minutes, so nothing is kept, it is of use to nobody else and for nothing
//! else, and it is good for five to ten minutes.
use crate::id::Id;
use core::net::IpAddr;
use core::time::Duration;
use teem_basis::keyed::Keyed;
use teem_basis::time::Time;

/// Length in bytes of our tokens.
pub(crate) const TOKEN_LEN: usize = 8;
/// After so long tokens are other ones; those before are still good.
const STRETCH: Duration = Duration::from_secs(5 * 60);

/// What tokens are made with.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Keyed);

impl Tokens {
    /// From 128 bits that nobody else knows.
    pub(crate) fn new(key: [u64; 2]) -> Self {
        Self(Keyed::new(key))
    }

    /// For the node at an address, to store something under a target.
    pub(crate) fn token(&self, now: Time, ip: IpAddr, target: Id) -> [u8; TOKEN_LEN] {
        self.of(stretch(now), ip, target)
    }

    /// Whether the token is one that was given to this address for this target, and no longer than ten minutes ago.
    pub(crate) fn is_ours(&self, now: Time, ip: IpAddr, target: Id, token: &[u8]) -> bool {
        let stretch = stretch(now);
        [Some(stretch), stretch.checked_sub(1)].into_iter().flatten().any(|at| self.of(at, ip, target) == *token)
    }

    fn of(&self, stretch: u64, ip: IpAddr, target: Id) -> [u8; TOKEN_LEN] {
        let ip = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let ip = u128::from(ip);
        let mut words = [stretch, (ip >> 64) as u64, ip as u64, 0, 0, 0];
        for (word, bytes) in words[3..].iter_mut().zip(target.0.chunks(8)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        self.0.hash(&words).to_be_bytes()
    }
}

fn stretch(now: Time) -> u64 {
    now.nanos() / STRETCH.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ID_LEN;

    /// Row 49 of bad input: a token is of no use from another address, for another target, and after ten minutes.
    #[test]
    fn row_49_a_token_is_for_one_address_one_target_and_some_minutes() {
        let tokens = Tokens::new([1, 2]);
        let (ip, target) = (IpAddr::from([192, 0, 2, 1]), Id([7; ID_LEN]));
        let at = |minutes| Time::ZERO + Duration::from_mins(minutes);
        let token = tokens.token(at(4), ip, target);
        for good in [4, 5, 9] {
            assert!(tokens.is_ours(at(good), ip, target, &token), "after {good} minutes");
        }
        assert!(!tokens.is_ours(at(10), ip, target, &token));
        assert!(!tokens.is_ours(at(4), IpAddr::from([192, 0, 2, 2]), target, &token));
        assert!(!tokens.is_ours(at(4), ip, Id([8; ID_LEN]), &token));
        assert!(!tokens.is_ours(at(4), ip, target, &token[..7]));
        assert!(!Tokens::new([1, 3]).is_ours(at(4), ip, target, &token));
        assert!(tokens.is_ours(at(4), "::ffff:192.0.2.1".parse().unwrap(), target, &token), "families do not mix here");
    }
}
