//! Networks of DHT nodes (BEP 5), each at an address with a network of 24 bits to itself: programs keep one node of such a network. A scenario that makes one
//! runs in a namespace of its own, where all of 198.18.0.0/15 is local.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Job, Running, Seat, Whole};
use crate::clients::{libtorrent, teem};
use crate::content::{self, Shape};
use crate::namespace::apart;
use crate::process::{Process, wait_until};
use crate::torrent::Torrent;

/// Where other programs expect the nodes that they begin with.
pub const NODE_PORT: u16 = 6881;

/// What a node shares, so that it is one: some are silent without.
const SHARED: u64 = 300_000;
/// The length of its pieces.
const PIECE: usize = 64 << 10;
/// Starting a program on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// A node on this machine answers sooner.
const PATIENCE: Duration = Duration::from_millis(200);
/// The address of what looks on.
const ONLOOKER: &str = "198.19.255.1:0";

/// Sessions of libtorrent without torrents, one an address, at the same port; says "ready".
const SESSIONS: &str = r#"
import json, sys, time
import libtorrent as lt
job = json.loads(sys.argv[1])
sessions = [lt.session({
    "listen_interfaces": at, "outgoing_interfaces": at.split(":")[0], "enable_dht": True, "dht_bootstrap_nodes": job["first"],
    "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}) for at in job["at"]]
print("ready", flush=True)
while True:
    time.sleep(60)
"#;

/// One session that fetches a magnet link with all settings as they come; says "begun" before it is made and "metadata" when that is there.
const COLD: &str = r#"
import json, sys
import libtorrent as lt
job = json.loads(sys.argv[1])
params = lt.parse_magnet_uri(job["link"])
params.save_path = job["dir"]
print("begun", flush=True)
session = lt.session({
    "alert_mask": lt.alert.category_t.status_notification, "listen_interfaces": job["at"], "outgoing_interfaces": job["at"].split(":")[0],
    "dht_bootstrap_nodes": job["first"], "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False})
session.add_torrent(params)
while True:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.metadata_received_alert):
            print("metadata", flush=True)
"#;

/// Teem's nodes and libtorrent's; they end with this.
pub struct Network {
    /// Where Teem's nodes are; the first is known to all others.
    pub nodes: Vec<SocketAddr>,
    /// What Teem's nodes share, by their order.
    pub torrents: Vec<Torrent>,
    binary: PathBuf,
    folder: PathBuf,
    _running: Vec<Running>,
    _sessions: Option<Process>,
}

impl Network {
    /// Makes it of so many nodes of that binary of Teem, from `198.18.1.1` on, and so many of libtorrent, from `198.18.100.1` on. It is left to itself until
    /// what Teem's nodes share is announced.
    pub fn start(binary: &Path, folder: &Path, teems: u16, sessions: u16) -> Self {
        let seat = |n: u16| Seat::apart(n, &folder.join(format!("node-{n}")));
        let nodes: Vec<_> = (1..=teems).map(|n| SocketAddr::new(seat(n).ip, NODE_PORT)).collect();
        let torrents: Vec<_> = (1..=teems).map(|n| torrent(folder, &format!("shared-{n}"), u64::from(n))).collect();
        let client = teem::Teem { binary: binary.to_path_buf(), plain: false };
        let start = |n: u16| {
            let (at, torrent) = (seat(n), &torrents[usize::from(n) - 1]);
            let link = torrent.path.to_string_lossy();
            let job = Job { dht: &nodes[..1], ..Job::seed(&link, folder) };
            client.start_at(&at, SocketAddr::new(at.ip, NODE_PORT), &job)
        };
        let running: Vec<Running> = (1..=teems).map(start).collect();
        let at: Vec<_> = (100..100 + sessions).map(|n| SocketAddr::new(apart(n).into(), NODE_PORT)).collect();
        let sessions = (sessions > 0).then(|| {
            let at: Vec<String> = at.iter().map(ToString::to_string).collect();
            let job = json!({ "at": at, "first": nodes[0].to_string() }).to_string();
            let mut process = Process::start(Command::new("python3").args(["-W", "ignore", "-c", SESSIONS, &job]));
            process.wait_line("sessions", READY, |line| (line == "ready").then_some(()));
            process
        });
        let all = [&nodes[..], &at].concat();
        for torrent in &torrents {
            wait_announced(&all, torrent, READY);
        }
        let (binary, folder) = (binary.to_path_buf(), folder.to_path_buf());
        Self { nodes, torrents, binary, folder, _running: running, _sessions: sessions }
    }

    /// How long Teem takes from the start of the program to the metadata of what a node shares, by a magnet link with nothing but its hash and one node, from a
    /// place of that number where it never was.
    pub fn teem_cold(&self, number: u16, torrent: &Torrent, limit: Duration) -> Option<Duration> {
        let home = self.folder.join(format!("cold-{number}"));
        let (out, at) = (home.join("out"), SocketAddr::new(apart(number).into(), NODE_PORT));
        let mut command = Command::new(&self.binary);
        command.args(["get", &bare(torrent), "--json", "--listen", &at.to_string(), "-o"]).arg(out);
        command.args(["--dht-bootstrap", &self.nodes[0].to_string()]).env("TEEM_NO_LSD", "1").env("TEEM_NO_MAP", "1");
        let began = Instant::now();
        let mut running = Seat::at(number, at.ip(), &home).start(&mut command, Whole::Line("-"));
        let is = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|told| told["event"] == "metadata");
        running.process.poll_line(began + limit, |line| is(line).then(|| began.elapsed()))
    }

    /// The same of libtorrent, from before its session is made.
    pub fn libtorrent_cold(&self, number: u16, torrent: &Torrent, limit: Duration) -> Option<Duration> {
        let (dir, at) = (self.folder.join(format!("cold-{number}")), format!("{}:{NODE_PORT}", apart(number)));
        let job =
            json!({ "link": bare(torrent), "dir": dir, "at": at, "first": self.nodes[0].to_string() }).to_string();
        let mut process = Process::start(Command::new("python3").args(["-W", "ignore", "-c", COLD, &job]));
        process.wait_line("session", READY, |line| (line == "begun").then_some(()));
        let began = Instant::now();
        process.poll_line(began + limit, |line| (line == "metadata").then(|| began.elapsed()))
    }

    /// What has to be installed for nodes of libtorrent.
    pub fn sessions_there() -> bool {
        libtorrent::Libtorrent { super_seeds: false }.needs().is_there()
    }
}

/// A magnet link with nothing but the hash.
pub fn bare(torrent: &Torrent) -> String {
    format!("magnet:?xt=urn:btih:{}", torrent.info_hash)
}

/// Content of that name, a little longer than other content, and its torrent.
pub fn torrent(folder: &Path, name: &str, more: u64) -> Torrent {
    content::write(folder, name, Shape::Single, SHARED + more);
    Torrent::create(folder, name, PIECE, &[])
}

/// Waits until one of the nodes tells of a peer of that torrent. All that asks is one node, which says that it answers nobody (BEP 43): some keep everybody
/// who ever asked.
pub fn wait_announced(nodes: &[SocketAddr], torrent: &Torrent, limit: Duration) {
    let socket = UdpSocket::bind(ONLOOKER).expect("an address of this namespace");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
    let digits = torrent.info_hash.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal digits");
    let hash: Vec<u8> = digits.map(byte).collect();
    let head = b"d1:ad2:id20:one that looks at it9:info_hash20:";
    let query = [&head[..], &hash, b"e1:q9:get_peers2:roi1e1:t1:w1:y1:qe"].concat();
    let mut answer = [0; 2048];
    wait_until("announce to a node", limit, || {
        nodes.iter().try_for_each(|node| socket.send_to(&query, node).map(drop)).expect("they are on this machine");
        let answers = nodes.iter().map_while(|_| socket.recv(&mut answer).ok().map(|len| answer[..len].to_vec()));
        // All are read, so that none is taken for an answer to what is asked next.
        let has_peers = |answer: Vec<u8>| answer.windows(9).any(|at| at == b"6:valuesl");
        (answers.filter_map(|answer| has_peers(answer).then_some(())).count() > 0).then_some(())
    });
}
