//! Suites for old peers: implemented, never offered unless they are named.
//!
//! | suite | why it is off |
//! | --- | --- |
//! | `*-cbc` | without encrypt-then-MAC an attacker who may try often learns plaintext (CVE-2008-5161) |
//! | `3des-*`, `blowfish-*` | blocks of 64 bits repeat after some gigabytes (CVE-2016-2183), and in constant time they are slow |
//! | `hmac-md5*` | MD5 has no collision resistance left; HMAC is not known to need it, nobody should rely on that |
//! | `*-96*` | tags of 96 bits |

mod block64;
mod blowfish;
mod triple_des;

use self::{block64::Block64, blowfish::Blowfish, triple_des::TripleDes};
use super::{ctr, hmac};
use crate::{
    Cipher, MacAlgorithm, PlainCipher, Transform,
    cipher::{Refuse, plain::Plain},
    mac::hmac::Hmac,
    stack::{CIPHER, on_wiped_stack},
};
use ::ctr::{CtrCore, flavors::Ctr64BE};
use aes::{Aes128, Aes192, Aes256};
use cbc::{Decryptor, Encryptor};
use cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use md5::Md5;
use sha1::Sha1;

/// `aes128-cbc` (RFC 4253 §6.3).
pub static AES128_CBC: &dyn PlainCipher =
    &Plain::cbc("aes128-cbc", 16, 16, decryptor::<Decryptor<Aes128>>, encryptor::<Encryptor<Aes128>>);
/// `aes192-cbc` (RFC 4253 §6.3).
pub static AES192_CBC: &dyn PlainCipher =
    &Plain::cbc("aes192-cbc", 24, 16, decryptor::<Decryptor<Aes192>>, encryptor::<Encryptor<Aes192>>);
/// `aes256-cbc` (RFC 4253 §6.3).
pub static AES256_CBC: &dyn PlainCipher =
    &Plain::cbc("aes256-cbc", 32, 16, decryptor::<Decryptor<Aes256>>, encryptor::<Encryptor<Aes256>>);
/// `rijndael-cbc@lysator.liu.se`: `aes256-cbc` by its name before the standard.
pub static RIJNDAEL_CBC: &dyn PlainCipher = &Plain::cbc(
    "rijndael-cbc@lysator.liu.se",
    32,
    16,
    decryptor::<Decryptor<Aes256>>,
    encryptor::<Encryptor<Aes256>>,
);
/// `3des-cbc` (RFC 4253 §6.3).
pub static TRIPLE_DES_CBC: &dyn PlainCipher = &Plain::cbc(
    "3des-cbc",
    24,
    8,
    decryptor::<Decryptor<Block64<TripleDes>>>,
    encryptor::<Encryptor<Block64<TripleDes>>>,
);
/// `3des-ctr` (RFC 4344 §4).
pub static TRIPLE_DES_CTR: &dyn PlainCipher =
    &Plain::ctr("3des-ctr", 24, 8, ctr::keyed::<CtrCore<Block64<TripleDes>, Ctr64BE>>).legacy();
/// `blowfish-cbc` (RFC 4253 §6.3), with a key of 128 bits.
pub static BLOWFISH_CBC: &dyn PlainCipher = &Plain::cbc(
    "blowfish-cbc",
    16,
    8,
    decryptor::<Decryptor<Block64<Blowfish>>>,
    encryptor::<Encryptor<Block64<Blowfish>>>,
);
/// `blowfish-ctr` (RFC 4344 §4), with a key of 256 bits.
pub static BLOWFISH_CTR: &dyn PlainCipher =
    &Plain::ctr("blowfish-ctr", 32, 8, ctr::keyed::<CtrCore<Block64<Blowfish>, Ctr64BE>>).legacy();

pub use crate::mac::umac::{UMAC_64, UMAC_64_ETM};

