//! Stack that is wiped after its use.

use zeroize::Zeroize;

/// KiB of stack that is wiped after an operation on an elliptic curve, no less than was measured, optimised or not; and so on.
pub(crate) const CURVE: usize = 32;
/// ChaCha20 and Poly1305 of a packet, in Rust.
pub(crate) const CHACHA: usize = if cfg!(debug_assertions) { 32 } else { 8 };
/// Other ciphers in Rust.
pub(crate) const CIPHER: usize = if cfg!(debug_assertions) { 32 } else { 16 };
/// A MAC in Rust.
pub(crate) const MAC: usize = if cfg!(debug_assertions) { 32 } else { 8 };
/// sntrup761.
pub(crate) const SNTRUP: usize = 48;
/// ML-KEM-1024, by `libcrux-ml-kem`. Code that is not optimised takes ten times as much.
pub(crate) const ML_KEM: usize = if cfg!(debug_assertions) { 704 } else { 64 };
/// ML-DSA-44, by `ml-dsa`.
pub(crate) const ML_DSA: usize = if cfg!(debug_assertions) { 224 } else { 128 };

/// Does `operation`, which computes with secrets, and overwrites what it leaves on the stack, as far down as so many KiB.
///
/// Dropping a value wipes only where it is then: neither the places it was moved from, nor what a crate has computed in
/// between. A result that is secret must lie on the heap, for one that is returned itself is on the caller's stack. Even the
/// padding of a returned structure may hold old bytes of this one; so what computes is best apart from what puts such a
/// result together.
///
/// The stack must have room for so many KiB below the caller, or the process is aborted. Nothing is overwritten if
/// `operation` panics.
///
/// ```
/// # use ssh_crypto::{Hash, Secret, on_wiped_stack};
/// # let password = Secret::from("of a user");
/// let key = on_wiped_stack::<8, _>(|| Secret::new(Hash::Sha256.digest(&[&password]).to_vec()));
/// # assert_eq!(key.len(), 32);
/// ```
pub fn on_wiped_stack<const KIB: usize, T>(operation: impl FnOnce() -> T) -> T {
    let result = apart(operation);
    wipe::<KIB>();
    result
}

/// In a frame of its own, which begins where that of [`wipe`] does.
#[inline(never)]
fn apart<T>(operation: impl FnOnce() -> T) -> T {
    operation()
}

#[inline(never)]
fn wipe<const KIB: usize>() {
    let mut words = [[0_u64; 1024 / 8]; KIB];
    words.as_flattened_mut().zeroize();
}
