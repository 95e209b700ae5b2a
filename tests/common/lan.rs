//! Two hosts in one local network of private addresses, joined by a cable (RFC 1918, RFC 4193): the near one is the namespace that the test runs in.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use super::process::Process;

/// The address of the near host.
pub const NEAR_IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 1));
/// The address of the far host.
pub const FAR_IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 2));

/// A network of public addresses: the near host is its first, the far one its second.
pub const PUBLIC: &str = "198.51.100";

/// What keeps the far host, until its end.
const HOLD: &str = "ip link set lo up && echo held && exec sleep 100000";

/// Makes the cable. The addresses of the near host that are no private ones give way, so that everybody leaves from the private one.
const JOIN: &str = r#"
ip address flush dev lo && ip link set lo up && ip address add 127.0.0.1/8 dev lo &&
ip link add lan0 type veth peer name lan1 netns "/proc/$1/ns/net" &&
ip address add $2.1/24 dev lan0 && ip link set lan0 up multicast on && ip route add default dev lan0 &&
nsenter --net="/proc/$1/ns/net" -- sh -c "
ip address add $2.2/24 dev lan1 && ip link set lan1 up multicast on && ip route add default dev lan1""#;

/// The far host; it ends with this.
pub struct Lan(Process);

impl Lan {
    /// Makes the second host. The scenario must run in a namespace of its own.
    pub fn join() -> Self {
        Self::on("10.77.0")
    }

    /// The same in a network of public addresses.
    pub fn in_public() -> Self {
        Self::on(PUBLIC)
    }

    fn on(network: &str) -> Self {
        let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", HOLD]));
        holder.wait_line("network", Duration::from_secs(30), |line| (line == "held").then_some(()));
        let output =
            Command::new("sh").args(["-c", JOIN, "sh", &holder.id().to_string(), network]).output().expect("a shell");
        assert!(output.status.success(), "no cable: {}", String::from_utf8_lossy(&output.stderr));
        Self(holder)
    }

    /// What stands before a command that is to run on the far host.
    pub fn far(&self) -> [String; 3] {
        ["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.0.id()), "--".to_owned()]
    }
}
