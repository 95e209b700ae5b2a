//! What a peer of a scenario is (own design).

/// Other people's clients, as far as their ways matter to a swarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// libtorrent 2, which is qBittorrent's and Deluge's too.
    Libtorrent,
    /// Transmission 3 and 4.
    Transmission,
    /// aria2, versions 1.3x.
    Aria2,
    /// rqbit, version 8.
    Rqbit,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Libtorrent, Self::Transmission, Self::Aria2, Self::Rqbit];
}

/// What a peer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The engine, with the whole content from the start.
    Seed,
    /// The engine, with nothing.
    Downloader,
    /// Somebody else's client, with nothing.
    Plain(Kind),
    /// The engine, but nothing it wants to give reaches anybody: it never unchokes.
    FreeRider,
    /// Claims everything, unchokes, and never sends a block.
    Liar,
    /// Claims everything and sends blocks of which so many in a thousand are wrong.
    Corrupter(u32),
    /// Claims everything and serves, but chokes and unchokes all the time.
    Flapper,
    /// Claims everything, unchokes, and rejects every request.
    Rejecter,
    /// Claims everything and sends one wrong block with each piece.
    Poisoner,
    /// Shows now everything, now nothing, and answers no request.
    Shifter,
    /// Accepts connections and never says a word.
    Mute,
    /// A node of the DHT that wants no torrent.
    Node,
}

impl Role {
    /// Whether it means well: nobody may ban it, and it has to complete.
    pub fn honest(self) -> bool {
        matches!(self, Self::Seed | Self::Downloader | Self::Plain(_))
    }

    /// Whether it wants the content.
    pub(crate) fn wants(self) -> bool {
        matches!(self, Self::Downloader | Self::Plain(_) | Self::FreeRider)
    }

    /// Whether what it has it gives.
    pub(crate) fn gives(self) -> bool {
        self.honest()
    }
}
