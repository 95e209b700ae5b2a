//! One way out of this machine (own design): an address of ours and the gateway that its packets go to. PCP, NAT-PMP and UPnP race there, each with a start
//! over the next, and what has mapped both ports first holds until it fails.
//!
//! ```text
//!   0 ms   PCP is asked; UPnP is searched for, described and asked for its address
//! 600 ms   NAT-PMP is asked, or sooner where PCP is refused: both map by the port here, so one would undo the other
//!   1 s    UPnP is asked for the ports, or sooner where both are refused
//! ```

use crate::act::{Act, Event, Gateway, HttpAnswer, Mapped, Random, Request, RequestId, Way};
use crate::direct::{Direct, Speaks};
use crate::igd::Igd;
use crate::pcp;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use core::time::Duration;

/// How long PCP may be silent until NAT-PMP is asked.
const NAT_PMP_AFTER: Duration = Duration::from_millis(600);
/// How long both may be silent until UPnP is asked for ports.
const UPNP_AFTER: Duration = Duration::from_secs(1);
/// When a gateway is asked again that maps nothing: a person may have turned it on. A tenth is drawn at random.
const REST: Duration = Duration::from_secs(15 * 60);

/// What one address of ours is reached by.
#[derive(Debug)]
pub(crate) struct Line {
    gateway: Gateway,
    pcp: Direct,
    nat_pmp: Direct,
    nat_pmp_began: bool,
    igd: Option<Igd>,
    /// The address of ours and the router that UPnP is spoken between, which is IPv4's.
    upnp: Option<(Ipv4Addr, Ipv4Addr)>,
    chosen: Option<Way>,
    began: Duration,
    rests_until: Option<Duration>,
    /// The port outside that would be liked: the one here, then the last that was ours.
    suggested: u16,
    told: Option<Mapped>,
    closing: bool,
    now: Duration,
}

