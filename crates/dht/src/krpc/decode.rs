//! Packets as messages (BEP 5, "KRPC Protocol"). What other nodes send is read as far as it can be; what it costs is bounded by [`Limits`].
use super::message::{
    Body, Contact, FilterPair, ItemFields, Message, Method, Query, Refusal, Response, Samples, Signed, Want, code,
};
use crate::id::{ID_LEN, Id};
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_bencode::{Kind, Value, parse};
use teem_wire::compact::{self, Family};

/// What one packet may bring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Of the packet, in bytes, its nesting, and the number of its values.
    pub bencode: teem_bencode::Limits,
    /// Length of a transaction id in bytes; a longer one is not repeated for anybody.
    pub transaction: usize,
    /// Length of a token in bytes.
    pub token: usize,
    /// Peers that are taken from one response.
    pub values: usize,
    /// Nodes that are taken from one response, in each family.
    pub nodes: usize,
}

impl Limits {
    /// No honest packet is longer than what fits into one of Ethernet's, a hundred peers need 800 bytes, others name 8 nodes, a value of 1,000
    /// bytes has at most 500 values in it, and most transaction ids have 2 or 4 bytes.
    pub const NODE: Self = Self {
        bencode: teem_bencode::Limits { bytes: 1_500, depth: 32, tokens: 1_024 },
        transaction: 32,
        token: 128,
        values: 100,
        nodes: 16,
    };
}

/// Why a packet is no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError<'a> {
    /// It is none of this protocol, or answers nothing that can be told: there is nothing to say to it.
    NotKrpc,
    /// It is a query that lacks something: its sender may be told so.
    BadQuery {
        /// The transaction id that the answer is to repeat.
        transaction: &'a [u8],
        /// One of [`code`].
        code: i64,
        /// What is wrong.
        why: &'static str,
    },
    /// It is the response of a node, without an id or with one that is none.
    BadResponse {
        /// The transaction id, by which the query is known.
        transaction: &'a [u8],
    },
}

/// Reads a packet.
pub fn decode<'a>(packet: &'a [u8], limits: &Limits) -> Result<Message<'a>, DecodeError<'a>> {
    let document = parse(packet, &limits.bencode).map_err(|_| DecodeError::NotKrpc)?;
    let root = document.root();
    let bytes = |key: &[u8]| root.get(key).and_then(|value| value.as_bytes());
    let transaction = bytes(b"t").filter(|t| t.len() <= limits.transaction).ok_or(DecodeError::NotKrpc)?;
    let body = match bytes(b"y") {
        Some(b"q") => Body::Query(query(root, transaction, limits)?),
        Some(b"r") => Body::Response(response(root, limits).ok_or(DecodeError::BadResponse { transaction })?),
        Some(b"e") => Body::Error(refusal(root)),
        _ => return Err(DecodeError::NotKrpc),
    };
    Ok(Message { transaction, version: bytes(b"v"), ip: bytes(b"ip").and_then(address), body })
}

fn query<'a>(root: Value<'_, 'a>, transaction: &'a [u8], limits: &Limits) -> Result<Query<'a>, DecodeError<'a>> {
    let bad = |why| DecodeError::BadQuery { transaction, code: code::PROTOCOL, why };
    let name = root.get(b"q").and_then(|q| q.as_bytes()).ok_or(bad("no q"))?;
    let a = root.get(b"a").filter(|a| a.kind() == Kind::Dict).ok_or(bad("no a"))?;
    let id = id_of(a, b"id").ok_or(bad("id is not 20 bytes"))?;
    let target = || id_of(a, b"target").ok_or(bad("target is not 20 bytes"));
    let info_hash = || id_of(a, b"info_hash").ok_or(bad("info_hash is not 20 bytes"));
    let token = || {
        let token = a.get(b"token").and_then(|token| token.as_bytes()).ok_or(bad("no token"))?;
        if token.len() > limits.token { Err(bad("bad token")) } else { Ok(token) }
    };
    let method = match name {
        b"ping" => Method::Ping,
        b"find_node" => Method::FindNode { target: target()? },
        b"get_peers" => {
            Method::GetPeers { info_hash: info_hash()?, no_seeds: is_set(a, b"noseed"), scrape: is_set(a, b"scrape") }
        }
        b"announce_peer" => {
            let implied_port = is_set(a, b"implied_port");
            let port = a.get(b"port").and_then(|port| port.as_uint()).and_then(|port| u16::try_from(port).ok());
            let port = port.filter(|port| *port != 0).or(implied_port.then_some(0)).ok_or(bad("no port"))?;
            Method::AnnouncePeer {
                info_hash: info_hash()?,
                port,
                implied_port,
                seed: is_set(a, b"seed"),
                token: token()?,
            }
        }
        b"get" => Method::Get { target: target()?, seq: a.get(b"seq").and_then(|seq| seq.as_int()) },
        b"put" => put(a, token()?, transaction)?,
        b"sample_infohashes" => Method::SampleInfohashes { target: target()? },
        _ => Method::Other { name, target: id_of(a, b"target").or_else(|| id_of(a, b"info_hash")) },
    };
    Ok(Query { id, read_only: is_set(root, b"ro"), want: a.get(b"want").and_then(want), method })
}

