//! `publickey`: the user proves to hold a private key (RFC 4252 §7, RFC 8332).

use super::signed_head;
use crate::{Error, attempt::key_type};
use ssh_crypto::{SignError, key::CertificateAlgorithm};
use ssh_wire::{DecodeError, Encode, Message, Reader, Rest, message::auth::PkOk};

/// The method's name.
pub const NAME: &str = "publickey";
/// The method's name when the signature covers the server's host key as well (OpenSSH PROTOCOL §3.1).
pub const HOSTBOUND: &str = "publickey-hostbound-v00@openssh.com";

const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// A key to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMethod {
    /// The blob of the public key, or of its certificate.
    pub public_key: Vec<u8>,
    /// The algorithms it may be used with, the best first: `["rsa-sha2-512", "rsa-sha2-256"]`; for a certificate
    /// `["rsa-sha2-512-cert-v01@openssh.com", …]`. `ssh-rsa` is used only if it stands here.
    pub algorithms: Vec<String>,
    /// Whether to ask first if the key would do: right where signing needs a passphrase or a touch, and a round trip
    /// too many where it does not.
    pub probe: bool,
    /// The caller's number, which comes back in [`Event::Sign`](crate::Event::Sign).
    pub id: usize,
}

impl KeyMethod {
    /// Whether several signature algorithms go with this type of key, so that the right one must be found (RFC 8332).
    pub(crate) fn is_rsa(&self) -> bool {
        matches!(key_type(&self.public_key), "ssh-rsa" | "ssh-rsa-cert-v01@openssh.com")
    }

    /// The best algorithm that was not refused yet and that the server takes, as far as that is known.
    pub(crate) fn algorithm(&self, refused: &[String], server: Option<&[String]>) -> Option<&str> {
        let mut left = self.algorithms.iter().filter(|name| !refused.contains(name));
        left.find(|name| self.takes(name, server)).map(String::as_str)
    }

    /// Whether a server with this `server-sig-algs` takes the algorithm.
    ///
    /// Only RSA keys obey the list: keys of other types have no choice, and lists are often incomplete.
    pub(crate) fn takes(&self, algorithm: &str, server: Option<&[String]>) -> bool {
        let Some(server) = server.filter(|_| self.is_rsa()) else { return true };
        let signature = signature_algorithm(algorithm);
        server.iter().any(|name| name == algorithm || *name == signature)
    }
}

/// The algorithm that signs where a request names `algorithm`: a certificate's name has the key's own behind it
/// (OpenSSH PROTOCOL.certkeys).
pub fn signature_algorithm(algorithm: &str) -> String {
    if let Some(known) = CertificateAlgorithm::from_name(algorithm) {
        return known.signature.to_owned();
    }
    match algorithm.strip_suffix(CERTIFICATE) {
        Some(base) if base.starts_with("sk-") => format!("{base}@openssh.com"),
        Some(base) => base.to_owned(),
        None => algorithm.to_owned(),
    }
}

/// What stands in a request behind the method's name, and is signed up to the signature.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) key: &'a KeyMethod,
    pub(crate) algorithm: &'a str,
    /// The server's host key, in the bound form of the method.
    pub(crate) host_key: Option<&'a [u8]>,
    /// None in a probe.
    pub(crate) signature: Option<&'a [u8]>,
}

impl Encode for Body<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.signature.is_some().encode(out);
        self.algorithm.encode(out);
        self.key.public_key.as_slice().encode(out);
        if let Some(host_key) = self.host_key {
            host_key.encode(out);
        }
        if let Some(signature) = self.signature {
            signature.encode(out);
        }
    }
}

/// The same, as a server reads it.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) algorithm: &'a [u8],
    pub(crate) public_key: &'a [u8],
    pub(crate) host_key: Option<&'a [u8]>,
    pub(crate) signature: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(data: Rest<'a>, bound: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data.0);
        let signed: bool = reader.read()?;
        let (algorithm, public_key) = (reader.string()?, reader.string()?);
        let host_key = bound.then(|| reader.string()).transpose()?;
        let signature = signed.then(|| reader.string()).transpose()?;
        reader.finish()?;
        Ok(Self { algorithm, public_key, host_key, signature })
    }
}

/// What the user's key signs; `host_key` is the server's, in the bound form.
pub(crate) fn signed_data(
    session_id: &[u8],
    user: &[u8],
    service: &[u8],
    algorithm: &[u8],
    public_key: &[u8],
    host_key: Option<&[u8]>,
) -> Vec<u8> {
    let method = if host_key.is_some() { HOSTBOUND } else { NAME };
    let mut data = signed_head(session_id, user, service, method.as_bytes());
    true.encode(&mut data);
    algorithm.encode(&mut data);
    public_key.encode(&mut data);
    if let Some(host_key) = host_key {
        host_key.encode(&mut data);
    }
    data
}

/// Checks that a PK_OK is about the key that was probed.
pub(crate) fn check_pk_ok(payload: &[u8], key: &KeyMethod, algorithm: &str) -> Result<(), Error> {
    let message = PkOk::parse(payload).map_err(Error::decode("USERAUTH_PK_OK"))?;
    // RFC 4252 §7 wants the request's algorithm; some servers send the type of the key instead. Whichever it is, the
    // signature is made by the algorithm of the request.
    let named = message.algorithm == algorithm.as_bytes()
        || message.algorithm == key_type(&key.public_key).as_bytes();
    if named && message.public_key == key.public_key {
        Ok(())
    } else {
        Err(Error::violation("USERAUTH_PK_OK from the peer is about another key than the one probed"))
    }
}

/// Checks that a signature was made by the algorithm asked for: old agents ignore the choice and sign with SHA-1.
pub(crate) fn check_signature(signature: &[u8], algorithm: &str) -> Result<(), SignError> {
    let found = Reader::new(signature).string().map_err(|_| SignError::Invalid)?;
    let expected = signature_algorithm(algorithm);
    if found == expected.as_bytes() {
        return Ok(());
    }
    Err(SignError::Algorithm { expected, found: found[..found.len().min(64)].escape_ascii().to_string() })
}
