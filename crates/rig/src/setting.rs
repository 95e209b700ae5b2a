//! The settings in which a client and a tracker are tried.

/// The version of the Internet Protocol that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Addresses of 32 bits (IPv4).
    V4,
    /// Addresses of 128 bits (IPv6).
    V6,
}

/// The protocol by which a tracker is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP without encryption (BEP 3).
    Http,
    /// UDP packets (BEP 15).
    Udp,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has everything, checks it and gives it.
    Seeds,
    /// Has nothing, fetches it, and goes on seeding.
    Gets,
}

/// What a scenario wants of a client that not every one can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which side it is on.
    pub role: Role,
    /// Whether the downloader has nothing but a magnet link.
    pub magnet: bool,
    /// Whether there are thousands of files.
    pub many: bool,
    /// Whether the content has names that are not legal everywhere.
    pub odd: bool,
    /// The tracker, by its name.
    pub tracker: &'static str,
    /// How it is to ask the tracker.
    pub protocol: Protocol,
    /// The address family that peers and tracker use.
    pub family: Family,
}

/// What a client is told to want of encryption (MSE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// None at all.
    Off,
    /// Both ways are taken; dials are in the clear at first.
    Allow,
    /// Both ways are taken; dials are encrypted at first.
    Prefer,
    /// Nothing but RC4 to the end.
    Require,
}

impl Encryption {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Allow, Self::Prefer, Self::Require];

    /// The word that Teem's users type for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
        }
    }

    /// Whether two such sides can speak with each other.
    pub fn meets(self, other: Self) -> bool {
        !matches!((self, other), (Self::Off, Self::Require) | (Self::Require, Self::Off))
    }
}
