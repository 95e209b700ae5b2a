//! The words of [`Why`]: one sentence with its evidence, and a report of several lines. What comes from outside (URLs, answers of trackers) stands in them as it
//! came; whoever prints them takes control characters out.
use super::{Door, Verdict, Why};
use crate::mapping::Mapping;
use teem_swarm::event::{State, TrackerStats};
use teem_swarm::search::{DhtSearch, Dialled, SourceKind, Way};
use teem_wire::compact::Family;

/// Trackers that a sentence names.
const TRACKERS_SAID_MAX: usize = 3;
/// Trackers that a report names.
const TRACKERS_TOLD_MAX: usize = 20;
/// Hosts that are named as those who see us somewhere.
const VOTERS_TOLD_MAX: usize = 5;

const FAMILIES: [(Family, &str); 2] = [(Family::V4, "v4"), (Family::V6, "v6")];

impl Why {
    /// What does not move and what is known of it, in one sentence, and another that says what would help.
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.what().to_owned()];
        match self.verdict() {
            Verdict::InterfaceGone => parts.push(format!("{} is not there", self.us.gone.join(", "))),
            Verdict::ProxyDown => parts.push("the proxy does not work".to_owned()),
            _ => {}
        }
        parts.push(self.peers());
        let trackers = &self.figures.trackers;
        parts.extend(trackers.iter().take(TRACKERS_SAID_MAX).map(tracker));
        if trackers.len() > TRACKERS_SAID_MAX {
            parts.push(format!("and {} more trackers", trackers.len() - TRACKERS_SAID_MAX));
        }
        parts.extend(self.dht());
        let mut text = parts.join("; ");
        if let Some(help) = self.help() {
            text.push_str(". ");
            text.push_str(&help);
        }
        text
    }

    /// All that is known, a line each; the last says what would help.
    pub fn report(&self) -> Vec<String> {
        let mut lines = vec![format!("why: {}; {}", self.what(), self.peers())];
        lines.extend(SourceKind::ALL.into_iter().filter_map(|kind| self.source(kind)));
        for (way, name) in [(Way::Tcp, "TCP"), (Way::Utp, "uTP"), (Way::Punch, "uTP with a third's help (punch)")] {
            for (family, short) in FAMILIES {
                lines.extend(
                    dialled(self.search.counts.by(way, family)).map(|said| format!("  by {name} {short}: {said}")),
                );
            }
        }
        if self.figures.dials.pending > 0 {
            lines.push(format!("  under way: {} dials", self.figures.dials.pending));
        }
        lines.extend(self.ours().into_iter().map(|said| format!("  this machine: {said}")));
        let wait = || match self.verdict() {
            Verdict::Connected => {
                "It is for the connected peers to give; there is nothing to do here but to wait for them or for others"
            }
            _ => "There is nothing to do yet: those that are known are being tried",
        };
        lines.push(format!("what would help: {}", self.help().unwrap_or_else(|| wait().to_owned())));
        lines
    }

    fn what(&self) -> &'static str {
        match self.figures.state {
            State::Metadata => "the metadata has not come yet",
            _ if self.gives() => "nobody is connected",
            _ => "no data is coming",
        }
    }

    fn peers(&self) -> String {
        let s = &self.figures;
        let connected = self.connected();
        if connected > 0 {
            let has = s.peers.iter().any(|p| p.pieces > 0);
            return match (s.unchoked_us, has, s.state) {
                (_, _, State::Metadata) => format!("{connected} connected peers have not sent it"),
                (_, false, _) if s.seeds > 0 => {
                    format!(
                        "of {connected} connected peers {} give each piece to one peer first, and none came here yet",
                        s.seeds
                    )
                }
                (_, false, _) => format!("none of {connected} connected peers has a piece that is missing here"),
                (0, ..) => format!("all {connected} connected peers keep us waiting for a turn"),
                (n, ..) => format!("{n} of {connected} connected peers would send, but nothing arrives"),
            };
        }
        let (dials, counts) = (s.dials, &self.search.counts);
        if dials.known == 0 && dials.tried == 0 {
            return "no peer is known".to_owned();
        }
        let utp = counts.over(Way::Utp).and(counts.over(Way::Punch));
        let mut how: Vec<String> = Vec::new();
        for (of, by) in [(counts.over(Way::Tcp), "by TCP"), (utp, "by uTP")] {
            how.extend(failures(of).map(|(n, word)| format!("{n} {by} {word}")));
        }
        if dials.pending > 0 {
            how.push(format!("{} under way", dials.pending));
        }
        let tried = counts.all().failed().saturating_add(dials.pending);
        let how = if how.is_empty() { "waiting".to_owned() } else { how.join(", ") };
        format!("no peer connected ({} known, {tried} tried: {how})", dials.known)
    }

    /// What the DHT has to say, in a few words; nothing where there is none for this torrent.
    fn dht(&self) -> Option<String> {
        let dht = self.search.dht.filter(|dht| dht.looks)?;
        let named = self.named(SourceKind::Dht);
        Some(match dht {
            _ if named > 0 => format!("the DHT named {named} peers"),
            DhtSearch { answers: 0, .. } => "no node of the DHT has answered".to_owned(),
            DhtSearch { good: 0, .. } => "no node of the DHT answers any more".to_owned(),
            DhtSearch { good, .. } => format!("the DHT ({good} nodes) knows no other peer"),
        })
    }

    /// The line of one kind of source; of those that come by themselves only where there is something to tell.
    fn source(&self, kind: SourceKind) -> Option<String> {
        let of = self.search.counts.of(kind);
        let name = match kind {
            SourceKind::Tracker => "trackers",
            SourceKind::Dht => "DHT",
            SourceKind::Pex => "PEX",
            SourceKind::Lan => "local network",
            SourceKind::Link => "link",
            SourceKind::User => "named by hand",
            SourceKind::Saved => "saved",
            _ => "came by themselves",
        };
        let answers = match kind {
            SourceKind::Tracker if self.figures.trackers.is_empty() => vec!["there is none".to_owned()],
            SourceKind::Tracker => {
                let mut told: Vec<String> = self.figures.trackers.iter().take(TRACKERS_TOLD_MAX).map(tracker).collect();
                if self.figures.trackers.len() > TRACKERS_TOLD_MAX {
                    told.push(format!("and {} more", self.figures.trackers.len() - TRACKERS_TOLD_MAX));
                }
                told
            }
            SourceKind::Dht => vec![self.dht_answers()],
            SourceKind::Pex | SourceKind::Lan if self.search.private => {
                vec!["not asked, since the torrent is private".to_owned()]
            }
            SourceKind::User | SourceKind::Inbound if of.named == 0 => return None,
            _ => of.last.map(|len| format!("{len} in the last list")).into_iter().collect(),
        };
        let mut line = format!("  {name}: {} named, {} tried, {} reached", of.named, of.tried, of.reached);
        for answer in answers {
            line.push_str("; ");
            line.push_str(&answer);
        }
        Some(line)
    }

    fn dht_answers(&self) -> String {
        let Some(dht) = self.search.dht else { return "it is off".to_owned() };
        if !dht.looks {
            let why = if self.search.private { "the torrent is private" } else { "the torrent is at rest" };
            return format!("not asked, since {why}");
        }
        let last = dht.last.map_or_else(String::new, |(node, peers)| format!("; last {node} named {peers}"));
        format!("{} of {} queries were answered, {} nodes are good{last}", dht.answers, dht.asked, dht.good)
    }

    /// What is true of this machine.
    fn ours(&self) -> Vec<String> {
        let us = &self.us;
        let mut said = Vec::new();
        if !us.gone.is_empty() {
            said.push(format!("bound to {}, which is not there", us.gone.join(", ")));
        }
        if let Some(proxy) = &us.proxy {
            let trouble =
                us.proxy_trouble.as_deref().map_or_else(String::new, |why| format!(", which does not work: {why}"));
            said.push(format!("all goes through {proxy}{trouble}"));
        }
        for vote in &self.search.votes {
            let mut voters: Vec<String> = vote.trackers.iter().take(VOTERS_TOLD_MAX).cloned().collect();
            if vote.trackers.len() > VOTERS_TOLD_MAX {
                voters.push(format!("{} more trackers", vote.trackers.len() - VOTERS_TOLD_MAX));
            }
            if vote.networks > 0 {
                voters.push(format!("{} networks of peers and nodes", vote.networks));
            }
            let believed = if vote.believed { "" } else { " (not believed)" };
            said.push(format!("seen at {}{believed} by {}", vote.ip, voters.join(", ")));
        }
        if self.search.votes.is_empty() {
            said.push("nobody has said at which address it is seen".to_owned());
        }
        said.extend(FAMILIES.into_iter().filter_map(|(family, name)| door(us.of(family), us.port, name)));
        if us.ranges > 0 {
            said.push(format!(
                "{} ranges of addresses are kept out, which concerned {} dials, {} connections, {} packets",
                us.ranges, us.barred.dials, us.barred.accepts, us.barred.packets
            ));
        }
        if us.datagrams.refused > 0 {
            said.push(format!("the system refused to send {} packets of UDP", us.datagrams.refused));
        }
        said
    }
}

