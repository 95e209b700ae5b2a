//! What every handler of a torrent is called with (own design).
use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::throttle::Shared;
use crate::time::Time;

/// What a handler is called with.
#[derive(Debug)]
pub struct Context<'a, B> {
    /// The moment.
    pub now: Time,
    /// The limits of all torrents together.
    pub shared: &'a mut Shared,
    /// Where effects are pushed.
    pub fx: &'a mut Effects<B>,
}

impl<B> Context<'_, B> {
    /// Tells the owner.
    pub(super) fn tell(&mut self, event: Event) {
        self.fx.push_back(Effect::Event(event));
    }
}