impl Line {
    /// UPnP is spoken as `upnp` has it: the address of ours and the router's.
    pub(crate) fn new(gateway: Gateway, upnp: Option<(Ipv4Addr, Ipv4Addr)>, inside: u16) -> Self {
        let at = match gateway.gateway {
            IpAddr::V4(ip) => SocketAddr::from((ip, pcp::PORT)),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, pcp::PORT, 0, gateway.scope).into(),
        };
        let igd = upnp.map(|(local, _)| Igd::new(local, gateway.local, inside));
        Self {
            pcp: Direct::new(Speaks::Pcp, gateway.local, at, inside),
            nat_pmp: Direct::new(Speaks::NatPmp, gateway.local, at, inside),
            nat_pmp_began: false,
            gateway,
            igd,
            upnp,
            chosen: None,
            began: Duration::ZERO,
            rests_until: None,
            suggested: inside,
            told: None,
            closing: false,
            now: Duration::ZERO,
        }
    }

    /// The address of ours that UPnP is spoken from, with its router.
    fn spoken(&self) -> Option<(IpAddr, IpAddr)> {
        self.upnp.map(|(local, router)| (local.into(), router.into()))
    }

    pub(crate) fn begin(&mut self, now: Duration, random: &mut Random, out: &mut VecDeque<Act>) {
        (self.began, self.rests_until, self.chosen, self.nat_pmp_began) = (now, None, None, false);
        self.nat_pmp.leave();
        self.pcp.begin(now, self.suggested, random, out);
        if let Some(igd) = &mut self.igd {
            igd.begin(now, self.suggested, out);
        }
    }

    /// A datagram that came to an address of ours. Nobody but the gateway is believed.
    pub(crate) fn packet(
        &mut self,
        now: Duration,
        (local, from): (IpAddr, SocketAddr),
        bytes: &[u8],
        random: &mut Random,
        request: &mut Request,
        out: &mut VecDeque<Act>,
    ) {
        if from.port() == pcp::PORT && (local, from.ip()) == (self.gateway.local, self.gateway.gateway) {
            self.pcp.packet(now, bytes, random, out);
            self.nat_pmp.packet(now, bytes, random, out);
        } else if from.port() != pcp::PORT
            && self.spoken() == Some((local, from.ip()))
            && let Some(igd) = &mut self.igd
        {
            igd.packet(from, bytes, request, out);
        } else {
            return;
        }
        self.follow(now, random, request, out);
    }

    /// A request over HTTP has come to its end.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        id: RequestId,
        answer: Result<&HttpAnswer, &str>,
        random: &mut Random,
        request: &mut Request,
        out: &mut VecDeque<Act>,
    ) {
        if let Some(igd) = &mut self.igd {
            igd.answered(now, id, answer, random, request, out);
        }
        self.follow(now, random, request, out);
    }

    /// Time has passed, or something has come: what follows from it.
    pub(crate) fn follow(
        &mut self,
        now: Duration,
        random: &mut Random,
        request: &mut Request,
        out: &mut VecDeque<Act>,
    ) {
        self.now = now;
        self.pcp.tick(now, out);
        self.nat_pmp.tick(now, out);
        if let Some(igd) = &mut self.igd {
            igd.renew(now, request, out);
            igd.tick(now, out);
        }
        if self.closing {
            return;
        }
        match (self.rests_until, self.chosen) {
            (Some(until), _) if now >= until => self.begin(now, random, out),
            (Some(_), _) => {}
            (None, None) => self.race(now, random, request, out),
            (None, Some(way)) => {
                if self.failed(way).is_some() {
                    if self.told.take().is_some() {
                        out.push_back(Act::Tell(Event::Lost { inside: self.gateway.local }));
                    }
                    self.begin(now, random, out);
                }
            }
        }
        self.tell(out);
    }

    fn race(&mut self, now: Duration, random: &mut Random, request: &mut Request, out: &mut VecDeque<Act>) {
        if let Some(way) = Way::ALL.into_iter().find(|way| self.mapped(*way).is_some()) {
            self.choose(way, request, out);
            return;
        }
        let silent_for = now.saturating_sub(self.began);
        let pcp_is_out = self.pcp.failed().is_some() || (silent_for >= NAT_PMP_AFTER && !self.pcp.has_answered());
        // NAT-PMP knows IPv4 alone.
        if !self.nat_pmp_began && pcp_is_out && self.gateway.local.is_ipv4() {
            self.nat_pmp_began = true;
            self.nat_pmp.begin(now, self.suggested, random, out);
        }
        let refused = |direct: &Direct| direct.failed().is_some();
        let silent = |direct: &Direct| silent_for >= UPNP_AFTER && !direct.has_answered();
        let out_of_it = |direct: &Direct| refused(direct) || silent(direct);
        let v6 = self.gateway.local.is_ipv6();
        if out_of_it(&self.pcp)
            && (v6 || self.nat_pmp_began && out_of_it(&self.nat_pmp))
            && let Some(igd) = &mut self.igd
        {
            igd.go(request, out);
        }
        self.give_up(now, random, out);
    }

    /// Where nothing is left to be tried, that is said, and it is tried again much later.
    fn give_up(&mut self, now: Duration, random: &mut Random, out: &mut VecDeque<Act>) {
        let ways: Vec<Way> = Way::ALL.into_iter().filter(|way| self.is_open(*way)).collect();
        if !ways.iter().all(|way| self.failed(*way).is_some()) {
            return;
        }
        let parts: Vec<String> =
            ways.iter().filter_map(|way| self.failed(*way).map(|why| format!("{}: {why}", way.word()))).collect();
        let (inside, gateway) = (self.gateway.local, self.gateway.gateway);
        out.push_back(Act::Tell(Event::Failed { inside, gateway, why: parts.join("; ") }));
        let spread_ms = REST.as_millis() as u64 / 5;
        self.rests_until = Some(now + REST * 9 / 10 + Duration::from_millis(random() % spread_ms));
    }

    /// This way holds, and the others are left. What UPnP has mapped meanwhile goes back, unless it is the very port.
    fn choose(&mut self, way: Way, request: &mut Request, out: &mut VecDeque<Act>) {
        self.chosen = Some(way);
        if way != Way::Pcp {
            self.pcp.leave();
        }
        if way != Way::NatPmp {
            self.nat_pmp.leave();
        }
        let port = self.mapped(way).map(|mapped| mapped.tcp);
        if let Some(igd) = self.igd.as_mut().filter(|_| way != Way::Upnp) {
            if igd.may_hold() && Some(igd.outside()) != port {
                igd.close(request, out);
            } else {
                igd.leave();
            }
        }
    }

    /// What holds is told when it has changed.
    fn tell(&mut self, out: &mut VecDeque<Act>) {
        let Some(mapped) = self.chosen.and_then(|way| self.mapped(way)) else { return };
        self.suggested = mapped.tcp;
        if self.told.is_none_or(|told| told.is_another(&mapped)) {
            out.push_back(Act::Tell(Event::Mapped(mapped)));
        }
        self.told = Some(mapped);
    }

    /// Takes back what is mapped.
    pub(crate) fn close(&mut self, now: Duration, request: &mut Request, out: &mut VecDeque<Act>) {
        self.closing = true;
        self.pcp.close(now, out);
        self.nat_pmp.close(now, out);
        if let Some(igd) = &mut self.igd {
            igd.close(request, out);
        }
    }

    /// Whether nothing is left to be taken back.
    pub(crate) fn is_closed(&self) -> bool {
        self.pcp.is_closed() && self.nat_pmp.is_closed() && self.igd.as_ref().is_none_or(Igd::is_closed)
    }

    /// When `follow` is to be called at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let racing = self.chosen.is_none() && self.rests_until.is_none() && !self.closing;
        // What has passed already waits for something else.
        let starts = [NAT_PMP_AFTER, UPNP_AFTER].map(|after| Some(self.began + after).filter(|at| *at > self.now));
        let [nat_pmp, upnp] = starts;
        let parts = [
            self.pcp.deadline(),
            self.nat_pmp.deadline(),
            self.igd.as_ref().and_then(Igd::deadline),
            self.rests_until,
            nat_pmp.filter(|_| racing && !self.nat_pmp_began),
            upnp.filter(|_| racing && self.igd.as_ref().is_some_and(|igd| !igd.goes())),
        ];
        parts.into_iter().flatten().min()
    }

    /// Whether that way exists here at all.
    fn is_open(&self, way: Way) -> bool {
        match way {
            Way::Pcp => true,
            Way::NatPmp => self.gateway.local.is_ipv4(),
            Way::Upnp => self.igd.is_some(),
        }
    }

    fn mapped(&self, way: Way) -> Option<Mapped> {
        match way {
            Way::Pcp => self.pcp.mapped(),
            Way::NatPmp => self.nat_pmp.mapped(),
            Way::Upnp => self.igd.as_ref().and_then(Igd::mapped),
        }
    }

    fn failed(&self, way: Way) -> Option<&str> {
        match way {
            Way::Pcp => self.pcp.failed(),
            Way::NatPmp => self.nat_pmp.failed(),
            Way::Upnp => self.igd.as_ref().and_then(Igd::failed),
        }
    }
}
