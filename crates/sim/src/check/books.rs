//! Whether a peer's own account agrees with what was said (own design): its snapshot beside the checkers' books.
//!
//! What a peer believes of others decides what it asks of whom: that each piece's availability is the sum of what the
//! peers have shown rests on what is compared here, peer by peer.
use crate::bits::Bits;
use crate::check::asking::Asking;
use crate::check::serving::Serving;
use crate::check::violation::{Finding, Rule, ensure};
use teem_swarm::event::{Snapshot, State};

/// Compares.
pub fn agree(told: &Snapshot, verified: &Bits, asking: &mut Asking, serving: &Serving) -> Finding {
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