/// What a tracker has answered last.
fn tracker(tracker: &TrackerStats) -> String {
    let name = tracker.url.shown();
    match &tracker.last {
        None => format!("{name} has not answered yet"),
        Some(Ok(0)) => format!("{name} knows no other peer"),
        Some(Ok(n)) => format!("{name} named {n} peers"),
        Some(Err(e)) => format!("{name}: {e}"),
    }
}

/// The kinds of failure that there were.
fn failures(of: Dialled) -> impl Iterator<Item = (u32, &'static str)> {
    let kinds = [
        (of.refused, "refused"),
        (of.silent, "silent"),
        (of.unreachable, "unreachable"),
        (of.filtered, "kept out by --filter"),
        (of.closed, "closed in the handshake"),
    ];
    kinds.into_iter().filter(|(n, _)| *n > 0)
}

/// What came of the dials by one way; nothing where there were none.
fn dialled(of: Dialled) -> Option<String> {
    let mut said = format!("{} tried, {} reached", of.tried(), of.reached);
    for (n, word) in failures(of) {
        said.push_str(&format!(", {n} {word}"));
    }
    (of.tried() > 0).then_some(said)
}

/// How others reach us by one family; nothing where we have no way there.
fn door(door: &Door, port: u16, family: &str) -> Option<String> {
    if door.reached == crate::Reached::Absent {
        return None;
    }
    let mapped = match &door.mapping {
        Mapping::Off => "no router was asked".to_owned(),
        Mapping::Asking => "the router is being asked".to_owned(),
        Mapping::Mapped { way, address, tcp, udp } => {
            format!("the router leads {address} port {tcp} (TCP) and {udp} (UDP) here, by {way}")
        }
        Mapping::Failed(why) => format!("no port is mapped (the router at {why})"),
    };
    let came = match (door.unasked.tcp, door.unasked.udp) {
        (true, true) => "strangers came over TCP and UDP",
        (true, false) => "strangers came over TCP, none over UDP",
        (false, true) => "strangers came over UDP, none over TCP",
        (false, false) => "no stranger came over TCP or UDP",
    };
    Some(format!("{family} port {port}: {mapped}; {came}"))
}
