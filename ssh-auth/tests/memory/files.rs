//! Private key files of every format.

use crate::{
    derivation::{Derivation, Prf},
    passphrase,
};
use argon2::Algorithm;
use base64ct::{Base64, Encoding};
use ssh_auth::keyfile::PrivateKeyFile;
use ssh_crypto::PrivateKey;
use testing::memory::Sought;

/// A file that was made for this test by `ssh-keygen`, `openssl` or `puttygen`. Its text stands where nothing is written,
/// which is not looked at.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($name:literal $(, $extension:literal)?) => {
        File {
            name: concat!($name $(, ".", $extension)?),
            text: include_str!(concat!("data/", $name $(, ".", $extension)?)),
        }
    };
}

impl File {
    pub(crate) fn read(&self) -> PrivateKey {
        PrivateKeyFile::parse(self.text.as_bytes()).unwrap().decrypt(Some(&passphrase())).unwrap()
    }

    /// The Base64 of the private key.
    fn base64(&self) -> String {
        match self.text.split_once("Private-Lines: ") {
            Some((_, lines)) => {
                let (count, lines) = lines.split_once('\n').unwrap();
                lines.lines().take(count.parse().unwrap()).collect()
            }
            None => self.text.lines().filter(|line| !line.contains([':', '-'])).collect(),
        }
    }

    fn decoded(&self) -> Vec<u8> {
        Base64::decode_vec(&self.base64()).unwrap()
    }

    /// What is secret in a file that is not encrypted.
    pub(crate) fn secrets(&self, sought: &mut Sought) {
        sought.add(self.base64().as_bytes());
        self.plaintext(sought);
    }

    fn plaintext(&self, sought: &mut Sought) {
        let key = self.read();
        sought.add_around(&self.decoded(), &[&key.public_key().to_blob(), COMMENT].concat());
        numbers(&key, sought);
    }
}

/// OpenSSH's format encrypts it, but it is no secret.
const COMMENT: &[u8] = b"of the memory test";

/// The private numbers of a key.
pub(crate) fn numbers(key: &PrivateKey, sought: &mut Sought) {
    match key {
        PrivateKey::Ed25519 { seed, .. } => sought.add(seed),
        PrivateKey::MlDsa44Ed25519 { seeds, .. } => sought.add(seeds),
        PrivateKey::Ecdsa { scalar, .. } => sought.add(scalar),
        PrivateKey::Rsa { d, p, q, iqmp, .. } => {
            [d, p, q, iqmp].into_iter().for_each(|number| sought.add(number));
        }
        PrivateKey::Dsa { x, .. } => sought.add(x),
        other => panic!("{other:?}"),
    }
}

pub(crate) struct Encrypted {
    pub(crate) file: File,
    /// The same key in the same format.
    plain: File,
    derivation: Derivation,
}

impl Encrypted {
    pub(crate) fn secrets(&self, sought: &mut Sought) {
        sought.add(&passphrase());
        let derived = self.derivation.derived(self.file.text, &self.file.decoded());
        derived.iter().for_each(|key| sought.add(key));
        self.plain.plaintext(sought);
    }
}

/// A key of each type.
pub(crate) const OPENSSH: [File; 7] = [
    file!("ed25519.openssh"),
    file!("ecdsa_256.openssh"),
    file!("ecdsa_384.openssh"),
    file!("ecdsa_521.openssh"),
    file!("rsa.openssh"),
    file!("dsa.openssh"),
    file!("mldsa44_ed25519.openssh"),
];

/// The other formats.
pub(crate) const PLAIN: [File; 15] = [
    file!("rsa.pem"),
    file!("dsa.pem"),
    file!("ecdsa_256.pem"),
    file!("ed25519.pkcs8"),
    file!("rsa.pkcs8"),
    file!("dsa.pkcs8"),
    file!("ecdsa_256.pkcs8"),
    file!("ed25519.ppk2"),
    file!("rsa.ppk2"),
    file!("dsa.ppk2"),
    file!("ecdsa_384.ppk2"),
    file!("ed25519.ppk3"),
    file!("rsa.ppk3"),
    file!("dsa.ppk3"),
    file!("ecdsa_384.ppk3"),
];

macro_rules! encrypted {
    ($($plain:literal: $($extension:literal by $derivation:expr),+;)+) => {
        vec![$($(Encrypted {
            file: file!($plain, $extension),
            plain: file!($plain),
            derivation: $derivation,
        }),+),+]
    };
}

pub(crate) fn encrypted() -> Vec<Encrypted> {
    use Derivation::{Argon2, Bcrypt, Md5, Pbkdf2, Scrypt, Sha1};
    encrypted![
        "ed25519.openssh":
            "aes256-ctr" by Bcrypt(48),
            "aes192-ctr" by Bcrypt(40),
            "aes128-ctr" by Bcrypt(32),
            "aes256-cbc" by Bcrypt(48),
            "aes192-cbc" by Bcrypt(40),
            "aes128-cbc" by Bcrypt(32),
            "3des-cbc" by Bcrypt(32),
            "aes256-gcm" by Bcrypt(44),
            "aes128-gcm" by Bcrypt(28),
            "chacha20-poly1305" by Bcrypt(64);
        "rsa.openssh": "aes256-ctr" by Bcrypt(48);
        "dsa.openssh": "aes256-gcm" by Bcrypt(44);
        "ecdsa_521.openssh": "aes256-ctr" by Bcrypt(48);
        "rsa.pem": "aes128" by Md5(16);
        "dsa.pem": "aes256" by Md5(32);
        "ecdsa_256.pem": "aes192" by Md5(24), "des3" by Md5(24);
        "ed25519.pkcs8": "aes128-sha1" by Pbkdf2(Prf::Sha1, 8, 16);
        "dsa.pkcs8": "aes192-sha224" by Pbkdf2(Prf::Sha224, 8, 24);
        "rsa.pkcs8": "aes256-sha256" by Pbkdf2(Prf::Sha256, 2048, 32), "des3-scrypt" by Scrypt(24);
        "ecdsa_256.pkcs8":
            "aes256-sha384" by Pbkdf2(Prf::Sha384, 8, 32),
            "des3-sha512" by Pbkdf2(Prf::Sha512, 8, 24),
            "aes256-scrypt" by Scrypt(32);
        "ed25519.ppk2": "aes256" by Sha1;
        "rsa.ppk2": "aes256" by Sha1;
        "dsa.ppk2": "aes256" by Sha1;
        "ecdsa_384.ppk2": "aes256" by Sha1;
        "ed25519.ppk3": "argon2id" by Argon2(Algorithm::Argon2id);
        "rsa.ppk3": "argon2i" by Argon2(Algorithm::Argon2i);
        "ecdsa_384.ppk3": "argon2d" by Argon2(Algorithm::Argon2d);
    ]
}
