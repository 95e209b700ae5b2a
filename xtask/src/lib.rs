//! The project's own chores. `bench` prints figures of the built binary, `swarm` of swarms of it and other clients, `scale` of
//! what it costs where there is much of everything, `announces` of its tracker, `queries` of its DHT node, `floor` of it beside the smallest program that moves content; `matrix`
//! shows that they understand each other, `hosts` how soon one gets something from the other, `relay` what passes over lines of many kinds, `faults` that faults cost nothing. `tidy` reads the sources as text and holds them to the structure the
//! architecture promises; it uses the standard library only.
//!
//! Reading is `lex` (tokens), `source` (one file), `tree` (a package's modules) and `manifest` (a Cargo.toml); each
//! rule stands in a file of its own under `tidy`.
#![forbid(unsafe_code)]

pub mod announces;
pub mod bench;
pub mod dht_net;
pub mod faults;
pub mod finding;
pub mod floor;
pub mod hosts;
pub mod lex;
pub mod manifest;
pub mod matrix;
pub mod queries;
pub mod relay;
pub mod rest;
pub mod scale;
pub mod source;
pub mod swarm;
pub mod tidy;
pub mod tree;
