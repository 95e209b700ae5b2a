//! Distances between ids (BEP 5, "Overview") held against a naive reading of them as numbers.
use proptest::prelude::*;
use teem_basis::rng::Rng;
use teem_dht::id::{Distance, Id};

fn bits(id: Id) -> Vec<bool> {
    (0..160).map(|at| id.bit(at)).collect()
}

proptest! {
    #[test]
    fn the_distance_is_a_number_whose_first_zeros_are_what_is_common(seed: u64, common in 0..=160_u32) {
        let mut rng = Rng::new(seed);
        let (a, mut b) = (Id::random(&mut rng), Id::random(&mut rng));
        for at in 0..common as usize {
            let mask = 0x80 >> (at % 8);
            b.0[at / 8] = b.0[at / 8] & !mask | a.0[at / 8] & mask;
        }
        let differing: Vec<bool> = bits(a).iter().zip(bits(b)).map(|(a, b)| *a != b).collect();
        let zeros = differing.iter().take_while(|differs| !**differs).count() as u32;
        let distance: Distance = a.distance(b);
        prop_assert!(zeros >= common);
        prop_assert_eq!((a.common_bits(b), distance.leading_zeros()), (zeros, zeros));
        prop_assert_eq!(distance, b.distance(a));
    }
}
