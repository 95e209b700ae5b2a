//! The 64 rounds of SHA-256 (FIPS 180-4, 6.2.2) over vectors, as text that each kernel compiles for its own instructions.

/// The constants of the rounds (4.2.2).
#[rustfmt::skip]
pub(super) const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Takes the sixteen words `$w` of a block into the eight words of `$state`, each a vector with one message a lane. The
/// kernel has functions `add`, `splat`, `choose`, `parity` and `majority` and macros `rotate` (to the left) and `shift`
/// (to the right) in scope. All is unrolled, because only then the words of the schedule have fixed places.
macro_rules! sha256_rounds {
    ($state:ident, $w:ident) => {{
        macro_rules! word {
            ($t:expr) => {{
                if $t >= 16 {
                    let (old, new) = ($w[($t + 1) % 16], $w[($t + 14) % 16]);
                    let from_old = parity(rotate!(25, old), rotate!(14, old), shift!(3, old));
                    let from_new = parity(rotate!(15, new), rotate!(13, new), shift!(10, new));
                    $w[$t % 16] = add(add($w[$t % 16], from_old), add($w[($t + 9) % 16], from_new));
                }
                $w[$t % 16]
            }};
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $state;
        macro_rules! round {
            ($t:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
                $h = add(add($h, splat(K[$t])), add(word!($t), choose($e, $f, $g)));
                $h = add($h, parity(rotate!(26, $e), rotate!(21, $e), rotate!(7, $e)));
                $d = add($d, $h);
                $h = add($h, add(parity(rotate!(30, $a), rotate!(19, $a), rotate!(10, $a)), majority($a, $b, $c)));
            };
        }
        macro_rules! eight {
            ($t:expr) => {
                round!($t, a, b, c, d, e, f, g, h);
                round!($t + 1, h, a, b, c, d, e, f, g);
                round!($t + 2, g, h, a, b, c, d, e, f);
                round!($t + 3, f, g, h, a, b, c, d, e);
                round!($t + 4, e, f, g, h, a, b, c, d);
                round!($t + 5, d, e, f, g, h, a, b, c);
                round!($t + 6, c, d, e, f, g, h, a, b);
                round!($t + 7, b, c, d, e, f, g, h, a);
            };
        }
        eight!(0);
        eight!(8);
        eight!(16);
        eight!(24);
        eight!(32);
        eight!(40);
        eight!(48);
        eight!(56);
        $state = [
            add($state[0], a),
            add($state[1], b),
            add($state[2], c),
            add($state[3], d),
            add($state[4], e),
            add($state[5], f),
            add($state[6], g),
            add($state[7], h),
        ];
    }};
}
pub(super) use sha256_rounds;
