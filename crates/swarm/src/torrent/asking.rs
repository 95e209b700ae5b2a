//! What a torrent asks of the world outside, and what the answers mean (BEP 3, 9, 12): announces and a place for its content.
//!
//! An announce goes from [`Torrent::announce_due`] to the engine, which carries it to a UDP tracker itself or hands it to the host, and
//! comes back to [`Torrent::answer`]. A magnet whose metadata has come stands in [`State::Placing`] until it is told where its
//! content goes.
use super::Torrent;
use super::address::PeerSource;
use super::announce::Heard;
use super::context::Context;
use super::outside::tracker_sees_us;
use crate::ask::{Answer, AskId, Question, again_after};
use crate::event::{Event, State};
use crate::job::Job;
use crate::output::{CloseReason, Output};
use crate::rng::Rng;
use crate::selection::Selection;
use crate::time::Time;
use alloc::string::String;
use teem_wire::tracker::announce::{AnnounceError, AnnounceReply};

/// How far a torrent is in finding a place for content whose metadata has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Placing {
    /// The metadata is not there, or the place is known.
    #[default]
    Idle,
    /// It was asked for under this id.
    Asked(AskId),
    /// The question was not taken; it is asked again at this time.
    Again(Time),
}

impl Torrent {
    /// The answer to a question of this torrent. One that it does not wait for (any more) changes nothing.
    pub fn answer<B>(&mut self, cx: &mut Context<'_, B>, id: AskId, answer: Answer) {
        match answer {
            Answer::Announced { source, reply } => self.announced(cx, id, source, &reply),
            Answer::Placed(result) => self.placed(cx, id, result),
            Answer::Busy if self.placing == Placing::Asked(id) => {
                self.placing = Placing::Again(cx.now + again_after(&mut self.rng));
            }
            Answer::Busy => self.announcer.busy(cx.now, id, &mut self.rng),
            Answer::Resolved(_) => {} // names are asked for by the engine's tracker client
        }
        self.settle(cx);
    }

    /// Announces to the trackers that are due.
    pub(super) fn announce_due<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.announcer.deadline().is_some_and(|at| at <= cx.now) {
            let counters = self.counters();
            let out = &mut *cx.out;
            self.announcer.poll(cx.now, counters, &mut self.rng, cx.ids, |ask| {
                let question = Question::Announce { url: ask.url, announce: ask.announce };
                out.push_back(Output::Ask { id: ask.id, question });
            });
        }
    }

    /// A tracker has answered, or is not expected to.
    fn announced<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        id: AskId,
        source: PeerSource,
        reply: &Result<AnnounceReply, AnnounceError>,
    ) {
        let mut rng: Rng = self.rng.fork();
        let Some(heard) = self.announcer.reply(cx.now, id, reply, &mut rng) else { return };
        let Heard { url, result, warning, switched, completed } = heard;
        cx.tell(Event::Tracker { torrent: self.id, url: url.clone(), result });
        if let Some(text) = warning {
            self.notice(cx, text);
        }
        if switched {
            self.candidates.drop_all();
            for conn in self.connections() {
                self.drop_peer(cx, conn, CloseReason::Useless);
            }
        }
        if completed {
            self.durability.ask();
        }
        if let Ok(good) = reply {
            tracker_sees_us(cx, &url, good.external_ip);
            self.add_peers(cx.now, source, &good.peers);
        }
    }

    /// Asks where the content goes, now that its metadata is there.
    pub(super) fn ask_for_a_place<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Some(info) = self.info.clone() {
            let id = cx.ask(Question::Place { torrent: self.id, info });
            self.placing = Placing::Asked(id);
            self.set_state(cx, State::Placing);
        }
    }

    /// Asks again for a place, when that is due.
    pub(super) fn place_due<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.place_deadline().is_some_and(|at| at <= cx.now) {
            self.ask_for_a_place(cx);
        }
    }

    /// When [`Self::place_due`] has something to do.
    pub(super) fn place_deadline(&self) -> Option<Time> {
        if let Placing::Again(at) = self.placing { Some(at) } else { None }
    }

    /// The disk knows where the content goes, and these files are wanted; or there is no place for it.
    fn placed<B>(&mut self, cx: &mut Context<'_, B>, id: AskId, result: Result<Option<Selection>, String>) {
        if self.placing != Placing::Asked(id) {
            return;
        }
        self.placing = Placing::Idle;
        match result {
            Ok(selection) => {
                if let Some(selection) = selection {
                    self.select(cx, selection);
                }
                self.open(cx);
            }
            Err(why) => self.fail_for(cx, why),
        }
    }

    /// Has the content looked at.
    pub(super) fn open<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Some(info) = &self.info {
            let selection = self.wanted.said();
            cx.out.push_back(Output::Disk(Job::Open { torrent: self.id, info: info.clone(), selection }));
            self.set_state(cx, State::Checking);
        }
    }
}
