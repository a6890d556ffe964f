//! ML-KEM, by `libcrux-ml-kem`.

use crate::{
    Kem, KexError, Secret, SecureRandom,
    agreement::Decapsulate,
    stack::{ML_KEM, on_wiped_stack},
};
use libcrux_ml_kem::{KEY_GENERATION_SEED_SIZE, MlKemKeyPair, SHARED_SECRET_SIZE, mlkem768, mlkem1024};
use std::hint;
use zeroize::Zeroizing;

/// ML-KEM-768 (FIPS 203).
pub static MLKEM768: &dyn Kem = &MlKem768;
/// ML-KEM-1024 (FIPS 203).
pub static MLKEM1024: &dyn Kem = &MlKem1024;

macro_rules! ml_kem {
    ($name:ident, $module:ident, $private_len:literal, $public_len:literal, $ciphertext_len:literal) => {
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
                on_wiped_stack::<ML_KEM, _>(|| {
                    let mut seed = Zeroizing::new([0; KEY_GENERATION_SEED_SIZE]);
                    random.fill(&mut *seed)?;
                    Ok(Box::new(KeyPair($module::generate_key_pair(*seed))) as _)
                })
            }

            fn encapsulate(
                &self,
                public: &[u8],
                random: &dyn SecureRandom,
            ) -> Result<(Vec<u8>, Secret), KexError> {
                let public = public.try_into().map_err(|_| KexError::PublicValue)?;
                // FIPS 203 §7.2: the modulus check.
                if !$module::validate_public_key(&public) {
                    return Err(KexError::PublicValue);
                }
                on_wiped_stack::<ML_KEM, _>(|| {
                    let mut message = Zeroizing::new([0; SHARED_SECRET_SIZE]);
                    random.fill(&mut *message)?;
                    let (ciphertext, secret) = $module::encapsulate(&public, *message);
                    Ok((ciphertext.as_slice().to_vec(), secret.as_slice().into()))
                })
            }
        }

        impl Decapsulate for KeyPair<$private_len, $public_len> {
            fn public(&self) -> &[u8] {
                self.0.pk()
            }

            fn decapsulate(self: Box<Self>, ciphertext: &[u8]) -> Result<Secret, KexError> {
                let ciphertext = ciphertext.try_into().map_err(|_| KexError::PublicValue)?;
                Ok(on_wiped_stack::<ML_KEM, _>(|| {
                    $module::decapsulate(self.0.private_key(), &ciphertext).as_slice().into()
                }))
            }
        }
    };
}
ml_kem!(MlKem768, mlkem768, 2400, 1184, 1088);
ml_kem!(MlKem1024, mlkem1024, 3168, 1568, 1568);

struct KeyPair<const PRIVATE: usize, const PUBLIC: usize>(MlKemKeyPair<PRIVATE, PUBLIC>);

impl<const PRIVATE: usize, const PUBLIC: usize> Drop for KeyPair<PRIVATE, PUBLIC> {
    /// The crate wipes no keys. Another one in its place does.
    fn drop(&mut self) {
        self.0 = MlKemKeyPair::new([0; PRIVATE], [0; PUBLIC]);
        // Without a reader the optimiser would leave the write out.
        hint::black_box(&self.0);
    }
}
