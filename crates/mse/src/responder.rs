//! The side that was dialled (MSE, steps 2 to 4).
//!
//! Until the other's public key has come whole, nothing is computed and nothing is answered.
use crate::agreed::{Agreed, Method, Methods};
use crate::exchange::{PUBLIC_LEN, Private, Shared};
use crate::held::{Held, PAD_MAX};
use crate::keys::{self, Req2, Skey};
use crate::rc4::Rc4;
use crate::refused::Refused;
use crate::{CHECK_LEN, Entropy};
use alloc::boxed::Box;
use alloc::vec::Vec;

enum State {
    /// Waits for the other's public key.
    Key,
    /// Looks for the marker behind the other's padding.
    Marker(Box<Shared>),
    /// Waits for the torrent's name, hidden by the secret.
    Name(Box<Shared>),
    /// Waits for the check, the offer and the length of more padding.
    Offer { outgoing: Box<Rc4>, incoming: Box<Rc4> },
    /// Waits for that padding and the length of what the payload begins with.
    Pad { len: usize, method: Method, outgoing: Box<Rc4>, incoming: Box<Rc4> },
    /// It has ended, well or not.
    Over,
}

/// A handshake that the other side began.
pub struct Responder {
    methods: Methods,
    held: Held,
    state: State,
}

impl Responder {
    /// Nothing has come yet.
    pub fn new(methods: Methods) -> Self {
        Self { methods, held: Held::default(), state: State::Key }
    }

    /// Takes what has come. `entropy` is asked when the other's key is there, since two powers follow (some 140 µs of work): with `None` they
    /// are put off until this is called again, perhaps with nothing new. `find` gives the torrent of that name; what is to
    /// be sent goes to `out`. Nothing may be given after an end.
    pub fn advance<'a>(
        &mut self,
        input: &[u8],
        entropy: impl FnOnce() -> Option<Entropy<'a>>,
        find: impl FnOnce(&Req2) -> Option<Skey>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Box<Agreed>>, Refused> {
        self.held.push(input);
        let (mut entropy, mut find) = (Some(entropy), Some(find));
        loop {
            self.state = match core::mem::replace(&mut self.state, State::Over) {
                State::Key => {
                    let whole = self.held.len() >= PUBLIC_LEN;
                    let entropy = if whole { entropy.take().and_then(|ask| ask()) } else { None };
                    let Some((entropy, public)) = entropy.and_then(|entropy| Some((entropy, self.held.take()?))) else {
                        return Ok(self.wait(State::Key));
                    };
                    let private = Private::new(&entropy.private);
                    let secret = Box::new(private.shared(&public)?);
                    out.extend_from_slice(&private.public());
                    out.extend_from_slice(entropy.pad());
                    State::Marker(secret)
                }
                State::Marker(secret) => {
                    if !self.held.find(&keys::marker(&secret))? {
                        return Ok(self.wait(State::Marker(secret)));
                    }
                    State::Name(secret)
                }
                State::Name(secret) => {
                    let Some((hidden, find)) = self.held.take().zip(find.take()) else {
                        return Ok(self.wait(State::Name(secret)));
                    };
                    let key = find(&keys::masked(&hidden, &secret)).ok_or(Refused::Torrent)?;
                    let outgoing = Box::new(keys::from_responder(&secret, &key));
                    State::Offer { outgoing, incoming: Box::new(keys::from_initiator(&secret, &key)) }
                }
                State::Offer { outgoing, mut incoming } => {
                    let Some(mut head) = self.held.take::<{ CHECK_LEN + 6 }>() else {
                        return Ok(self.wait(State::Offer { outgoing, incoming }));
                    };
                    incoming.apply(&mut head);
                    let [check @ .., a, b, c, d, high, low] = head;
                    if check != [0; CHECK_LEN] {
                        return Err(Refused::Check);
                    }
                    let method = self.methods.select(u32::from_be_bytes([a, b, c, d]))?;
                    let len = usize::from(u16::from_be_bytes([high, low]));
                    if len > PAD_MAX {
                        return Err(Refused::Padding);
                    }
                    State::Pad { len, method, outgoing, incoming }
                }
                State::Pad { len, method, mut outgoing, mut incoming } => {
                    if self.held.len() < len + 2 {
                        return Ok(self.wait(State::Pad { len, method, outgoing, incoming }));
                    }
                    incoming.apply(&mut [0; PAD_MAX][..len]);
                    self.held.skip(len);
                    let Some(mut introduction) = self.held.take::<2>() else {
                        return Ok(self.wait(State::Over));
                    };
                    incoming.apply(&mut introduction);
                    let from = out.len();
                    out.extend_from_slice(&[0; CHECK_LEN]);
                    out.extend_from_slice(&method.bit().to_be_bytes());
                    out.extend_from_slice(&[0; 2]);
                    outgoing.apply(&mut out[from..]);
                    let introduction = usize::from(u16::from_be_bytes(introduction));
                    let agreed = Agreed::new(method, *outgoing, *incoming, introduction, self.held.rest());
                    return Ok(Some(Box::new(agreed)));
                }
                State::Over => return Ok(None),
            };
        }
    }

    fn wait(&mut self, state: State) -> Option<Box<Agreed>> {
        self.state = state;
        None
    }
}
