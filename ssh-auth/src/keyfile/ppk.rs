//! PuTTY's format in its versions 2 and 3 (PuTTY manual, appendix C).

use super::{
    Contents, Format, KeyFileError, PrivateKeyFile, STACK,
    cipher::Cipher,
    pem::lines,
    private::{self, DsaNumbers, RsaNumbers},
};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use ssh_crypto::{PrivateKey, PublicKey, on_wiped_stack, rust_crypto::legacy::AES256_CBC};
use ssh_wire::{Mpint, Reader};
use zeroize::Zeroizing;

/// How much memory Argon2 gets at most, in KiB.
const MAX_MEMORY: u32 = 256 << 10;
/// How much memory Argon2 may fill at most in all passes together, in KiB.
const MAX_WORK: u64 = 8 << 20;
/// How many lanes Argon2 may have at most.
const MAX_LANES: u32 = 64;

/// Whether the first line is PuTTY's; the version behind it if so.
pub(super) fn version(bytes: &[u8]) -> Option<&[u8]> {
    let first = lines(bytes).next()?;
    let (version, _) = split_field(first.strip_prefix(b"PuTTY-User-Key-File-")?)?;
    Some(version)
}

/// What is needed to open an encrypted file, and to check one that is not.
pub(super) struct Sealed {
    key_type: Vec<u8>,
    encryption: Option<Derivation>,
    comment: Vec<u8>,
    public_blob: Vec<u8>,
    public: PublicKey,
    private: Zeroizing<Vec<u8>>,
    mac: Vec<u8>,
    format: Format,
}

/// How the passphrase becomes keys.
enum Derivation {
    Sha1,
    Argon2 { argon2: Argon2<'static>, salt: Vec<u8>, blocks: usize },
}

/// Reads a file whose [`version`] is known.
pub(super) fn parse(bytes: &[u8]) -> Result<PrivateKeyFile, KeyFileError> {
    let (format, start) = match version(bytes) {
        Some(b"2") => (Format::Ppk2, "PuTTY-User-Key-File-2"),
        Some(b"3") => (Format::Ppk3, "PuTTY-User-Key-File-3"),
        other => {
            let version = other.unwrap_or_default().escape_ascii();
            return Err(KeyFileError::unsupported(format!("version {version} of PuTTY's format")));
        }
    };
    let mut lines = lines(bytes);
    let lines = &mut lines;
    let key_type = field(lines, start)?.to_vec();
    let cipher = field(lines, "Encryption")?;
    let comment = field(lines, "Comment")?.to_vec();
    let public_blob = base64(lines, "Public-Lines", bytes.len())?.to_vec();
    let encryption = match (cipher, format) {
        (b"none", _) => None,
        (b"aes256-cbc", Format::Ppk2) => Some(Derivation::Sha1),
        (b"aes256-cbc", _) => Some(argon2(lines)?),
        (other, _) => {
            let name = other.escape_ascii();
            return Err(KeyFileError::unsupported(format!("cipher {name}")));
        }
    };
    let private = base64(lines, "Private-Lines", bytes.len())?;
    let mac = hex(field(lines, "Private-MAC")?, "Private-MAC")?;
    if lines.any(|line| !line.trim_ascii().is_empty()) {
        return Err(KeyFileError::damaged("text behind Private-MAC"));
    }
    let public = PublicKey::from_blob(&public_blob).map_err(private::invalid)?;
    if public.key_type().as_bytes() != key_type {
        return Err(KeyFileError::damaged("public key is of another type than the first line says"));
    }
    if encryption.is_some() && (private.is_empty() || !private.len().is_multiple_of(AES256_CBC.block_len())) {
        return Err(KeyFileError::damaged("encrypted key is not whole blocks"));
    }
    let text = String::from_utf8_lossy(&comment).into_owned();
    let sealed =
        Sealed { key_type, encryption, comment, public_blob, public: public.clone(), private, mac, format };
    let contents = match sealed.encryption {
        None => Contents::Plain(sealed.open(None)?),
        Some(_) => Contents::Ppk(Box::new(sealed)),
    };
    Ok(PrivateKeyFile { format, public: Some(public), comment: Some(text), contents })
}

impl Sealed {
    /// The private key.
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKey, KeyFileError> {
        self.open(Some(passphrase))
    }

