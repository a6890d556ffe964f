//! HMAC (RFC 2104, RFC 6668) from AWS-LC.

use crate::{
    Mac, MacAlgorithm,
    mac::hmac::{Hmac, truncate},
};
use aws_lc_rs::hmac::{Algorithm, Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512, Key};

/// `hmac-sha2-256`.
pub static HMAC_SHA2_256: &dyn MacAlgorithm = &Hmac::new("hmac-sha2-256", 32, sha256);
/// `hmac-sha2-512`.
pub static HMAC_SHA2_512: &dyn MacAlgorithm = &Hmac::new("hmac-sha2-512", 64, sha512);
/// `hmac-sha1`.
pub static HMAC_SHA1: &dyn MacAlgorithm = &Hmac::new("hmac-sha1", 20, sha1);
/// `hmac-sha2-256-etm@openssh.com`.
pub static HMAC_SHA2_256_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha2-256-etm@openssh.com", 32, sha256).etm();
/// `hmac-sha2-512-etm@openssh.com`.
pub static HMAC_SHA2_512_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha2-512-etm@openssh.com", 64, sha512).etm();
/// `hmac-sha1-etm@openssh.com`.
pub static HMAC_SHA1_ETM: &dyn MacAlgorithm = &Hmac::new("hmac-sha1-etm@openssh.com", 20, sha1).etm();

fn sha256(key: &[u8]) -> Box<dyn Mac> {
    keyed(HMAC_SHA256, key)
}

fn sha512(key: &[u8]) -> Box<dyn Mac> {
    keyed(HMAC_SHA512, key)
}

fn sha1(key: &[u8]) -> Box<dyn Mac> {
    keyed(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)
}

fn keyed(algorithm: Algorithm, key: &[u8]) -> Box<dyn Mac> {
    Box::new(Keyed(Key::new(algorithm, key)))
}

/// The key's two blocks are hashed already; each packet starts from a copy.
struct Keyed(Key);

impl Mac for Keyed {
    fn sign(&mut self, seq: u32, packet: &[u8], tag: &mut [u8]) {
        let mut context = Context::with_key(&self.0);
        context.update(&seq.to_be_bytes());
        context.update(packet);
        truncate(context.sign().as_ref(), tag);
    }
}
