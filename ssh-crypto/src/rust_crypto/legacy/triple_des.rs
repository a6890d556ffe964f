//! Triple DES with three keys (FIPS 46-3) in constant time: no branch and no address depends on the key or the text.
//!
//! Each bit that comes out of an S-box is a polynomial of the six bits that go in, with XOR for the sum and AND for the product.
//! Of the eight S-boxes together 32 bits come out: with words of 32 bits for coefficients, all 32 polynomials are computed at once.
//! Bits are numbered as in the standard, from 1, which is the highest.

use super::block64::Keyed;
use cipher::consts::U24;
use std::{array, mem, ops::RangeInclusive};
use zeroize::ZeroizeOnDrop;

/// The keys of 48 rounds, in the order of encryption. On the heap, where nothing moves them and leaves copies.
#[derive(ZeroizeOnDrop)]
pub(super) struct TripleDes(Box<[RoundKey; 48]>);

/// What is added to a round's [inputs](INPUTS).
type RoundKey = [u32; 6];

impl Keyed for TripleDes {
    type KeySize = U24;

    const KEY_LENS: RangeInclusive<usize> = 24..=24;

    fn new(key: &[u8]) -> Self {
        let mut rounds = Box::new([[0; 6]; 48]);
        let (each, _) = rounds.as_chunks_mut();
        let (keys, _) = key.as_chunks();
        each.iter_mut().zip(keys).for_each(|(rounds, &key)| schedule(u64::from_be_bytes(key), rounds));
        // With the second key, encryption decrypts.
        each[1].reverse();
        Self(rounds)
    }

    fn encrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N] {
        crypt(self.0.iter(), blocks)
    }

    fn decrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N] {
        crypt(self.0.iter().rev(), blocks)
    }
}

/// The keys of the rounds of one DES.
fn schedule(key: u64, rounds: &mut [RoundKey; 16]) {
    const HALF: u64 = (1 << 28) - 1;
    let both = permute(key, 64, &PC_1);
    let (mut c, mut d) = (both >> 28, both & HALF);
    for (round, shift) in rounds.iter_mut().zip(SHIFTS) {
        (c, d) = [c, d].map(|half| (half << shift | half >> (28 - shift)) & HALF).into();
        let key = permute(c << 28 | d, 56, &PC_2);
        // Six bits for each S-box, the first S-box's first.
        let bit = |s_box: u32, input: u32| (key >> (47 - 6 * s_box - input) & 1) as u32;
        *round = INPUTS.map(|input| (0..8).fold(0, |word, s_box| (word << 4) | (bit(s_box, input) * 0xf)));
    }
}

/// The bits with these numbers, of `width`.
fn permute(bits: u64, width: u8, numbers: &[u8]) -> u64 {
    numbers.iter().fold(0, |to, number| to << 1 | bits >> (width - number) & 1)
}

#[inline]
fn crypt<'a, const N: usize>(rounds: impl Iterator<Item = &'a RoundKey>, blocks: [u64; N]) -> [u64; N] {
    let blocks = blocks.map(|block| IP.iter().fold(block, exchange));
    let (mut left, mut right) = (blocks.map(|block| (block >> 32) as u32), blocks.map(|block| block as u32));
    for (number, key) in (1..).zip(rounds) {
        let f = f(&right, key);
        left.iter_mut().zip(f).for_each(|(left, f)| *left ^= f);
        // Between one DES and the next, the final permutation and the initial one cancel out.
        if number % 16 != 0 {
            mem::swap(&mut left, &mut right);
        }
    }
    array::from_fn(|n| {
        let block = u64::from(left[n]) << 32 | u64::from(right[n]);
        IP.iter().rev().fold(block, exchange)
    })
}

/// Exchanges the bits of the mask with those that are so many places higher.
fn exchange(block: u64, &(places, mask): &(u32, u64)) -> u64 {
    let differ = (block ^ block >> places) & mask;
    block ^ differ ^ differ << places
}

