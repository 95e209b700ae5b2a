//! What owners push when they find out what concerns others (own design); carried out by [`super::steps`] in the order of pushing.
use crate::ids::ConnId;
use crate::output::CloseReason;

/// What an owner wants done by others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A connection ends for a reason of ours.
    Drop(ConnId, CloseReason),
    /// A peer has sent corrupt data; why, for people.
    Ban(ConnId, &'static str),
    /// A peer may be asked for more.
    Fill(ConnId),
    /// Those may ask again that had nothing to be asked for.
    Wake,
    /// A slot may be free.
    Rechoke,
}
