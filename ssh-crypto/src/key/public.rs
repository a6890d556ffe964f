//! Public keys and their blobs.

use super::{Curve, Fingerprint, KeyError};
use crate::Hash;
use ssh_wire::{Encode, Mpint, Reader};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKey {
    /// `ssh-ed25519` (RFC 8709).
    Ed25519([u8; 32]),
    /// `ssh-mldsa44-ed25519` (draft-miller-sshm-mldsa44-ed25519-composite-sigs): the key of ML-DSA-44, then that of
    /// Ed25519.
    MlDsa44Ed25519(Box<[u8; 1344]>),
    /// `ecdsa-sha2-nistp256` and its like (RFC 5656).
    Ecdsa {
        /// The curve.
        curve: Curve,
        /// The point Q, uncompressed (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
    /// `ssh-rsa` (RFC 4253 §6.6).
    Rsa {
        /// The public exponent, big-endian without leading zeros.
        e: Vec<u8>,
        /// The modulus, big-endian without leading zeros.
        n: Vec<u8>,
    },
    /// `ssh-dss` (RFC 4253 §6.6), for old peers; big-endian without leading zeros.
    Dsa {
        /// The modulus.
        p: Vec<u8>,
        /// The order of the group, of 160 bits.
        q: Vec<u8>,
        /// The generator.
        g: Vec<u8>,
        /// The public value.
        y: Vec<u8>,
    },
    /// `sk-ssh-ed25519@openssh.com`: on a security key (OpenSSH's PROTOCOL.u2f).
    SkEd25519 {
        /// The Ed25519 key.
        key: [u8; 32],
        /// What the key is for: `ssh:`.
        application: Vec<u8>,
    },
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: on a security key (OpenSSH's PROTOCOL.u2f).
    SkEcdsa {
        /// The point on nistp256, uncompressed.
        point: Vec<u8>,
        /// What the key is for: `ssh:`.
        application: Vec<u8>,
    },
}

/// RSA moduli from this size on are accepted, in bits; OpenSSH's bound.
pub const MIN_RSA_BITS: usize = 1024;
/// RSA moduli up to this size are accepted, in bits; OpenSSH's bound.
pub const MAX_RSA_BITS: usize = 16384;

impl PublicKey {
    /// Decodes a blob, which must be whole and hold a key that can be.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(blob);
        let key = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(key)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let key_type = reader.string()?;
        match key_type {
            b"ssh-ed25519" => return Ok(Self::Ed25519(ed25519(reader)?)),
            b"ssh-mldsa44-ed25519" => {
                let key: &[u8; 1344] = reader.string()?.try_into().map_err(|_| MLDSA_SIZE)?;
                return Ok(Self::MlDsa44Ed25519(Box::new(*key)));
            }
            b"ssh-rsa" => return Self::rsa(reader.read()?, reader.read()?),
            b"ssh-dss" => return Self::dsa([reader.read()?, reader.read()?, reader.read()?, reader.read()?]),
            b"sk-ssh-ed25519@openssh.com" => {
                return Ok(Self::SkEd25519 { key: ed25519(reader)?, application: reader.string()?.to_vec() });
            }
            b"sk-ecdsa-sha2-nistp256@openssh.com" => {
                let point = ecdsa(Curve::P256, reader)?;
                return Ok(Self::SkEcdsa { point, application: reader.string()?.to_vec() });
            }
            _ => {}
        }
        if let Some(curve) = Curve::ALL.into_iter().find(|curve| curve.key_type().as_bytes() == key_type) {
            return Ok(Self::Ecdsa { curve, point: ecdsa(curve, reader)? });
        }
        Err(KeyError::Unknown(key_type.escape_ascii().to_string()))
    }

    /// An RSA key; its numbers are checked.
    pub fn rsa(e: Mpint<'_>, n: Mpint<'_>) -> Result<Self, KeyError> {
        let (Some(e), Some(n)) = (e.unsigned(), n.unsigned()) else {
            return Err(KeyError::Invalid("rsa key has a negative number"));
        };
        check_rsa(e, n)?;
        Ok(Self::Rsa { e: e.to_vec(), n: n.to_vec() })
    }

    /// An ECDSA key; only the point's form is checked here, that it is on the curve when it is used.
    pub fn ecdsa(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if !curve.is_uncompressed(point) {
            return Err(NO_POINT);
        }
        Ok(Self::Ecdsa { curve, point: point.to_vec() })
    }

    /// A DSA key of the numbers p, q, g and y, which are checked.
    pub fn dsa(numbers: [Mpint<'_>; 4]) -> Result<Self, KeyError> {
        let [Some(p), Some(q), Some(g), Some(y)] = numbers.map(Mpint::unsigned) else {
            return Err(KeyError::Invalid("dsa key has a negative number"));
        };
        check_dsa(p, q, g, y)?;
        Ok(Self::Dsa { p: p.to_vec(), q: q.to_vec(), g: g.to_vec(), y: y.to_vec() })
    }

    /// The blob, as it stands in messages and files.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        self.key_type().encode(&mut blob);
        match self {
            Self::Ed25519(key) => key.as_slice().encode(&mut blob),
            Self::MlDsa44Ed25519(key) => key.as_slice().encode(&mut blob),
            Self::Ecdsa { curve, point } => {
                curve.name().encode(&mut blob);
                point.as_slice().encode(&mut blob);
            }
            Self::Rsa { e, n } => {
                Mpint::from_unsigned(e).encode(&mut blob);
                Mpint::from_unsigned(n).encode(&mut blob);
            }
            Self::Dsa { p, q, g, y } => {
                for number in [p, q, g, y] {
                    Mpint::from_unsigned(number).encode(&mut blob);
                }
            }
            Self::SkEd25519 { key, application } => {
                key.as_slice().encode(&mut blob);
                application.as_slice().encode(&mut blob);
            }
            Self::SkEcdsa { point, application } => {
                Curve::P256.name().encode(&mut blob);
                point.as_slice().encode(&mut blob);
                application.as_slice().encode(&mut blob);
            }
        }
        blob
    }

    /// The type's name, as the blob begins: `ssh-rsa`.
    pub fn key_type(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ssh-ed25519",
            Self::MlDsa44Ed25519(_) => "ssh-mldsa44-ed25519",
            Self::Ecdsa { curve, .. } => curve.key_type(),
            Self::Rsa { .. } => "ssh-rsa",
            Self::Dsa { .. } => "ssh-dss",
            Self::SkEd25519 { .. } => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsa { .. } => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The size in bits, as `ssh-keygen -l` shows it.
    pub fn bits(&self) -> usize {
        match self {
            Self::Ed25519(_) | Self::SkEd25519 { .. } | Self::SkEcdsa { .. } => 256,
            Self::MlDsa44Ed25519(_) => 512,
            Self::Ecdsa { curve: Curve::P256, .. } => 256,
            Self::Ecdsa { curve: Curve::P384, .. } => 384,
            Self::Ecdsa { curve: Curve::P521, .. } => 521,
            Self::Rsa { n, .. } => bit_len(n),
            Self::Dsa { p, .. } => bit_len(p),
        }
    }

    /// The type as people are shown it, by `ssh-keygen -l` among others: `ED25519`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ED25519",
            Self::MlDsa44Ed25519(_) => "MLDSA44-ED25519",
            Self::Ecdsa { .. } => "ECDSA",
            Self::Rsa { .. } => "RSA",
            Self::Dsa { .. } => "DSA",
            Self::SkEd25519 { .. } => "ED25519-SK",
            Self::SkEcdsa { .. } => "ECDSA-SK",
        }
    }

    /// The digest of the blob.
    pub fn fingerprint(&self, hash: Hash) -> Fingerprint {
        Fingerprint::new(hash, &self.to_blob())
    }

    /// The fingerprint as it was before SHA-256: to compare with what old tools print, not to rely on.
    pub fn fingerprint_md5(&self) -> Fingerprint {
        Fingerprint::md5(&self.to_blob())
    }

    /// The fingerprint as a picture, as `ssh-keygen -lv` prints it.
    pub fn randomart(&self, hash: Hash) -> String {
        self.fingerprint(hash).randomart(self.label(), self.bits())
    }
}

