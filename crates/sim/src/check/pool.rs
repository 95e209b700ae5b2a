//! Where blocks of the pool are (own design; ARCHITECTURE, the contract of the engine): whoever is handed a block hands it on at
//! once, or has let go of it.
//!
//! A block that a peer has sent goes to the disk within the same turn, one that the disk has read to the peer that asked;
//! none is kept for later, handed on twice, or to somebody else. So what a peer holds of the pool is what lies with its
//! disk and its lines, and no more is asked for while the disk has too many whole pieces to judge.
use crate::bits::Bits;
use crate::block::SimBlock;
use crate::check::violation::{Finding, Rule, ensure};
use crate::content::Content;
use crate::storage::SimDisk;
use std::collections::BTreeMap;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Job, Reader};
use teem_wire::peer::block::BlockRef;

/// Bytes of whole pieces that may wait for the disk's verdict while more is asked for.
const WAITING_MAX: u64 = 32 << 20;
/// Pieces that may wait however long they are.
const WAITING_MIN: usize = 3;

/// The account of one peer's blocks.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// The block that was handed to it last.
    hand: Option<Held>,
    /// Pieces that the disk has whole and has not judged, with their bytes.
    waiting: BTreeMap<u32, u64>,
    waiting_bytes: u64,
}

/// A block, and where it may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    ToDisk(BlockRef, SimBlock),
    ToPeer(ConnId, BlockRef, SimBlock),
}

impl Pool {
    /// The process ended.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Something happens to the peer.
    pub(crate) fn input(&mut self, input: &Input<SimBlock>) {
        self.hand = match input {
            Input::Block { at, data, .. } => Some(Held::ToDisk(*at, *data)),
            Input::Disk(Done::Block { reader: Reader::Peer(conn), at, data, .. }) => {
                Some(Held::ToPeer(*conn, *at, *data))
            }
            Input::Disk(Done::Piece { piece, .. } | Done::WriteFailed { piece, .. }) => {
                self.waiting_bytes -= self.waiting.remove(piece).unwrap_or(0);
                None
            }
            _ => None,
        };
    }

    /// It gives the disk something to do, which the disk has not begun.
    pub(crate) fn job(&mut self, job: &Job<SimBlock>, content: &Content, verified: &Bits, disk: &SimDisk) -> Finding {
        let Job::Write { at, data, .. } = job else { return Ok(()) };
        let handed = self.hand.take() == Some(Held::ToDisk(*at, *data));
        ensure(handed, Rule::Pool, || format!("writes {at:?}, which has not just come"))?;
        let there = verified.has(at.piece) || self.waiting.contains_key(&at.piece) || disk.holds(*at);
        ensure(!there, Rule::Pool, || format!("writes {at:?}, which the disk has"))?;
        if disk.lacks(at.piece) == 1 {
            let bytes = (0..content.blocks(at.piece)).map(|block| u64::from(content.block(at.piece, block).len)).sum();
            self.waiting.insert(at.piece, bytes);
            self.waiting_bytes += bytes;
        }
        Ok(())
    }

    /// It sends a block.
    pub(crate) fn sent(&mut self, conn: ConnId, at: BlockRef, data: SimBlock) -> Finding {
        let handed = self.hand.take() == Some(Held::ToPeer(conn, at, data));
        ensure(handed, Rule::Pool, || format!("sends {at:?}, which has not just been read for that peer"))
    }

    /// It asks for a block.
    pub(crate) fn request(&self) -> Finding {
        let (pieces, bytes) = (self.waiting.len(), self.waiting_bytes);
        ensure(pieces <= WAITING_MIN || bytes <= WAITING_MAX, Rule::Pool, || {
            format!("asks for more while {pieces} pieces of {bytes} bytes wait for the disk")
        })
    }
}