/// `hmac-md5` (RFC 4253 §6.4).
pub static HMAC_MD5: &dyn MacAlgorithm = &Hmac::new("hmac-md5", 16, hmac::keyed::<Md5>).legacy();
/// `hmac-md5-96` (RFC 4253 §6.4).
pub static HMAC_MD5_96: &dyn MacAlgorithm =
    &Hmac::new("hmac-md5-96", 16, hmac::keyed::<Md5>).truncated(12).legacy();
/// `hmac-sha1-96` (RFC 4253 §6.4).
pub static HMAC_SHA1_96: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha1-96", 20, hmac::keyed::<Sha1>).truncated(12).legacy();
/// `hmac-md5-etm@openssh.com`.
pub static HMAC_MD5_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-md5-etm@openssh.com", 16, hmac::keyed::<Md5>).etm().legacy();
/// `hmac-md5-96-etm@openssh.com`.
pub static HMAC_MD5_96_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-md5-96-etm@openssh.com", 16, hmac::keyed::<Md5>).truncated(12).etm().legacy();
/// `hmac-sha1-96-etm@openssh.com`.
pub static HMAC_SHA1_96_ETM: &dyn MacAlgorithm =
    &Hmac::new("hmac-sha1-96-etm@openssh.com", 20, hmac::keyed::<Sha1>).truncated(12).etm().legacy();

/// The ciphers above, the least bad first.
pub fn ciphers() -> [Cipher; 8] {
    [
        AES256_CBC,
        RIJNDAEL_CBC,
        AES192_CBC,
        AES128_CBC,
        TRIPLE_DES_CTR,
        BLOWFISH_CTR,
        TRIPLE_DES_CBC,
        BLOWFISH_CBC,
    ]
    .map(Cipher::Plain)
}

/// The MACs above, the least bad first.
pub fn macs() -> [&'static dyn MacAlgorithm; 8] {
    [
        UMAC_64_ETM,
        UMAC_64,
        HMAC_SHA1_96_ETM,
        HMAC_SHA1_96,
        HMAC_MD5_ETM,
        HMAC_MD5,
        HMAC_MD5_96_ETM,
        HMAC_MD5_96,
    ]
}

fn decryptor<C: KeyIvInit + BlockModeDecrypt + Send + 'static>(key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
    match C::new_from_slices(key, iv) {
        Ok(chain) => Box::new(Decrypt(chain)),
        Err(_) => Box::new(Refuse),
    }
}

fn encryptor<C: KeyIvInit + BlockModeEncrypt + Send + 'static>(key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
    match C::new_from_slices(key, iv) {
        Ok(chain) => Box::new(Encrypt(chain)),
        Err(_) => Box::new(Refuse),
    }
}

struct Decrypt<C>(C);

impl<C: BlockModeDecrypt + Send> Transform for Decrypt<C> {
    fn apply(&mut self, blocks: &mut [u8]) {
        let (blocks, rest) = Array::slice_as_chunks_mut(blocks);
        on_wiped_stack::<CIPHER, _>(|| self.0.decrypt_blocks(blocks));
        rest.fill(0);
    }
}

struct Encrypt<C>(C);

impl<C: BlockModeEncrypt + Send> Transform for Encrypt<C> {
    fn apply(&mut self, blocks: &mut [u8]) {
        let (blocks, rest) = Array::slice_as_chunks_mut(blocks);
        on_wiped_stack::<CIPHER, _>(|| self.0.encrypt_blocks(blocks));
        rest.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<Encryptor<Aes128>>();
        wiped::<Decryptor<Aes256>>();
        wiped::<Encryptor<Block64<TripleDes>>>();
        wiped::<Decryptor<Block64<TripleDes>>>();
        wiped::<Encryptor<Block64<Blowfish>>>();
        wiped::<Decryptor<Block64<Blowfish>>>();
        wiped::<::ctr::Ctr64BE<Block64<TripleDes>>>();
        wiped::<::ctr::Ctr64BE<Block64<Blowfish>>>();
        wiped::<Md5>();
    }
}
