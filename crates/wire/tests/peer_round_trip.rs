//! Property: what is encoded is decoded as it was, however the network cuts it; and any bytes at all are survived.
mod common;

use common::{Whole, decode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};
use teem_metainfo::InfoHash;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::decode::Decoder;
use teem_wire::peer::encode::{block_head, encode, encode_handshake};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::ids::{LT_DONTHAVE, UT_HOLEPUNCH, UT_METADATA, UT_PEX};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::{
    Contact, ExtendedHandshake, Holepunch, HolepunchError, HolepunchMessage, Message, MetadataMessage, PexFlags,
    PexMessage,
};

fn block_ref() -> impl Strategy<Value = BlockRef> {
    any::<(u32, u32, u32)>().prop_map(|(piece, begin, len)| BlockRef { piece, begin, len })
}

fn features() -> impl Strategy<Value = Features> {
    any::<[bool; 4]>().prop_map(|[fast, extended, dht, v2]| Features { fast, extended, dht, v2 })
}

fn handshake() -> impl Strategy<Value = Handshake> {
    (any::<[u8; 20]>(), any::<[u8; 20]>(), features()).prop_map(|(hash, id, features)| Handshake {
        info_hash: InfoHash(hash),
        peer_id: PeerId(id),
        features,
    })
}

fn extended_handshake() -> impl Strategy<Value = ExtendedHandshake> {
    let extensions = (
        [option::of(any::<u8>()), option::of(any::<u8>()), option::of(any::<u8>()), option::of(any::<u8>())],
        option::of(any::<bool>()),
    );
    let rest = (
        option::of(1_u16..),
        option::of("[a-zA-Zµ€ /.0-9]{0,20}"),
        option::of(1_u32..=4096),
        option::of(1_u32..),
        option::of(any::<IpAddr>().prop_map(|ip| ip.to_canonical())),
        option::of(any::<bool>()),
        option::of(any::<u32>()),
    );
    (extensions, rest).prop_map(
        |(
            ([ut_metadata, ut_pex, lt_donthave, ut_holepunch], prefers_encryption),
            (port, client, reqq, metadata_size, your_ip, upload_only, teem_source),
        )| {
            ExtendedHandshake {
                ut_metadata,
                ut_pex,
                lt_donthave,
                ut_holepunch,
                prefers_encryption,
                port,
                client,
                reqq,
                metadata_size,
                your_ip,
                upload_only,
                teem_source,
            }
        },
    )
}

fn metadata() -> impl Strategy<Value = MetadataMessage> {
    prop_oneof![
        any::<u32>().prop_map(|piece| MetadataMessage::Request { piece }),
        any::<u32>().prop_map(|piece| MetadataMessage::Reject { piece }),
        (any::<u32>(), any::<u32>(), vec(any::<u8>(), 0..100))
            .prop_map(|(piece, total_size, data)| { MetadataMessage::Data { piece, total_size, data } }),
    ]
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), 1_u16..).prop_map(|(ip, port)| SocketAddr::new(ip.to_canonical(), port))
}

/// The lists of IPv4 come first on the wire, so they do here.
fn pex() -> impl Strategy<Value = PexMessage> {
    let contact = (address(), any::<u8>()).prop_map(|(addr, flags)| Contact { addr, flags: PexFlags(flags) });
    (vec(contact, 0..50), vec(address(), 0..50)).prop_map(|(mut added, mut dropped)| {
        added.sort_by_key(|contact| contact.addr.is_ipv6());
        dropped.sort_by_key(SocketAddr::is_ipv6);
        PexMessage { added, dropped }
    })
}

fn holepunch() -> impl Strategy<Value = HolepunchMessage> {
    let what = prop_oneof![
        Just(Holepunch::Rendezvous),
        Just(Holepunch::Connect),
        Just(Holepunch::Error(HolepunchError::NoSupport)),
        (5_u32..).prop_map(|code| Holepunch::Error(HolepunchError::Other(code))),
    ];
    (what, address()).prop_map(|(what, at)| HolepunchMessage { what, at })
}