    fn open(&self, passphrase: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
        let mut private = self.private.clone();
        let mut keys = Keys::default();
        if let (Some(derivation), Some(passphrase)) = (&self.encryption, passphrase) {
            keys = on_wiped_stack::<STACK, _>(|| derivation.keys(passphrase))?;
            Cipher::Plain(AES256_CBC)
                .decrypt(&keys.cipher, &keys.iv, &mut private, &[])
                .map_err(|_| KeyFileError::wrong_passphrase())?;
        } else if self.format == Format::Ppk2 {
            keys.mac = mac_key(&[]);
        }
        let cipher: &str = if self.encryption.is_some() { AES256_CBC.name() } else { "none" };
        let fields =
            [self.key_type.as_slice(), cipher.as_bytes(), &self.comment, &self.public_blob, &private];
        let holds = on_wiped_stack::<STACK, _>(|| match self.format {
            Format::Ppk2 => holds(Hmac::<Sha1>::new_from_slice(&keys.mac), &fields, &self.mac),
            _ => holds(Hmac::<Sha256>::new_from_slice(&keys.mac), &fields, &self.mac),
        });
        if !holds {
            return Err(match self.encryption {
                Some(_) => KeyFileError::wrong_passphrase(),
                None => KeyFileError::damaged("Private-MAC does not hold"),
            });
        }
        let key = private_key(&self.public, &private)?;
        if key.public_key() != self.public {
            return Err(KeyFileError::damaged("public key does not belong to the private key"));
        }
        Ok(key)
    }
}

#[derive(Default)]
struct Keys {
    cipher: Zeroizing<Vec<u8>>,
    iv: Zeroizing<Vec<u8>>,
    mac: Zeroizing<Vec<u8>>,
}

impl Derivation {
    fn keys(&self, passphrase: &[u8]) -> Result<Keys, KeyFileError> {
        match self {
            Self::Sha1 => {
                let mut cipher = Zeroizing::new(Vec::with_capacity(2 * 20));
                for counter in 0u32..2 {
                    let hash = Sha1::new().chain_update(counter.to_be_bytes()).chain_update(passphrase);
                    let digest: Zeroizing<[u8; 20]> = Zeroizing::new(hash.finalize().into());
                    cipher.extend_from_slice(&*digest);
                }
                cipher.truncate(AES256_CBC.key_len());
                let iv = Zeroizing::new(vec![0; AES256_CBC.block_len()]);
                Ok(Keys { cipher, iv, mac: mac_key(passphrase) })
            }
            Self::Argon2 { argon2, salt, blocks } => {
                let too_costly = |_| KeyFileError::too_costly("not enough memory for Argon2");
                let mut memory = Zeroizing::new(Vec::new());
                memory.try_reserve_exact(*blocks).map_err(too_costly)?;
                memory.resize(*blocks, Block::new());
                let mut keys = Zeroizing::new([0; ARGON2_OUTPUT]);
                argon2
                    .hash_password_into_with_memory(passphrase, salt, &mut *keys, &mut memory[..])
                    .map_err(|error| KeyFileError::damaged(format!("Argon2: {error}")))?;
                let (cipher, rest) = keys.split_at(AES256_CBC.key_len());
                let (iv, mac) = rest.split_at(AES256_CBC.block_len());
                let [cipher, iv, mac] = [cipher, iv, mac].map(|key| Zeroizing::new(key.to_vec()));
                Ok(Keys { cipher, iv, mac })
            }
        }
    }
}

/// The key of version 2's MAC; the passphrase is empty in a file that is not encrypted.
fn mac_key(passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
    let hash = Sha1::new().chain_update(b"putty-private-key-file-mac-key").chain_update(passphrase);
    let digest: Zeroizing<[u8; 20]> = Zeroizing::new(hash.finalize().into());
    Zeroizing::new(digest.to_vec())
}

fn holds<M: Mac, E>(mac: Result<M, E>, fields: &[&[u8]], expected: &[u8]) -> bool {
    let Ok(mut mac) = mac else { return false };
    for field in fields {
        mac.update(&(field.len() as u32).to_be_bytes());
        mac.update(field);
    }
    mac.verify_slice(expected).is_ok()
}

/// What is behind the numbers is padding, which the MAC vouches for.
fn private_key(public: &PublicKey, private: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let mut reader = Reader::new(private);
    let mut next = || {
        let number: Result<Mpint<'_>, _> = reader.read();
        let number = number.map_err(|error| KeyFileError::damaged(format!("private key: {error}")))?;
        number.unsigned().ok_or_else(|| KeyFileError::damaged("private key has a negative number"))
    };
    match public {
        PublicKey::Rsa { e, n } => {
            let (d, p, q, iqmp) = (next()?, next()?, next()?, next()?);
            private::rsa(&RsaNumbers { n, e, d, p, q, iqmp })
        }
        PublicKey::Dsa { p, q, g, y } => private::dsa(&DsaNumbers { p, q, g, y: Some(y), x: next()? }),
        PublicKey::Ecdsa { curve, point } => private::ecdsa(*curve, next()?, Some(point)),
        PublicKey::Ed25519(public) => {
            let seed = Reader::new(private)
                .string()
                .map_err(|error| KeyFileError::damaged(format!("private key: {error}")))?;
            private::ed25519(seed, Some(public))
        }
        other => Err(KeyFileError::unsupported(format!("key type {}", other.key_type()))),
    }
}

fn argon2<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Result<Derivation, KeyFileError> {
    let algorithm = match field(lines, "Key-Derivation")? {
        b"Argon2id" => Algorithm::Argon2id,
        b"Argon2i" => Algorithm::Argon2i,
        b"Argon2d" => Algorithm::Argon2d,
        other => {
            let name = other.escape_ascii();
            return Err(KeyFileError::unsupported(format!("key derivation {name}")));
        }
    };
    let memory = decimal(field(lines, "Argon2-Memory")?, "Argon2-Memory")?;
    let passes = decimal(field(lines, "Argon2-Passes")?, "Argon2-Passes")?;
    let lanes = decimal(field(lines, "Argon2-Parallelism")?, "Argon2-Parallelism")?;
    let salt = hex(field(lines, "Argon2-Salt")?, "Argon2-Salt")?;
    if memory > MAX_MEMORY || u64::from(memory) * u64::from(passes) > MAX_WORK || lanes > MAX_LANES {
        let detail = format!("Argon2 with {memory} KiB of memory, {passes} passes, {lanes} lanes");
        return Err(KeyFileError::too_costly(detail));
    }
    let invalid = |error| KeyFileError::damaged(format!("Argon2: {error}"));
    let params = Params::new(memory, passes, lanes, Some(ARGON2_OUTPUT)).map_err(invalid)?;
    let blocks = params.block_count();
    Ok(Derivation::Argon2 { argon2: Argon2::new(algorithm, Version::V0x13, params), salt, blocks })
}

/// The value of the next line, which must be a field of this name.
fn field<'a>(
    lines: &mut impl Iterator<Item = &'a [u8]>,
    name: &'static str,
) -> Result<&'a [u8], KeyFileError> {
    lines
        .next()
        .and_then(split_field)
        .filter(|(found, _)| *found == name.as_bytes())
        .map(|(_, value)| value)
        .ok_or_else(|| KeyFileError::damaged(format!("{name} missing")))
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = &line[colon + 1..];
    Some((&line[..colon], value.strip_prefix(b" ").unwrap_or(value)))
}

