//! Two hosts (own design): the scenario's own network and that of a second host, joined by a cable (a veth pair), each with one address
//! that the other reaches it by, as strangers have. Nothing else can be reached, so programs may keep all of their default settings. Instead of the cable there may be
//! a [`Relay`], which is a line of some rate and length.
//!
//! The scenario itself stands on the near host, and so does whatever it asks over 127.0.0.1.

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use crate::line::Nature;
use crate::namespace::Needs;
use crate::process::Process;
use crate::relay::{Passed, Relay, Side};

/// The near host's address.
pub(crate) const NEAR_IP: &str = "198.18.0.1";
/// The far host's address.
pub(crate) const FAR_IP: &str = "198.18.0.2";

/// Holds the far host's network until it is killed.
const HOLD: &str = "ip link set lo up && echo held && exec sleep infinity";

/// The same for an end of a relay, whose loopback device stays down: a packet socket would hear it.
const HOLD_END: &str = "echo held && exec sleep infinity";

/// Takes from the near host the addresses that [`crate::namespace`] gave it, and lays the cable to the network of that process.
const JOIN: &str = r#"
ip address flush dev lo scope global &&
ip link add eth0 type veth peer name eth0 netns "$1" &&
ip address add 198.18.0.1/30 dev eth0 && ip link set eth0 up &&
nsenter --net="/proc/$1/ns/net" -- sh -c 'ip address add 198.18.0.2/30 dev eth0 && ip link set eth0 up'"#;

/// The same, with a cable from each host to a namespace of the relay's that has nothing else and says nothing. The hosts cut what they send into frames.
const JOIN_BY_RELAY: &str = r#"
end() { nsenter --net="/proc/$1/ns/net" -- sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link set port up'; }
ip address flush dev lo scope global &&
ip link add eth0 type veth peer name port netns "$2" && end "$2" &&
ip address add 198.18.0.1/30 dev eth0 && ip link set eth0 gso_max_segs 1 up &&
nsenter --net="/proc/$1/ns/net" -- sh -c 'ip link add eth0 type veth peer name port netns "$1"' sh "$3" && end "$3" &&
nsenter --net="/proc/$1/ns/net" -- sh -c 'ip address add 198.18.0.2/30 dev eth0 && ip link set eth0 gso_max_segs 1 up'"#;

/// Has a firewall on the near host let in only what belongs to what was begun there.
const SHUT: &str = "
nft add table inet door &&
nft 'add chain inet door in { type filter hook input priority 0; policy drop; }' &&
nft add rule inet door in iif lo accept &&
nft add rule inet door in ct state established,related accept";

/// How long it may take to start a shell.
const READY: Duration = Duration::from_secs(30);

/// The far host; its network ends with this.
pub(crate) struct Hosts {
    holder: Process,
    relay: Option<(Relay, [Process; 2])>,
}

impl Hosts {
    /// Makes a second host. The scenario must run in a namespace of its own, whose addresses give way to those of the cable.
    pub(crate) fn join() -> Self {
        let holder = held(HOLD);
        done("cable", Command::new("sh").args(["-c", JOIN, "sh", &holder.id().to_string()]));
        Self { holder, relay: None }
    }

    /// The same with a line of that nature between them.
    pub(crate) fn join_by_relay(nature: Nature) -> Self {
        let (holder, ends) = (held(HOLD), [held(HOLD_END), held(HOLD_END)]);
        let ids = [&holder, &ends[0], &ends[1]].map(|process| process.id().to_string());
        done("cables", Command::new("sh").args(["-c", JOIN_BY_RELAY, "sh"]).args(ids));
        let network = |of: &str| File::open(format!("/proc/{of}/ns/net")).expect("a running process has a network");
        let of = |process: &Process| network(&process.id().to_string());
        let near = Side { host: network("thread-self"), other: FAR_IP, end: of(&ends[0]) };
        let far = Side { host: of(&holder), other: NEAR_IP, end: of(&ends[1]) };
        let relay = Relay::start([near, far], nature);
        Self { holder, relay: Some((relay, ends)) }
    }

    /// Ends the relay, if there is one, and says what passed.
    pub(crate) fn part(&mut self) -> Option<Passed> {
        self.relay.take().map(|(relay, _ends)| relay.stop())
    }

    /// What [`Self::shut`] needs.
    pub(crate) const SHUT_NEEDS: Needs = Needs::Command("nft", "--version");

    /// From now on nobody gets through to the near host from outside, without a word; what is dialled from there gets out, and is answered.
    #[allow(clippy::unused_self)] // the near host is the one that we are on, once there are two
    pub(crate) fn shut(&self) {
        done("firewall", Command::new("sh").args(["-c", SHUT]));
    }

    /// What stands before a command that is to run on the far host.
    pub(crate) fn far(&self) -> [String; 3] {
        ["nsenter".to_string(), format!("--net=/proc/{}/ns/net", self.holder.id()), "--".to_string()]
    }
}

/// A network that lasts as long as the process.
fn held(hold: &str) -> Process {
    let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", hold]));
    holder.wait_line("network", READY, |line| (line == "held").then_some(()));
    holder
}

fn done(what: &str, command: &mut Command) {
    let output = command.output().expect("a shell can be started");
    assert!(output.status.success(), "no {what}: {}", String::from_utf8_lossy(&output.stderr));
}
