//! The proxy that everything goes through, and how it has done (own design; `--proxy`).
use core::net::SocketAddr;
use std::sync::Mutex;

use crate::opener::OpenError;
use crate::proxy::{Kind, Proxy};

/// What a proxy does with packets of UDP (RFC 1928, section 7).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Datagrams {
    /// It was not asked yet, or has not answered.
    #[default]
    Asked,
    /// It carries them, by a relay at this address.
    Carried(SocketAddr),
    /// It carries none, for that reason.
    Refused(OpenError),
    /// It carried them, or was about to, and the connection that the relay hangs on has ended.
    Lost,
}

impl Datagrams {
    /// One word for scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Carried(_) => "carried",
            Self::Refused(_) => "refused",
            Self::Lost => "lost",
        }
    }
}

/// The proxy, and what was found of it.
#[derive(Debug)]
pub(crate) struct Through {
    pub(crate) proxy: Proxy,
    /// Its addresses, the first of which that can be dialled is taken.
    pub(crate) at: Vec<SocketAddr>,
    /// Whether connections are taken in spite of it.
    pub(crate) listens: bool,
    /// What was wrong with it when it was last spoken to.
    pub(crate) trouble: Mutex<Option<String>>,
    pub(crate) datagrams: Mutex<Datagrams>,
}

impl Through {
    pub(crate) fn new(proxy: Proxy, at: Vec<SocketAddr>, listens: bool) -> Self {
        let datagrams = match proxy.kind() {
            Kind::Socks5 => Datagrams::Asked,
            Kind::Http => Datagrams::Refused(OpenError::Unsupported),
        };
        Self { proxy, at, listens, trouble: Mutex::default(), datagrams: Mutex::new(datagrams) }
    }
}
