//! The pure Rust back end: RustCrypto and dalek.

mod agreement;
pub(crate) mod chacha;
mod ctr;
mod dsa;
pub(crate) mod ecdsa;
pub(crate) mod ed25519;
pub(crate) mod gcm;
mod hmac;
mod kem;
pub mod legacy;
pub(crate) mod mldsa;
pub(crate) mod rsa;
mod sntrup761;

pub use crate::mac::umac::{UMAC_128, UMAC_128_ETM};
pub use agreement::{NISTP256, NISTP384, NISTP521, X25519};
pub use chacha::CHACHA20_POLY1305;
pub use ctr::{AES128_CTR, AES192_CTR, AES256_CTR};
pub use dsa::SSH_DSS;
pub use ecdsa::{ECDSA_NISTP256, ECDSA_NISTP384, ECDSA_NISTP521, SK_ECDSA_NISTP256};
pub use ed25519::{ED25519, SK_ED25519};
pub use gcm::{AES128_GCM, AES256_GCM};
pub use hmac::{
    HMAC_SHA1, HMAC_SHA1_ETM, HMAC_SHA2_256, HMAC_SHA2_256_ETM, HMAC_SHA2_512, HMAC_SHA2_512_ETM,
};
pub use kem::{MLKEM768, MLKEM1024};
pub use mldsa::MLDSA44_ED25519;
pub use rsa::{RSA_SHA2_256, RSA_SHA2_512, SSH_RSA};
pub use sntrup761::SNTRUP761;

use crate::{
    Cipher, Digest, Hash, MacAlgorithm, Provider, SignatureAlgorithm, compression, random::SystemRandom,
};
use zeroize::Zeroize;

/// All suites of this back end, the best first and the [legacy ones](legacy) last, without key exchange methods.
pub fn provider() -> Provider {
    Provider {
        kex: [].as_slice().into(),
        signatures: SIGNATURES.as_slice().into(),
        ciphers: [&CIPHERS[..], &legacy::ciphers()].concat().into(),
        macs: [&MACS[..], &legacy::macs()].concat().into(),
        compression: compression::ALL.as_slice().into(),
        random: &SystemRandom,
    }
}

/// For both back ends: what is hashed apart from packets is short, and keys are derived from it. This one wipes what it
/// leaves behind; the digest type of `aws-lc-rs` does not.
pub(crate) fn digest(hash: Hash, parts: &[&[u8]]) -> Digest {
    fn run<D: sha1::Digest>(parts: &[&[u8]]) -> Digest {
        let mut hasher = D::new();
        parts.iter().for_each(|part| hasher.update(part));
        let mut output = hasher.finalize();
        let digest = Digest::new(&output);
        output.as_mut_slice().zeroize();
        digest
    }
    match hash {
        Hash::Sha1 => run::<sha1::Sha1>(parts),
        Hash::Sha256 => run::<sha2::Sha256>(parts),
        Hash::Sha384 => run::<sha2::Sha384>(parts),
        Hash::Sha512 => run::<sha2::Sha512>(parts),
    }
}

/// In the order of the other back end, for the peer's is the fast one more often than not.
static CIPHERS: [Cipher; 6] = [
    Cipher::Aead(AES128_GCM),
    Cipher::Aead(AES256_GCM),
    Cipher::Aead(CHACHA20_POLY1305),
    Cipher::Plain(AES128_CTR),
    Cipher::Plain(AES192_CTR),
    Cipher::Plain(AES256_CTR),
];

static MACS: [&dyn MacAlgorithm; 8] = [
    HMAC_SHA2_256_ETM,
    HMAC_SHA2_512_ETM,
    UMAC_128_ETM,
    HMAC_SHA2_256,
    HMAC_SHA2_512,
    UMAC_128,
    HMAC_SHA1_ETM,
    HMAC_SHA1,
];

/// The last two are legacy.
static SIGNATURES: [&dyn SignatureAlgorithm; 11] = [
    ED25519,
    ECDSA_NISTP256,
    ECDSA_NISTP384,
    ECDSA_NISTP521,
    RSA_SHA2_512,
    RSA_SHA2_256,
    SK_ED25519,
    SK_ECDSA_NISTP256,
    MLDSA44_ED25519,
    SSH_RSA,
    SSH_DSS,
];
