//! What every handler of a torrent is called with (own design).
use crate::ask::{AskId, AskIds, Question};
use crate::event::Event;
use crate::external::Votes;
use crate::output::{Output, Outputs};
use crate::throttle::Shared;
use crate::time::Time;
use crate::turns::Turns;

/// What a handler is called with.
#[derive(Debug)]
pub struct Context<'a, B> {
    /// The present moment; time never goes back.
    pub now: Time,
    /// The limits of all torrents together.
    pub shared: &'a mut Shared,
    /// From where others say that they see us: every torrent counts, and the engine tells all of them what most say.
    pub votes: &'a mut Votes,
    /// Names for questions.
    pub ids: &'a mut AskIds,
    /// Says when trackers may be asked.
    pub turns: &'a mut dyn Turns,
    /// Where outputs are pushed.
    pub out: &'a mut Outputs<B>,
}

impl<B> Context<'_, B> {
    /// Tells the owner.
    pub(super) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Asks the world outside; the answer comes under the id that this returns.
    pub(super) fn ask(&mut self, question: Question) -> AskId {
        let id = self.ids.draw();
        self.out.push_back(Output::Ask { id, question });
        id
    }
}
