//! What other programs keep of a torrent, in the words of ours (own design; the formats are those programs' own): one file for each program.
//!
//! Nothing of it is trusted: the bytes may be anybody's. Which pieces are there is believed as far as the files are as that program left them.
mod names;
mod qbittorrent;
mod transmission;

pub use qbittorrent::qbittorrent;
pub use transmission::transmission;

use teem_bencode::Value;
use teem_metainfo::{Limits, Metainfo};

/// Bytes, nesting and tokens of what is kept of one torrent: a byte for each piece, a number for each file, addresses of peers.
const LIMITS: teem_bencode::Limits = Limits::FILE.bencode;

fn metainfo(torrent: &[u8]) -> Result<Metainfo, String> {
    Metainfo::parse(torrent, &Limits::FILE).map_err(|e| format!("its .torrent is not valid: {e}"))
}

/// A number that cannot be less than nothing, nor more than what can be counted on from.
fn number(value: Option<Value<'_, '_>>) -> u64 {
    value.and_then(|value| value.as_uint()).unwrap_or(0).min(1 << 62)
}

/// The same where 0 says that it is not known.
fn known(value: Option<Value<'_, '_>>) -> Option<u64> {
    Some(number(value)).filter(|number| *number > 0)
}

/// A text that is there and not empty.
fn text(value: Option<Value<'_, '_>>) -> Option<String> {
    value.and_then(|value| value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(value: Option<Value<'_, '_>>) -> Vec<String> {
    let list = value.and_then(|value| value.list());
    list.into_iter().flatten().filter_map(|item| text(Some(item))).collect()
}

/// The places in a list of numbers that hold what is wanted, as far as there are files.
fn places(value: Option<Value<'_, '_>>, count: usize, wanted: impl Fn(i64) -> bool) -> Vec<usize> {
    let list = value.and_then(|value| value.list());
    let numbered = (0..count).zip(list.into_iter().flatten());
    numbered.filter(|(_, item)| item.as_int().is_some_and(&wanted)).map(|(index, _)| index).collect()
}

/// A ratio in thousandths, as goals write it.
fn ratio(thousandths: u64) -> String {
    format!("ratio={}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// A bitfield of the wire (BEP 3).
fn bitfield(pieces: u32, has: impl Fn(u32) -> bool) -> Vec<u8> {
    let mut bits = vec![0_u8; (pieces as usize).div_ceil(8)];
    for piece in (0..pieces).filter(|piece| has(*piece)) {
        bits[piece as usize / 8] |= 0x80 >> (piece % 8);
    }
    bits
}
