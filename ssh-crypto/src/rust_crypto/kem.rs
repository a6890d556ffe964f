//! ML-KEM.

use crate::{Kem, KexError, Secret, SecureRandom, agreement::Decapsulate};
use ml_kem::kem::{Decapsulate as _, KeyExport};
use zeroize::Zeroizing;

/// ML-KEM-768 (FIPS 203).
pub static MLKEM768: &dyn Kem = &MlKem768;
/// ML-KEM-1024 (FIPS 203).
pub static MLKEM1024: &dyn Kem = &MlKem1024;

macro_rules! ml_kem {
    ($name:ident, $parameters:ident, $public_len:literal, $ciphertext_len:literal) => {
        #[doc = concat!("[`", stringify!($parameters), "`](ml_kem::", stringify!($parameters), "), by `ml-kem`.")]
        #[derive(Debug)]
        struct $name;

        impl Kem for $name {
            fn public_len(&self) -> usize {
                $public_len
            }

            fn ciphertext_len(&self) -> usize {
                $ciphertext_len
            }

            fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Decapsulate>, KexError> {
                let mut seed = Zeroizing::new(ml_kem::Seed::default());
                random.fill(&mut seed)?;
                let key = ml_kem::DecapsulationKey::<ml_kem::$parameters>::from_seed(*seed);
                let public = key.encapsulation_key().to_bytes().to_vec();
                Ok(Box::new(KeyPair { public, key }))
            }

            fn encapsulate(
                &self,
                public: &[u8],
                random: &dyn SecureRandom,
            ) -> Result<(Vec<u8>, Secret), KexError> {
                let public = public.try_into().map_err(|_| KexError::PublicValue)?;
                // FIPS 203 §7.2: the modulus check is in here.
                let key = ml_kem::EncapsulationKey::<ml_kem::$parameters>::new(public)
                    .map_err(|_| KexError::PublicValue)?;
                let mut message = Zeroizing::new(ml_kem::B32::default());
                random.fill(&mut message)?;
                let (ciphertext, secret) = key.encapsulate_deterministic(&message);
                let secret = Zeroizing::new(secret);
                Ok((ciphertext.to_vec(), secret.as_slice().into()))
            }
        }

        impl Decapsulate for KeyPair<ml_kem::DecapsulationKey<ml_kem::$parameters>> {
            fn public(&self) -> &[u8] {
                &self.public
            }

            fn decapsulate(self: Box<Self>, ciphertext: &[u8]) -> Result<Secret, KexError> {
                let ciphertext = ciphertext.try_into().map_err(|_| KexError::PublicValue)?;
                Ok(Zeroizing::new(self.key.decapsulate(ciphertext)).as_slice().into())
            }
        }
    };
}
ml_kem!(MlKem768, MlKem768, 1184, 1088);
ml_kem!(MlKem1024, MlKem1024, 1568, 1568);

struct KeyPair<K> {
    public: Vec<u8>,
    key: K,
}
