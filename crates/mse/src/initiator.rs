//! The side that dialled (MSE, steps 1, 3 and 4).
use crate::agreed::{Agreed, Method, Methods};
use crate::exchange::{PUBLIC_LEN, Private, Shared};
use crate::held::{Held, PAD_MAX};
use crate::keys::{self, Skey};
use crate::rc4::Rc4;
use crate::refused::Refused;
use crate::{CHECK_LEN, Entropy};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How far the handshake is.
#[derive(Debug)]
pub enum Progress {
    /// More has to come.
    More,
    /// The keys are there: [`Initiator::introduce`] is to be called, and what comes until then is kept.
    Introduce,
    /// It is done.
    Agreed(Box<Agreed>),
}

enum State {
    /// Waits for the other's public key.
    Key(Private),
    /// Waits for our introduction.
    Introducing(Box<Shared>),
    /// Looks for the check behind the other's padding: what the check must look like, and both streams.
    Check { check: [u8; CHECK_LEN], outgoing: Box<Rc4>, incoming: Box<Rc4> },
    /// Waits for the choice and the length of more padding.
    Choice { outgoing: Box<Rc4>, incoming: Box<Rc4> },
    /// Waits for that padding.
    Pad { len: usize, method: Method, outgoing: Box<Rc4>, incoming: Box<Rc4> },
    /// It has ended, well or not.
    Over,
}

/// A handshake that we began.
pub struct Initiator {
    key: Skey,
    methods: Methods,
    held: Held,
    state: State,
}

impl Initiator {
    /// Begins: what is to be sent first goes to `out`.
    pub fn new(key: Skey, methods: Methods, entropy: &Entropy<'_>, out: &mut Vec<u8>) -> Self {
        let private = Private::new(&entropy.private);
        out.extend_from_slice(&private.public());
        out.extend_from_slice(entropy.pad());
        Self { key, methods, held: Held::default(), state: State::Key(private) }
    }

    /// Sends what the stream begins with, so that it is there with the handshake: at most 65,535 bytes, of which the number taken is
    /// returned. To be called once, after [`Progress::Introduce`].
    pub fn introduce(&mut self, payload: &[u8], out: &mut Vec<u8>) -> usize {
        let State::Introducing(secret) = &self.state else { return 0 };
        let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        let payload = &payload[..usize::from(len)];
        out.extend_from_slice(&keys::marker(secret));
        out.extend_from_slice(&keys::masked(&keys::req2(&self.key), secret));
        let mut outgoing = Box::new(keys::from_initiator(secret, &self.key));
        let mut incoming = Box::new(keys::from_responder(secret, &self.key));
        let from = out.len();
        out.extend_from_slice(&[0; CHECK_LEN]);
        out.extend_from_slice(&self.methods.bits().to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(payload);
        outgoing.apply(&mut out[from..]);
        // The check is zeros, so what comes for it is the key stream itself.
        let mut check = [0; CHECK_LEN];
        incoming.apply(&mut check);
        self.state = State::Check { check, outgoing, incoming };
        usize::from(len)
    }

    /// Takes what has come. Nothing may be given after an end.
    pub fn advance(&mut self, input: &[u8]) -> Result<Progress, Refused> {
        self.held.push(input);
        loop {
            self.state = match core::mem::replace(&mut self.state, State::Over) {
                State::Key(private) => {
                    let Some(public) = self.held.take::<PUBLIC_LEN>() else {
                        self.state = State::Key(private);
                        return Ok(Progress::More);
                    };
                    State::Introducing(Box::new(private.shared(&public)?))
                }
                State::Introducing(_) if self.held.len() > PAD_MAX => return Err(Refused::Marker),
                State::Introducing(secret) => {
                    self.state = State::Introducing(secret);
                    return Ok(Progress::Introduce);
                }
                State::Check { check, outgoing, incoming } => {
                    if !self.held.find(&check)? {
                        self.state = State::Check { check, outgoing, incoming };
                        return Ok(Progress::More);
                    }
                    State::Choice { outgoing, incoming }
                }
                State::Choice { outgoing, mut incoming } => {
                    let Some(mut head) = self.held.take::<6>() else {
                        self.state = State::Choice { outgoing, incoming };
                        return Ok(Progress::More);
                    };
                    incoming.apply(&mut head);
                    let [a, b, c, d, high, low] = head;
                    let method = self.methods.selected(u32::from_be_bytes([a, b, c, d]))?;
                    let len = usize::from(u16::from_be_bytes([high, low]));
                    if len > PAD_MAX {
                        return Err(Refused::Padding);
                    }
                    State::Pad { len, method, outgoing, incoming }
                }
                State::Pad { len, method, outgoing, mut incoming } => {
                    if self.held.len() < len {
                        self.state = State::Pad { len, method, outgoing, incoming };
                        return Ok(Progress::More);
                    }
                    incoming.apply(&mut [0; PAD_MAX][..len]);
                    self.held.skip(len);
                    let agreed = Agreed::new(method, *outgoing, *incoming, 0, self.held.rest());
                    return Ok(Progress::Agreed(Box::new(agreed)));
                }
                State::Over => return Ok(Progress::More),
            };
        }
    }
}
