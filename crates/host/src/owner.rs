//! What the host's thread tells its owner, and what it drives (own design).
//!
//! The host knows the engine by the three methods of its contract only, so that the loop is tested with a machine of a few lines.
use std::net::TcpStream;
use teem_engine::Engine;
use teem_engine::input::Input;
use teem_path::Standing;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::event::Event;
use teem_swarm::ids::ReadId;
use teem_swarm::job::ReadError;
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::datagram::Datagram;

use crate::error::HostError;

/// Called on the host's thread: must not block, only pass things on. It is dropped when the host has ended.
pub trait Owner: Send + 'static {
    /// Takes an event of the engine.
    fn on_event(&mut self, event: Event);
    /// A turn is over: nothing more is said before the next one.
    fn on_turn_end(&mut self) {}
    /// The engine asks something. The answer comes by [`HostMsg::Answer`](crate::mailbox::HostMsg::Answer), or is what this returns: so
    /// [`Answer::Busy`], when there is no room for the question.
    fn on_ask(&mut self, id: AskId, question: Question) -> Option<Answer>;
    /// The answer to [`Command::Read`](teem_swarm::command::Command::Read); the content is to be copied, and goes back to the disk's pool.
    fn on_read(&mut self, id: ReadId, result: Result<&[u8], &ReadError>) {
        let _ = (id, result);
    }
    /// A client speaks HTTP on the peers' port: the connection is whole, nothing has been read from it, and it does not block. An owner that
    /// has no use for it drops it, which closes it.
    fn on_http(&mut self, stream: TcpStream) {
        drop(stream);
    }
    /// The host ends although nobody asked it to: by a fault of ours, or because the system refuses what it cannot do without. What could
    /// be saved is saved; nothing but the drop follows.
    fn on_failure(&mut self, why: &HostError) {
        let _ = why;
    }
    /// What the path is bound to has gone or come back, in part or whole. While nothing is left nothing is sent or taken.
    fn on_standing(&mut self, standing: &Standing) {
        let _ = standing;
    }
    /// A question to a tracker came to the peers' port; its answer, if there is one, goes by
    /// [`HostMsg::Datagram`](crate::mailbox::HostMsg::Datagram).
    fn on_datagram(&mut self, datagram: Datagram) {
        drop(datagram);
    }
}

/// The contract of `teem_engine`, as its `lib.rs` states it.
pub trait Machine<B>: Send + 'static {
    /// Takes one input; never blocks, never fails.
    fn handle(&mut self, now: Time, input: Input<B>);
    /// The next thing to be done.
    fn poll_output(&mut self) -> Option<Output<B>>;
    /// When to send a `Tick` at the latest.
    fn deadline(&self) -> Option<Time>;
    /// Whether something is still being told to the world on behalf of torrents that are not there any more.
    fn has_last_words(&self) -> bool {
        false
    }
}

impl<B: Send + 'static> Machine<B> for Engine<B> {
    fn handle(&mut self, now: Time, input: Input<B>) {
        Engine::handle(self, now, input);
    }
    fn poll_output(&mut self) -> Option<Output<B>> {
        Engine::poll_output(self)
    }
    fn deadline(&self) -> Option<Time> {
        Engine::deadline(self)
    }
    fn has_last_words(&self) -> bool {
        Engine::has_last_words(self)
    }
}
