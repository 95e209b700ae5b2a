//! What is said to the gateway itself, in PCP or NAT-PMP (RFC 6886, 6887): both ports are asked for at once, asked for again while it is silent, renewed at half
//! their life, and given back.

use crate::act::{Act, Mapped, Random, Way};
use crate::pcp::{Malformed, Protocol};
use crate::{natpmp, pcp};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// How long a mapping is asked for, in seconds: a program that is killed leaves it behind for no longer.
pub(crate) const LIFETIME_S: u32 = 1_200;
/// A mapping is not renewed more often, whatever the gateway says.
const RENEW_MIN: Duration = Duration::from_secs(5);
/// The longest life that is believed, in seconds: a day (RFC 6887 section 15 has servers give no more).
const LIFETIME_MAX_S: u32 = 86_400;
/// The wait before a request is sent again the first time; each further one is twice as long (RFC 6886 section 3.1).
const AGAIN_FIRST: Duration = Duration::from_millis(250);
/// The longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(64);
/// How often a gateway is asked that has never answered: 250 ms, then 0.5, 1, 2 and 4 s apart.
const TRIES_MAX: u32 = 5;
/// How often other ports are asked for where those of TCP and UDP differ.
const MOVES_MAX: u8 = 3;
/// A clock that is so much behind or ahead in seconds has begun anew, besides a sixteenth for its pace (RFC 6887 section 8.5).
const EPOCH_SLACK_S: u64 = 2;

/// The protocol that is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Speaks {
    Pcp,
    NatPmp,
}

/// A port outside that is ours for a while.
#[derive(Clone, Copy, Debug)]
struct Lease {
    /// Not known from the answer where NAT-PMP is spoken.
    address: Option<IpAddr>,
    port: u16,
    lifetime: Duration,
    renew_at: Duration,
    until: Duration,
}

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    tries: u32,
    again_at: Duration,
}

impl Asked {
    fn now(now: Duration) -> Self {
        Self { tries: 0, again_at: now }
    }

    /// It is sent once more.
    fn sent(&mut self, now: Duration) {
        let wait = AGAIN_FIRST.saturating_mul(1 << self.tries.min(16)).min(AGAIN_MAX);
        (self.tries, self.again_at) = (self.tries + 1, now + wait);
    }
}

/// The mapping of one protocol.
#[derive(Debug)]
struct Hole {
    protocol: Protocol,
    nonce: [u8; 12],
    suggested: u16,
    lease: Option<Lease>,
    asked: Option<Asked>,
}

/// How it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Idle,
    Asking,
    Failed(String),
    Closing,
}

/// A gateway that is spoken with.
#[derive(Debug)]
pub(crate) struct Direct {
    speaks: Speaks,
    local: IpAddr,
    gateway: SocketAddr,
    inside: u16,
    holes: [Hole; 2],
    /// The address outside and the request for it, of NAT-PMP.
    address: Option<IpAddr>,
    address_asked: Option<Asked>,
    /// What the gateway's clock said, and when.
    epoch: Option<(Duration, u32)>,
    answered: bool,
    moves: u8,
    state: State,
}

impl Direct {
    pub(crate) fn new(speaks: Speaks, local: IpAddr, gateway: SocketAddr, inside: u16) -> Self {
        let hole = |protocol| Hole { protocol, nonce: [0; 12], suggested: inside, lease: None, asked: None };
        Self {
            speaks,
            local,
            gateway,
            inside,
            holes: Protocol::ALL.map(hole),
            address: None,
            address_asked: None,
            epoch: None,
            answered: false,
            moves: 0,
            state: State::Idle,
        }
    }

    /// Asks for both ports; `suggested` is the one outside that would be liked.
    pub(crate) fn begin(&mut self, now: Duration, suggested: u16, random: &mut Random, out: &mut VecDeque<Act>) {
        (self.state, self.moves, self.epoch, self.answered) = (State::Asking, 0, None, false);
        self.address = None;
        self.ask_anew(now, suggested, random);
        self.tick(now, out);
    }

    fn ask_anew(&mut self, now: Duration, suggested: u16, random: &mut Random) {
        for hole in &mut self.holes {
            for part in hole.nonce.chunks_mut(8) {
                part.copy_from_slice(&random().to_be_bytes()[..part.len()]);
            }
            (hole.suggested, hole.lease, hole.asked) = (suggested, None, Some(Asked::now(now)));
        }
        self.address_asked = (self.speaks == Speaks::NatPmp).then(|| Asked::now(now));
    }

    /// Nothing more is asked, and nothing is taken back: the ports are had another way.
    pub(crate) fn leave(&mut self) {
        self.state = State::Idle;
        self.holes.iter_mut().for_each(|hole| (hole.lease, hole.asked) = (None, None));
        self.address_asked = None;
    }

