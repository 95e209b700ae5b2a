//! What was sent of pieces that failed and by whom, so that exactly the liar is banned (own design; bad input, rows 37 and 38).
//!
//! When a piece fails, the digests of its blocks are kept with their senders; when it later comes out right, whoever had sent a
//! block with another digest is proven to have lied. Three failed pieces wholly from one peer are enough without that.
//! Bans are by address and port and by peer id; a whole address is banned after a second offender there.
use crate::ids::ConnId;
use crate::job::BlockDigest;
use crate::peer::Peer;
use crate::peer::conduct::FAILED_PIECES_MAX;
use crate::remote::Remote;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use teem_wire::holder::Holder;
use teem_wire::peer::handshake::PeerId;

/// Failed pieces whose evidence is kept.
const PIECES_MAX: usize = 64;
/// Failed attempts at one piece that are kept.
const ATTEMPTS_MAX: usize = 4;
/// Digests that are kept in all, whatever the length of the pieces: 1.5 MiB with their senders.
const DIGESTS_MAX: usize = 1 << 16;
/// Peers that are gone and may still turn out to have lied.
const GONE_MAX: usize = 256;
/// Bans that are kept: a list as long as that takes thousands of corrupted pieces.
const BANS_MAX: usize = 2_000;

/// The identity of a connection that is live or gone.
#[derive(Clone, Debug)]
pub(in crate::torrent) struct Suspect {
    pub(in crate::torrent) addr: Remote,
    pub(in crate::torrent) dial_addr: Remote,
    pub(in crate::torrent) peer_id: PeerId,
    pub(in crate::torrent) client: String,
}

impl Suspect {
    /// What is worth remembering of a peer.
    pub(in crate::torrent) fn of(peer: &Peer) -> Self {
        let who = peer.who();
        Self { addr: who.addr(), dial_addr: who.dial_addr(), peer_id: who.id(), client: who.name() }
    }
}

/// What is known against which peer.
#[derive(Clone, Default, Debug)]
pub(in crate::torrent) struct Evidence {
    attempts: BTreeMap<u32, Vec<Vec<(ConnId, BlockDigest)>>>,
    sole_failures: BTreeMap<ConnId, u32>,
    gone: BTreeMap<ConnId, Suspect>,
    ids: BTreeSet<PeerId>,
    offenders: BTreeMap<Holder, u32>,
    /// A piece has failed.
    wary: bool,
}

impl Evidence {
    /// Whether somebody has sent wrong data already, so that others may.
    pub(in crate::torrent) fn is_wary(&self) -> bool {
        self.wary
    }

    /// Whether a peer id is banned.
    pub(in crate::torrent) fn is_banned(&self, id: &PeerId) -> bool {
        self.ids.contains(id)
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

    /// Bans a peer id. Returns whether it is not the first offender at its address.
    pub(in crate::torrent) fn ban(&mut self, who: &Suspect) -> bool {
        if self.ids.len() < BANS_MAX {
            self.ids.insert(who.peer_id);
        }
        let offenders = self.offenders.entry(who.addr.holder()).or_default();
        *offenders += 1;
        let again = *offenders > 1;
        if self.offenders.len() > BANS_MAX {
            self.offenders.pop_first();
        }
        again
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
    fn row_38_three_pieces_wholly_from_one_peer() {
        let mut evidence = Evidence::default();
        let digests = [BlockDigest([0; 16]); 2];
        let bans: Vec<_> = (0..3).map(|p| evidence.failed(p, &[ConnId(1); 2], &digests).1).collect();
        assert_eq!(bans, [None, None, Some(ConnId(1))]);
    }
}
