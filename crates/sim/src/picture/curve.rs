//! One run as a picture needs it (own design): values over time, in bounds.
use crate::series::Sample;

/// One run in a picture.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// What it is, for the legend.
    pub label: String,
    /// Its samples in the order of time.
    pub samples: &'a [Sample],
    /// The bound of its world in milliseconds.
    pub bound_ms: u64,
}

impl Curve<'_> {
    /// When everybody had everything, in bounds; or when the samples end.
    pub(super) fn end(&self) -> f64 {
        let whole = self.samples.iter().find(|sample| sample.progress_permille[0] == 1000);
        whole.or(self.samples.last()).map_or(1.0, |sample| self.time(sample))
    }

    pub(super) fn has_lines(&self) -> bool {
        self.samples.iter().any(|sample| !sample.each_permille.is_empty())
    }

    pub(super) fn time(&self, sample: &Sample) -> f64 {
        sample.at_ms as f64 / self.bound_ms.max(1) as f64
    }

    pub(super) fn points(&self, value: impl Fn(&Sample) -> f64) -> Vec<(f64, f64)> {
        self.samples.iter().map(|sample| (self.time(sample), value(sample))).collect()
    }

    /// Upload use in percent, each sample with two on either side: blocks leave one by one, which makes short samples jump.
    pub(super) fn smooth(&self) -> Vec<(f64, f64)> {
        let mean = |i: usize| {
            let near = &self.samples[i.saturating_sub(2)..self.samples.len().min(i + 3)];
            near.iter().map(|sample| sample.upload_permille as f64 / 10.0).sum::<f64>() / near.len() as f64
        };
        (0..self.samples.len()).map(|i| (self.time(&self.samples[i]), mean(i))).collect()
    }
}
