//! How often a peer has broken rules that are forgiven a few times (own design; bad input, rows 29, 33 to 36 and 39).
use crate::output::CloseReason;
use crate::time::Time;
use core::time::Duration;

/// Requests that could not be answered, by the peer's own fault, before it is dropped.
pub(crate) const INVALID_REQUESTS_MAX: u32 = 300;
/// HAVEs of pieces that it had shown already, before it is dropped.
pub(crate) const REPEATED_HAVES_MAX: u32 = 500;
/// Messages without any use, and CANCELs, changes of interest, extension handshakes and metadata with one, before it is dropped: twice what a full queue explains.
pub(crate) const IDLE_WORDS_MAX: u32 = 10_000;
/// Blocks never asked for, of a peer without BEP 6, which has no word for what it will not send: 8 MiB of them.
pub(crate) const UNASKED_BLOCKS_MAX: u32 = 500;
/// CHOKEs and UNCHOKEs; each makes us ask and give up, and ten seconds between two are usual.
pub(crate) const CHOKE_CHANGES_MAX: u32 = 500;
/// BITFIELDs, HAVE_ALLs and HAVE_NONEs: one is usual, and each costs a look at every piece.
pub(crate) const STATEMENTS_MAX: u32 = 50;
/// Keepalives within a second; one in two minutes is what they are for (BEP 3).
pub(crate) const KEEPALIVES_MAX: u32 = 10;
/// Pieces that came wholly from one peer and failed, before it is banned.
pub(crate) const FAILED_PIECES_MAX: u32 = 3;

/// Counters of one connection.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Conduct {
    invalid_requests: u32,
    repeated_haves: u32,
    idle_words: u32,
    unasked_blocks: u32,
    choke_changes: u32,
    statements: u32,
    /// Keepalives since that moment, for a second.
    keepalives: (Time, u32),
}

impl Conduct {
    /// Once in a while: half of it is forgotten, so that only floods count, not the odd misunderstandings of a long life.
    pub(crate) fn forgive(&mut self) {
        for counter in [
            &mut self.invalid_requests,
            &mut self.repeated_haves,
            &mut self.idle_words,
            &mut self.unasked_blocks,
            &mut self.choke_changes,
            &mut self.statements,
        ] {
            *counter /= 2;
        }
    }

    /// It asked for what is not there, or while choked.
    pub(crate) fn invalid_request(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.invalid_requests, INVALID_REQUESTS_MAX, CloseReason::Flood("300 invalid requests"))
    }

    /// It showed a piece again.
    pub(crate) fn repeated_have(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.repeated_haves, REPEATED_HAVES_MAX, CloseReason::Flood("the same pieces shown again and again"))
    }

    /// It sent a block that it was never asked for, and may not know better.
    pub(crate) fn unasked_block(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.unasked_blocks, UNASKED_BLOCKS_MAX, CloseReason::Flood("blocks that were never asked for"))
    }

    /// It choked or unchoked us.
    pub(crate) fn choke_change(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.choke_changes, CHOKE_CHANGES_MAX, CloseReason::Flood("CHOKEs and UNCHOKEs"))
    }

    /// It said all that it has, perhaps once more.
    pub(crate) fn statement(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.statements, STATEMENTS_MAX, CloseReason::Flood("bitfields again and again"))
    }

    /// It sent a keepalive.
    pub(crate) fn keepalive(&mut self, now: Time) -> Result<(), CloseReason> {
        if now.since(self.keepalives.0) >= Duration::from_secs(1) {
            self.keepalives = (now, 0);
        }
        self.keepalives.1 += 1;
        if self.keepalives.1 > KEEPALIVES_MAX { Err(CloseReason::Flood("keepalives")) } else { Ok(()) }
    }

    /// It said something that changes nothing.
    pub(crate) fn idle_word(&mut self) -> Result<(), CloseReason> {
        bump(&mut self.idle_words, IDLE_WORDS_MAX, CloseReason::Flood("messages without effect"))
    }
}

fn bump(counter: &mut u32, max: u32, why: CloseReason) -> Result<(), CloseReason> {
    *counter += 1;
    if *counter >= max { Err(why) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_29_more_than_ten_keepalives_a_second_are_a_flood() {
        let mut conduct = Conduct::default();
        for second in 1..100 {
            assert!((0..10).all(|_| conduct.keepalive(Time::ZERO + Duration::from_secs(second)).is_ok()));
        }
        assert!(conduct.keepalive(Time::ZERO + Duration::from_secs(99)).is_err());
    }

    #[test]
    fn row_34_three_hundred_are_too_many() {
        let mut conduct = Conduct::default();
        assert!((1..300).all(|_| conduct.invalid_request().is_ok()));
        assert!(conduct.invalid_request().is_err());
    }
}
