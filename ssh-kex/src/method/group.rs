//! Diffie-Hellman modulo a prime, with a fixed group (RFC 4253 §8, RFC 8268).

use super::{
    ecdh::mpint,
    modp::{self, Prime},
};
use crypto_bigint::{
    BoxedUint, Limb, Odd, Uint,
    modular::{FixedMontyForm, FixedMontyParams},
};
use crypto_primes::{Flavor, is_prime};
use num_bigint::BigUint;
use num_traits::One;
use ssh_crypto::{
    Agreed, Hash, KexAlgorithm, KexError, KexMethod, Proof, Secret, SecureRandom, Step, on_wiped_stack,
};
use ssh_wire::{
    Encode, Message, Mpint,
    message::kex::{DhInit, DhReply},
    number,
};
use zeroize::Zeroizing;

/// `diffie-hellman-group14-sha256` (RFC 8268), 2048 bits.
pub static GROUP14_SHA256: FixedGroup =
    FixedGroup::new("diffie-hellman-group14-sha256", Hash::Sha256, modp::GROUP14);
/// `diffie-hellman-group15-sha512` (RFC 8268), 3072 bits.
pub static GROUP15_SHA512: FixedGroup =
    FixedGroup::new("diffie-hellman-group15-sha512", Hash::Sha512, modp::GROUP15);
/// `diffie-hellman-group16-sha512` (RFC 8268), 4096 bits.
pub static GROUP16_SHA512: FixedGroup =
    FixedGroup::new("diffie-hellman-group16-sha512", Hash::Sha512, modp::GROUP16);
/// `diffie-hellman-group17-sha512` (RFC 8268), 6144 bits.
pub static GROUP17_SHA512: FixedGroup =
    FixedGroup::new("diffie-hellman-group17-sha512", Hash::Sha512, modp::GROUP17);
/// `diffie-hellman-group18-sha512` (RFC 8268), 8192 bits.
pub static GROUP18_SHA512: FixedGroup =
    FixedGroup::new("diffie-hellman-group18-sha512", Hash::Sha512, modp::GROUP18);
/// `diffie-hellman-group14-sha1` (RFC 4253 §8.2). Legacy: SHA-1 is broken where collisions count.
pub static GROUP14_SHA1: FixedGroup =
    FixedGroup::new("diffie-hellman-group14-sha1", Hash::Sha1, modp::GROUP14).legacy();
/// `diffie-hellman-group1-sha1` (RFC 4253 §8.1), 1024 bits. Legacy: states can break the group (Logjam).
pub static GROUP1_SHA1: FixedGroup =
    FixedGroup::new("diffie-hellman-group1-sha1", Hash::Sha1, modp::GROUP1).legacy();

/// A method whose group is known beforehand.
#[derive(Debug)]
pub struct FixedGroup {
    name: &'static str,
    hash: Hash,
    prime: Prime,
    legacy: bool,
}

impl FixedGroup {
    const fn new(name: &'static str, hash: Hash, prime: Prime) -> Self {
        Self { name, hash, prime, legacy: false }
    }

    const fn legacy(self) -> Self {
        Self { legacy: true, ..self }
    }
}

impl KexAlgorithm for FixedGroup {
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
        let exponent = Group::from(self.prime).exponent(self.hash, random)?;
        let message = DhInit { e: Mpint::from_unsigned(exponent.public()) }.to_payload();
        Ok((Box::new(Client { exponent: Some(exponent) }), message))
    }

    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError> {
        Ok(Box::new(Server { prime: self.prime, hash: self.hash, random }))
    }
}

struct Client {
    /// Until the server has answered.
    exponent: Option<Exponent>,
}

impl KexMethod for Client {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        let exponent = self.exponent.take().ok_or(KexError::Unexpected(number))?;
        if number != number::KEXDH_REPLY {
            return Err(KexError::Unexpected(number));
        }
        let DhReply { host_key, f, signature } = DhReply::parse(payload)?;
        let secret = exponent.agree(f)?;
        let mut exchange = Vec::new();
        Mpint::from_unsigned(exponent.public()).encode(&mut exchange);
        f.encode(&mut exchange);
        let proof = Proof::Received { host_key: host_key.to_vec(), signature: signature.to_vec() };
        Ok(Step::Agreed(Agreed { exchange, secret, proof }))
    }
}

struct Server {
    prime: Prime,
    hash: Hash,
    random: &'static dyn SecureRandom,
}

impl KexMethod for Server {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let number = payload.first().copied().unwrap_or_default();
        if number != number::KEXDH_INIT {
            return Err(KexError::Unexpected(number));
        }
        let DhInit { e } = DhInit::parse(payload)?;
        let exponent = Group::from(self.prime).exponent(self.hash, self.random)?;
        let secret = exponent.agree(e)?;
        let (mut exchange, mut public) = (Vec::new(), Vec::new());
        Mpint::from_unsigned(exponent.public()).encode(&mut public);
        e.encode(&mut exchange);
        exchange.extend_from_slice(&public);
        let proof = Proof::ToSend { number: number::KEXDH_REPLY, public };
        Ok(Step::Agreed(Agreed { exchange, secret, proof }))
    }
}

/// A safe prime and a generator.
#[derive(Debug, Clone)]
pub(super) struct Group {
    p: BigUint,
    g: BigUint,
}

impl From<Prime> for Group {
    fn from(prime: Prime) -> Self {
        let p = BigUint::parse_bytes(prime.hex.as_bytes(), 16).unwrap_or_default();
        Self { p, g: BigUint::from(2u8) }
    }
}

impl Group {
    pub(super) fn new(p: BigUint, g: BigUint) -> Self {
        Self { p, g }
    }

