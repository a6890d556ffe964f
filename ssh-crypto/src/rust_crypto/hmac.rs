//! HMAC (RFC 2104, RFC 6668) from `hmac`.

use crate::{
    Mac, MacAlgorithm,
    cipher::Refuse,
    mac::hmac::{Hmac, truncate},
    stack::{MAC, on_wiped_stack},
};
use hmac::{EagerHash, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// `hmac-sha2-256`.
pub static HMAC_SHA2_256: &dyn MacAlgorithm = &Hmac::new("hmac-sha2-256", 32, keyed::<Sha256>);
/// `hmac-sha2-512`.
pub static HMAC_SHA2_512: &dyn MacAlgorithm = &Hmac::new("hmac-sha2-512", 64, keyed::<Sha512>);
/// `hmac-sha1`.
pub static HMAC_SHA1: &dyn MacAlgorithm = &Hmac::new("hmac-sha1", 20, keyed::<Sha1>);
/// `hmac-sha2-256-etm@openssh.com`.
pub static HMAC_SHA2_256_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha2-256-etm@openssh.com", 32, keyed::<Sha256>).etm();
/// `hmac-sha2-512-etm@openssh.com`.
pub static HMAC_SHA2_512_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha2-512-etm@openssh.com", 64, keyed::<Sha512>).etm();
/// `hmac-sha1-etm@openssh.com`.
pub static HMAC_SHA1_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha1-etm@openssh.com", 20, keyed::<Sha1>).etm();

pub(super) fn keyed<D>(key: &[u8]) -> Box<dyn Mac>
where
    D: EagerHash,
    hmac::Hmac<D>: Send + 'static,
{
    match hmac::Hmac::<D>::new_from_slice(key) {
        Ok(mac) => Box::new(Keyed(mac)),
        Err(_) => Box::new(Refuse),
    }
}

/// The key's two blocks are hashed already; each packet starts from a copy.
struct Keyed<D: EagerHash>(hmac::Hmac<D>);

impl<D: EagerHash> Mac for Keyed<D>
where
    hmac::Hmac<D>: Send,
{
    fn sign(&mut self, seq: u32, packet: &[u8], tag: &mut [u8]) {
        on_wiped_stack::<MAC, _>(|| {
            let mut mac = self.0.clone();
            mac.update(&seq.to_be_bytes());
            mac.update(packet);
            truncate(&mac.finalize().into_bytes(), tag);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe themselves only. `Hmac` does not say so, but consists of nothing but hash states.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<Sha1>();
        wiped::<Sha256>();
        wiped::<Sha512>();
    }
}
