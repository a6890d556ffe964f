//! Keys with certificates: an authority's word that a key is a user's or a host's (OpenSSH PROTOCOL.certkeys).
//!
//! A user's certificate stands beside the key file, and is found there by [`Credential::key_file`]; one that stands
//! elsewhere is added by [`Credential::with_certificate`], and one for a key that an agent keeps likewise:
//!
//! ```no_run
//! use ssh_client::{Credential, agent::{Agent, AgentSigner}};
//! use std::sync::Arc;
//!
//! let agent = Agent::connect()?;
//! let identity = agent.list()?.into_iter().next().ok_or("an agent without keys")?;
//! let credential = Credential::signer(Arc::new(AgentSigner::new(agent, identity)));
//! let credential = credential.with_certificate("/home/alice/.ssh/id_ed25519-cert.pub")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Credential::key_file`]: crate::Credential::key_file
//! [`Credential::with_certificate`]: crate::Credential::with_certificate

pub use ssh_auth::certificate::{Certificate, CertificateError, CertifiedSigner, Kind};

use crate::{Error, ErrorKind};
use ssh_crypto::KeyLine;
use std::{fmt, fs::File, io::Read, path::Path};

/// OpenSSH's bound on a certificate's file, with room to spare.
const MAX_FILE: u64 = 1 << 20;

/// Reads a certificate's file, as `ssh-keygen -s` writes it.
pub fn read_file(path: impl AsRef<Path>) -> Result<Certificate, Error> {
    let path = path.as_ref();
    let failed =
        |error: &dyn fmt::Display| Error::new(ErrorKind::File, format!("{}: {error}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(MAX_FILE).read_to_string(&mut text).map_err(|error| failed(&error))?;
    let line: KeyLine = text.parse().map_err(|error| failed(&error))?;
    Certificate::parse(&line.blob).map_err(|error| failed(&error))
}
