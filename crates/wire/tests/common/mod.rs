//! What the tests share: the folder of vectors that others publish, and a naive way to run the peer decoder.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part, and may unwrap")]
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::error::DecodeError;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;

/// A file of the test data; `None`, with the reason printed, when there is no such folder.
pub(crate) fn test_data(path: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("TEEM_TEST_DATA") else {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
        return None;
    };
    let path = std::path::Path::new(&root).join(path);
    Some(std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The cases of a file of vectors.
pub(crate) fn vectors(name: &str) -> Vec<serde_json::Value> {
    let Some(bytes) = test_data(&format!("vectors/{name}.json")) else { return Vec::new() };
    serde_json::from_slice::<serde_json::Value>(&bytes).unwrap().as_array().unwrap().clone()
}

/// Bytes of a vector: text, or `{"hex": …}`.
pub(crate) fn bytes_of(value: &serde_json::Value) -> Vec<u8> {
    match value.as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => hex(value["hex"].as_str().unwrap()),
    }
}

/// Bytes of hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A frame with the block's bytes put together.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Whole {
    /// The handshake that opens the stream.
    Handshake(Handshake),
    /// A message without payload of content.
    Message(Message),
    /// A block with its content.
    Block(BlockRef, Vec<u8>),
}

/// Decodes a stream that comes in the given reads, the last of which takes the rest.
pub(crate) fn decode(decoder: &mut Decoder, stream: &[u8], reads: &[usize]) -> Result<Vec<Whole>, DecodeError> {
    let mut out = Vec::new();
    let mut block: Option<(BlockRef, Vec<u8>)> = None;
    let mut rest = stream;
    let mut reads = reads.iter().copied();
    while !rest.is_empty() {
        let n = reads.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (mut input, later) = rest.split_at(n);
        rest = later;
        loop {
            let (used, frame) = decoder.step(input)?;
            input = &input[used..];
            match frame {
                None => break,
                Some(frame) => {
                    assert!(used > 0, "a frame uses input");
                    match frame {
                        Frame::Handshake(handshake) => out.push(Whole::Handshake(handshake)),
                        Frame::Message(message) => {
                            assert!(block.is_none());
                            out.push(Whole::Message(message));
                        }
                        Frame::Block(at) => {
                            assert!(block.is_none());
                            block = Some((at, Vec::new()));
                        }
                        Frame::Payload { bytes, last } => {
                            assert!(!bytes.is_empty());
                            let open = block.as_mut().expect("a block is open");
                            open.1.extend_from_slice(bytes);
                            assert_eq!(last, open.1.len() == open.0.len as usize);
                            if last {
                                let (at, data) = block.take().unwrap();
                                out.push(Whole::Block(at, data));
                            }
                        }
                    }
                }
            }
        }
        assert!(input.is_empty(), "no frame means that all input is used");
    }
    Ok(out)
}
