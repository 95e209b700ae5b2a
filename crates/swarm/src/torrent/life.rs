//! A torrent's phases and what leads from one to another: metadata, checking, downloading, seeding, trouble, the end (own design).
use super::Torrent;
use super::context::Context;
use super::download::Download;
use super::phase::{Phase, Placing};
use crate::ask::{AskId, Question};
use crate::bitfield::Bitfield;
use crate::event::{Event, State};
use crate::ids::ConnId;
use crate::job::{DiskError, DiskErrorKind, Facts, Job};
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::selection::Selection;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Torrent {
    /// Begins: the content is opened, or the metadata looked for.
    pub(super) fn begin<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.finder.take_named(cx.now, self.is_private()) {
            let text = String::from("the torrent is private: peers that were named by hand are ignored (BEP 27)");
            self.ground.notice(cx, text);
        }
        if self.ground.content.is_known() && self.ground.content.is_undecided() {
            self.enter(cx, Phase::Choosing);
        } else if self.ground.content.is_known() {
            self.open(cx);
        } else {
            cx.tell(Event::State { torrent: self.ground.id, state: State::Metadata });
            self.start_announcing(cx, true);
        }
    }

    /// Trackers are asked from now on, each when an earlier run left that it is due.
    fn start_announcing<B>(&mut self, cx: &mut Context<'_, B>, wants: bool) {
        if let Some(memory) = self.announced.take() {
            self.finder.recall(cx.now, &memory, wants, cx.turns.spread(), &mut self.ground.rng);
        }
        self.finder.start(cx.now);
    }

    /// The metadata has come: the owner chooses, or a place is asked for.
    pub(super) fn know<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.ground.content.is_undecided() {
            self.enter(cx, Phase::Choosing);
        } else {
            self.ask_for_a_place(cx);
        }
    }

    /// Asks where the content goes, now that its metadata is there.
    pub(super) fn ask_for_a_place<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Some(info) = self.ground.content.info().cloned() {
            let id = cx.ask(Question::Place { torrent: self.ground.id, info });
            self.enter(cx, Phase::Placing(Placing::Asked(id)));
        }
    }

    /// The disk knows where the content goes, and these files are wanted; or there is no place for it.
    pub(super) fn placed<B>(&mut self, cx: &mut Context<'_, B>, id: AskId, result: Result<Option<Selection>, String>) {
        if !self.phase.has_asked(id) {
            return;
        }
        match result {
            Ok(selection) => {
                if let Some(selection) = selection {
                    self.choose(cx, selection);
                }
                self.open(cx);
            }
            Err(why) => self.fail(cx, why, None),
        }
    }

    /// Has the disk look at the content, once the metadata is known.
    pub(super) fn open<B>(&mut self, cx: &mut Context<'_, B>) {
        let content = &self.ground.content;
        if let Some(info) = content.info() {
            let (torrent, selection) = (self.ground.id, content.wanted().said());
            cx.out.push_back(Output::Disk(Job::Open { torrent, info: info.clone(), selection }));
            self.enter(cx, Phase::Checking);
        }
    }

    /// The disk has told what is there, and what may be.
    pub(super) fn opened<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        have: &[u32],
        check: Vec<u32>,
        mut facts: Facts,
        selection: Selection,
    ) {
        if let Some((wanted, all)) = self.ground.content.take_up(selection)
            && self.told_before.is_none()
        {
            let text = format!("{wanted} of {all} files are wanted, as in the last run; --only '*' takes all");
            self.ground.notice(cx, text);
        }
        self.finder.remember(cx.now, &facts.completed_at, &facts.peers, self.is_private());
        self.granting.remember(core::mem::take(&mut facts.out), core::mem::take(&mut facts.granted));
        let published = self.ground.content.is_published();
        if published {
            self.granting.follow(&self.ground); // what is verified leaves while the rest is still being checked
        }
        for piece in have {
            self.gain(*piece);
        }
        if published || self.ground.content.have().is_full() {
            self.begin_granting(cx);
        }
        let content = &self.ground.content;
        let check: Vec<u32> = check.into_iter().filter(|p| *p < content.pieces() && !content.has(*p)).collect();
        if self.store.wants_recheck() {
            self.store.opened(facts, 0);
            return self.begin_recheck(cx, &check);
        }
        self.store.opened(facts, check.len() as u32);
        self.tell_all(cx);
        if check.is_empty() {
            self.ready(cx);
        } else {
            cx.out.push_back(Output::Disk(Job::Check { torrent: self.ground.id, pieces: check }));
        }
    }

    /// Peers that came before the content was looked at are told what is there.
    fn tell_all<B>(&mut self, cx: &mut Context<'_, B>) {
        for piece in self.ground.content.have().clone().iter() {
            if self.ground.table.is_empty() || self.granting.is_source() {
                return;
            }
            self.spread(cx, piece);
        }
    }

    /// Becomes a source, if it is to be one.
    fn begin_granting<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.granting.begin(cx, &mut self.ground) {
            self.grant(cx);
        }
    }

    /// The owner wants all of it hashed again as it lies on the disk.
    pub(super) fn hash_again<B>(&mut self, cx: &mut Context<'_, B>) {
        match self.phase {
            Phase::Downloading(_) | Phase::Seeding => self.begin_recheck(cx, &[]),
            Phase::Metadata | Phase::Choosing | Phase::Placing(_) | Phase::Checking => self.store.want_recheck(),
            Phase::Failed | Phase::Stopping { .. } => {}
        }
    }

    /// Hashes all of it again. Until a piece has been hashed it is not there: nobody is served it or told of it. The peers were told of
    /// what may be gone, so they are let go, and dialled again afterwards. `doubtful` may be there besides what is verified.
    fn begin_recheck<B>(&mut self, cx: &mut Context<'_, B>, doubtful: &[u32]) {
        let all = self.ground.content.pieces();
        let mut judging = Vec::new();
        if let Some(download) = self.phase.download() {
            if download.is_halted() {
                cx.tell(Event::DiskRecovered { torrent: self.ground.id }); // if it is so still, that shows again
            }
            judging = download.abandon(cx, &self.ground);
            judging.sort_unstable();
        }
        for conn in self.ground.table.conns() {
            self.drop_peer(cx, conn, CloseReason::Stopping);
        }
        let (mut out, granted) = self.granting.memories(&self.ground);
        if matches!(self.phase, Phase::Seeding) && !self.granting.is_source() {
            // One that gives to everybody does not become a source by being looked at.
            out = Bitfield::full(all).to_wire();
        }
        self.granting.end(cx, &mut self.ground);
        self.granting.remember(out, granted);
        let mut had = self.ground.content.have().clone();
        for piece in had.iter() {
            self.ground.content.lose(piece);
        }
        for piece in doubtful {
            had.set(*piece);
        }
        self.store.begin_recheck(had, all);
        self.enter(cx, Phase::Checking);
        if self.ground.content.is_published() {
            self.granting.follow(&self.ground);
            self.begin_granting(cx);
        }
        // What is being judged is hashed by that.
        let pieces: Vec<u32> = (0..all).filter(|piece| judging.binary_search(piece).is_err()).collect();
        if all == 0 {
            self.ready(cx);
        } else if !pieces.is_empty() {
            cx.out.push_back(Output::Disk(Job::Check { torrent: self.ground.id, pieces }));
        }
    }

    /// It is known what is there: the torrent goes to work.
    pub(super) fn ready<B>(&mut self, cx: &mut Context<'_, B>) {
        let lost = self.store.end_recheck(self.ground.content.have());
        if self.store.wants_recheck() {
            return self.begin_recheck(cx, &[]);
        }
        let content = &self.ground.content;
        let complete = content.is_done();
        if content.have().is_full() || content.is_published() {
            self.begin_granting(cx);
            self.granting.follow(&self.ground);
            self.enter(cx, Phase::Seeding);
        } else if complete {
            self.finder.set_partial(cx.now, true);
            self.enter(cx, Phase::Seeding);
        } else {
            self.begin_download(cx);
        }
        if complete {
            self.store.ask();
            cx.tell(Event::Complete { torrent: self.ground.id, at_start: true });
            self.drop_seeds(cx);
        }
        self.start_announcing(cx, !complete);
        self.rechoke(cx, false);
        if let Some(lost) = lost {
            self.store.ask();
            self.finder.redial(cx.now);
            cx.tell(Event::Rechecked { torrent: self.ground.id, lost });
        }
    }

    /// Something is missing: from now on it is asked for.
    pub(super) fn begin_download<B>(&mut self, cx: &mut Context<'_, B>) {
        self.finder.set_partial(cx.now, false);
        if matches!(self.phase, Phase::Seeding) {
            // They may have been told that nothing is wanted here.
            self.introduce_again(cx, Some(false));
        }
        let download = Box::new(Download::new(&mut self.ground));
        self.enter(cx, Phase::Downloading(download));
        self.ask_all(cx);
        if let Some(error) = self.store.take_trouble() {
            self.trouble(cx, &error, false);
        }
    }

    /// Tells all peers whether we are interested and asks them for what they have.
    fn ask_all<B>(&mut self, cx: &mut Context<'_, B>) {
        for conn in self.ground.table.conns() {
            self.update_interest(cx, conn);
            self.fill(cx, conn);
        }
    }

    /// Ends the download when all that is wanted is there and nothing waits to be judged.
    pub(super) fn end_if_done<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.ground.content.is_done() && self.phase.download().is_some_and(Download::is_judged) {
            self.complete(cx);
        }
    }

    /// The last piece that is wanted is there.
    pub(super) fn complete<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Some(download) = self.phase.download_mut() {
            for conn in self.ground.table.conns() {
                download.give_up(cx, &mut self.ground, &mut self.intake, conn);
            }
        }
        self.store.ask();
        self.enter(cx, Phase::Seeding);
        cx.tell(Event::Complete { torrent: self.ground.id, at_start: false });
        if self.ground.content.have().is_full() {
            self.finder.completed(cx.now);
        } else {
            self.finder.set_partial(cx.now, true);
            self.announce_upload_only(cx);
        }
        self.drop_seeds(cx);
        for conn in self.ground.table.conns() {
            self.update_interest(cx, conn);
        }
        self.rechoke(cx, false);
    }

    fn drop_seeds<B>(&mut self, cx: &mut Context<'_, B>) {
        let seeds: Vec<ConnId> = self.ground.table.values().filter(|p| p.is_complete()).map(Peer::conn).collect();
        for conn in seeds {
            self.drop_peer(cx, conn, CloseReason::BothSeeds);
        }
    }

    /// Other files are wanted from now on.
    pub(super) fn choose<B>(&mut self, cx: &mut Context<'_, B>, selection: Selection) {
        let content = &mut self.ground.content;
        let same = !content.is_undecided() && content.wanted().said().as_ref() == Some(&selection);
        if content.is_published() || same {
            return;
        }
        let Some(before) = content.select(selection.clone()) else { return };
        if matches!(self.phase, Phase::Choosing) {
            return self.ask_for_a_place(cx);
        }
        if self.phase.is_open() {
            cx.out.push_back(Output::Disk(Job::Select { torrent: self.ground.id, selection }));
        }
        if let Phase::Downloading(download) = &mut self.phase {
            download.rearrange(cx, &mut self.ground, &mut self.intake, |piece| before.skips(piece));
            self.ask_all(cx);
            self.end_if_done(cx);
        } else if matches!(self.phase, Phase::Seeding) {
            if self.ground.content.is_done() {
                // All is there, but the disk moves it to other places now, where it is not durable yet.
                self.store.ask();
                cx.tell(Event::Complete { torrent: self.ground.id, at_start: false });
            } else {
                self.granting.end(cx, &mut self.ground);
                self.begin_download(cx);
                self.finder.redial(cx.now);
            }
        }
    }

    /// The disk is in trouble: nothing is asked for until it works again; what there is, is served.
    /// `retry` is whether the disk will not say by itself when it is over; it does after a write for want of space.
    pub(super) fn trouble<B>(&mut self, cx: &mut Context<'_, B>, error: &DiskError, retry: bool) {
        if self.phase.is_checking() {
            self.store.remember_trouble(error);
        }
        let torrent = self.ground.id;
        match &mut self.phase {
            Phase::Downloading(download) => {
                if download.is_halted() {
                    self.ground.notice(cx, error.message.clone());
                } else {
                    cx.tell(Event::State { torrent, state: State::DiskTrouble });
                    cx.tell(Event::Disk { torrent, error: error.clone() });
                    self.ground.noticed(Some(error.message.clone()));
                    download.halt(cx, &mut self.ground, &mut self.intake);
                }
                if retry || error.kind != DiskErrorKind::NoSpace {
                    download.try_later(cx.now);
                }
            }
            _ => self.ground.notice(cx, error.message.clone()),
        }
    }

    /// The disk works again, or is to be tried.
    pub(super) fn recovered<B>(&mut self, cx: &mut Context<'_, B>) {
        self.store.take_trouble();
        let Some(download) = self.phase.download_mut().filter(|download| download.is_halted()) else { return };
        download.resume();
        let torrent = self.ground.id;
        self.ground.noticed(None);
        cx.tell(Event::DiskRecovered { torrent });
        cx.tell(Event::State { torrent, state: State::Downloading });
        for conn in self.ground.table.conns() {
            self.fill(cx, conn);
        }
    }

    /// The torrent cannot go on.
    pub(super) fn fail<B>(&mut self, cx: &mut Context<'_, B>, why: String, disk: Option<DiskError>) {
        self.enter(cx, Phase::Failed);
        cx.tell(Event::Failed { torrent: self.ground.id, why, disk });
        for conn in self.ground.table.conns() {
            self.drop_peer(cx, conn, CloseReason::Stopping);
        }
        self.finder.stop(cx.now);
    }

    /// Ends: peers are let go, `stopped` is announced, state saved.
    pub(super) fn stop<B>(&mut self, cx: &mut Context<'_, B>) {
        let closing = self.phase.is_open();
        let torrent = self.ground.id;
        cx.tell(Event::State { torrent, state: State::Stopping });
        let facts = self.facts();
        for conn in self.ground.table.conns() {
            self.drop_peer(cx, conn, CloseReason::Stopping);
        }
        self.phase = Phase::Stopping { closing };
        self.finder.stop(cx.now);
        if closing {
            cx.out.push_back(Output::Disk(Job::Close { torrent, facts: Some(facts) }));
        }
    }
}
