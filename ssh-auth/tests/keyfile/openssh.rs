//! OpenSSH's format, as `ssh-keygen` writes it and reads it.

use crate::tools::{COMMENT, PASSPHRASE, Workshop, hides, holds, keys, public};
use ssh_auth::{
    KeyFileErrorKind,
    keyfile::{DEFAULT_ROUNDS, Format, PrivateKeyFile, write_openssh},
};
use ssh_crypto::{PrivateKey, key::KeyKind, random::SystemRandom};

#[test]
fn every_type_of_key() {
    let Some(shop) = Workshop::with("every_type_of_key", &["ssh-keygen"]) else { return };
    for key in keys() {
        let file = holds(&key.file, &key.public);
        assert_eq!((file.format(), file.comment()), (Format::OpenSsh, Some(COMMENT)));

        let file = hides(&shop.rewrite(key.kind, key, &["-a", "2"], PASSPHRASE), &key.public, PASSPHRASE);
        assert_eq!((file.format(), file.comment()), (Format::OpenSsh, None));
        assert_eq!(file.public_key(), Some(&key.public));
        let (_, comment) = file.decrypt_with_comment(Some(PASSPHRASE.as_bytes())).unwrap();
        assert_eq!(comment.as_deref(), Some(COMMENT));
    }
}

#[test]
fn every_cipher() {
    let Some(shop) = Workshop::with("every_cipher", &["ssh-keygen", "ssh"]) else { return };
    let ciphers = String::from_utf8(shop.run("ssh", &["-Q", "cipher"])).unwrap();
    assert!(ciphers.lines().count() >= 8, "{ciphers}");
    for cipher in ciphers.lines() {
        let public = shop.generate(cipher, &["-t", "ecdsa", "-a", "1", "-Z", cipher], PASSPHRASE).unwrap();
        hides(&shop.read(cipher), &public, PASSPHRASE);
    }
}

#[test]
fn default_rounds() {
    let Some(shop) = Workshop::with("default_rounds", &["ssh-keygen"]) else { return };
    let public = shop.generate("key", &["-t", "ed25519"], PASSPHRASE).unwrap();
    hides(&shop.read("key"), &public, PASSPHRASE);
}

#[test]
fn a_new_rsa_key_ssh_keygen_reads() {
    let Some(shop) = Workshop::with("a_new_rsa_key_ssh_keygen_reads", &["ssh-keygen"]) else { return };
    for bits in [2048, 2049] {
        let key = PrivateKey::generate(KeyKind::Rsa { bits }, &SystemRandom).unwrap();
        let name = bits.to_string();
        shop.write(&name, &write_openssh(&key, COMMENT, None, &SystemRandom).unwrap());
        let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-f", &name])).unwrap();
        assert_eq!(public(&line), key.public_key());
        let shown = String::from_utf8(shop.run("ssh-keygen", &["-l", "-f", &name])).unwrap();
        assert!(shown.starts_with(&format!("{bits} ")), "{shown}");
    }
}

#[test]
fn what_is_written_ssh_keygen_reads() {
    let Some(shop) = Workshop::with("what_is_written_ssh_keygen_reads", &["ssh-keygen"]) else { return };
    for made in keys() {
        let key = PrivateKeyFile::parse(&made.file).unwrap().decrypt(None).unwrap();

        let plain = write_openssh(&key, COMMENT, None, &SystemRandom).unwrap();
        assert_eq!(holds(&plain, &made.public).comment(), Some(COMMENT));
        let name = format!("plain-{}", made.kind);
        shop.write(&name, &plain);
        let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-f", &name])).unwrap();
        assert_eq!(public(&line), made.public);
        assert!(line.trim_end().ends_with(COMMENT), "{line}");

        let secret = write_openssh(&key, COMMENT, Some((PASSPHRASE.as_bytes(), 2)), &SystemRandom).unwrap();
        hides(&secret, &made.public, PASSPHRASE);
        let name = format!("secret-{}", made.kind);
        shop.write(&name, &secret);
        let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-P", PASSPHRASE, "-f", &name])).unwrap();
        assert_eq!(public(&line), made.public);
        assert!(shop.attempt("ssh-keygen", &["-y", "-P", "wrong", "-f", &name]).is_err());
    }
}

#[test]
fn written_without_any_tool() {
    let random = &SystemRandom;
    let key = PrivateKey::ed25519(&[7; 32]);
    for comment in ["", "a", "a comment of some length", "ünï\ncode"] {
        let file = write_openssh(&key, comment, None, random).unwrap();
        assert_eq!(holds(&file, &key.public_key()).comment(), Some(comment));
        let file = write_openssh(&key, comment, Some((b"x", DEFAULT_ROUNDS)), random).unwrap();
        let file = PrivateKeyFile::parse(&file).unwrap();
        let (decrypted, found) = file.decrypt_with_comment(Some(b"x")).unwrap();
        assert_eq!((decrypted, found.as_deref()), (key.clone(), Some(comment)));
    }
    let refused =
        |passphrase, rounds| write_openssh(&key, "", Some((passphrase, rounds)), random).unwrap_err().kind();
    assert_eq!(refused(b"", 16), KeyFileErrorKind::PassphraseNeeded);
    assert_eq!(refused(b"x", 0), KeyFileErrorKind::Unsupported);
    assert_eq!(refused(b"x", 4097), KeyFileErrorKind::TooCostly);
}

#[test]
fn rsa_primes_in_either_order() {
    let Some(shop) = Workshop::with("rsa_primes_in_either_order", &["ssh-keygen"]) else { return };
    let made = keys().iter().find(|key| key.kind == "rsa-1024").unwrap();
    let key = PrivateKeyFile::parse(&made.file).unwrap().decrypt(None).unwrap();
    let PrivateKey::Rsa { e, n, d, p, q, .. } = &key else { panic!("{key:?}") };
    let swapped = PrivateKey::rsa(e, n, d, q, p).unwrap();
    assert!(matches!(&swapped, PrivateKey::Rsa { p: first, q: second, .. } if first == q && second == p));
    let file = write_openssh(&swapped, COMMENT, None, &SystemRandom).unwrap();
    holds(&file, &made.public);
    shop.write("swapped", &file);
    let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-f", "swapped"])).unwrap();
    assert_eq!(public(&line), made.public);
}

/// Made by ssh-keygen for this test, which takes too long to do each time. AWS-LC signs by keys of up to 8192 bits, and
/// the pure Rust back end by the others.
#[test]
fn the_largest_rsa_keys() {
    let files = [
        (8192, include_str!("data/rsa_8192"), include_str!("data/rsa_8192.pub")),
        (8200, include_str!("data/rsa_8200"), include_str!("data/rsa_8200.pub")),
        (16384, include_str!("data/rsa_16384"), include_str!("data/rsa_16384.pub")),
    ];
    for (bits, private, line) in files {
        let public = public(line);
        assert_eq!(public.bits(), bits);
        holds(private.as_bytes(), &public);
    }
}
