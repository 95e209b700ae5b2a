//! The exchange of keys (MSE): Diffie-Hellman modulo a prime of 768 bits, with the generator 2 and private keys of 160 bits.
use crate::refused::Refused;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{U192, U768, const_monty_params};

/// Length of a public key and of the shared secret in bytes: big endian, with zeros in front.
pub(crate) const PUBLIC_LEN: usize = 96;

/// Length of a private key in bytes.
pub const PRIVATE_LEN: usize = 20;

const_monty_params!(
    Prime,
    U768,
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
     ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563"
);
type Residue = ConstMontyForm<Prime, { U768::LIMBS }>;

/// What both sides know after the exchange, and nobody between them.
pub(crate) type Shared = [u8; PUBLIC_LEN];

/// A private key; it is used for one connection.
pub(crate) struct Private(U192);

impl Private {
    pub(crate) fn new(bytes: &[u8; PRIVATE_LEN]) -> Self {
        let mut wide = [0; U192::BYTES];
        wide[U192::BYTES - PRIVATE_LEN..].copy_from_slice(bytes);
        Self(U192::from_be_slice(&wide))
    }

    /// The public key that goes with it.
    pub(crate) fn public(&self) -> [u8; PUBLIC_LEN] {
        self.power(&U768::from_u8(2))
    }

    /// The secret that it shares with the owner of another public key. Keys that fix the secret, whatever ours is, are refused: 0, 1,
    /// P-1, and what is not below P.
    pub(crate) fn shared(&self, public: &[u8; PUBLIC_LEN]) -> Result<Shared, Refused> {
        let public = U768::from_be_slice(public);
        let last = Prime::PARAMS.modulus().as_ref().wrapping_sub(&U768::ONE);
        if public <= U768::ONE || public >= last {
            return Err(Refused::Key);
        }
        Ok(self.power(&public))
    }

    fn power(&self, base: &U768) -> [u8; PUBLIC_LEN] {
        let power = Residue::new(base).pow_bounded_exp(&self.0, 8 * PRIVATE_LEN as u32).retrieve();
        let mut bytes = [0; PUBLIC_LEN];
        bytes.copy_from_slice(power.to_be_bytes().as_ref());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_one_secret() {
        let (a, b) = (Private::new(&[0x5a; PRIVATE_LEN]), Private::new(&[0xff; PRIVATE_LEN]));
        let secret = a.shared(&b.public()).unwrap();
        assert_eq!(secret, b.shared(&a.public()).unwrap());
        assert_ne!(secret, [0; PUBLIC_LEN]);
    }

    #[test]
    fn the_public_key_of_a_small_private_key_is_that_power_of_two() {
        let mut bytes = [0; PRIVATE_LEN];
        bytes[PRIVATE_LEN - 1] = 9;
        let mut want = [0; PUBLIC_LEN];
        want[PUBLIC_LEN - 2] = 2;
        assert_eq!(Private::new(&bytes).public(), want);
    }

    #[test]
    fn keys_that_fix_the_secret_are_refused() {
        let ours = Private::new(&[7; PRIVATE_LEN]);
        let prime = *Prime::PARAMS.modulus().as_ref();
        let bytes = |number: U768| -> [u8; PUBLIC_LEN] { number.to_be_bytes().as_ref().try_into().unwrap() };
        let refused =
            [U768::ZERO, U768::ONE, prime.wrapping_sub(&U768::ONE), prime, prime.wrapping_add(&U768::ONE), U768::MAX];
        for key in refused {
            assert_eq!(ours.shared(&bytes(key)), Err(Refused::Key), "{key}");
        }
        for key in [U768::from_u8(2), prime.wrapping_sub(&U768::from_u8(2))] {
            assert!(ours.shared(&bytes(key)).is_ok(), "{key}");
        }
    }
}
