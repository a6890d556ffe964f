//! The ciphers that are our own.

use crate::{
    Outcome,
    sample::{Bench, Class, SECRETS},
};
use ssh_crypto::{
    PlainCipher, SecureRandom,
    rust_crypto::legacy::{BLOWFISH_CBC, TRIPLE_DES_CBC},
};

/// Bytes of a packet.
const PACKET: usize = 64;

pub(crate) fn all(bench: &Bench) -> Outcome<()> {
    // Blowfish encrypts 521 blocks before the first.
    key(bench, TRIPLE_DES_CBC, 5)?;
    key(bench, BLOWFISH_CBC, 20)?;
    text(bench, TRIPLE_DES_CBC, 5)?;
    text(bench, BLOWFISH_CBC, 5)
}

/// Encrypts a packet, one block after the other, with what is made of a key.
fn key(bench: &Bench, cipher: &dyn PlainCipher, share: usize) -> Outcome<()> {
    let iv = vec![9; cipher.block_len()];
    let prepare = |class| bytes(class, cipher.key_len());
    bench.compare(cipher.name(), "the key", share, prepare, |key| {
        let mut packet = [3; PACKET];
        let mut encryptor = cipher.encryptor(&key, &iv);
        encryptor.apply(&mut packet);
        (encryptor, packet)
    })
}

/// Decrypts a packet, all blocks at once.
fn text(bench: &Bench, cipher: &dyn PlainCipher, share: usize) -> Outcome<()> {
    let mut decryptor = cipher.decryptor(&vec![7; cipher.key_len()], &vec![9; cipher.block_len()]);
    let prepare = |class| bytes(class, PACKET);
    bench.compare(cipher.name(), "what is decrypted", share, prepare, |mut packet| {
        decryptor.apply(&mut packet);
        packet
    })
}

fn bytes(class: Class, len: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; len];
    SECRETS.begin(class);
    SECRETS.fill(&mut bytes)?;
    Ok(bytes)
}
