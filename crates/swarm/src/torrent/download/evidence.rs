//! What was sent of pieces that failed and by whom, so that exactly the liar is banned (own design; bad input, rows 37 and 38).
//!
//! When a piece fails, the digests of its blocks are kept with their senders; when it later comes out right, whoever had sent a
//! block with another digest is proven to have lied. Three failed pieces wholly from one peer are enough without that.
//! Bans are by address: that of the connection at first; all of its holder when a second one of it has lied; all of the network around
//! when so many of its holders are banned that one party must have them. A peer id is nothing that anybody has proven to be his, so that
//! none is ever banned: a liar could call itself as an honest seed does.
use crate::ids::ConnId;
use crate::job::BlockDigest;
use crate::peer::Peer;
use crate::peer::conduct::FAILED_PIECES_MAX;
use crate::remote::Remote;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use teem_wire::holder::Holder;

/// Failed pieces whose evidence is kept.
const PIECES_MAX: usize = 64;
/// Failed attempts at one piece that are kept.
const ATTEMPTS_MAX: usize = 4;
/// Digests that are kept in all, whatever the length of the pieces: 1.5 MiB with their senders.
const DIGESTS_MAX: usize = 1 << 16;
/// Peers that are gone and may still turn out to have lied.
const GONE_MAX: usize = 256;
/// Holders with offences that are kept: a list as long as that takes thousands of corrupted pieces.
const OFFENDERS_MAX: usize = 2_000;
/// Holders of one network that have lied twice each before all of it is banned: fewer may be neighbours who do not know each other.
const NETWORK_HOLDERS: usize = 8;

/// The identity of a connection that is live or gone.
#[derive(Clone, Debug)]
pub(in crate::torrent) struct Suspect {
    pub(in crate::torrent) addr: Remote,
    pub(in crate::torrent) dial_addr: Remote,
    pub(in crate::torrent) client: String,
}

impl Suspect {
    /// What is worth remembering of a peer.
    pub(in crate::torrent) fn of(peer: &Peer) -> Self {
        let who = peer.who();
        Self { addr: who.addr(), dial_addr: who.dial_addr(), client: who.name() }
    }
}

/// How far a ban reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::torrent) enum Extent {
    /// The address and port of the liar.
    Address,
    /// Everybody of its holder.
    Holder,
    /// Everybody of the network around it.
    Network,
}

/// What is known against which peer.
#[derive(Clone, Default, Debug)]
pub(in crate::torrent) struct Evidence {
    attempts: BTreeMap<u32, Vec<Vec<(ConnId, BlockDigest)>>>,
    sole_failures: BTreeMap<ConnId, u32>,
    gone: BTreeMap<ConnId, Suspect>,
    /// Connections that were banned, so that none is twice.
    banned: BTreeSet<ConnId>,
    offenders: BTreeMap<Holder, u32>,
    /// A piece has failed.
    wary: bool,
}

impl Evidence {
    /// Whether somebody has sent wrong data already, so that others may.
    pub(in crate::torrent) fn is_wary(&self) -> bool {
        self.wary
    }

    /// A peer is gone; who it was is kept for a while.
    pub(in crate::torrent) fn leave(&mut self, conn: ConnId, suspect: Suspect) {
        self.gone.insert(conn, suspect);
        if self.gone.len() > GONE_MAX {
            self.gone.pop_first();
        }
    }

    /// The identity of a connection that is gone.
    pub(in crate::torrent) fn gone(&self, conn: ConnId) -> Option<&Suspect> {
        self.gone.get(&conn)
    }

    /// A peer has lied. Returns how far it is banned, unless that was done already.
    pub(in crate::torrent) fn ban(&mut self, conn: ConnId, who: &Suspect) -> Option<Extent> {
        if !self.banned.insert(conn) {
            return None;
        }
        if self.banned.len() > GONE_MAX {
            self.banned.pop_first();
        }
        let holder = who.addr.holder();
        if self.offenders.len() >= OFFENDERS_MAX && !self.offenders.contains_key(&holder) {
            self.offenders.pop_first();
        }
        let offences = self.offenders.entry(holder).or_default();
        *offences += 1;
        if *offences < 2 {
            return Some(Extent::Address);
        }
        let around = self.offenders.iter().filter(|(other, times)| other.wider() == holder.wider() && **times > 1);
        Some(if around.count() < NETWORK_HOLDERS { Extent::Holder } else { Extent::Network })
    }

