//! Passes what the engine says to whom it concerns (own design): runs on the host's thread, never blocks.
use crate::announced::Announced;
use crate::door::Door;
use crate::registry::Registry;
use std::net::TcpStream;
use std::sync::Arc;
use teem_host::error::HostError;
use teem_host::owner::Owner;
use teem_path::Standing;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::event::Event;
use teem_swarm::ids::ReadId;
use teem_swarm::job::ReadError;
use teem_wire::datagram::Datagram;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Events that are kept for the end of a turn: what one turn mostly says.
const SAID_MAX: usize = 1024;

/// The owner that the host calls.
pub(crate) struct Router {
    pub(crate) registry: Arc<Registry>,
    /// Keeps what trackers know of torrents, where that is kept.
    pub(crate) announced: Option<Announced>,
    /// The way to the async side, which carries questions out.
    pub(crate) questions: mpsc::Sender<(AskId, Question)>,
    /// For those who come to the listening port and are no peers.
    pub(crate) door: Door,
    /// What the engine has said in this turn.
    pub(crate) said: Vec<Event>,
}

impl Owner for Router {
    fn on_event(&mut self, event: Event) {
        if let Event::Announced { torrent, memory } = &event {
            if let Some((announced, entry)) = self.announced.as_ref().zip(self.registry.get(*torrent)) {
                announced.keep(entry.key.wire(), memory);
            }
            return;
        }
        self.said.push(event);
        if self.said.len() >= SAID_MAX {
            self.on_turn_end();
        }
    }

    fn on_turn_end(&mut self) {
        if !self.said.is_empty() {
            self.registry.hear(std::mem::take(&mut self.said));
        }
    }

    fn on_ask(&mut self, id: AskId, question: Question) -> Option<Answer> {
        match self.questions.try_send((id, question)) {
            Err(TrySendError::Full(_)) => Some(Answer::Busy),
            // Closed: the client is gone, and the end is near.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }

    fn on_read(&mut self, id: ReadId, result: Result<&[u8], &ReadError>) {
        self.registry.has_read(id, result);
    }

    fn on_http(&mut self, stream: TcpStream) {
        self.door.http(stream);
    }

    fn on_datagram(&mut self, datagram: Datagram) {
        self.door.datagram(datagram);
    }

    fn on_standing(&mut self, standing: &Standing) {
        self.registry.stands(standing);
    }

    fn on_failure(&mut self, why: &HostError) {
        self.on_turn_end();
        self.registry.fail(&why.to_string());
    }
}

impl Drop for Router {
    /// The host has ended.
    fn drop(&mut self) {
        self.on_turn_end();
        self.registry.end();
    }
}

#[cfg(test)]
mod tests;