/// f(R, K) of the standard.
#[inline]
fn f<const N: usize>(right: &[u32; N], key: &RoundKey) -> [u32; N] {
    // A word has four bits for each S-box, and each input of it fills all four. The outer inputs are inner ones of its neighbours.
    let fill = |shift: u32| right.map(|right| (right >> shift & 0x1111_1111) * 0xf);
    let (second, fifth) = (fill(3), fill(0));
    let (first, sixth) = (fifth.map(|word| word.rotate_right(4)), second.map(|word| word.rotate_left(4)));
    let mut inputs = [first, sixth, second, fill(2), fill(1), fifth];
    for (input, key) in inputs.iter_mut().zip(key) {
        input.iter_mut().for_each(|word| *word ^= key);
    }
    // In the first half are the products without the first input, in the second those with it; and so on.
    let mut sums: [[u32; N]; 32] =
        array::from_fn(|at| inputs[0].map(|input| COEFFICIENTS[at] ^ (input & COEFFICIENTS[at + 32])));
    let mut half = 16;
    for input in &inputs[1..] {
        for at in 0..half {
            for n in 0..N {
                sums[at][n] ^= input[n] & sums[at + half][n];
            }
        }
        half /= 2;
    }
    sums[0].map(|word| {
        (0..).zip(P_BY_PLACES).fold(0, |to, (places, mask)| to | (word & mask).rotate_left(places))
    })
}

/// The inputs of an S-box in the order in which the standard numbers the entries: the first and the last are the row.
const INPUTS: [u32; 6] = [0, 5, 1, 2, 3, 4];

/// The coefficients of the polynomials, for all bits that come out of the S-boxes. The index says of which product: of those inputs
/// whose bits in it are 1, the first the highest.
const COEFFICIENTS: [u32; 64] = {
    let mut all = [0; 64];
    let mut at = 0;
    while at < 64 {
        let mut s_box = 0;
        while s_box < 8 {
            all[at] = all[at] << 4 | S[s_box][at] as u32;
            s_box += 1;
        }
        at += 1;
    }
    // f(x) = f(0) + x · (f(0) + f(1)), for one input after the other.
    let mut input = 1;
    while input < 64 {
        let mut at = 0;
        while at < 64 {
            if at & input != 0 {
                all[at] ^= all[at - input];
            }
            at += 1;
        }
        input *= 2;
    }
    all
};

/// P by the number of places that a bit moves to the left, around the end: the bits that do.
const P_BY_PLACES: [u32; 32] = {
    let mut masks = [0; 32];
    let mut to = 0;
    while to < 32 {
        let from = P[to] - 1;
        masks[(32 + from - to) % 32] |= 1 << (31 - from);
        to += 1;
    }
    masks
};

/// IP as exchanges of bits. Its inverse is the same from the last to the first.
const IP: [(u32, u64); 5] = [
    (33, 0x0000_0000_5555_5555),
    (12, 0x0000_f0f0_0000_f0f0),
    (6, 0x00cc_00cc_00cc_00cc),
    (3, 0x0a0a_0a0a_0a0a_0a0a),
    (3, 0x1111_1111_1111_1111),
];

const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

#[rustfmt::skip]
const PC_1: [u8; 56] = [
    57, 49, 41, 33, 25, 17,  9,
     1, 58, 50, 42, 34, 26, 18,
    10,  2, 59, 51, 43, 35, 27,
    19, 11,  3, 60, 52, 44, 36,

    63, 55, 47, 39, 31, 23, 15,
     7, 62, 54, 46, 38, 30, 22,
    14,  6, 61, 53, 45, 37, 29,
    21, 13,  5, 28, 20, 12,  4,
];

#[rustfmt::skip]
const PC_2: [u8; 48] = [
    14, 17, 11, 24,  1,  5,
     3, 28, 15,  6, 21, 10,
    23, 19, 12,  4, 26,  8,
    16,  7, 27, 20, 13,  2,
    41, 52, 31, 37, 47, 55,
    30, 40, 51, 45, 33, 48,
    44, 49, 39, 56, 34, 53,
    46, 42, 50, 36, 29, 32,
];

#[rustfmt::skip]
const P: [usize; 32] = [
    16,  7, 20, 21,
    29, 12, 28, 17,
     1, 15, 23, 26,
     5, 18, 31, 10,
     2,  8, 24, 14,
    32, 27,  3,  9,
    19, 13, 30,  6,
    22, 11,  4, 25,
];

