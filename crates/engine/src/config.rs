//! What an engine is told once, at its start (own design; BEP 20 for the peer id).
use teem_swarm::rng::Rng;
use teem_wire::peer::handshake::PeerId;

/// What all peer ids of this client begin with: TM, version 0.1.0.0 (BEP 20).
pub(crate) const PEER_ID_PREFIX: [u8; 8] = *b"-TM0100-";

/// The settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The TCP port that takes connections at first: announced to trackers, and told to peers as `p` (BEP 10).
    pub listen_port: u16,
    /// Where all random choices come from: the same seed and the same inputs give the same outputs.
    pub seed: u64,
    /// The first 8 bytes of each peer id.
    pub peer_id_prefix: [u8; 8],
    /// Upload limit of all torrents together in payload bytes a second; `None` is unlimited.
    pub up: Option<u64>,
    /// Download limit of all torrents together in payload bytes a second; `None` is unlimited.
    pub down: Option<u64>,
}

impl EngineConfig {
    /// The usual settings.
    pub fn new(listen_port: u16, seed: u64) -> Self {
        Self { listen_port, seed, peer_id_prefix: PEER_ID_PREFIX, up: None, down: None }
    }

    /// A new peer id: the prefix, then letters and digits.
    pub(crate) fn peer_id(&self, rng: &mut Rng) -> PeerId {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut id = [0; 20];
        id[..8].copy_from_slice(&self.peer_id_prefix);
        for byte in &mut id[8..] {
            *byte = LETTERS[rng.below(62) as usize];
        }
        PeerId(id)
    }
}
