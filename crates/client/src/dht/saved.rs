//! What is kept of our nodes between runs (BEP 5, "Routing Table"): their ids, and some of the nodes that they know. One file in the state folder, which
//! may be lost or damaged without harm.
use crate::store::{Readers, write_whole};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use teem_bencode::{Limits, Value, Writer, parse};
use teem_dht::id::{ID_LEN, Id};
use teem_dht::krpc::message::Contact;
use teem_wire::compact::{self, Family};

/// Nodes that are kept.
const NODES_MAX: usize = 400;
/// The families, with the keys of their ids and of their nodes.
const FAMILIES: [(Family, &[u8], &[u8], usize); 2] =
    [(Family::V4, b"id4", b"nodes", ID_LEN + 6), (Family::V6, b"id6", b"nodes6", ID_LEN + 18)];

/// What the next run begins with.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Saved {
    /// The ids of our nodes, by family.
    pub(crate) ids: Vec<(Family, Id)>,
    /// Nodes that answered.
    pub(crate) nodes: Vec<Contact>,
}

impl Saved {
    /// Reads it; what is damaged or not there is nothing.
    pub(crate) fn load(state_dir: &Path) -> Self {
        std::fs::read(file(state_dir)).ok().and_then(|bytes| Self::decode(&bytes)).unwrap_or_default()
    }

    /// Writes it in one piece: after a crash either the old or the new one is there.
    pub(crate) fn save(&self, state_dir: &Path) -> io::Result<()> {
        write_whole(&file(state_dir), &self.encode(), Readers::Owner)
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.dict(|d| {
            for (family, id, ..) in FAMILIES {
                if let Some((_, own)) = self.ids.iter().find(|(of, _)| *of == family) {
                    d.key(id).bytes(&own.0);
                }
            }
            for (family, _, nodes, _) in FAMILIES {
                let mut list = Vec::new();
                let of = self.nodes.iter().filter(|node| Family::of(node.addr.ip()) == family);
                for node in of.take(NODES_MAX / FAMILIES.len()) {
                    list.extend_from_slice(&node.id.0);
                    compact::encode(node.addr, &mut list);
                }
                d.key(nodes).bytes(&list);
            }
        });
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::MESSAGE).ok()?;
        let bytes_of = |key: &[u8]| document.root().get(key).and_then(|value: Value<'_, '_>| value.as_bytes());
        let mut saved = Self::default();
        for (family, id, nodes, len) in FAMILIES {
            saved.ids.extend(bytes_of(id).and_then(Id::from_slice).map(|id| (family, id)));
            let list = bytes_of(nodes).unwrap_or_default().chunks_exact(len).take(NODES_MAX / FAMILIES.len());
            saved.nodes.extend(list.filter_map(|entry| {
                let (id, addr) = entry.split_at(ID_LEN);
                let addr: SocketAddr = compact::decode(family, addr).next()?;
                Some(Contact { id: Id::from_slice(id)?, addr })
            }));
        }
        Some(saved)
    }
}

fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("dht.nodes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_and_what_is_damaged_is_nothing() {
        let node = |n: u32| {
            let addr = if n.is_multiple_of(2) {
                SocketAddr::from((std::net::Ipv4Addr::from(0x1400_0000 + n), 9))
            } else {
                SocketAddr::from((std::net::Ipv6Addr::from(0x2620_u128 << 112 | u128::from(n)), 9))
            };
            Contact { id: Id([n as u8; ID_LEN]), addr }
        };
        let saved = Saved {
            ids: vec![(Family::V4, Id([1; ID_LEN])), (Family::V6, Id([2; ID_LEN]))],
            nodes: (0..9).map(node).collect(),
        };
        let mut read = Saved::decode(&saved.encode()).unwrap();
        read.nodes.sort_by_key(|node| node.id);
        assert_eq!(read, saved);
        let many = Saved { ids: Vec::new(), nodes: (0..5_000).map(node).collect() };
        assert_eq!(Saved::decode(&many.encode()).unwrap().nodes.len(), NODES_MAX);
        let bytes = saved.encode();
        for cut in 0..bytes.len() {
            assert_eq!(Saved::decode(&bytes[..cut]), None);
        }
        assert_eq!(Saved::load(Path::new("/nowhere")), Saved::default());
    }
}
