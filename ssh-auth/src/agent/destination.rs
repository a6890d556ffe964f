//! Where a key may be used (OpenSSH PROTOCOL.agent §2).

use super::AgentError;
use ssh_wire::{DecodeError, Encode, Reader};

/// The name of the constraint that a list of [`Destination`]s makes.
pub(super) const RESTRICT_DESTINATION: &[u8] = b"restrict-destination-v00@openssh.com";
/// Destinations of one key, and keys of one host: more nobody has.
const MAX_COUNT: usize = 1024;

/// A hop on which a key may be used: by the user at the agent's own host to log in to a host, or over a connection that
/// was forwarded to one host to go on to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The host where the hop begins; `None` is the agent's own.
    pub from: Option<HopHost>,
    /// The host where it ends.
    pub to: HopHost,
    /// The user to log in as there, perhaps with the wildcards `*` and `?`; empty for any.
    pub user: String,
}

/// A host, known by its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopHost {
    /// Its name, which the agent only shows.
    pub name: String,
    /// Blobs of its keys.
    pub keys: Vec<Vec<u8>>,
    /// Blobs of authorities that sign its certificates.
    pub authorities: Vec<Vec<u8>>,
}

pub(super) fn write(destinations: &[Destination]) -> Vec<u8> {
    let mut out = Vec::new();
    for destination in destinations {
        let mut fields = Vec::new();
        hop(destination.from.as_ref(), "").as_slice().encode(&mut fields);
        hop(Some(&destination.to), &destination.user).as_slice().encode(&mut fields);
        reserved(&mut fields);
        fields.as_slice().encode(&mut out);
    }
    out
}

fn hop(host: Option<&HopHost>, user: &str) -> Vec<u8> {
    let mut out = Vec::new();
    user.encode(&mut out);
    host.map_or("", |host| host.name.as_str()).encode(&mut out);
    reserved(&mut out);
    if let Some(host) = host {
        for (keys, is_authority) in [(&host.keys, false), (&host.authorities, true)] {
            for key in keys {
                key.as_slice().encode(&mut out);
                is_authority.encode(&mut out);
            }
        }
    }
    out
}

fn reserved(out: &mut Vec<u8>) {
    "".encode(out);
}

pub(super) fn read(data: &[u8]) -> Result<Vec<Destination>, AgentError> {
    let mut reader = Reader::new(data);
    let mut destinations = Vec::new();
    while !reader.is_empty() {
        if destinations.len() == MAX_COUNT {
            return Err(AgentError::Destination("more destinations than anyone has"));
        }
        let mut fields = Reader::new(reader.string()?);
        let (from_user, from) = read_hop(fields.string()?)?;
        let (user, to) = read_hop(fields.string()?)?;
        nothing_reserved(fields.string()?)?;
        fields.finish()?;
        let is_own = from.name.is_empty() && from.keys.is_empty() && from.authorities.is_empty();
        if !from_user.is_empty() {
            return Err(AgentError::Destination("a user where the hop begins"));
        }
        destinations.push(Destination { from: (!is_own).then_some(from), to, user });
    }
    Ok(destinations)
}

fn read_hop(data: &[u8]) -> Result<(String, HopHost), AgentError> {
    let mut reader = Reader::new(data);
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        text.map_err(|_| AgentError::Destination("a name that is not UTF-8"))
    };
    let (user, name) = (text(reader.string()?)?, text(reader.string()?)?);
    nothing_reserved(reader.string()?)?;
    let mut host = HopHost { name, keys: Vec::new(), authorities: Vec::new() };
    while !reader.is_empty() {
        if host.keys.len() + host.authorities.len() == MAX_COUNT {
            return Err(AgentError::Destination("more keys than any host has"));
        }
        let key = reader.string()?.to_vec();
        let is_authority: Result<bool, DecodeError> = reader.read();
        if is_authority? { host.authorities.push(key) } else { host.keys.push(key) }
    }
    Ok((user, host))
}

/// What a later version puts there may limit the key further.
fn nothing_reserved(field: &[u8]) -> Result<(), AgentError> {
    if field.is_empty() { Ok(()) } else { Err(AgentError::Destination("a field of a later version")) }
}
