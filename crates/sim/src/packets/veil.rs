//! A stream that is encrypted on its way (MSE), as the host leads it: the handshake first, then bytes that are changed once and kept until the socket
//! takes them, since a cipher cannot go back.

use teem_mse::{Agreed, Entropy, Incoming, Initiator, Methods, PRIVATE_LEN, Progress, Rc4, Responder, req2};
use teem_swarm::rng::Rng;

/// The name of what both want.
const KEY: [u8; 20] = *b"what both sides want";
/// Encrypted bytes that wait for the socket at most.
const STAGED_MAX: usize = 16 << 10;

/// How far both have come.
enum State {
    Opens(Box<Initiator>),
    Answers(Box<Responder>),
    /// The cipher of what is sent, where it is encrypted, and that of what comes.
    Agreed(Box<(Option<Rc4>, Incoming)>),
    /// The other side said what cannot be.
    Refused,
}

/// The handshake, or what it came to, and what is to be sent.
pub(crate) struct Veil {
    state: State,
    rng: Rng,
    pub(crate) staged: Vec<u8>,
}

impl std::fmt::Debug for Veil {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "a veil with {} bytes staged, agreed: {}", self.staged.len(), self.is_agreed())
    }
}

/// Randomness of one side: a private key and a pad.
fn drawn(rng: &mut Rng) -> ([u8; PRIVATE_LEN], Vec<u8>) {
    let mut private = [0; PRIVATE_LEN];
    private.fill_with(|| rng.next_u64() as u8);
    let pad = (0..rng.below(513)).map(|_| rng.next_u64() as u8).collect();
    (private, pad)
}

impl Veil {
    /// The side that opens.
    pub(crate) fn opens(seed: u64) -> Self {
        let (mut rng, mut staged) = (Rng::new(seed), Vec::new());
        let methods = if rng.below(2) == 0 { Methods::Both } else { Methods::Rc4Only };
        let (private, pad) = drawn(&mut rng);
        let initiator = Initiator::new(KEY, methods, &Entropy { private, pad: &pad }, &mut staged);
        Self { state: State::Opens(Box::new(initiator)), rng, staged }
    }

    /// The side that answers.
    pub(crate) fn answers(seed: u64) -> Self {
        let state = State::Answers(Box::new(Responder::new(Methods::Both)));
        Self { state, rng: Rng::new(seed), staged: Vec::new() }
    }

    /// The handshake was refused.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused)
    }

    /// The handshake is over, and bytes are payload.
    pub(crate) fn is_agreed(&self) -> bool {
        matches!(self.state, State::Agreed(..))
    }

    /// Payload that may be staged now, in bytes.
    pub(crate) fn room(&self) -> usize {
        if self.is_agreed() { STAGED_MAX.saturating_sub(self.staged.len()) } else { 0 }
    }

    /// Encrypts payload and keeps it for the socket.
    pub(crate) fn stage<'a>(&mut self, payload: impl Iterator<Item = &'a [u8]>) {
        let from = self.staged.len();
        payload.for_each(|bytes| self.staged.extend_from_slice(bytes));
        if let State::Agreed(ciphers) = &mut self.state
            && let Some(cipher) = &mut ciphers.0
        {
            cipher.apply(&mut self.staged[from..]);
        }
    }

    /// Bytes came; says what payload they are.
    pub(crate) fn came(&mut self, bytes: &[u8]) -> Vec<u8> {
        let advanced = match &mut self.state {
            State::Opens(initiator) => {
                let mut progress = initiator.advance(bytes);
                if matches!(progress, Ok(Progress::Introduce)) {
                    initiator.introduce(&[], &mut self.staged);
                    progress = initiator.advance(&[]);
                }
                progress.map(|progress| if let Progress::Agreed(agreed) = progress { Some(agreed) } else { None })
            }
            State::Answers(responder) => {
                let (private, pad) = drawn(&mut self.rng);
                let find = |name: &[u8; 20]| (*name == req2(&KEY)).then_some(KEY);
                responder.advance(bytes, || Some(Entropy { private, pad: &pad }), find, &mut self.staged)
            }
            State::Agreed(ciphers) => {
                let mut bytes = bytes.to_vec();
                ciphers.1.apply(&mut bytes);
                return bytes;
            }
            State::Refused => return Vec::new(),
        };
        match advanced {
            Ok(None) => Vec::new(),
            Ok(Some(agreed)) => {
                let Agreed { outgoing, incoming, early, .. } = *agreed;
                self.state = State::Agreed(Box::new((outgoing, incoming)));
                early
            }
            Err(_) => {
                self.state = State::Refused;
                Vec::new()
            }
        }
    }
}
