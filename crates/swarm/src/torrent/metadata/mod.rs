//! The info dictionary between peers, in both directions (BEP 9).
//!
//! Nothing a peer says about it is believed before its hash is right: not the size, not a piece.
pub mod fetch;
mod upload;

pub use fetch::MetadataFetch;
pub(crate) use upload::MetadataUpload;

use super::context::Context;
use super::ground::Ground;
use super::step::Step;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::{CloseReason, Output};
use crate::time::Time;
use teem_wire::peer::message::{Message, MetadataMessage};

/// The size of every piece of the info dictionary but the last (BEP 9), in bytes.
pub const METADATA_PIECE_LEN: u32 = 16 * 1024;
pub(crate) use super::content::METADATA_MAX;

/// How many pieces an info dictionary of that size has.
pub(crate) const fn metadata_pieces(size: u32) -> u32 {
    size.div_ceil(METADATA_PIECE_LEN)
}

/// The length in bytes of one piece; `None` past the end.
pub(crate) const fn metadata_piece_len(size: u32, piece: u32) -> Option<u32> {
    let begin = piece as u64 * METADATA_PIECE_LEN as u64;
    if begin >= size as u64 {
        return None;
    }
    let rest = size - begin as u32;
    Some(if rest < METADATA_PIECE_LEN { rest } else { METADATA_PIECE_LEN })
}

/// How the peer ids of rtorrent begin (BEP 20): it answers one request for metadata and forgets those that come meanwhile. An id that lies makes
/// its own peer slow, and nobody else.
const ONE_AT_A_TIME: &[u8] = b"-lt";

/// The metadata on its way, in both directions.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    fetch: MetadataFetch,
    upload: MetadataUpload,
}

impl Metadata {
    /// A peer says that it speaks `ut_metadata`, and how long the info dictionary is. The error is why the connection has to be closed.
    pub(super) fn offer<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        conn: ConnId,
        (id, size): (Option<u8>, Option<u32>),
    ) -> Result<(), CloseReason> {
        if !ground.content.is_known() {
            self.fetch.offer(conn, id, size)?;
            if ground.table.get(conn).is_some_and(|peer| peer.who().id().0.starts_with(ONE_AT_A_TIME)) {
                self.fetch.one_at_a_time(conn);
            }
            self.ask(cx, ground);
        }
        Ok(())
    }

    /// A peer says something of the metadata.
    pub(super) fn message<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        conn: ConnId,
        message: MetadataMessage,
    ) -> Result<(), CloseReason> {
        if let MetadataMessage::Request { piece } = message {
            let Some(peer) = ground.table.get_mut(conn) else { return Ok(()) };
            peer.who_mut().ask_metadata(cx.now);
            let Some(id) = peer.who().ut_metadata() else { return ground.table.idle_word(conn) };
            let size = ground.content.metadata_size();
            if let Some(message) = self.upload.request(conn, id, piece, size) {
                ground.table.send(cx, conn, Message::Metadata { id, message });
                return ground.table.idle_word(conn);
            }
            self.send_due(cx, ground);
            return Ok(());
        }
        if !ground.content.is_known() {
            let effect = self.fetch.message(cx.now, conn, message)?;
            if effect.concerns_all() || (effect.is_some() && self.fetch.is_whole()) {
                self.ask(cx, ground);
            } else if effect.is_some() {
                let out = &mut *cx.out;
                self.fetch.go_on(cx.now, conn, |conn, id, message| {
                    out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
                });
            }
        }
        ground.table.idle_word(conn)
    }

    /// Asks for what is missing of the info dictionary, and has it judged when nothing is. Only while it is not known.
    pub(super) fn ask<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground) {
        if let Some(bytes) = self.fetch.take() {
            let key = ground.me.torrent;
            cx.out.push_back(Output::Disk(Job::Metadata { torrent: ground.id, key, bytes }));
            return;
        }
        let out = &mut *cx.out;
        self.fetch.poll(cx.now, &mut ground.rng, |conn, id, message| {
            out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
        });
    }

    /// Sends what the budget for metadata allows.
    pub(super) fn send_due<B>(&mut self, cx: &mut Context<'_, B>, ground: &Ground) {
        if let Some(info) = ground.content.info() {
            let out = &mut *cx.out;
            self.upload.poll(cx.now, info.raw(), |conn, id, message| {
                out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
            });
        }
    }

    /// A piece of the info dictionary has gone to the kernel.
    pub(super) fn sent(&mut self, conn: ConnId) {
        self.upload.sent(conn);
    }

    /// What was fetched was judged: those that sent a wrong one twice are banned.
    pub(super) fn judged(&mut self, ground: &mut Ground, hash_ok: bool) {
        let liars = self.fetch.verdict(hash_ok);
        ground.steps.extend(liars.into_iter().map(|c| Step::Ban(c, "the metadata that it sent was corrupt")));
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, conn: ConnId) {
        self.fetch.gone(conn);
        self.upload.gone(conn);
    }

    /// When something is due; of the fetch only while it goes on.
    pub(super) fn deadline(&self, fetching: bool) -> Option<Time> {
        let fetch = if fetching { self.fetch.deadline() } else { None };
        Time::earliest([fetch, self.upload.deadline()])
    }

    /// Steps of work done for what peers said of it.
    pub(super) fn work(&self) -> u64 {
        self.fetch.work()
    }

    /// Pieces received, of how many.
    pub(super) fn progress(&self) -> (u32, u32) {
        self.fetch.progress()
    }
}