/// S₁ to S₈, the rows one after the other.
#[rustfmt::skip]
const S: [[u8; 64]; 8] = [
    [
        14,  4, 13,  1,  2, 15, 11,  8,  3, 10,  6, 12,  5,  9,  0,  7,
         0, 15,  7,  4, 14,  2, 13,  1, 10,  6, 12, 11,  9,  5,  3,  8,
         4,  1, 14,  8, 13,  6,  2, 11, 15, 12,  9,  7,  3, 10,  5,  0,
        15, 12,  8,  2,  4,  9,  1,  7,  5, 11,  3, 14, 10,  0,  6, 13,
    ],
    [
        15,  1,  8, 14,  6, 11,  3,  4,  9,  7,  2, 13, 12,  0,  5, 10,
         3, 13,  4,  7, 15,  2,  8, 14, 12,  0,  1, 10,  6,  9, 11,  5,
         0, 14,  7, 11, 10,  4, 13,  1,  5,  8, 12,  6,  9,  3,  2, 15,
        13,  8, 10,  1,  3, 15,  4,  2, 11,  6,  7, 12,  0,  5, 14,  9,
    ],
    [
        10,  0,  9, 14,  6,  3, 15,  5,  1, 13, 12,  7, 11,  4,  2,  8,
        13,  7,  0,  9,  3,  4,  6, 10,  2,  8,  5, 14, 12, 11, 15,  1,
        13,  6,  4,  9,  8, 15,  3,  0, 11,  1,  2, 12,  5, 10, 14,  7,
         1, 10, 13,  0,  6,  9,  8,  7,  4, 15, 14,  3, 11,  5,  2, 12,
    ],
    [
         7, 13, 14,  3,  0,  6,  9, 10,  1,  2,  8,  5, 11, 12,  4, 15,
        13,  8, 11,  5,  6, 15,  0,  3,  4,  7,  2, 12,  1, 10, 14,  9,
        10,  6,  9,  0, 12, 11,  7, 13, 15,  1,  3, 14,  5,  2,  8,  4,
         3, 15,  0,  6, 10,  1, 13,  8,  9,  4,  5, 11, 12,  7,  2, 14,
    ],
    [
         2, 12,  4,  1,  7, 10, 11,  6,  8,  5,  3, 15, 13,  0, 14,  9,
        14, 11,  2, 12,  4,  7, 13,  1,  5,  0, 15, 10,  3,  9,  8,  6,
         4,  2,  1, 11, 10, 13,  7,  8, 15,  9, 12,  5,  6,  3,  0, 14,
        11,  8, 12,  7,  1, 14,  2, 13,  6, 15,  0,  9, 10,  4,  5,  3,
    ],
    [
        12,  1, 10, 15,  9,  2,  6,  8,  0, 13,  3,  4, 14,  7,  5, 11,
        10, 15,  4,  2,  7, 12,  9,  5,  6,  1, 13, 14,  0, 11,  3,  8,
         9, 14, 15,  5,  2,  8, 12,  3,  7,  0,  4, 10,  1, 13, 11,  6,
         4,  3,  2, 12,  9,  5, 15, 10, 11, 14,  1,  7,  6,  0,  8, 13,
    ],
    [
         4, 11,  2, 14, 15,  0,  8, 13,  3, 12,  9,  7,  5, 10,  6,  1,
        13,  0, 11,  7,  4,  9,  1, 10, 14,  3,  5, 12,  2, 15,  8,  6,
         1,  4, 11, 13, 12,  3,  7, 14, 10, 15,  6,  8,  0,  5,  9,  2,
         6, 11, 13,  8,  1,  4, 10,  7,  9,  5,  0, 15, 14,  2,  3, 12,
    ],
    [
        13,  2,  8,  4,  6, 15, 11,  1, 10,  9,  3, 14,  5,  0, 12,  7,
         1, 15, 13,  8, 10,  3,  7,  4, 12,  5,  6, 11,  0, 14,  9,  2,
         7, 11,  4,  1,  9, 12, 14,  2,  0,  6, 10, 13, 15,  3,  5,  8,
         2,  1, 14,  7,  4, 10,  8, 13, 15, 12,  9,  0,  3,  5,  6, 11,
    ],
];

