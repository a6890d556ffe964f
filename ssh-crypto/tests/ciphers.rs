//! The ciphers without authentication of every back end against official vectors.
#![allow(clippy::unwrap_used, clippy::panic)]

use hex_literal::hex;
use ssh_crypto::{Cipher, PlainCipher, Provider, Transform, rust_crypto};

fn back_ends() -> Vec<Provider> {
    vec![
        rust_crypto::provider(),
        #[cfg(feature = "aws-lc")]
        ssh_crypto::aws_lc::provider(),
    ]
}

fn plain(provider: &Provider, name: &str) -> &'static dyn PlainCipher {
    match provider.cipher(name) {
        Some(Cipher::Plain(cipher)) => cipher,
        other => panic!("{name}: {other:?}"),
    }
}

/// Checks the cipher in every back end, and that what it is given in one call or in many makes no difference.
fn check(name: &str, key: &[u8], iv: &[u8], plaintext: &[u8], ciphertext: &[u8]) {
    for provider in back_ends() {
        let cipher = plain(&provider, name);
        assert_eq!((cipher.key_len(), cipher.block_len()), (key.len(), iv.len()), "{name}");
        for step in [plaintext.len(), cipher.block_len(), 3 * cipher.block_len()] {
            let apply = |mut transform: Box<dyn Transform>, from: &[u8]| {
                let mut bytes = from.to_vec();
                bytes.chunks_mut(step).for_each(|chunk| transform.apply(chunk));
                bytes
            };
            assert_eq!(apply(cipher.encryptor(key, iv), plaintext), ciphertext, "{name}, {step} at a time");
            assert_eq!(apply(cipher.decryptor(key, iv), ciphertext), plaintext, "{name}, {step} at a time");
        }
    }
}

