//! What goes on of a torrent that rests (own design; BEP 3 for what its trackers are told): a complete torrent without peers ends here, and is
//! begun again from what is left, without its trackers noticing.
//!
//! What is verified, its totals and its first copy are in the saved state, which is written before it rests. What lives on is the
//! [`Announcer`]: due times, and the events that trackers have acknowledged. Addresses to dial, and what is known against some of them, go: a
//! complete torrent takes nothing from anybody.
use super::Torrent;
use super::announce::{Announcer, Counters};
use super::context::Context;
use super::phase::Phase;
use crate::job::Job;
use crate::output::Output;
use crate::time::Time;

impl Torrent {
    /// Whether it might rest: it has all that is wanted, nobody is connected, and neither disk nor trackers owe it anything.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Seeding)
            && self.ground.table.is_empty()
            && self.ground.content.is_done()
            && self.store.is_idle()
            && !self.finder.owes_completed()
    }

    /// Goes to rest: the state is saved and the disk lets go, while trackers hear nothing. [`Self::has_let_go`] tells when that is done.
    pub fn lie_down<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| {
            let (torrent, facts) = (t.ground.id, Some(t.facts()));
            t.phase = Phase::Stopping { closing: true };
            cx.out.push_back(Output::Disk(Job::Close { torrent, facts }));
        });
    }

    /// After [`Self::lie_down`]: whether the disk holds nothing of it any more.
    pub fn has_let_go(&self) -> bool {
        matches!(self.phase, Phase::Stopping { closing: false })
    }

    /// What goes on while it rests.
    pub fn into_announcer(self, now: Time) -> (Announcer, Counters) {
        let counters = self.counters();
        (self.finder.into_announcer(now), counters)
    }

    /// To be called before [`Self::start`]: it goes on with the trackers of a torrent that rested, if there are any, which were told these figures.
    pub fn take_up(&mut self, now: Time, announcer: Option<Announcer>, told: Counters) {
        if let Some(announcer) = announcer {
            self.finder.take_up(now, announcer);
        }
        self.told_before = Some((told.uploaded, told.downloaded));
    }
}
