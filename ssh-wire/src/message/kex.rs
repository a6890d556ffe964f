//! The messages of the key exchange methods. Their numbers, 30–49, mean what the negotiated method says.

use super::fields;
use crate::{Mpint, number};

fields! {
    /// The client's public value (RFC 4253 §8).
    DhInit<'a> = number::KEXDH_INIT => {
        /// g^x mod p.
        e: Mpint<'a>,
    }
    /// The server's answer (RFC 4253 §8).
    DhReply<'a> = number::KEXDH_REPLY => {
        /// K_S, the host key.
        host_key: &'a [u8],
        /// g^y mod p.
        f: Mpint<'a>,
        /// Over the exchange hash.
        signature: &'a [u8],
    }
    /// The client's public value (RFC 5656 §4, RFC 8731; the hybrids put their KEM's public key before it).
    EcdhInit<'a> = number::KEX_ECDH_INIT => {
        /// Q_C (C_INIT).
        q_c: &'a [u8],
    }
    /// The server's answer (RFC 5656 §4, RFC 8731; the hybrids put their KEM's ciphertext before it).
    EcdhReply<'a> = number::KEX_ECDH_REPLY => {
        /// K_S, the host key.
        host_key: &'a [u8],
        /// Q_S (S_REPLY).
        q_s: &'a [u8],
        /// Over the exchange hash.
        signature: &'a [u8],
    }
    /// Asks for a group of about `bits` (RFC 4419 §5, the form of old clients).
    GexRequestOld = number::KEX_DH_GEX_REQUEST_OLD => {
        /// The size that would be best, in bits.
        bits: u32,
    }
    /// Asks for a group (RFC 4419 §3).
    GexRequest = number::KEX_DH_GEX_REQUEST => {
        /// The smallest acceptable size, in bits.
        min: u32,
        /// The size that would be best, in bits.
        preferred: u32,
        /// The largest acceptable size, in bits.
        max: u32,
    }
    /// The group (RFC 4419 §3).
    GexGroup<'a> = number::KEX_DH_GEX_GROUP => {
        /// The safe prime.
        p: Mpint<'a>,
        /// The generator.
        g: Mpint<'a>,
    }
    /// The client's public value (RFC 4419 §3).
    GexInit<'a> = number::KEX_DH_GEX_INIT => {
        /// g^x mod p.
        e: Mpint<'a>,
    }
    /// The server's answer (RFC 4419 §3).
    GexReply<'a> = number::KEX_DH_GEX_REPLY => {
        /// K_S, the host key.
        host_key: &'a [u8],
        /// g^y mod p.
        f: Mpint<'a>,
        /// Over the exchange hash.
        signature: &'a [u8],
    }
}
