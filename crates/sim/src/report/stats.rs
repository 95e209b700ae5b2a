//! Ratios, means and percentiles of times (own design), in integers.
use std::time::Duration;

/// A duration in whole milliseconds, rounded down.
pub(crate) fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// A part over the whole, in thousandths, rounded.
pub fn permille(part: u64, whole: u64) -> u64 {
    let whole = u128::from(whole.max(1));
    ((u128::from(part) * 1000 + whole / 2) / whole) as u64
}

/// One time over another, in thousandths, rounded.
pub fn ratio(part: Duration, whole: Duration) -> u64 {
    let whole = whole.as_nanos().max(1);
    ((part.as_nanos() * 1000 + whole / 2) / whole) as u64
}

/// The mean of some times; `None` of none.
pub fn mean(times: &[Duration]) -> Option<Duration> {
    let sum: Duration = times.iter().sum();
    sum.checked_div(times.len() as u32)
}

/// The least time within which so many in a thousand of the sorted times lie (nearest rank).
pub(crate) fn percentile(sorted: &[Duration], permille: usize) -> Option<Duration> {
    let rank = (sorted.len() * permille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

/// The middle of some figures: of an even number the greater of the two.
pub(crate) fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Thousandths as a decimal fraction; `-` for nothing.
pub fn decimal(permille: Option<u64>) -> String {
    permille.map_or_else(|| "-".to_string(), |value| format!("{}.{:03}", value / 1000, value % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_occurred() {
        let times: Vec<Duration> = (1..=10).map(Duration::from_secs).collect();
        let at = |permille| percentile(&times, permille).map(|time| time.as_secs());
        assert_eq!([at(500), at(900), at(990), at(999)], [Some(5), Some(9), Some(10), Some(10)]);
        assert_eq!(percentile(&[], 500), None);
        assert_eq!(mean(&times), Some(Duration::from_millis(5500)));
        assert_eq!((median(vec![3, 1, 2]), median(vec![1, 4]), median(vec![])), (Some(2), Some(4), None));
    }

    #[test]
    fn ratios_are_rounded_to_thousandths() {
        assert_eq!((permille(1, 3), permille(2, 3), permille(5, 0)), (333, 667, 5000));
        assert_eq!(ratio(Duration::from_secs(3), Duration::from_secs(2)), 1500);
        assert_eq!((decimal(Some(1049)), decimal(None)), ("1.049".to_string(), "-".to_string()));
    }
}
