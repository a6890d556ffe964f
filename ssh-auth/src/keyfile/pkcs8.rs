//! Encrypted PKCS#8 (RFC 5958 §3) by PBES2 (RFC 8018 §6.2).

use super::{
    Format, KeyFileError, STACK,
    cipher::Cipher,
    der,
    scrypt::{Cost, scrypt},
};
use pbkdf2::pbkdf2_hmac;
use pkcs5::pbes2::{self, Kdf, PBES2_OID, Pbkdf2Params, Pbkdf2Prf, ScryptParams};
use pkcs8::{
    der::{
        Decode, Tag,
        asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
    },
    spki::AlgorithmIdentifierRef,
};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use ssh_crypto::{
    PrivateKey, on_wiped_stack,
    rust_crypto::legacy::{AES128_CBC, AES192_CBC, AES256_CBC, TRIPLE_DES_CBC},
};
use zeroize::Zeroizing;

/// How many iterations of PBKDF2 are run at most.
const MAX_ITERATIONS: u32 = 10_000_000;
/// How much memory scrypt gets at most.
const MAX_MEMORY: u64 = 256 << 20;
/// How many bytes of memory scrypt may mix at most, all lanes together.
const MAX_WORK: u64 = 4 << 30;

/// What is needed to open an encrypted file.
pub(super) struct Encrypted {
    kdf: Kdf,
    cipher: Cipher,
    iv: Vec<u8>,
    data: Vec<u8>,
}

impl Encrypted {
    /// Reads `EncryptedPrivateKeyInfo`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let (scheme, data) = pair::<AlgorithmIdentifierRef<'_>, &OctetStringRef>(AnyRef::from_der(bytes))
            .map_err(der::within("EncryptedPrivateKeyInfo"))?;
        if scheme.oid != PBES2_OID {
            return Err(KeyFileError::unsupported(format!("encryption scheme {}", scheme.oid)));
        }
        let parameters = scheme.parameters.ok_or_else(|| Tag::Sequence.value_error().into());
        let (kdf, encryption): (AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>) =
            pair(parameters).map_err(der::within("PBES2-params"))?;
        let kdf = Kdf::try_from(kdf).map_err(der::within("keyDerivationFunc"))?;
        check_cost(&kdf)?;
        let cipher = cipher(encryption.oid)?;
        if kdf.key_length().is_some_and(|len| usize::from(len) != cipher.key_len()) {
            return Err(KeyFileError::damaged("keyLength is another than the cipher's"));
        }
        let iv = encryption.parameters.and_then(|iv| iv.decode_as::<&OctetStringRef>().ok());
        let iv = iv
            .map(OctetStringRef::as_bytes)
            .filter(|iv| iv.len() == cipher.iv_len())
            .ok_or_else(|| KeyFileError::damaged("initialization vector in encryptionScheme"))?;
        Ok(Self { kdf, cipher, iv: iv.to_vec(), data: data.as_bytes().to_vec() })
    }

    /// The private key.
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKey, KeyFileError> {
        let key = derive(passphrase, &self.kdf, self.cipher.key_len())?;
        let mut data = Zeroizing::new(self.data.clone());
        // Most ciphers don't authenticate the plaintext: what is no padded DER is taken for a wrong passphrase's.
        let plain = self.cipher.open(&key, &self.iv, &mut data).ok();
        let plain =
            plain.filter(|plain| der::is_sequence(plain)).ok_or_else(KeyFileError::wrong_passphrase)?;
        der::decode(Format::Pkcs8, plain)
    }
}

/// Those of RFC 8018 §B.2 that are still in use, and AES-GCM with a whole tag behind the ciphertext.
fn cipher(oid: ObjectIdentifier) -> Result<Cipher, KeyFileError> {
    match oid {
        pbes2::AES_128_CBC_OID => Ok(Cipher::Plain(AES128_CBC)),
        pbes2::AES_192_CBC_OID => Ok(Cipher::Plain(AES192_CBC)),
        pbes2::AES_256_CBC_OID => Ok(Cipher::Plain(AES256_CBC)),
        pbes2::AES_128_GCM_OID => Ok(Cipher::Aes128Gcm),
        pbes2::AES_256_GCM_OID => Ok(Cipher::Aes256Gcm),
        DES_EDE3_CBC_OID => Ok(Cipher::Plain(TRIPLE_DES_CBC)),
        oid => Err(KeyFileError::unsupported(format!("algorithm {oid}"))),
    }
}

