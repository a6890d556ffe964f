//! A MAC: HMAC (RFC 2104) with SHA-384, over the ciphertext.

use ssh_crypto::{Hash, Mac, MacAlgorithm, Secret, wire::Corrupt};

/// `toy-hmac-sha2-384-etm@example.com`: encrypt-then-MAC (OpenSSH PROTOCOL §1.5) with the one hash of RFC 6668's family
/// that nobody speaks.
pub static TOY_HMAC_SHA2_384_ETM: ToyHmac = ToyHmac;

/// The type of [`TOY_HMAC_SHA2_384_ETM`].
#[derive(Debug, Clone, Copy)]
pub struct ToyHmac;

/// Of SHA-384, in bytes.
const DIGEST_LEN: usize = 48;
/// Of SHA-384, in bytes.
const HASH_BLOCK: usize = 128;

impl MacAlgorithm for ToyHmac {
    fn name(&self) -> &'static str {
        "toy-hmac-sha2-384-etm@example.com"
    }

    fn key_len(&self) -> usize {
        DIGEST_LEN
    }

    fn tag_len(&self) -> usize {
        DIGEST_LEN
    }

    /// With this alone, the engine frames packets for encrypt-then-MAC.
    fn is_etm(&self) -> bool {
        true
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn Mac> {
        if key.len() == DIGEST_LEN { Box::new(Keyed::new(key)) } else { Box::new(WrongSize) }
    }
}

struct Keyed {
    /// The key, combined with the constants of the inner and the outer hash.
    inner: Secret,
    outer: Secret,
}

impl Keyed {
    /// Of a key that is no longer than a block of the hash.
    fn new(key: &[u8]) -> Self {
        let pad = |constant: u8| {
            let padded = key.iter().copied().chain(std::iter::repeat(0)).take(HASH_BLOCK);
            Secret::new(padded.map(|byte| byte ^ constant).collect())
        };
        Self { inner: pad(0x36), outer: pad(0x5c) }
    }
}

impl Mac for Keyed {
    /// `verify` comes with the trait, and compares in constant time.
    fn sign(&mut self, seq: u32, packet: &[u8], tag: &mut [u8]) {
        let inner = Hash::Sha384.digest(&[&self.inner, &seq.to_be_bytes(), packet]);
        let outer = Hash::Sha384.digest(&[&self.outer, &inner]);
        tag.iter_mut().zip(outer.iter()).for_each(|(tag, byte)| *tag = *byte);
    }
}

/// In the place of a MAC whose key has the wrong size, which is the caller's fault: no tag holds.
struct WrongSize;

impl Mac for WrongSize {
    fn sign(&mut self, _seq: u32, _packet: &[u8], tag: &mut [u8]) {
        tag.fill(0);
    }

    fn verify(&mut self, _seq: u32, _packet: &[u8], _tag: &[u8]) -> Result<(), Corrupt> {
        Err(Corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// RFC 4231 §4.2 and §4.3; the first four bytes of the data stand for the sequence number.
    #[test]
    fn vectors() {
        let cases: [(&[u8], &[u8], [u8; 48]); 2] = [
            (
                &[0x0b; 20],
                b"Hi There",
                hex!(
                    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
                    "82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"
                ),
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                hex!(
                    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
                    "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
                ),
            ),
        ];
        for (key, data, expected) in cases {
            let (seq, packet) = data.split_first_chunk().unwrap();
            let mut tag = [0; 48];
            Keyed::new(key).sign(u32::from_be_bytes(*seq), packet, &mut tag);
            assert_eq!(tag, expected);
        }
    }

    #[test]
    fn no_tag_holds_but_the_right_one() {
        let mut mac = TOY_HMAC_SHA2_384_ETM.keyed(&[1; 48]);
        let mut tag = [0; 48];
        mac.sign(5, b"packet", &mut tag);
        assert_eq!(mac.verify(5, b"packet", &tag), Ok(()));
        assert_eq!(mac.verify(6, b"packet", &tag), Err(Corrupt));
        assert_eq!(mac.verify(5, b"Packet", &tag), Err(Corrupt));
        for bit in 0..48 * 8 {
            tag[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(mac.verify(5, b"packet", &tag), Err(Corrupt));
            tag[bit / 8] ^= 1 << (bit % 8);
        }
        let mut mac = TOY_HMAC_SHA2_384_ETM.keyed(&[1; 47]);
        mac.sign(5, b"packet", &mut tag);
        assert_eq!(mac.verify(5, b"packet", &tag), Err(Corrupt));
    }
}
