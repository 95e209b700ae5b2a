//! Messages of `ut_pex` (BEP 11): peers that the sender has met or lost since its last one.
//!
//! A list of flags that is not as long as its list of peers is as if it were not there. What is beyond [`CONTACTS_MAX`] is left out.
use super::message::{Contact, PexFlags, PexMessage};
use crate::compact::{self, Family};
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_bencode::{Limits, Value, Writer};

/// Peers taken from a message as met, and as lost: as many as BEP 11 lets a message have, of both families together.
pub const CONTACTS_MAX: usize = 50;

/// Bounds of the dictionary: six strings, with room for what others add. The bytes are the whole message's.
const BENCODE: Limits = Limits { bytes: 32 << 10, depth: 4, tokens: 64 };

/// Reads what stands behind the extended id. `None` is a message that makes no sense: no dictionary.
pub fn decode(bytes: &[u8]) -> Option<PexMessage> {
    let (document, _) = teem_bencode::parse_prefix(bytes, &BENCODE).ok()?;
    let root = document.root();
    root.dict().map(drop)?;
    let mut message = PexMessage::default();
    for (family, added, flags, dropped) in [
        (Family::V4, &b"added"[..], &b"added.f"[..], &b"dropped"[..]),
        (Family::V6, b"added6", b"added6.f", b"dropped6"),
    ] {
        let entries = list(root, added);
        let flags = list(root, flags);
        let count = entries.len() / family.entry_len();
        let known = flags.len() == count;
        let met = whole(family, entries).enumerate().filter_map(|(n, entry)| {
            let addr = compact::decode(family, entry).next()?;
            let flags = flags.get(n).filter(|_| known).map_or(PexFlags::default(), |flags| PexFlags(*flags));
            Some(Contact { addr, flags })
        });
        let room = CONTACTS_MAX - message.added.len();
        message.added.extend(met.take(room));
        let room = CONTACTS_MAX - message.dropped.len();
        message.dropped.extend(compact::decode(family, list(root, dropped)).take(room));
    }
    Some(message)
}

fn list<'a>(root: Value<'_, 'a>, key: &[u8]) -> &'a [u8] {
    root.get(key).and_then(|list| list.as_bytes()).unwrap_or_default()
}

fn whole(family: Family, entries: &[u8]) -> impl Iterator<Item = &[u8]> {
    entries.chunks_exact(family.entry_len())
}

/// Appends the dictionary, with the keys of the families that it speaks of.
pub(super) fn encode(message: &PexMessage, out: &mut Vec<u8>) {
    let [mut added, mut flags, mut dropped] = [(); 3].map(|()| [Vec::new(), Vec::new()]);
    let place = |addr: SocketAddr| usize::from(addr.is_ipv6());
    for contact in &message.added {
        let addr = canonical(contact.addr);
        compact::encode(addr, &mut added[place(addr)]);
        flags[place(addr)].push(contact.flags.0);
    }
    for addr in &message.dropped {
        let addr = canonical(*addr);
        compact::encode(addr, &mut dropped[place(addr)]);
    }
    let ([v4, v6], [f4, f6], [d4, d6]) = (added, flags, dropped);
    let mut writer = Writer::new();
    writer.dict(|dict| {
        // Without any list the one of IPv4 is there all the same: a message must have one (BEP 11).
        let some = [&v6, &d4, &d6].iter().any(|list| !list.is_empty());
        let keys: [(&[u8], &Vec<u8>, bool); 6] = [
            (b"added", &v4, !some),
            (b"added.f", &f4, false),
            (b"added6", &v6, false),
            (b"added6.f", &f6, false),
            (b"dropped", &d4, false),
            (b"dropped6", &d6, false),
        ];
        for (key, list, always) in keys {
            if always || !list.is_empty() {
                dict.key(key).bytes(list);
            }
        }
    });
    out.extend_from_slice(writer.as_bytes());
}

/// An IPv4 address within an IPv6 one is written as what it is.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
