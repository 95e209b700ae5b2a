//! A UDP port that somebody else holds (own design): he receives, sorts out what is not for us, and sends what we answer.
//!
//! Peers and tracker share one number that way. The queue is bounded by who makes it: what does not fit in is as good as lost on the way.
use super::table::{Table, canonical};
use crate::udp;
use std::boxed::Box;
use teem_wire::datagram::Datagram;
use tokio::sync::mpsc;

/// Sends an answer from its `local` to its `remote`; must not block.
pub type Answering = Box<dyn Fn(Datagram) + Send>;

/// What the holder of the port lends us.
pub struct Lent {
    /// Questions to the tracker.
    pub questions: mpsc::Receiver<Datagram>,
    /// The way back.
    pub answer: Answering,
}

/// Answers the questions until the holder closes the queue.
pub(super) async fn answer(lent: Lent, table: Table) {
    let Lent { mut questions, answer } = lent;
    while let Some(Datagram { remote, local, bytes }) = questions.recv().await {
        let (from, to) = (canonical(remote), canonical(local));
        let bytes = table.ask(|tracker, now| udp::handle(tracker, now, from, to, &bytes));
        if let Some(bytes) = bytes {
            answer(Datagram { remote, local, bytes });
        }
    }
}
