//! The traits of `cipher` for ciphers of our own with blocks of 64 bits.

use cipher::{
    Array, Block, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut, InvalidLength, Key, KeyInit,
    KeySizeUser, ParBlocks, ParBlocksSizeUser, array::ArraySize, consts::U8,
};
use std::ops::RangeInclusive;
use zeroize::ZeroizeOnDrop;

/// A cipher with its key, which it wipes.
pub(super) trait Keyed: ZeroizeOnDrop {
    /// The size of the longest key in bytes.
    type KeySize: ArraySize;

    /// The sizes of keys in bytes.
    const KEY_LENS: RangeInclusive<usize>;

    /// With a key of one of these sizes.
    fn new(key: &[u8]) -> Self;

    /// Encrypts any number of blocks, each by itself. A block's first byte is its highest.
    fn encrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N];

    /// The inverse of `encrypt`.
    fn decrypt<const N: usize>(&self, blocks: [u64; N]) -> [u64; N];
}

pub(super) struct Block64<C>(C);

impl<C: ZeroizeOnDrop> ZeroizeOnDrop for Block64<C> {}

impl<C: Keyed> KeySizeUser for Block64<C> {
    type KeySize = C::KeySize;
}

impl<C: Keyed> KeyInit for Block64<C> {
    fn new(key: &Key<Self>) -> Self {
        Self(C::new(key))
    }

    fn new_from_slice(key: &[u8]) -> Result<Self, InvalidLength> {
        if C::KEY_LENS.contains(&key.len()) { Ok(Self(C::new(key))) } else { Err(InvalidLength) }
    }
}

impl<C> BlockSizeUser for Block64<C> {
    type BlockSize = U8;
}

/// As many at a time as fill the processor's pipelines.
impl<C> ParBlocksSizeUser for Block64<C> {
    type ParBlocksSize = U8;
}

impl<C: Keyed> BlockCipherEncrypt for Block64<C> {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Keyed> BlockCipherEncBackend for Block64<C> {
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block<Self>>) {
        let [encrypted] = self.0.encrypt([block.get_in()].map(number));
        *block.get_out() = bytes(encrypted);
    }

    fn encrypt_par_blocks(&self, mut blocks: InOut<'_, '_, ParBlocks<Self>>) {
        *blocks.get_out() = Array(self.0.encrypt(blocks.get_in().0.each_ref().map(number)).map(bytes));
    }
}

impl<C: Keyed> BlockCipherDecrypt for Block64<C> {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl<C: Keyed> BlockCipherDecBackend for Block64<C> {
    fn decrypt_block(&self, mut block: InOut<'_, '_, Block<Self>>) {
        let [decrypted] = self.0.decrypt([block.get_in()].map(number));
        *block.get_out() = bytes(decrypted);
    }

    fn decrypt_par_blocks(&self, mut blocks: InOut<'_, '_, ParBlocks<Self>>) {
        *blocks.get_out() = Array(self.0.decrypt(blocks.get_in().0.each_ref().map(number)).map(bytes));
    }
}

fn number(block: &Array<u8, U8>) -> u64 {
    u64::from_be_bytes(block.0)
}

fn bytes(block: u64) -> Array<u8, U8> {
    Array(block.to_be_bytes())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{SecureRandom, random::SystemRandom};

    /// Random keys of this size, and any number of random blocks, against another implementation.
    pub(in super::super) fn agree<C: Keyed, Other>(key_len: usize)
    where
        Other: KeyInit + BlockCipherEncrypt<BlockSize = U8> + BlockCipherDecrypt,
    {
        for count in 0..40 {
            let (mut key, mut text) = (vec![0; key_len], vec![0; 8 * count]);
            SystemRandom.fill(&mut key).unwrap();
            SystemRandom.fill(&mut text).unwrap();
            let (ours, other) = (Block64::<C>::new_from_slice(&key), Other::new_from_slice(&key));
            let (ours, other) = (ours.unwrap(), other.unwrap());
            let text = Array::slice_as_chunks(&text).0;
            let (mut encrypted, mut expected) = (text.to_vec(), text.to_vec());
            ours.encrypt_blocks(&mut encrypted);
            other.encrypt_blocks(&mut expected);
            assert_eq!(encrypted, expected, "key {key:02x?}, text {text:02x?}");
            let (mut decrypted, mut expected) = (text.to_vec(), text.to_vec());
            ours.decrypt_blocks(&mut decrypted);
            other.decrypt_blocks(&mut expected);
            assert_eq!(decrypted, expected, "key {key:02x?}, text {text:02x?}");
        }
    }
}