/// RFC 8018 §B.2.2.
const DES_EDE3_CBC_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

fn derive(passphrase: &[u8], kdf: &Kdf, len: usize) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut key = Zeroizing::new(vec![0; len]);
    on_wiped_stack::<STACK, _>(|| match kdf {
        Kdf::Pbkdf2(parameters) => derive_by_pbkdf2(passphrase, parameters, &mut key),
        Kdf::Scrypt(parameters) => derive_by_scrypt(passphrase, parameters, &mut key),
        other => Err(unsupported_kdf(other)),
    })?;
    Ok(key)
}

/// RFC 8018 §5.2.
fn derive_by_pbkdf2(
    passphrase: &[u8],
    parameters: &Pbkdf2Params,
    key: &mut [u8],
) -> Result<(), KeyFileError> {
    let derive = match parameters.prf {
        Pbkdf2Prf::HmacWithSha1 => pbkdf2_hmac::<Sha1>,
        Pbkdf2Prf::HmacWithSha224 => pbkdf2_hmac::<Sha224>,
        Pbkdf2Prf::HmacWithSha256 => pbkdf2_hmac::<Sha256>,
        Pbkdf2Prf::HmacWithSha384 => pbkdf2_hmac::<Sha384>,
        Pbkdf2Prf::HmacWithSha512 => pbkdf2_hmac::<Sha512>,
        other => return Err(KeyFileError::unsupported(format!("algorithm {}", other.oid()))),
    };
    derive(passphrase, parameters.salt.as_bytes(), parameters.iteration_count, key);
    Ok(())
}

/// RFC 7914 §6.
fn derive_by_scrypt(
    passphrase: &[u8],
    parameters: &ScryptParams,
    key: &mut [u8],
) -> Result<(), KeyFileError> {
    let ScryptParams { salt, cost_parameter, block_size, parallelization, .. } = parameters;
    let cost = Cost::new(*cost_parameter, *block_size, *parallelization)
        .ok_or_else(|| KeyFileError::damaged("parameters of scrypt"))?;
    scrypt(passphrase, salt.as_bytes(), cost, key);
    Ok(())
}

/// The two fields of a SEQUENCE.
fn pair<'a, A, B>(sequence: pkcs8::der::Result<AnyRef<'a>>) -> pkcs8::der::Result<(A, B)>
where
    A: Decode<'a, Error = pkcs8::der::Error>,
    B: Decode<'a, Error = pkcs8::der::Error>,
{
    sequence?.sequence(|reader| Ok((A::decode(reader)?, B::decode(reader)?)))
}

fn check_cost(kdf: &Kdf) -> Result<(), KeyFileError> {
    match kdf {
        Kdf::Pbkdf2(parameters) if parameters.iteration_count > MAX_ITERATIONS => {
            let count = parameters.iteration_count;
            Err(KeyFileError::too_costly(format!(
                "{count} iterations of PBKDF2, at most {MAX_ITERATIONS} are run"
            )))
        }
        Kdf::Scrypt(parameters) => {
            // RFC 7914 §2: p lanes of 128 r bytes, and N times as many as in one, which each is mixed with.
            let [r, p] = [parameters.block_size, parameters.parallelization].map(u64::from);
            let memory = parameters.cost_parameter.saturating_add(p).saturating_mul(128 * r);
            let work = memory.saturating_mul(p);
            if memory > MAX_MEMORY || work > MAX_WORK {
                let detail = format!("scrypt with {memory} bytes of memory, {work} to mix");
                return Err(KeyFileError::too_costly(detail));
            }
            Ok(())
        }
        Kdf::Pbkdf2(_) => Ok(()),
        other => Err(unsupported_kdf(other)),
    }
}

fn unsupported_kdf(kdf: &Kdf) -> KeyFileError {
    KeyFileError::unsupported(format!("key derivation {}", kdf.oid()))
}
