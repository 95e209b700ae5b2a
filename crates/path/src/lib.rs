//! The way to the world (own design): every socket of this program is made by a [`Path`], so that what the user allowed is held to in one place.
//!
//! A path says from which interface or address packets leave. It is passed from the command line to everything that opens a socket, and costs
//! a pointer to clone. It opens sockets and does nothing with them: they come as the standard library's, not blocking, and mio, tokio or
//! a plain loop drives them.
//!
//! | wanted | call |
//! |---|---|
//! | a connection | [`Path::dial`] begins one; [`Path::stream`] gives the socket, to be connected by somebody else |
//! | a port for TCP or UDP | [`Path::listen_tcp`], [`Path::listen_udp`] at each of [`Path::places`] |
//! | to ask one address by UDP | [`Path::udp_toward`] |
//! | to hear a multicast group | [`Path::listen_udp`] with [`Sharing::Group`] |
//! | our address toward another | [`Path::source_toward`] |
//!
//! Where it leads through a proxy, a connection is opened by [`Path::dial_proxy`] and the opener that it gives, packets go to the relay that [`Path::ask_relay`]
//! asks for and [`Path::to_relay`] makes a socket for, and every other way out is an error.
//!
//! `cargo xtask tidy` refuses sockets and look-ups of names that are made elsewhere.
#![forbid(unsafe_code)]

mod bind;
pub mod dns;
pub mod filter;
mod gate;
mod interface;
pub mod names;
pub mod opener;
mod path;
mod proxy;
pub mod relay;
mod socket;
mod through;

pub use bind::{Bind, BindError};
pub use gate::{Barred, Meeting};
pub use interface::{Interface, interfaces};
pub use path::{Path, Place, Sharing, Standing};
pub use proxy::{Proxy, ProxyError};
pub use through::Datagrams;
