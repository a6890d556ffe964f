//! How a crate of your own adds a cipher, a MAC and a key exchange method: through `ssh-crypto` alone, without a fork.
//!
//! ```
//! use ssh_crypto::default_provider;
//!
//! let provider = custom_cipher::provider(default_provider());
//! assert!(provider.check().is_ok());
//! assert_eq!(provider.kex[0].name(), "toy-x25519-nistp256-sha512@example.com");
//! assert_eq!(provider.ciphers[0].name(), "toy-chacha20-ctr@example.com");
//! assert_eq!(provider.macs[0].name(), "toy-hmac-sha2-384-etm@example.com");
//! ```
//!
//! A session with them, in memory, between two engines of this workspace:
//!
//! ```text
//! cargo run -p custom-cipher --example session
//! ```
//!
//! They are **toys**, for demonstration: their construction is sound, but nobody else speaks them, and their code leaves
//! copies of keys in memory and was not reviewed. What goes into a product comes from crates that were.
//!
//! | what | trait | made of |
//! | --- | --- | --- |
//! | [`cipher`] | [`PlainCipher`](ssh_crypto::PlainCipher) and [`Transform`](ssh_crypto::Transform) | ChaCha20, written out |
//! | [`mac`] | [`MacAlgorithm`](ssh_crypto::MacAlgorithm) and [`Mac`](ssh_crypto::Mac) | HMAC over the SHA-384 of `ssh-crypto` |
//! | [`kex`] | [`KexAlgorithm`](ssh_crypto::KexAlgorithm) and [`KexMethod`](ssh_crypto::KexMethod) | two of `ssh-crypto`'s curves |

pub mod cipher;
pub mod kex;
pub mod mac;

use ssh_crypto::{Cipher, Provider};

/// Puts the toys in front of what `base` has, where they are preferred.
pub fn provider(mut base: Provider) -> Provider {
    base.kex.to_mut().insert(0, &kex::TOY_X25519_NISTP256_SHA512);
    base.ciphers.to_mut().insert(0, Cipher::Plain(&cipher::TOY_CHACHA20_CTR));
    base.macs.to_mut().insert(0, &mac::TOY_HMAC_SHA2_384_ETM);
    base
}
