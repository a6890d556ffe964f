//! Blowfish (Schneier 1993) in constant time: no branch and no address depends on the key or the text. What is looked up in a
//! table is found by reading all of it.

use super::block64::Keyed;
use cipher::consts::U56;
use std::{ops::RangeInclusive, sync::LazyLock};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// On the heap, where nothing moves it and leaves copies.
#[derive(ZeroizeOnDrop)]
pub(super) struct Blowfish(Box<Tables>);

/// The P-array and the S-boxes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Tables {
    p: [u32; 18],
    s: [[u32; 256]; 4],
}

impl Keyed for Blowfish {
    type KeySize = U56;

    const KEY_LENS: RangeInclusive<usize> = 4..=56;

    fn new(key: &[u8]) -> Self {
        let mut tables = Box::new(PI.clone());
        tables.expand(key);
        Self(tables)
    }

    fn encrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N] {
        blocks.map(|block| self.0.crypt(block, |at| at))
    }

    fn decrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N] {
        blocks.map(|block| self.0.crypt(block, |at| 17 - at))
    }
}

impl Tables {
    /// Replaces everything, word by word, by what encryption makes of zeros with what was replaced before.
    fn expand(&mut self, key: &[u8]) {
        let mut key = key.iter().cycle();
        for p in &mut self.p {
            *p ^= key.by_ref().take(4).fold(0, |word, &byte| word << 8 | u32::from(byte));
        }
        let mut block = 0;
        for at in (0..18).step_by(2) {
            block = self.crypt(block, |at| at);
            [self.p[at], self.p[at + 1]] = halves(block);
        }
        for s_box in 0..4 {
            for at in (0..256).step_by(2) {
                block = self.crypt(block, |at| at);
                [self.s[s_box][at], self.s[s_box][at + 1]] = halves(block);
            }
        }
    }

    /// Encrypts with the P-array in its order, decrypts with the reverse.
    #[inline]
    fn crypt(&self, block: u64, order: impl Fn(usize) -> usize) -> u64 {
        let p = |at| self.p[order(at)];
        let [mut left, mut right] = halves(block);
        for round in 0..16 {
            left ^= p(round);
            right ^= self.f(left);
            (left, right) = (right, left);
        }
        u64::from(right ^ p(17)) << 32 | u64::from(left ^ p(16))
    }

    /// F of the paper.
    fn f(&self, word: u32) -> u32 {
        // How far ahead the entry is, in each S-box. Counting that down, rather than comparing the index with a counter, makes
        // vector code of it that is twice as fast.
        let mut ahead = word.to_be_bytes().map(u32::from);
        let mut found = [0; 4];
        for at in 0..256 {
            for s_box in 0..4 {
                found[s_box] |= self.s[s_box][at] & u32::from(ahead[s_box] == 0).wrapping_neg();
                ahead[s_box] = ahead[s_box].wrapping_sub(1);
            }
        }
        let [a, b, c, d] = found;
        (a.wrapping_add(b) ^ c).wrapping_add(d)
    }
}

fn halves(block: u64) -> [u32; 2] {
    [(block >> 32) as u32, block as u32]
}

/// What everybody begins with: the fraction of π, first in the P-array. It takes some 30 ms, once.
static PI: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { p: [0; 18], s: [[0; 256]; 4] };
    let all = tables.p.iter_mut().chain(tables.s.as_flattened_mut());
    all.zip(pi().skip(1)).for_each(|(to, word)| *to = word);
    tables
});

/// π in words of 32 bits, the first of which is 3: 16 arctan(1/5) - 4 arctan(1/239), by Machin.
fn pi() -> impl Iterator<Item = u32> {
    // Some 9300 quotients are rounded down, in the last word, which nobody takes.
    let mut sums = vec![0; 1 + 18 + 4 * 256 + 1];
    add_arctan(&mut sums, 16, 5, 1);
    add_arctan(&mut sums, 4, 239, -1);
    let mut carry = 0;
    for sum in sums.iter_mut().rev() {
        *sum += carry;
        carry = *sum >> 32;
    }
    sums.into_iter().map(|sum| sum as u32)
}

