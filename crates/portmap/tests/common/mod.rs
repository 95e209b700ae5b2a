//! A router that answers as it is told to, and a mapper that is led over virtual time beside it.
#![allow(dead_code)] // each test binary compiles all of this and uses its part
#![allow(unreachable_pub)] // same: `pub` means "for the tests"

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use teem_portmap::{Act, Event, Gateway, HttpAnswer, Mapped, Mapper, Network, RequestId};

pub const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const OUTSIDE: &str = "203.0.113.9";
pub const PORT: u16 = 21_473;
/// How long a packet takes.
pub const WAY: Duration = Duration::from_millis(2);

/// How the router takes requests for ports over HTTP: the body in, status and error out.
type Soap = Box<dyn FnMut(&str) -> Result<String, u16>>;

/// What a router speaks, and how.
pub struct Router {
    pub pcp: bool,
    pub nat_pmp: bool,
    pub upnp: bool,
    /// PCP's and NAT-PMP's result; 0 is success.
    pub result: u8,
    /// The most seconds that it gives.
    pub lifetime_s: u32,
    /// Which port outside is given for protocol and suggestion.
    pub port: Box<dyn FnMut(u8, u16) -> u16>,
    /// When it was started.
    pub since: Duration,
    /// Where it says that it is described.
    pub location: String,
    pub soap: Soap,
    /// Its memory: protocol, port outside, the last of each.
    pub mapped: Vec<(u8, u16)>,
    /// Requests as they came.
    pub asked: Vec<String>,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            pcp: false,
            nat_pmp: false,
            upnp: false,
            result: 0,
            lifetime_s: 7_200,
            port: Box::new(|_, suggested| suggested),
            since: Duration::ZERO,
            location: format!("http://{ROUTER}:5000/desc.xml"),
            soap: Box::new(|_| Ok(String::new())),
            mapped: Vec::new(),
            asked: Vec::new(),
        }
    }
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("its length"))
}

fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes(bytes.try_into().expect("its length"))
}

impl Router {
    fn note(&mut self, protocol: u8, port: u16, lifetime_s: u32) {
        self.mapped.retain(|(of, _)| *of != protocol);
        if lifetime_s > 0 {
            self.mapped.push((protocol, port));
        }
    }

    fn direct(&mut self, now: Duration, bytes: &[u8]) -> Vec<u8> {
        let epoch = u32::try_from(now.saturating_sub(self.since).as_secs()).expect("no century").to_be_bytes();
        if bytes[0] == 2 && !self.pcp || bytes[0] == 0 && !self.nat_pmp {
            let version = if self.pcp { 2 } else { 0 };
            return [&[version, bytes[1] | 0x80, 0, 1][..], &epoch].concat();
        }
        if bytes[0] == 2 {
            assert_eq!((bytes.len(), bytes[1]), (60, 1));
            let (asked, protocol, inside) = (be32(&bytes[4..8]), bytes[36], be16(&bytes[40..42]));
            self.asked.push(format!("pcp {protocol} {inside} {} {asked}", be16(&bytes[42..44])));
            let port = (self.port)(protocol, be16(&bytes[42..44]));
            let life = asked.min(self.lifetime_s);
            if self.result == 0 {
                self.note(protocol, port, life);
            }
            let mut out = bytes.to_vec();
            (out[1], out[3]) = (0x81, self.result);
            out[4..8].copy_from_slice(&life.to_be_bytes());
            out[8..24].fill(0);
            out[8..12].copy_from_slice(&epoch);
            out[42..44].copy_from_slice(&port.to_be_bytes());
            out[44..60].copy_from_slice(&OUTSIDE.parse::<Ipv4Addr>().expect("an address").to_ipv6_mapped().octets());
            return out;
        }
        if bytes.len() == 2 {
            let ip = OUTSIDE.parse::<Ipv4Addr>().expect("an address").octets();
            return [&[0, 128, 0, self.result][..], &epoch, &ip].concat();
        }
        let (inside, suggested, asked) = (be16(&bytes[4..6]), be16(&bytes[6..8]), be32(&bytes[8..12]));
        let protocol = if bytes[1] == 1 { 17 } else { 6 };
        self.asked.push(format!("natpmp {protocol} {inside} {suggested} {asked}"));
        let port = if asked == 0 { 0 } else { (self.port)(protocol, suggested) };
        let life = asked.min(self.lifetime_s);
        if self.result == 0 {
            self.note(protocol, port, life);
        }
        let (inside, port, life) = (inside.to_be_bytes(), port.to_be_bytes(), life.to_be_bytes());
        [&[0, bytes[1] + 128, 0, self.result][..], &epoch, &inside, &port, &life].concat()
    }

