//! Comparing what a peer sent with what it should be.

use crate::{
    Outcome,
    sample::{Bench, Class},
};
use rand::RngExt;
use ssh_crypto::{Cipher, MacAlgorithm, Secret, aws_lc, rust_crypto};
use ssh_wire::Seal;

/// Bytes of a packet without its tag.
const PACKET: usize = 64;
const WHERE: &str = "where the first wrong byte is";

pub(crate) fn all(bench: &Bench) -> Outcome<()> {
    let right: Vec<u8> = (0..=255).collect();
    let wrong = |class| Ok(damaged(right.clone(), 0, class));
    bench.compare("`==` of 256 bytes, for comparison", WHERE, 1, wrong, |wrong| wrong == right)?;
    let secret = Secret::from(right.as_slice());
    let wrong = |class| Ok(Secret::from(damaged(right.clone(), 0, class).as_slice()));
    bench.compare("`Secret == Secret` of 256 bytes", WHERE, 1, wrong, |wrong| wrong == secret)?;

    for (back_end, provider) in [("AWS-LC", aws_lc::provider()), ("RustCrypto", rust_crypto::provider())] {
        for &mac in provider.macs.iter() {
            verify(bench, mac, back_end)?;
        }
        for cipher in provider.ciphers.iter() {
            let Cipher::Aead(aead) = cipher else { continue };
            let (key, iv) = (vec![7; aead.key_len()], vec![9; aead.iv_len()]);
            let mut seal = aead.sealer(&key, &iv);
            let sealed = sealed(&mut *seal);
            let wrong = |class| Ok((aead.opener(&key, &iv), damaged(sealed.clone(), PACKET, class)));
            let what = format!("{}, {back_end}", aead.name());
            bench.compare(&what, WHERE, 4, wrong, |(mut open, mut packet)| {
                let head = open.layout().head;
                open.length(0, &mut packet[..head]);
                open.open(0, &mut packet).is_ok()
            })?;
        }
    }
    Ok(())
}

fn verify(bench: &Bench, mac: &dyn MacAlgorithm, back_end: &str) -> Outcome<()> {
    let mut keyed = mac.keyed(&vec![5; mac.key_len()]);
    let packet = [3; PACKET];
    let mut tag = vec![0; mac.tag_len()];
    keyed.sign(0, &packet, &mut tag);
    let wrong = |class| Ok(damaged(tag.clone(), 0, class));
    let what = format!("{}, {back_end}", mac.name());
    bench.compare(&what, WHERE, 2, wrong, |tag| keyed.verify(0, &packet, &tag).is_ok())
}

/// A packet with its tag.
fn sealed(seal: &mut dyn Seal) -> Vec<u8> {
    let layout = seal.layout();
    let mut packet = vec![0; PACKET + layout.tag];
    packet[..4].copy_from_slice(&(PACKET as u32 - 4).to_be_bytes());
    packet[4] = 4;
    seal.seal(0, &mut packet);
    packet
}

/// With one byte that is wrong, from `from` on: the first, or any.
fn damaged(mut bytes: Vec<u8>, from: usize, class: Class) -> Vec<u8> {
    // Both classes ask for a place, so that preparing them differs in nothing else.
    let any = rand::rng().random_range(from..bytes.len());
    let at = if class == Class::Same { from } else { any };
    bytes[at] ^= 1;
    bytes
}
