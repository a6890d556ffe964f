//! The key exchange methods.
//!
//! | name | standard | |
//! | --- | --- | --- |
//! | `mlkem768x25519-sha256`, `mlkem768nistp256-sha256`, `mlkem1024nistp384-sha384` | draft-ietf-sshm-mlkem-hybrid-kex | [`hybrid`] |
//! | `sntrup761x25519-sha512`, `sntrup761x25519-sha512@openssh.com` | draft-ietf-sshm-ntruprime-ssh | [`hybrid`] |
//! | `curve25519-sha256`, `curve25519-sha256@libssh.org` | RFC 8731 | [`ecdh`] |
//! | `ecdh-sha2-nistp256`, `ecdh-sha2-nistp384`, `ecdh-sha2-nistp521` | RFC 5656 §4 | [`ecdh`] |
//! | `diffie-hellman-group14-sha256`, `diffie-hellman-group15-sha512` to `group18-sha512` | RFC 8268 | [`group`] |
//! | `diffie-hellman-group-exchange-sha256` | RFC 4419, RFC 8270 | [`exchange`] |
//! | `diffie-hellman-group-exchange-sha1`: legacy | RFC 4419 | [`exchange`] |
//! | `diffie-hellman-group1-sha1`, `diffie-hellman-group14-sha1`: legacy | RFC 4253 §8 | [`group`] |

pub mod ecdh;
pub mod exchange;
pub mod group;
pub mod hybrid;
mod modp;

use ssh_crypto::KexAlgorithm;

/// All methods, the best first, the broken ones last.
pub static ALL: [&dyn KexAlgorithm; 19] = [
    &hybrid::MLKEM768X25519_SHA256,
    &hybrid::SNTRUP761X25519_SHA512,
    &hybrid::SNTRUP761X25519_SHA512_OPENSSH,
    &hybrid::MLKEM1024NISTP384_SHA384,
    &hybrid::MLKEM768NISTP256_SHA256,
    &ecdh::CURVE25519_SHA256,
    &ecdh::CURVE25519_SHA256_LIBSSH,
    &ecdh::ECDH_SHA2_NISTP256,
    &ecdh::ECDH_SHA2_NISTP384,
    &ecdh::ECDH_SHA2_NISTP521,
    &group::GROUP16_SHA512,
    &group::GROUP14_SHA256,
    &group::GROUP18_SHA512,
    &group::GROUP17_SHA512,
    &group::GROUP15_SHA512,
    &exchange::GROUP_EXCHANGE_SHA256,
    &exchange::GROUP_EXCHANGE_SHA1,
    &group::GROUP14_SHA1,
    &group::GROUP1_SHA1,
];
