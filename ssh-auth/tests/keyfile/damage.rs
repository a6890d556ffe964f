//! Damaged and hostile files: an error, or the same key; never a panic, never another key, never long work.

use crate::tools::{PASSPHRASE, Workshop};
use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use ssh_auth::{
    KeyFileErrorKind,
    keyfile::{PrivateKeyFile, write_openssh},
};
use ssh_crypto::{PrivateKey, random::SystemRandom};

/// Whatever the bytes are: what comes out, if anything, is `key`.
fn check(bytes: &[u8], key: &PrivateKey) {
    let Ok(file) = PrivateKeyFile::parse(bytes) else { return };
    if let Ok(found) = file.decrypt(Some(PASSPHRASE.as_bytes())) {
        assert!(found == *key, "another key of\n{}", bytes.escape_ascii());
    }
}

/// Changes every byte of a file, and cuts it at every point.
fn damage(file: &[u8], key: &PrivateKey) {
    check(file, key);
    let mut changed = file.to_vec();
    for at in 0..file.len() {
        for mask in [0x01, 0x04, 0x80] {
            changed[at] ^= mask;
            check(&changed, key);
            changed[at] = file[at];
        }
        check(&file[..at], key);
    }
}

/// Changes every byte below the Base64 of a file by each of the masks, and cuts it at every point.
fn damage_inside(file: &[u8], key: &PrivateKey, masks: &[u8]) {
    let (label, content) = unframe(file);
    check(&frame(&label, &content), key);
    let mut changed = content.clone();
    for at in 0..content.len() {
        for mask in masks {
            changed[at] ^= mask;
            check(&frame(&label, &changed), key);
            changed[at] = content[at];
        }
        check(&frame(&label, &content[..at]), key);
    }
}

fn unframe(file: &[u8]) -> (String, Vec<u8>) {
    let text = std::str::from_utf8(file).unwrap();
    let label = text.strip_prefix("-----BEGIN ").unwrap().split_once("-----").unwrap().0;
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    (label.to_owned(), Base64::decode_vec(&body).unwrap())
}

fn frame(label: &str, content: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(content);
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n").into_bytes()
}

fn key_of(file: &[u8]) -> PrivateKey {
    PrivateKeyFile::parse(file).unwrap().decrypt(Some(PASSPHRASE.as_bytes())).unwrap()
}

#[test]
fn openssh() {
    let key = PrivateKey::ed25519(&[7; 32]);
    let plain = write_openssh(&key, "comment", None, &SystemRandom).unwrap();
    damage(&plain, &key);
    damage_inside(&plain, &key, &[0x01, 0xff]);
    let secret = write_openssh(&key, "", Some((PASSPHRASE.as_bytes(), 1)), &SystemRandom).unwrap();
    // Each opening takes a round of bcrypt, so there is one mask only.
    damage_inside(&secret, &key, &[0x01]);
}

#[test]
fn openssh_with_a_tag() {
    let Some(shop) = Workshop::with("openssh_with_a_tag", &["ssh-keygen"]) else { return };
    for cipher in ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        shop.generate(cipher, &["-t", "ecdsa", "-a", "1", "-Z", cipher], PASSPHRASE).unwrap();
        let file = shop.read(cipher);
        damage_inside(&file, &key_of(&file), &[0x01]);
    }
}

#[test]
fn plain_der() {
    let Some(shop) = Workshop::with("plain_der", &["ssh-keygen"]) else { return };
    for format in ["PEM", "PKCS8"] {
        let name = format!("ec-{format}");
        shop.generate(&name, &["-t", "ecdsa", "-m", format], "").unwrap();
        let file = shop.read(&name);
        damage(&file, &key_of(&file));
        damage_inside(&file, &key_of(&file), &[0x01, 0xff]);
    }
    shop.generate("rsa", &["-t", "rsa", "-b", "1024", "-m", "PEM"], "").unwrap();
    let file = shop.read("rsa");
    damage_inside(&file, &key_of(&file), &[0x01, 0xff]);
    if shop.generate("dsa", &["-t", "dsa", "-m", "PEM"], "").is_some() {
        let file = shop.read("dsa");
        damage_inside(&file, &key_of(&file), &[0x01, 0xff]);
    }
}

#[test]
fn encrypted_der() {
    let Some(shop) = Workshop::with("encrypted_der", &["ssh-keygen", "openssl"]) else { return };
    shop.generate("traditional", &["-t", "ecdsa", "-m", "PEM"], PASSPHRASE).unwrap();
    let file = shop.read("traditional");
    damage(&file, &key_of(&file));

    shop.generate("plain", &["-t", "ecdsa", "-m", "PKCS8"], "").unwrap();
    let pass = format!("pass:{PASSPHRASE}");
    for scheme in [&["-iter", "1"][..], &["-iter", "1", "-v2", "des3"], &["-scrypt", "-scrypt_N", "16"]] {
        let arguments = ["pkcs8", "-topk8", "-in", "plain", "-passout", &pass];
        let file = shop.run("openssl", &[&arguments[..], scheme].concat());
        damage_inside(&file, &key_of(&file), &[0x01, 0xff]);
    }
}

#[test]
fn putty() {
    let Some(shop) = Workshop::with("damage::putty", &["puttygen"]) else { return };
    shop.write("empty", b"");
    shop.write("secret", PASSPHRASE.as_bytes());
    for (passphrase, parameters) in [
        ("empty", "version=2"),
        ("empty", "version=3"),
        ("secret", "version=2"),
        ("secret", "version=3,memory=64,passes=1"),
    ] {
        let name = format!("{passphrase}-{parameters}");
        let options = ["-q", "-t", "ed25519", "--random-device", "/dev/urandom"];
        let output = ["-o", &name, "--new-passphrase", passphrase, "--ppk-param", parameters];
        shop.run("puttygen", &[&options[..], &output].concat());
        let file = shop.read(&name);
        damage(&file, &key_of(&file));
    }
}

