//! Encryption by PEM's own headers (RFC 1421 §4.6.1), as OpenSSL has always written it: one round of MD5.

use super::{Format, KeyFileError, STACK, cipher::Cipher, der, pem::Block};
use md5::{Digest, Md5};
use ssh_crypto::{
    PlainCipher, PrivateKey, on_wiped_stack,
    rust_crypto::legacy::{AES128_CBC, AES192_CBC, AES256_CBC, TRIPLE_DES_CBC},
};
use zeroize::Zeroizing;

/// What is needed to open an encrypted file.
pub(super) struct Encrypted {
    format: Format,
    cipher: &'static dyn PlainCipher,
    iv: Vec<u8>,
    data: Vec<u8>,
}

impl Encrypted {
    /// `None` if the block is not encrypted.
    pub(super) fn of(block: &Block<'_>, format: Format) -> Result<Option<Self>, KeyFileError> {
        let process = block.header("Proc-Type").and_then(|value| value.split_once(','));
        if process.is_none_or(|(_, kind)| kind.trim() != "ENCRYPTED") {
            return Ok(None);
        }
        let info = block.header("DEK-Info").and_then(|value| value.split_once(','));
        let (name, iv) = info.ok_or_else(|| KeyFileError::damaged("DEK-Info missing"))?;
        let cipher = match name.trim() {
            "AES-256-CBC" => AES256_CBC,
            "AES-192-CBC" => AES192_CBC,
            "AES-128-CBC" => AES128_CBC,
            "DES-EDE3-CBC" => TRIPLE_DES_CBC,
            other => return Err(KeyFileError::unsupported(format!("cipher {}", other.escape_default()))),
        };
        let iv = base16ct::mixed::decode_vec(iv.trim())
            .ok()
            .filter(|iv| iv.len() == cipher.block_len())
            .ok_or_else(|| KeyFileError::damaged("initialization vector in DEK-Info"))?;
        if block.data.is_empty() || !block.data.len().is_multiple_of(cipher.block_len()) {
            return Err(KeyFileError::damaged("encrypted key is not whole blocks"));
        }
        Ok(Some(Self { format, cipher, iv, data: block.data.to_vec() }))
    }

    /// The private key.
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKey, KeyFileError> {
        let salt = &self.iv[..SALT_LEN];
        let key = on_wiped_stack::<STACK, _>(|| derive(passphrase, salt, self.cipher.key_len()));
        let mut data = Zeroizing::new(self.data.clone());
        // Nothing authenticates the plaintext: what is no padded DER is taken for a wrong passphrase's.
        let plain = Cipher::Plain(self.cipher).open(&key, &self.iv, &mut data).ok();
        let plain =
            plain.filter(|plain| der::is_sequence(plain)).ok_or_else(KeyFileError::wrong_passphrase)?;
        der::decode(self.format, plain)
    }
}

/// MD5 over what came before, the passphrase and the salt, as often as it takes (`EVP_BytesToKey` with a count of 1).
fn derive(passphrase: &[u8], salt: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len.next_multiple_of(DIGEST_LEN)));
    while key.len() < len {
        let before = key.len().saturating_sub(DIGEST_LEN);
        let hash = Md5::new().chain_update(&key[before..]).chain_update(passphrase).chain_update(salt);
        let digest: Zeroizing<[u8; DIGEST_LEN]> = Zeroizing::new(hash.finalize().into());
        key.extend_from_slice(&*digest);
    }
    key.truncate(len);
    key
}

const DIGEST_LEN: usize = 16;
const SALT_LEN: usize = 8;
