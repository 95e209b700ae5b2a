//! A home behind a router (own design): the scenario's own network is the world, and behind a router of its own lies a home network with one machine. The
//! router masks the home's addresses, and lets nothing in that nobody asked for, as those that people buy do.
//!
//! ```text
//!   world (the scenario's network)      router                    home
//!   11.0.0.5  ------------------  11.0.0.1 | 10.0.0.1  -------- 10.0.0.7
//! ```
//! What the world listens on 198.18.0.0/15 is reached from the home, as other hosts are. With [`Router::with_v6`] the home has an address of IPv6 too, which the
//! world sees, and the same firewall stands before it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::namespace::Needs;
use crate::process::{Process, wait_until};

/// The router's address in the world.
pub const OUTSIDE_IP: &str = "11.0.0.1";

/// Holds a network until it is killed.
const HOLD: &str = "ip link set lo up && echo held && exec sleep infinity";

/// Lays the cables from the world to the router's network and from there to the home's.
const JOIN: &str = r#"
at() { nsenter --net="/proc/$1/ns/net" -- sh -ec "$2"; }
ip link add world type veth peer name out0 netns "$1" &&
ip address add 11.0.0.5/24 dev world && ip link set world up &&
ip link add in0 netns "$1" type veth peer name eth0 netns "$2" &&
at "$1" 'ip address add 11.0.0.1/24 dev out0; ip link set out0 up; ip route add default via 11.0.0.5
  ip address add 10.0.0.1/24 dev in0; ip link set in0 up; echo 1 > /proc/sys/net/ipv4/ip_forward' &&
at "$2" 'ip address add 10.0.0.7/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.0.1'"#;

/// The address of IPv6 at home.
pub const HOME_V6: &str = "2001:db8:7::7";

/// The same in the world.
pub const WORLD_V6: &str = "2001:db8:1::5";

/// Gives the world, the router and the home addresses of IPv6, and the ways between them.
const JOIN_V6: &str = r#"
at() { nsenter --net="/proc/$1/ns/net" -- sh -ec "$2"; }
ip address add 2001:db8:1::5/64 dev world nodad && ip route add 2001:db8:7::/64 via 2001:db8:1::1 &&
at "$1" 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
  ip address add 2001:db8:1::1/64 dev out0 nodad; ip route add default via 2001:db8:1::5
  ip address add 2001:db8:7::1/64 dev in0 nodad; ip address add fe80::1/64 dev in0 nodad' &&
at "$2" 'ip address add 2001:db8:7::7/64 dev eth0 nodad; ip route add default via fe80::1 dev eth0'"#;

/// The router's firewall, with the chains that miniupnpd writes into.
const RULES: &str = "table inet filter {
  chain in { type filter hook input priority 0; policy accept; }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname in0 accept
    jump miniupnpd
  }
  chain miniupnpd { }
  chain pre { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain post { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname out0 masquerade; }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}";

/// How long it may take to start something small.
const READY: Duration = Duration::from_secs(30);

/// By what miniupnpd is to be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// All that it can.
    Pcp,
    /// NAT-PMP and UPnP: packets of PCP are lost.
    NatPmp,
    /// UPnP, and neither of the others.
    Upnp,
}

/// The router and the home behind it; they end with this.
pub struct Router {
    router: Process,
    home: Process,
}

impl Router {
    /// What [`Self::stand`] needs.
    pub const NEEDS: Needs = Needs::Command("nft", "--version");
    /// What [`Self::miniupnpd`] needs besides.
    pub const MINIUPNPD: Needs = Needs::Command("miniupnpd", "--version");

    /// Makes both networks. The scenario must run in a namespace of its own.
    pub fn stand() -> Self {
        let hold = || {
            let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", HOLD]));
            holder.wait_line("a network", READY, |line| (line == "held").then_some(()));
            holder
        };
        let this = Self { router: hold(), home: hold() };
        let ids = [this.router.id().to_string(), this.home.id().to_string()];
        done("cables", Command::new("sh").args(["-c", JOIN, "sh", &ids[0], &ids[1]]));
        this.rule(RULES);
        this
    }

    /// The same with addresses of IPv6 too.
    pub fn with_v6() -> Self {
        let this = Self::stand();
        let ids = [this.router.id().to_string(), this.home.id().to_string()];
        done("ways of IPv6", Command::new("sh").args(["-c", JOIN_V6, "sh", &ids[0], &ids[1]]));
        this
    }

    /// Adds to the router's firewall.
    fn rule(&self, rules: &str) {
        let [nsenter, net, end] = self.router();
        done("firewall", Command::new(nsenter).args([&net, &end, "nft", rules]));
    }

    /// The router's firewall as it is.
    pub fn rules(&self) -> String {
        let [nsenter, net, end] = self.router();
        let listed = Command::new(nsenter).args([&net, &end, "nft", "list", "ruleset"]).output();
        String::from_utf8_lossy(&listed.expect("nft can be started").stdout).into_owned()
    }

    /// What stands before a command that is to run on the router.
    pub fn router(&self) -> [String; 3] {
        within(&self.router)
    }

    /// What stands before a command that is to run at home.
    pub fn home(&self) -> [String; 3] {
        within(&self.home)
    }

    /// Starts miniupnpd on the router, with its files in `folder`.
    pub fn miniupnpd(&self, folder: &Path, speaks: Speaks) -> Process {
        let nat_pmp = if speaks == Speaks::Upnp { "no" } else { "yes" };
        let folder = folder.display();
        let text = format!(
            "ext_ifname=out0\nlistening_ip=in0\nenable_natpmp={nat_pmp}\nenable_upnp=yes\nsecure_mode=yes\nhttp_port=5000\n\
             uuid=00000000-0000-0000-0000-000000000001\nupnp_table_name=filter\nupnp_nat_table_name=filter\n\
             lease_file={folder}/leases\nallow 1024-65535 10.0.0.0/24 1024-65535\n"
        );
        let (config, pid) = (format!("{folder}/miniupnpd.conf"), format!("{folder}/miniupnpd.pid"));
        std::fs::write(&config, text).expect("the folder is writable");
        if speaks == Speaks::NatPmp {
            self.rule("add rule inet filter in udp dport 5351 udp length 68 drop"); // sixty bytes and the head
        }
        let [nsenter, net, end] = self.router();
        let mut command = Command::new(nsenter);
        command.args([&net, &end, "miniupnpd", "-d", "-f", &config, "-P", &pid]);
        let daemon = Process::start(&mut command);
        // It speaks on standard error.
        wait_until("miniupnpd", READY, || daemon.log().contains("HTTP listening").then_some(()));
        daemon
    }
}

fn within(holder: &Process) -> [String; 3] {
    ["nsenter".to_string(), format!("--net=/proc/{}/ns/net", holder.id()), "--".to_string()]
}

fn done(what: &str, command: &mut Command) {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "no {what}: {}", String::from_utf8_lossy(&output.stderr));
}
