//! Messages as packets (BEP 5, "KRPC Protocol"), canonical: keys in their order, nothing superfluous.
use super::message::{Body, Contact, Message, Method, Query, Response, Want};
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_bencode::{DictWriter, Writer};
use teem_wire::compact;

impl Message<'_> {
    /// The bytes that are sent, one bencoded dictionary.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.dict(|d| {
            match &self.body {
                Body::Query(query) => d.key(b"a").dict(|a| arguments(query, a)),
                Body::Error(refusal) => d.key(b"e").list(|e| {
                    e.int(refusal.code);
                    e.bytes(refusal.text);
                }),
                Body::Response(_) => {}
            }
            if let Some(ip) = self.ip {
                d.key(b"ip").bytes(&address(ip));
            }
            match &self.body {
                Body::Query(query) => {
                    d.key(b"q").bytes(query.method.name());
                    if query.read_only {
                        d.key(b"ro").int(1);
                    }
                }
                Body::Response(response) => d.key(b"r").dict(|r| values(response, r)),
                Body::Error(_) => {}
            }
            d.key(b"t").bytes(self.transaction);
            if let Some(version) = self.version {
                d.key(b"v").bytes(version);
            }
            d.key(b"y").bytes(match self.body {
                Body::Query(_) => b"q",
                Body::Response(_) => b"r",
                Body::Error(_) => b"e",
            });
        });
        writer.into_bytes()
    }
}

impl<'a> Method<'a> {
    /// `q`: its name.
    pub fn name(&self) -> &'a [u8] {
        match self {
            Self::Ping => b"ping",
            Self::FindNode { .. } => b"find_node",
            Self::GetPeers { .. } => b"get_peers",
            Self::AnnouncePeer { .. } => b"announce_peer",
            Self::Get { .. } => b"get",
            Self::Put { .. } => b"put",
            Self::SampleInfohashes { .. } => b"sample_infohashes",
            Self::Other { name, .. } => name,
        }
    }
}

fn arguments(query: &Query<'_>, a: &mut DictWriter<'_>) {
    let id = &query.id.0;
    match &query.method {
        Method::Ping => a.key(b"id").bytes(id),
        Method::FindNode { target } | Method::SampleInfohashes { target } => {
            a.key(b"id").bytes(id);
            a.key(b"target").bytes(&target.0);
        }
        Method::GetPeers { info_hash, no_seeds, scrape } => {
            a.key(b"id").bytes(id);
            a.key(b"info_hash").bytes(&info_hash.0);
            flag(a, b"noseed", *no_seeds);
            flag(a, b"scrape", *scrape);
        }
        Method::AnnouncePeer { info_hash, port, implied_port, seed, token } => {
            a.key(b"id").bytes(id);
            // Always there: rqbit takes no announce without it.
            a.key(b"implied_port").uint(u64::from(*implied_port));
            a.key(b"info_hash").bytes(&info_hash.0);
            a.key(b"port").uint((*port).into());
            flag(a, b"seed", *seed);
            a.key(b"token").bytes(token);
        }
        Method::Get { target, seq } => {
            a.key(b"id").bytes(id);
            if let Some(seq) = seq {
                a.key(b"seq").int(*seq);
            }
            a.key(b"target").bytes(&target.0);
        }
        Method::Put { token, value, signed } => {
            if let Some(cas) = signed.and_then(|signed| signed.cas) {
                a.key(b"cas").int(cas);
            }
            a.key(b"id").bytes(id);
            if let Some(signed) = signed {
                a.key(b"k").bytes(signed.key);
                if !signed.salt.is_empty() {
                    a.key(b"salt").bytes(signed.salt);
                }
                a.key(b"seq").int(signed.seq);
                a.key(b"sig").bytes(signed.signature);
            }
            a.key(b"token").bytes(token);
            a.key(b"v").raw(value);
        }
        Method::Other { target, .. } => {
            a.key(b"id").bytes(id);
            if let Some(target) = target {
                a.key(b"target").bytes(&target.0);
            }
        }
    }
    if let Some(Want { v4, v6 }) = query.want {
        a.key(b"want").list(|want| {
            [(v4, b"n4"), (v6, b"n6")].iter().filter(|(is, _)| *is).for_each(|(_, name)| want.bytes(*name));
        });
    }
}

fn flag(a: &mut DictWriter<'_>, key: &[u8], set: bool) {
    if set {
        a.key(key).int(1);
    }
}

fn values(response: &Response<'_>, r: &mut DictWriter<'_>) {
    if let Some(filters) = response.filters {
        r.key(b"BFpe").bytes(filters.peers);
        r.key(b"BFsd").bytes(filters.seeds);
    }
    r.key(b"id").bytes(&response.id.0);
    if let Some(samples) = response.samples {
        r.key(b"interval").uint(samples.interval_s.into());
    }
    if let Some(key) = response.item.key {
        r.key(b"k").bytes(key);
    }
    if let Some(nodes) = &response.nodes {
        r.key(b"nodes").bytes(&contacts(nodes));
    }
    if let Some(nodes) = &response.nodes6 {
        r.key(b"nodes6").bytes(&contacts(nodes));
    }
    if let Some(samples) = response.samples {
        r.key(b"num").uint(samples.held);
        r.key(b"samples").bytes(samples.hashes);
    }
    if let Some(seq) = response.item.seq {
        r.key(b"seq").int(seq);
    }
    if let Some(signature) = response.item.signature {
        r.key(b"sig").bytes(signature);
    }
    if let Some(token) = response.token {
        r.key(b"token").bytes(token);
    }
    if let Some(value) = response.item.value {
        r.key(b"v").raw(value);
    }
    if let Some(peers) = &response.values {
        r.key(b"values").list(|list| peers.iter().for_each(|peer| list.bytes(&address(*peer))));
    }
}

fn contacts(nodes: &[Contact]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nodes.len() * 26);
    for node in nodes {
        out.extend_from_slice(&node.id.0);
        compact::encode(node.addr, &mut out);
    }
    out
}

fn address(addr: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(6);
    compact::encode(addr, &mut out);
    out
}
