//! A node of the DHT that wants no torrent (BEP 5): what the network consists of beside the peers.
use crate::block::SimBlock;
use crate::brain::{Birth, Brain};
use std::net::SocketAddr;
use teem_dht::{Act, Node, Settings};
use teem_engine::input::Input;
use teem_swarm::output::Output;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::compact::Family;

/// The node, as a process.
pub(crate) struct LoneNode {
    node: Node,
    /// Nodes that it begins with, until it has begun.
    known: Vec<SocketAddr>,
}

impl LoneNode {
    pub(crate) fn new(birth: &Birth<'_>) -> Self {
        let mut rng = Rng::new(birth.seed);
        let key = [rng.next_u64(), rng.next_u64()];
        let node = Node::new(Time::ZERO, Family::V4, Settings::default(), None, key, rng);
        Self { node, known: birth.nodes.to_vec() }
    }
}

impl Brain for LoneNode {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        for addr in std::mem::take(&mut self.known) {
            self.node.hint(now, addr);
        }
        match input {
            Input::Datagram { from, bytes } => self.node.packet(now, from, &bytes),
            Input::Tick => self.node.tick(now),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        loop {
            if let Act::Send { to, bytes } = self.node.poll()? {
                return Some(Output::Datagram { to, bytes });
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.node.deadline()
    }
}
