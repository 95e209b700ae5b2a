//! What the system did not carry of our UDP packets (own design): those that came while a socket's buffer was full, and those that it refused to send. Both
//! look like loss on the way, and are none.
//!
//! What is refused is counted where it is sent. What is dropped the kernel counts for each socket, and Linux tells it in `/proc/net/udp`; it is read when somebody asks,
//! on the asker's thread, and a last time when a socket goes.
use mio::net::UdpSocket;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where the kernel tells of all UDP sockets of a network, a line each.
const TABLES: [&str; 2] = ["/proc/self/net/udp", "/proc/self/net/udp6"];
/// Lines of a table that are read: a machine with more sockets is not told about.
const LINES_MAX: usize = 100_000;
/// Words of a line before the number of a socket, and from there to what was dropped.
const NUMBER: usize = 9;
const DROPPED: usize = 3;

/// Packets of UDP that the system did not carry, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Datagrams {
    /// Packets that came while a socket's buffer was full; `None` where the system does not tell.
    pub dropped: Option<u64>,
    /// Packets that were to be sent and that the system did not take, for any reason but that it had no room for a moment.
    pub refused: u64,
}

/// The account of all sockets of a host.
#[derive(Debug, Default)]
pub(crate) struct Account {
    refused: AtomicU64,
    sockets: Mutex<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    /// The kernel's numbers of those that are open.
    open: Vec<u64>,
    /// What those that are gone had dropped.
    gone: u64,
}

impl Account {
    /// So many packets were refused.
    pub(crate) fn refuses(&self, packets: u64) {
        self.refused.fetch_add(packets, Ordering::Relaxed);
    }

    /// A socket is in use from now on; says its number, by which it goes.
    pub(crate) fn opens(&self, socket: &UdpSocket) -> Option<u64> {
        let number = number(socket)?;
        self.sockets().open.push(number);
        Some(number)
    }

    /// A socket is about to be closed.
    pub(crate) fn closes(&self, number: u64) {
        let last = dropped().and_then(|all| all.get(&number).copied()).unwrap_or(0);
        let mut sockets = self.sockets();
        sockets.open.retain(|open| *open != number);
        sockets.gone += last;
    }

    /// What has come together.
    pub(crate) fn told(&self) -> Datagrams {
        let all = dropped();
        let sockets = self.sockets();
        let of_open = |all: BTreeMap<u64, u64>| sockets.open.iter().map(|number| all.get(number)).sum::<Option<u64>>();
        Datagrams {
            dropped: all.and_then(of_open).map(|open| open + sockets.gone),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn sockets(&self) -> std::sync::MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The kernel's number of a socket.
fn number(socket: &UdpSocket) -> Option<u64> {
    let name = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// What each socket of this network has dropped, by its number; `None` where the system has no such table.
fn dropped() -> Option<BTreeMap<u64, u64>> {
    let mut all = BTreeMap::new();
    let tables: Vec<File> = TABLES.iter().filter_map(|table| File::open(table).ok()).collect();
    for table in &tables {
        let lines = BufReader::new(table).lines().map_while(Result::ok).take(LINES_MAX);
        all.extend(lines.skip(1).filter_map(|line| read(&line)));
    }
    (!tables.is_empty()).then_some(all)
}

/// The number of a line's socket, and what it dropped.
fn read(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_ascii_whitespace().skip(NUMBER);
    let number = words.next()?.parse().ok()?;
    let dropped = words.nth(DROPPED - 1)?.parse().ok()?;
    Some((number, dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_a_number_and_what_was_dropped() {
        let line = "  518: 00000000:1AE1 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 31337 2 0000000000000000 207 ";
        assert_eq!(read(line), Some((31_337, 207)));
        assert_eq!(read("   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"), None);
        assert_eq!(read(""), None);
    }
}
