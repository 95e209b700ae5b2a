//! How a cost grows with what it is measured over: the exponent, and whether that is still linear (own design).
//!
//! The exponent is the slope of the cost over the size, both as logarithms: 1 is linear, 2 is quadratic. It is taken over
//! the last three doublings, where a term that grows faster than the rest shows most, and only where the cost is
//! large enough to be told from what every start of the program takes.

/// Exponents above this are a failure: between linear with a logarithm and the spread of a crowded machine on one side, and
/// what will be quadratic a few doublings later on the other.
pub(super) const EXPONENT_MAX: f64 = 1.3;

/// Doublings that the slope is taken over.
const DOUBLINGS: f64 = 3.0;

/// The slope of the last points (size, cost), the first of which has at least `floor`; none if too few have.
pub(super) fn exponent(points: &[(f64, f64)], floor: f64) -> Option<f64> {
    let &(last_size, last) = points.last()?;
    let reach = last_size / DOUBLINGS.exp2() * 0.99;
    let &(first_size, first) = points.iter().find(|(size, cost)| *size >= reach && *cost >= floor)?;
    // One doubling is too little to tell growth from chance.
    (last_size / first_size > 2.5).then(|| (last / first).log2() / (last_size / first_size).log2())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(cost: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (10..20).map(|k| f64::from(1 << k)).map(|n| (n, cost(n))).collect()
    }

    #[test]
    fn linear_is_one_and_quadratic_is_two() {
        let linear = exponent(&points(|n| n / 1e4), 0.2).unwrap();
        let quadratic = exponent(&points(|n| n * n / 1e8), 0.2).unwrap();
        let hidden = exponent(&points(|n| n / 1e4 + n * n / 1e9), 0.2).unwrap();
        assert!((linear - 1.0).abs() < 0.01 && (quadratic - 2.0).abs() < 0.01, "{linear} {quadratic}");
        assert!(hidden > EXPONENT_MAX, "{hidden}");
        assert_eq!(exponent(&points(|_| 0.01), 0.2), None, "too little to be told from nothing");
    }
}