fn ed25519(reader: &mut Reader<'_>) -> Result<[u8; 32], KeyError> {
    // CVE-2020-9283: a key of any other size must not get further.
    reader.string()?.try_into().map_err(|_| KeyError::Invalid("ed25519 key is not 32 bytes"))
}

fn ecdsa(curve: Curve, reader: &mut Reader<'_>) -> Result<Vec<u8>, KeyError> {
    if reader.string()? != curve.name().as_bytes() {
        return Err(KeyError::Invalid("ecdsa key names another curve than its type"));
    }
    let point = reader.string()?;
    match curve.is_uncompressed(point) {
        true => Ok(point.to_vec()),
        false => Err(NO_POINT),
    }
}

const MLDSA_SIZE: KeyError = KeyError::Invalid("mldsa44-ed25519 key is not 1344 bytes");
const NO_POINT: KeyError = KeyError::Invalid("ecdsa key is not an uncompressed point of its curve");

/// Whether the numbers, without leading zeros, can be those of a key.
pub(crate) fn check_rsa(e: &[u8], n: &[u8]) -> Result<(), KeyError> {
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bit_len(n)) {
        return Err(KeyError::Invalid("rsa modulus is under 1024 or over 16384 bits"));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // A longer exponent only serves to burn the verifier's time; 33 bits are what the back ends take.
    if !is_odd(n) || !is_odd(e) || e[0] == 0 || n[0] == 0 || !(2..=33).contains(&bit_len(e)) {
        return Err(KeyError::Invalid("rsa key has an impossible exponent or modulus"));
    }
    Ok(())
}

/// Whether the numbers, without leading zeros, can be those of a key.
pub(crate) fn check_dsa(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Result<(), KeyError> {
    let canonical = [p, q, g, y].iter().all(|number| number.first().is_some_and(|&first| first != 0));
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // Big-endian numbers without leading zeros are ordered by length, then by bytes.
    let below_p = |number: &[u8]| (number.len(), number) < (p.len(), p);
    // Signatures hold numbers of 160 bits; FIPS 186 has moduli of 1024 to 3072.
    let sizes = (1024..=3072).contains(&bit_len(p)) && bit_len(q) == 160;
    if !canonical
        || !sizes
        || !is_odd(p)
        || !is_odd(q)
        || ![g, y].into_iter().all(|number| below_p(number) && number != [1])
    {
        return Err(KeyError::Invalid("dsa key has impossible numbers"));
    }
    Ok(())
}

/// The size in bits of a number without leading zeros.
pub(crate) fn bit_len(magnitude: &[u8]) -> usize {
    magnitude.first().map_or(0, |first| magnitude.len() * 8 - first.leading_zeros() as usize)
}
