//! The format of OpenSSH's own (OpenSSH PROTOCOL.key): writing.

use super::{
    KeyFileError, KeyFileErrorKind, STACK,
    cipher::{Cipher, encrypt},
    openssh::{BCRYPT, MAGIC, NO_CIPHER, PLAIN_BLOCK, check_rounds, derive},
};
use base64ct::{Base64, Encoding};
use ssh_crypto::{PrivateKey, Secret, SecureRandom, on_wiped_stack, rust_crypto::AES256_CTR};
use ssh_wire::{Encode, Mpint};
use zeroize::Zeroizing;

/// The rounds of bcrypt that `ssh-keygen` writes by default, about a tenth of a second of work.
pub const DEFAULT_ROUNDS: u32 = 24;

/// Writes `key` as a file in OpenSSH's format, which every version since 6.5 reads.
///
/// With a passphrase and a number of bcrypt rounds (1 to 4096, see [`DEFAULT_ROUNDS`]) the file is encrypted by
/// aes256-ctr; the comment is then encrypted, too. An empty passphrase and rounds out of these bounds are errors.
pub fn write_openssh(
    key: &PrivateKey,
    comment: &str,
    passphrase: Option<(&[u8], u32)>,
    random: &dyn SecureRandom,
) -> Result<Secret, KeyFileError> {
    on_wiped_stack::<STACK, _>(|| write(key, comment, passphrase, random))
}

fn write(
    key: &PrivateKey,
    comment: &str,
    passphrase: Option<(&[u8], u32)>,
    random: &dyn SecureRandom,
) -> Result<Secret, KeyFileError> {
    let block_len = if passphrase.is_some() { AES256_CTR.block_len() } else { PLAIN_BLOCK };
    let mut section = private_section(key, comment, block_len, random)?;
    let (mut cipher, mut kdf, mut options) = (NO_CIPHER, NO_CIPHER, Vec::new());
    if let Some((passphrase, rounds)) = passphrase {
        if passphrase.is_empty() {
            return Err(KeyFileError::new(
                KeyFileErrorKind::PassphraseNeeded,
                "an empty one encrypts nothing",
            ));
        }
        if rounds == 0 {
            return Err(KeyFileError::unsupported("bcrypt of no rounds"));
        }
        check_rounds(rounds)?;
        let salt: [u8; SALT_LEN] = filled(random)?;
        let derived = derive(passphrase, &salt, rounds, Cipher::Plain(AES256_CTR))?;
        let (key, iv) = derived.split_at(AES256_CTR.key_len());
        encrypt(AES256_CTR, key, iv, &mut section)
            .map_err(|_| KeyFileError::unsupported("a private key too long to encrypt"))?;
        (cipher, kdf) = (AES256_CTR.name(), BCRYPT);
        salt.as_slice().encode(&mut options);
        rounds.encode(&mut options);
    }
    let public = key.public_key().to_blob();
    // Never grown: that would leave copies behind.
    let mut file = Zeroizing::new(Vec::with_capacity(256 + public.len() + section.len()));
    file.extend_from_slice(MAGIC);
    cipher.encode(&mut file);
    kdf.encode(&mut file);
    options.as_slice().encode(&mut file);
    1u32.encode(&mut file);
    public.as_slice().encode(&mut file);
    section.as_slice().encode(&mut file);
    Ok(frame(&file))
}

fn private_section(
    key: &PrivateKey,
    comment: &str,
    block_len: usize,
    random: &dyn SecureRandom,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut section = Zeroizing::new(Vec::with_capacity(MAX_NUMBERS + comment.len()));
    let check: [u8; 4] = filled(random)?;
    check.encode(&mut section);
    check.encode(&mut section);
    key.public_key().key_type().encode(&mut section);
    match key {
        PrivateKey::Ed25519 { seed, public } => {
            let both = Zeroizing::new([&**seed, public].concat());
            public.as_slice().encode(&mut section);
            both.as_slice().encode(&mut section);
        }
        PrivateKey::MlDsa44Ed25519 { seeds, public } => {
            public.as_slice().encode(&mut section);
            seeds.as_ref().encode(&mut section);
        }
        PrivateKey::Ecdsa { curve, scalar, point } => {
            curve.name().encode(&mut section);
            point.as_slice().encode(&mut section);
            Mpint::from_unsigned(scalar).encode(&mut section);
        }
        PrivateKey::Rsa { e, n, d, p, q, iqmp } => {
            for number in [n, e, &**d, iqmp, p, q] {
                Mpint::from_unsigned(number).encode(&mut section);
            }
        }
        PrivateKey::Dsa { p, q, g, y, x } => {
            for number in [p, q, g, y, &**x] {
                Mpint::from_unsigned(number).encode(&mut section);
            }
        }
        other => {
            let key_type = other.public_key().key_type().to_owned();
            return Err(KeyFileError::unsupported(format!("key type {key_type}")));
        }
    }
    comment.encode(&mut section);
    let padding = section.len().next_multiple_of(block_len) - section.len();
    section.extend((1u8..).take(padding));
    Ok(section)
}

fn filled<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| KeyFileError::new(KeyFileErrorKind::Random, ""))?;
    Ok(bytes)
}

/// Base64 between BEGIN and END.
fn frame(file: &[u8]) -> Secret {
    let text = Zeroizing::new(Base64::encode_string(file));
    let mut out = Vec::with_capacity(BEGIN.len() + END.len() + text.len() + text.len() / LINE_LEN + 1);
    out.extend_from_slice(BEGIN);
    for line in text.as_bytes().chunks(LINE_LEN) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(END);
    Secret::new(out)
}

const BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----\n";
const END: &[u8] = b"-----END OPENSSH PRIVATE KEY-----\n";
const LINE_LEN: usize = 70;
const SALT_LEN: usize = 16;
/// More than all numbers of the largest key, RSA with 16384 bits, take together.
const MAX_NUMBERS: usize = 16 * 1024;
