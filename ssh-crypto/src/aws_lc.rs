//! The fast back end: AWS-LC.

pub(crate) use crate::rust_crypto::digest;
pub use crate::rust_crypto::provider;
