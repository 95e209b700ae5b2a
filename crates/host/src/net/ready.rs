//! Which connections have something to do, and the end of one (own design): what everything else in `net` stands on.
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;

use super::{Entry, Net};
use crate::conn::Closing;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// A connection's link can move bytes again.
    pub(crate) fn link_ready(&mut self, id: ConnId, readable: bool, writable: bool) {
        let Some(Entry::Conn(conn)) = self.table.get_mut(id) else { return };
        if readable && !conn.in_ready {
            conn.in_ready = true;
            self.ready.push_back(id);
        }
        if writable {
            conn.blocked = false;
            self.touch(id);
        }
    }

    /// There is something to be looked at of an undecided connection; `ended` says that no more will come.
    pub(super) fn show(&mut self, id: ConnId, ended: bool) {
        if let Some(Entry::Undecided(stranger)) = self.table.get_mut(id) {
            stranger.ended |= ended;
            if !core::mem::replace(&mut stranger.shown, true) {
                self.shown.push_back(id);
            }
        }
    }

    /// Puts a connection into the list of those to be written, when it has something and the kernel has room.
    pub(super) fn touch(&mut self, id: ConnId) {
        if let Some(Entry::Conn(conn)) = self.table.get_mut(id)
            && !conn.in_touched
            && !conn.blocked
            && (conn.has_unsent() || conn.closing.is_some())
        {
            conn.in_touched = true;
            self.touched.push_back(id);
        }
    }

    /// The queue of a closed connection is sent.
    pub(super) fn flushed(&mut self, id: ConnId) {
        let Some(Entry::Conn(conn)) = self.table.get_mut(id) else { return };
        match conn.closing {
            Some(Closing::Shut) => {}
            Some(Closing::Linger) if conn.channel.shut().is_ok() => {
                conn.closing = Some(Closing::Shut);
                if !conn.in_ready {
                    conn.in_ready = true;
                    self.ready.push_back(id);
                }
            }
            _ => drop(self.table.remove(id)),
        }
    }

    /// Ends a connection from our side of the engine; it is told unless it closed it itself.
    pub(super) fn drop_conn(&mut self, conn: ConnId, why: CloseReason, take: &mut impl FnMut(Input<B>)) {
        if let Some(Entry::Conn(entry)) = self.table.remove(conn)
            && entry.closing.is_none()
        {
            take(Input::Closed { conn, why });
        }
    }
}