    /// The prime and the generator, big-endian.
    pub(super) fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        (self.p.to_bytes_be(), self.g.to_bytes_be())
    }

    pub(super) fn has_modulus(&self, prime: Prime) -> bool {
        self.p == Self::from(prime).p
    }

    /// Whether 1 < g < p − 1; modulo a safe prime, each such number generates a large group.
    pub(super) fn has_generator(&self) -> bool {
        is_inside(&self.p, &self.g)
    }

    /// Whether both p and (p − 1) / 2 pass a Miller-Rabin and a Lucas test (Baillie-PSW), which no composite is known
    /// to pass.
    pub(super) fn has_safe_prime(&self) -> bool {
        let p = BoxedUint::from_be_slice_vartime(&self.p.to_bytes_be());
        self.p.bit(0) && is_prime(Flavor::Safe, &p)
    }

    /// A fresh secret exponent for use with keys derived by `hash`: twice as long as its digests (RFC 4419 §6.2), for
    /// there is no gain in as many bits as the prime has.
    pub(super) fn exponent(self, hash: Hash, random: &dyn SecureRandom) -> Result<Exponent, KexError> {
        let bytes = (2 * hash.output_len()).min((self.p.bits() as usize - 1) / 8);
        let mut x = Zeroizing::new(vec![0; bytes]);
        random.fill(&mut x)?;
        // The highest bit makes the length fixed.
        if let Some(first) = x.first_mut() {
            *first |= 0x80;
        }
        let public = power(&self.g, &x, &self.p)?.to_vec();
        Ok(Exponent { x, p: self.p, public })
    }
}

/// Whether 1 < `value` < p − 1 (RFC 8268 §4): no other value lies in a group that is worth anything.
fn is_inside(p: &BigUint, value: &BigUint) -> bool {
    *value > BigUint::one() && *value < p - 1u8
}

/// A secret exponent, with its public value.
pub(super) struct Exponent {
    x: Zeroizing<Vec<u8>>,
    p: BigUint,
    public: Vec<u8>,
}

impl Exponent {
    /// g^x mod p, big-endian.
    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    /// `peer`^x mod p as the exchange hash takes it, if `peer`'s public value is in range.
    pub(super) fn agree(&self, peer: Mpint<'_>) -> Result<Secret, KexError> {
        let peer = BigUint::from_bytes_be(peer.unsigned().ok_or(KexError::PublicValue)?);
        // A value that came back as it was sent is no peer's.
        if !is_inside(&self.p, &peer) || peer == BigUint::from_bytes_be(&self.public) {
            return Err(KexError::PublicValue);
        }
        Ok(mpint(&power(&peer, &self.x, &self.p)?))
    }
}

/// `base`^`x` mod `p`, big-endian, in constant time. Leading zeros may be there.
fn power(base: &BigUint, x: &[u8], p: &BigUint) -> Result<Secret, KexError> {
    // So many KiB of stack are wiped, as under RSA with primes of this size, which computes with more of them.
    macro_rules! at_width {
        ($($bits:literal),*) => {
            match p.bits() {
                $(..=$bits => on_wiped_stack::<{ $bits / 32 + 8 }, _>(|| {
                    power_at_width::<{ $bits / Limb::BITS as usize }>(base, x, p)
                }),)*
                _ => None,
            }
        };
    }
    at_width!(2048, 3072, 4096, 6144, 8192).ok_or(KexError::Internal("modular exponentiation"))
}

/// Numbers of a fixed size are on the stack, which can be wiped.
fn power_at_width<const LIMBS: usize>(base: &BigUint, x: &[u8], p: &BigUint) -> Option<Secret> {
    let [base, p] = [base, p].map(|public| uint::<LIMBS>(&public.to_bytes_be()));
    let params = FixedMontyParams::new_vartime(Odd::new(p?).into_option()?);
    let power = FixedMontyForm::new(&base?, &params).pow_amm_bounded_exp(&uint(x)?, 8 * x.len() as u32);
    Some(power.retrieve().to_be_bytes().as_ref().into())
}

/// The number of big-endian bytes, if there is room for them.
fn uint<const LIMBS: usize>(bytes: &[u8]) -> Option<Uint<LIMBS>> {
    let bits = Uint::<LIMBS>::BITS;
    (bytes.len() <= bits as usize / 8).then(|| Uint::from_be_slice_truncated(bytes, bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_crypto::random::SystemRandom;

    #[test]
    fn powers_are_what_num_bigint_computes() {
        for bits in [1024, 1025, 2047, 2048, 2049, 3072, 3073, 4097, 6144, 6145, 8191, 8192_usize] {
            let mut bytes = [vec![0; bits.div_ceil(8)], vec![0; bits / 8], vec![0; 128]];
            bytes.iter_mut().for_each(|bytes| SystemRandom.fill(bytes).unwrap());
            let [p, base, x] = bytes.each_ref().map(|bytes| BigUint::from_bytes_be(bytes));
            let mut p = p >> (bits.div_ceil(8) * 8 - bits);
            p.set_bit(0, true);
            p.set_bit(bits as u64 - 1, true);
            let power = power(&base, &bytes[2], &p).unwrap();
            assert_eq!(BigUint::from_bytes_be(&power), base.modpow(&x, &p), "{bits} bits");
        }
    }

    #[test]
    fn there_is_no_power_modulo_what_is_even_or_too_large() {
        let [one, base] = [1_u8, 2].map(BigUint::from);
        for p in [&one << 2047, (&one << 8192) + &one] {
            assert!(power(&base, &[0x80; 64], &p).is_err());
        }
    }
}
