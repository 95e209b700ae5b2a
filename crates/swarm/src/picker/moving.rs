//! Pieces that can be moved from one peer to another, because nothing of them has come (own design).
use super::pick::{Asker, Picker};
use crate::ids::ConnId;

impl Picker {
    /// Pieces that are asked for as a whole of a connection other than that one, and could be asked of it; with that other.
    pub(crate) fn movable<'a>(&'a self, to: &'a Asker<'_>) -> impl Iterator<Item = (u32, ConnId)> + 'a {
        let whole = self.partials.iter().filter(|(_, partial)| partial.waits_whole() && !partial.exclusive);
        let elsewhere =
            whole.filter_map(|(piece, partial)| Some((*piece, partial.owner.filter(|owner| *owner != to.conn)?)));
        elsewhere.filter(|(piece, _)| to.can(*piece))
    }

    /// Begins a piece that is to come whole from that connection; whether it is there to be begun.
    pub(crate) fn begin_at(&mut self, piece: u32, conn: ConnId) -> bool {
        if !self.rarity.contains(piece) {
            return false;
        }
        self.open_piece(piece);
        if let Some(partial) = self.partials.get_mut(&piece) {
            partial.owner = Some(conn);
        }
        true
    }
}
