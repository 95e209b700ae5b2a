//! Two ways out (own design): the scenario's own network and that of the world, joined by two cables. What may be used is called `vpn0`, and what may not
//! `other0`; the system's routes prefer the latter, as they do where a tunnel has ended. Packets that leave by `other0` are counted.
//!
//! In the world a name server answers for `tracker.test` (an address that is dead, the good one, and dead ones of IPv6) and, by TCP alone, for `big.test`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::namespace::Needs;
use crate::process::Process;

/// The world's address behind `vpn0`.
pub const FAR_IP: &str = "198.18.9.2";
/// Our address on `vpn0`.
pub const NEAR_IP: &str = "198.18.9.1";
/// What it needs beside namespaces.
pub const NEEDS: [Needs; 2] = [Needs::Command("nft", "--version"), Needs::Python("socketserver")];

/// Holds the world's network until it is killed.
const HOLD: &str = "ip link set lo up && echo held && exec sleep infinity";

/// Lays the cable of one name: `$1` the world's process, `$2` the name, `$3` the network of IPv4 and IPv6, `$4` the metric.
const CABLE: &str = r#"
ip link add "$2" type veth peer name "$2" netns "$1" &&
nsenter --net="/proc/$1/ns/net" -- sh -c "
  ip address add 198.18.$3.2/24 dev $2 && ip -6 address add fd00:$3::2/64 dev $2 nodad && ip link set $2 up" &&
ip address add "198.18.$3.1/24" dev "$2" && ip -6 address add "fd00:$3::1/64" dev "$2" nodad && ip link set "$2" up &&
ip route add default via "198.18.$3.2" dev "$2" metric "$4" &&
ip -6 route add default via "fd00:$3::2" dev "$2" metric "$4""#;

/// Counts what leaves by `other0`; what the kernel itself says to its neighbours (RFC 4861) is no packet of a program's.
const COUNT: &str = "
nft add table inet leak &&
nft 'add chain inet leak out { type filter hook output priority 0; }' &&
nft add rule inet leak out oifname other0 meta l4proto != ipv6-icmp counter";

const NAME_SERVER: &str = r"
import socket, socketserver, struct, threading
A = {b'\x07tracker\x04test\x00': [b'\xcb\x00\x71\x07', bytes([198, 18, 9, 2])],
     b'\x03big\x04test\x00': [bytes([198, 18, 9, 2])]}
AAAA = {b'\x07tracker\x04test\x00': [bytes.fromhex('20010db8000000000000000000000007')]}
def answer(q, tcp):
    end = q.index(b'\x00', 12) + 1
    name, kind = q[12:end].lower(), struct.unpack('>H', q[end:end + 2])[0]
    there = (A if kind == 1 else AAAA).get(name, [])
    flags = 0x8180 if name in A else 0x8183
    if name.startswith(b'\x03big') and not tcp: flags, there = flags | 0x0200, []
    records = b''.join(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 60, len(a)) + a for a in there)
    return q[:2] + struct.pack('>HHHHH', flags, 1, len(there), 0, 0) + q[12:end + 4] + records
class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        print('asked', data[12:].split(b'\x00')[0], self.client_address, flush=True)
        sock.sendto(b'\xff\xff' + answer(data, False)[2:], self.client_address)
        sock.sendto(answer(data, False), self.client_address)
class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        n = struct.unpack('>H', self.rfile.read(2))[0]
        a = answer(self.rfile.read(n), True)
        self.wfile.write(struct.pack('>H', len(a)) + a)
socketserver.TCPServer.allow_reuse_address = True
threading.Thread(target=socketserver.ThreadingUDPServer(('198.18.9.2', 53), Udp).serve_forever).start()
threading.Thread(target=socketserver.ThreadingTCPServer(('198.18.9.2', 53), Tcp).serve_forever).start()
print('serving', flush=True)
";

/// How long it may take to start a program.
const READY: Duration = Duration::from_secs(30);

/// The world; its network ends with this.
pub struct TwoWays {
    holder: Process,
    /// What is kept running there.
    running: Vec<Process>,
}

impl TwoWays {
    /// Makes the world and lays both cables. The scenario must run in a namespace of its own, whose addresses and files of names give way.
    pub fn lay(folder: &Path) -> Self {
        let mut holder = Process::start(Command::new("unshare").args(["-n", "sh", "-c", HOLD]));
        holder.wait_line("network of the world", READY, |line| (line == "held").then_some(()));
        done("addresses", Command::new("sh").args(["-c", "ip address flush dev lo scope global"]));
        let mut world = Self { holder, running: Vec::new() };
        world.cable("vpn0");
        world.cable("other0");
        done("count", Command::new("sh").args(["-c", COUNT]));
        for (file, text) in
            [("resolv.conf", format!("nameserver {FAR_IP}\n")), ("hosts", "127.0.0.1 localhost\n".into())]
        {
            let ours = folder.join(file);
            fs::write(&ours, text).expect("the folder is writable");
            done(file, Command::new("mount").arg("--bind").arg(&ours).arg(format!("/etc/{file}")));
        }
        let mut names = world.command("python3");
        let mut names = Process::start(names.args(["-c", NAME_SERVER]));
        names.wait_line("name server", READY, |line| (line == "serving").then_some(()));
        world.running.push(names);
        world
    }

    /// Lays a cable (again).
    pub fn cable(&self, name: &str) {
        let (net, metric) = if name == "vpn0" { ("9", "200") } else { ("8", "100") };
        done(name, Command::new("sh").args(["-c", CABLE, "sh", &self.holder.id().to_string(), name, net, metric]));
    }

    /// Takes a cable away.
    pub fn cut(&self, name: &str) {
        done(name, Command::new("ip").args(["link", "delete", name]));
    }

    /// Sets the near end of a cable down; its routes are lost with it.
    pub fn down(&self, name: &str) {
        done(name, Command::new("ip").args(["link", "set", name, "down"]));
    }

    /// Sets the near end of `vpn0` up, with its routes.
    pub fn up(&self) {
        let up = "ip link set vpn0 up && ip route replace default via 198.18.9.2 dev vpn0 metric 200";
        done("vpn0", Command::new("sh").args(["-c", up]));
    }

    /// A command that runs `program` in the world.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).arg("--").arg(program);
        command
    }

    /// Packets that programs have sent by `other0` so far.
    pub fn leaked(&self) -> u64 {
        let output = Command::new("nft").args(["list", "chain", "inet", "leak", "out"]).output().expect("nft runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let count = text.split("packets ").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in {text}"))
    }
}

fn done(what: &str, command: &mut Command) {
    let output = command.output().expect("a shell can be started");
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}
