//! What the bytes of a connection pass through between the protocol and the link (own design; MSE).
//!
//! A layer that encrypts cannot take back what it has encrypted when the link is full, so it owns those bytes until the link has taken them: at most
//! [`CHUNK_LEN`] and what a handshake needs. What it has taken counts as sent.
use std::io::{self, IoSlice, Read, Write};
use teem_mse::{Agreed, Incoming, Initiator, Progress, Rc4, Refused};

/// Bytes that are encrypted at once: they stay in the nearest cache.
const CHUNK_LEN: usize = 32 * 1024;

/// What our stream begins with and what goes out with the encrypted handshake: the handshake of the protocol (BEP 3), since some take no more.
const INTRODUCTION_MAX: usize = 68;

/// Bytes of an encrypted handshake that are read at once.
const HANDSHAKE_READ_LEN: usize = 2048;

/// What moves bytes to the other end.
pub(crate) trait Link: Read + Write {}

impl<L: Read + Write> Link for L {}

/// What bytes pass through between the protocol and the link.
pub(crate) enum Layer {
    /// They are sent as they are.
    Plain,
    /// They begin, or stay, encrypted.
    Mse(Box<Mse>),
}

/// A connection that began with message stream encryption.
pub(crate) struct Mse {
    stage: Stage,
    /// What is ready for the link and not taken yet, and how much of it is.
    staged: Vec<u8>,
    taken: usize,
    /// Payload that came with the handshake, and how much of it was read.
    early: Vec<u8>,
    read: usize,
}

#[allow(clippy::large_enum_variant)] // it lies in a box, and nearly all are open
enum Stage {
    /// The keys are known; our first words go out with the rest of the handshake.
    Introducing(Initiator),
    /// They are out. How both go on is the other's choice.
    Waiting(Initiator),
    /// The handshake is over.
    Open { outgoing: Option<Rc4>, incoming: Incoming },
}

/// What a read gave.
pub(crate) struct Came {
    /// How many bytes of the stream.
    pub(crate) len: usize,
    /// The link has no more for now: it will say when it has.
    pub(crate) emptied: bool,
}

impl Layer {
    /// We dialled, and the other side has shown its key.
    pub(crate) fn initiator(initiator: Initiator) -> Self {
        Self::mse(Stage::Introducing(initiator), Vec::new(), Vec::new())
    }

    /// The other side dialled, and the handshake is over but for our answer.
    pub(crate) fn responder(agreed: Agreed, answer: Vec<u8>) -> Self {
        let Agreed { outgoing, incoming, early, .. } = agreed;
        Self::mse(Stage::Open { outgoing, incoming }, answer, early)
    }

    fn mse(stage: Stage, staged: Vec<u8>, early: Vec<u8>) -> Self {
        Self::Mse(Box::new(Mse { stage, staged, taken: 0, early, read: 0 }))
    }
}

impl Mse {
    /// Whether nothing is left to be done to the bytes of either direction.
    pub(crate) fn is_clear(&self) -> bool {
        let Stage::Open { outgoing: None, incoming } = &self.stage else { return false };
        incoming.is_clear() && !self.holds() && self.early.is_empty()
    }

    /// Whether what the protocol says from now on is encrypted.
    pub(crate) fn encrypts(&self) -> bool {
        matches!(self.stage, Stage::Open { outgoing: Some(_), .. })
    }

    /// Whether something waits for the link.
    pub(crate) fn holds(&self) -> bool {
        self.taken < self.staged.len()
    }

