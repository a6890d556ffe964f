//! Fingerprints: what people compare keys by.

use super::{KeyError, randomart};
use crate::Hash;
use base64ct::{Base64Unpadded, Encoding};
use md5::{Digest, Md5};
use std::{fmt, str::FromStr};

/// The digest of a key's blob, shown as OpenSSH shows it:
/// `SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU` or `MD5:d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e`.
///
/// ```
/// # use ssh_crypto::key::Fingerprint;
/// let expected: Fingerprint = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".parse()?;
/// assert!(expected.matches(b""));
/// # Ok::<(), ssh_crypto::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// `None` is MD5.
    hash: Option<Hash>,
    digest: Vec<u8>,
}

impl Fingerprint {
    /// The fingerprint of a public key's blob, which may be of any type.
    pub fn new(hash: Hash, blob: &[u8]) -> Self {
        Self { hash: Some(hash), digest: hash.digest(&[blob]).to_vec() }
    }

    /// The MD5 fingerprint of a blob: to compare with what old tools print, not to rely on.
    pub fn md5(blob: &[u8]) -> Self {
        Self { hash: None, digest: Md5::digest(blob).to_vec() }
    }

    /// Whether it is the fingerprint of this blob.
    pub fn matches(&self, blob: &[u8]) -> bool {
        *self == self.hash.map_or_else(|| Self::md5(blob), |hash| Self::new(hash, blob))
    }

    /// The hash function's name, as it stands before the colon: `SHA256`.
    pub fn hash_name(&self) -> &'static str {
        match self.hash {
            None => "MD5",
            Some(hash) => name(hash),
        }
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digest
    }

    /// The fingerprint as a picture, under the title of the key's type and size: `ED25519`, 256.
    pub fn randomart(&self, label: &str, bits: usize) -> String {
        randomart::draw(&self.digest, &format!("{label} {bits}"), label, self.hash_name())
    }
}

fn name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA1",
        Hash::Sha256 => "SHA256",
        Hash::Sha384 => "SHA384",
        Hash::Sha512 => "SHA512",
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash_name())?;
        match self.hash {
            Some(_) => write!(f, ":{}", Base64Unpadded::encode_string(&self.digest)),
            None => self.digest.iter().try_for_each(|byte| write!(f, ":{byte:02x}")),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    /// Padding, and `MD5:` before pairs of hexadecimal digits, may be there or missing.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let hash = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512].into_iter().find_map(|hash| {
            let digest = text.strip_prefix(name(hash))?.strip_prefix(':')?;
            Some((hash, digest))
        });
        let (hash, digest, len) = match hash {
            Some((hash, digest)) => {
                let digest = Base64Unpadded::decode_vec(digest.trim_end_matches('=')).ok();
                (Some(hash), digest, hash.output_len())
            }
            None => {
                let pairs = text.strip_prefix("MD5:").unwrap_or(text).split(':');
                (None, pairs.map(hexadecimal).collect(), 16)
            }
        };
        let digest: Vec<u8> = digest.filter(|digest| digest.len() == len).ok_or(MALFORMED)?;
        Ok(Self { hash, digest })
    }
}

const MALFORMED: KeyError = KeyError::Invalid("not a fingerprint such as SHA256:… or MD5:…");

fn hexadecimal(pair: &str) -> Option<u8> {
    // The parser of integers takes a sign as well.
    let digits = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_and_parsed() {
        let all = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512]
            .map(|hash| Fingerprint::new(hash, b"blob"));
        for fingerprint in all.into_iter().chain([Fingerprint::md5(b"blob")]) {
            let parsed: Fingerprint = fingerprint.to_string().parse().unwrap();
            assert_eq!(parsed, fingerprint);
            assert!(parsed.matches(b"blob") && !parsed.matches(b"blub"));
        }
    }

    #[test]
    fn other_spellings() {
        let sha256 = Fingerprint::new(Hash::Sha256, b"");
        assert_eq!(format!("{sha256}=").parse(), Ok(sha256));
        let md5 = Fingerprint::md5(b"");
        assert_eq!(md5.to_string(), "MD5:d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e");
        assert_eq!(md5.to_string()[4..].to_uppercase().parse(), Ok(md5));
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "SHA256:",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU5",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS*FU",
            "SHA512:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "MD5:d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42",
            "MD5:+4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e",
            "MD5:d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(MALFORMED), "{text}");
        }
    }
}
