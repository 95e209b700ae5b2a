//! Packets of PCP (RFC 6887): the request that maps a port, and what a server answers.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port that servers listen on (section 19.1), of NAT-PMP too.
pub const PORT: u16 = 5351;
/// Bytes of a MAP request and of its answer without options (sections 7.1 and 11.1).
pub const MAP_LEN: usize = 60;
/// Bytes that a packet may have at most (section 7).
const LEN_MAX: usize = 1_100;
/// Bytes of the head of an answer (section 7.2).
const HEAD_LEN: usize = 24;
const VERSION: u8 = 2;
const OPCODE_ANNOUNCE: u8 = 0;
const OPCODE_MAP: u8 = 1;
/// The bit that tells answers from requests.
const ANSWER: u8 = 0x80;

/// What travels through a mapping: numbers of IANA's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// The protocol of streams: 6.
    Tcp,
    /// The protocol of datagrams: 17.
    Udp,
}

impl Protocol {
    /// All that are mapped.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// The name, as UPnP writes it too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// The number in the head of an IP packet.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.number() == number)
    }
}

/// A request for a mapping (section 11.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Map {
    /// Our address, which the packet is sent from.
    pub client: IpAddr,
    /// Only a request with the same nonce changes the mapping.
    pub(crate) nonce: [u8; 12],
    /// What is to travel through it.
    pub protocol: Protocol,
    /// The port here.
    pub inside: u16,
    /// The port outside that would be liked; 0 is any.
    pub suggested: u16,
    /// The address outside that the mapping had; all zeros is any.
    pub address: IpAddr,
    /// How long it is to last, in seconds; 0 ends it.
    pub lifetime_s: u32,
}

impl Map {
    /// The request as it is sent.
    pub fn encode(&self) -> [u8; MAP_LEN] {
        let mut out = [0; MAP_LEN];
        (out[0], out[1]) = (VERSION, OPCODE_MAP);
        out[4..8].copy_from_slice(&self.lifetime_s.to_be_bytes());
        out[8..24].copy_from_slice(&sixteen(self.client));
        out[24..36].copy_from_slice(&self.nonce);
        out[36] = self.protocol.number();
        out[40..42].copy_from_slice(&self.inside.to_be_bytes());
        out[42..44].copy_from_slice(&self.suggested.to_be_bytes());
        out[44..60].copy_from_slice(&sixteen(self.address));
        out
    }
}

/// Addresses travel as IPv6, those of IPv4 within it (section 5).
fn sixteen(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// The address that stands for any of the family (section 11.1).
pub(crate) fn any_of(family: IpAddr) -> IpAddr {
    if family.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// What a server says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To a request for a mapping (section 11.1).
    Map {
        /// Seconds that the server has kept its mappings.
        epoch: u32,
        /// That of the request.
        nonce: [u8; 12],
        /// That of the request.
        protocol: Protocol,
        /// That of the request.
        inside: u16,
        /// Where others reach it, and for how many seconds.
        given: Result<(SocketAddr, u32), Refusal>,
    },
    /// It has begun anew, or says that it is there (section 14.1).
    Announce {
        /// Seconds that the server has kept its mappings.
        epoch: u32,
    },
    /// It does not speak this version (section 9).
    OtherVersion,
}

/// Why there is no mapping (section 7.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal(pub u8);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            2 => "it is not allowed to",
            3 | 6 => "it does not understand the request",
            4 | 5 | 9 => "it cannot map ports",
            7 => "it has no connection itself",
            8 => "it has no room for more mappings",
            10 => "this machine has as many mappings as it may have",
            11 => "the port is taken",
            12 => "there is another router in between",
            _ => return write!(f, "it says error {}", self.0),
        })
    }
}