#[cfg(test)]
mod tests {
    use super::{super::block64::tests::agree, *};
    use des::TdesEde3;

    /// With one key, Triple DES is DES.
    fn des(key: u64) -> TripleDes {
        TripleDes::new(&key.to_be_bytes().repeat(3))
    }

    #[test]
    fn initial_permutation() {
        let ip: Vec<u8> = [58, 60, 62, 64, 57, 59, 61, 63]
            .iter()
            .flat_map(|row| (0..8).map(move |n| row - 8 * n))
            .collect();
        for bit in (0..64).map(|at| 1 << at) {
            let permuted = IP.iter().fold(bit, exchange);
            assert_eq!(permuted, permute(bit, 64, &ip));
            assert_eq!(IP.iter().rev().fold(permuted, exchange), bit);
        }
    }

    /// The known answers of NIST SP 800-17, table 4, which take every entry of the S-boxes, and one of variable plaintexts and keys.
    #[test]
    fn known_answers() {
        for (key, text, expected) in [
            (0x7ca110454a1a6e57, 0x01a1d6d039776742, 0x690f5b0d9a26939b),
            (0x0131d9619dc1376e, 0x5cd54ca83def57da, 0x7a389d10354bd271),
            (0x07a1133e4a0b2686, 0x0248d43806f67172, 0x868ebb51cab4599a),
            (0x3849674c2602319e, 0x51454b582ddf440a, 0x7178876e01f19b2a),
            (0x04b915ba43feb5b6, 0x42fd443059577fa2, 0xaf37fb421f8c4095),
            (0x0113b970fd34f2ce, 0x059b5e0851cf143a, 0x86a560f10ec6d85b),
            (0x0170f175468fb5e6, 0x0756d8e0774761d2, 0x0cd3da020021dc09),
            (0x43297fad38e373fe, 0x762514b829bf486a, 0xea676b2cb7db2b7a),
            (0x07a7137045da2a16, 0x3bdd119049372802, 0xdfd64a815caf1a0f),
            (0x04689104c2fd3b2f, 0x26955f6835af609a, 0x5c513c9c4886c088),
            (0x37d06bb516cb7546, 0x164d5e404f275232, 0x0a2aeeae3ff4ab77),
            (0x1f08260d1ac2465e, 0x6b056e18759f5cca, 0xef1bf03e5dfa575a),
            (0x584023641aba6176, 0x004bd6ef09176062, 0x88bf0db6d70dee56),
            (0x025816164629b007, 0x480d39006ee762f2, 0xa1f9915541020b56),
            (0x49793ebc79b3258f, 0x437540c8698f3cfa, 0x6fbf1cafcffd0556),
            (0x4fb05e1515ab73a7, 0x072d43a077075292, 0x2f22e49bab7ca1ac),
            (0x49e95d6d4ca229bf, 0x02fe55778117f12a, 0x5a6b612cc26cce4a),
            (0x018310dc409b26d6, 0x1d9d5c5018f728c2, 0x5f4c038ed12b2e41),
            (0x1c587f1c13924fef, 0x305532286d6f295a, 0x63fac0d034d9f793),
            (0x0101010101010101, 0x8000000000000000, 0x95f8a5e5dd31d900),
            (0x8001010101010101, 0x0000000000000000, 0x95a8d72813daa94d),
        ] {
            assert_eq!(des(key).encrypt([text]), [expected], "{key:016x}");
            assert_eq!(des(key).decrypt([expected]), [text], "{key:016x}");
        }
    }

    /// NIST SP 800-67, appendix B.1.
    #[test]
    fn three_keys() {
        let keys: [u64; 3] = [0x0123456789abcdef, 0x23456789abcdef01, 0x456789abcdef0123];
        let text = [0x5468652071756663, 0x6b2062726f776e20, 0x666f78206a756d70];
        let expected = [0xa826fd8ce53b855f, 0xcce21c8112256fe6, 0x68d5c05dd9b6b900];
        let cipher = TripleDes::new(keys.map(u64::to_be_bytes).as_flattened());
        assert_eq!(cipher.encrypt(text), expected);
        assert_eq!(cipher.decrypt(expected), text);
    }

    #[test]
    fn as_the_crate_has_it() {
        agree::<TripleDes, TdesEde3>(24);
    }
}
