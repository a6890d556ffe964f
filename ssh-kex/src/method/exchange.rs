//! Diffie-Hellman modulo a prime that the server chooses (RFC 4419, RFC 8270).
//!
//! ```text
//!  client ── REQUEST min, preferred, max ──▶ server
//!         ◀── GROUP p, g ──
//!         ── INIT e ──▶
//!         ◀── REPLY K_S, f, signature ──
//! ```

use super::{
    group::{Exponent, Group},
    modp,
};
use num_bigint::BigUint;
use ssh_crypto::{Agreed, Hash, KexAlgorithm, KexError, KexMethod, Proof, Secret, SecureRandom, Step};
use ssh_wire::{
    Encode, Message, Mpint,
    message::kex::{GexGroup, GexInit, GexReply, GexRequest, GexRequestOld},
    number,
};

/// `diffie-hellman-group-exchange-sha256` (RFC 4419), from 2048 bits on (RFC 8270).
pub static GROUP_EXCHANGE_SHA256: GroupExchange = SHA256;
/// `diffie-hellman-group-exchange-sha1` (RFC 4419), from 1024 bits on, for old equipment has no more. Legacy: SHA-1
/// is broken where collisions count, and so are small groups.
pub static GROUP_EXCHANGE_SHA1: GroupExchange = SHA1;

/// [`GROUP_EXCHANGE_SHA1`] whose client asks as it was done before RFC 4419 (§5 there), for servers that know nothing else,
/// as OpenSSH 2.3 to 2.5.2. The name is the same: it is to take the place of the other
/// ([`Provider::with_kex`](ssh_crypto::Provider::with_kex)) for such a server alone, for not all new ones answer it.
pub static GROUP_EXCHANGE_SHA1_OLD_REQUEST: GroupExchange = GroupExchange { asks_as_of_old: true, ..SHA1 };
/// [`GROUP_EXCHANGE_SHA256`] likewise.
pub static GROUP_EXCHANGE_SHA256_OLD_REQUEST: GroupExchange =
    GroupExchange { asks_as_of_old: true, ..SHA256 };

const SHA256: GroupExchange = GroupExchange {
    name: "diffie-hellman-group-exchange-sha256",
    hash: Hash::Sha256,
    sizes: GexRequest { min: 2048, preferred: 3072, max: MAX_BITS },
    asks_as_of_old: false,
    legacy: false,
};
const SHA1: GroupExchange = GroupExchange {
    name: "diffie-hellman-group-exchange-sha1",
    hash: Hash::Sha1,
    sizes: GexRequest { min: 1024, preferred: 2048, max: MAX_BITS },
    asks_as_of_old: false,
    legacy: true,
};

/// The largest group: RFC 4419 §3 recommends to stop here, and time does, too.
const MAX_BITS: u32 = 8192;

/// The groups a server chooses from, the smallest first.
const GROUPS: [modp::Prime; 5] = [modp::GROUP14, modp::GROUP15, modp::GROUP16, modp::GROUP17, modp::GROUP18];

/// A method whose group the server chooses.
#[derive(Debug)]
pub struct GroupExchange {
    name: &'static str,
    hash: Hash,
    /// What the client wants.
    sizes: GexRequest,
    /// Whether it names the preferred size alone.
    asks_as_of_old: bool,
    legacy: bool,
}

impl KexAlgorithm for GroupExchange {
    fn name(&self) -> &'static str {
        self.name
    }

    fn hash(&self) -> Hash {
        self.hash
    }

    fn is_legacy(&self) -> bool {
        self.legacy
    }

    fn client(&self, random: &'static dyn SecureRandom) -> Result<(Box<dyn KexMethod>, Vec<u8>), KexError> {
        let (request, message) = if self.asks_as_of_old {
            let old = GexRequestOld { bits: self.sizes.preferred };
            (Request::Old(old), old.to_payload())
        } else {
            (Request::Sizes(self.sizes), self.sizes.to_payload())
        };
        let (sizes, hash) = (self.sizes, self.hash);
        Ok((Box::new(Client { request, sizes, hash, random, state: ClientState::Requested }), message))
    }

    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError> {
        Ok(Box::new(Server { hash: self.hash, random, state: ServerState::Start }))
    }
}

struct Client {
    request: Request,
    /// What is accepted.
    sizes: GexRequest,
    hash: Hash,
    random: &'static dyn SecureRandom,
    state: ClientState,
}

enum ClientState {
    /// The group is awaited.
    Requested,
    /// The server's public value is awaited.
    Sent(Box<Chosen>),
    Over,
}

/// A group, and our exponent in it.
struct Chosen {
    /// What the exchange hash takes before the public values.
    group: Vec<u8>,
    exponent: Exponent,
}

impl KexMethod for Client {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        match (std::mem::replace(&mut self.state, ClientState::Over), number) {
            (ClientState::Requested, number::KEX_DH_GEX_GROUP) => {
                let GexGroup { p, g } = GexGroup::parse(payload)?;
                let group = group_for_hash(self.request, p, g);
                let exponent = check(p, g, self.sizes)?.exponent(self.hash, self.random)?;
                let message = GexInit { e: Mpint::from_unsigned(exponent.public()) }.to_payload();
                self.state = ClientState::Sent(Box::new(Chosen { group, exponent }));
                Ok(Step::Send(message))
            }
            (ClientState::Sent(chosen), number::KEX_DH_GEX_REPLY) => {
                let GexReply { host_key, f, signature } = GexReply::parse(payload)?;
                let e = Mpint::from_unsigned(chosen.exponent.public());
                let (exchange, secret) = chosen.agree(f, e, f)?;
                let proof = Proof::Received { host_key: host_key.to_vec(), signature: signature.to_vec() };
                Ok(Step::Agreed(Agreed { exchange, secret, proof }))
            }
            _ => Err(KexError::Unexpected(number)),
        }
    }
}

