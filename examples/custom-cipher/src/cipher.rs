//! A cipher that needs a MAC beside it: ChaCha20 as a key stream over the whole connection.

use ssh_crypto::{PlainCipher, Secret, Transform};

/// `toy-chacha20-ctr@example.com`: the key stream of ChaCha20 (RFC 8439). As with the CTR modes of RFC 4344, the IV is a
/// counter of 128 bits, little-endian here, and the stream goes on from packet to packet.
pub static TOY_CHACHA20_CTR: ToyChaCha20 = ToyChaCha20;

/// The type of [`TOY_CHACHA20_CTR`].
#[derive(Debug, Clone, Copy)]
pub struct ToyChaCha20;

const KEY_LEN: usize = 32;
/// What packets are padded to, and the size of the IV. The key stream comes in pieces of four of these.
const BLOCK_LEN: usize = 16;
const STREAM_LEN: usize = 64;

impl PlainCipher for ToyChaCha20 {
    fn name(&self) -> &'static str {
        "toy-chacha20-ctr@example.com"
    }

    fn key_len(&self) -> usize {
        KEY_LEN
    }

    fn block_len(&self) -> usize {
        BLOCK_LEN
    }

    fn decryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        // Combining with a key stream undoes itself.
        self.encryptor(key, iv)
    }

    fn encryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        match (key.len(), iv.try_into()) {
            (KEY_LEN, Ok(iv)) => {
                let counter = u128::from_le_bytes(iv);
                Box::new(KeyStream { key: key.into(), counter, stream: [0; STREAM_LEN], used: STREAM_LEN })
            }
            _ => Box::new(WrongSize),
        }
    }
}

struct KeyStream {
    key: Secret,
    counter: u128,
    stream: [u8; STREAM_LEN],
    /// How much of `stream` was used.
    used: usize,
}

impl Transform for KeyStream {
    fn apply(&mut self, blocks: &mut [u8]) {
        for block in blocks.chunks_mut(BLOCK_LEN) {
            if self.used == STREAM_LEN {
                self.stream = chacha20(&self.key, self.counter);
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            let stream = &self.stream[self.used..self.used + BLOCK_LEN];
            block.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
            self.used += BLOCK_LEN;
        }
    }
}

/// In the place of a cipher whose key or IV has the wrong size, which is the caller's fault: nothing leaves readable.
struct WrongSize;

impl Transform for WrongSize {
    fn apply(&mut self, blocks: &mut [u8]) {
        blocks.fill(0);
    }
}

/// The block function (RFC 8439 §2.3, where the upper 96 bits of the counter are called the nonce).
fn chacha20(key: &[u8], counter: u128) -> [u8; STREAM_LEN] {
    let mut input = [0; STREAM_LEN];
    input[..16].copy_from_slice(b"expand 32-byte k");
    input[16..48].copy_from_slice(key);
    input[48..].copy_from_slice(&counter.to_le_bytes());

    let mut start = [0; 16];
    for (word, bytes) in start.iter_mut().zip(input.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let mut state = start;
    for _ in 0..10 {
        for column in 0..4 {
            quarter_round(&mut state, [0, 4, 8, 12].map(|row| row + column));
        }
        for diagonal in 0..4 {
            quarter_round(&mut state, [0, 1, 2, 3].map(|row| 4 * row + (diagonal + row) % 4));
        }
    }
    let mut output = [0; STREAM_LEN];
    for (bytes, (word, start)) in output.as_chunks_mut().0.iter_mut().zip(state.iter().zip(start)) {
        *bytes = word.wrapping_add(start).to_le_bytes();
    }
    output
}

/// RFC 8439 §2.1.
fn quarter_round(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (x, y, z, bits) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[x] = state[x].wrapping_add(state[y]);
        state[z] = (state[z] ^ state[x]).rotate_left(bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const KEY: [u8; 32] = hex!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

    /// RFC 8439 §2.3.2: block 1.
    #[test]
    fn vector() {
        let mut blocks = [0; 64];
        let iv = hex!("01000000 000000090000004a00000000");
        TOY_CHACHA20_CTR.encryptor(&KEY, &iv).apply(&mut blocks);
        let expected = hex!(
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
        );
        assert_eq!(blocks, expected);
    }

    #[test]
    fn the_stream_goes_on_wherever_packets_end() {
        let iv = [7; BLOCK_LEN];
        let mut whole = [0; 640];
        TOY_CHACHA20_CTR.encryptor(&KEY, &iv).apply(&mut whole);
        let mut decryptor = TOY_CHACHA20_CTR.decryptor(&KEY, &iv);
        let mut rest = whole.as_mut_slice();
        for blocks in [1, 2, 3, 4, 5, 25] {
            let (packet, behind) = rest.split_at_mut(blocks * BLOCK_LEN);
            decryptor.apply(packet);
            rest = behind;
        }
        assert!(rest.is_empty());
        assert_eq!(whole, [0; 640]);
    }

    #[test]
    fn nothing_leaves_readable_under_a_key_of_the_wrong_size() {
        for (key, iv) in [(31, 16), (33, 16), (32, 15), (32, 17), (32, 8), (0, 0)] {
            let mut block = *b"a secret message";
            TOY_CHACHA20_CTR.encryptor(&vec![1; key], &vec![1; iv]).apply(&mut block);
            assert_eq!(block, [0; 16], "{key} {iv}");
        }
    }
}