fn put<'a>(a: Value<'_, 'a>, token: &'a [u8], transaction: &'a [u8]) -> Result<Method<'a>, DecodeError<'a>> {
    let bad = |why| DecodeError::BadQuery { transaction, code: code::PROTOCOL, why };
    let value = a.get(b"v").ok_or(bad("no v"))?;
    if !value.is_canonical() {
        return Err(bad("v is not canonical"));
    }
    let int = |key: &[u8]| a.get(key).and_then(|value| value.as_int());
    let signed = match a.get(b"k") {
        None => None,
        Some(key) => Some(Signed {
            key: fixed(key).ok_or(bad("k is not 32 bytes"))?,
            signature: a.get(b"sig").and_then(fixed).ok_or(bad("sig is not 64 bytes"))?,
            seq: int(b"seq").ok_or(bad("no seq"))?,
            cas: int(b"cas"),
            salt: a.get(b"salt").and_then(|salt| salt.as_bytes()).unwrap_or_default(),
        }),
    };
    Ok(Method::Put { token, value: value.raw(), signed })
}

fn response<'a>(root: Value<'_, 'a>, limits: &Limits) -> Option<Response<'a>> {
    let r = root.get(b"r")?;
    let bytes = |key: &[u8]| r.get(key).and_then(|value| value.as_bytes());
    let filters =
        || Some(FilterPair { seeds: r.get(b"BFsd").and_then(fixed)?, peers: r.get(b"BFpe").and_then(fixed)? });
    let samples = bytes(b"samples").map(|hashes| Samples {
        interval_s: r
            .get(b"interval")
            .and_then(|value| value.as_uint())
            .map_or(0, |s| s.try_into().unwrap_or(u32::MAX)),
        held: r.get(b"num").and_then(|value| value.as_uint()).unwrap_or(0),
        hashes,
    });
    Some(Response {
        id: id_of(r, b"id")?,
        nodes: bytes(b"nodes").map(|list| contacts(Family::V4, list, limits.nodes)),
        nodes6: bytes(b"nodes6").map(|list| contacts(Family::V6, list, limits.nodes)),
        token: bytes(b"token").filter(|token| token.len() <= limits.token),
        values: r.get(b"values").and_then(|list| peers(list, limits.values)),
        filters: filters(),
        item: ItemFields {
            key: r.get(b"k").and_then(fixed),
            signature: r.get(b"sig").and_then(fixed),
            seq: r.get(b"seq").and_then(|seq| seq.as_int()),
            value: r.get(b"v").map(|value| value.raw()),
        },
        samples,
    })
}

/// Some send a text alone, or nothing that can be read.
fn refusal<'a>(root: Value<'_, 'a>) -> Refusal<'a> {
    let e = root.get(b"e");
    let (mut code, mut text): (_, &[u8]) = (code::GENERIC, b"");
    for value in e.and_then(|e| e.list()).into_iter().flatten().take(2).chain(e) {
        code = value.as_int().unwrap_or(code);
        text = value.as_bytes().unwrap_or(text);
    }
    Refusal { code, text }
}

/// Peers as strings of 6 or 18 bytes each. Old nodes send one string of many IPv4 addresses.
fn peers(list: Value<'_, '_>, max: usize) -> Option<Vec<SocketAddr>> {
    let strings = list.list()?.filter_map(|peer| peer.as_bytes());
    let each = strings.flat_map(|peer| {
        let family = if peer.len() == 18 { Family::V6 } else { Family::V4 };
        compact::decode(family, peer)
    });
    Some(each.take(max).collect())
}

fn contacts(family: Family, list: &[u8], max: usize) -> Vec<Contact> {
    let len = ID_LEN + if family == Family::V4 { 6 } else { 18 };
    let each = list.chunks_exact(len).filter_map(|entry| {
        let (id, addr) = entry.split_at(ID_LEN);
        let addr = compact::decode(family, addr).next().filter(|addr| Family::of(addr.ip()) == family)?;
        Some(Contact { id: Id::from_slice(id)?, addr })
    });
    each.take(max).collect()
}

fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let family = match bytes.len() {
        6 => Family::V4,
        18 => Family::V6,
        _ => return None,
    };
    compact::decode(family, bytes).next()
}

fn want(list: Value<'_, '_>) -> Option<Want> {
    let mut want = Want { v4: false, v6: false };
    for name in list.list()? {
        match name.as_bytes() {
            Some(b"n4") => want.v4 = true,
            Some(b"n6") => want.v6 = true,
            _ => {}
        }
    }
    (want.v4 || want.v6).then_some(want)
}

fn id_of(dict: Value<'_, '_>, key: &[u8]) -> Option<Id> {
    dict.get(key)?.as_bytes().and_then(Id::from_slice)
}

fn fixed<'a, const N: usize>(value: Value<'_, 'a>) -> Option<&'a [u8; N]> {
    value.as_bytes()?.try_into().ok()
}

fn is_set(dict: Value<'_, '_>, key: &[u8]) -> bool {
    dict.get(key).and_then(|value| value.as_int()).is_some_and(|value| value != 0)
}
