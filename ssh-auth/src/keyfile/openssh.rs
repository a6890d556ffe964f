//! The format of OpenSSH's own (OpenSSH PROTOCOL.key): reading.

use super::{
    Contents, Format, KeyFileError, PrivateKeyFile, STACK,
    cipher::Cipher,
    private::{self, DsaNumbers, RsaNumbers},
};
use bcrypt_pbkdf::bcrypt_pbkdf_with_memory;
use ssh_crypto::{Curve, PrivateKey, PublicKey, on_wiped_stack};
use ssh_wire::{DecodeError, Mpint, Reader};
use zeroize::Zeroizing;

pub(super) const MAGIC: &[u8] = b"openssh-key-v1\0";
pub(super) const NO_CIPHER: &str = "none";
pub(super) const BCRYPT: &str = "bcrypt";
/// The block size of `none`.
pub(super) const PLAIN_BLOCK: usize = 8;
/// How many rounds of bcrypt are run at most; `ssh-keygen` writes 16 or 24 unless told otherwise.
pub(super) const MAX_ROUNDS: u32 = 4096;

/// What is needed to open an encrypted file.
pub(super) struct Encrypted {
    cipher: Cipher,
    salt: Vec<u8>,
    rounds: u32,
    public: PublicKey,
    data: Vec<u8>,
    tag: Vec<u8>,
}

/// Reads what stands between BEGIN and END.
pub(super) fn parse(bytes: &[u8]) -> Result<PrivateKeyFile, KeyFileError> {
    let mut reader = Reader::new(
        bytes.strip_prefix(MAGIC).ok_or_else(|| KeyFileError::damaged("openssh-key-v1 missing"))?,
    );
    let header = within("header");
    let cipher_name = reader.string().map_err(header)?;
    let kdf_name = reader.string().map_err(header)?;
    let mut kdf_options = Reader::new(reader.string().map_err(header)?);
    let count: u32 = reader.read().map_err(header)?;
    if count != 1 {
        return Err(KeyFileError::unsupported(format!("{count} keys in one file")));
    }
    let public =
        PublicKey::from_blob(reader.string().map_err(within("public key"))?).map_err(private::invalid)?;
    let section = reader.string().map_err(within("private section"))?;

    let (comment, contents) = if cipher_name == NO_CIPHER.as_bytes() {
        if kdf_name != NO_CIPHER.as_bytes() || !kdf_options.is_empty() {
            return Err(KeyFileError::damaged("key derivation without a cipher"));
        }
        let (key, comment) = private_section(section, PLAIN_BLOCK, &public, false)?;
        (Some(comment), Contents::Plain(key))
    } else {
        let cipher = Cipher::named(cipher_name)
            .ok_or_else(|| KeyFileError::unsupported(format!("cipher {}", cipher_name.escape_ascii())))?;
        if kdf_name != BCRYPT.as_bytes() {
            let name = kdf_name.escape_ascii();
            return Err(KeyFileError::unsupported(format!("key derivation {name}")));
        }
        let options = within("options of bcrypt");
        let salt = kdf_options.string().map_err(options)?.to_vec();
        let rounds = kdf_options.read().map_err(options)?;
        kdf_options.finish().map_err(options)?;
        if salt.is_empty() || rounds == 0 {
            return Err(KeyFileError::damaged("bcrypt without salt or rounds"));
        }
        check_rounds(rounds)?;
        if section.is_empty() || !section.len().is_multiple_of(cipher.block_len()) {
            return Err(KeyFileError::damaged("private section is not whole blocks"));
        }
        let tag = reader.take(cipher.tag_len()).map_err(within("authentication tag"))?.to_vec();
        let public = public.clone();
        let encrypted = Encrypted { cipher, salt, rounds, public, data: section.to_vec(), tag };
        (None, Contents::OpenSsh(encrypted))
    };
    reader.finish().map_err(within("end of file"))?;
    Ok(PrivateKeyFile { format: Format::OpenSsh, public: Some(public), comment, contents })
}

impl Encrypted {
    /// The private key and its comment.
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<(PrivateKey, String), KeyFileError> {
        let key = derive(passphrase, &self.salt, self.rounds, self.cipher)?;
        let (key, iv) = key.split_at(self.cipher.key_len());
        let mut data = Zeroizing::new(self.data.clone());
        // Without a passphrase that fits there is no telling a changed tag from a wrong key.
        self.cipher.decrypt(key, iv, &mut data, &self.tag).map_err(|_| KeyFileError::wrong_passphrase())?;
        private_section(&data, self.cipher.block_len(), &self.public, true)
    }
}

