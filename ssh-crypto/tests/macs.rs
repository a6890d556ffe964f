//! The MACs of every back end against RFC 4231 (SHA-2) and RFC 2202 (SHA-1 and MD5).
#![allow(clippy::unwrap_used, clippy::panic)]

use hex_literal::hex;
use md5::Digest as _;
use ssh_crypto::{Corrupt, Hash, MacAlgorithm, Provider, rust_crypto};

fn back_ends() -> Vec<Provider> {
    vec![
        rust_crypto::provider(),
        #[cfg(feature = "aws-lc")]
        ssh_crypto::aws_lc::provider(),
    ]
}

/// SSH's keys are as long as the digest. HMAC fills short keys with zeros and hashes those longer than a block, so this
/// makes a key of the right size that gives the same tags.
fn fit(mac: &dyn MacAlgorithm, key: &[u8]) -> Vec<u8> {
    let mut key = match (mac.key_len(), key.len()) {
        (len, key_len) if key_len <= len => key.to_vec(),
        (16, _) => md5::Md5::digest(key).to_vec(),
        (20, _) => Hash::Sha1.digest(&[key]).to_vec(),
        (32, _) => Hash::Sha256.digest(&[key]).to_vec(),
        _ => Hash::Sha512.digest(&[key]).to_vec(),
    };
    key.resize(mac.key_len(), 0);
    key
}

/// Checks the suite of this name in every back end, and its forms over the ciphertext.
fn check(name: &str, key: &[u8], message: &[u8], expected: &[u8]) {
    for provider in back_ends() {
        for name in [name.to_owned(), format!("{name}-etm@openssh.com")] {
            let suite = provider.mac(&name).unwrap();
            assert_eq!(suite.tag_len(), expected.len());
            assert_eq!(suite.is_etm(), name.ends_with("-etm@openssh.com"));
            let mut mac = suite.keyed(&fit(suite, key));
            // The sequence number stands in front of the packet.
            let (seq, packet) = message.split_first_chunk().unwrap();
            let seq = u32::from_be_bytes(*seq);
            let mut tag = vec![0; expected.len()];
            for _ in 0..2 {
                mac.sign(seq, packet, &mut tag);
                assert_eq!(tag, expected, "{name}");
                mac.verify(seq, packet, &tag).unwrap();
            }
            assert_eq!(mac.verify(seq.wrapping_add(1), packet, &tag), Err(Corrupt));
            assert_eq!(mac.verify(seq, &packet[1..], &tag), Err(Corrupt));
            for bit in 0..tag.len() * 8 {
                tag[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(mac.verify(seq, packet, &tag), Err(Corrupt));
                tag[bit / 8] ^= 1 << (bit % 8);
            }
            assert_eq!(mac.verify(seq, packet, &[]), Err(Corrupt));
            mac.verify(seq, packet, &tag).unwrap();
        }
    }
}

const HI: &[u8] = b"Hi There";
const WHAT: &[u8] = b"what do ya want for nothing?";
const LARGE_KEY: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";

#[test]
fn hmac_sha2_256() {
    let check = |key: &[u8], message: &[u8], tag: [u8; 32]| check("hmac-sha2-256", key, message, &tag);
    check(&[0x0b; 20], HI, hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    check(b"Jefe", WHAT, hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    let tag = hex!("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    check(&[0xaa; 20], &[0xdd; 50], tag);
    let tag = hex!("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    check(&counting(25), &[0xcd; 50], tag);
    let tag = hex!("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check(&[0xaa; 131], LARGE_KEY, tag);
    let message =
        b"This is a test using a larger than block-size key and a larger than block-size data. The key \
        needs to be hashed before being used by the HMAC algorithm.";
    check(&[0xaa; 131], message, hex!("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"));
}

#[test]
fn hmac_sha2_512() {
    let check = |key: &[u8], message: &[u8], tag: [u8; 64]| check("hmac-sha2-512", key, message, &tag);
    let tag = hex!(
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
    );
    check(&[0x0b; 20], HI, tag);
    let tag = hex!(
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    );
    check(b"Jefe", WHAT, tag);
    let tag = hex!(
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
        "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
    );
    check(&[0xaa; 20], &[0xdd; 50], tag);
    let tag = hex!(
        "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
        "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
    );
    check(&counting(25), &[0xcd; 50], tag);
    let tag = hex!(
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
    );
    check(&[0xaa; 131], LARGE_KEY, tag);
}

#[test]
fn hmac_sha1() {
    let check_all = |key: &[u8], message: &[u8], tag: [u8; 20]| {
        check("hmac-sha1", key, message, &tag);
        check("hmac-sha1-96", key, message, &tag[..12]);
    };
    check_all(&[0x0b; 20], HI, hex!("b617318655057264e28bc0b6fb378c8ef146be00"));
    check_all(b"Jefe", WHAT, hex!("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
    check_all(&[0xaa; 20], &[0xdd; 50], hex!("125d7342b9ac11cd91a39af48aa17b4f63f175d3"));
    check_all(&[0x0c; 20], b"Test With Truncation", hex!("4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"));
    check_all(&[0xaa; 80], LARGE_KEY, hex!("aa4ae5e15272d00e95705637ce8a3b55ed402112"));
    let message = b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
    check_all(&[0xaa; 80], message, hex!("e8e99d0f45237d786d6bbaa7965c7808bbff1a91"));
}

#[test]
fn hmac_md5() {
    let check_all = |key: &[u8], message: &[u8], tag: [u8; 16]| {
        check("hmac-md5", key, message, &tag);
        check("hmac-md5-96", key, message, &tag[..12]);
    };
    check_all(&[0x0b; 16], HI, hex!("9294727a3638bb1c13f48ef8158bfc9d"));
    check_all(b"Jefe", WHAT, hex!("750c783e6ab0b503eaa86e310a5db738"));
    check_all(&[0xaa; 16], &[0xdd; 50], hex!("56be34521d144c88dbb8c733f0e8b3f6"));
    check_all(&[0x0c; 16], b"Test With Truncation", hex!("56461ef2342edc00f9bab995690efd4c"));
    check_all(&[0xaa; 80], LARGE_KEY, hex!("6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"));
    let message = b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
    check_all(&[0xaa; 80], message, hex!("6f630fad67cda0ee1fb1f562db3aa53e"));
}

#[test]
fn a_key_of_the_wrong_size_verifies_nothing() {
    for provider in back_ends() {
        for suite in provider.macs.iter() {
            for len in [0, suite.key_len() - 1, suite.key_len() + 1] {
                let mut mac = suite.keyed(&vec![7; len]);
                let mut tag = vec![1; suite.tag_len()];
                mac.sign(3, b"packet", &mut tag);
                assert_eq!(tag, vec![0; suite.tag_len()], "{suite:?}");
                assert_eq!(mac.verify(3, b"packet", &tag), Err(Corrupt));
            }
        }
    }
}

/// 1, 2, 3, …
fn counting(len: u8) -> Vec<u8> {
    (1..=len).collect()
}
