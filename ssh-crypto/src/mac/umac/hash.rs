//! UHASH, 32 bits of it (RFC 4418 §5), for messages of up to 16 MiB: no packet comes near. It takes no time that depends
//! on more than the message's length.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The first layer makes 8 bytes out of this many.
pub(super) const BLOCK: usize = 1024;
const WORDS: usize = BLOCK / 4;
/// What a message is filled up to a multiple of, in bytes.
const GROUP: usize = 32;

/// The prime of the second layer, 2⁶⁴ - 59.
const P64: u64 = u64::MAX - (OFFSET - 1);
const OFFSET: u64 = 59;
/// From here on a number is written as two.
const MAX_WORD: u64 = u64::MAX << 32;
/// The bits that the second layer's key may have.
const POLY_MASK: u64 = 0x01ff_ffff_01ff_ffff;
/// The prime of the third layer.
const P36: u64 = (1 << 36) - 5;

/// The keys of the three layers.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Hash {
    nh: Box<[u32; WORDS]>,
    poly: u64,
    inner: [u64; 8],
    mask: u32,
}

impl Hash {
    /// Takes the keys from the beginnings of these; what is missing counts as 0.
    pub(super) fn new(nh: &[u8], poly: &[u8], inner: &[u8], mask: &[u8]) -> Self {
        let mut hash = Self { nh: Box::new([0; WORDS]), poly: 0, inner: [0; 8], mask: 0 };
        for (word, bytes) in hash.nh.iter_mut().zip(nh.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        hash.poly = poly.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) & POLY_MASK;
        for (number, bytes) in hash.inner.iter_mut().zip(inner.as_chunks().0) {
            *number = u64::from_be_bytes(*bytes) % P36;
        }
        hash.mask = mask.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        hash
    }

    pub(super) fn hash(&self, message: &[u8]) -> u32 {
        // RFC 4418 §5.1: one block alone skips the second layer.
        if message.len() <= BLOCK {
            return self.third_layer(self.first_layer(message));
        }
        let blocks = message.chunks(BLOCK);
        let sum = blocks.fold(1, |sum, block| self.second_layer(sum, self.first_layer(block)));
        self.third_layer(reduce(sum))
    }

    /// NH and the block's length in bits (RFC 4418 §5.2).
    fn first_layer(&self, block: &[u8]) -> u64 {
        let (groups, rest) = block.as_chunks::<GROUP>();
        let mut last = [0; GROUP];
        last[..rest.len()].copy_from_slice(rest);
        // Even an empty message has a group.
        let is_last_used = !rest.is_empty() || groups.is_empty();
        let groups = groups.iter().chain(is_last_used.then_some(&last));
        let sum = groups.zip(self.nh.as_chunks::<8>().0).fold(0_u64, |sum, (group, key)| {
            let word = |at: usize| {
                let bytes = [group[4 * at], group[4 * at + 1], group[4 * at + 2], group[4 * at + 3]];
                u64::from(u32::from_le_bytes(bytes).wrapping_add(key[at]))
            };
            (0..4).fold(sum, |sum, at| sum.wrapping_add(word(at).wrapping_mul(word(at + 4))))
        });
        sum.wrapping_add(8 * block.len() as u64)
    }

    /// One step of POLY (RFC 4418 §5.3): a polynomial's value at the key. The result is not the smallest there is.
    fn second_layer(&self, sum: u64, word: u64) -> u64 {
        let is_large = u64::from(word >= MAX_WORD).wrapping_neg();
        let marked = fold(u128::from(self.poly) * u128::from(sum) + u128::from(P64 - 1));
        let sum = (marked & is_large) | (sum & !is_large);
        let word = word.wrapping_sub(OFFSET & is_large);
        fold(u128::from(self.poly) * u128::from(sum) + u128::from(word))
    }

    /// RFC 4418 §5.4, for a number whose upper half is 0.
    fn third_layer(&self, number: u64) -> u32 {
        let words = [48, 32, 16, 0].map(|shift| number >> shift & 0xffff);
        let sum: u64 = words.iter().zip(&self.inner[4..]).map(|(word, key)| word * key).sum();
        (sum % P36) as u32 ^ self.mask
    }
}

/// `number` modulo [`P64`], or that much more: 2⁶⁴ is 59.
fn fold(number: u128) -> u64 {
    let once = u128::from(number as u64) + (number >> 64) * u128::from(OFFSET);
    let twice = u128::from(once as u64) + (once >> 64) * u128::from(OFFSET);
    let (low, carry) = (twice as u64, (twice >> 64) as u64);
    low.wrapping_add(carry * OFFSET)
}

/// The smallest number that is the same modulo [`P64`].
fn reduce(number: u64) -> u64 {
    let (less, is_less) = number.overflowing_sub(P64);
    let keep = u64::from(is_less).wrapping_neg();
    (number & keep) | (less & !keep)
}
