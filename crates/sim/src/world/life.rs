//! How peers come and go (own design): arrivals, departures in good order, crashes, returns.
use super::World;
use super::common::TORRENT;
use super::event::Event;
use super::part::Part;
use crate::brain::Birth;
use crate::draw::{between, exponential};
use crate::node::Node;
use crate::scenario::{Arrival, Departure, Group, Role};
use crate::tracker::URL;
use std::time::Duration;
use teem_engine::input::Input;
use teem_metainfo::AnnounceUrl;
use teem_swarm::command::{AddTorrent, Command};
use teem_swarm::time::Time;

/// An orderly departure that takes longer than this becomes a crash.
const GO_LIMIT: Duration = Duration::from_secs(6);

/// When each peer comes first, in the order of their numbers.
pub(super) fn arrivals(groups: &[Group], nodes: &mut [Node]) -> Vec<Time> {
    let sizes = groups.iter().map(|group| group.count as usize);
    let first = sizes.scan(0, |sum, size| Some(std::mem::replace(sum, *sum + size)));
    let first: Vec<usize> = first.collect();
    let mut last = Duration::ZERO;
    let mut times = Vec::new();
    for (peer, node) in nodes.iter_mut().enumerate() {
        if first.contains(&peer) {
            last = Duration::ZERO;
        }
        let after = match node.spec.arrival {
            Arrival::At(after) => after,
            Arrival::Between(from, to) => between(&mut node.rng, from, to),
            Arrival::Poisson(gap) => last + exponential(&mut node.rng, gap),
            Arrival::Flash(mean) => exponential(&mut node.rng, mean),
        };
        last = after;
        times.push(Time::ZERO + after);
    }
    times
}

/// The numbers of the peers that leave once others hold a whole copy.
pub(super) fn waiting(nodes: &[Node]) -> Vec<u32> {
    let waits = |node: &Node| matches!(node.spec.departure, Departure::OnceCopied(_));
    (0..).zip(nodes).filter(|(_, node)| waits(node)).map(|(peer, _)| peer).collect()
}

impl World {
    /// Lets those go that waited for others to hold a whole copy, if they do.
    pub(super) fn part_with(&mut self, parts: &mut [Part], now: Time) {
        if self.waiting.is_empty() {
            return;
        }
        let keepers = || parts.iter().flat_map(|part| &part.nodes).filter(|node| node.spec.keeps());
        if (0..self.common.content.pieces()).all(|piece| keepers().any(|node| node.disk.is_good(piece))) {
            for peer in std::mem::take(&mut self.waiting) {
                if let Some(part) = parts.iter_mut().find(|part| part.has(peer)) {
                    part.sees_a_copy(peer, now);
                }
            }
        }
    }
}

impl Part {
    /// One of ours that has waited for it hears that others hold a whole copy.
    fn sees_a_copy(&mut self, peer: u32, now: Time) {
        let me = self.place(peer);
        let node = &self.nodes[me];
        if let Departure::OnceCopied(after) = node.spec.departure {
            self.put(me, now + after, Event::Go { life: node.life, crash: false });
        }
    }

    /// A peer's process begins, with whatever lies on its disk.
    pub(super) fn come(&mut self, me: usize) {
        let now = self.now;
        let node = &mut self.nodes[me];
        if node.brain.is_some() {
            return;
        }
        node.came.get_or_insert(now);
        if node.spec.role.gives() {
            self.holders.moved(node, true);
        }
        let seed = node.rng.next_u64();
        let common = &self.common;
        let (peer, role) = (self.first + me as u32, node.spec.role);
        let birth = Birth { peer, role, content: &common.content, seed, nodes: &common.routers };
        node.brain = Some((self.common.maker)(&birth));
        let (life, spec) = (node.life, &node.spec);
        let leave = match spec.departure {
            Departure::After(after) => Some((after, false)),
            Departure::Dies(mean) => Some((exponential(&mut node.rng, mean), true)),
            Departure::Comes { life, crash_permille, .. } if node.complete.is_none() => {
                let after = between(&mut node.rng, life / 2, life * 3 / 2);
                Some((after, node.rng.below(1000) < u64::from(crash_permille)))
            }
            _ => None,
        };
        let add = AddTorrent {
            torrent: TORRENT,
            key: self.common.content.info_hash().into(),
            info: (!spec.magnet).then(|| self.common.content.info().clone()),
            trackers: if common.routers.is_empty() { vec![vec![AnnounceUrl::of_user(URL)]] } else { Vec::new() },
            peers: Vec::new(),
            up: None,
            down: None,
            publish: spec.role == Role::Seed,
            spreading: spec.spreading,
            cooperative: spec.cooperative,
            selection: None,
            choose: false,
            announced: None,
        };
        let limits = Command::Limits { up: spec.limit_up, down: spec.limit_down };
        if let Some((after, crash)) = leave {
            self.put(me, now + after, Event::Go { life, crash });
        }
        self.checker.restarted(me);
        self.feed(me, Input::Command(limits));
        self.feed(me, Input::Command(Command::Add(Box::new(add))));
        self.audit(me);
    }

    pub(super) fn go(&mut self, me: usize, life: u32, crash: bool) {
        let now = self.now;
        let node = &self.nodes[me];
        if node.life != life || node.brain.is_none() {
            return;
        }
        let returns = matches!(node.spec.departure, Departure::Comes { .. });
        if returns && node.complete.is_some() {
            return;
        }
        if crash || !node.spec.role.honest() {
            return self.stop(now, me);
        }
        self.put(me, now + GO_LIMIT, Event::Go { life, crash: true });
        self.feed(me, Input::Command(Command::Remove(TORRENT)));
    }
}
