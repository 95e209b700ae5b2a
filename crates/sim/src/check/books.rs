//! Whether a peer's own account agrees with what was said (own design): its snapshot beside the checkers' books.
//!
//! What a peer believes of others decides what it asks of whom: it is compared peer by peer, and each piece's
//! availability, which the picker keeps apart and changes HAVE by HAVE, with the sum of what the peers have shown.
use crate::bits::Bits;
use crate::check::asking::Asking;
use crate::check::serving::Serving;
use crate::check::violation::{Finding, Rule, ensure};
use teem_swarm::event::{Snapshot, State};

/// Compares a snapshot with the books of the checkers; the first difference is the finding.
pub(crate) fn agree(told: &Snapshot, verified: &Bits, asking: &mut Asking, serving: &Serving) -> Finding {
    // Without metadata nothing can be said of pieces, and what arrives while it stops is of no account.
    if told.wanted == 0 || told.state == State::Stopping {
        return Ok(());
    }
    let have = verified.count();
    ensure(told.pieces == have, Rule::Books, || format!("says that it has {} pieces of {have}", told.pieces))?;
    for peer in &told.peers {
        let (name, known) = (peer.conn.0, asking.heard_of(peer.conn));
        ensure(known.is_some(), Rule::Books, || format!("knows connection {name}, which is closed"))?;
        let Some((shown, choking)) = known else { continue };
        ensure(peer.pieces == shown, Rule::Books, || {
            format!("believes that connection {name} has shown {} pieces, which has shown {shown}", peer.pieces)
        })?;
        ensure(peer.choking_us == choking, Rule::Books, || {
            format!("believes that connection {name} chokes it: {}", peer.choking_us)
        })?;
        ensure(peer.choked != serving.unchokes(peer.conn), Rule::Books, || {
            format!("believes that it chokes connection {name}: {}", peer.choked)
        })?;
    }
    Ok(())
}

/// Compares what is said of each piece's availability; without metadata that is nothing.
pub(crate) fn available(told: &[u16], asking: &mut Asking) -> Finding {
    if told.is_empty() {
        return Ok(());
    }
    let shown = asking.availability();
    let wrong = (0..).zip(told.iter().zip(&shown)).find(|(_, (told, shown))| told != shown);
    ensure(told.len() == shown.len(), Rule::Books, || format!("tells of {} pieces of {}", told.len(), shown.len()))?;
    wrong.map_or(Ok(()), |(piece, (told, shown)): (u32, _)| {
        Err((Rule::Books, format!("counts {told} peers that have piece {piece}, which {shown} have shown")))
    })
}
