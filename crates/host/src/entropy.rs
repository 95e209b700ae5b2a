//! Where the keys and the padding of encrypted handshakes come from (own design; MSE).
use teem_mse::{Entropy, PRIVATE_LEN};

/// Fills with bytes that nobody can guess.
pub type Fill = fn(&mut [u8]);

/// The most padding, in bytes.
const PAD_MAX: usize = 512;

/// Room for padding that is not drawn yet.
pub(crate) const NO_PAD: [u8; PAD_MAX] = [0; PAD_MAX];

/// A private key and padding of a random length, drawn for one handshake.
pub(crate) fn draw(fill: Fill, pad: &mut [u8; PAD_MAX]) -> Entropy<'_> {
    let (mut private, mut len) = ([0; PRIVATE_LEN], [0; 2]);
    fill(&mut private);
    fill(&mut len);
    let len = usize::from(u16::from_be_bytes(len)) % (PAD_MAX + 1);
    fill(&mut pad[..len]);
    Entropy { private, pad: &pad[..len] }
}

/// Two words that nobody can guess.
pub(crate) fn words(fill: Fill) -> [u64; 2] {
    [(); 2].map(|()| {
        let mut bytes = [0; 8];
        fill(&mut bytes);
        u64::from_le_bytes(bytes)
    })
}
