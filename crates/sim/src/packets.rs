//! Datagrams in virtual time (own design): a world for `teem-utp`, which knows neither a clock nor a socket, so the very code of the host runs here.
//!
//! Nodes send through lines that have a rate, a delay and a queue, and that lose, delay, repeat or spoil what they carry ([`line`]). A node is a socket of
//! uTP with programs that write, read and leave (`host`), some of them encrypted (`veil`), or one end of a small Cubic (`cubic`), which stands for everybody else. [`drawn`] makes worlds
//! from seeds in which everything goes wrong, [`named`] those with figures: `teem-sim utp-NAME`.

pub(crate) mod cubic;
pub mod drawn;
pub(crate) mod host;
pub(crate) mod line;
pub mod named;
pub(crate) mod veil;
pub(crate) mod world;
