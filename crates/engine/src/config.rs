//! What an engine is told once, at its start (own design; BEP 20 for the peer id).
use crate::route::CONNECTIONS_MAX;
use alloc::string::String;
use alloc::vec::Vec;
use teem_dht::id::Id;
use teem_dht::krpc::message::Contact;
use teem_swarm::remote::{Encryption, Transports};
use teem_swarm::rng::Rng;
use teem_wire::compact::Family;
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
    /// Where numbers come from that no stranger may guess (peer ids, the key of announces, ids of UDP transactions): a cryptographic
    /// source. `None` draws them from `seed` as well, so that a simulated run can be repeated.
    pub entropy: Option<fn() -> u64>,
    /// The first 8 bytes of each peer id.
    pub peer_id_prefix: [u8; 8],
    /// Upload limit of all torrents together in payload bytes a second; `None` is unlimited.
    pub up: Option<u64>,
    /// Download limit of all torrents together in payload bytes a second; `None` is unlimited.
    pub down: Option<u64>,
    /// Connections to peers of all torrents together.
    pub connections: usize,
    /// How peers are dialled. The host has to be told the same, since what is taken is its business.
    pub encryption: Encryption,
    /// Whether peers and we tell each other of peers (BEP 11).
    pub pex: bool,
    /// Whether nothing is said that tells this client, its version or where it listens (BEP 37): peer ids have no prefix then.
    pub anonymous: bool,
    /// What peers are dialled over; the host has to be told the same.
    pub transports: Transports,
    /// How long a complete torrent is without anybody before it rests: nothing of it is held then but a record, and its metadata is asked for
    /// (`Question::Load`) when it is wanted again. `None` is never.
    pub rest: Option<core::time::Duration>,
    /// Whether what trackers know of us is kept over runs: `Event::Announced` says it.
    pub keep_announces: bool,
    /// Our nodes of the DHT; `None` is none, and no peer is told of any.
    pub dht: Option<DhtConfig>,
}

/// What our nodes of the DHT begin with.
#[derive(Clone, Debug, Default)]
pub struct DhtConfig {
    /// The families that have a node each: those that this machine takes packets of.
    pub families: Vec<Family>,
    /// The ids of the last run, which others may still have in their tables.
    pub ids: Vec<(Family, Id)>,
    /// Nodes of the last run.
    pub saved: Vec<Contact>,
    /// Names and ports of nodes that beginners start from.
    pub bootstrap: Vec<(String, u16)>,
}

impl EngineConfig {
    /// The usual settings, for a host that cannot encrypt.
    pub fn new(listen_port: u16, seed: u64) -> Self {
        Self {
            listen_port,
            seed,
            entropy: None,
            peer_id_prefix: PEER_ID_PREFIX,
            up: None,
            down: None,
            connections: CONNECTIONS_MAX,
            encryption: Encryption::Off,
            pex: false,
            anonymous: false,
            transports: Transports::Tcp,
            rest: None,
            keep_announces: false,
            dht: None,
        }
    }

    /// A number that no stranger can guess, where there is entropy: the generator's, which could be reckoned from a few others, is hidden.
    pub(crate) fn secret(&self, rng: &mut Rng) -> u64 {
        secret(self.entropy, rng)
    }

    /// Whether this id, of an earlier run, is one that we could have drawn: of this version, and not of a run that hid what we are or did not.
    pub(crate) fn is_ours(&self, id: PeerId) -> bool {
        !self.anonymous && id.0.starts_with(&self.peer_id_prefix)
    }

    /// A new peer id: the prefix unless we are anonymous, then letters and digits.
    pub(crate) fn peer_id(&self, rng: &mut Rng) -> PeerId {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut id = [0; 20];
        let marked = if self.anonymous { 0 } else { self.peer_id_prefix.len() };
        id[..marked].copy_from_slice(&self.peer_id_prefix[..marked]);
        for byte in &mut id[marked..] {
            *byte = LETTERS[((u128::from(self.secret(rng)) * 62) >> 64) as usize];
        }
        PeerId(id)
    }
}

/// What [`EngineConfig::secret`] gives, for parts that keep the source.
pub(crate) fn secret(entropy: Option<fn() -> u64>, rng: &mut Rng) -> u64 {
    let drawn = rng.next_u64();
    entropy.map_or(drawn, |hide| drawn ^ hide())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_entropy_a_seed_tells_nothing() {
        let seeded = EngineConfig::new(1, 7);
        assert_eq!(seeded.peer_id(&mut Rng::new(7)), seeded.peer_id(&mut Rng::new(7)));
        let hidden = EngineConfig { entropy: Some(|| 0x9E37_79B9_7F4A_7C15), ..EngineConfig::new(1, 7) };
        let (drawn, said) = (Rng::new(7).next_u64(), hidden.secret(&mut Rng::new(7)));
        assert_eq!(drawn ^ said, 0x9E37_79B9_7F4A_7C15);
        assert_ne!(hidden.peer_id(&mut Rng::new(7)), seeded.peer_id(&mut Rng::new(7)));
    }
}
