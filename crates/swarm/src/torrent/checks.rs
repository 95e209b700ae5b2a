//! Each check of an owner can fail (own design): one thing at a time is changed behind an owner's back, and [`Torrent::check`] notices.
use super::Torrent;
use super::announce::Identity;
use super::context::Context;
use super::granting::PeerEvent;
use super::step::Step;
use crate::ask::AskIds;
use crate::command::{AddTorrent, Spreading};
use crate::external::Votes;
use crate::ids::{ConnId, TorrentId};
use crate::job::{Done, Facts};
use crate::output::Outputs;
use crate::rng::Rng;
use crate::selection::Selection;
use crate::throttle::Shared;
use crate::time::Time;
use crate::turns::Always;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

const PIECES: u32 = 8;
const SEED: ConnId = ConnId(1);

/// Does something with a torrent and what its handlers are called with.
fn with(torrent: &mut Torrent, act: impl FnOnce(&mut Torrent, &mut Context<'_, ()>)) {
    let (mut shared, mut votes, mut ids) = (Shared::default(), Votes::default(), AskIds::default());
    let mut out = Outputs::new();
    let (shared, votes, ids, out) = (&mut shared, &mut votes, &mut ids, &mut out);
    act(torrent, &mut Context { now: Time::ZERO, shared, votes, ids, turns: &mut Always, out });
}

/// A torrent with these pieces, and a seed connected that has unchoked it.
fn torrent(have: Vec<u32>, spreading: Spreading) -> Torrent {
    let info = teem_sim::lab::info(u64::from(PIECES) * 32_768, 32_768, false);
    let key = info.key();
    let add = AddTorrent {
        torrent: TorrentId(1),
        key,
        info: Some(info),
        trackers: Vec::new(),
        peers: Vec::new(),
        up: None,
        down: None,
        publish: false,
        spreading,
        cooperative: false,
        selection: None,
        choose: false,
        announced: None,
    };
    let me = Identity { torrent: key, peer_id: PeerId([1; 20]), doors: 6_881.into(), key: 1 };
    let mut torrent = Torrent::new(add, me, Rng::new(7));
    with(&mut torrent, |t, cx| {
        t.start(cx);
        let (facts, selection) = (Facts::default(), Selection::all());
        t.disk(cx, Done::Opened { torrent: TorrentId(1), have, check: Vec::new(), facts, selection });
        let features = Features { fast: true, extended: true, ..Features::default() };
        let handshake = Handshake { info_hash: key.wire(), peer_id: PeerId([2; 20]), features };
        let addr: SocketAddr = "198.18.0.2:6881".parse().unwrap();
        t.peer_ready(cx, SEED, addr, true, handshake);
        for message in [Message::Bitfield(vec![0b1111_1110]), Message::Unchoke] {
            t.message(cx, SEED, message);
        }
    });
    assert_eq!(torrent.check(), Ok(()));
    torrent
}

/// What is noticed when a torrent that downloads is changed.
fn noticed(change: impl FnOnce(&mut Torrent, &mut Context<'_, ()>)) -> &'static str {
    let mut torrent = torrent(Vec::new(), Spreading::Ordinary);
    assert!(torrent.ground.table.get(SEED).is_some_and(|peer| peer.pipeline().under_way() > 0));
    with(&mut torrent, change);
    torrent.check().unwrap_err()
}

#[test]
fn the_table_notices_interest_that_was_not_counted_and_a_peer_that_is_in_the_roster_alone() {
    let found = noticed(|t, _| t.ground.table.get_mut(SEED).unwrap().stance_mut().set_interested(true));
    assert_eq!(found, "the audience differs from the interested peers");
    let found = noticed(|t, cx| {
        let addr: SocketAddr = "198.18.0.3:6881".parse().unwrap();
        t.ground.table.admit(cx.now, ConnId(2), addr.into(), false, PeerId([3; 20]));
    });
    assert_eq!(found, "the roster differs from the peers");
}

#[test]
fn a_download_notices_what_its_picker_was_not_told() {
    let found = noticed(|t, _| _ = t.ground.table.get_mut(SEED).unwrap().pieces_mut().show(PIECES - 1));
    assert_eq!(found, "the picker counts other pieces than the peers show");
    let found = noticed(|t, _| t.ground.table.get_mut(SEED).unwrap().pieces_mut().set_useful(1));
    assert_eq!(found, "a peer's pieces of use were counted wrong");
    let found = noticed(|t, cx| _ = t.ground.table.get_mut(SEED).unwrap().give_up(cx.now));
    assert_eq!(found, "a block is held for asked that is in no pipeline");
    let found = noticed(|t, _| {
        let begun = t.phase.picker().unwrap().begun().next().unwrap().0;
        t.ground.content.gain(begun);
    });
    assert_eq!(found, "a piece is fetched that is here");
}

#[test]
fn blocks_that_no_download_knows_of_are_noticed() {
    let found = noticed(|t, _| t.phase = super::phase::Phase::Seeding);
    assert_eq!(found, "blocks are asked for in vain");
}

#[test]
fn the_upload_notices_what_it_did_not_read_and_who_waits_without_its_queue() {
    let found = noticed(|t, _| {
        let peer = t.ground.table.get_mut(SEED).unwrap();
        peer.upload_mut().ask(t.ground.content.geometry().block(0, 0));
        peer.upload_mut().read(Time::ZERO);
    });
    assert_eq!(found, "what is read ahead differs from the sum over the peers");
    let found = noticed(|t, cx| _ = t.ground.table.get_mut(SEED).unwrap().wait_up(cx.now));
    assert_eq!(found, "the peers that wait for the upload limit differ from its queue");
}

#[test]
fn the_store_notices_checks_of_more_than_there_is_and_pieces_that_wait_for_no_sync() {
    let found = noticed(|t, _| t.store.opened(Facts::default(), PIECES + 1));
    assert_eq!(found, "more pieces are to be hashed than there are");
    let found = noticed(|t, cx| t.store.verified(cx.now, 0));
    assert_eq!(found, "verified bytes wait for no sync");
}

#[test]
fn a_source_notices_a_peer_that_is_not_connected() {
    let mut torrent = torrent((0..PIECES).collect(), Spreading::Granting);
    assert!(torrent.granting.is_source());
    with(&mut torrent, |t, cx| {
        let peer = t.ground.table.get(SEED).cloned().unwrap();
        t.granting.gone(cx.now, SEED, &peer);
    });
    assert_eq!(torrent.check(), Err("the source knows other peers than are connected"));
    with(&mut torrent, |t, cx| _ = t.granting.on(cx, &mut t.ground, SEED, PeerEvent::Came));
    assert_eq!(torrent.check(), Ok(()));
}

#[test]
fn steps_that_were_left_are_noticed() {
    let found = noticed(|t, _| t.ground.steps.push_back(Step::Wake));
    assert_eq!(found, "steps were left that nobody carries out");
}
