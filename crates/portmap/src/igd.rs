//! What is said to a gateway's UPnP (own design, after UPnP's WANIPConnection 1 and 2): searched for, described, asked for its address, for both ports, and again at half their life.
//!
//! Routers refuse what others take: a port outside that is taken is exchanged for another (718), one that gives leases for ever alone is asked for
//! that (725), one that knows no leases so short or no zero is asked for a week (402).
//!
//! Before an address of IPv6 stands a firewall instead, in which a gap is asked for (WANIPv6FirewallControl 1): the router, which is the one of IPv4 too, is
//! searched and asked over that.

use crate::act::{Act, HttpAnswer, Mapped, Random, Request, RequestId, Way};
use crate::description::{self, Kind, Service};
use crate::direct::{LIFETIME_S, any_port};
use crate::pcp::Protocol;
use crate::soap::{self, Action, Fault};
use crate::ssdp;
use crate::url::Url;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

/// When it is searched, from the beginning on: packets get lost.
const SEARCHES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];
/// How long answers are waited for.
const SEARCH_MAX: Duration = Duration::from_secs(6);
/// Gateways of which one is asked after the other.
const GATEWAYS_MAX: usize = 4;
/// Requests for ports that one gateway may refuse until it is given up.
const REFUSALS_MAX: u8 = 8;
/// A week, in seconds: what is asked for where a short lease is refused (402).
const WEEK_S: u32 = 604_800;

/// What the request under way is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Describe,
    Address,
    Map(Protocol),
    /// What was given for TCP goes back, since UDP has no such port.
    Undo,
    Close(Protocol),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Idle,
    Working,
    Failed(String),
    Closing,
}

/// Ports that are ours for a while.
#[derive(Clone, Copy, Debug)]
struct Lease {
    port: u16,
    renew_at: Duration,
}

/// The UPnP of a network.
#[derive(Debug)]
pub(crate) struct Igd {
    local: Ipv4Addr,
    /// The address of ours that is to be reached; the one that we ask from, or one of IPv6.
    client: IpAddr,
    inside: u16,
    state: State,
    searched: usize,
    began: Duration,
    /// Where gateways describe themselves, and what was read of the first.
    found: VecDeque<Url>,
    seen: Vec<Url>,
    services: VecDeque<Service>,
    address: Option<IpAddr>,
    /// The ports may be asked for; before, everything up to them is done.
    go: bool,
    ready: bool,
    under_way: Option<(RequestId, Step)>,
    outside: u16,
    lease_s: u32,
    refusals: u8,
    /// Which of the ports stand at the gateway.
    held: [bool; 2],
    /// The router's numbers of the gaps in its firewall.
    pinholes: [Option<u16>; 2],
    lease: Option<Lease>,
    /// Why the last gateway was of no use.
    why: Option<String>,
}

impl Igd {
    /// Asks from `local` that `client` be reached.
    pub(crate) fn new(local: Ipv4Addr, client: IpAddr, inside: u16) -> Self {
        Self {
            local,
            client,
            inside,
            state: State::Idle,
            searched: 0,
            began: Duration::ZERO,
            found: VecDeque::new(),
            seen: Vec::new(),
            services: VecDeque::new(),
            address: None,
            go: false,
            ready: false,
            under_way: None,
            outside: inside,
            lease_s: LIFETIME_S,
            refusals: 0,
            held: [false; 2],
            pinholes: [None; 2],
            lease: None,
            why: None,
        }
    }

    /// Searches; ports are asked for once [`Self::go`] was called.
    pub(crate) fn begin(&mut self, now: Duration, suggested: u16, out: &mut VecDeque<Act>) {
        let (local, client, inside) = (self.local, self.client, self.inside);
        let outside = if client.is_ipv6() { inside } else { suggested };
        *self = Self { state: State::Working, began: now, outside, ..Self::new(local, client, inside) };
        self.tick(now, out);
    }

    /// The ports are not had another way.
    pub(crate) fn go(&mut self, request: &mut Request, out: &mut VecDeque<Act>) {
        self.go = true;
        if self.ready && self.under_way.is_none() && self.state == State::Working {
            self.map(Protocol::Tcp, request, out);
        }
    }

    /// Nothing more is asked.
    pub(crate) fn leave(&mut self) {
        self.state = State::Idle;
    }

    /// Whether something was asked for that stands at the gateway now or soon.
    pub(crate) fn may_hold(&self) -> bool {
        self.held.contains(&true) || matches!(self.under_way, Some((_, Step::Map(_))))
    }

