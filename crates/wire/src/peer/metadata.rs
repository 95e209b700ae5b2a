//! Messages of `ut_metadata` (BEP 9): a bencoded dictionary and, in a data message, the raw piece behind it.
use super::message::MetadataMessage;
use alloc::vec::Vec;
use teem_bencode::{Limits, Writer};

/// Size in bytes of each piece of the info dictionary but the last.
pub const METADATA_PIECE_LEN: u32 = 16 * 1024;

/// The `msg_type` of a request.
const REQUEST: u64 = 0;
/// The `msg_type` of a piece.
const DATA: u64 = 1;
/// The `msg_type` of a refusal.
const REJECT: u64 = 2;

/// Bounds of the dictionary: three integers, with room for what others add. The bytes are the whole message's.
const BENCODE: Limits = Limits { bytes: 17 << 10, depth: 4, tokens: 64 };

/// Reads what stands behind the extended id. `None` is a message that makes no sense: a piece that is negative or over
/// 32 bits, an unknown type, a data message without a size or with more than a piece; such a message is ignored.
pub fn decode(bytes: &[u8]) -> Option<MetadataMessage> {
    let (document, end) = teem_bencode::parse_prefix(bytes, &BENCODE).ok()?;
    let root = document.root();
    let piece = u32::try_from(root.get(b"piece")?.as_uint()?).ok()?;
    match root.get(b"msg_type")?.as_uint()? {
        REQUEST => Some(MetadataMessage::Request { piece }),
        DATA => {
            let total_size = u32::try_from(root.get(b"total_size")?.as_uint()?).ok()?;
            let data = &bytes[end..];
            (data.len() <= METADATA_PIECE_LEN as usize).then(|| MetadataMessage::Data {
                piece,
                total_size,
                data: data.to_vec(),
            })
        }
        REJECT => Some(MetadataMessage::Reject { piece }),
        _ => None,
    }
}

/// Appends the dictionary, and the data of a data message.
pub(super) fn encode(message: &MetadataMessage, out: &mut Vec<u8>) {
    let (kind, piece, size) = match message {
        MetadataMessage::Request { piece } => (REQUEST, *piece, None),
        MetadataMessage::Data { piece, total_size, .. } => (DATA, *piece, Some(*total_size)),
        MetadataMessage::Reject { piece } => (REJECT, *piece, None),
    };
    let mut writer = Writer::new();
    writer.dict(|dict| {
        dict.key(b"msg_type").uint(kind);
        dict.key(b"piece").uint(piece.into());
        if let Some(size) = size {
            dict.key(b"total_size").uint(size.into());
        }
    });
    out.extend_from_slice(writer.as_bytes());
    if let MetadataMessage::Data { data, .. } = message {
        out.extend_from_slice(data);
    }
}