/// Adds factor · arctan(1/x) = factor/x - factor/3x³ + factor/5x⁵ …, or subtracts it, word by word, with carries left where they are.
fn add_arctan(sums: &mut [i64], factor: u64, x: u64, mut sign: i64) {
    let mut power = vec![0; sums.len()];
    power[0] = factor * x;
    let (mut first, mut n) = (0, 1);
    while first < power.len() {
        // Two long divisions, the second of what comes of the first.
        let (mut rest, mut rest_n) = (0, 0);
        for (word, sum) in power.iter_mut().zip(&mut *sums).skip(first) {
            rest = rest << 32 | *word;
            (*word, rest) = (rest / (x * x), rest % (x * x));
            rest_n = rest_n << 32 | *word;
            *sum += sign * (rest_n / n) as i64;
            rest_n %= n;
        }
        first += power[first..].iter().take_while(|word| **word == 0).count();
        n += 2;
        sign = -sign;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::block64::tests::agree, *};
    use hex_literal::hex;

    #[test]
    fn digits_of_pi() {
        assert!(pi().take(4).eq([3, 0x243f6a88, 0x85a308d3, 0x13198a2e]));
        // The last entry of the last S-box, as printed by Schneier.
        assert_eq!(PI.s[3][255], 0x3ac372e6);
    }

    /// Eric Young's, which Schneier publishes; those of keys with a bit in each byte for parity are those of DES.
    #[test]
    fn known_answers() {
        for (key, text, expected) in [
            (0x0000000000000000, 0x0000000000000000, 0x4ef997456198dd78),
            (0xffffffffffffffff, 0xffffffffffffffff, 0x51866fd5b85ecb8a),
            (0x3000000000000000, 0x1000000000000001, 0x7d856f9a613063f2),
            (0x1111111111111111, 0x1111111111111111, 0x2466dd878b963c9d),
            (0x0123456789abcdef, 0x1111111111111111, 0x61f9c3802281b096),
            (0x1111111111111111, 0x0123456789abcdef, 0x7d0cc630afda1ec7),
            (0xfedcba9876543210, 0x0123456789abcdef, 0x0aceab0fc6a0a28d),
            (0x7ca110454a1a6e57, 0x01a1d6d039776742, 0x59c68245eb05282b),
            (0x0131d9619dc1376e, 0x5cd54ca83def57da, 0xb1b8cc0b250f09a0),
        ] {
            let cipher = Blowfish::new(&u64::to_be_bytes(key));
            assert_eq!(cipher.encrypt([text]), [expected], "{key:016x}");
            assert_eq!(cipher.decrypt([expected]), [text], "{key:016x}");
        }
    }

    /// Eric Young's, with keys from 4 bytes to 24.
    #[test]
    fn keys_of_many_sizes() {
        let key = hex!("f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677");
        let expected = [
            0xbe1e639408640f05,
            0xb39e44481bdb1e6e,
            0x9457aa83b1928c0d,
            0x8bb77032f960629d,
            0xe87a244e2cc85e82,
            0x15750e7a4f4ec577,
            0x122ba70b3ab64ae0,
            0x3a833c9affc537f6,
            0x9409da87a90f6bf2,
            0x884f80625060b8b4,
            0x1f85031c19e11968,
            0x79d9373a714ca34f,
            0x93142887ee3be15c,
            0x03429e838ce2d14b,
            0xa4299e27469ff67b,
            0xafd5aed1c1bc96a8,
            0x10851c0e3858da9f,
            0xe6f51ed79b9db21f,
            0x64a6e14afd36b46f,
            0x80c7d7d45a5479ad,
            0x05044b62fa52d080,
        ];
        for (len, expected) in (4..=24).zip(expected) {
            assert_eq!(Blowfish::new(&key[..len]).encrypt([0xfedcba9876543210]), [expected], "{len} bytes");
        }
    }

    #[test]
    fn as_the_crate_has_it() {
        for key_len in [4, 16, 31, 32, 56] {
            agree::<Blowfish, ::blowfish::Blowfish>(key_len);
        }
    }
}
