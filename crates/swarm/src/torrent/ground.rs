//! What every owner of a torrent stands on (own design): who we are, the content, the table of peers, the generator, and the steps
//! that are to be carried out.
//!
//! Owners know the ground and not each other. What one finds out that concerns others it pushes as a [`Step`].
use super::announce::Identity;
use super::content::Content;
use super::context::Context;
use super::step::Step;
use super::table::Table;
use super::table::looks::Looks;
use crate::event::Event;
use crate::ids::TorrentId;
use crate::output::Output;
use crate::peer::upload::REQQ;
use crate::rng::Rng;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::net::IpAddr;
use teem_metainfo::Info;
use teem_wire::peer::ids::{LT_DONTHAVE, UT_HOLEPUNCH, UT_METADATA, UT_PEX};
use teem_wire::peer::message::ExtendedHandshake;

/// What we call ourselves (BEP 10 `v`).
const CLIENT: &str = "Teem 0.1.0";

/// Whether an extension is offered to peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Offer {
    No,
    Yes,
    /// It was, and is not any more.
    Withdrawn,
}

impl Offer {
    /// The id to be said for it, which is `id` while it is offered.
    fn id(self, id: u8) -> Option<u8> {
        match self {
            Self::No => None,
            Self::Yes => Some(id),
            Self::Withdrawn => Some(0),
        }
    }
}

/// What every owner of a torrent stands on.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) id: TorrentId,
    pub(super) me: Identity,
    pub(super) rng: Rng,
    pub(super) content: Content,
    pub(super) table: Table,
    /// What is to be done next, in this order; empty between two inputs.
    pub(super) steps: VecDeque<Step>,
    /// What each holder has had us look at.
    pub(super) looks: Looks,
    noticed: Option<String>,
    pex: Offer,
    holepunch: Offer,
    anonymous: bool,
    /// Steps of work done for what peers said: pieces, requests and givers looked at.
    pub(super) work: u64,
}

impl Ground {
    /// Nobody is connected and nothing has been said.
    pub(super) fn new(id: TorrentId, me: Identity, rng: Rng, content: Content) -> Self {
        Self {
            id,
            table: Table::new(me.peer_id),
            me,
            rng,
            content,
            steps: VecDeque::new(),
            looks: Looks::default(),
            noticed: None,
            pex: Offer::No,
            holepunch: Offer::No,
            anonymous: false,
            work: 0,
        }
    }

    /// Takes metadata on; with it more is known of what the torrent is known by in the world.
    pub(super) fn adopt(&mut self, info: Arc<Info>) {
        self.me.torrent = info.key();
        self.content.adopt(info);
    }

    /// What we say of ourselves to a peer (BEP 10). A source tells by a key of its own how much it holds, since its HAVEs do not. Where we are anonymous that is left out,
    /// and so is what tells our name, our version and our port (BEP 37).
    pub(super) fn introduction(
        &self,
        your_ip: Option<IpAddr>,
        upload_only: Option<bool>,
        source: bool,
    ) -> ExtendedHandshake {
        let doors = self.me.doors.get();
        let named = !self.anonymous;
        ExtendedHandshake {
            ut_metadata: Some(UT_METADATA),
            ut_pex: self.pex.id(UT_PEX),
            ut_holepunch: self.holepunch.id(UT_HOLEPUNCH),
            lt_donthave: Some(LT_DONTHAVE),
            port: Some(your_ip.map_or_else(|| doors.port(), |ip| doors.port_for(ip))).filter(|p| named && *p != 0),
            client: named.then(|| CLIENT.to_string()),
            reqq: Some(REQQ as u32),
            metadata_size: self.content.metadata_size(),
            your_ip: your_ip.filter(|_| named),
            upload_only,
            teem_source: (source && named).then(|| self.content.have().count()),
            ..ExtendedHandshake::default()
        }
    }

    /// Nothing is said from now on that tells this client.
    pub(super) fn stay_anonymous(&mut self) {
        self.anonymous = true;
    }

    /// Peers are told of peers from now on, unless the torrent is private.
    pub(super) fn offer_pex(&mut self, speaks_utp: bool) {
        if !self.content.is_private() {
            self.pex = Offer::Yes;
            self.holepunch = if speaks_utp { Offer::Yes } else { Offer::No };
        }
    }

    /// Peers are told of no peers any more.
    pub(super) fn withdraw_pex(&mut self) {
        for offer in [&mut self.pex, &mut self.holepunch] {
            if *offer == Offer::Yes {
                *offer = Offer::Withdrawn;
            }
        }
    }

    /// Whether peers are told of peers.
    pub(super) fn exchanges_peers(&self) -> bool {
        self.pex == Offer::Yes
    }

    /// Whether we help peers to meet, and are helped (BEP 55).
    pub(super) fn punches(&self) -> bool {
        self.holepunch == Offer::Yes
    }

    /// What a peer is told when the metadata has come. With extensions that can be withdrawn it is said whole, since some take what is left
    /// out of `m` for given up.
    pub(super) fn learnt(&self) -> ExtendedHandshake {
        let (ut_metadata, metadata_size) = (Some(UT_METADATA), self.content.metadata_size());
        let (ut_pex, ut_holepunch) = (self.pex.id(UT_PEX), self.holepunch.id(UT_HOLEPUNCH));
        let lt_donthave = ut_pex.map(|_| LT_DONTHAVE);
        ExtendedHandshake {
            ut_metadata,
            metadata_size,
            ut_pex,
            ut_holepunch,
            lt_donthave,
            ..ExtendedHandshake::default()
        }
    }

    /// Tells the owner something, unless it was the last thing told.
    pub(super) fn notice<B>(&mut self, cx: &mut Context<'_, B>, text: String) {
        if self.noticed.as_ref() != Some(&text) {
            cx.out.push_back(Output::Event(Event::Notice { torrent: self.id, text: text.clone() }));
            self.noticed = Some(text);
        }
    }

    /// What was told by another event need not be told again; or, with nothing, may be.
    pub(super) fn noticed(&mut self, text: Option<String>) {
        self.noticed = text;
    }
}