fn whole() -> impl Strategy<Value = Whole> {
    let message = prop_oneof![
        Just(Message::KeepAlive),
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        Just(Message::NotInterested),
        any::<u32>().prop_map(Message::Have),
        vec(any::<u8>(), 0..100).prop_map(Message::Bitfield),
        block_ref().prop_map(Message::Request),
        block_ref().prop_map(Message::Cancel),
        any::<u16>().prop_map(Message::Port),
        any::<u32>().prop_map(Message::Suggest),
        Just(Message::HaveAll),
        Just(Message::HaveNone),
        block_ref().prop_map(Message::Reject),
        any::<u32>().prop_map(Message::AllowedFast),
        extended_handshake().prop_map(Message::ExtendedHandshake),
        any::<u32>().prop_map(|piece| Message::DontHave { id: LT_DONTHAVE, piece }),
        metadata().prop_map(|message| Message::Metadata { id: UT_METADATA, message }),
        pex().prop_map(|message| Message::Pex { id: UT_PEX, message }),
        holepunch().prop_map(|message| Message::Holepunch { id: UT_HOLEPUNCH, message }),
    ];
    let block = (any::<u32>(), any::<u32>(), vec(any::<u8>(), 1..200))
        .prop_map(|(piece, begin, data)| Whole::Block(BlockRef { piece, begin, len: data.len() as u32 }, data));
    prop_oneof![4 => message.prop_map(Whole::Message), 1 => block]
}

fn write(frames: &[Whole]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        match frame {
            Whole::Handshake(handshake) => out.extend_from_slice(&encode_handshake(handshake)),
            Whole::Message(message) => encode(message, &mut out),
            Whole::Block(at, data) => {
                out.extend_from_slice(&block_head(*at));
                out.extend_from_slice(data);
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_chunking_gives_the_same_frames(
        first in handshake(),
        frames in vec(whole(), 0..8),
        reads in vec(1_usize..40, 0..200),
    ) {
        let mut sent = vec![Whole::Handshake(first)];
        sent.extend(frames);
        let stream = write(&sent);
        prop_assert_eq!(&decode(&mut Decoder::new(Limits::PEER), &stream, &[]).unwrap(), &sent);
        prop_assert_eq!(&decode(&mut Decoder::new(Limits::PEER), &stream, &reads).unwrap(), &sent);
        let singly = vec![1; stream.len()];
        prop_assert_eq!(&decode(&mut Decoder::new(Limits::PEER), &stream, &singly).unwrap(), &sent);
    }

    #[test]
    fn any_bytes_give_the_same_verdict_in_every_chunking(
        stream in vec(prop_oneof![3 => Just(0_u8), 1 => 0_u8..24, 1 => any::<u8>()], 0..400),
        reads in vec(1_usize..40, 0..60),
        features in features(),
    ) {
        let whole = decode(&mut Decoder::after_handshake(Limits::PEER, features), &stream, &[]);
        let cut = decode(&mut Decoder::after_handshake(Limits::PEER, features), &stream, &reads);
        prop_assert_eq!(whole, cut);
    }
}

#[test]
fn a_full_block_passes_in_slices_of_the_input() {
    let at = BlockRef { piece: 7, begin: 16384, len: BLOCK_LEN };
    let data: Vec<u8> = (0..BLOCK_LEN).map(|i| (i % 251) as u8).collect();
    let stream = write(&[Whole::Block(at, data.clone()), Whole::Message(Message::Have(7))]);
    let mut decoder = Decoder::after_handshake(Limits::PEER, Features::default());
    let out = decode(&mut decoder, &stream, &[5, 8, 1000]).unwrap();
    assert_eq!(out, [Whole::Block(at, data), Whole::Message(Message::Have(7))]);
}
