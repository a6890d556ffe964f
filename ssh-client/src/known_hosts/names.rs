//! The names of a `known_hosts` line, and the name that is looked for.

use crate::pattern::PatternList;
use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The names of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Names and patterns, in lower case.
    Plain(PatternList),
    /// One name that only who knows it can recognise.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl Names {
    pub(super) fn parse(field: &str) -> Result<Self, &'static str> {
        let Some(hashed) = field.strip_prefix('|') else {
            // The character can't be in a name: half a hashed name must not become a pattern.
            if field.contains('|') {
                return Err("a hashed name among plain ones");
            }
            return Ok(Self::Plain(PatternList::from_commas(field).to_lowercase()));
        };
        let mut parts = hashed.split('|');
        let (Some("1"), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("a hashed name of an unknown form");
        };
        match (Base64::decode_vec(salt), Base64::decode_vec(hash)) {
            (Ok(salt), Ok(hash)) if hash.len() == HASH_LEN && !salt.is_empty() => {
                Ok(Self::Hashed { salt, hash })
            }
            _ => Err("a hashed name that is damaged"),
        }
    }

    pub(super) fn contains(&self, target: &Target) -> bool {
        match self {
            // A host that is excluded by one name must not be let in by the other.
            Self::Plain(patterns) => patterns.matches_one_of(&target.names),
            Self::Hashed { salt, hash } => {
                target.names.iter().any(|name| hash_name(salt, name).is_some_and(|digest| digest == **hash))
            }
        }
    }
}

/// A host and port in the forms a line may name them.
#[derive(Debug)]
pub(super) struct Target {
    names: Vec<String>,
    /// The host alone, if the port is not 22.
    portless: Option<String>,
}

impl Target {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        if port == 22 {
            Self { names: vec![format!("[{host}]:22"), host], portless: None }
        } else {
            Self { names: vec![line_name(&host, port)], portless: Some(host) }
        }
    }

    pub(super) fn portless(&self) -> Option<Self> {
        Some(Self { names: vec![self.portless.clone()?], portless: None })
    }
}

/// How a line names a host and port: the port only if it is not 22.
pub fn line_name(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

/// The HMAC-SHA1 of a name that is in lower case already.
pub(super) fn hash_name(salt: &[u8], name: &str) -> Option<[u8; HASH_LEN]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

/// The size of a SHA-1 digest, and of the salts that go with them.
pub(super) const HASH_LEN: usize = 20;