    fn post(&mut self, action: &str, body: &str) -> HttpAnswer {
        let action = action.rsplit('#').next().expect("a name").trim_end_matches('"');
        let value = |name: &str| {
            let text = body.split(&format!("<{name}>")).nth(1)?;
            text.split('<').next().map(str::to_owned)
        };
        let (port, protocol) = (value("NewExternalPort"), value("NewProtocol"));
        let mut words = vec![action.to_owned()];
        words.extend(protocol.clone());
        words.extend(port.clone());
        words.extend(value("NewLeaseDuration"));
        // The arguments of the firewall's service.
        words.extend(
            ["Protocol", "InternalClient", "InternalPort", "LeaseTime", "UniqueID", "NewLeaseTime"]
                .iter()
                .filter_map(|of| value(of)),
        );
        let said = words.join(" ");
        self.asked.push(said.clone());
        let inner = match (self.soap)(&said) {
            Ok(_) if action == "GetExternalIPAddress" => {
                format!("<NewExternalIPAddress>{OUTSIDE}</NewExternalIPAddress>")
            }
            Ok(text) => {
                if let (Some(port), Some(protocol)) = (port, protocol) {
                    let life = u32::from(action == "AddPortMapping");
                    self.note(if protocol == "TCP" { 6 } else { 17 }, port.parse().expect("a number"), life);
                }
                text
            }
            Err(code) => {
                let body = format!("<E><UPnPError><errorCode>{code}</errorCode></UPnPError></E>").into_bytes();
                return HttpAnswer { status: 500, body };
            }
        };
        HttpAnswer { status: 200, body: format!("<E>{inner}</E>").into_bytes() }
    }
}

const DESCRIPTION: &str = "<root xmlns='urn:schemas-upnp-org:device-1-0'><device><serviceList><service>\
    <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/ctl</controlURL></service><service>\
    <serviceType>urn:schemas-upnp-org:service:WANIPv6FirewallControl:1</serviceType><controlURL>/ctl</controlURL></service></serviceList>\
    </device></root>";

enum Coming {
    Packet(SocketAddr, Vec<u8>),
    Answer(RequestId, HttpAnswer),
}

/// The mapper, the router, and what is on its way between them.
pub struct Lab {
    pub router: Router,
    pub mapper: Mapper,
    pub now: Duration,
    pub told: Vec<Event>,
    coming: VecDeque<(Duration, Coming)>,
}

impl Lab {
    pub fn new(router: Router) -> Self {
        Self::on(router, vec![Gateway { local: LOCAL.into(), gateway: ROUTER.into(), scope: 0 }])
    }

    /// With these addresses of ours.
    pub fn on(router: Router, gateways: Vec<Gateway>) -> Self {
        let network = Network { gateways };
        let mut seed = 7_u64;
        let random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 13
        };
        let now = Duration::from_secs(1_000);
        let mapper = Mapper::new(&network, PORT, Box::new(random), now);
        Self { router, mapper, now, told: Vec::new(), coming: VecDeque::new() }
    }

    /// What the mapper has to be done is done.
    fn carry(&mut self) {
        while let Some(act) = self.mapper.poll() {
            let at = self.now + WAY * 2;
            match act {
                // Nobody speaks PCP over IPv6 here.
                Act::Send { from: IpAddr::V6(_), to, .. } => assert_eq!(to.port(), 5351),
                Act::Send { from, to, bytes } => {
                    assert_eq!(from, IpAddr::from(LOCAL));
                    if to.port() == 5351 {
                        assert_eq!(to.ip(), IpAddr::from(ROUTER));
                        if self.router.pcp || self.router.nat_pmp {
                            let answer = self.router.direct(self.now, &bytes);
                            self.coming.push_back((at, Coming::Packet(to, answer)));
                        }
                    } else if self.router.upnp && bytes.ends_with(b"Device:1\r\n\r\n") {
                        let kind = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
                        let location = &self.router.location;
                        let text = format!("HTTP/1.1 200 OK\r\nST: {kind}\r\nLOCATION: {location}\r\n\r\n");
                        self.coming.push_back((at, Coming::Packet((ROUTER, 1900).into(), text.into_bytes())));
                    }
                }
                Act::Get { id, url } => {
                    assert_eq!(url.to_string(), self.router.location);
                    let body = DESCRIPTION.as_bytes().to_vec();
                    self.coming.push_back((at, Coming::Answer(id, HttpAnswer { status: 200, body })));
                }
                Act::Post { id, url, action, body } => {
                    assert_eq!(url.to_string(), format!("http://{ROUTER}:5000/ctl"));
                    let answer = self.router.post(&action, &body);
                    self.coming.push_back((at, Coming::Answer(id, answer)));
                }
                Act::Tell(event) => self.told.push(event),
            }
        }
    }

    /// Lets so much time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        for step in 0.. {
            assert!(step < 100_000, "it comes to no rest");
            self.carry();
            let coming = self.coming.front().map(|(at, _)| *at);
            let due = self.mapper.deadline().map(|at| at.max(self.now));
            let next = coming.into_iter().chain(due).min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.now = next;
            if coming == Some(next) {
                match self.coming.pop_front().expect("it is due").1 {
                    Coming::Packet(from, bytes) => self.mapper.packet(self.now, LOCAL.into(), from, &bytes),
                    Coming::Answer(id, answer) => self.mapper.answered(self.now, id, Ok(&answer)),
                }
            } else {
                self.mapper.tick(self.now);
            }
        }
        self.now = end;
    }

    pub fn packet(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.mapper.packet(self.now, LOCAL.into(), from, bytes);
        self.carry();
    }

    pub fn close(&mut self) {
        self.mapper.close(self.now);
        self.run(Duration::from_millis(100));
    }

    /// The mappings that were told since the last time.
    pub fn news(&mut self) -> Vec<Mapped> {
        let mapped = self.told.iter().filter_map(|event| match event {
            Event::Mapped(mapped) => Some(*mapped),
            _ => None,
        });
        let mapped = mapped.collect();
        self.told.clear();
        mapped
    }

    pub fn asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.router.asked)
    }
}

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
