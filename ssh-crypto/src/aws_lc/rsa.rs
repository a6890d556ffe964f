//! RSASSA-PKCS1-v1_5, with what AWS-LC leaves out taken from [`rust_crypto`].

use crate::{
    Hash, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey, key, rust_crypto,
    sign::rsa::{self as shared, Numbers},
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
    RsaParameters, RsaPublicKeyComponents, RsaSignatureEncoding,
};

/// `rsa-sha2-512` (RFC 8332 §3).
pub static RSA_SHA2_512: &dyn SignatureAlgorithm =
    &Rsa { hash: Hash::Sha512, fallback: rust_crypto::RSA_SHA2_512 };
/// `rsa-sha2-256` (RFC 8332 §3).
pub static RSA_SHA2_256: &dyn SignatureAlgorithm =
    &Rsa { hash: Hash::Sha256, fallback: rust_crypto::RSA_SHA2_256 };
/// `ssh-rsa` (RFC 4253 §6.6): with SHA-1, which has no collision resistance left; for old peers.
pub static SSH_RSA: &dyn SignatureAlgorithm = &Rsa { hash: Hash::Sha1, fallback: rust_crypto::SSH_RSA };

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), by AWS-LC where it does it.
///
/// AWS-LC verifies with moduli of 1024 to 8192 bits, and signs with 2048 to 8192 bits, but not over SHA-1: [`rust_crypto`] does the
/// rest.
#[derive(Debug)]
struct Rsa {
    hash: Hash,
    fallback: &'static dyn SignatureAlgorithm,
}

impl SignatureAlgorithm for Rsa {
    fn name(&self) -> &'static str {
        shared::name(self.hash)
    }

    fn key_type(&self) -> &'static str {
        "ssh-rsa"
    }

    fn is_legacy(&self) -> bool {
        self.hash == Hash::Sha1
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let (e, n) = shared::public(self.hash, key)?;
        if !(1024..=8192).contains(&key::bit_len(n)) {
            return self.fallback.verify(key, message, signature);
        }
        let signature = shared::padded(signature, n)?;
        RsaPublicKeyComponents { n, e }
            .verify(verification(self.hash), message, &signature)
            .map_err(|_| SignError::Invalid)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let numbers = shared::private(self.hash, key)?;
        match signing(self.hash) {
            Some(encoding) if (2048..=8192).contains(&key::bit_len(numbers.n)) => {
                Ok(Box::new(RsaKey { encoding, key: prepare(&numbers)? }))
            }
            _ => self.fallback.signing_key(key),
        }
    }
}

fn verification(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        _ => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    }
}

fn signing(hash: Hash) -> Option<&'static RsaSignatureEncoding> {
    match hash {
        Hash::Sha512 => Some(&RSA_PKCS1_SHA512),
        Hash::Sha256 => Some(&RSA_PKCS1_SHA256),
        _ => None,
    }
}

fn prepare(numbers: &Numbers<'_>) -> Result<RsaKeyPair, KeyError> {
    let Numbers { e, n, d, p, q, iqmp } = *numbers;
    let exponents = rust_crypto::rsa::crt_exponents(numbers)?;
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: RsaPublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: &exponents[0],
        dQ: &exponents[1],
        qInv: iqmp,
    })
    .map_err(|_| KeyError::Invalid("the numbers of the rsa private key do not belong together"))
}

struct RsaKey {
    encoding: &'static RsaSignatureEncoding,
    key: RsaKeyPair,
}

impl SigningKey for RsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(self.encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignError::Failed("RSA".to_owned()))?;
        Ok(signature)
    }
}
