//! Messages of `ut_holepunch` (BEP 55): a peer that both are connected with has two others dial each other at one moment.
//!
//! BEP 55 has 12 bytes with an IPv4 address and 24 with an IPv6 one. Some leave the error code out of what is no error: 8 and 20 bytes.
use super::message::{Holepunch, HolepunchError, HolepunchMessage};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest message: kind, kind of address, an IPv6 address, port, error code.
pub(crate) const HOLEPUNCH_LEN_MAX: usize = 24;

/// Reads what stands behind the extended id. `None` is a message that makes no sense.
pub fn decode(bytes: &[u8]) -> Option<HolepunchMessage> {
    let (&[kind, family], rest) = bytes.split_first_chunk::<2>()?;
    let (ip, rest): (IpAddr, _) = match family {
        0 => rest.split_first_chunk::<4>().map(|(ip, rest)| (Ipv4Addr::from(*ip).into(), rest))?,
        1 => rest.split_first_chunk::<16>().map(|(ip, rest)| (Ipv6Addr::from(*ip).to_canonical(), rest))?,
        _ => return None,
    };
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let at = SocketAddr::new(ip, u16::from_be_bytes(*port));
    let code = match rest {
        [] => None,
        rest => Some(u32::from_be_bytes(rest.try_into().ok()?)),
    };
    let what = match kind {
        0 => Holepunch::Rendezvous,
        1 => Holepunch::Connect,
        2 => Holepunch::Error(HolepunchError::of(code?)),
        _ => return None,
    };
    Some(HolepunchMessage { what, at })
}

/// Appends the message, with an error code always.
pub(super) fn encode(message: &HolepunchMessage, out: &mut Vec<u8>) {
    let (kind, code) = match message.what {
        Holepunch::Rendezvous => (0, 0),
        Holepunch::Connect => (1, 0),
        Holepunch::Error(error) => (2, error.code()),
    };
    out.push(kind);
    match message.at.ip().to_canonical() {
        IpAddr::V4(ip) => {
            out.push(0);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(1);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&message.at.port().to_be_bytes());
    out.extend_from_slice(&u32::to_be_bytes(code));
}

impl HolepunchError {
    fn of(code: u32) -> Self {
        match code {
            1 => Self::NoSuchPeer,
            2 => Self::NotConnected,
            3 => Self::NoSupport,
            4 => Self::NoSelf,
            other => Self::Other(other),
        }
    }

    fn code(self) -> u32 {
        match self {
            Self::NoSuchPeer => 1,
            Self::NotConnected => 2,
            Self::NoSupport => 3,
            Self::NoSelf => 4,
            Self::Other(code) => code,
        }
    }
}
