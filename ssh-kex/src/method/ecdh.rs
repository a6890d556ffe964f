//! Diffie-Hellman on elliptic curves (RFC 5656 §4, RFC 8731), and the flow of messages that the hybrids share with it:
//! one string from the client, one from the server.

use ssh_crypto::{
    Agreed, Ephemeral, Hash, KexAlgorithm, KexError, KexMethod, KeyAgreement, Proof, Secret, SecureRandom,
    Step, backend,
};
use ssh_wire::{
    Encode, Message, Mpint,
    message::kex::{EcdhInit, EcdhReply},
    number,
};
use std::fmt;

/// `curve25519-sha256` (RFC 8731).
pub static CURVE25519_SHA256: Ecdh<Curve> =
    Ecdh { name: "curve25519-sha256", hash: Hash::Sha256, scheme: Curve(backend::X25519) };
/// `curve25519-sha256@libssh.org`, the same under the name of before its standard.
pub static CURVE25519_SHA256_LIBSSH: Ecdh<Curve> =
    Ecdh { name: "curve25519-sha256@libssh.org", hash: Hash::Sha256, scheme: Curve(backend::X25519) };
/// `ecdh-sha2-nistp256` (RFC 5656).
pub static ECDH_SHA2_NISTP256: Ecdh<Curve> =
    Ecdh { name: "ecdh-sha2-nistp256", hash: Hash::Sha256, scheme: Curve(backend::NISTP256) };
/// `ecdh-sha2-nistp384` (RFC 5656).
pub static ECDH_SHA2_NISTP384: Ecdh<Curve> =
    Ecdh { name: "ecdh-sha2-nistp384", hash: Hash::Sha384, scheme: Curve(backend::NISTP384) };
/// `ecdh-sha2-nistp521` (RFC 5656).
pub static ECDH_SHA2_NISTP521: Ecdh<Curve> =
    Ecdh { name: "ecdh-sha2-nistp521", hash: Hash::Sha512, scheme: Curve(backend::NISTP521) };

/// What both sides' strings are, and what secret they make.
pub trait Scheme: fmt::Debug + Send + Sync + 'static {
    /// The client's string, and what takes the server's.
    fn offer(&self, random: &dyn SecureRandom) -> Result<Offer, KexError>;
    /// The server's string in answer to the client's, and the secret as the exchange hash takes it.
    fn answer(&self, client: &[u8], random: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError>;
}

/// A client's half of a [`Scheme`].
pub struct Offer {
    /// The client's string.
    pub string: Vec<u8>,
    /// From the server's string to the secret as the exchange hash takes it.
    pub finish: Finish,
}

/// From the server's string to the secret.
pub type Finish = Box<dyn FnOnce(&[u8]) -> Result<Secret, KexError> + Send>;

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offer({} bytes)", self.string.len())
    }
}

/// A method with the messages of RFC 5656 §4.
#[derive(Debug)]
pub struct Ecdh<S> {
    name: &'static str,
    hash: Hash,
    scheme: S,
}

impl<S: Scheme> Ecdh<S> {
    /// A method of this name.
    pub const fn new(name: &'static str, hash: Hash, scheme: S) -> Self {
        Self { name, hash, scheme }
    }
}

impl<S: Scheme + Copy> KexAlgorithm for Ecdh<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn hash(&self) -> Hash {
        self.hash
    }

    fn client(&self, random: &'static dyn SecureRandom) -> Result<(Box<dyn KexMethod>, Vec<u8>), KexError> {
        let offer = self.scheme.offer(random)?;
        let message = EcdhInit { q_c: &offer.string }.to_payload();
        Ok((Box::new(Client { offer: Some(offer) }), message))
    }

    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError> {
        Ok(Box::new(Server { scheme: self.scheme, random }))
    }
}

struct Client {
    /// Until the server has answered.
    offer: Option<Offer>,
}

impl KexMethod for Client {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        let offer = self.offer.take().ok_or(KexError::Unexpected(number))?;
        if number != number::KEX_ECDH_REPLY {
            return Err(KexError::Unexpected(number));
        }
        let EcdhReply { host_key, q_s, signature } = EcdhReply::parse(payload)?;
        // A value that came back as it was sent is no server's.
        if q_s == offer.string {
            return Err(KexError::PublicValue);
        }
        let exchange = exchange(&offer.string, q_s);
        let secret = (offer.finish)(q_s)?;
        let proof = Proof::Received { host_key: host_key.to_vec(), signature: signature.to_vec() };
        Ok(Step::Agreed(Agreed { exchange, secret, proof }))
    }
}

struct Server<S> {
    scheme: S,
    random: &'static dyn SecureRandom,
}

impl<S: Scheme> KexMethod for Server<S> {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        if number != number::KEX_ECDH_INIT {
            return Err(KexError::Unexpected(number));
        }
        let EcdhInit { q_c } = EcdhInit::parse(payload)?;
        let (q_s, secret) = self.scheme.answer(q_c, self.random)?;
        let mut public = Vec::new();
        q_s.as_slice().encode(&mut public);
        let proof = Proof::ToSend { number: number::KEX_ECDH_REPLY, public };
        Ok(Step::Agreed(Agreed { exchange: exchange(q_c, &q_s), secret, proof }))
    }
}

/// What the exchange hash takes: both strings.
fn exchange(client: &[u8], server: &[u8]) -> Vec<u8> {
    let mut exchange = Vec::new();
    client.encode(&mut exchange);
    server.encode(&mut exchange);
    exchange
}

/// One curve alone.
#[derive(Debug, Clone, Copy)]
pub struct Curve(&'static dyn KeyAgreement);

impl Scheme for Curve {
    fn offer(&self, random: &dyn SecureRandom) -> Result<Offer, KexError> {
        let ephemeral = self.0.generate(random)?;
        let string = ephemeral.public().to_vec();
        let finish = move |server: &[u8]| agree(ephemeral, server);
        Ok(Offer { string, finish: Box::new(finish) })
    }

    fn answer(&self, client: &[u8], random: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError> {
        let ephemeral = self.0.generate(random)?;
        let string = ephemeral.public().to_vec();
        Ok((string, agree(ephemeral, client)?))
    }
}

/// RFC 5656 §4, RFC 8731 §3.1: the X coordinate, read as a big-endian number, as an `mpint`.
fn agree(ephemeral: Box<dyn Ephemeral>, peer: &[u8]) -> Result<Secret, KexError> {
    Ok(mpint(&ephemeral.agree(peer)?))
}

/// A secret number as the exchange hash takes it.
pub(super) fn mpint(magnitude: &[u8]) -> Secret {
    // Large enough at once, so that no copy is left behind when it grows.
    let mut encoded = Vec::with_capacity(4 + 1 + magnitude.len());
    Mpint::from_unsigned(magnitude).encode(&mut encoded);
    Secret::new(encoded)
}
