//! ML-DSA-44 and Ed25519 together, so that either may be broken: MLDSA44-Ed25519-SHA512 of
//! draft-ietf-lamps-pq-composite-sigs, as draft-miller-sshm-mldsa44-ed25519-composite-sigs has it for SSH.

use super::ed25519;
use crate::{
    Hash, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey,
    sign::wrong_key,
    stack::{ML_DSA, on_wiped_stack},
};
use ed25519_dalek::Signer;
use ml_dsa::{EncodedVerifyingKey, KeyExport, Keypair, MlDsa44, Signature, VerifyingKey};
use zeroize::Zeroizing;

/// `ssh-mldsa44-ed25519`, as OpenSSH names it from 10.6 on.
pub static MLDSA44_ED25519: &dyn SignatureAlgorithm = &MlDsa44Ed25519;

/// ML-DSA-44 (FIPS 204) by `ml-dsa`, without randomness, and Ed25519 by `ed25519-dalek`.
#[derive(Debug)]
struct MlDsa44Ed25519;

/// The size of an ML-DSA-44 public key in bytes; an Ed25519 key of 32 follows it.
const MLDSA_PUBLIC: usize = 1312;
/// The size of an ML-DSA-44 signature in bytes; an Ed25519 signature of 64 follows it.
const MLDSA_SIGNATURE: usize = 2420;
/// The size of each of the two seeds in bytes: that of ML-DSA, then that of Ed25519.
const SEED: usize = 32;

const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";
/// It stands in the message, and is ML-DSA's context.
const LABEL: &[u8] = b"COMPSIG-MLDSA44-Ed25519-SHA512";

impl SignatureAlgorithm for MlDsa44Ed25519 {
    fn name(&self) -> &'static str {
        "ssh-mldsa44-ed25519"
    }

    fn key_type(&self) -> &'static str {
        "ssh-mldsa44-ed25519"
    }

    /// Both signatures must hold.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::MlDsa44Ed25519(key) = key else {
            return Err(wrong_key(self.name(), key));
        };
        let (mldsa_key, ed25519_key) = key.split_at(MLDSA_PUBLIC);
        let (mldsa, ed25519) = signature.split_at_checked(MLDSA_SIGNATURE).ok_or(SignError::Invalid)?;
        let signed = signed(message);
        let encoded = EncodedVerifyingKey::<MlDsa44>::try_from(mldsa_key).map_err(|_| SignError::Invalid)?;
        let mldsa = Signature::<MlDsa44>::try_from(mldsa).map_err(|_| SignError::Invalid)?;
        if !VerifyingKey::<MlDsa44>::decode(&encoded).verify_with_context(&signed, LABEL, &mldsa) {
            return Err(SignError::Invalid);
        }
        let ed25519_key = ed25519_key.try_into().map_err(|_| SignError::Invalid)?;
        ed25519::verify(ed25519_key, &signed, ed25519)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let PrivateKey::MlDsa44Ed25519 { seeds, public } = key else {
            return Err(wrong_key(self.name(), &key.public_key()));
        };
        let seeds =
            (&**seeds).try_into().map_err(|_| KeyError::Invalid("mldsa44-ed25519 seeds are not 64 bytes"))?;
        on_wiped_stack::<ML_DSA, _>(|| {
            let key = Key::new(seeds);
            if key.public() != *public {
                return Err(
                    KeyError::Invalid("mldsa44-ed25519 public key is not that of the private key").into()
                );
            }
            Ok(Box::new(key) as _)
        })
    }
}

/// The public key of the private key derived from these seeds.
pub(crate) fn public(seeds: &[u8; 2 * SEED]) -> Box<[u8; MLDSA_PUBLIC + 32]> {
    on_wiped_stack::<ML_DSA, _>(|| Key::new(seeds).public())
}

/// What both sign.
fn signed(message: &[u8]) -> Vec<u8> {
    // Behind the label the length of SSH's context, which has none.
    [PREFIX, LABEL, &[0], &Hash::Sha512.digest(&[message])].concat()
}

struct Key {
    mldsa: ml_dsa::SigningKey<MlDsa44>,
    ed25519: ed25519_dalek::SigningKey,
}

impl Key {
    fn new(seeds: &[u8; 2 * SEED]) -> Self {
        let mut halves = [Zeroizing::new([0; SEED]), Zeroizing::new([0; SEED])];
        halves.iter_mut().zip(seeds.as_chunks().0).for_each(|(to, from)| **to = *from);
        let mldsa_seed = Zeroizing::new(ml_dsa::Seed::from(*halves[0]));
        Self {
            mldsa: ml_dsa::SigningKey::from_seed(&mldsa_seed),
            ed25519: ed25519_dalek::SigningKey::from_bytes(&halves[1]),
        }
    }

    fn public(&self) -> Box<[u8; MLDSA_PUBLIC + 32]> {
        let mut public = Box::new([0; MLDSA_PUBLIC + 32]);
        public[..MLDSA_PUBLIC].copy_from_slice(&self.mldsa.verifying_key().to_bytes());
        public[MLDSA_PUBLIC..].copy_from_slice(self.ed25519.verifying_key().as_bytes());
        public
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = signed(message);
        on_wiped_stack::<ML_DSA, _>(|| {
            let mldsa = self.mldsa.expanded_key().sign_deterministic(&signed, LABEL);
            let mldsa = mldsa.map_err(|_| SignError::Failed("ML-DSA-44".to_owned()))?;
            Ok([mldsa.encode().as_slice(), &self.ed25519.sign(&signed).to_bytes()].concat())
        })
    }
}
