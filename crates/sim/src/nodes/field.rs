//! A network that has grown: nodes that came one after the other through a few that everybody knows, torrents that are announced in it, and nodes that
//! come and go.
use super::figures::Figures;
use super::sybil::{Choice, Sybil};
use super::way::Ways;
use super::world::{Host, World};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_dht::id::Id;
use teem_dht::krpc::message::Contact;
use teem_dht::{Act, LookupId, Port, Question, Settings};
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::compact::Family;

/// Nodes that everybody knows.
const ROUTERS: u32 = 4;
/// Nodes come within that time.
const COMING: Duration = Duration::from_secs(300);
/// Then the network is left alone for so long.
const SETTLING: Duration = Duration::from_secs(600);
/// Torrents that are announced.
const TORRENTS: usize = 50;
/// Peers of each.
const PEERS: usize = 3;
/// Of a million packets so many get lost.
const LOSS_PPM: u64 = 2_000;

/// How a network is made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What its nodes speak.
    pub(crate) family: Family,
    /// Nodes of it.
    pub(crate) nodes: u32,
    /// What all is drawn from.
    pub(crate) seed: u64,
    /// Nodes whose look-ups are measured, a group for each way to behave.
    pub(crate) measured: Vec<(&'static str, Settings)>,
    /// Nodes of each such group.
    pub(crate) group: u32,
}

/// A world with a network in it.
pub(crate) struct Field {
    /// The world that it is in.
    pub(crate) world: World,
    /// Nodes that may die: neither known to all, nor a peer, nor measured.
    plain: Vec<u32>,
    routers: Vec<u32>,
    /// The measured, by group.
    groups: Vec<(&'static str, Settings, Vec<u32>)>,
    /// The torrents, and the nodes that are peers of each.
    torrents: Vec<(Id, Vec<u32>)>,
}

impl Field {
    /// A network that has grown and settled.
    pub(crate) fn grown(plan: &Plan) -> Self {
        let mut world = World::new(plan.seed, Ways { loss_ppm: LOSS_PPM }, plan.family);
        let routers: Vec<u32> = (0..ROUTERS).map(|_| world.add_node(Settings::default())).collect();
        for n in &routers[1..] {
            let first = world.address(routers[0]);
            world.tell(*n, |node, now| node.hint(now, first));
        }
        let mut field = Self { world, plain: Vec::new(), routers, groups: Vec::new(), torrents: Vec::new() };
        for n in 0..plan.nodes {
            let at = Time::ZERO + COMING * n / plan.nodes;
            field.world.run_until(at);
            let node = field.come(Settings::default());
            field.plain.push(node);
        }
        for (name, settings) in &plan.measured {
            let group = (0..plan.group).map(|_| field.come(*settings)).collect();
            field.groups.push((name, *settings, group));
        }
        field.world.run_for(SETTLING);
        field.announce();
        field
    }

    /// A node more, which knows two of those that everybody knows.
    fn come(&mut self, settings: Settings) -> u32 {
        let n = self.world.add_node(settings);
        for _ in 0..2 {
            let router = self.routers[self.world.rng.below(u64::from(ROUTERS)) as usize];
            let addr = self.world.address(router);
            self.world.tell(n, |node, now| node.hint(now, addr));
        }
        n
    }

    /// A node that may die, and is taken from those.
    fn draw(&mut self) -> Option<u32> {
        let at = self.world.rng.index(self.plain.len())?;
        Some(self.plain.swap_remove(at))
    }

    /// Some nodes become peers of torrents.
    fn announce(&mut self) {
        for _ in 0..TORRENTS {
            let info_hash = Id::random(&mut self.world.rng);
            let peers: Vec<u32> = (0..PEERS).filter_map(|_| self.draw()).collect();
            for peer in &peers {
                self.world.tell(*peer, |node, now| {
                    node.listens(now, Some(Port { port: 6881, implied: true }));
                    node.announce(now, info_hash, false)
                });
            }
            self.torrents.push((info_hash, peers));
        }
        self.world.run_for(Duration::from_secs(30));
    }

