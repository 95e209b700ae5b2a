//! Bencoding (BEP 3, "bencoding"): a bounded parser that keeps the bytes as they stand, and a canonical writer.
//!
//! The parser makes one flat array of tokens over the borrowed input. It does not recurse and copies no content, so hostile
//! nesting costs neither stack nor memory beyond [`Limits`]. Every value knows its span, because an info-hash is the
//! digest of the bytes as they stand, never of a re-encoding.
//!
//! What BEP 3 forbids but files in the wild contain (unsorted or repeated keys, leading zeros) is parsed and recorded as a
//! [`Violation`]; who needs strictness asks [`Value::first_violation`].
//!
//! ```
//! use teem_bencode::{parse, Limits, Writer};
//! let document = parse(b"d3:cow3:moo4:spami7ee", &Limits::MESSAGE).unwrap();
//! assert_eq!(document.root().get(b"spam").and_then(|v| v.as_int()), Some(7));
//!
//! let mut writer = Writer::new();
//! writer.dict(|d| {
//!     d.key(b"cow").bytes(b"moo");
//!     d.key(b"spam").int(7);
//! });
//! assert_eq!(writer.into_bytes(), b"d3:cow3:moo4:spami7ee");
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod error;
mod limits;
mod parse;
mod view;
mod write;

pub use error::Error;
pub use limits::Limits;
pub use parse::{parse, parse_prefix};
pub use view::{Document, Kind, Value, Violation, ViolationKind};
pub use write::{DictWriter, Writer};