/// The Base64 of as many lines as the next one says.
fn base64<'a>(
    lines: &mut impl Iterator<Item = &'a [u8]>,
    name: &'static str,
    capacity: usize,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let count = decimal(field(lines, name)?, name)?;
    // Never grown: that would leave copies behind.
    let mut data = Zeroizing::new(Vec::with_capacity(capacity));
    for _ in 0..count {
        let line = lines.next().ok_or_else(|| KeyFileError::damaged(format!("file ends within {name}")))?;
        data.extend_from_slice(line.trim_ascii());
    }
    let decoded = Base64::decode_in_place(&mut data)
        .map_err(|_| KeyFileError::damaged(format!("invalid Base64 within {name}")))?;
    let len = decoded.len();
    data.truncate(len);
    Ok(data)
}

fn decimal(value: &[u8], name: &'static str) -> Result<u32, KeyFileError> {
    let digits = Some(value).filter(|value| value.iter().all(u8::is_ascii_digit));
    digits
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .ok_or_else(|| KeyFileError::damaged(format!("{name} is not a number")))
}

fn hex(value: &[u8], name: &'static str) -> Result<Vec<u8>, KeyFileError> {
    base16ct::mixed::decode_vec(value.trim_ascii())
        .map_err(|_| KeyFileError::damaged(format!("invalid hexadecimal in {name}")))
}

/// Cipher key, IV and MAC key.
const ARGON2_OUTPUT: usize = 80;
