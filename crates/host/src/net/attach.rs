//! Connections that somebody else brings (own design): no socket of ours, and no address.
use std::sync::Arc;
use std::task::Waker;
use teem_engine::input::Input;
use teem_swarm::ids::TorrentId;
use teem_swarm::remote::{How, Remote};

use super::{Entry, Net};
use crate::budget::SOCKETS_MAX;
use crate::conn::Conn;
use crate::layer::Layer;
use crate::link::{Channel, Link, LinkWaker};
use crate::mailbox::Mailbox;
use crate::pair::End;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Net<B> {
    /// Takes one end of a pair as a connection, which ends at once where there are too many already. It counts as dialled where it was
    /// made for a torrent, and as accepted otherwise.
    pub(crate) fn attach(
        &mut self,
        mailbox: &Arc<Mailbox>,
        end: End,
        torrent: Option<TorrentId>,
        take: &mut impl FnMut(Input<B>),
    ) {
        if self.table.len() >= SOCKETS_MAX {
            return;
        }
        let remote = Remote::Named(self.attached.wrapping_add(1));
        let entry = |conn| {
            let waker = Waker::from(Arc::new(LinkWaker { conn, mailbox: Arc::clone(mailbox) }));
            let channel = Channel::new(Link::Pair(end, waker), Layer::Plain);
            Ok::<_, core::convert::Infallible>(Entry::Conn(Box::new(Conn::new(conn, remote.holder(), channel))))
        };
        let Ok(conn) = self.table.insert(entry);
        self.attached = self.attached.wrapping_add(1);
        // What was written before it was attached has woken nobody.
        self.link_ready(conn, true, false);
        if let Some(torrent) = torrent {
            take(Input::Connected { conn, torrent, remote, how: How::TCP, local: None });
        } else {
            take(Input::Accepted { conn, remote, local: None });
            self.make_room(take);
            self.unproven.push_back(conn);
        }
    }
}