    /// So many of a thousand nodes die at once.
    pub(crate) fn kill(&mut self, permille: u64) {
        for _ in 0..self.plain.len() as u64 * permille / 1_000 {
            if let Some(n) = self.draw() {
                self.world.kill(n);
            }
        }
    }

    /// One node dies and another comes.
    pub(crate) fn churn(&mut self) {
        if let Some(n) = self.draw() {
            self.world.kill(n);
        }
        let node = self.come(Settings::default());
        self.plain.push(node);
    }

    /// Look-ups of each group, in turn, ten a second in all, while nodes come and go: so many of each.
    pub(crate) fn look_up(&mut self, count: u32, churn_a_second: u32) -> Vec<Figures> {
        let groups = self.groups.len();
        let mut all: Vec<Figures> =
            self.groups.iter().map(|(name, ..)| Figures { label: (*name).to_string(), ..Figures::default() }).collect();
        let mut under_way: BTreeMap<(u32, LookupId), (usize, Time, usize, bool)> = BTreeMap::new();
        self.world.told();
        for n in 0..count * groups as u32 {
            let group = n as usize % groups;
            if n % 10 == 0 {
                for _ in 0..churn_a_second {
                    self.churn();
                }
            }
            let members = self.groups[group].2.len() as u64;
            let node = self.groups[group].2[self.world.rng.below(members) as usize];
            let torrent = self.world.rng.below(self.torrents.len() as u64) as usize;
            let info_hash = self.torrents[torrent].0;
            let question = Question::Peers { info_hash, no_seeds: false, scrape: false };
            let id = self.world.tell(node, |node, now| node.look_up(now, question)).flatten();
            all[group].begun += 1;
            if let Some(id) = id {
                under_way.insert((node, id), (group, self.world.now, torrent, false));
            }
            self.world.run_for(Duration::from_millis(100));
            self.gather(&mut under_way, &mut all);
        }
        self.world.run_for(Duration::from_secs(20));
        self.gather(&mut under_way, &mut all);
        all.into_iter().map(Figures::sorted).collect()
    }

    fn gather(&mut self, under_way: &mut BTreeMap<(u32, LookupId), (usize, Time, usize, bool)>, all: &mut [Figures]) {
        for (at, n, act) in self.world.told() {
            match act {
                Act::Peers { lookup, peers, .. } => {
                    let Some((group, began, torrent, found)) = under_way.get_mut(&(n, lookup)) else { continue };
                    let honest =
                        self.torrents[*torrent].1.iter().any(|peer| peers.contains(&self.world.address(*peer)));
                    if honest && !*found {
                        *found = true;
                        all[*group].first.push(at.since(*began));
                    }
                }
                Act::End { lookup, outcome } => {
                    if let Some((group, ..)) = under_way.get(&(n, lookup)) {
                        all[*group].asked.push(outcome.asked);
                    }
                }
                _ => {}
            }
        }
    }

    /// Nodes that know one address and look up at once: the figures of so many.
    pub(crate) fn look_up_cold(&mut self, label: &str, count: u32) -> Figures {
        let former = std::mem::take(&mut self.groups);
        let mut figures = Figures { label: label.to_string(), ..Figures::default() };
        for _ in 0..count {
            let settings = Settings::default();
            let node = self.world.add_node(settings);
            let router = self.routers[self.world.rng.below(u64::from(ROUTERS)) as usize];
            let router = self.world.address(router);
            self.world.tell(node, |node, now| node.hint(now, router));
            self.groups = vec![("", settings, vec![node])];
            let one = self.look_up(1, 0).remove(0);
            figures.begun += 1;
            figures.first.extend(one.first);
            figures.asked.extend(one.asked);
            self.world.kill(node);
        }
        self.groups = former;
        figures.sorted()
    }

