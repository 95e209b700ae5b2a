//! What another program says it has of a torrent, believed as far as the files are as that program left them (own design).
//!
//! What is believed becomes saved state of ours: the files are made durable, then their pieces are claimed. A file that was changed since, or that is not of its
//! length, has its pieces checked. Nothing is hashed here.
use crate::fs::Stat;

/// What another program says it has of a torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Pieces that it has verified, as a bitfield (BEP 3, high bit first).
    pub pieces: Vec<u8>,
    /// How it left the files.
    pub left: Left,
}

/// How another program left the files of a torrent, in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Left {
    /// None was changed after this second.
    By(i64),
    /// None was changed after the second of its own, by index, padding included. A file that the list does not reach is not known.
    EachBy(Vec<i64>),
    /// When each was changed last, by index, padding included. A file that the list does not reach is not known.
    Each(Vec<i64>),
}

impl Left {
    /// Whether a file that is like this now is as it was left.
    pub(crate) fn fits(&self, file: usize, now: &Stat) -> bool {
        let changed = now.mtime_ns.div_euclid(1_000_000_000);
        match self {
            Self::By(second) => changed <= *second,
            Self::EachBy(seconds) => seconds.get(file).is_some_and(|second| changed <= *second),
            Self::Each(seconds) => seconds.get(file) == Some(&changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_fits_that_was_not_changed_since() {
        let now = Stat { mtime_ns: 7_999_999_999, ..Stat::default() };
        assert!(Left::By(7).fits(0, &now) && !Left::By(6).fits(0, &now));
        let each = Left::Each(vec![7, 8]);
        assert!(each.fits(0, &now) && !each.fits(1, &now) && !each.fits(2, &now));
        let each_by = Left::EachBy(vec![8, 6]);
        assert!(each_by.fits(0, &now) && !each_by.fits(1, &now) && !each_by.fits(2, &now));
        assert!(Left::By(-1).fits(0, &Stat { mtime_ns: -1, ..now }), "before 1970");
    }
}
