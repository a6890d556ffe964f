//! The ciphers of encrypted key files. They work on a whole section at once and without the packet framing that the
//! ciphers of a session have (there the length is authenticated, here is none), so those can't serve here.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{Aes128Gcm, Aes256Gcm, aead::AeadInOut};
use chacha20::ChaCha20Legacy;
use cipher::{
    BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher, StreamCipherSeek,
    block_padding::NoPadding,
};
use ctr::Ctr128BE;
use des::TdesEde3;
use poly1305::Poly1305;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A cipher of the OpenSSH format, of PPK or of encrypted PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cipher {
    /// The name, as the OpenSSH format has it.
    pub(super) name: &'static str,
    mode: Mode,
    pub(super) key_len: usize,
    pub(super) iv_len: usize,
    /// What the plaintext's length is a multiple of.
    pub(super) block_len: usize,
    /// The size of the authentication tag, 0 if there is none.
    pub(super) tag_len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ctr,
    Cbc,
    TripleDesCbc,
    Gcm,
    ChaCha,
}

const fn cipher(name: &'static str, mode: Mode, key_len: usize) -> Cipher {
    let (iv_len, block_len, tag_len) = match mode {
        Mode::Ctr | Mode::Cbc => (16, 16, 0),
        Mode::TripleDesCbc => (8, 8, 0),
        Mode::Gcm => (12, 16, 16),
        Mode::ChaCha => (0, 8, 16),
    };
    Cipher { name, mode, key_len, iv_len, block_len, tag_len }
}

pub(super) const AES256_CTR: Cipher = cipher("aes256-ctr", Mode::Ctr, 32);
pub(super) const AES128_CBC: Cipher = cipher("aes128-cbc", Mode::Cbc, 16);
pub(super) const AES192_CBC: Cipher = cipher("aes192-cbc", Mode::Cbc, 24);
pub(super) const AES256_CBC: Cipher = cipher("aes256-cbc", Mode::Cbc, 32);
pub(super) const TRIPLE_DES_CBC: Cipher = cipher("3des-cbc", Mode::TripleDesCbc, 24);

const CIPHERS: [Cipher; 10] = [
    AES256_CTR,
    cipher("aes192-ctr", Mode::Ctr, 24),
    cipher("aes128-ctr", Mode::Ctr, 16),
    AES256_CBC,
    AES192_CBC,
    AES128_CBC,
    cipher("aes256-gcm@openssh.com", Mode::Gcm, 32),
    cipher("aes128-gcm@openssh.com", Mode::Gcm, 16),
    cipher("chacha20-poly1305@openssh.com", Mode::ChaCha, 64),
    TRIPLE_DES_CBC,
];

/// The ciphertext is not whole blocks or its tag does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

impl Cipher {
    /// The cipher with this name in the OpenSSH format.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        CIPHERS.into_iter().find(|cipher| cipher.name.as_bytes() == name)
    }

    /// Decrypts `data` in place; on failure its content is undefined.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Failed> {
        match (self.mode, self.key_len) {
            (Mode::Ctr, 16) => keystream::<Ctr128BE<Aes128>>(key, iv, data),
            (Mode::Ctr, 24) => keystream::<Ctr128BE<Aes192>>(key, iv, data),
            (Mode::Ctr, _) => keystream::<Ctr128BE<Aes256>>(key, iv, data),
            (Mode::Cbc, 16) => unchain::<cbc::Decryptor<Aes128>>(key, iv, data),
            (Mode::Cbc, 24) => unchain::<cbc::Decryptor<Aes192>>(key, iv, data),
            (Mode::Cbc, _) => unchain::<cbc::Decryptor<Aes256>>(key, iv, data),
            (Mode::TripleDesCbc, _) => unchain::<cbc::Decryptor<TdesEde3>>(key, iv, data),
            (Mode::Gcm, 16) => open::<Aes128Gcm>(key, iv, data, tag),
            (Mode::Gcm, _) => open::<Aes256Gcm>(key, iv, data, tag),
            (Mode::ChaCha, _) => open_chacha(key, data, tag),
        }
    }

    /// Encrypts `data` in place; only for ciphers without a tag.
    pub(super) fn encrypt(self, key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), Failed> {
        match (self.mode, self.key_len) {
            (Mode::Ctr, _) => self.decrypt(key, iv, data, &[]),
            (Mode::Cbc, 16) => chain::<cbc::Encryptor<Aes128>>(key, iv, data),
            (Mode::Cbc, 24) => chain::<cbc::Encryptor<Aes192>>(key, iv, data),
            (Mode::Cbc, _) => chain::<cbc::Encryptor<Aes256>>(key, iv, data),
            (Mode::TripleDesCbc, _) => chain::<cbc::Encryptor<TdesEde3>>(key, iv, data),
            (Mode::Gcm | Mode::ChaCha, _) => Err(Failed),
        }
    }
}

fn keystream<C: KeyIvInit + StreamCipher>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), Failed> {
    let mut cipher = C::new_from_slices(key, iv).map_err(|_| Failed)?;
    cipher.try_apply_keystream(data).map_err(|_| Failed)
}

fn unchain<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), Failed> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| Failed)?;
    cipher.decrypt_padded::<NoPadding>(data).map(drop).map_err(|_| Failed)
}

fn chain<C: KeyIvInit + BlockModeEncrypt>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), Failed> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| Failed)?;
    let len = data.len();
    cipher.encrypt_padded::<NoPadding>(data, len).map(drop).map_err(|_| Failed)
}

fn open<C: KeyInit + AeadInOut>(key: &[u8], iv: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Failed> {
    let cipher = C::new_from_slice(key).map_err(|_| Failed)?;
    let (nonce, tag) = (iv.try_into().map_err(|_| Failed)?, tag.try_into().map_err(|_| Failed)?);
    cipher.decrypt_inout_detached(nonce, &[], data.into(), tag).map_err(|_| Failed)
}

/// OpenSSH PROTOCOL.chacha20poly1305 with sequence number 0 and without a length, so with the first half of the key.
fn open_chacha(key: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Failed> {
    let mut cipher =
        ChaCha20Legacy::new_from_slices(key.get(..32).ok_or(Failed)?, &[0; 8]).map_err(|_| Failed)?;
    let mut mac_key = Zeroizing::new([0; 32]);
    cipher.apply_keystream(&mut *mac_key);
    let mac = Poly1305::new_from_slice(&*mac_key).map_err(|_| Failed)?;
    if !bool::from(mac.compute_unpadded(data).as_slice().ct_eq(tag)) {
        return Err(Failed);
    }
    cipher.try_seek(64).map_err(|_| Failed)?;
    cipher.try_apply_keystream(data).map_err(|_| Failed)
}
