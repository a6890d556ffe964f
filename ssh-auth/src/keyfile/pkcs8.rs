//! Encrypted PKCS#8 (RFC 5958 §3) by PBES2 (RFC 8018 §6.2).

use super::{Format, KeyFileError, der};
use pkcs8::{
    der::{
        Decode, Tag,
        asn1::{AnyRef, OctetStringRef},
    },
    pkcs5::{
        self,
        pbes2::{DES_EDE3_CBC_OID, EncryptionScheme, Kdf, PBES2_OID, Parameters},
    },
    spki::AlgorithmIdentifierRef,
};
use ssh_crypto::PrivateKey;
use zeroize::Zeroizing;

/// How many iterations of PBKDF2 are run at most.
const MAX_ITERATIONS: u32 = 10_000_000;
/// How much memory scrypt gets at most.
const MAX_MEMORY: u64 = 256 << 20;
/// How many bytes of memory scrypt may mix at most, all lanes together.
const MAX_WORK: u64 = 4 << 30;

/// What is needed to open an encrypted file.
pub(super) struct Encrypted {
    parameters: Parameters,
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
        // What follows takes 8 bytes for granted.
        if encryption.oid == DES_EDE3_CBC_OID && encryption.parameters.is_none_or(|iv| iv.value().len() != 8)
        {
            return Err(KeyFileError::damaged("initialization vector in encryptionScheme"));
        }
        let encryption = EncryptionScheme::try_from(encryption).map_err(der::within("encryptionScheme"))?;
        Ok(Self { parameters: Parameters { kdf, encryption }, data: data.as_bytes().to_vec() })
    }

    /// The private key.
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<PrivateKey, KeyFileError> {
        let mut data = Zeroizing::new(self.data.clone());
        // Most ciphers don't authenticate the plaintext: what is no padded DER is taken for a wrong passphrase's.
        let plain = self.parameters.decrypt_in_place(passphrase, &mut data).map_err(|error| match error {
            pkcs5::Error::UnsupportedAlgorithm { oid } => {
                KeyFileError::unsupported(format!("algorithm {oid}"))
            }
            pkcs5::Error::AlgorithmParametersInvalid { oid } => {
                KeyFileError::damaged(format!("parameters of algorithm {oid}"))
            }
            _ => KeyFileError::wrong_passphrase(),
        })?;
        if !der::is_sequence(plain) {
            return Err(KeyFileError::wrong_passphrase());
        }
        der::decode(Format::Pkcs8, plain)
    }
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
            // RFC 7914 §2: N blocks of 128 r bytes, once for each of p lanes.
            let memory = parameters.cost_parameter.saturating_mul(128 * u64::from(parameters.block_size));
            let work = memory.saturating_mul(u64::from(parameters.parallelization));
            if memory > MAX_MEMORY || work > MAX_WORK {
                let detail = format!("scrypt with {memory} bytes of memory, {work} to mix");
                return Err(KeyFileError::too_costly(detail));
            }
            Ok(())
        }
        Kdf::Pbkdf2(_) => Ok(()),
        other => Err(KeyFileError::unsupported(format!("key derivation {}", other.oid()))),
    }
}
