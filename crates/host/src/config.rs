//! What the host is told at its start (own design).
use teem_swarm::remote::{Encryption, Transports};

use crate::entropy::Fill;

/// What the host itself has to know.
#[derive(Clone, Copy, Debug)]
pub struct HostConfig {
    /// Whether uploads are limited (or granted) from the start: then little waits unsent in the kernel. A later
    /// `Command::Limits` changes it.
    pub upload_limited: bool,
    /// What is taken of connections that begin encrypted, or in the clear. The machine has to dial by the same.
    pub encryption: Encryption,
    /// What connections are taken and dialled over.
    pub transports: Transports,
    /// Where the keys of encrypted handshakes come from.
    pub entropy: Fill,
}

impl HostConfig {
    /// Uploads are not limited, and TCP is all that is spoken.
    pub fn new(encryption: Encryption, entropy: Fill) -> Self {
        Self { upload_limited: false, encryption, transports: Transports::Tcp, entropy }
    }
}
