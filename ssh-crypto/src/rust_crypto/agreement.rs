//! X25519 and ECDH on the NIST curves.

use crate::{
    Curve, Ephemeral, KexError, KeyAgreement, Secret, SecureRandom, agreement,
    stack::{CURVE, on_wiped_stack},
};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, PublicKey, SecretKey,
    sec1::{FromSec1Point, ModulusSize, ToSec1Point},
};
use std::{fmt, marker::PhantomData};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

/// X25519 (RFC 7748 §5).
pub static X25519: &dyn KeyAgreement = &X25519Agreement;
/// ECDH on nistp256 (RFC 5656 §4).
pub static NISTP256: &dyn KeyAgreement = &Ecdh::<p256::NistP256>::new(Curve::P256);
/// ECDH on nistp384 (RFC 5656 §4).
pub static NISTP384: &dyn KeyAgreement = &Ecdh::<p384::NistP384>::new(Curve::P384);
/// ECDH on nistp521 (RFC 5656 §4).
pub static NISTP521: &dyn KeyAgreement = &Ecdh::<p521::NistP521>::new(Curve::P521);

/// X25519, by `x25519-dalek`.
#[derive(Debug)]
struct X25519Agreement;

impl KeyAgreement for X25519Agreement {
    fn public_len(&self) -> usize {
        32
    }

    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Ephemeral>, KexError> {
        on_wiped_stack::<CURVE, _>(|| {
            let mut bytes = Zeroizing::new([0; 32]);
            random.fill(&mut *bytes)?;
            let secret = StaticSecret::from(*bytes);
            let public = x25519_dalek::PublicKey::from(&secret);
            Ok(Box::new(X25519Ephemeral { secret, public }) as _)
        })
    }
}

struct X25519Ephemeral {
    secret: StaticSecret,
    public: x25519_dalek::PublicKey,
}

impl Ephemeral for X25519Ephemeral {
    fn public(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<Secret, KexError> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| KexError::PublicValue)?;
        on_wiped_stack::<CURVE, _>(|| {
            let shared = self.secret.diffie_hellman(&peer.into());
            // RFC 8731 §3: abort on the all-zero secret.
            if !shared.was_contributory() {
                return Err(KexError::PublicValue);
            }
            Ok(shared.as_bytes().as_slice().into())
        })
    }
}

/// ECDH on a NIST curve.
struct Ecdh<C> {
    curve: Curve,
    arithmetic: PhantomData<fn() -> C>,
}

impl<C> Ecdh<C> {
    const fn new(curve: Curve) -> Self {
        Self { curve, arithmetic: PhantomData }
    }
}

impl<C> fmt::Debug for Ecdh<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ecdh({})", self.curve.name())
    }
}

impl<C> KeyAgreement for Ecdh<C>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    fn public_len(&self) -> usize {
        self.curve.point_len()
    }

    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Ephemeral>, KexError> {
        on_wiped_stack::<CURVE, _>(|| {
            let secret =
                agreement::scalar(self.curve, random, |bytes| SecretKey::<C>::from_slice(bytes).ok())?;
            let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
            Ok(Box::new(EcdhEphemeral { curve: self.curve, secret, public }) as _)
        })
    }
}

struct EcdhEphemeral<C: CurveArithmetic> {
    curve: Curve,
    secret: SecretKey<C>,
    public: Vec<u8>,
}

impl<C> Ephemeral for EcdhEphemeral<C>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<Secret, KexError> {
        if !self.curve.is_uncompressed(peer) {
            return Err(KexError::PublicValue);
        }
        let peer = PublicKey::<C>::from_sec1_bytes(peer).map_err(|_| KexError::PublicValue)?;
        Ok(on_wiped_stack::<CURVE, _>(|| {
            self.secret.diffie_hellman(&peer).raw_secret_bytes().as_slice().into()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn private_values_are_wiped() {
        wiped::<StaticSecret>();
        wiped::<SecretKey<p256::NistP256>>();
        wiped::<SecretKey<p384::NistP384>>();
        wiped::<SecretKey<p521::NistP521>>();
    }
}
