//! Names that only the proxy looks up, of those that are spoken to by packets (own design; RFC 1928, section 7): each is asked something harmless in its own words, and its
//! answer says where it is. What asks then goes on as with any address.
use crate::entropy::number;
use crate::resolve::{is_address, resolve};
use std::net::SocketAddr;
use teem_dht::id::Id;
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Message, Method, Query};
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_host::named::{Answers, Named};
use teem_path::Path;
use teem_path::opener::Target;
use teem_swarm::ask::Speaks;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;
use teem_wire::tracker::udp::{Reply, Request, decode_reply, encode_request};
use tokio::sync::oneshot;

/// The addresses of somebody who is to be sent packets, or why there are none.
pub(crate) async fn packets_to(
    host: &HostHandle,
    path: &Path,
    name: &str,
    port: u16,
    speaks: Speaks,
) -> Result<Vec<SocketAddr>, String> {
    if path.proxy().is_some() && !is_address(name) {
        return find(host, name, port, speaks).await;
    }
    resolve(path, name, port).await
}

/// The address that answers by a name, or why there is none.
async fn find(host: &HostHandle, name: &str, port: u16, speaks: Speaks) -> Result<Vec<SocketAddr>, String> {
    let (tell, told) = oneshot::channel();
    let (packet, answers) = match speaks {
        Speaks::Tracker => to_tracker(number() as u32),
        Speaks::Dht => to_node(number()),
    };
    let named = Named {
        to: Target::Name(name.to_owned(), port),
        packet,
        answers,
        // Nobody may wait any more.
        tell: Box::new(|addr| _ = tell.send(addr)),
    };
    host.send(HostMsg::Name(named)).map_err(|e| e.to_string())?;
    let found = told.await.ok().flatten().filter(|addr| Reach::of(addr.ip()) != Reach::Nowhere);
    found.map(|addr| vec![addr]).ok_or_else(|| format!("{name} did not answer by the proxy's relay, if there is one"))
}

type Asked = (Vec<u8>, Answers);

/// A connection id is asked for, and not used (BEP 15).
fn to_tracker(wanted: u32) -> Asked {
    let packet = encode_request(&Request::Connect { transaction: wanted }, "");
    let answers = move |packet: &[u8]| match decode_reply(packet, Family::V4) {
        Some(Reply::Connect { transaction, .. } | Reply::Error { transaction, .. }) => transaction == wanted,
        _ => false,
    };
    (packet, Box::new(answers))
}

/// A ping of one that wants to stand in nobody's table (BEP 5, 43).
fn to_node(wanted: u64) -> Asked {
    let wanted = wanted.to_be_bytes();
    let id = core::array::from_fn(|_| number() as u8);
    let body = Body::Query(Query { id: Id(id), read_only: true, want: None, method: Method::Ping });
    let packet = Message { transaction: &wanted, version: None, ip: None, body }.encode();
    let answers = move |packet: &[u8]| {
        decode(packet, &Limits::NODE)
            .is_ok_and(|message| message.transaction == wanted && !matches!(message.body, Body::Query(_)))
    };
    (packet, Box::new(answers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_dht::krpc::message::Response;
    use teem_wire::tracker::udp::encode_reply;

    #[test]
    fn only_its_own_answer_is_one() {
        let (packet, answers) = to_tracker(7);
        assert_eq!((packet.len(), &packet[8..]), (16, &[0, 0, 0, 0, 0, 0, 0, 7][..]));
        let reply = |transaction| encode_reply(&Reply::Connect { transaction, connection: 1 }, Family::V4);
        assert!(answers(&reply(7)) && !answers(&reply(8)) && !answers(b""));
        let (packet, answers) = to_node(7);
        let asked = decode(&packet, &Limits::NODE).unwrap();
        assert!(matches!(asked.body, Body::Query(Query { read_only: true, method: Method::Ping, .. })));
        let reply = |transaction: u64| {
            let body = Body::Response(Response::new(Id([9; 20])));
            Message { transaction: &transaction.to_be_bytes(), version: None, ip: None, body }.encode()
        };
        assert!(answers(&reply(7)) && !answers(&reply(8)) && !answers(&packet), "its own echo");
    }
}