    /// The port outside that is asked for.
    pub(crate) fn outside(&self) -> u16 {
        self.outside
    }

    /// Whether the ports may be asked for.
    pub(crate) fn goes(&self) -> bool {
        self.go
    }

    /// Takes back what is mapped.
    pub(crate) fn close(&mut self, request: &mut Request, out: &mut VecDeque<Act>) {
        if self.state != State::Closing {
            // A gap can be closed by its number alone, which is yet to come.
            if self.client.is_ipv6() && matches!(self.under_way, Some((_, Step::Map(_)))) {
                (self.state, self.lease) = (State::Closing, None);
                return;
            }
            if let Some((_, Step::Map(protocol))) = self.under_way {
                self.held[index(protocol)] = true; // it may arrive yet
            }
            self.state = State::Closing;
            self.lease = None;
            self.close_next(request, out);
        }
    }

    fn close_next(&mut self, request: &mut Request, out: &mut VecDeque<Act>) {
        self.under_way = None;
        for protocol in Protocol::ALL {
            if core::mem::take(&mut self.held[index(protocol)]) {
                let action = match (self.client, self.pinholes[index(protocol)].take()) {
                    (IpAddr::V4(_), _) => Action::Delete { protocol, outside: self.outside },
                    (IpAddr::V6(_), Some(id)) => Action::DeletePinhole { id },
                    (IpAddr::V6(_), None) => continue,
                };
                self.ask(Step::Close(protocol), action, request, out);
                return;
            }
        }
    }

    /// Whether nothing is left to be taken back.
    pub(crate) fn is_closed(&self) -> bool {
        self.held == [false; 2] && (self.state != State::Closing || self.under_way.is_none())
    }

    /// Why it leads to nothing.
    pub(crate) fn failed(&self) -> Option<&str> {
        match &self.state {
            State::Failed(why) => Some(why),
            _ => None,
        }
    }

    /// Both ports, once they are there.
    pub(crate) fn mapped(&self) -> Option<Mapped> {
        let (lease, address) = (self.lease?, self.address?);
        let lifetime = Duration::from_secs(u64::from(self.lease_s));
        let (inside, port) = (self.client, lease.port);
        (self.state == State::Working).then_some(Mapped {
            way: Way::Upnp,
            inside,
            address,
            tcp: port,
            udp: port,
            lifetime,
        })
    }

    /// A datagram that may answer the search.
    pub(crate) fn packet(&mut self, from: SocketAddr, bytes: &[u8], request: &mut Request, out: &mut VecDeque<Act>) {
        let IpAddr::V4(ip) = from.ip() else { return };
        if self.state != State::Working || self.seen.len() >= GATEWAYS_MAX {
            return;
        }
        match ssdp::answer(bytes, ip) {
            Ok(url) if !self.seen.contains(&url) => {
                self.seen.push(url.clone());
                self.found.push_back(url);
                if self.under_way.is_none() && self.services.is_empty() {
                    self.next_gateway(request, out);
                }
            }
            Err(ssdp::NoGateway::Location(why)) => self.why = Some(why.to_string()),
            _ => {}
        }
    }

    /// The gateway that has answered next describes itself.
    fn next_gateway(&mut self, request: &mut Request, out: &mut VecDeque<Act>) {
        (self.ready, self.address, self.refusals) = (false, None, 0);
        let Some(url) = self.found.front().cloned() else { return };
        let id = request.next();
        self.under_way = Some((id, Step::Describe));
        out.push_back(Act::Get { id, url });
    }

