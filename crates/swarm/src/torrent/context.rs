//! What every handler of a torrent is called with (own design).
use crate::event::Event;
use crate::external::Votes;
use crate::output::{Output, Outputs};
use crate::throttle::Shared;
use crate::time::Time;

/// What a handler is called with.
#[derive(Debug)]
pub struct Context<'a, B> {
    /// The moment.
    pub now: Time,
    /// The limits of all torrents together.
    pub shared: &'a mut Shared,
    /// From where others say that they see us: every torrent counts, and the engine tells all of them what most say.
    pub votes: &'a mut Votes,
    /// Where outputs are pushed.
    pub out: &'a mut Outputs<B>,
}

impl<B> Context<'_, B> {
    /// Tells the owner.
    pub(super) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}
