//! Which block to ask of whom next (rarest first with strict priority of pieces begun: Legout et al., IMC 2006).
//!
//! [`pick::Picker`] is the whole; the rest are its parts: how rare pieces are, what is known of pieces begun, and
//! the end game.
mod endgame;
pub mod partial;
pub mod pick;
pub(crate) mod rarity;
