//! Questions on their way out and answers on their way in (own design; BEP 15): an answer goes to what asked.
//!
//! Only questions that leave the engine are noted here: an announce over UDP is the engine's own work, and its answer comes from
//! [`crate::udp_tracker`] with torrent and id. Invariant: each noted question has left as an `Output::Ask` and has not been answered.
use super::Engine;
use alloc::string::String;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::ids::TorrentId;
use teem_swarm::output::Output;

/// What waits for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    /// A torrent, which knows the question by its id.
    Torrent(TorrentId),
    /// The client of UDP trackers, for the addresses of this name and port.
    Name(String, u16),
}

impl<B> Engine<B> {
    /// A torrent asks something.
    pub(super) fn asked(&mut self, torrent: TorrentId, id: AskId, question: Question) {
        match question {
            Question::Announce { url, announce } if is_udp(&url) => {
                self.udp.announce(self.now, torrent, id, &url, announce);
            }
            question => self.ask(Asker::Torrent(torrent), id, question),
        }
    }

    /// The client of UDP trackers needs the addresses of a name.
    pub(super) fn resolve(&mut self, host: String, port: u16) {
        let id = self.ids.draw();
        self.ask(Asker::Name(host.clone(), port), id, Question::Resolve { host, port });
    }

    fn ask(&mut self, asker: Asker, id: AskId, question: Question) {
        self.asks.insert(id, asker);
        self.outputs.push_back(Output::Ask { id, question });
    }

    /// An answer has come. It is dropped when nothing waits for it: the id is unknown, or the torrent gone.
    pub(super) fn answer(&mut self, id: AskId, answer: Answer) {
        match (self.asks.remove(&id), answer) {
            (Some(Asker::Torrent(torrent)), answer) => self.with(torrent, |t, cx| t.answer(cx, id, answer)),
            (Some(Asker::Name(host, port)), Answer::Resolved(addrs)) => self.udp.resolved(self.now, host, port, addrs),
            (Some(Asker::Name(host, port)), Answer::Busy) => self.udp.not_resolved_yet(self.now, host, port),
            (Some(Asker::Name(..)), Answer::Announced { .. } | Answer::Placed(_)) | (None, _) => {}
        }
    }
}

fn is_udp(url: &str) -> bool {
    url.trim().split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("udp"))
}