    /// Whether the protocol can send.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    pub(crate) fn read(&mut self, link: &mut impl Link, buffer: &mut [u8]) -> io::Result<Came> {
        loop {
            let early = &self.early[self.read..];
            if !early.is_empty() {
                let len = early.len().min(buffer.len());
                buffer[..len].copy_from_slice(&early[..len]);
                self.read += len;
                if self.read == self.early.len() {
                    (self.early, self.read) = (Vec::new(), 0);
                }
                return Ok(Came { len, emptied: false });
            }
            match &mut self.stage {
                Stage::Open { incoming, .. } => {
                    let len = link.read(buffer)?;
                    incoming.apply(&mut buffer[..len]);
                    return Ok(Came { len, emptied: len < buffer.len() });
                }
                Stage::Introducing(initiator) | Stage::Waiting(initiator) => {
                    let mut bytes = [0; HANDSHAKE_READ_LEN];
                    let len = link.read(&mut bytes)?;
                    if len == 0 {
                        return Ok(Came { len, emptied: true });
                    }
                    if let Progress::Agreed(agreed) = initiator.advance(&bytes[..len]).map_err(refused)? {
                        let Agreed { outgoing, incoming, early, .. } = *agreed;
                        self.early = early;
                        self.stage = Stage::Open { outgoing, incoming };
                    }
                }
            }
        }
    }

    /// What bytes of the link's stream say, where they can be decrypted at once: in `room`, if they have to be.
    pub(crate) fn pass<'a>(&mut self, bytes: &'a [u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
        let Stage::Open { incoming, .. } = &mut self.stage else { return None };
        let room = room.get_mut(..bytes.len()).filter(|_| self.early.is_empty())?;
        room.copy_from_slice(bytes);
        incoming.apply(room);
        Some(room)
    }

    /// Takes of `slices` what the link takes at once, and less than a chunk more.
    pub(crate) fn write(&mut self, link: &mut impl Link, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Introducing(_) => return self.introduce(link, slices),
            Stage::Waiting(_) => return Err(io::ErrorKind::WouldBlock.into()),
            Stage::Open { .. } => {}
        }
        if !self.flush(link)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let Stage::Open { outgoing: Some(_), .. } = &self.stage else { return link.write_vectored(slices) };
        let all: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut bytes = slices.iter().map(|slice| &**slice).filter(|slice| !slice.is_empty());
        let (mut sent, mut rest) = (0, bytes.next());
        while let Some(slice) = rest {
            let len = slice.len().min(CHUNK_LEN - self.staged.len());
            self.encrypt(&slice[..len]);
            sent += len;
            rest = if len < slice.len() { Some(&slice[len..]) } else { bytes.next() };
            if (self.staged.len() == CHUNK_LEN || sent == all) && !self.flush(link)? {
                break;
            }
        }
        Ok(sent)
    }

    fn encrypt(&mut self, bytes: &[u8]) {
        let from = self.staged.len();
        self.staged.extend_from_slice(bytes);
        if let Stage::Open { outgoing: Some(cipher), .. } = &mut self.stage {
            cipher.apply(&mut self.staged[from..]);
        }
    }

    fn introduce(&mut self, link: &mut impl Link, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let first: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(INTRODUCTION_MAX).collect();
        let Self { stage, staged, .. } = self;
        let stage_now = core::mem::replace(stage, Stage::Open { outgoing: None, incoming: Incoming::CLEAR });
        let Stage::Introducing(mut initiator) = stage_now else { return Ok(0) };
        let sent = initiator.introduce(&first, staged);
        *stage = Stage::Waiting(initiator);
        self.flush(link)?;
        Ok(sent)
    }

    /// Gives the link what waits for it; whether that is all.
    pub(crate) fn flush(&mut self, link: &mut impl Link) -> io::Result<bool> {
        while self.holds() {
            match link.write_vectored(&[IoSlice::new(&self.staged[self.taken..])]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.taken += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.staged.clear();
        self.taken = 0;
        Ok(true)
    }
}

/// The peer's fault, on its way through the errors of reading.
fn refused(why: Refused) -> io::Error {
    io::Error::other(why)
}

/// The peer's fault, where an error of reading is one.
pub(crate) fn fault(error: &io::Error) -> Option<Refused> {
    error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
}
