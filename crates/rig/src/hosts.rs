//! Two hosts (own design): the scenario's own network and that of a second host, joined by a cable (a veth pair), each with one address
//! that the other reaches it by, as strangers have. Nothing else can be reached, so programs may keep all of their default settings.
//!
//! The scenario itself stands on the near host, and so does whatever it asks over 127.0.0.1.

use std::process::Command;
use std::time::Duration;

use crate::namespace::Needs;
use crate::process::Process;

/// The far host's address.
pub(crate) const FAR_IP: &str = "198.18.0.2";

/// Holds the far host's network until it is killed.
const HOLD: &str = "ip link set lo up && echo held && exec sleep infinity";

/// Takes from the near host the addresses that [`crate::namespace`] gave it, and lays the cable to the network of that process.
const JOIN: &str = r#"
ip address flush dev lo scope global &&
ip link add eth0 type veth peer name eth0 netns "$1" &&
ip address add 198.18.0.1/30 dev eth0 && ip link set eth0 up &&
nsenter --net="/proc/$1/ns/net" -- sh -c 'ip address add 198.18.0.2/30 dev eth0 && ip link set eth0 up'"#;

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
}

impl Hosts {
    /// Makes a second host. The scenario must run in a namespace of its own, whose addresses give way to those of the cable.
    pub(crate) fn join() -> Self {
        let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", HOLD]));
        holder.wait_line("network of the far host", READY, |line| (line == "held").then_some(()));
        done("cable", Command::new("sh").args(["-c", JOIN, "sh", &holder.id().to_string()]));
        Self { holder }
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

fn done(what: &str, command: &mut Command) {
    let output = command.output().expect("a shell can be started");
    assert!(output.status.success(), "no {what}: {}", String::from_utf8_lossy(&output.stderr));
}
