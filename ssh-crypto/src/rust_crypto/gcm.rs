//! AES-GCM from `aes-gcm`.

use crate::{
    AeadCipher, Corrupt,
    cipher::aes_gcm::{AesGcm, GcmKey, NONCE_LEN, TAG_LEN},
    stack::{CIPHER, on_wiped_stack},
};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use cipher::{
    BlockCipherEncrypt, BlockSizeUser,
    consts::{U12, U16},
};

/// `aes128-gcm@openssh.com`.
pub static AES128_GCM: &dyn AeadCipher =
    &AesGcm::<Aes128Gcm> { name: "aes128-gcm@openssh.com", key_len: 16, key: expand };
/// `aes256-gcm@openssh.com`.
pub static AES256_GCM: &dyn AeadCipher =
    &AesGcm::<Aes256Gcm> { name: "aes256-gcm@openssh.com", key_len: 32, key: expand };

pub(crate) fn expand<K: KeyInit>(key: &[u8]) -> Option<K> {
    K::new_from_slice(key).ok()
}

impl<C> GcmKey for aes_gcm::AesGcm<C, U12>
where
    C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + Send + 'static,
{
    fn seal(&self, nonce: [u8; NONCE_LEN], length: &[u8], body: &mut [u8]) -> Result<[u8; TAG_LEN], Corrupt> {
        let nonce = Nonce::from(nonce);
        let tag = on_wiped_stack::<CIPHER, _>(|| self.encrypt_inout_detached(&nonce, length, body.into()));
        tag.map(Into::into).map_err(|_| Corrupt)
    }

    fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        length: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Corrupt> {
        let nonce = Nonce::from(nonce);
        let open = || self.decrypt_inout_detached(&nonce, length, body.into(), tag.into());
        on_wiped_stack::<CIPHER, _>(open).map_err(|_| Corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<Aes128Gcm>();
        wiped::<Aes256Gcm>();
    }
}