    /// Takes back what is mapped. It is asked for a few times, as long as the owner goes on calling.
    pub(crate) fn close(&mut self, now: Duration, out: &mut VecDeque<Act>) {
        let begun = self.state == State::Asking;
        self.state = State::Closing;
        self.address_asked = None;
        for hole in &mut self.holes {
            let held = hole.lease.take().is_some() || (begun && hole.asked.is_some());
            hole.asked = held.then(|| Asked::now(now));
        }
        self.tick(now, out);
    }

    /// Whether it has said anything since it was asked.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    /// Whether nothing is left to be taken back.
    pub(crate) fn is_closed(&self) -> bool {
        self.holes.iter().all(|hole| hole.asked.is_none())
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
        let [tcp, udp] = [self.holes[0].lease?, self.holes[1].lease?];
        let address = self.address_outside()?;
        let settled = tcp.port == udp.port || self.moves >= MOVES_MAX;
        let way = match self.speaks {
            Speaks::Pcp => Way::Pcp,
            Speaks::NatPmp => Way::NatPmp,
        };
        let lifetime = tcp.lifetime.min(udp.lifetime);
        settled.then_some(Mapped { way, inside: self.local, address, tcp: tcp.port, udp: udp.port, lifetime })
    }

    fn address_outside(&self) -> Option<IpAddr> {
        self.holes[0].lease.and_then(|lease| lease.address).or(self.address)
    }

    /// A packet of the gateway's.
    pub(crate) fn packet(&mut self, now: Duration, bytes: &[u8], random: &mut Random, out: &mut VecDeque<Act>) {
        if matches!(self.state, State::Asking | State::Closing) {
            let taken = match self.speaks {
                Speaks::Pcp => self.pcp(now, bytes),
                Speaks::NatPmp => self.nat_pmp(now, bytes),
            };
            if taken.is_ok() {
                self.answered = true;
                self.same_ports(now, random, out);
                self.tick(now, out);
            }
        }
    }

    fn pcp(&mut self, now: Duration, bytes: &[u8]) -> Result<(), Malformed> {
        match pcp::answer(bytes)? {
            pcp::Answer::OtherVersion => self.fail("it speaks no PCP"),
            pcp::Answer::Announce { epoch } => self.clock(now, epoch),
            pcp::Answer::Map { epoch, nonce, protocol, inside, given } => {
                let ours = |hole: &&Hole| hole.protocol == protocol && hole.nonce == nonce;
                if inside != self.inside || !self.holes.iter().any(|hole| ours(&hole)) {
                    return Err(Malformed);
                }
                self.clock(now, epoch);
                match given {
                    Ok((outside, life_s)) => {
                        self.given(now, protocol, outside.port(), Some(outside.ip()), life_s);
                    }
                    Err(why) => self.refused(protocol, &why.to_string()),
                }
            }
        }
        Ok(())
    }

    fn nat_pmp(&mut self, now: Duration, bytes: &[u8]) -> Result<(), Malformed> {
        match natpmp::answer(bytes)? {
            natpmp::Answer::OtherVersion => self.fail("it speaks no NAT-PMP"),
            natpmp::Answer::Address { epoch, address } => {
                self.clock(now, epoch);
                self.address_asked = None;
                match address {
                    Ok(ip) => self.address = Some(ip.into()),
                    Err(why) => self.fail(&why.to_string()),
                }
            }
            natpmp::Answer::Map { epoch, protocol, inside, given } => {
                if inside != self.inside {
                    return Err(Malformed);
                }
                self.clock(now, epoch);
                match given {
                    Ok((port, life_s)) => self.given(now, protocol, port, None, life_s),
                    Err(why) => self.refused(protocol, &why.to_string()),
                }
            }
        }
        Ok(())
    }

    fn given(&mut self, now: Duration, protocol: Protocol, port: u16, address: Option<IpAddr>, life_s: u32) {
        let closing = self.state == State::Closing;
        let Some(hole) = self.holes.iter_mut().find(|hole| hole.protocol == protocol) else { return };
        if closing {
            // What was given before the end was asked for comes too late; what says that it is over has no life left.
            if life_s == 0 {
                hole.asked = None;
            }
            return;
        }
        if life_s == 0 {
            return; // a mapping that was given back for another is over
        }
        if port == 0 {
            self.refused(protocol, "it gives no port");
            return;
        }
        let lifetime = Duration::from_secs(u64::from(life_s.min(LIFETIME_MAX_S)));
        let renew_at = now + (lifetime / 2).max(RENEW_MIN);
        hole.lease = Some(Lease { address, port, lifetime, renew_at, until: now + lifetime.max(RENEW_MIN * 2) });
        (hole.asked, hole.suggested) = (None, port);
    }

    fn refused(&mut self, protocol: Protocol, why: &str) {
        if self.state == State::Closing {
            // What cannot be taken back is not there, or is not ours.
            if let Some(hole) = self.holes.iter_mut().find(|hole| hole.protocol == protocol) {
                hole.asked = None;
            }
        } else {
            self.fail(why);
        }
    }

    fn fail(&mut self, why: &str) {
        self.leave();
        self.state = State::Failed(why.to_string());
    }

