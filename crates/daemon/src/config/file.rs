//! What may stand in the file: the keys of its tables.
use super::typed::{Connections, Place, Typed};
use serde::Deserialize;
use teem_client::path::{Bind, Proxy};
use teem_client::typed::ByteRate;

/// The whole file. A key that is absent says nothing.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct File {
    /// Folders that content may go into.
    pub roots: Option<Vec<Typed<Place>>>,
    /// Address and port to take peers on.
    pub listen: Option<String>,
    /// Where it is asked.
    pub api: Option<Vec<String>>,
    /// Encryption of connections to peers.
    pub encryption: Option<EncryptionWord>,
    /// What connections to peers travel over.
    pub transport: Option<TransportWord>,
    /// Whether the router is asked to lead peers here.
    pub map: Option<bool>,
    /// Whether addresses of peers are exchanged with peers.
    pub pex: Option<bool>,
    /// Whether peers are looked for in the local network.
    pub lsd: Option<bool>,
    /// Whether peers are looked for in the DHT.
    pub dht: Option<bool>,
    /// Nodes of the DHT to begin with.
    pub dht_bootstrap: Option<Vec<String>>,
    /// By what alone it speaks and listens.
    pub bind: Option<Vec<Typed<Bind>>>,
    /// Lists of addresses that nobody is to be met at.
    pub filter: Option<Vec<Typed<Place>>>,
    /// The proxy that everything goes through.
    pub proxy: Option<Typed<Proxy>>,
    /// Whether nothing is said that tells this client.
    pub anonymous: Option<bool>,
    /// Upload limit of all torrents together.
    pub up: Option<Typed<ByteRate>>,
    /// Download limit of all torrents together.
    pub down: Option<Typed<ByteRate>>,
    /// Connections to peers of all torrents together.
    pub connections: Option<Typed<Connections>>,
    /// Whether standard output has JSON lines.
    pub json: Option<bool>,
    /// Whether it works in its sandbox.
    pub sandbox: Option<bool>,
}

/// What is wanted of encryption.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of `--encryption`
pub enum EncryptionWord {
    Allow,
    Prefer,
    Require,
    Off,
}

/// What connections travel over.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of `--transport`
pub enum TransportWord {
    Auto,
    Tcp,
    Utp,
}

impl EncryptionWord {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::Off => "off",
        }
    }
}

impl TransportWord {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tcp => "tcp",
            Self::Utp => "utp",
        }
    }
}

/// Each kind of table, with a text that has an unknown key in it.
#[cfg(test)]
pub(super) fn tables() -> Vec<(&'static str, String)> {
    vec![("", "zzz = 1\n".to_owned())]
}