    /// A request of ours has come to its end.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        id: RequestId,
        answer: Result<&HttpAnswer, &str>,
        random: &mut Random,
        request: &mut Request,
        out: &mut VecDeque<Act>,
    ) {
        let Some((_, step)) = self.under_way.take_if(|(under_way, _)| *under_way == id) else { return };
        let opened = self.opened(step, answer);
        match (&self.state, step) {
            (State::Closing, _) => self.close_next(request, out),
            (State::Working, Step::Describe) => self.described(answer, request, out),
            (State::Working, Step::Address) => self.told_address(answer, request, out),
            (State::Working, Step::Map(protocol)) => {
                let done = match (opened, answer) {
                    (Some(opened), _) => opened.map_err(Some),
                    (None, Ok(answer)) => soap::answer(answer.status, &answer.body, None).map(|_| ()).map_err(Some),
                    (None, Err(why)) => {
                        self.why = Some(why.to_string());
                        Err(None)
                    }
                };
                self.has_mapped(now, protocol, done, random, request, out);
            }
            (State::Working, Step::Undo) => self.map(Protocol::Tcp, request, out),
            _ => {}
        }
    }

    /// Keeps the number of a gap that a router has opened; nothing where none was asked for or no answer came.
    fn opened(&mut self, step: Step, answer: Result<&HttpAnswer, &str>) -> Option<Result<(), Fault>> {
        let (Step::Map(protocol), Ok(answer), true) = (step, answer, self.client.is_ipv6()) else { return None };
        let n = index(protocol);
        if self.pinholes[n].is_some() {
            return None;
        }
        Some(soap::pinhole(answer.status, &answer.body).map(|id| {
            self.pinholes[n] = Some(id);
            self.held[n] = true;
        }))
    }

    fn described(&mut self, answer: Result<&HttpAnswer, &str>, request: &mut Request, out: &mut VecDeque<Act>) {
        let Some(url) = self.found.pop_front() else { return };
        let services = match answer {
            Ok(answer) if answer.status == 200 => description::services(&answer.body, &url).unwrap_or_default(),
            Ok(_) => Vec::new(),
            Err(why) => {
                self.why = Some(why.to_string());
                Vec::new()
            }
        };
        let v6 = self.client.is_ipv6();
        self.services = services.into_iter().filter(|service| v6 == (service.kind == Kind::Firewall6)).collect();
        if self.services.is_empty() {
            let missing = if v6 { "opens its firewall of IPv6" } else { "maps ports" };
            self.why.get_or_insert_with(|| format!("its UPnP names no service that {missing}"));
        }
        self.ask_address(request, out);
    }

    /// The service at hand is asked where it is seen from outside; without one the next gateway has its turn.
    fn ask_address(&mut self, request: &mut Request, out: &mut VecDeque<Act>) {
        if self.services.is_empty() {
            self.next_gateway(request, out);
        } else {
            let action = if self.client.is_ipv6() { Action::FirewallStatus } else { Action::ExternalAddress };
            self.ask(Step::Address, action, request, out);
        }
    }

    fn told_address(&mut self, answer: Result<&HttpAnswer, &str>, request: &mut Request, out: &mut VecDeque<Act>) {
        let told = match answer {
            Ok(answer) if self.client.is_ipv6() => match soap::opens(answer.status, &answer.body) {
                Ok(true) => Ok(Some(self.client)),
                Ok(false) => Err(Fault::Error(703).to_string()),
                Err(why) => Err(why.to_string()),
            },
            Ok(answer) => soap::external_address(answer.status, &answer.body).map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        match told {
            Ok(Some(address)) => {
                (self.address, self.ready) = (Some(address), true);
                if self.go {
                    self.map(Protocol::Tcp, request, out);
                }
            }
            Ok(None) => self.next_service("its UPnP has no address outside", request, out),
            Err(why) => self.next_service(&why, request, out),
        }
    }

    fn next_service(&mut self, why: &str, request: &mut Request, out: &mut VecDeque<Act>) {
        self.why = Some(why.to_string());
        self.services.pop_front();
        (self.ready, self.lease) = (false, None);
        self.ask_address(request, out);
    }

    fn map(&mut self, protocol: Protocol, request: &mut Request, out: &mut VecDeque<Act>) {
        let (outside, inside, lease_s) = (self.outside, self.inside, self.lease_s);
        let action = match (self.client, self.pinholes[index(protocol)]) {
            (IpAddr::V4(client), _) => Action::Add { protocol, outside, inside, client, lease_s },
            (IpAddr::V6(client), None) => Action::AddPinhole { protocol, port: inside, client, lease_s },
            (IpAddr::V6(_), Some(id)) => Action::UpdatePinhole { id, lease_s },
        };
        self.ask(Step::Map(protocol), action, request, out);
    }

    fn has_mapped(
        &mut self,
        now: Duration,
        protocol: Protocol,
        done: Result<(), Option<Fault>>,
        random: &mut Random,
        request: &mut Request,
        out: &mut VecDeque<Act>,
    ) {
        match done {
            Ok(()) => {
                self.held[index(protocol)] = true;
                match protocol {
                    Protocol::Tcp => self.map(Protocol::Udp, request, out),
                    Protocol::Udp => self.lease(now),
                }
            }
            Err(fault) => {
                self.refusals += 1;
                let code = match fault {
                    Some(Fault::Error(code)) if self.refusals < REFUSALS_MAX => code,
                    _ => 0,
                };
                match code {
                    // The router has forgotten it.
                    704 if self.pinholes[index(protocol)].take().is_some() => self.held[index(protocol)] = false,
                    _ if self.client.is_ipv6() => return self.refused(fault, request, out),
                    725 if self.lease_s != 0 => self.lease_s = 0,
                    402 if self.lease_s != WEEK_S => self.lease_s = WEEK_S,
                    // Some say that they failed where the port is taken.
                    718 | 501 if self.lease.is_none() || code == 718 => {
                        self.lease = None;
                        let held = core::mem::take(&mut self.held)[index(Protocol::Tcp)];
                        let before = core::mem::replace(&mut self.outside, any_port(random));
                        if held {
                            let action = Action::Delete { protocol: Protocol::Tcp, outside: before };
                            self.ask(Step::Undo, action, request, out);
                            return;
                        }
                    }
                    724 if self.outside != self.inside => self.outside = self.inside,
                    _ => return self.refused(fault, request, out),
                }
                // The ports begin with TCP again: both are to be outside under one number and for one time.
                self.map(Protocol::Tcp, request, out);
            }
        }
    }

    /// The service at hand does not do it.
    fn refused(&mut self, fault: Option<Fault>, request: &mut Request, out: &mut VecDeque<Act>) {
        let why = fault.map(|fault| fault.to_string()).or(self.why.take());
        let why = why.unwrap_or_else(|| "its UPnP does not answer".into());
        (self.held, self.pinholes) = ([false; 2], [None; 2]);
        self.next_service(&why, request, out);
    }

    fn lease(&mut self, now: Duration) {
        // A lease for ever is looked after as one of the usual length: the gateway may have begun anew meanwhile.
        let life_s = if self.lease_s == 0 { LIFETIME_S } else { self.lease_s };
        let life = Duration::from_secs(u64::from(life_s));
        let renew = life.min(Duration::from_secs(u64::from(LIFETIME_S))) / 2;
        self.lease = Some(Lease { port: self.outside, renew_at: now + renew });
        self.refusals = 0;
    }

    fn ask(&mut self, step: Step, action: Action, request: &mut Request, out: &mut VecDeque<Act>) {
        let Some(service) = self.services.front() else { return };
        let id = request.next();
        self.under_way = Some((id, step));
        let (url, header, body) = (service.control.clone(), action.header(service.kind), action.body(service.kind));
        out.push_back(Act::Post { id, url, action: header, body });
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Duration, out: &mut VecDeque<Act>) {
        if self.state != State::Working {
            return;
        }
        while self.seen.is_empty() && SEARCHES.get(self.searched).is_some_and(|after| self.began + *after <= now) {
            self.searched += 1;
            let (from, to) = (self.local.into(), ssdp::GROUP.into());
            out.extend(ssdp::searches().map(|bytes| Act::Send { from, to, bytes }));
        }
        if self.is_lost(now) {
            let why = self.why.take().unwrap_or_else(|| "no UPnP answers".into());
            self.state = State::Failed(why);
        }
    }

    /// Nothing is under way, nobody is left to be asked, and nothing is held.
    fn is_lost(&self, now: Duration) -> bool {
        let idle = self.under_way.is_none() && self.found.is_empty() && self.services.is_empty();
        idle && (!self.seen.is_empty() || now >= self.began + SEARCH_MAX)
    }

    /// Ports that have stood for half their life are asked for again.
    pub(crate) fn renew(&mut self, now: Duration, request: &mut Request, out: &mut VecDeque<Act>) {
        if self.state != State::Working || self.under_way.is_some() {
            return;
        }
        if self.lease.is_some_and(|lease| now >= lease.renew_at) {
            self.map(Protocol::Tcp, request, out);
        }
    }

    /// When `tick` and `renew` are to be called at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        if self.state != State::Working {
            return None;
        }
        if let Some(lease) = self.lease {
            return self.under_way.is_none().then_some(lease.renew_at);
        }
        let search = if self.seen.is_empty() { SEARCHES.get(self.searched).copied() } else { None };
        let over = self.seen.is_empty().then_some(SEARCH_MAX);
        search.or(over).map(|after| self.began + after)
    }
}

fn index(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Tcp => 0,
        Protocol::Udp => 1,
    }
}
