//! AES-GCM from AWS-LC, or from `ring` on processors where that is faster.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;

use crate::{
    AeadCipher, Corrupt,
    cipher::aes_gcm::{AesGcm, GcmKey, NONCE_LEN, TAG_LEN},
};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

/// `aes128-gcm@openssh.com`.
pub static AES128_GCM: &dyn AeadCipher =
    &AesGcm { name: "aes128-gcm@openssh.com", key_len: 16, key: |key| Key::fastest(&AES_128_GCM, key) };
/// `aes256-gcm@openssh.com`.
pub static AES256_GCM: &dyn AeadCipher =
    &AesGcm { name: "aes256-gcm@openssh.com", key_len: 32, key: |key| Key::fastest(&AES_256_GCM, key) };

enum Key {
    AwsLc(LessSafeKey),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Key),
}

impl Key {
    fn fastest(algorithm: &'static Algorithm, key: &[u8]) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if key.len() == algorithm.key_len() && avx2::is_fastest() {
            return avx2::Key::expand(key).map(Self::Avx2);
        }
        expand(algorithm, key).map(Self::AwsLc)
    }
}

impl GcmKey for Key {
    fn seal(&self, nonce: [u8; NONCE_LEN], length: &[u8], body: &mut [u8]) -> Result<[u8; TAG_LEN], Corrupt> {
        match self {
            Self::AwsLc(key) => key.seal(nonce, length, body),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(key) => key.seal(nonce, length, body),
        }
    }

    fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        length: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Corrupt> {
        match self {
            Self::AwsLc(key) => key.open(nonce, length, body, tag),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(key) => key.open(nonce, length, body, tag),
        }
    }
}

pub(crate) fn expand(algorithm: &'static Algorithm, key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

impl GcmKey for LessSafeKey {
    fn seal(&self, nonce: [u8; NONCE_LEN], length: &[u8], body: &mut [u8]) -> Result<[u8; TAG_LEN], Corrupt> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.seal_in_place_separate_tag(nonce, Aad::from(length), body).map_err(|_| Corrupt)?;
        tag.as_ref().try_into().map_err(|_| Corrupt)
    }

    fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        length: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Corrupt> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.open_in_place_separate_tag(nonce, Aad::from(length), tag, body);
        opened.map(|_| ()).map_err(|_| Corrupt)
    }
}
