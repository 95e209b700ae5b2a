//! What is said to a tracker beyond what it has to be told, and left out where it refuses that (own design; BEP 3, 21, 23).
//!
//! Some trackers refuse what they don't know: an event such as `paused`, a parameter such as `key`. Their refusals are sentences in any
//! language, so what they mean is found out by leaving things out: first the event where it need not be said (`paused`, `completed`), else
//! parameters, step by step. A tracker is asked once more at once, after that in its time. Where less is refused too, more is tried again:
//! what is refused for another reason never costs more than one ask.
//!
//! `started` and `stopped` are never left out: without them a tracker cannot know who is there.
use teem_wire::tracker::announce::{AnnounceEvent, Form};

/// What one tracker takes, as far as it is known.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Manners {
    form: Form,
    /// The event that is not said.
    without: Option<AnnounceEvent>,
    /// A refusal has been answered at once since it last accepted anything.
    hurried: bool,
}

impl Manners {
    /// How much the next ask says.
    pub(super) fn form(self) -> Form {
        self.form
    }

    /// Whether this event is not said.
    pub(super) fn leaves_out(self, event: AnnounceEvent) -> bool {
        self.without == Some(event)
    }

    /// An ask was accepted: what was left out of it stays so.
    pub(super) fn accepted(&mut self) {
        self.hurried = false;
    }

    /// An ask with this event was refused: less is said the next time, or more again. Says whether that is worth an ask at once.
    pub(super) fn refused(&mut self, event: AnnounceEvent, udp: bool) -> bool {
        match (event, self.without) {
            (AnnounceEvent::Paused | AnnounceEvent::Completed, _) => self.without = Some(event),
            (AnnounceEvent::None, Some(_)) => {
                self.without = None;
                return false;
            }
            // Over UDP every field has its place.
            _ if udp => return false,
            _ => {
                self.form = match self.form {
                    Form::Full => Form::Lean,
                    Form::Lean => Form::Bare,
                    Form::Bare => Form::Full,
                };
            }
        }
        !core::mem::replace(&mut self.hurried, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn started_and_stopped_are_said_whatever_is_refused() {
        let mut manners = Manners::default();
        for form in [Form::Lean, Form::Bare, Form::Full] {
            let hurries = manners.refused(AnnounceEvent::Stopped, false);
            assert_eq!((manners.form(), hurries), (form, form == Form::Lean));
            assert!(!manners.leaves_out(AnnounceEvent::Stopped) && !manners.leaves_out(AnnounceEvent::Started));
        }
        assert!(!manners.refused(AnnounceEvent::Started, true), "over UDP there is nothing to leave out");
        assert_eq!(manners.form(), Form::Full);
    }
}