#[test]
fn rounds_of_bcrypt_are_bounded() {
    let key = PrivateKey::ed25519(&[7; 32]);
    let file = write_openssh(&key, "", Some((b"x", 3)), &SystemRandom).unwrap();
    let (label, mut content) = unframe(&file);
    let rounds = content.windows(8).position(|bytes| bytes == [0, 0, 0, 3, 0, 0, 0, 1]).unwrap();
    let mut kind = |value: u32| {
        content[rounds..rounds + 4].copy_from_slice(&value.to_be_bytes());
        PrivateKeyFile::parse(&frame(&label, &content)).err().map(|error| error.kind())
    };
    assert_eq!(kind(0), Some(KeyFileErrorKind::Damaged));
    assert_eq!(kind(4096), None);
    assert_eq!(kind(4097), Some(KeyFileErrorKind::TooCostly));
    assert_eq!(kind(u32::MAX), Some(KeyFileErrorKind::TooCostly));
}

#[test]
fn many_keys_in_one_file() {
    let file = write_openssh(&PrivateKey::ed25519(&[7; 32]), "", None, &SystemRandom).unwrap();
    let (label, mut content) = unframe(&file);
    let count = "openssh-key-v1\0".len() + 8 + 8 + 4;
    assert_eq!(content[count..count + 4], [0, 0, 0, 1]);
    for value in [0, 2, u32::MAX] {
        content[count..count + 4].copy_from_slice(&u32::to_be_bytes(value));
        let error = PrivateKeyFile::parse(&frame(&label, &content)).unwrap_err();
        assert_eq!(error.kind(), KeyFileErrorKind::Unsupported);
    }
}

/// A tag, a length and a value of DER.
fn tlv(tag: u8, value: &[&[u8]]) -> Vec<u8> {
    let value = value.concat();
    [&[tag, u8::try_from(value.len()).unwrap()], &value[..]].concat()
}

/// A file with these parameters of PBES2, and with 16 bytes of ciphertext.
fn encrypted_pkcs8(kdf: &[u8], encryption: &[u8]) -> Vec<u8> {
    let pbes2 = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
    let scheme = tlv(0x30, &[&pbes2, &tlv(0x30, &[kdf, encryption])]);
    frame("ENCRYPTED PRIVATE KEY", &tlv(0x30, &[&scheme, &tlv(4, &[&[1; 16]])]))
}

#[test]
fn triple_des_with_a_short_initialization_vector() {
    let pbkdf2 = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
    let triple_des = [0x06, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
    for (len, expected) in [(0, true), (3, true), (7, true), (8, false), (9, true)] {
        let kdf = tlv(0x30, &[&pbkdf2, &tlv(0x30, &[&tlv(4, &[&[1; 8]]), &tlv(2, &[&[1]])])]);
        let encryption = tlv(0x30, &[&triple_des, &tlv(4, &[&vec![1; len]])]);
        let error =
            PrivateKeyFile::parse(&encrypted_pkcs8(&kdf, &encryption)).err().map(|error| error.kind());
        assert_eq!(error == Some(KeyFileErrorKind::Damaged), expected, "{len}: {error:?}");
    }
}

#[test]
fn scrypt_with_parameters_that_cannot_be() {
    use KeyFileErrorKind::{Damaged, TooCostly, WrongPassphrase};
    let scrypt = [0x06, 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
    let aes_256_cbc = [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
    let encryption = tlv(0x30, &[&aes_256_cbc, &tlv(4, &[&[1; 16]])]);
    let kind = |numbers: &[u16]| {
        let integer = |number: &u16| tlv(2, &[&number.to_be_bytes()[usize::from(*number < 128)..]]);
        let numbers: Vec<_> = numbers.iter().flat_map(integer).collect();
        let kdf = tlv(0x30, &[&scrypt, &tlv(0x30, &[&tlv(4, &[&[1; 8]]), &numbers])]);
        let file = PrivateKeyFile::parse(&encrypted_pkcs8(&kdf, &encryption))?;
        file.decrypt(Some(b"x"))
    };
    let kind = |numbers: &[u16]| kind(numbers).unwrap_err().kind();
    assert_eq!(kind(&[2, 1, 1]), WrongPassphrase);
    assert_eq!(kind(&[2, 1, 1, 32]), WrongPassphrase);
    for numbers in [[0, 1, 1, 32], [1, 1, 1, 32], [3, 1, 1, 32], [2, 0, 1, 32], [2, 1, 0, 32], [2, 1, 1, 31]]
    {
        assert_eq!(kind(&numbers), Damaged, "{numbers:?}");
    }
    // The lanes take more than what they are mixed with.
    assert_eq!(kind(&[2, 4096, 4096, 32]), TooCostly);
}

proptest! {
    #[test]
    fn arbitrary_content(
        label in prop::sample::select(vec![
            "OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
        ]),
        start in prop::sample::select(vec![&b""[..], b"openssh-key-v1\0", b"\x30\x30\x02\x01\x00", b"\x30\x30\x30"]),
        content in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(PrivateKeyFile::parse(&frame(label, &[start, &content].concat())).is_err());
    }

    #[test]
    fn arbitrary_text(text in "(PuTTY-User-Key-File-[23]: )?[ -~\n]{0,200}") {
        prop_assert!(PrivateKeyFile::parse(text.as_bytes()).is_err());
    }
}
