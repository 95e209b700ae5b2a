//! Few cells that hold all pairs (or triples) of settings: each combination of values of any so many dimensions that can
//! meet at all meets in at least one cell. Own design: greedy, the cell that adds most comes next.
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Indices of `cells` that hold together every combination of `strength` values that any of `cells` holds.
pub(super) fn cover<const N: usize>(cells: &[[u8; N]], strength: u32) -> Vec<usize> {
    let choices: Vec<u32> = (0..1_u32 << N).filter(|mask| mask.count_ones() == strength).collect();
    let held = |cell: &[u8; N]| -> Vec<(u32, u64)> {
        let packed = |mask: &u32| {
            let chosen = (0..N).filter(|i| mask & (1 << i) != 0);
            (*mask, chosen.fold(0, |sum, i| sum << 8 | u64::from(cell[i])))
        };
        choices.iter().map(packed).collect()
    };
    let mut met = BTreeSet::new();
    // What a cell adds only shrinks, so one whose figure is still right when it comes first is the best.
    let mut heap: BinaryHeap<(usize, Reverse<usize>)> = (0..cells.len()).map(|i| (choices.len(), Reverse(i))).collect();
    let mut chosen = Vec::new();
    while let Some((figure, Reverse(i))) = heap.pop() {
        let held = held(&cells[i]);
        let adds = held.iter().filter(|combination| !met.contains(*combination)).count();
        if adds == figure && adds > 0 {
            met.extend(held);
            chosen.push(i);
        } else if adds > 0 {
            heap.push((adds, Reverse(i)));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product() -> Vec<[u8; 4]> {
        let cells = (0..4 * 3 * 2 * 2_u8).map(|n| [n % 4, n / 4 % 3, n / 12 % 2, n / 24]);
        cells.filter(|cell| cell[0] != 3 || cell[1] != 2).collect() // two values that never meet
    }

    #[test]
    fn every_pair_that_can_meet_meets() {
        let cells = product();
        let chosen = cover(&cells, 2);
        assert!(chosen.len() < 16, "{}", chosen.len());
        for (i, j) in (0..4).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let pairs = |of: &mut dyn Iterator<Item = &[u8; 4]>| of.map(|c| (c[i], c[j])).collect::<BTreeSet<_>>();
            assert_eq!(pairs(&mut cells.iter()), pairs(&mut chosen.iter().map(|&i| &cells[i])));
        }
    }

    #[test]
    fn all_dimensions_together_take_all_cells() {
        let cells = product();
        assert_eq!(cover(&cells, 4).len(), cells.len());
    }
}
