//! KRPC, the messages of the DHT (BEP 5, "KRPC Protocol", with the additions of BEP 32, 33, 42, 43, 44 and 51): one bencoded dictionary a packet.
//!
//! What is written is canonical. What is read may have unknown keys, keys in any order and optional keys of a wrong type, since other nodes
//! send all of that; what it may cost is bounded.

pub mod decode;
mod encode;
pub mod message;
