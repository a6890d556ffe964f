//! AES-GCM from `ring`, which takes two blocks an instruction on processors that have AES for AVX2 alone (VAES: AMD's
//! since Zen 3, Intel's without AVX-512). AWS-LC does so with AVX-512 alone, and is half as fast there.

use crate::{
    Corrupt,
    cipher::aes_gcm::{GcmKey, NONCE_LEN, TAG_LEN},
};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::hint;

/// Whether the processor is of this kind.
pub(super) fn is_fastest() -> bool {
    is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && !is_x86_feature_detected!("avx512f")
}

/// Works on all processors, if slower.
pub(crate) struct Key(Box<LessSafeKey>);

impl Key {
    /// `None` if the key has none of AES-GCM's sizes, 16 or 32 bytes.
    pub(crate) fn expand(key: &[u8]) -> Option<Self> {
        let algorithm =
            [&AES_128_GCM, &AES_256_GCM].into_iter().find(|known| known.key_len() == key.len())?;
        UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new).map(Box::new).map(Self)
    }
}

impl GcmKey for Key {
    fn seal(&self, nonce: [u8; NONCE_LEN], length: &[u8], body: &mut [u8]) -> Result<[u8; TAG_LEN], Corrupt> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(length), body).map_err(|_| Corrupt)?;
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
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(length), (*tag).into(), body, 0..);
        opened.map(|_| ()).map_err(|_| Corrupt)
    }
}

impl Drop for Key {
    /// `ring` wipes no keys. Another one in its place does.
    fn drop(&mut self) {
        let algorithm = self.0.algorithm();
        if let Ok(zeros) = UnboundKey::new(algorithm, &[0; 32][..algorithm.key_len()]) {
            *self.0 = LessSafeKey::new(zeros);
            // Without a reader the optimiser would leave the write out.
            hint::black_box(&self.0);
        }
    }
}
