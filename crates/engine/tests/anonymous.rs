//! What tells this client is not said where it is to be anonymous (BEP 37).
mod common;

use common::one::*;
use common::*;
use teem_engine::EngineConfig;
use teem_swarm::output::Output;
use teem_wire::peer::message::{ExtendedHandshake, Message};

/// The peer id and the introduction that a peer gets which dials us.
fn said(config: EngineConfig) -> ([u8; 20], ExtendedHandshake) {
    let mut one = One::of(config, &info(4, false), &[], &[]);
    one.outputs();
    one.accept(1, "203.0.113.9:40000");
    let outputs = one.hello(1, one.hash, id(1));
    let peer_id = outputs.iter().find_map(|output| match output {
        Output::Hello { handshake, .. } => Some(handshake.peer_id.0),
        _ => None,
    });
    let introduction = outputs.into_iter().find_map(|output| match output {
        Output::Send { message: Message::ExtendedHandshake(said), .. } => Some(said),
        _ => None,
    });
    (peer_id.expect("a handshake"), introduction.expect("an extended handshake"))
}

#[test]
fn an_anonymous_peer_has_no_name_no_port_and_no_mark() {
    for anonymous in [false, true] {
        let (id, said) = said(EngineConfig { anonymous, ..EngineConfig::new(5000, 9) });
        assert_eq!(id.starts_with(b"-TM"), !anonymous);
        assert!(id[if anonymous { 0 } else { 8 }..].iter().all(u8::is_ascii_alphanumeric));
        let named = (said.client.is_some(), said.your_ip.is_some(), said.port.is_some());
        assert_eq!(named, (!anonymous, !anonymous, !anonymous));
        assert_eq!(said.teem_source, None);
        assert!(said.ut_metadata.is_some() && said.reqq.is_some(), "what serves the exchange is said");
    }
}
