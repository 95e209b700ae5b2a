//! SHA-1 and SHA-256 of a few independent streams by the processor's SHA instructions, as text over the seven of them and
//! a few moves of words (FIPS 180-4, 6.1.2 and 6.2.2; Intel's manual, volume 2, SHA1RNDS4 and following).
//!
//! Each of these instructions waits for the one before it in its stream; with a second to fourth stream beside it the
//! processor has something to do meanwhile. It is text because it is compiled twice: for the processor (`sha_ni`), and
//! over a model of the instructions in plain Rust (`sha_model`), so that it can be tested where no processor has them.

/// The functions `sha1::<N>` and `sha256::<N>` over N streams. In scope are a type `Vector` of four words, of which the
/// first is the lowest; `vector` and `array` that turn words into it and back; `reversed` and `ordered` that load a
/// quarter of a block with its first word highest or lowest; `add`, `xor`; `next_word`, which takes three words from its
/// second and one from its first argument; `upper_half`; and the seven instructions. The attributes are put before both.
macro_rules! interleaved {
    ($(#[$attribute:meta])*) => {
        /// Takes all blocks of each message into its state; as many blocks as the shortest has.
        $(#[$attribute])*
        pub(super) fn sha1<const N: usize>(states: &mut [[u32; 5]; N], blocks: &[&[[u8; 64]]; N]) {
            // The instructions keep `a` highest, and `e` alone in the highest word of another vector.
            let mut abcd: [Vector; N] = from_fn(|s| vector([states[s][3], states[s][2], states[s][1], states[s][0]]));
            let mut e: [Vector; N] = from_fn(|s| vector([0, 0, 0, states[s][4]]));
            let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
            #[allow(clippy::needless_range_loop)] // the index runs in all streams at once
            for i in 0..count {
                let (abcd_before, e_before) = (abcd, e);
                let mut before = abcd;
                let mut w = [[e[0]; N]; 4];
                macro_rules! four_rounds {
                    ($t:literal) => {
                        for s in 0..N {
                            w[$t % 4][s] = if $t < 4 {
                                reversed(&blocks[s][i], $t)
                            } else {
                                let mixed = xor(sha1_msg1(w[$t % 4][s], w[($t + 1) % 4][s]), w[($t + 2) % 4][s]);
                                sha1_msg2(mixed, w[($t + 3) % 4][s])
                            };
                            let e_and_words = if $t == 0 {
                                add(e[s], w[0][s])
                            } else {
                                sha1_next_e(before[s], w[$t % 4][s])
                            };
                            before[s] = abcd[s];
                            abcd[s] = sha1_rounds4::<{ $t / 5 }>(abcd[s], e_and_words);
                        }
                    };
                }
                macro_rules! twenty_rounds {
                    ($a:literal, $b:literal, $c:literal, $d:literal, $e:literal) => {
                        four_rounds!($a);
                        four_rounds!($b);
                        four_rounds!($c);
                        four_rounds!($d);
                        four_rounds!($e);
                    };
                }
                twenty_rounds!(0, 1, 2, 3, 4);
                twenty_rounds!(5, 6, 7, 8, 9);
                twenty_rounds!(10, 11, 12, 13, 14);
                twenty_rounds!(15, 16, 17, 18, 19);
                for s in 0..N {
                    e[s] = sha1_next_e(before[s], e_before[s]);
                    abcd[s] = add(abcd[s], abcd_before[s]);
                }
            }
            for s in 0..N {
                let ([d, c, b, a], [.., e]) = (array(abcd[s]), array(e[s]));
                states[s] = [a, b, c, d, e];
            }
        }

        /// Takes all blocks of each message into its state; as many blocks as the shortest has.
        $(#[$attribute])*
        pub(super) fn sha256<const N: usize>(states: &mut [[u32; 8]; N], blocks: &[&[[u8; 64]]; N]) {
            // The instructions want the eight words in these two halves, `a` and `c` highest.
            let mut abef: [Vector; N] = from_fn(|s| vector([states[s][5], states[s][4], states[s][1], states[s][0]]));
            let mut cdgh: [Vector; N] = from_fn(|s| vector([states[s][7], states[s][6], states[s][3], states[s][2]]));
            let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
            #[allow(clippy::needless_range_loop)] // the index runs in all streams at once
            for i in 0..count {
                let (abef_before, cdgh_before) = (abef, cdgh);
                let mut w = [[abef[0]; N]; 4];
                macro_rules! four_rounds {
                    ($t:literal) => {
                        let k = vector([K[4 * $t], K[4 * $t + 1], K[4 * $t + 2], K[4 * $t + 3]]);
                        for s in 0..N {
                            w[$t % 4][s] = if $t < 4 {
                                ordered(&blocks[s][i], $t)
                            } else {
                                let seven_back = next_word(w[($t + 3) % 4][s], w[($t + 2) % 4][s]);
                                let mixed = add(sha256_msg1(w[$t % 4][s], w[($t + 1) % 4][s]), seven_back);
                                sha256_msg2(mixed, w[($t + 3) % 4][s])
                            };
                            let words = add(w[$t % 4][s], k);
                            cdgh[s] = sha256_rounds2(cdgh[s], abef[s], words);
                            abef[s] = sha256_rounds2(abef[s], cdgh[s], upper_half(words));
                        }
                    };
                }
                four_rounds!(0);
                four_rounds!(1);
                four_rounds!(2);
                four_rounds!(3);
                four_rounds!(4);
                four_rounds!(5);
                four_rounds!(6);
                four_rounds!(7);
                four_rounds!(8);
                four_rounds!(9);
                four_rounds!(10);
                four_rounds!(11);
                four_rounds!(12);
                four_rounds!(13);
                four_rounds!(14);
                four_rounds!(15);
                for s in 0..N {
                    abef[s] = add(abef[s], abef_before[s]);
                    cdgh[s] = add(cdgh[s], cdgh_before[s]);
                }
            }
            for s in 0..N {
                let ([f, e, b, a], [h, g, d, c]) = (array(abef[s]), array(cdgh[s]));
                states[s] = [a, b, c, d, e, f, g, h];
            }
        }
    };
}
pub(super) use interleaved;
