//! Packets of NAT-PMP (RFC 6886), which routers speak that know nothing of PCP.

use crate::pcp::{Malformed, Protocol};
use core::fmt;
use core::net::Ipv4Addr;

/// Asks for the address outside (section 3.2).
pub(crate) const ADDRESS: [u8; 2] = [0, 0];
/// What is added to the number of a request in its answer.
const ANSWER: u8 = 128;

/// A request for a mapping (section 3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Map {
    /// What is to travel through it.
    pub protocol: Protocol,
    /// The port here.
    pub inside: u16,
    /// The port outside that would be liked; 0 is any.
    pub suggested: u16,
    /// How long it is to last, in seconds; 0 ends it.
    pub lifetime_s: u32,
}

impl Map {
    /// The request as it is sent.
    pub fn encode(&self) -> [u8; 12] {
        let mut out = [0; 12];
        out[1] = opcode(self.protocol);
        out[4..6].copy_from_slice(&self.inside.to_be_bytes());
        // What is to end is known by its port here alone (section 3.4).
        let suggested = if self.lifetime_s == 0 { 0 } else { self.suggested };
        out[6..8].copy_from_slice(&suggested.to_be_bytes());
        out[8..12].copy_from_slice(&self.lifetime_s.to_be_bytes());
        out
    }
}

fn opcode(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Udp => 1,
        Protocol::Tcp => 2,
    }
}

/// What a gateway says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Its address outside (section 3.2); it says so by itself too when that changes or when it has begun anew.
    Address {
        /// Seconds that it has kept its mappings.
        epoch: u32,
        /// What it is reached by from the world.
        address: Result<Ipv4Addr, Refusal>,
    },
    /// To a request for a mapping (section 3.3).
    Map {
        /// Seconds that it has kept its mappings.
        epoch: u32,
        /// That of the request.
        protocol: Protocol,
        /// That of the request.
        inside: u16,
        /// The port outside, and for how many seconds.
        given: Result<(u16, u32), Refusal>,
    },
    /// It does not speak this version.
    OtherVersion,
}

/// Why there is no mapping (section 3.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal(pub u16);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            2 => "it is not allowed to",
            3 => "it has no connection itself",
            4 => "it has no room for more mappings",
            5 => "it cannot map ports",
            _ => return write!(f, "it says error {}", self.0),
        })
    }
}

/// Reads a gateway's packet.
pub fn answer(bytes: &[u8]) -> Result<Answer, Malformed> {
    let [version, opcode_, high, low, e0, e1, e2, e3] = *bytes.first_chunk().ok_or(Malformed)?;
    if opcode_ < ANSWER {
        return Err(Malformed);
    }
    let (result, epoch) = (u16::from_be_bytes([high, low]), u32::from_be_bytes([e0, e1, e2, e3]));
    if version != 0 || result == 1 {
        // In our version it answers something that was said in PCP.
        return if version != 0 && result == 1 { Ok(Answer::OtherVersion) } else { Err(Malformed) };
    }
    let refused = (result != 0).then_some(Refusal(result));
    let asked = opcode_ - ANSWER;
    if asked == 0 {
        let address = match (refused, bytes.get(8..12)) {
            (Some(why), _) => Err(why),
            (None, Some(&[a, b, c, d])) => Ok(Ipv4Addr::new(a, b, c, d)),
            (None, _) => return Err(Malformed),
        };
        return Ok(Answer::Address { epoch, address });
    }
    let protocol = Protocol::ALL.into_iter().find(|protocol| opcode(*protocol) == asked).ok_or(Malformed)?;
    let rest: [u8; 8] = bytes.get(8..16).and_then(|rest| rest.try_into().ok()).ok_or(Malformed)?;
    let port = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
    let lifetime = u32::from_be_bytes([rest[4], rest[5], rest[6], rest[7]]);
    let given = refused.map_or(Ok((port(2), lifetime)), Err);
    Ok(Answer::Map { epoch, protocol, inside: port(0), given })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_twelve_bytes_and_its_end_names_no_port() {
        let map = Map { protocol: Protocol::Tcp, inside: 21_473, suggested: 40_000, lifetime_s: 1_200 };
        assert_eq!(map.encode(), [0, 2, 0, 0, 0x53, 0xe1, 0x9c, 0x40, 0, 0, 4, 0xb0]);
        let end = Map { protocol: Protocol::Udp, lifetime_s: 0, ..map };
        assert_eq!(end.encode(), [0, 1, 0, 0, 0x53, 0xe1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn answers_and_refusals_are_read() {
        let address = [0, 128, 0, 0, 0, 0, 0, 7, 198, 18, 0, 1];
        let read = answer(&address);
        assert_eq!(read, Ok(Answer::Address { epoch: 7, address: Ok(Ipv4Addr::new(198, 18, 0, 1)) }));
        let map = [0, 130, 0, 0, 0, 0, 0, 7, 0x53, 0xe1, 0x9c, 0x40, 0, 0, 4, 0xb0];
        let (protocol, inside, epoch) = (Protocol::Tcp, 21_473, 7);
        assert_eq!(answer(&map), Ok(Answer::Map { epoch, protocol, inside, given: Ok((40_000, 1_200)) }));
        let mut refused = map;
        refused[3] = 4;
        assert_eq!(answer(&refused), Ok(Answer::Map { epoch, protocol, inside, given: Err(Refusal(4)) }));
        for len in 0..map.len() {
            assert_eq!(answer(&map[..len]), Err(Malformed), "{len}");
        }
    }

    #[test]
    fn a_server_of_pcp_alone_is_told_from_garbage() {
        assert_eq!(answer(&[2, 0x81, 0, 1, 0, 0, 0, 0]), Ok(Answer::OtherVersion));
        assert_eq!(answer(&[0, 0x81, 0, 1, 0, 0, 0, 9]), Err(Malformed), "it answers a packet of PCP");
        assert_eq!(answer(&[0, 1, 0, 0, 0, 0, 0, 0]), Err(Malformed), "a request is no answer");
        assert_eq!(answer(&[0, 200, 0, 0, 0, 0, 0, 0]), Err(Malformed));
    }
}