    /// Packets a minute that an idle node sends and gets, in thousandths, over so many minutes.
    pub(crate) fn idle(&mut self, minutes: u32) -> u64 {
        let all: Vec<u32> = self.plain.clone();
        let sum = |world: &World| -> u64 {
            let each = all.iter().map(|n| world.packets(*n));
            each.map(|packets| packets.sent + packets.got).sum()
        };
        let before = sum(&self.world);
        self.world.run_for(Duration::from_secs(60) * minutes);
        (sum(&self.world) - before) * 1_000 / u64::from(minutes) / all.len() as u64
    }

    /// A party comes that wants one torrent for itself: nodes of its own, a fifth of all then. They visit those that are near to it.
    pub(crate) fn besiege(&mut self, choice: Choice, share_permille: u64) -> usize {
        let torrent = 0;
        let target = self.torrents[torrent].0;
        let count = self.plain.len() as u64 * share_permille / (1_000 - share_permille);
        let numbers: Vec<u32> = (0..count).map(|_| self.world.add(Host::Gone)).collect();
        let party: Vec<Contact> = numbers
            .iter()
            .map(|n| {
                let addr = self.world.address(*n);
                Contact { id: Sybil::id_at(choice, target, addr, &mut self.world.rng), addr }
            })
            .collect();
        // They name those of them that are nearest.
        let mut nearest = party.clone();
        nearest.sort_by_key(|contact| contact.id.distance(target));
        nearest.truncate(64);
        let nearest = Arc::new(nearest);
        for (n, contact) in numbers.iter().zip(&party) {
            self.world.replace(*n, Host::Sybil(Sybil::new(contact.id, target, Arc::clone(&nearest))));
        }
        let honest: Vec<SocketAddr> = self.closest(target, 200).into_iter().map(|n| self.world.address(n)).collect();
        for round in 0..4 {
            for (n, contact) in numbers.iter().zip(&party) {
                let to = honest[self.world.rng.below(honest.len() as u64) as usize];
                let sybil = Sybil::new(contact.id, target, Arc::clone(&nearest));
                let visit = sybil.visit(&mut Rng::new(u64::from(*n) << 8 | round));
                self.world.send(*n, to, visit);
            }
            self.world.run_for(Duration::from_secs(300));
        }
        torrent
    }

    /// The honest nodes closest to a target, from near to far.
    fn closest(&self, target: Id, count: usize) -> Vec<u32> {
        let mut nodes: Vec<(Id, u32)> = self.world.nodes().map(|(n, node)| (node.id(), n)).collect();
        nodes.sort_by_key(|(id, _)| id.distance(target));
        nodes.into_iter().take(count).map(|(_, n)| n).collect()
    }

    /// Look-ups of the first torrent by measured nodes: of how many, how many found an honest peer.
    pub(crate) fn look_up_besieged(&mut self, count: u32) -> Figures {
        let torrents = std::mem::take(&mut self.torrents);
        self.torrents = vec![torrents[0].clone()];
        let figures = self.look_up(count, 0).remove(0);
        self.torrents = torrents;
        figures
    }

    /// Announces of the first torrent by measured nodes: how many of the true closest eight each reached, sorted.
    pub(crate) fn announce_besieged(&mut self, count: usize) -> Vec<usize> {
        let target = self.torrents[0].0;
        let mut reached = Vec::new();
        for at in 0..count {
            let group = &self.groups[0].2;
            let n = group[at % group.len()];
            let closest: Vec<u32> = self.closest(target, 9).into_iter().filter(|other| *other != n).take(8).collect();
            self.world.announces();
            self.world.tell(n, |node, now| {
                node.listens(now, Some(Port { port: 6881, implied: true }));
                node.withdraw(now, target);
                node.announce(now, target, false)
            });
            self.world.run_for(Duration::from_secs(10));
            let took = self.world.announces();
            let hits = closest.iter().filter(|node| took.contains(&(n, **node))).count();
            reached.push(hits);
        }
        reached.sort_unstable();
        reached
    }
}
