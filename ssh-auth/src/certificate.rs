//! Certificates of OpenSSH: a key, what it may be used for, and an authority's signature over both (OpenSSH
//! PROTOCOL.certkeys).
//!
//! | type | key |
//! | --- | --- |
//! | `ssh-ed25519-cert-v01@openssh.com` | Ed25519 |
//! | `ssh-mldsa44-ed25519-cert` | ML-DSA-44 and Ed25519 |
//! | `ecdsa-sha2-nistp256-cert-v01@openssh.com`, …`384`…, …`521`… | ECDSA |
//! | `ssh-rsa-cert-v01@openssh.com` | RSA; used as `rsa-sha2-256-cert-v01@openssh.com` and `rsa-sha2-512-…`, too |
//! | `ssh-dss-cert-v01@openssh.com` | DSA |
//! | `sk-ssh-ed25519-cert-v01@openssh.com`, `sk-ecdsa-sha2-nistp256-cert-v01@openssh.com` | on a security key |
//!
//! Parsing tells what a certificate says, [`Certificate::check`] whether it holds. Whether its authority is to be trusted
//! is the caller's to decide: compare [`Certificate::authority`] with the keys that are.

mod check;
mod parse;
mod signer;

pub use check::{CA_ALGORITHMS, Check};
pub use signer::CertifiedSigner;

use ssh_crypto::{KeyError, PublicKey, SignError};
use ssh_wire::{DecodeError, Reader};

/// Principals that one certificate may have; OpenSSH's bound.
pub const MAX_PRINCIPALS: usize = 256;
/// Critical options, and as many extensions, that one certificate may have.
pub const MAX_OPTIONS: usize = 256;

/// A certificate. What it says is worth nothing before [`Certificate::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    blob: Vec<u8>,
    /// Bytes of the blob that are signed.
    signed: usize,
    key_type: String,
    key: PublicKey,
    serial: u64,
    kind: Kind,
    key_id: Vec<u8>,
    principals: Vec<Vec<u8>>,
    valid_after: u64,
    valid_before: u64,
    critical_options: Vec<CertificateOption>,
    extensions: Vec<CertificateOption>,
    authority: PublicKey,
    signature: Vec<u8>,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A user who logs in.
    User,
    /// A host that is logged in to.
    Host,
}

/// A critical option or an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateOption {
    /// The name: `force-command`, `permit-pty`.
    pub name: Vec<u8>,
    /// The value as it is encoded; empty for a flag.
    pub data: Vec<u8>,
}

/// Why a certificate can't be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The blob can't be decoded.
    #[error("certificate can't be decoded: {0}")]
    Decode(#[from] DecodeError),
    /// It is of no known type.
    #[error("certificate type {0:?} is not known")]
    Type(String),
    /// It is for neither users nor hosts.
    #[error("certificate is of the unknown kind {0}")]
    Kind(u32),
    /// The key in it, or its authority's, is unusable.
    #[error("key in the certificate: {0}")]
    Key(#[from] KeyError),
    /// It has more of these than anyone needs.
    #[error("certificate has too many {0}")]
    TooMany(&'static str),
    /// An option stands in it twice.
    #[error("certificate has the option {0:?} twice")]
    Duplicate(String),
    /// It is for users where one for hosts is needed, or the other way round.
    #[error("certificate is for a {}", match .0 { Kind::User => "user", Kind::Host => "host" })]
    WrongKind(Kind),
    /// The authority's signature does not hold.
    #[error("signature of the certificate's authority: {0}")]
    Signature(#[from] SignError),
    /// The authority has signed by an algorithm that is not allowed.
    #[error("certificate is signed by {0}, which is not allowed")]
    Algorithm(String),
    /// It is for another key than the one that it was to be used with.
    #[error("certificate is for another key")]
    OtherKey,
    /// Its time has yet to come; in seconds since 1970.
    #[error("certificate is not valid before {0} (seconds since 1970)")]
    NotYetValid(u64),
    /// Its time is over; in seconds since 1970.
    #[error("certificate has expired at {0} (seconds since 1970)")]
    Expired(u64),
    /// The user or host is not among its principals.
    #[error("certificate is not for {0:?}")]
    Principal(String),
    /// It names no principals, so that it would be for all.
    #[error("certificate names no principals")]
    NoPrincipals,
    /// It has a critical option that nobody here obeys.
    #[error("certificate has the critical option {0:?}, which is not supported")]
    CriticalOption(String),
}

impl Certificate {
    /// The blob it was read from.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The type: `ssh-ed25519-cert-v01@openssh.com`.
    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// The key that is certified.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The number that the authority gave it; 0 if it does not count.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Whom it is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the authority calls it, for logs.
    pub fn key_id(&self) -> &[u8] {
        &self.key_id
    }

    /// The users or hosts it is for; for hosts these may be patterns.
    pub fn principals(&self) -> impl Iterator<Item = &[u8]> {
        self.principals.iter().map(Vec::as_slice)
    }

    /// The second since 1970 from which on it holds.
    pub fn valid_after(&self) -> u64 {
        self.valid_after
    }

    /// The second since 1970 from which on it holds no more; `u64::MAX` if it always does.
    pub fn valid_before(&self) -> u64 {
        self.valid_before
    }

    /// What must be obeyed where it is accepted: `force-command`, `source-address`, `verify-required`.
    pub fn critical_options(&self) -> &[CertificateOption] {
        &self.critical_options
    }

    /// What it permits: `permit-pty`, `permit-port-forwarding`, …
    pub fn extensions(&self) -> &[CertificateOption] {
        &self.extensions
    }

    /// The authority's key.
    pub fn authority(&self) -> &PublicKey {
        &self.authority
    }
}

impl CertificateOption {
    /// The value of an option that has a text: the command of `force-command`.
    pub fn value(&self) -> Option<&[u8]> {
        let mut reader = Reader::new(&self.data);
        let value = reader.string().ok()?;
        reader.is_empty().then_some(value)
    }
}
