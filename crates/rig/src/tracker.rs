//! What every tracker is asked for: to serve one torrent at an address; and how it is asked how many seeds it knows (scrape
//! of BEP 15 and 48). A new tracker is one file in [`crate::trackers`] and a line in its list.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::http;
use crate::namespace::{Needs, V6_ADDRESSES};
use crate::process::{Process, wait_until};
use crate::setting::{Family, Protocol};
use crate::{TRACKER_IP, TRACKER_PORT};

/// How long an answer to one packet is waited for.
const ANSWER: Duration = Duration::from_millis(500);
/// How long one may take to start.
const READY: Duration = Duration::from_secs(30);
/// First words of a UDP tracker's protocol (BEP 15).
const MAGIC: [u8; 8] = 0x0417_2710_1980_u64.to_be_bytes();

/// One torrent at one tracker.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// How it is asked.
    pub protocol: Protocol,
    /// Where it listens.
    pub at: SocketAddr,
    /// The info-hash, in hexadecimal digits.
    pub info_hash: String,
}

impl Swarm {
    /// Where trackers listen.
    pub fn place(family: Family) -> SocketAddr {
        match family {
            // INVARIANT: a constant
            Family::V4 => SocketAddr::new(TRACKER_IP.parse::<Ipv4Addr>().expect("an address").into(), TRACKER_PORT),
            Family::V6 => SocketAddr::new(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, V6_ADDRESSES).into(), TRACKER_PORT),
        }
    }

    /// The announce URL of a tracker there.
    pub fn url(protocol: Protocol, at: SocketAddr) -> String {
        let scheme = if protocol == Protocol::Http { "http" } else { "udp" };
        format!("{scheme}://{at}/announce")
    }

    /// How many seeds it knows; none when it does not answer.
    pub fn seeds(&self) -> Option<u32> {
        match self.protocol {
            Protocol::Http => self.scraped("complete"),
            Protocol::Udp => self.seeds_by_udp().ok(),
        }
    }

    /// Waits until it knows a seed.
    pub fn wait_seed(&self, limit: Duration) {
        wait_until("seed that the tracker knows", limit, || self.seeds().filter(|seeds| *seeds > 0));
    }

    /// Waits until somebody has announced to it, which must speak HTTP.
    pub fn wait_peer(&self, limit: Duration) {
        let peers = || Some(self.scraped("complete")? + self.scraped("incomplete")?);
        wait_until("peer that the tracker knows", limit, || peers().filter(|peers| *peers > 0));
    }

    fn hash_bytes(&self) -> Vec<u8> {
        let pairs = self.info_hash.as_bytes().chunks(2);
        pairs.filter_map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).ok()).collect()
    }

    /// A count of the tracker's answer to a scrape (BEP 48).
    fn scraped(&self, key: &str) -> Option<u32> {
        let hash: String = self.hash_bytes().iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let answer = http::request(&self.at.to_string(), &format!("/scrape?info_hash={hash}"), &[], None).ok()?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let digits = body.split(&format!("{}:{key}i", key.len())).nth(1);
        let digits = digits.map(|rest| rest.split('e').next().unwrap_or_default().to_string());
        digits.map_or(Some(0), |digits| digits.parse().ok())
    }

    fn seeds_by_udp(&self) -> io::Result<u32> {
        let any: SocketAddr =
            if self.at.is_ipv6() { (Ipv6Addr::UNSPECIFIED, 0).into() } else { (Ipv4Addr::UNSPECIFIED, 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(self.at)?;
        socket.set_read_timeout(Some(ANSWER))?;
        let mut answer = [0; 64];
        let short = || io::Error::new(io::ErrorKind::InvalidData, "a short answer");
        socket.send(&[&MAGIC[..], &[0; 4], &[7; 4]].concat())?;
        let read = socket.recv(&mut answer)?;
        let connection = answer[..read].get(8..16).ok_or_else(short)?.to_vec();
        socket.send(&[&connection[..], &[0, 0, 0, 2], &[8; 4], &self.hash_bytes()].concat())?;
        let read = socket.recv(&mut answer)?;
        let four = answer[..read].get(8..12).filter(|_| answer[3] == 2).ok_or_else(short)?;
        Ok(four.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}

/// A tracker that can be started with one torrent to serve.
pub trait Tracker: Sync {
    /// The name that is typed.
    fn name(&self) -> &'static str;

    /// What has to be installed for that protocol.
    fn needs(&self, protocol: Protocol) -> Needs;

    /// As it tells itself; empty when it cannot be asked.
    fn version(&self) -> String;

    /// Why it cannot do what is asked, if so.
    fn cannot(&self, _protocol: Protocol, _family: Family) -> Option<&'static str> {
        None
    }

    /// The command that serves the swarm; `folder` is its own and empty.
    fn command(&self, swarm: &Swarm, folder: &Path) -> Command;

    /// Starts it and waits until it answers.
    fn start(&self, swarm: &Swarm, folder: &Path) -> Process {
        std::fs::create_dir_all(folder).expect("the folder is writable");
        let mut process = Process::start(&mut self.command(swarm, folder));
        wait_until("answer from the tracker", READY, || {
            process.assert_runs();
            swarm.seeds()
        });
        process
    }
}
