//! Key encapsulation beside Diffie-Hellman, so that either may be broken (draft-ietf-sshm-mlkem-hybrid-kex,
//! draft-ietf-sshm-ntruprime-ssh).

use super::ecdh::{Ecdh, Offer, Scheme};
use ssh_crypto::{
    Hash,
    Kem,
    KexError,
    KeyAgreement,
    Secret,
    SecureRandom,
    backend,
    // AWS-LC's draws from a generator that is first seeded from the jitter of the clock, which costs every process more than
    // it takes to connect and log in.
    rust_crypto::{MLKEM768, MLKEM1024},
};
use ssh_wire::Encode;

/// `mlkem768x25519-sha256`.
pub static MLKEM768X25519_SHA256: Ecdh<Hybrid> = Ecdh::new(
    "mlkem768x25519-sha256",
    Hash::Sha256,
    Hybrid { kem: MLKEM768, curve: backend::X25519, hash: Hash::Sha256 },
);

/// `mlkem768nistp256-sha256`.
pub static MLKEM768NISTP256_SHA256: Ecdh<Hybrid> = Ecdh::new(
    "mlkem768nistp256-sha256",
    Hash::Sha256,
    Hybrid { kem: MLKEM768, curve: backend::NISTP256, hash: Hash::Sha256 },
);
/// `mlkem1024nistp384-sha384`.
pub static MLKEM1024NISTP384_SHA384: Ecdh<Hybrid> = Ecdh::new(
    "mlkem1024nistp384-sha384",
    Hash::Sha384,
    Hybrid { kem: MLKEM1024, curve: backend::NISTP384, hash: Hash::Sha384 },
);

/// `sntrup761x25519-sha512` (draft-ietf-sshm-ntruprime-ssh).
pub static SNTRUP761X25519_SHA512: Ecdh<Hybrid> =
    Ecdh::new("sntrup761x25519-sha512", Hash::Sha512, SNTRUP761X25519);
/// `sntrup761x25519-sha512@openssh.com`, the same under the name of before its standard.
pub static SNTRUP761X25519_SHA512_OPENSSH: Ecdh<Hybrid> =
    Ecdh::new("sntrup761x25519-sha512@openssh.com", Hash::Sha512, SNTRUP761X25519);

const SNTRUP761X25519: Hybrid =
    Hybrid { kem: backend::SNTRUP761, curve: backend::X25519, hash: Hash::Sha512 };

/// A key encapsulation mechanism and a curve: the strings of both, one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Hybrid {
    kem: &'static dyn Kem,
    curve: &'static dyn KeyAgreement,
    /// Makes one secret of both.
    hash: Hash,
}

impl Hybrid {
    /// K = HASH(K_PQ || K_CL), as a `string`.
    fn secret(self, kem: &Secret, curve: &Secret) -> Secret {
        let digest = self.hash.digest(&[kem, curve]);
        let mut encoded = Vec::with_capacity(4 + digest.len());
        digest.encode(&mut encoded);
        Secret::new(encoded)
    }
}

impl Scheme for Hybrid {
    /// C_INIT: encapsulation key, then public value.
    fn offer(&self, random: &dyn SecureRandom) -> Result<Offer, KexError> {
        let hybrid = *self;
        let decapsulate = hybrid.kem.generate(random)?;
        let ephemeral = hybrid.curve.generate(random)?;
        let string = [decapsulate.public(), ephemeral.public()].concat();
        let finish = move |server: &[u8]| {
            let (ciphertext, public) = split(server, hybrid.kem.ciphertext_len(), hybrid.curve.public_len())?;
            let kem = decapsulate.decapsulate(ciphertext)?;
            let curve = ephemeral.agree(public)?;
            Ok(hybrid.secret(&kem, &curve))
        };
        Ok(Offer { string, finish: Box::new(finish) })
    }

    /// S_REPLY: ciphertext, then public value.
    fn answer(&self, client: &[u8], random: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError> {
        let (encapsulation_key, public) = split(client, self.kem.public_len(), self.curve.public_len())?;
        let (ciphertext, kem) = self.kem.encapsulate(encapsulation_key, random)?;
        let ephemeral = self.curve.generate(random)?;
        let string = [&ciphertext, ephemeral.public()].concat();
        let curve = ephemeral.agree(public)?;
        Ok((string, self.secret(&kem, &curve)))
    }
}

/// The two halves of a string, which must be of exactly these sizes.
fn split(string: &[u8], kem: usize, curve: usize) -> Result<(&[u8], &[u8]), KexError> {
    match string.split_at_checked(kem) {
        Some((first, second)) if second.len() == curve => Ok((first, second)),
        _ => Err(KexError::PublicValue),
    }
}