    /// A piece has failed. Returns how often it has in all, and who is to be banned for having sent too many bad pieces alone.
    pub(in crate::torrent) fn failed(
        &mut self,
        piece: u32,
        senders: &[ConnId],
        digests: &[BlockDigest],
    ) -> (usize, Option<ConnId>) {
        self.wary = true;
        let sole = sole(senders);
        let mut ban = None;
        if let Some(conn) = sole {
            let count = self.sole_failures.entry(conn).or_default();
            *count += 1;
            ban = (*count >= FAILED_PIECES_MAX).then_some(conn);
            if self.sole_failures.len() > GONE_MAX {
                self.sole_failures.pop_first();
            }
        }
        if self.attempts.len() >= PIECES_MAX && !self.attempts.contains_key(&piece) {
            self.attempts.pop_first();
        }
        while self.digests() + digests.len() > DIGESTS_MAX && self.attempts.pop_first().is_some() {}
        let attempts = self.attempts.entry(piece).or_default();
        if attempts.len() >= ATTEMPTS_MAX {
            attempts.remove(0);
        }
        attempts.push(senders.iter().copied().zip(digests.iter().copied()).collect());
        (attempts.len(), ban)
    }

    /// Digests that are kept.
    fn digests(&self) -> usize {
        self.attempts.values().flatten().map(Vec::len).sum()
    }

    /// A piece that had failed came out right: returns the peers that had lied.
    pub(in crate::torrent) fn verified(&mut self, piece: u32, digests: &[BlockDigest]) -> BTreeSet<ConnId> {
        let attempts = self.attempts.remove(&piece).unwrap_or_default();
        let differing =
            attempts.iter().flat_map(|blocks| blocks.iter().zip(digests)).filter(|((_, had), good)| had != *good);
        differing.map(|((conn, _), _)| *conn).collect()
    }
}

/// The one that sent all of a piece, if one did.
pub(super) fn sole(senders: &[ConnId]) -> Option<ConnId> {
    let first = *senders.first()?;
    senders.iter().all(|s| *s == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_37_exactly_the_liar_is_proven() {
        let mut evidence = Evidence::default();
        let (honest, liar) = (ConnId(1), ConnId(2));
        let digest = |n| BlockDigest([n; 16]);
        let (times, ban) = evidence.failed(5, &[honest, liar, honest, liar], &[1, 2, 3, 9].map(digest));
        assert_eq!((times, ban), (1, None));
        let liars = evidence.verified(5, &[1, 2, 3, 4].map(digest));
        assert_eq!(liars.into_iter().collect::<Vec<_>>(), [liar]);
        assert!(evidence.verified(5, &[1, 2, 3, 4].map(digest)).is_empty());
    }

    #[test]
    fn row_38_long_pieces_that_fail_again_and_again_hold_little() {
        let mut evidence = Evidence::default();
        let (senders, digests) = (alloc::vec![ConnId(1); 16_384], alloc::vec![BlockDigest([0; 16]); 16_384]);
        for piece in 0..30 {
            evidence.failed(piece % 10, &senders, &digests);
            assert!(evidence.digests() <= DIGESTS_MAX && evidence.attempts.contains_key(&(piece % 10)));
        }
    }

    #[test]
    fn a_ban_widens_with_the_offences() {
        let mut evidence = Evidence::default();
        let suspect = |text: &str| {
            let addr = text.parse::<core::net::SocketAddr>().unwrap().into();
            Suspect { addr, dial_addr: addr, client: String::new() }
        };
        let mut n = 0;
        let mut lies = |text: &str| {
            n += 1;
            evidence.ban(ConnId(n), &suspect(text))
        };
        assert_eq!(lies("203.0.113.1:5000"), Some(Extent::Address));
        assert_eq!(lies("203.0.113.2:5000"), Some(Extent::Address), "another holder");
        assert_eq!(lies("203.0.113.1:5001"), Some(Extent::Holder));
        assert_eq!(lies("[2001:db8::1]:5000"), Some(Extent::Address));
        assert_eq!(lies("[2001:db8::2]:5000"), Some(Extent::Holder), "the same /64");
        for host in 2..8 {
            lies(&alloc::format!("203.0.113.{host}:5000"));
            assert_eq!(lies(&alloc::format!("203.0.113.{host}:5001")), Some(Extent::Holder));
        }
        lies("203.0.113.9:5000");
        assert_eq!(lies("203.0.113.9:5001"), Some(Extent::Network));
        assert_eq!(evidence.ban(ConnId(1), &suspect("203.0.113.1:5000")), None, "nobody is banned twice");
    }

    #[test]
    fn row_38_three_pieces_wholly_from_one_peer() {
        let mut evidence = Evidence::default();
        let digests = [BlockDigest([0; 16]); 2];
        let bans: Vec<_> = (0..3).map(|p| evidence.failed(p, &[ConnId(1); 2], &digests).1).collect();
        assert_eq!(bans, [None, None, Some(ConnId(1))]);
    }
}
