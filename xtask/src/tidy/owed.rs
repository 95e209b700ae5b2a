//! What the project still owes to its own rules: a short list, to which nothing is added. An entry that has nothing left to
//! forgive is a finding itself, so the list shrinks with the work.

/// Findings that are known and let pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owed {
    /// Structs with a cycle of calls among their files: (package, struct, what it waits for).
    pub cycles: &'static [(&'static str, &'static str, &'static str)],
    /// Packages with `pub` items that no other crate names.
    pub faces: &'static [&'static str],
    /// Packages with comments that are no sentences, and how many they have at most.
    pub words: &'static [(&'static str, usize)],
}

/// What this project owes.
pub const TODAY: Owed = Owed {
    cycles: &[
        ("teem-engine", "Engine", "carrying out, greeting and adding are one owner"),
        ("teem-host", "Net", "opening and closing connections are one table"),
        ("teem-swarm", "Torrent", "its owners (peers, upload, download, metadata, store) are being cut"),
    ],
    faces: &["teem-client", "teem-disk", "teem-engine", "teem-host", "teem-swarm"],
    words: &[
        ("teem", 10),
        ("teem-client", 21),
        ("teem-disk", 25),
        ("teem-engine", 20),
        ("teem-host", 13),
        ("teem-swarm", 142),
        ("teem-tracker-server", 16),
    ],
};
