//! Two hosts, each behind a router of its own that lets in nothing that was not asked for (NAPT, RFC 3022), and a third outside: the namespace that the
//! test runs in.

use std::process::Command;
use std::time::Duration;

use super::process::Process;

/// The address of the third.
pub const THIRD_IP: &str = "198.51.100.1";
/// The addresses of both routers as the world sees them.
pub const OUTSIDE: [&str; 2] = ["198.51.100.2", "198.51.100.6"];
/// The addresses of both hosts behind them.
pub const INSIDE: [&str; 2] = ["10.1.0.2", "10.2.0.2"];

/// What keeps a host, until its end.
const HOLD: &str = "ip link set lo up && echo held && exec sleep 100000";

/// Makes what the third and both routers are on.
const WORLD: &str = "ip link add world type bridge && ip address add 198.51.100.1/24 dev world && ip link set world up";

/// Makes one side: router `$1`, host `$2`, number `$3` (1 or 2), the router's address outside `$4`, and how ports are chosen `$5`.
const SIDE: &str = r#"
at() { nsenter --net="/proc/$1/ns/net" -- sh -c "$2"; } &&
ip link add "w$3" type veth peer name out netns "/proc/$1/ns/net" &&
ip link set "w$3" master world && ip link set "w$3" up &&
at "$1" "ip address add $4/24 dev out && ip link set out up && ip route add default via 198.51.100.1" &&
at "$1" "ip link add in type veth peer name eth0 netns /proc/$2/ns/net && ip address add 10.$3.0.1/24 dev in && ip link set in up" &&
at "$2" "ip address add 10.$3.0.2/24 dev eth0 && ip link set eth0 up && ip route add default via 10.$3.0.1" &&
at "$1" "echo 1 > /proc/sys/net/ipv4/ip_forward" &&
at "$1" "nft add table ip nat && nft 'add chain ip nat post { type nat hook postrouting priority 100; }' &&
nft add rule ip nat post oif out masquerade $5 &&
nft add table ip door && nft 'add chain ip door in { type filter hook input priority 0; policy drop; }' &&
nft add rule ip door in ct state established,related accept && nft add rule ip door in iif in accept &&
nft 'add chain ip door pass { type filter hook forward priority 0; policy drop; }' &&
nft add rule ip door pass ct state established,related accept && nft add rule ip door pass iif in accept""#;

/// Both sides; they end with this.
pub struct Nats {
    hosts: [Process; 2],
    _routers: [Process; 2],
}

impl Nats {
    /// Makes them. With `random` both routers give every connection a port by chance. The scenario must run in a namespace of its own.
    pub fn join(random: bool) -> Self {
        let hold = || {
            let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", HOLD]));
            holder.wait_line("network", Duration::from_secs(30), |line| (line == "held").then_some(()));
            holder
        };
        let (hosts, routers) = ([hold(), hold()], [hold(), hold()]);
        done(Command::new("sh").args(["-c", WORLD]));
        for (n, outside) in OUTSIDE.into_iter().enumerate() {
            let (router, host, number) = (routers[n].id().to_string(), hosts[n].id().to_string(), (n + 1).to_string());
            let ports = if random { "fully-random" } else { "" };
            done(Command::new("sh").args(["-c", SIDE, "sh", &router, &host, &number, outside, ports]));
        }
        Self { hosts, _routers: routers }
    }

    /// What stands before a command that is to run on one of both hosts.
    pub fn host(&self, n: usize) -> [String; 3] {
        ["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.hosts[n].id()), "--".to_owned()]
    }
}

fn done(command: &mut Command) {
    let output = command.output().expect("a shell can be started");
    assert!(output.status.success(), "no routers: {}", String::from_utf8_lossy(&output.stderr));
}