pub(super) fn check_rounds(rounds: u32) -> Result<(), KeyFileError> {
    if rounds > MAX_ROUNDS {
        return Err(KeyFileError::too_costly(format!(
            "{rounds} rounds of bcrypt, at most {MAX_ROUNDS} are run"
        )));
    }
    Ok(())
}

/// The key and behind it the IV for `cipher`.
pub(super) fn derive(
    passphrase: &[u8],
    salt: &[u8],
    rounds: u32,
    cipher: Cipher,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let len = cipher.key_len() + cipher.iv_len();
    let mut key = Zeroizing::new(vec![0; len]);
    let mut memory = Zeroizing::new(vec![0; len.next_multiple_of(32)]);
    // An empty passphrase encrypts nothing, and bcrypt refuses it.
    let derive = || bcrypt_pbkdf_with_memory(passphrase, salt, rounds, &mut key, &mut memory);
    on_wiped_stack::<STACK, _>(derive).map_err(|_| KeyFileError::wrong_passphrase())?;
    Ok(key)
}

fn private_section(
    section: &[u8],
    block_len: usize,
    public: &PublicKey,
    encrypted: bool,
) -> Result<(PrivateKey, String), KeyFileError> {
    let inside = within("private section");
    let mut reader = Reader::new(section);
    let checks: [[u8; 4]; 2] = [reader.read().map_err(inside)?, reader.read().map_err(inside)?];
    if checks[0] != checks[1] {
        return Err(match encrypted {
            true => KeyFileError::wrong_passphrase(),
            false => KeyFileError::damaged("check integers differ"),
        });
    }
    let key = private_key(&mut reader)?;
    let comment = String::from_utf8_lossy(reader.string().map_err(inside)?).into_owned();
    let padding = reader.rest();
    let counted = padding.len() <= 255 && padding.iter().zip(1..).all(|(&byte, count)| byte == count);
    if !counted || !section.len().is_multiple_of(block_len) {
        return Err(KeyFileError::damaged("padding of the private section"));
    }
    if key.public_key() != *public {
        return Err(KeyFileError::damaged("public key in front does not belong to the private key"));
    }
    Ok((key, comment))
}

pub(crate) fn private_key(reader: &mut Reader<'_>) -> Result<PrivateKey, KeyFileError> {
    let inside = within("private key");
    let key_type = reader.string().map_err(inside)?;
    if key_type == b"ssh-ed25519" {
        let public = reader.string().map_err(inside)?;
        let (seed, again) = reader
            .string()
            .map_err(inside)?
            .split_at_checked(32)
            .ok_or_else(|| KeyFileError::damaged("ed25519 private key is too short"))?;
        if again != public {
            return Err(KeyFileError::damaged("ed25519 public keys differ"));
        }
        return private::ed25519(seed, Some(public));
    }
    if key_type == b"ssh-mldsa44-ed25519" {
        let public = reader.string().map_err(inside)?;
        return private::mldsa44_ed25519(reader.string().map_err(inside)?, public);
    }
    if key_type == b"ssh-rsa" {
        let mut next = || number(reader);
        let (n, e, d, iqmp, p, q) = (next()?, next()?, next()?, next()?, next()?, next()?);
        return private::rsa(&RsaNumbers { n, e, d, p, q, iqmp });
    }
    if key_type == b"ssh-dss" {
        let mut next = || number(reader);
        let (p, q, g, y, x) = (next()?, next()?, next()?, next()?, next()?);
        return private::dsa(&DsaNumbers { p, q, g, y: Some(y), x });
    }
    if let Some(curve) = Curve::ALL.into_iter().find(|curve| curve.key_type().as_bytes() == key_type) {
        if reader.string().map_err(inside)? != curve.name().as_bytes() {
            return Err(KeyFileError::damaged("ecdsa key names another curve than its type"));
        }
        let point = reader.string().map_err(inside)?;
        return private::ecdsa(curve, number(reader)?, Some(point));
    }
    Err(KeyFileError::unsupported(format!("key type {}", key_type.escape_ascii())))
}

fn number<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], KeyFileError> {
    let number: Mpint<'a> = reader.read().map_err(within("private key"))?;
    number.unsigned().ok_or_else(|| KeyFileError::damaged("private key has a negative number"))
}

fn within(part: &'static str) -> impl Fn(DecodeError) -> KeyFileError + Copy {
    move |error| KeyFileError::damaged(format!("{part}: {error}"))
}
