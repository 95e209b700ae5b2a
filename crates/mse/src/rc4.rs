//! The stream cipher of the handshake and, where it was agreed on, of all that follows (MSE; the key stream is RFC 6229's).
//!
//! It hides the protocol from those who look at single packets. It keeps no secret from anybody who means it.

/// Bytes of key stream that are thrown away before the first one is used.
const DISCARDED: usize = 1024;

/// Bytes of key stream that are made before they are added to the text, which then takes a few instructions: they stay in the nearest cache.
const RUN_LEN: usize = 64;

/// One direction of a connection. It cannot be wound back.
#[derive(Clone)]
pub struct Rc4 {
    /// A permutation of 0 to 255. Words of 32 bits are faster to reach than bytes.
    state: [u32; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    /// The stream of a key of 1 to 256 bytes, from its start.
    pub(crate) fn from_start(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (n, value) in state.iter_mut().enumerate() {
            *value = n as u32;
        }
        let mut j = 0u8;
        for (n, byte) in key.iter().copied().cycle().take(state.len()).enumerate() {
            j = j.wrapping_add(state[n] as u8).wrapping_add(byte);
            state.swap(n, usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    /// The stream of a key as the handshake uses it.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut cipher = Self::from_start(key);
        cipher.next(&mut [0; DISCARDED]);
        cipher
    }

    /// Encrypts or decrypts the next bytes of the stream in place.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        for run in bytes.chunks_mut(RUN_LEN) {
            let mut stream = [0; RUN_LEN];
            self.next(&mut stream[..run.len()]);
            for (byte, key) in run.iter_mut().zip(&stream) {
                *byte ^= key;
            }
        }
    }

    /// Writes the next bytes of the key stream. The element after the present one is loaded before the two are swapped, so that the load does not wait
    /// for the stores; it is another than was loaded only where the swap has just put it there.
    fn next(&mut self, out: &mut [u8]) {
        let Self { state, i, j } = self;
        let (mut at, mut to) = (i.wrapping_add(1), *j);
        let mut at_i = state[usize::from(at)];
        for byte in out {
            to = to.wrapping_add(at_i as u8);
            let at_j = state[usize::from(to)];
            let next = at.wrapping_add(1);
            let loaded = state[usize::from(next)];
            state[usize::from(at)] = at_j;
            state[usize::from(to)] = at_i;
            let after = if to == next { at_i } else { loaded };
            *byte = state[usize::from(at_i.wrapping_add(at_j) as u8)] as u8;
            (at, at_i) = (next, after);
        }
        (*i, *j) = (at.wrapping_sub(1), to);
    }
}

impl core::fmt::Debug for Rc4 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Rc4")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    /// The sixteen bytes of key stream from that place on.
    fn stream(mut cipher: Rc4, from: usize) -> Vec<u8> {
        let mut bytes = vec![0; from + 16];
        cipher.apply(&mut bytes);
        bytes.split_off(from)
    }

    #[test]
    fn the_stream_is_that_of_rfc_6229() {
        // Key of 40 bits, offsets 0, 1024 and 4096.
        let key = [1, 2, 3, 4, 5];
        let hex = |text: &str| (0..16).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect();
        let want: [(usize, Vec<u8>); 3] = [
            (0, hex("b2396305f03dc027ccc3524a0a1118a8")),
            (1024, hex("30abbcc7c20b01609f23ee2d5f6bb7df")),
            (4096, hex("ff25b58995996707e51fbdf08b34d875")),
        ];
        for (from, bytes) in want {
            assert_eq!(stream(Rc4::from_start(&key), from), bytes, "{from}");
        }
        assert_eq!(stream(Rc4::new(&key), 0), stream(Rc4::from_start(&key), DISCARDED));
    }

    /// As it is written down, a byte at a time.
    #[test]
    fn loading_ahead_changes_nothing() {
        for key in (0..64u8).map(|n| [n, 7, n ^ 0x55]) {
            let mut plain = Rc4::from_start(&key);
            let mut bytes = vec![0; 4_000];
            Rc4::from_start(&key).apply(&mut bytes);
            for byte in bytes {
                plain.i = plain.i.wrapping_add(1);
                plain.j = plain.j.wrapping_add(plain.state[usize::from(plain.i)] as u8);
                plain.state.swap(usize::from(plain.i), usize::from(plain.j));
                let sum = plain.state[usize::from(plain.i)] + plain.state[usize::from(plain.j)];
                assert_eq!(u32::from(byte), plain.state[usize::from(sum as u8)], "{key:?}");
            }
        }
    }

    #[test]
    fn where_a_stream_is_cut_changes_nothing() {
        let (mut whole, mut cut) = (Rc4::new(b"key"), Rc4::new(b"key"));
        let (mut a, mut b) = ([7; 1000], [7; 1000]);
        whole.apply(&mut a);
        let (left, right) = b.split_at_mut(333);
        cut.apply(left);
        cut.apply(right);
        assert_eq!(a, b);
    }
}
