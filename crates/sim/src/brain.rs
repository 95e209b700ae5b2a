//! The process at the end of a line (own design): the engine itself, or a script that speaks the same contract.
//!
//! Everything in a world that talks to peers is driven by the engine's three methods, so that a scripted opponent, a
//! broken engine (for tests of the checkers) and the real one can stand in each other's place.
use crate::block::SimBlock;
use crate::content::Content;
use crate::scenario::Role;
use std::net::SocketAddr;
use teem_engine::Engine;
use teem_engine::input::Input;
use teem_swarm::output::Output;
use teem_swarm::time::Time;

/// The engine's contract.
pub trait Brain: Send {
    /// Takes what happened.
    fn handle(&mut self, now: Time, input: Input<SimBlock>);
    /// Gives the next thing to be done.
    fn poll_output(&mut self) -> Option<Output<SimBlock>>;
    /// When it wants a `Tick`.
    fn deadline(&self) -> Option<Time>;
}

/// A process that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// The peer's number.
    pub peer: u32,
    /// What it is.
    pub role: Role,
    /// The world's content.
    pub content: &'a Content,
    /// What it shall draw from.
    pub seed: u64,
    /// Nodes of the DHT that everybody can learn of; none where there is a tracker.
    pub nodes: &'a [SocketAddr],
}

/// Makes the process of a peer.
pub type Maker = Box<dyn Fn(&Birth<'_>) -> Box<dyn Brain> + Send + Sync>;

impl Brain for Engine<SimBlock> {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        Self::handle(self, now, input);
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        Self::poll_output(self)
    }

    fn deadline(&self) -> Option<Time> {
        Self::deadline(self)
    }
}
