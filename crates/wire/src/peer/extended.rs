//! The dictionary of the extension handshake (BEP 10), with the keys of BEP 9, 11, 21, 54 and 55.
//!
//! What is out of range or of a wrong type is as if it were not there: peers differ, and none of it is vital.
use super::error::DecodeError;
use super::message::ExtendedHandshake;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use teem_bencode::{Limits, Value, Writer};

/// Entries of `m` that are looked at; honest peers have below 20.
pub(crate) const EXTENSIONS_MAX: usize = 100;
/// Bytes kept of the client's name.
pub const CLIENT_BYTES_MAX: usize = 64;
/// Requests that a peer may say it queues; our own pipeline ends there too.
pub const REQQ_MAX: u32 = 4096;

/// Values that are looked at: honest handshakes have below 60. One with more is not refused, and says nothing. Each takes two bytes or more, so a
/// short handshake costs no more by the byte than a long one.
const VALUES_MAX: u32 = 2_048;
/// Bounds of the bencoding: the frame's own 256 KiB.
const BENCODE: Limits = Limits { bytes: 256 << 10, depth: 16, tokens: VALUES_MAX };

/// Reads the bytes behind the extended id 0. Bytes behind the dictionary are ignored.
pub fn decode(bytes: &[u8]) -> Result<ExtendedHandshake, DecodeError> {
    let document = match teem_bencode::parse_prefix(bytes, &BENCODE) {
        Ok((document, _)) => document,
        Err(teem_bencode::Error::TooManyTokens { .. }) => return Ok(ExtendedHandshake::default()),
        Err(error) => return Err(DecodeError::ExtendedHandshake(error)),
    };
    let root = document.root();
    if root.dict().is_none() {
        return Err(DecodeError::ExtendedHandshake(teem_bencode::Error::UnexpectedByte { at: 0 }));
    }
    let mut out = ExtendedHandshake::default();
    if let Some(entries) = root.get(b"m").and_then(|m| m.dict()) {
        for (name, id) in entries.take(EXTENSIONS_MAX) {
            let Some(id) = id.as_uint().and_then(|id| u8::try_from(id).ok()) else { continue };
            match name {
                b"ut_metadata" => out.ut_metadata = Some(id),
                b"ut_pex" => out.ut_pex = Some(id),
                b"ut_holepunch" => out.ut_holepunch = Some(id),
                b"lt_donthave" => out.lt_donthave = Some(id),
                _ => {}
            }
        }
    }
    out.port = uint(root, b"p").and_then(|p| u16::try_from(p).ok()).filter(|p| *p != 0);
    out.client = root.get(b"v").and_then(|v| v.as_bytes()).map(client_name);
    out.reqq = root.get(b"reqq").and_then(|v| v.as_int()).map(|n| n.clamp(1, i64::from(REQQ_MAX)) as u32);
    out.metadata_size = uint(root, b"metadata_size").and_then(|n| u32::try_from(n).ok()).filter(|n| *n != 0);
    out.your_ip = root.get(b"yourip").and_then(|v| v.as_bytes()).and_then(address);
    out.teem_source = uint(root, b"teem_source").and_then(|n| u32::try_from(n).ok());
    out.prefers_encryption = root.get(b"e").and_then(|v| v.as_int()).map(|n| n != 0);
    out.upload_only = root.get(b"upload_only").and_then(|v| v.as_int()).map(|n| n != 0);
    Ok(out)
}

/// Appends the dictionary.
pub(super) fn encode(handshake: &ExtendedHandshake, out: &mut Vec<u8>) {
    let mut writer = Writer::new();
    writer.dict(|dict| {
        let extensions = [
            (&b"lt_donthave"[..], handshake.lt_donthave),
            (b"ut_holepunch", handshake.ut_holepunch),
            (b"ut_metadata", handshake.ut_metadata),
            (b"ut_pex", handshake.ut_pex),
        ];
        if let Some(prefers) = handshake.prefers_encryption {
            dict.key(b"e").uint(prefers.into());
        }
        if extensions.iter().any(|(_, id)| id.is_some()) {
            dict.key(b"m").dict(|m| {
                for (name, id) in extensions {
                    if let Some(id) = id {
                        m.key(name).uint(id.into());
                    }
                }
            });
        }
        if let Some(size) = handshake.metadata_size {
            dict.key(b"metadata_size").uint(size.into());
        }
        if let Some(port) = handshake.port {
            dict.key(b"p").uint(port.into());
        }
        if let Some(reqq) = handshake.reqq {
            dict.key(b"reqq").uint(reqq.into());
        }
        if let Some(pieces) = handshake.teem_source {
            dict.key(b"teem_source").uint(pieces.into());
        }
        if let Some(upload_only) = handshake.upload_only {
            dict.key(b"upload_only").uint(upload_only.into());
        }
        if let Some(client) = &handshake.client {
            dict.key(b"v").str(client);
        }
        match handshake.your_ip {
            Some(IpAddr::V4(ip)) => dict.key(b"yourip").bytes(&ip.octets()),
            Some(IpAddr::V6(ip)) => dict.key(b"yourip").bytes(&ip.octets()),
            None => {}
        }
    });
    out.extend_from_slice(writer.as_bytes());
}

fn uint(root: Value<'_, '_>, key: &[u8]) -> Option<u64> {
    root.get(key)?.as_uint()
}

/// At most [`CLIENT_BYTES_MAX`] bytes, cut where a character ends; what is no UTF-8 becomes U+FFFD.
fn client_name(bytes: &[u8]) -> String {
    // A character has at most 4 bytes: four more than are kept are enough to see where one ends.
    let head = &bytes[..bytes.len().min(CLIENT_BYTES_MAX + 4)];
    let mut name = String::from_utf8_lossy(head).into_owned();
    while name.len() > CLIENT_BYTES_MAX {
        name.pop();
    }
    name
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).to_canonical())
}
