//! The fast back end: AWS-LC.

mod agreement;
mod chacha;
mod ctr;
mod ecdsa;
mod ed25519;
pub(crate) mod gcm;
mod hmac;
mod kem;
mod rsa;

pub use agreement::{NISTP256, NISTP384, NISTP521, X25519};
pub use chacha::CHACHA20_POLY1305;
pub use ctr::{AES128_CTR, AES192_CTR, AES256_CTR};
pub use ecdsa::{ECDSA_NISTP256, ECDSA_NISTP384, ECDSA_NISTP521, SK_ECDSA_NISTP256};
pub use ed25519::{ED25519, SK_ED25519};
pub use gcm::{AES128_GCM, AES256_GCM};
pub use hmac::{
    HMAC_SHA1, HMAC_SHA1_ETM, HMAC_SHA2_256, HMAC_SHA2_256_ETM, HMAC_SHA2_512, HMAC_SHA2_512_ETM,
};
pub use kem::{MLKEM768, MLKEM1024};
pub use rsa::{RSA_SHA2_256, RSA_SHA2_512, SSH_RSA};

pub use crate::rust_crypto::{MLDSA44_ED25519, SNTRUP761, SSH_DSS, UMAC_128, UMAC_128_ETM, legacy};

use crate::{Cipher, MacAlgorithm, Provider, SignatureAlgorithm, rust_crypto};

pub(crate) use crate::rust_crypto::digest;

/// All suites of this back end, the best first and the [legacy ones of RustCrypto](legacy) last, without key exchange
/// methods.
pub fn provider() -> Provider {
    Provider {
        signatures: SIGNATURES.as_slice().into(),
        ciphers: [&CIPHERS[..], &legacy::ciphers()].concat().into(),
        macs: [&MACS[..], &legacy::macs()].concat().into(),
        ..rust_crypto::provider()
    }
}

/// AES first: where there are instructions for it, GCM is several times as fast as ChaCha20-Poly1305.
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
