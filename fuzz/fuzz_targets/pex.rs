//! Peer exchange (BEP 11): never a panic, no more than its bounds, and what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::ids::UT_PEX;
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::{Contact, Message};
use teem_wire::peer::pex::{self, CONTACTS_MAX};

fuzz_target!(|bytes: &[u8]| {
    if let Some(message) = pex::decode(bytes) {
        assert!(message.added.len() <= CONTACTS_MAX && message.dropped.len() <= CONTACTS_MAX);
        assert!(message.added.iter().all(|contact| contact.addr.port() != 0));
        let sent = Message::Pex { id: UT_PEX, message };
        let mut stream = Vec::new();
        encode(&sent, &mut stream);
        let mut decoder = Decoder::after_handshake(Limits::PEER, Features::default());
        let (used, frame) = decoder.step(&stream).expect("own messages are within the limits");
        assert_eq!(used, stream.len());
        let Some(Frame::Message(Message::Pex { message: read, .. })) = frame else { panic!("{frame:?}") };
        let Message::Pex { message: sent, .. } = sent else { return };
        // An IPv4 address within an IPv6 one is written among those of IPv4.
        let key = |contact: &Contact| (contact.addr, contact.flags.0);
        let sorted = |mut list: Vec<Contact>| {
            list.sort_by_key(key);
            list
        };
        assert_eq!(sorted(read.added), sorted(sent.added));
        let sorted = |mut list: Vec<SocketAddr>| {
            list.sort();
            list
        };
        assert_eq!(sorted(read.dropped), sorted(sent.dropped));
    }
});
