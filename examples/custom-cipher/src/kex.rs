//! A key exchange method: X25519 and ECDH on nistp256 beside each other, so that either may be broken.

use ssh_crypto::{
    Agreed, Ephemeral, Hash, KexAlgorithm, KexError, KexMethod, Proof, Secret, SecureRandom, Step,
    backend::{NISTP256, X25519},
    wire::{
        Encode, Message,
        message::kex::{EcdhInit, EcdhReply},
        number,
    },
};

/// `toy-x25519-nistp256-sha512@example.com`: the messages of RFC 5656 §4, in which each public value is one of X25519
/// and one of nistp256 behind it. K is the SHA-512 of both secrets, as a `string`, as with the hybrids of
/// draft-ietf-sshm-mlkem-hybrid-kex.
pub static TOY_X25519_NISTP256_SHA512: ToyKex = ToyKex;

/// The type of [`TOY_X25519_NISTP256_SHA512`].
#[derive(Debug, Clone, Copy)]
pub struct ToyKex;

impl KexAlgorithm for ToyKex {
    fn name(&self) -> &'static str {
        "toy-x25519-nistp256-sha512@example.com"
    }

    fn hash(&self) -> Hash {
        Hash::Sha512
    }

    fn client(&self, random: &'static dyn SecureRandom) -> Result<(Box<dyn KexMethod>, Vec<u8>), KexError> {
        let private = Private::generate(random)?;
        let message = EcdhInit { q_c: &private.public() }.to_payload();
        Ok((Box::new(Client(Some(private))), message))
    }

    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError> {
        Ok(Box::new(Server(Some(Private::generate(random)?))))
    }
}

/// The client, until the server has answered.
struct Client(Option<Private>);

impl KexMethod for Client {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let (private, public) = take(&mut self.0, payload, number::KEX_ECDH_REPLY)?;
        let EcdhReply { host_key, q_s, signature } = EcdhReply::parse(payload)?;
        // The engine verifies the signature, and asks whether the key is the right one.
        let proof = Proof::Received { host_key: host_key.to_vec(), signature: signature.to_vec() };
        Ok(Step::Agreed(Agreed { exchange: exchange(&public, q_s), secret: private.agree(q_s)?, proof }))
    }
}

/// The server, until the client has asked.
struct Server(Option<Private>);

impl KexMethod for Server {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let (private, public) = take(&mut self.0, payload, number::KEX_ECDH_INIT)?;
        let EcdhInit { q_c } = EcdhInit::parse(payload)?;
        let exchange = exchange(q_c, &public);
        let mut encoded = Vec::new();
        public.as_slice().encode(&mut encoded);
        // The engine puts the host key before it and the signature behind.
        let proof = Proof::ToSend { number: number::KEX_ECDH_REPLY, public: encoded };
        Ok(Step::Agreed(Agreed { exchange, secret: private.agree(q_c)?, proof }))
    }
}

/// The private values, which serve once, and the public one. A message of another number than `expected` has no place.
fn take(private: &mut Option<Private>, payload: &[u8], expected: u8) -> Result<(Private, Vec<u8>), KexError> {
    let number = payload.first().copied().unwrap_or_default();
    let private = private.take().filter(|_| number == expected).ok_or(KexError::Unexpected(number))?;
    let public = private.public();
    Ok((private, public))
}

/// What the exchange hash takes: both public values.
fn exchange(client: &[u8], server: &[u8]) -> Vec<u8> {
    let mut exchange = Vec::new();
    client.encode(&mut exchange);
    server.encode(&mut exchange);
    exchange
}

/// A private value on each curve.
struct Private {
    x25519: Box<dyn Ephemeral>,
    nistp256: Box<dyn Ephemeral>,
}

impl Private {
    fn generate(random: &dyn SecureRandom) -> Result<Self, KexError> {
        Ok(Self { x25519: X25519.generate(random)?, nistp256: NISTP256.generate(random)? })
    }

    fn public(&self) -> Vec<u8> {
        [self.x25519.public(), self.nistp256.public()].concat()
    }

    /// Values that are off their curve or lead to zero are refused by `agree`; those of the wrong size here.
    fn agree(self, peer: &[u8]) -> Result<Secret, KexError> {
        let (x25519, nistp256) = peer.split_at_checked(X25519.public_len()).ok_or(KexError::PublicValue)?;
        let secrets = [self.x25519.agree(x25519)?, self.nistp256.agree(nistp256)?];
        let digest = Hash::Sha512.digest(&[&secrets[0], &secrets[1]]);
        // As large as it gets, so that no copy is left behind when it grows.
        let mut encoded = Vec::with_capacity(4 + digest.len());
        digest.encode(&mut encoded);
        Ok(Secret::new(encoded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_crypto::random::SystemRandom;

    fn agreed(step: Result<Step, KexError>) -> Agreed {
        match step {
            Ok(Step::Agreed(agreed)) => agreed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_sides_agree() {
        let (mut client, init) = ToyKex.client(&SystemRandom).unwrap();
        let server = agreed(ToyKex.server(&SystemRandom).unwrap().handle(&init));
        let Proof::ToSend { number, public } = &server.proof else { panic!("{server:?}") };
        let mut reply = vec![*number];
        b"host key".as_slice().encode(&mut reply);
        reply.extend_from_slice(public);
        b"signature".as_slice().encode(&mut reply);
        let client_agreed = agreed(client.handle(&reply));
        assert_eq!((&client_agreed.secret, &client_agreed.exchange), (&server.secret, &server.exchange));
        assert_eq!(client_agreed.secret.len(), 4 + 64);
        assert!(matches!(client.handle(&reply), Err(KexError::Unexpected(31))), "once is enough");
    }

    #[test]
    fn bad_public_values_are_refused() {
        let good = Private::generate(&SystemRandom).unwrap().public();
        let refused = |q_c: &[u8]| {
            let mut server = ToyKex.server(&SystemRandom).unwrap();
            matches!(server.handle(&EcdhInit { q_c }.to_payload()), Err(KexError::PublicValue))
        };
        assert!(!refused(&good));
        for len in (0..good.len()).chain([good.len() + 1]) {
            let mut other = good.clone();
            other.resize(len, 0);
            assert!(refused(&other), "{len} bytes");
        }
        let mut zero = good.clone();
        zero[..32].fill(0);
        assert!(refused(&zero), "leads to zero");
        let mut off = good;
        off[96] ^= 1;
        assert!(refused(&off), "off the curve");
    }
}
