//! What passphrases become.

use crate::passphrase;
use argon2::{Algorithm, Argon2, Params, Version};
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use ssh_wire::Reader;

/// How a file's key, IV and key for a MAC follow from the passphrase, and their bytes in all.
#[derive(Clone, Copy)]
pub(crate) enum Derivation {
    Bcrypt(usize),
    Md5(usize),
    Pbkdf2(Prf, u32, usize),
    Scrypt(usize),
    Sha1,
    Argon2(Algorithm),
}

#[derive(Clone, Copy)]
pub(crate) enum Prf {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Derivation {
    /// For a file with this text, and with these bytes in Base64 in it.
    pub(crate) fn derived(self, text: &str, decoded: &[u8]) -> Vec<Vec<u8>> {
        let passphrase = &*passphrase();
        let field = |name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let mut key = vec![0; 128];
        match self {
            Self::Bcrypt(len) => {
                key.truncate(len);
                bcrypt_pbkdf::bcrypt_pbkdf(passphrase, bcrypt_salt(decoded), 1, &mut key).unwrap();
                return vec![key, Sha512::digest(passphrase).to_vec()];
            }
            Self::Md5(len) => {
                let salt =
                    base16ct::mixed::decode_vec(field("DEK-Info: ").split_once(',').unwrap().1).unwrap();
                let first = Md5::digest([passphrase, &salt[..8]].concat());
                let second = Md5::digest([&first[..], passphrase, &salt[..8]].concat());
                key = [first, second].concat();
                key.truncate(len);
            }
            Self::Pbkdf2(prf, iterations, len) => {
                key.truncate(len);
                let salt = salt_behind(decoded, &PBKDF2);
                match prf {
                    Prf::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, iterations, &mut key),
                    Prf::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, iterations, &mut key),
                    Prf::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, iterations, &mut key),
                    Prf::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, iterations, &mut key),
                    Prf::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, iterations, &mut key),
                }
            }
            Self::Scrypt(len) => {
                key.truncate(len);
                let (params, salt) = (scrypt::Params::new(8, 8, 2).unwrap(), salt_behind(decoded, &SCRYPT));
                scrypt::scrypt(passphrase, salt, &params, &mut key).unwrap();
                // RFC 7914 §6: what memory is filled with first.
                let mut lanes = vec![0; 2 * 128 * 8];
                pbkdf2_hmac::<Sha256>(passphrase, salt, 1, &mut lanes);
                key.extend(lanes);
            }
            Self::Sha1 => {
                let hash = |start: &[u8]| Sha1::digest([start, passphrase].concat()).to_vec();
                key = [hash(&[0; 4]), hash(&[0, 0, 0, 1])].concat();
                return vec![key, hash(b"putty-private-key-file-mac-key")];
            }
            Self::Argon2(algorithm) => {
                key.truncate(80);
                let salt = base16ct::mixed::decode_vec(field("Argon2-Salt: ")).unwrap();
                let params = Params::new(1024, 1, 1, Some(key.len())).unwrap();
                let argon2 = Argon2::new(algorithm, Version::V0x13, params);
                argon2.hash_password_into(passphrase, &salt, &mut key).unwrap();
            }
        }
        // RFC 2104 §2: what HMAC makes of a passphrase.
        let padded = [0x36, 0x5c].map(|pad| passphrase.iter().map(|byte| byte ^ pad).collect());
        [&[key], &padded[..]].concat()
    }
}

/// OpenSSH PROTOCOL.key: what stands before the salt are the names of the cipher and of the key derivation.
fn bcrypt_salt(file: &[u8]) -> &[u8] {
    let mut reader = Reader::new(file.strip_prefix(b"openssh-key-v1\0").unwrap());
    reader.string().unwrap();
    reader.string().unwrap();
    Reader::new(reader.string().unwrap()).string().unwrap()
}

/// RFC 8018 §A.2, RFC 7914 §7.1: behind the identifier is a SEQUENCE, and first in it the salt as an OCTET STRING.
fn salt_behind<'a>(file: &'a [u8], identifier: &[u8]) -> &'a [u8] {
    let at = file.windows(identifier.len()).position(|bytes| bytes == identifier).unwrap();
    let [_, _, 4, len, rest @ ..] = &file[at + identifier.len()..] else { panic!("no salt") };
    &rest[..usize::from(*len)]
}

/// 1.2.840.113549.1.5.12 and 1.3.6.1.4.1.11591.4.11.
const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
