//! Why a handshake ends without a stream (MSE).
use core::fmt;

/// The other side's fault, or what the two cannot agree on. The connection is closed without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refused {
    /// Its public key is 0, 1, P-1 or not below P: the secret would be known to all.
    Key,
    /// What follows the key and its padding did not come within the 512 bytes that padding may have.
    Marker,
    /// The torrent that it asks for is not one of ours.
    Torrent,
    /// The constant that proves both have the same keys is another.
    Check,
    /// None of the ways that it offers to go on is one that we take.
    Method,
    /// It chose no way, several, or one that was not offered.
    Choice,
    /// Padding is said to be longer than 512 bytes.
    Padding,
}

impl Refused {
    /// The reason, as a sentence without its subject.
    pub fn words(self) -> &'static str {
        match self {
            Self::Key => "its key for an encrypted connection fixes the secret",
            Self::Marker => "its encrypted handshake did not begin where it must",
            Self::Torrent => "its encrypted handshake is for no torrent of ours",
            Self::Check => "its encrypted handshake was made with other keys",
            Self::Method => "it offers no encryption that we take",
            Self::Choice => "it chose an encryption that was not offered",
            Self::Padding => "the padding of its encrypted handshake is too long",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl core::error::Error for Refused {}
