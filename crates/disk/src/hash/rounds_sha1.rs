//! The 80 rounds of SHA-1 (FIPS 180-4, 6.1.2) over vectors, as text that each kernel compiles for its own instructions.

/// Takes the sixteen words `$w` of a block into the five words of `$state`, each a vector with one message a lane. The
/// kernel has functions `add`, `splat`, `choose`, `parity`, `majority` and `xor4` and a macro `rotate` in scope. All is
/// unrolled, because only then the words of the schedule have fixed places.
macro_rules! sha1_rounds {
    ($state:ident, $w:ident) => {{
        macro_rules! word {
            ($t:expr) => {{
                if $t >= 16 {
                    let mixed = xor4($w[($t + 13) % 16], $w[($t + 8) % 16], $w[($t + 2) % 16], $w[$t % 16]);
                    $w[$t % 16] = rotate!(1, mixed);
                }
                $w[$t % 16]
            }};
        }
        let [mut a, mut b, mut c, mut d, mut e] = $state;
        macro_rules! round {
            ($f:ident, $k:ident, $t:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident) => {
                $e = add(add(add($e, $k), word!($t)), add($f($b, $c, $d), rotate!(5, $a)));
                $b = rotate!(30, $b);
            };
        }
        macro_rules! five {
            ($f:ident, $k:ident, $t:expr) => {
                round!($f, $k, $t, a, b, c, d, e);
                round!($f, $k, $t + 1, e, a, b, c, d);
                round!($f, $k, $t + 2, d, e, a, b, c);
                round!($f, $k, $t + 3, c, d, e, a, b);
                round!($f, $k, $t + 4, b, c, d, e, a);
            };
        }
        macro_rules! twenty {
            ($f:ident, $k:expr, $t:expr) => {
                let k = splat($k);
                five!($f, k, $t);
                five!($f, k, $t + 5);
                five!($f, k, $t + 10);
                five!($f, k, $t + 15);
            };
        }
        twenty!(choose, 0x5a82_7999, 0);
        twenty!(parity, 0x6ed9_eba1, 20);
        twenty!(majority, 0x8f1b_bcdc, 40);
        twenty!(parity, 0xca62_c1d6, 60);
        $state = [add($state[0], a), add($state[1], b), add($state[2], c), add($state[3], d), add($state[4], e)];
    }};
}
pub(super) use sha1_rounds;
