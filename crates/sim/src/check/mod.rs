//! The rules that hold in every run, watched all along (own design; BEP 3, 6; the rules of conduct).
//!
//! Checkers see each input and output of each peer in their order and keep their own account of what was said; they
//! never ask the engine. They watch the engine only: hostile peers are there to break rules, and other
//! people's clients have rules of their own; of those it is only known that they complete.
pub(crate) mod asking;
pub mod blocks;
pub(crate) mod books;
pub(crate) mod checker;
pub(crate) mod conduct;
pub(crate) mod pool;
pub(crate) mod serving;
pub mod violation;