    /// Where TCP and UDP got different ports another one is asked for, since one number is told to others.
    fn same_ports(&mut self, now: Duration, random: &mut Random, out: &mut VecDeque<Act>) {
        let [Some(tcp), Some(udp)] = [self.holes[0].lease, self.holes[1].lease] else { return };
        if tcp.port == udp.port || self.moves >= MOVES_MAX || self.state != State::Asking {
            return;
        }
        self.moves += 1;
        if self.moves == MOVES_MAX {
            return; // then so be it
        }
        for at in 0..self.holes.len() {
            self.send(at, 0, out);
        }
        let address = self.address;
        self.ask_anew(now, any_port(random), random);
        (self.address, self.address_asked) = (address, None);
    }

    /// The gateway's clock tells whether it has kept our mappings (RFC 6887 section 8.5, RFC 6886 section 3.6).
    fn clock(&mut self, now: Duration, epoch: u32) {
        let lost = self.epoch.is_some_and(|(then, before)| {
            let ours = now.saturating_sub(then).as_secs();
            if epoch.saturating_add(1) < before {
                return true;
            }
            let theirs = u64::from(epoch.saturating_sub(before));
            ours + EPOCH_SLACK_S < theirs - theirs / 16 || theirs + EPOCH_SLACK_S < ours - ours / 8
        });
        self.epoch = Some((now, epoch));
        if lost && self.state == State::Asking {
            for hole in &mut self.holes {
                hole.asked = hole.asked.or(Some(Asked::now(now)));
            }
            self.address_asked = (self.speaks == Speaks::NatPmp).then(|| Asked::now(now));
        }
    }

    /// Time has passed: what is due is sent.
    pub(crate) fn tick(&mut self, now: Duration, out: &mut VecDeque<Act>) {
        if !matches!(self.state, State::Asking | State::Closing) {
            return;
        }
        for hole in &mut self.holes {
            if let Some(lease) = hole.lease {
                if now >= lease.until {
                    hole.lease = None;
                    self.fail("it has stopped answering");
                    return;
                }
                if now >= lease.renew_at && hole.asked.is_none() {
                    hole.asked = Some(Asked::now(now));
                    // The address outside may have become another meanwhile.
                    self.address_asked = (self.speaks == Speaks::NatPmp).then(|| Asked::now(now));
                }
            }
        }
        // Ports that stand are kept while they live; what has never stood is waited for no longer than this.
        let stands = self.holes.iter().all(|hole| hole.lease.is_some()) && self.address_outside().is_some();
        let asked = self.holes.iter().map(|hole| hole.asked).chain([self.address_asked]);
        if !stands && asked.flatten().any(|asked| asked.again_at <= now && asked.tries >= TRIES_MAX) {
            self.fail(if self.answered { "it has stopped answering" } else { "it does not answer" });
            return;
        }
        let lifetime_s = if self.state == State::Closing { 0 } else { LIFETIME_S };
        for at in 0..self.holes.len() {
            if let Some(mut asked) = self.holes[at].asked.filter(|asked| asked.again_at <= now) {
                asked.sent(now);
                self.holes[at].asked = Some(asked);
                self.send(at, lifetime_s, out);
            }
        }
        if let Some(asked) = self.address_asked.as_mut().filter(|asked| asked.again_at <= now) {
            asked.sent(now);
            out.push_back(Act::Send { from: self.local, to: self.gateway, bytes: natpmp::ADDRESS.to_vec() });
        }
    }

    fn send(&self, at: usize, lifetime_s: u32, out: &mut VecDeque<Act>) {
        let hole = &self.holes[at];
        let (protocol, inside, suggested) = (hole.protocol, self.inside, hole.suggested);
        let bytes = match self.speaks {
            Speaks::NatPmp => natpmp::Map { protocol, inside, suggested, lifetime_s }.encode().to_vec(),
            Speaks::Pcp => {
                let held = hole.lease.and_then(|lease| lease.address);
                let address = held.unwrap_or_else(|| pcp::any_of(self.local));
                let (client, nonce) = (self.local, hole.nonce);
                pcp::Map { client, nonce, protocol, inside, suggested, address, lifetime_s }.encode().to_vec()
            }
        };
        out.push_back(Act::Send { from: self.local, to: self.gateway, bytes });
    }

    /// When `tick` is to be called at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        if !matches!(self.state, State::Asking | State::Closing) {
            return None;
        }
        let of_hole = |hole: &Hole| {
            let lease = hole.lease.map(|lease| if hole.asked.is_some() { lease.until } else { lease.renew_at });
            lease.into_iter().chain(hole.asked.map(|asked| asked.again_at)).min()
        };
        let holes = self.holes.iter().filter_map(of_hole);
        holes.chain(self.address_asked.map(|asked| asked.again_at)).min()
    }
}

/// A port outside that nobody else is likely to have.
pub(crate) fn any_port(random: &mut Random) -> u16 {
    let span = u64::from(u16::MAX) - 1_024;
    (1_024 + random() % span) as u16
}
