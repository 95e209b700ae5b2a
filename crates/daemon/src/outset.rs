//! How the client was set when it began, as far as the dialects of other programs tell it (own design).
use std::net::IpAddr;
use teem_client::{Config, Encryption, Transports};

/// What was wanted of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outset {
    pub(crate) dht: bool,
    pub(crate) pex: bool,
    pub(crate) lsd: bool,
    pub(crate) map_ports: bool,
    pub(crate) encryption: Encryption,
    pub(crate) transports: Transports,
    pub(crate) anonymous: bool,
    pub(crate) free_port: bool,
    /// The one address that is listened on.
    pub(crate) bound: Option<IpAddr>,
}

impl Outset {
    pub(crate) fn of(config: &Config) -> Self {
        let &Config { pex, lsd, map_ports, encryption, transports, anonymous, .. } = config;
        let (dht, free_port, bound) = (config.dht.is_some(), config.listen.port == 0, config.listen.addr);
        Self { dht, pex, lsd, map_ports, encryption, transports, anonymous, free_port, bound }
    }
}
