//! What is kept of one connected peer (BEP 3: choking and interest in both directions).
//!
//! Its parts are machines of their own: [`pipeline`] what we ask of it, [`upload`] what it asks of us, [`refusals`] what it
//! will not give, [`conduct`] how often it has broken rules. The rules that need the whole torrent are in [`crate::torrent`].
pub mod conduct;
pub mod pipeline;
pub mod refusals;
pub mod upload;

use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::remote::Remote;
use crate::time::Time;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use conduct::Conduct;
use pipeline::Pipeline;
use refusals::Refusals;
use teem_wire::peer::client_names::client_name;
use teem_wire::peer::handshake::Handshake;
use upload::Upload;

/// HAVEs that are kept of a peer before the number of pieces is known; a peer with more to say sends a bitfield.
pub const EARLY_HAVES_MAX: usize = 4_096;

/// What a peer has shown before the number of pieces was known; judged when it is (bad input, rows 32 and 33).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Early {
    /// The last bitfield; its length is bounded by the decoder.
    pub bitfield: Option<Vec<u8>>,
    /// Whether the last word was HAVE_ALL.
    pub all: bool,
    /// Pieces shown one by one.
    pub haves: Vec<u32>,
    /// Pieces of which it has said since that it lacks them.
    pub lost: Vec<u32>,
}

/// One connected peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its connection.
    pub conn: ConnId,
    /// Its end as the connection has it.
    pub addr: Remote,
    /// Whether we dialled it.
    pub outgoing: bool,
    /// What it said at first.
    pub handshake: Handshake,
    /// What it calls itself (BEP 10 `v`).
    pub client: Option<String>,
    /// The port that it listens on: where it can be dialled (BEP 10 `p`).
    pub listen_port: Option<u16>,
    /// Its id for `ut_metadata` (BEP 9), when it has one.
    pub ut_metadata: Option<u8>,
    /// Its id for `lt_donthave` (BEP 54), when it has one.
    pub lt_donthave: Option<u8>,
    /// Pieces that it holds although it shows fewer: it is a source that grants them.
    pub holds: Option<u32>,
    /// It has shown that it knows the metadata: it said its size, or spoke of pieces.
    pub knows_metadata: bool,
    /// When it last asked for metadata (BEP 9).
    pub asked_metadata: Option<Time>,
    /// It has said from where it sees us; once is enough.
    pub voted: bool,
    /// It wants nothing (BEP 21).
    pub upload_only: bool,
    /// The pieces it has; of length 0 while the number of pieces is unknown.
    pub has: Bitfield,
    /// What it has shown before that number was known.
    pub early: Early,
    /// Whether the picker counts it among those that have everything.
    pub counted_as_everything: bool,
    /// How many of its pieces we want.
    pub useful: u32,
    /// Up to how many of its bytes count as gained by the swarm; `None` before it showed anything.
    pub counted: Option<u64>,
    /// We have told it INTERESTED.
    pub am_interested: bool,
    /// We choke it.
    pub am_choking: bool,
    /// When we last changed that; `None` before the first change.
    pub choke_changed: Option<Time>,
    /// It chokes us.
    pub choking_us: bool,
    /// It is interested in us.
    pub interested: bool,
    /// The piece that it is at.
    pub current: Option<u32>,
    /// Pieces that it lets us ask for while it chokes us (BEP 6), at most sixteen.
    pub fast_from: Vec<u32>,
    /// Pieces that we let it ask for while we choke it (BEP 6).
    pub fast_to: Vec<u32>,
    /// What it has rejected of late.
    pub refusals: Refusals,
    /// What we ask of it.
    pub pipeline: Pipeline,
    /// What it asks of us.
    pub upload: Upload,
    /// Rules it has broken.
    pub conduct: Conduct,
    /// It waits for the download limit.
    pub waits_down: bool,
    /// It waits for the upload limit.
    pub waits_up: bool,
    /// Pieces that it had a part in and that were right; halved by each that failed, nothing after one that was all its own.
    pub trust: u32,
    /// Blocks that it was asked for since a piece that it had a part in was judged, or since the peers were last looked over.
    pub on_trial: u32,
    /// Whole pieces that came from it alone and that the disk has not judged yet.
    pub unjudged: u32,
    /// It sent all of a piece that failed: until then it is asked for nothing, unless it is acquitted or banned before.
    pub accused: Option<Time>,
    /// When the connection was ready.
    pub since: Time,
    /// When something came last.
    pub heard: Time,
    /// When we sent something last.
    pub told: Time,
    /// When payload last went either way; at first when it came.
    pub moved: Time,
    /// When either side was last interested.
    pub busy: Time,
}

impl Peer {
    /// A peer whose handshake has come; `pieces` is 0 while their number is unknown.
    pub fn new(now: Time, conn: ConnId, addr: Remote, outgoing: bool, handshake: Handshake, pieces: u32) -> Self {
        Self {
            conn,
            addr,
            outgoing,
            handshake,
            client: None,
            listen_port: None,
            ut_metadata: None,
            lt_donthave: None,
            holds: None,
            knows_metadata: false,
            asked_metadata: None,
            voted: false,
            upload_only: false,
            has: Bitfield::new(pieces),
            early: Early::default(),
            counted_as_everything: false,
            useful: 0,
            counted: None,
            am_interested: false,
            am_choking: true,
            choke_changed: None,
            choking_us: true,
            interested: false,
            current: None,
            fast_from: Vec::new(),
            fast_to: Vec::new(),
            refusals: Refusals::default(),
            pipeline: Pipeline::new(now),
            upload: Upload::default(),
            conduct: Conduct::default(),
            waits_down: false,
            waits_up: false,
            trust: 0,
            on_trial: 0,
            unjudged: 0,
            accused: None,
            since: now,
            heard: now,
            told: now,
            moved: now,
            busy: now,
        }
    }

    /// Whether both sides speak BEP 6; we always do.
    pub fn is_fast(&self) -> bool {
        self.handshake.features.fast
    }

    /// Whether it has everything.
    pub fn is_complete(&self) -> bool {
        !self.has.is_empty() && self.has.is_full()
    }

    /// Its name for people: what it says, or what its id suggests.
    pub fn name(&self) -> String {
        self.client.as_deref().map_or_else(|| client_name(&self.handshake.peer_id), ToString::to_string)
    }

    /// Where it could be dialled.
    pub fn dial_addr(&self) -> Remote {
        match self.listen_port {
            Some(port) if !self.outgoing => self.addr.with_port(port),
            _ => self.addr,
        }
    }
}