const NIST_PLAINTEXT: [u8; 64] = hex!(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
);
const NIST_COUNTER: [u8; 16] = hex!("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
const NIST_IV: [u8; 16] = hex!("000102030405060708090a0b0c0d0e0f");
const NIST_128: [u8; 16] = hex!("2b7e151628aed2a6abf7158809cf4f3c");
const NIST_192: [u8; 24] = hex!("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b");
const NIST_256: [u8; 32] = hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");

/// NIST SP 800-38A, F.5.
#[test]
fn aes_ctr_nist() {
    let ciphertext = hex!(
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
    );
    check("aes128-ctr", &NIST_128, &NIST_COUNTER, &NIST_PLAINTEXT, &ciphertext);
    let ciphertext = hex!(
        "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
        "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050"
    );
    check("aes192-ctr", &NIST_192, &NIST_COUNTER, &NIST_PLAINTEXT, &ciphertext);
    let ciphertext = hex!(
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
    );
    check("aes256-ctr", &NIST_256, &NIST_COUNTER, &NIST_PLAINTEXT, &ciphertext);
}

/// RFC 3686 §6, test vectors 2, 5 and 8, as counter blocks.
#[test]
fn aes_ctr_rfc_3686() {
    let plaintext = hex!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    check(
        "aes128-ctr",
        &hex!("7e24067817fae0d743d6ce1f32539163"),
        &hex!("006cb6dbc0543b59da48d90b00000001"),
        &plaintext,
        &hex!("5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"),
    );
    check(
        "aes192-ctr",
        &hex!("7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a"),
        &hex!("0096b03b020c6eadc2cb500d00000001"),
        &plaintext,
        &hex!("453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00"),
    );
    check(
        "aes256-ctr",
        &hex!("f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884"),
        &hex!("00faac24c1585ef15a43d87500000001"),
        &plaintext,
        &hex!("f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"),
    );
}

/// NIST SP 800-38A, F.2.
#[test]
fn aes_cbc_nist() {
    let ciphertext = hex!(
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
    );
    check("aes128-cbc", &NIST_128, &NIST_IV, &NIST_PLAINTEXT, &ciphertext);
    let ciphertext = hex!(
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
        "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"
    );
    check("aes192-cbc", &NIST_192, &NIST_IV, &NIST_PLAINTEXT, &ciphertext);
    let ciphertext = hex!(
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    );
    for name in ["aes256-cbc", "rijndael-cbc@lysator.liu.se"] {
        check(name, &NIST_256, &NIST_IV, &NIST_PLAINTEXT, &ciphertext);
    }
}

/// The chaining test of Eric Young's DES and Blowfish libraries, its text filled with zeros to whole blocks.
#[test]
fn triple_des_and_blowfish_cbc() {
    let iv = hex!("fedcba9876543210");
    let plaintext = b"7654321 Now is the time for \0\0\0\0";
    check(
        "3des-cbc",
        &hex!("0123456789abcdeff1e0d3c2b5a49786fedcba9876543210"),
        &iv,
        plaintext,
        &hex!("3fe301c962ac01d02213763c1cbd4cdc799657c064ecf5d41c673812cfde9675"),
    );
    check(
        "blowfish-cbc",
        &hex!("0123456789abcdeff0e1d2c3b4a59687"),
        &iv,
        plaintext,
        &hex!("6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc"),
    );
}

/// A block of key stream is the encrypted counter, which is what CBC makes of one block of zeros with the counter as
/// its IV. That tells what a counter does at the ends of its words, and stands in for vectors where there are none.
#[test]
fn counter_mode_against_cbc() {
    let counters = |block: usize| {
        let all = [0xff; 16];
        let mut low_word = [0; 16];
        low_word[12..].fill(0xff);
        let mut low_half = [0x10; 16];
        low_half[8..].fill(0xff);
        [all, low_word, low_half, NIST_COUNTER].map(|counter| counter[16 - block..].to_vec())
    };
    for provider in back_ends() {
        for (ctr, cbc) in [
            ("aes128-ctr", "aes128-cbc"),
            ("aes192-ctr", "aes192-cbc"),
            ("aes256-ctr", "aes256-cbc"),
            ("3des-ctr", "3des-cbc"),
        ] {
            let (ctr, cbc) = (plain(&provider, ctr), plain(&provider, cbc));
            let (key, block) = (key(ctr.key_len()), ctr.block_len());
            for mut counter in counters(block) {
                let mut stream = vec![0; 9 * block];
                let mut encryptor = ctr.encryptor(&key, &counter);
                // In calls of 4 and 5 blocks.
                let (front, back) = stream.split_at_mut(4 * block);
                encryptor.apply(front);
                encryptor.apply(back);
                for actual in stream.chunks(block) {
                    let mut expected = vec![0; block];
                    cbc.encryptor(&key, &counter).apply(&mut expected);
                    assert_eq!(actual, expected, "{ctr:?}");
                    increment(&mut counter);
                }
            }
        }
    }
}

/// With a key of 256 bits, which blowfish-cbc does not take: the encrypted counters come from OpenSSL 3.0.
#[test]
fn blowfish_ctr() {
    let key: Vec<u8> = (0..32).collect();
    let stream = hex!("aaddcdf6ca56d6ad1e923a099d27b72b0c823b7b8d014b7e3d870eef35442d4d");
    check("blowfish-ctr", &key, &hex!("fffffffffffffffe"), &[0; 32], &stream);
}

#[test]
fn a_key_or_iv_of_the_wrong_size_sends_zeros() {
    for provider in back_ends() {
        for cipher in provider.ciphers.iter() {
            let Cipher::Plain(cipher) = cipher else { continue };
            let (key_len, iv_len) = (cipher.key_len(), cipher.block_len());
            for (key_len, iv_len) in
                [(key_len - 1, iv_len), (key_len + 1, iv_len), (key_len, iv_len - 1), (key_len, 0)]
            {
                for mut transform in [
                    cipher.encryptor(&vec![7; key_len], &vec![7; iv_len]),
                    cipher.decryptor(&vec![7; key_len], &vec![7; iv_len]),
                ] {
                    let mut bytes = vec![1; 64];
                    transform.apply(&mut bytes);
                    assert_eq!(bytes, vec![0; 64], "{cipher:?}");
                }
            }
        }
    }
}

fn key(len: usize) -> Vec<u8> {
    (0..len as u8).map(|at| at.wrapping_mul(37).wrapping_add(11)).collect()
}

fn increment(counter: &mut [u8]) {
    for byte in counter.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}
