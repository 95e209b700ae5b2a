//! Tokens by which other programs may speak with the daemon (own design): 192 random bits, shown once and kept as their SHA-256.
//!
//! There is no password that could be guessed and none that is there from the start.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use teem_bencode::{Limits, Writer, parse};

/// Random bytes of a token.
const BYTES: usize = 24;

/// What tokens begin with, so that one that was published by mistake is found.
const PREFIX: &str = "teem_";

/// Bytes of a token's name, and tokens that are kept.
pub(crate) const NAME_BYTES: usize = 64;
pub(crate) const TOKENS_MAX: usize = 1_000;

/// What a token allows; each allows what those before it do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// To look at torrents; nothing is changed.
    Read,
    /// To add torrents.
    Add,
    /// To change and remove them.
    Control,
    /// To make and revoke tokens.
    Admin,
}

impl Scope {
    const ALL: [Self; 4] = [Self::Read, Self::Add, Self::Control, Self::Admin];

    /// As it is said in requests and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Add => "add",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = Self::ALL.map(Self::word).join(", ");
        Self::ALL.into_iter().find(|scope| scope.word() == text).ok_or_else(|| format!("`{text}` is none of {words}"))
    }
}

/// The digest by which a token is known again.
pub(crate) type Hash = [u8; 32];

/// What is kept of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) hash: Hash,
    pub(crate) scope: Scope,
    /// When it was made, in seconds since 1970.
    pub(crate) made: u64,
}

impl Kept {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.dict(|d| {
            d.key(b"hash").bytes(&self.hash);
            d.key(b"made").uint(self.made);
            d.key(b"scope").str(self.scope.word());
        });
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::MESSAGE).ok()?;
        let root = document.root();
        Some(Self {
            hash: root.get(b"hash")?.as_bytes()?.try_into().ok()?,
            scope: root.get(b"scope")?.as_str()?.parse().ok()?,
            made: root.get(b"made")?.as_uint()?,
        })
    }
}

/// A new token, in words.
pub(crate) fn draw() -> String {
    let mut bytes = [0; BYTES];
    teem_client::entropy::fill(&mut bytes);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of its words.
pub(crate) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_ordered_and_have_words() {
        assert!(Scope::Read < Scope::Add && Scope::Add < Scope::Control && Scope::Control < Scope::Admin);
        for scope in Scope::ALL {
            assert_eq!(scope.word().parse(), Ok(scope));
        }
        assert!("root".parse::<Scope>().unwrap_err().contains("read, add, control, admin"));
    }

    #[test]
    fn tokens_are_long_and_different_and_what_is_kept_comes_back() {
        let (one, other) = (draw(), draw());
        assert_eq!(one.len(), PREFIX.len() + BYTES * 4 / 3);
        assert_ne!(one, other);
        let kept = Kept { hash: hash(&one), scope: Scope::Control, made: 7 };
        assert_eq!(Kept::decode(&kept.encode()), Some(kept));
        let bytes = kept.encode();
        assert!((0..bytes.len()).all(|n| Kept::decode(&bytes[..n]).is_none()));
    }
}
