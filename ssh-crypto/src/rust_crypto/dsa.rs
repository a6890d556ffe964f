//! DSA, for old peers. Nonces are deterministic (RFC 6979).

use super::digest;
use crate::{
    Hash, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey, key, sign::wrong_key,
};
use crypto_bigint::{
    BoxedUint, Resize,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use dsa::{Components, Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use zeroize::Zeroizing;

/// `ssh-dss` (RFC 4253 §6.6): 1024 bits and SHA-1 are out of reach of nobody with means; for old peers.
pub static SSH_DSS: &dyn SignatureAlgorithm = &Dsa;

/// DSA (FIPS 186-4 §4) with SHA-1, by `dsa`.
#[derive(Debug)]
struct Dsa;

impl SignatureAlgorithm for Dsa {
    fn name(&self) -> &'static str {
        "ssh-dss"
    }

    fn key_type(&self) -> &'static str {
        "ssh-dss"
    }

    fn is_legacy(&self) -> bool {
        true
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::Dsa { p, q, g, y } = key else {
            return Err(wrong_key(self.name(), key));
        };
        let key = verifying_key(p, q, g, y)?;
        if signature.len() != 2 * HALF {
            return Err(SignError::Invalid);
        }
        let [r, s] = [&signature[..HALF], &signature[HALF..]].map(BoxedUint::from_be_slice_vartime);
        let signature = Signature::from_components(r, s).ok_or(SignError::Invalid)?;
        let digest = digest(Hash::Sha1, &[message]);
        key.verify_prehash(&digest, &signature).map_err(|_| SignError::Invalid)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let PrivateKey::Dsa { p, q, g, y, x } = key else {
            return Err(wrong_key(self.name(), &key.public_key()));
        };
        let key = verifying_key(p, q, g, y)?;
        // At the size of p, for the public value is computed with it.
        let bits = key.components().p().bits_precision();
        let x = Zeroizing::new(BoxedUint::from_be_slice(x, bits).map_err(|_| INCONSISTENT)?);
        let g = BoxedMontyForm::new(
            key.components().g().as_ref().clone(),
            &BoxedMontyParams::new(key.components().p().clone()),
        );
        if g.pow(&x).retrieve() != **key.y() {
            return Err(INCONSISTENT.into());
        }
        let x = (&*x).try_resize(key.components().q().bits_precision()).ok_or(INCONSISTENT)?;
        let key = dsa::SigningKey::from_components(key, x).map_err(|_| INCONSISTENT)?;
        Ok(Box::new(DsaKey(key)))
    }
}

/// r and s are of 160 bits, whatever their value.
const HALF: usize = 20;

const INCONSISTENT: KeyError = KeyError::Invalid("the numbers of the dsa key do not belong together");

fn verifying_key(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Result<VerifyingKey, KeyError> {
    key::check_dsa(p, q, g, y)?;
    let p = BoxedUint::from_be_slice_vartime(p);
    let bits = p.bits_precision();
    let number = |bytes| BoxedUint::from_be_slice(bytes, bits).map_err(|_| INCONSISTENT);
    let (g, y) = (number(g)?, number(y)?);
    let components = Components::from_components_unchecked(p, BoxedUint::from_be_slice_vartime(q), g);
    VerifyingKey::from_components(components.map_err(|_| INCONSISTENT)?, y).map_err(|_| INCONSISTENT)
}

struct DsaKey(dsa::SigningKey);

impl SigningKey for DsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = digest(Hash::Sha1, &[message]);
        let signature = self.0.sign_prehashed_rfc6979::<sha1::Sha1>(&digest);
        let signature = signature.map_err(|_| SignError::Failed("DSA".to_owned()))?;
        let mut fixed = Vec::with_capacity(2 * HALF);
        for number in [signature.r(), signature.s()] {
            let bytes = number.to_be_bytes();
            fixed.extend_from_slice(&bytes[bytes.len() - HALF..]);
        }
        Ok(fixed)
    }
}