/// Not an answer of PCP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// Reads a server's packet. Options are left unread: none was asked for.
pub fn answer(bytes: &[u8]) -> Result<Answer, Malformed> {
    let [version, opcode, _, result] = *bytes.first_chunk().ok_or(Malformed)?;
    if opcode & ANSWER == 0 {
        return Err(Malformed);
    }
    if version != VERSION || result == 1 {
        // A server of NAT-PMP answers in its own version, in eight bytes; in ours it answers something that was said in NAT-PMP.
        let other = version != VERSION && result == 1 && bytes.len() >= 8;
        return if other { Ok(Answer::OtherVersion) } else { Err(Malformed) };
    }
    if bytes.len() < HEAD_LEN || bytes.len() > LEN_MAX || !bytes.len().is_multiple_of(4) {
        return Err(Malformed);
    }
    let (lifetime, epoch) = (number(bytes, 4)?, number(bytes, 8)?);
    match opcode & !ANSWER {
        OPCODE_ANNOUNCE if result == 0 => Ok(Answer::Announce { epoch }),
        OPCODE_MAP => {
            let map = bytes.get(HEAD_LEN..MAP_LEN).ok_or(Malformed)?;
            let nonce = *map.first_chunk().ok_or(Malformed)?;
            let protocol = Protocol::of(map[12]).ok_or(Malformed)?;
            let port = |at: usize| u16::from_be_bytes([map[at], map[at + 1]]);
            let address: [u8; 16] = map[20..36].try_into().map_err(|_| Malformed)?;
            let outside = SocketAddr::new(IpAddr::from(address).to_canonical(), port(18));
            let given = if result == 0 { Ok((outside, lifetime)) } else { Err(Refusal(result)) };
            Ok(Answer::Map { epoch, nonce, protocol, inside: port(16), given })
        }
        _ => Err(Malformed),
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Malformed)?;
    Ok(u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Map {
        Map {
            client: "10.0.0.7".parse().unwrap(),
            nonce: *b"abcdefghijkl",
            protocol: Protocol::Udp,
            inside: 21_473,
            suggested: 21_473,
            address: any_of("10.0.0.7".parse().unwrap()),
            lifetime_s: 1_200,
        }
    }

    /// What a server makes of the request: the head is another, the rest is given back with what it has chosen.
    fn answered(result: u8, outside: &str) -> [u8; MAP_LEN] {
        let outside: SocketAddr = outside.parse().unwrap();
        let mut bytes = Map { suggested: outside.port(), address: outside.ip(), ..request() }.encode();
        (bytes[1], bytes[3]) = (0x81, result);
        bytes[8..24].fill(0);
        bytes[8..12].copy_from_slice(&77_u32.to_be_bytes());
        bytes
    }

    #[test]
    fn a_request_has_sixty_bytes_in_the_places_of_the_rfc() {
        let bytes = request().encode();
        let mut written = [0; 60];
        written[..2].copy_from_slice(&[2, 1]);
        written[4..8].copy_from_slice(&[0, 0, 4, 0xb0]);
        written[18..24].copy_from_slice(&[0xff, 0xff, 10, 0, 0, 7]);
        written[24..36].copy_from_slice(b"abcdefghijkl");
        written[36] = 17;
        written[40..44].copy_from_slice(&[0x53, 0xe1, 0x53, 0xe1]);
        written[54..56].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(bytes, written);
    }

    #[test]
    fn answers_of_both_families_and_refusals_are_read() {
        for outside in ["198.18.0.1:40000", "[2001:2::9]:21473"] {
            let Ok(Answer::Map { epoch: 77, nonce, protocol: Protocol::Udp, inside: 21_473, given }) =
                answer(&answered(0, outside))
            else {
                panic!("{outside}")
            };
            assert_eq!((nonce, given), (*b"abcdefghijkl", Ok((outside.parse().unwrap(), 1_200))));
        }
        let refused = answer(&answered(8, "0.0.0.0:1"));
        assert!(matches!(refused, Ok(Answer::Map { given: Err(Refusal(8)), .. })), "{refused:?}");
        let announce = [&[2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9][..], &[0; 12]].concat();
        assert_eq!(answer(&announce), Ok(Answer::Announce { epoch: 9 }));
    }

    #[test]
    fn a_server_of_nat_pmp_is_told_from_garbage() {
        assert_eq!(answer(&[0, 0x81, 0, 1, 0, 0, 0, 9]), Ok(Answer::OtherVersion));
        assert_eq!(answer(&answered(1, "0.0.0.0:1")), Err(Malformed), "it answers a packet of NAT-PMP");
        let whole = answered(0, "198.18.0.1:1");
        for len in 0..whole.len() {
            assert_eq!(answer(&whole[..len]), Err(Malformed), "{len}");
        }
        assert_eq!(answer(&request().encode()), Err(Malformed), "a request is no answer");
        assert_eq!(answer(&[whole.to_vec(), [0; 1_044].to_vec()].concat()), Err(Malformed), "1,104 bytes");
        let mut other = whole;
        other[36] = 1;
        assert_eq!(answer(&other), Err(Malformed), "a protocol that was not asked for");
    }
}
