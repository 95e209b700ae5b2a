//! The info dictionary on its way between peers and the torrent (BEP 9; bad input, rows 25 to 27).
use super::Torrent;
use super::context::Context;
use crate::event::{Event, State};
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::{CloseReason, Output};
use alloc::string::String;
use alloc::sync::Arc;
use teem_metainfo::Info;
use teem_wire::peer::ids::UT_METADATA;
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

impl Torrent {
    /// A peer says that it speaks `ut_metadata`, and how long the info dictionary is.
    pub(super) fn offer_metadata<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        id: Option<u8>,
        size: Option<u32>,
    ) -> Result<(), CloseReason> {
        if self.info.is_none() {
            self.fetch.offer(conn, id, size)?;
            self.fetch_metadata(cx);
        }
        Ok(())
    }

    pub(super) fn on_metadata<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        message: MetadataMessage,
    ) -> Result<(), CloseReason> {
        if let MetadataMessage::Request { piece } = message {
            let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
            peer.asked_metadata = Some(cx.now);
            let Some(id) = peer.ut_metadata else { return self.idle_word(conn) };
            let size = self.metadata_size();
            if let Some(message) = self.give.request(conn, id, piece, size) {
                self.send(cx, conn, Message::Metadata { id, message });
                return self.idle_word(conn);
            }
            self.give_metadata(cx);
            return Ok(());
        }
        if self.info.is_none() {
            self.fetch.message(cx.now, conn, message)?;
            self.fetch_metadata(cx);
        }
        self.idle_word(conn)
    }

    /// A piece of the info dictionary has gone to the kernel.
    pub fn metadata_sent<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        self.give.sent(conn);
        self.give_metadata(cx);
        self.settle(cx);
    }

    /// Sends what the budget for metadata allows.
    pub(super) fn give_metadata<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Some(info) = &self.info {
            let out = &mut *cx.out;
            self.give.poll(cx.now, info.raw(), |conn, id, message| {
                out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
            });
        }
    }

    /// Asks for what is missing of the info dictionary, and has it judged when nothing is.
    pub(super) fn fetch_metadata<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.state != State::Metadata || self.info.is_some() {
            return;
        }
        if let Some(bytes) = self.fetch.take() {
            let key = self.me.torrent;
            cx.out.push_back(Output::Disk(Job::Metadata { torrent: self.id, key, bytes }));
            return;
        }
        let out = &mut *cx.out;
        self.fetch.poll(cx.now, &mut self.rng, |conn, id, message| {
            out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
        });
    }

    /// Fetched metadata was judged.
    pub(super) fn metadata_judged<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        result: Result<Arc<Info>, String>,
        hash_ok: bool,
    ) {
        for conn in self.fetch.verdict(hash_ok) {
            self.ban(cx, conn, "the metadata that it sent was corrupt");
        }
        match result {
            Ok(info) if hash_ok => self.metadata_here(cx, info),
            Err(why) if hash_ok => self.fail_for(cx, why),
            _ => self.fetch_metadata(cx),
        }
    }

    fn metadata_here<B>(&mut self, cx: &mut Context<'_, B>, info: Arc<Info>) {
        if self.info.is_some() {
            return;
        }
        if info.is_private() {
            self.announcer.set_private();
            self.candidates.drop_all();
            self.notice(cx, String::from("the torrent is private: peers come from its tracker only (BEP 27)"));
        }
        self.adopt(info.clone());
        let metadata_size = self.metadata_size();
        for conn in self.connections() {
            if let Err(why) = self.judge_early(cx, conn) {
                self.drop_peer(cx, conn, why);
            } else if self.peers.get(&conn).is_some_and(|p| p.handshake.features.extended) {
                let ut_metadata = Some(UT_METADATA);
                let said = ExtendedHandshake { ut_metadata, metadata_size, ..ExtendedHandshake::default() };
                self.send(cx, conn, Message::ExtendedHandshake(said));
            }
        }
        cx.tell(Event::Metadata { torrent: self.id, info });
        self.ask_for_a_place(cx);
    }
}
