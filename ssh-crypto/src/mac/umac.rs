//! UMAC (RFC 4418) over AES-128, with the sequence number as its nonce: `umac-64@openssh.com`, `umac-128@openssh.com`
//! (draft-miller-secsh-umac) and their forms over the ciphertext.

mod hash;

use super::{Mac, MacAlgorithm};
use crate::{
    cipher::Refuse,
    stack::{MAC, on_wiped_stack},
};
use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use hash::Hash;
use std::fmt;
use zeroize::Zeroizing;

/// `umac-64@openssh.com`.
pub static UMAC_64: &dyn MacAlgorithm = &Umac { name: "umac-64@openssh.com", tag_len: 8, etm: false };
/// `umac-128@openssh.com`.
pub static UMAC_128: &dyn MacAlgorithm = &Umac { name: "umac-128@openssh.com", tag_len: 16, etm: false };
/// `umac-64-etm@openssh.com`.
pub static UMAC_64_ETM: &dyn MacAlgorithm = &Umac { name: "umac-64-etm@openssh.com", tag_len: 8, etm: true };
/// `umac-128-etm@openssh.com`.
pub static UMAC_128_ETM: &dyn MacAlgorithm =
    &Umac { name: "umac-128-etm@openssh.com", tag_len: 16, etm: true };

struct Umac {
    name: &'static str,
    tag_len: usize,
    etm: bool,
}

/// The size of the key in bytes.
const KEY_LEN: usize = 16;

impl MacAlgorithm for Umac {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        KEY_LEN
    }

    fn tag_len(&self) -> usize {
        self.tag_len
    }

    fn is_etm(&self) -> bool {
        self.etm
    }

    /// A tag of 64 bits is too short to be offered unasked.
    fn is_legacy(&self) -> bool {
        self.tag_len < 12
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn Mac> {
        match key.try_into() {
            Ok(key) => Box::new(Keyed::new(key, self.tag_len)),
            Err(_) => Box::new(Refuse),
        }
    }
}

impl fmt::Debug for Umac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

struct Keyed {
    /// One for each four bytes of the tag.
    hashes: Vec<Hash>,
    /// Makes the pads that hide the hashes.
    pad: Aes128,
}

impl Keyed {
    /// Of all that is derived, each of the hashes takes a part of its own; of the first key they take the parts that begin
    /// 16 bytes behind one another (RFC 4418 §5.1).
    fn new(key: &[u8; KEY_LEN], tag_len: usize) -> Self {
        let aes = Aes128::new(key.into());
        let count = tag_len / 4;
        let nh = derive(&aes, 1, hash::BLOCK + (count - 1) * 16);
        let poly = derive(&aes, 2, count * 24);
        let inner = derive(&aes, 3, count * 64);
        let mask = derive(&aes, 4, count * 4);
        let hashes = (0..count)
            .map(|at| Hash::new(&nh[at * 16..], &poly[at * 24..], &inner[at * 64..], &mask[at * 4..]))
            .collect();
        let mut pad_key = Zeroizing::new([0; KEY_LEN]);
        pad_key.copy_from_slice(&derive(&aes, 0, KEY_LEN));
        Self { hashes, pad: Aes128::new((&*pad_key).into()) }
    }

    /// RFC 4418 §3.3.1: two tags of 64 bits share a block; which half is whose, the nonce's last bit tells.
    fn tag(&self, nonce: u64, message: &[u8], tag: &mut [u8]) {
        let half = if self.hashes.len() == 2 { nonce & 1 } else { 0 };
        let mut pad = [0; 16];
        pad[..8].copy_from_slice(&(nonce ^ half).to_be_bytes());
        let mut pad = pad.into();
        self.pad.encrypt_block(&mut pad);
        let hashes = self.hashes.iter().flat_map(|hash| hash.hash(message).to_be_bytes());
        let pad = &pad[8 * half as usize..];
        tag.iter_mut().zip(hashes.zip(pad)).for_each(|(to, (hash, pad))| *to = hash ^ pad);
    }
}

impl Mac for Keyed {
    fn sign(&mut self, seq: u32, packet: &[u8], tag: &mut [u8]) {
        on_wiped_stack::<MAC, _>(|| self.tag(seq.into(), packet, tag));
    }
}

/// `len` bytes of key for the purpose of this number (RFC 4418 §3.2.1).
fn derive(aes: &Aes128, index: u8, len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len.next_multiple_of(16)));
    for count in (1_u64..).take(len.div_ceil(16)) {
        let mut block = [0; 16];
        block[7] = index;
        block[8..].copy_from_slice(&count.to_be_bytes());
        let mut block = block.into();
        aes.encrypt_block(&mut block);
        key.extend_from_slice(&block);
    }
    key.truncate(len);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<Hash>();
        wiped::<Aes128>();
    }

    const KEY: &[u8; 16] = b"abcdefghijklmnop";
    const NONCE: u64 = u64::from_be_bytes(*b"bcdefghi");

    fn tag<const N: usize>(message: &[u8]) -> [u8; N] {
        let mut tag = [0; N];
        Keyed::new(KEY, N).tag(NONCE, message, &mut tag);
        tag
    }

    /// Those of RFC 4418, appendix; the first 96 bits of a tag of 128 are the RFC's tag of 96, the rest is from the tests
    /// of Nettle.
    #[test]
    fn known_tags() {
        let a = vec![b'a'; 1 << 20];
        for (message, tag_64, tag_128) in [
            (&b""[..], hex!("6e155fad26900be1"), hex!("32fedb100c79ad58f07ff7643cc60465")),
            (&a[..3], hex!("44b5cb542f220104"), hex!("185e4fe905cba7bd85e4c2dc3d117d8d")),
            (&a[..1 << 10], hex!("26bf2f5d60118bd9"), hex!("7a54abe04af82d60fb298c3cbd195bcb")),
            (&a[..1 << 15], hex!("27f8ef643b0d118d"), hex!("7b136bd911e4b734286ef2be501f2c3c")),
            (&a, hex!("a4477e87e9f55853"), hex!("f8acfa3ac31cfeea047f7b115b03bef5")),
            (b"abc", hex!("d4d7b9f6bd4fbfcf"), hex!("883c3d4b97a61976ffcf232308cba5a5")),
            (&b"abc".repeat(500), hex!("d4cf26ddefd5c01a"), hex!("8824a260c53c66a36c9260a62cb83aa1")),
        ] {
            assert_eq!((tag(message), tag(message)), (tag_64, tag_128), "{} bytes", message.len());
        }
    }

    #[test]
    fn two_nonces_share_a_block_in_the_short_form_only() {
        let pads = |tag_len: usize| {
            let mut mac = Keyed::new(KEY, tag_len);
            [6, 7].map(|seq| {
                let mut tag = vec![0; tag_len];
                mac.sign(seq, b"", &mut tag);
                tag
            })
        };
        for tag_len in [8, 16] {
            let [even, odd] = pads(tag_len);
            assert_ne!(even, odd);
        }
    }
}