/// The group, if it is one to trust a secret to.
fn check(p: Mpint<'_>, g: Mpint<'_>, sizes: GexRequest) -> Result<Group, KexError> {
    let (Some(p), Some(g)) = (p.unsigned(), g.unsigned()) else {
        return Err(KexError::Group("a number is negative"));
    };
    // Sizes first: everything behind takes time by the size.
    let bits = p.first().map_or(0, |first| 8 * p.len() as u64 - u64::from(first.leading_zeros()));
    if bits < u64::from(sizes.min) || bits > u64::from(sizes.max) {
        return Err(KexError::Group("its size is not what was asked for"));
    }
    let group = Group::new(BigUint::from_bytes_be(p), BigUint::from_bytes_be(g));
    if !group.has_generator() {
        return Err(KexError::Group("its generator is not between 1 and p - 1"));
    }
    let is_standard = GROUPS.iter().any(|&prime| group.has_modulus(prime));
    if !is_standard && !group.has_safe_prime() {
        return Err(KexError::Group("its modulus is no safe prime"));
    }
    Ok(group)
}

struct Server {
    hash: Hash,
    random: &'static dyn SecureRandom,
    state: ServerState,
}

enum ServerState {
    /// The request is awaited.
    Start,
    /// The client's public value is awaited.
    Sent(Box<Chosen>),
    Over,
}

impl KexMethod for Server {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        match (std::mem::replace(&mut self.state, ServerState::Over), number) {
            (ServerState::Start, number::KEX_DH_GEX_REQUEST) => {
                self.choose(Request::Sizes(GexRequest::parse(payload)?))
            }
            (ServerState::Start, number::KEX_DH_GEX_REQUEST_OLD) => {
                self.choose(Request::Old(GexRequestOld::parse(payload)?))
            }
            (ServerState::Sent(chosen), number::KEX_DH_GEX_INIT) => {
                let GexInit { e } = GexInit::parse(payload)?;
                let f = Mpint::from_unsigned(chosen.exponent.public());
                let (exchange, secret) = chosen.agree(e, e, f)?;
                let mut public = Vec::new();
                f.encode(&mut public);
                let proof = Proof::ToSend { number: number::KEX_DH_GEX_REPLY, public };
                Ok(Step::Agreed(Agreed { exchange, secret, proof }))
            }
            _ => Err(KexError::Unexpected(number)),
        }
    }
}

impl Server {
    /// Chooses the smallest group of the size preferred or more, or else the largest under it.
    fn choose(&mut self, request: Request) -> Result<Step, KexError> {
        let GexRequest { min, preferred, max } = request.sizes();
        if min > preferred || preferred > max {
            return Err(KexError::Group("the sizes asked for contradict each other"));
        }
        let fits = |group: &&modp::Prime| (min as usize..=max as usize).contains(&group.bits);
        let prime = GROUPS
            .iter()
            .filter(fits)
            .find(|group| group.bits >= preferred as usize)
            .or_else(|| GROUPS.iter().rfind(fits))
            .ok_or(KexError::Group("there is none of the size asked for"))?;
        let group = Group::from(*prime);
        let (p, g) = group.to_bytes();
        let (p, g) = (Mpint::from_unsigned(&p), Mpint::from_unsigned(&g));
        let message = GexGroup { p, g }.to_payload();
        let for_hash = group_for_hash(request, p, g);
        let exponent = group.exponent(self.hash, self.random)?;
        self.state = ServerState::Sent(Box::new(Chosen { group: for_hash, exponent }));
        Ok(Step::Send(message))
    }
}

/// How the client asked; the exchange hash takes it as it was (RFC 4419 §3, §5).
#[derive(Clone, Copy)]
enum Request {
    Sizes(GexRequest),
    Old(GexRequestOld),
}

impl Request {
    fn sizes(self) -> GexRequest {
        match self {
            Self::Sizes(sizes) => sizes,
            // Old clients ask for small groups and take larger ones.
            Self::Old(GexRequestOld { bits }) => {
                GexRequest { min: bits.min(MAX_BITS), preferred: bits.min(MAX_BITS), max: MAX_BITS }
            }
        }
    }
}

/// What the exchange hash takes before the public values: the sizes asked for, and the group.
fn group_for_hash(request: Request, p: Mpint<'_>, g: Mpint<'_>) -> Vec<u8> {
    let mut encoded = Vec::new();
    match request {
        Request::Sizes(GexRequest { min, preferred, max }) => {
            [min, preferred, max].iter().for_each(|size| size.encode(&mut encoded));
        }
        Request::Old(GexRequestOld { bits }) => bits.encode(&mut encoded),
    }
    p.encode(&mut encoded);
    g.encode(&mut encoded);
    encoded
}

impl Chosen {
    /// What the exchange hash takes, and the secret.
    fn agree(&self, peer: Mpint<'_>, e: Mpint<'_>, f: Mpint<'_>) -> Result<(Vec<u8>, Secret), KexError> {
        let secret = self.exponent.agree(peer)?;
        let mut exchange = self.group.clone();
        e.encode(&mut exchange);
        f.encode(&mut exchange);
        Ok((exchange, secret))
    }
}

#[cfg(test)]
mod tests;
