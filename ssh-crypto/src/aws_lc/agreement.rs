//! X25519 and ECDH on the NIST curves. Private values come from the [`SecureRandom`] given.

use crate::{
    Curve, Ephemeral, KexError, KeyAgreement, Secret, SecureRandom, agreement,
    stack::{CURVE, on_wiped_stack},
};
use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, PublicKey, UnparsedPublicKey,
    X25519 as CURVE25519, agree,
};
use zeroize::Zeroizing;

/// X25519 (RFC 7748 §5).
pub static X25519: &dyn KeyAgreement = &X25519Agreement;
/// ECDH on nistp256 (RFC 5656 §4).
pub static NISTP256: &dyn KeyAgreement = &Ecdh { curve: Curve::P256, algorithm: &ECDH_P256 };
/// ECDH on nistp384 (RFC 5656 §4).
pub static NISTP384: &dyn KeyAgreement = &Ecdh { curve: Curve::P384, algorithm: &ECDH_P384 };
/// ECDH on nistp521 (RFC 5656 §4).
pub static NISTP521: &dyn KeyAgreement = &Ecdh { curve: Curve::P521, algorithm: &ECDH_P521 };

/// X25519, by AWS-LC.
#[derive(Debug)]
struct X25519Agreement;

impl KeyAgreement for X25519Agreement {
    fn public_len(&self) -> usize {
        32
    }

    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Ephemeral>, KexError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes)?;
        let secret = PrivateKey::from_private_key(&CURVE25519, &*bytes)
            .map_err(|_| KexError::Internal("X25519 key generation"))?;
        Private::boxed(secret, None)
    }
}

/// ECDH on a NIST curve, by AWS-LC.
#[derive(Debug)]
struct Ecdh {
    curve: Curve,
    algorithm: &'static Algorithm,
}

impl KeyAgreement for Ecdh {
    fn public_len(&self) -> usize {
        self.curve.point_len()
    }

    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Ephemeral>, KexError> {
        let secret = agreement::scalar(self.curve, random, |bytes| {
            PrivateKey::from_private_key(self.algorithm, bytes).ok()
        })?;
        Private::boxed(secret, Some(self.curve))
    }
}

struct Private {
    secret: PrivateKey,
    public: PublicKey,
    /// `None` is Curve25519.
    curve: Option<Curve>,
}

impl Private {
    fn boxed(secret: PrivateKey, curve: Option<Curve>) -> Result<Box<dyn Ephemeral>, KexError> {
        let public =
            secret.compute_public_key().map_err(|_| KexError::Internal("computing the public value"))?;
        Ok(Box::new(Self { secret, public, curve }))
    }
}

impl Ephemeral for Private {
    fn public(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<Secret, KexError> {
        // AWS-LC would take other encodings as well.
        if !self.curve.map_or(peer.len() == 32, |curve| curve.is_uncompressed(peer)) {
            return Err(KexError::PublicValue);
        }
        let peer = UnparsedPublicKey::new(self.secret.algorithm(), peer);
        // It refuses points off the curve and, as RFC 8731 §3 demands, the all-zero secret.
        on_wiped_stack::<CURVE, _>(|| {
            agree(&self.secret, peer, KexError::PublicValue, |secret| Ok(secret.into()))
        })
    }
}
