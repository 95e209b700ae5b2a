//! The sums over all torrents (own design), which several programs ask for at each poll: added up once for each state of the table.
use crate::kept::Kept;
use std::collections::{BTreeMap, BTreeSet};

/// What is true of all torrents together. Bytes, bytes a second, connected peers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Sums {
    pub(crate) torrents: u64,
    /// How many torrents do what, by the words of states.
    pub(crate) states: BTreeMap<&'static str, u64>,
    pub(crate) complete: u64,
    pub(crate) down_rate: u64,
    pub(crate) up_rate: u64,
    /// Since each began in this run, and over all runs.
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    pub(crate) downloaded_total: u64,
    pub(crate) uploaded_total: u64,
    pub(crate) seeds: u64,
    pub(crate) downloaders: u64,
    /// All labels that some torrent has.
    pub(crate) labels: BTreeSet<String>,
}

impl Sums {
    /// One more torrent counts.
    pub(crate) fn add(&mut self, kept: &Kept) {
        let (line, figures) = (&kept.line, &kept.line.figures);
        self.torrents += 1;
        *self.states.entry(line.state.word()).or_default() += 1;
        self.complete += u64::from(line.complete);
        for (sum, more) in [
            (&mut self.down_rate, figures.down_rate),
            (&mut self.up_rate, figures.up_rate),
            (&mut self.downloaded, figures.downloaded),
            (&mut self.uploaded, figures.uploaded),
            (&mut self.downloaded_total, line.totals.downloaded),
            (&mut self.uploaded_total, line.totals.uploaded),
            (&mut self.seeds, figures.seeds.into()),
            (&mut self.downloaders, figures.downloaders.into()),
        ] {
            *sum = sum.saturating_add(more);
        }
        for label in &kept.row.labels {
            if !self.labels.contains(label) {
                self.labels.insert(label.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::tests::made;
    use crate::line::Figures;

    #[test]
    fn all_is_added_up() {
        let mut sums = Sums::default();
        for n in 1..=3 {
            let (_, mut kept) = made(n);
            kept.row.labels = [format!("label {}", n % 2)].into();
            kept.line.figures = Figures { seeds: n, up_rate: u64::MAX / 2, ..Figures::default() };
            kept.line.totals.uploaded = u64::from(n) * 10;
            sums.add(&kept);
        }
        assert_eq!((sums.torrents, sums.seeds, sums.uploaded_total, sums.complete), (3, 6, 60, 0));
        assert_eq!(sums.up_rate, u64::MAX, "nonsense does not begin at nothing again");
        assert_eq!((sums.labels.len(), sums.states.get("failed")), (2, Some(&3)));
    }
}
