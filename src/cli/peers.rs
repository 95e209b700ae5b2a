//! The options of every command that speaks with peers, or looks for them.
use clap::Args;
use clap::builder::FalseyValueParser;
use teem_client::{Config, Dht, Encryption, Transports};

/// How we speak with peers.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct PeerOptions {
    /// Encryption of connections to peers (MSE), which hides from networks what is spoken, and nothing from peers
    #[arg(long, value_name = "WISH", default_value = "allow", env = "TEEM_ENCRYPTION", hide_env_values = true)]
    pub(crate) encryption: EncryptionWish,
    /// What connections to peers travel over
    #[arg(long, value_name = "WAY", default_value = "auto", env = "TEEM_TRANSPORT", hide_env_values = true)]
    pub(crate) transport: TransportWish,
    /// Don't ask the router to lead peers here (PCP, NAT-PMP, UPnP)
    #[arg(long, env = "TEEM_NO_MAP", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_map: bool,
    /// Don't exchange addresses of peers with peers
    #[arg(long, env = "TEEM_NO_PEX", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_pex: bool,
    /// Don't look for peers in the local network
    #[arg(long, env = "TEEM_NO_LSD", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_lsd: bool,
}

impl PeerOptions {
    /// Sets what the client is to do.
    pub(crate) fn apply(self, config: &mut Config) {
        (config.encryption, config.transports) = (self.encryption.into(), self.transport.into());
        config.map_ports = !self.no_map;
        (config.pex, config.lsd) = (!self.no_pex, !self.no_lsd);
    }
}

/// How peers are found without trackers.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct DhtOptions {
    /// Neither look for peers in the DHT nor take part in it; private torrents never do
    #[arg(long, env = "TEEM_NO_DHT", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_dht: bool,
    /// A node of the DHT to begin with, instead of the public ones; may be given several times
    #[arg(long, value_name = "HOST:PORT", env = "TEEM_DHT_BOOTSTRAP", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) dht_bootstrap: Vec<String>,
}

impl DhtOptions {
    /// Sets what the client is to do.
    pub(crate) fn apply(&self, config: &mut Config) {
        config.dht = (!self.no_dht).then(|| Dht { bootstrap: self.bootstrap() });
    }

    /// The nodes that were named, if any were.
    pub(crate) fn bootstrap(&self) -> Option<Vec<String>> {
        Some(self.dht_bootstrap.clone()).filter(|names| !names.is_empty())
    }
}

/// Whether the whole search is told of when nothing comes of it.
#[derive(Args, Debug, Clone, Copy, Default)]
pub(crate) struct WhyOptions {
    /// Say once, when nothing moves, and when it is given up, what was tried to find and reach peers, what came of it, and what would help
    #[arg(long, env = "TEEM_WHY", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) why: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TransportWish {
    /// Both are taken; dials go by TCP, and by uTP too where TCP has not succeeded within a moment
    Auto,
    /// TCP alone, in and out
    Tcp,
    /// uTP (BEP 29) alone, in and out
    Utp,
}

impl From<TransportWish> for Transports {
    fn from(wish: TransportWish) -> Self {
        match wish {
            TransportWish::Auto => Self::Auto,
            TransportWish::Tcp => Self::Tcp,
            TransportWish::Utp => Self::Utp,
        }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EncryptionWish {
    /// Both are taken; dials begin in the clear, and encrypted where that is cut off
    Allow,
    /// Both are taken; dials begin encrypted
    Prefer,
    /// Nothing but encrypted connections, to their end
    Require,
    /// No encrypted connection is taken or dialled
    Off,
}

impl From<EncryptionWish> for Encryption {
    fn from(wish: EncryptionWish) -> Self {
        match wish {
            EncryptionWish::Allow => Self::Allow,
            EncryptionWish::Prefer => Self::Prefer,
            EncryptionWish::Require => Self::Require,
            EncryptionWish::Off => Self::Off,
        }
    }
}
