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
use crate::socks::{Manner, Relay, Socks};

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

/// Counts what goes anywhere but to a proxy in the world at that port, and to its relay at the same.
const COUNT_PAST: &str = r#"
nft 'add chain inet leak past { type filter hook output priority 1; }' &&
nft add rule inet leak past oifname lo accept &&
nft add rule inet leak past meta l4proto ipv6-icmp accept &&
nft add rule inet leak past ip daddr 198.18.9.2 icmp type destination-unreachable accept &&
nft add rule inet leak past ip daddr 198.18.9.2 tcp dport "$1" accept &&
nft add rule inet leak past ip daddr 198.18.9.2 udp dport "$1" accept &&
nft add rule inet leak past counter"#;

/// A proxy that speaks SOCKS5 and HTTP on one port; it wants the name `me` and the password `secret`, and counts what it opened.
const PROXY: &str = r"
import base64, socket, struct, sys, threading
def pump(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data: break
            b.sendall(data)
    except OSError: pass
    for s in (a, b):
        try: s.shutdown(socket.SHUT_RDWR)
        except OSError: pass
def place(host): return '198.18.9.2' if host == 'big.test' else host
def exact(c, n):
    data = b''
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more: raise OSError('end')
        data += more
    return data
def socks(c):
    methods = exact(c, exact(c, 1)[0])
    if 2 not in methods: return c.sendall(b'\x05\xff')
    c.sendall(b'\x05\x02')
    exact(c, 1); user = exact(c, exact(c, 1)[0]); password = exact(c, exact(c, 1)[0])
    if (user, password) != (b'me', b'secret'): return c.sendall(b'\x01\x01')
    c.sendall(b'\x01\x00')
    kind = exact(c, 4)[3]
    if kind == 1: host = socket.inet_ntop(socket.AF_INET, exact(c, 4))
    elif kind == 4: host = socket.inet_ntop(socket.AF_INET6, exact(c, 16))
    else: host = exact(c, exact(c, 1)[0]).decode()
    port = struct.unpack('>H', exact(c, 2))[0]
    try: far = socket.create_connection((place(host), port), 5)
    except OSError: return c.sendall(b'\x05\x05\x00\x01' + bytes(6))
    print('opened', host, port, flush=True)
    c.sendall(b'\x05\x00\x00\x03\x00\x00\x00')
    threading.Thread(target=pump, args=(far, c)).start(); pump(c, far)
def http(c, first):
    head = first
    while not head.endswith(b'\r\n\r\n'): head += exact(c, 1)
    if base64.b64encode(b'me:secret') not in head: return c.sendall(b'HTTP/1.1 407 Who\r\n\r\n')
    host, port = head.split()[1].decode().rsplit(':', 1)
    try: far = socket.create_connection((place(host.strip('[]')), int(port)), 5)
    except OSError: return c.sendall(b'HTTP/1.1 502 No\r\n\r\n')
    print('opened', host, port, flush=True)
    c.sendall(b'HTTP/1.1 200 Yes\r\n\r\n')
    threading.Thread(target=pump, args=(far, c)).start(); pump(c, far)
def serve(c):
    try:
        first = exact(c, 1)
        socks(c) if first == b'\x05' else http(c, first)
    except OSError: pass
    finally: c.close()
s = socket.create_server(('198.18.9.2', int(sys.argv[1])))
print('serving', flush=True)
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
";

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
        # One connection may bring several questions.
        while len(head := self.rfile.read(2)) == 2:
            a = answer(self.rfile.read(struct.unpack('>H', head)[0]), True)
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

    /// Counts from now on what goes anywhere but to a proxy in the world at that port.
    pub fn watch_past(&self, port: u16) {
        done("count", Command::new("sh").args(["-c", COUNT_PAST, "sh", &port.to_string()]));
    }

    /// A proxy in the world that has a relay at its own port, and dies with the value. It wants the name `me` and the password `secret`.
    pub fn socks(&self, port: u16, relay: Relay) -> Socks {
        let far = FAR_IP.parse().expect("an address");
        let (user, names) = (Some(("me", "secret")), vec![("big.test", far)]);
        Socks::serve(Manner { at: (far, port).into(), user, relay, names }, Some(self.holder.id()))
    }

    /// Packets that went past the proxy so far.
    pub fn past(&self) -> u64 {
        self.counted("past")
    }

    /// A proxy in the world, which ends with the value. It wants the name `me` and the password `secret`.
    pub fn proxy(&self, port: u16) -> Process {
        let mut proxy = Process::start(self.command("python3").args(["-c", PROXY, &port.to_string()]));
        proxy.wait_line("proxy", READY, |line| (line == "serving").then_some(()));
        proxy
    }

    /// Packets that programs have sent by `other0` so far.
    pub fn leaked(&self) -> u64 {
        self.counted("out")
    }

    #[allow(clippy::unused_self)] // what counts is there with the cables
    fn counted(&self, chain: &str) -> u64 {
        let output = Command::new("nft").args(["list", "chain", "inet", "leak", chain]).output().expect("nft runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let count = text.split("packets ").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in {text}"))
    }
}

fn done(what: &str, command: &mut Command) {
    let output = command.output().expect("a shell can be started");
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}
