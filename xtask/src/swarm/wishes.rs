//! What a swarm to be measured is made of, as it is typed.
use super::clients::Kind;

/// The swarm that a run consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wishes {
    /// The program that has the content.
    pub seed: Kind,
    /// The programs that download it, one entry each.
    pub get: Vec<Kind>,
    /// Bytes of content.
    pub size: u64,
    /// Upload limit of each, bytes a second.
    pub rate: u64,
}

impl Wishes {
    /// Reads the words after `bench swarm`.
    pub(super) fn read(words: &[&str]) -> Option<Self> {
        let mut wishes = Self { seed: Kind::Teem, get: Vec::new(), size: 64 << 20, rate: 4 << 20 };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--seed" => wishes.seed = Kind::named(value)?,
                "--size" => wishes.size = mebibytes(value)?,
                "--rate" => wishes.rate = mebibytes(value)?,
                "--get" => wishes.get.extend(crowd(value)?),
                _ => return None,
            }
        }
        (!wishes.get.is_empty()).then_some(wishes)
    }

    /// Kumar and Ross: no faster than the seed sends one copy, nor than all lines together send all copies. In seconds.
    pub(super) fn bound(&self) -> f64 {
        let (size, count) = (self.size as f64, self.get.len() as f64);
        (size / self.rate as f64).max(count * size / ((count + 1.0) * self.rate as f64))
    }
}

/// A positive number of MiB, in bytes.
pub(super) fn mebibytes(word: &str) -> Option<u64> {
    word.parse::<u64>().ok().filter(|n| *n > 0).map(|n| n << 20)
}

/// Clients as `NAME:COUNT,NAME`.
fn crowd(words: &str) -> Option<Vec<Kind>> {
    let mut all = Vec::new();
    for part in words.split(',') {
        let (name, count) = part.split_once(':').unwrap_or((part, "1"));
        all.extend(std::iter::repeat_n(Kind::named(name)?, count.parse().ok()?));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        let wishes = Wishes::read(&["--seed", "aria2", "--get", "teem:4,rqbit", "--size", "1", "--rate", "2"]).unwrap();
        assert_eq!((wishes.seed, wishes.get.len(), wishes.size, wishes.rate), (Kind::Aria2, 5, 1 << 20, 2 << 20));
        assert!((wishes.bound() - 0.5).abs() < 1e-9);
        for wrong in [&["--get"][..], &["--get", "nobody:2"], &["--seed", "teem"], &["--get", "teem", "--size", "0"]] {
            assert!(Wishes::read(wrong).is_none(), "{wrong:?}");
        }
    }
}
