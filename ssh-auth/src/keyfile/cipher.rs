//! The ciphers of encrypted key files. Those that authenticate can't be had from the ciphers of a session, which take
//! the packet's length in: a file has none.

use super::STACK;
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, aead::AeadInOut};
use chacha20::{
    ChaCha20Legacy,
    cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
};
use poly1305::Poly1305;
use ssh_crypto::{
    PlainCipher, Transform, on_wiped_stack,
    rust_crypto::{
        AES128_CTR, AES192_CTR, AES256_CTR,
        legacy::{AES128_CBC, AES192_CBC, AES256_CBC, TRIPLE_DES_CBC},
    },
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A cipher of the OpenSSH format, of PPK, of encrypted PEM or of encrypted PKCS#8.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cipher {
    /// It does not authenticate.
    Plain(&'static dyn PlainCipher),
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// The ciphertext is not whole blocks, or its padding or its tag does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

impl Cipher {
    /// The cipher with this name in the OpenSSH format.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let plain = [AES256_CTR, AES192_CTR, AES128_CTR, AES256_CBC, AES192_CBC, AES128_CBC, TRIPLE_DES_CBC];
        let authenticating = [Self::Aes256Gcm, Self::Aes128Gcm, Self::ChaCha20Poly1305];
        let mut all = plain.into_iter().map(Self::Plain).chain(authenticating);
        all.find(|cipher| cipher.name().as_bytes() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain(cipher) => cipher.name(),
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::Aes256Gcm => "aes256-gcm@openssh.com",
            Self::ChaCha20Poly1305 => "chacha20-poly1305@openssh.com",
        }
    }

    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Plain(cipher) => cipher.key_len(),
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm => 32,
            Self::ChaCha20Poly1305 => 64,
        }
    }

    pub(super) fn iv_len(self) -> usize {
        match self {
            Self::Plain(cipher) => cipher.block_len(),
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            Self::ChaCha20Poly1305 => 0,
        }
    }

    /// What the plaintext's length is a multiple of.
    pub(super) fn block_len(self) -> usize {
        match self {
            Self::Plain(cipher) => cipher.block_len(),
            Self::Aes128Gcm | Self::Aes256Gcm => 16,
            Self::ChaCha20Poly1305 => 8,
        }
    }

    /// The size of the authentication tag, 0 if there is none.
    pub(super) fn tag_len(self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 16,
        }
    }

    /// Decrypts `data` in place, and leaves out what stands behind the plaintext: padding, or the tag of a cipher that
    /// authenticates. On failure the content is undefined.
    pub(super) fn open<'a>(self, key: &[u8], iv: &[u8], data: &'a mut [u8]) -> Result<&'a [u8], Failed> {
        let len = data.len().checked_sub(self.tag_len()).ok_or(Failed)?;
        let (data, tag) = data.split_at_mut(len);
        self.decrypt(key, iv, data, tag)?;
        match self {
            Self::Plain(cipher) => unpadded(data, cipher.block_len()).ok_or(Failed),
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => Ok(data),
        }
    }

    /// Decrypts `data` in place; on failure its content is undefined.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Failed> {
        on_wiped_stack::<STACK, _>(|| match self {
            Self::Plain(cipher) => apply(cipher, &mut *cipher.decryptor(key, iv), data),
            Self::Aes128Gcm => open_gcm::<Aes128Gcm>(key, iv, data, tag),
            Self::Aes256Gcm => open_gcm::<Aes256Gcm>(key, iv, data, tag),
            Self::ChaCha20Poly1305 => open_chacha(key, data, tag),
        })
    }
}

/// Encrypts `data`, whole blocks, in place.
pub(super) fn encrypt(
    cipher: &dyn PlainCipher,
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), Failed> {
    on_wiped_stack::<STACK, _>(|| apply(cipher, &mut *cipher.encryptor(key, iv), data))
}

/// RFC 1423 §1.1 and RFC 8018 §6.1.1: the last byte counts the bytes of padding, which all are as the last.
fn unpadded(data: &[u8], block_len: usize) -> Option<&[u8]> {
    let count = usize::from(*data.last()?);
    let (plain, padding) = data.split_at_checked(data.len().checked_sub(count)?)?;
    let whole = (1..=block_len).contains(&count) && padding.iter().all(|&byte| usize::from(byte) == count);
    whole.then_some(plain)
}

fn apply(cipher: &dyn PlainCipher, transform: &mut dyn Transform, data: &mut [u8]) -> Result<(), Failed> {
    if !data.len().is_multiple_of(cipher.block_len()) {
        return Err(Failed);
    }
    transform.apply(data);
    Ok(())
}

fn open_gcm<C: KeyInit + AeadInOut>(
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Result<(), Failed> {
    let cipher = C::new_from_slice(key).map_err(|_| Failed)?;
    let (nonce, tag) = (iv.try_into().map_err(|_| Failed)?, tag.try_into().map_err(|_| Failed)?);
    cipher.decrypt_inout_detached(nonce, &[], data.into(), tag).map_err(|_| Failed)
}

/// OpenSSH PROTOCOL.chacha20poly1305 with sequence number 0 and without a length, so with the first half of the key.
fn open_chacha(key: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Failed> {
    let key = key.get(..32).ok_or(Failed)?;
    let mut cipher = ChaCha20Legacy::new_from_slices(key, &[0; 8]).map_err(|_| Failed)?;
    let mut mac_key = Zeroizing::new([0; 32]);
    cipher.try_apply_keystream(&mut *mac_key).map_err(|_| Failed)?;
    let mac = Poly1305::new_from_slice(&*mac_key).map_err(|_| Failed)?;
    if !bool::from(mac.compute_unpadded(data).as_slice().ct_eq(tag)) {
        return Err(Failed);
    }
    // The first block of the key stream went to the MAC's key.
    cipher.try_seek(64).map_err(|_| Failed)?;
    cipher.try_apply_keystream(data).map_err(|_| Failed)
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    /// It takes a feature that `bcrypt-pbkdf` does not ask for.
    #[test]
    fn keys_and_tables_inside_other_crates_are_wiped() {
        wiped::<blowfish::Blowfish>();
    }
}
