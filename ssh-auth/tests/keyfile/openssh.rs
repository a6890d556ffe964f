//! OpenSSH's format, as `ssh-keygen` writes it and reads it.

use crate::tools::{COMMENT, PASSPHRASE, Workshop, hides, holds, public};
use ssh_auth::{
    KeyFileErrorKind,
    keyfile::{DEFAULT_ROUNDS, Format, PrivateKeyFile, write_openssh},
};
use ssh_crypto::random::SystemRandom;

/// Every type of key, and for RSA several sizes.
pub(crate) const KINDS: [&[&str]; 8] = [
    &["-t", "ed25519"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "384"],
    &["-t", "ecdsa", "-b", "521"],
    &["-t", "rsa", "-b", "1024"],
    &["-t", "rsa", "-b", "2048"],
    &["-t", "rsa", "-b", "3072"],
    &["-t", "rsa", "-b", "4096"],
];

#[test]
fn every_type_of_key() {
    let Some(shop) = Workshop::with("every_type_of_key", &["ssh-keygen"]) else { return };
    for (at, kind) in KINDS.iter().enumerate() {
        let name = format!("key{at}");
        let Some(public) = shop.generate(&name, kind, "") else { continue };
        let file = holds(&shop.read(&name), &public);
        assert_eq!((file.format(), file.comment()), (Format::OpenSsh, Some(COMMENT)));
    }
}

#[test]
fn every_type_of_key_encrypted() {
    let Some(shop) = Workshop::with("every_type_of_key_encrypted", &["ssh-keygen"]) else { return };
    for (at, kind) in KINDS.iter().enumerate() {
        let name = format!("key{at}");
        let kind = [*kind, &["-a", "2"]].concat();
        let Some(public) = shop.generate(&name, &kind, PASSPHRASE) else { continue };
        let file = hides(&shop.read(&name), &public, PASSPHRASE);
        assert_eq!((file.format(), file.comment()), (Format::OpenSsh, None));
        assert_eq!(file.public_key(), Some(&public));
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
fn what_is_written_ssh_keygen_reads() {
    let Some(shop) = Workshop::with("what_is_written_ssh_keygen_reads", &["ssh-keygen"]) else { return };
    for (at, kind) in KINDS.iter().enumerate() {
        let name = format!("key{at}");
        let Some(expected) = shop.generate(&name, kind, "") else { continue };
        let key = PrivateKeyFile::parse(&shop.read(&name)).unwrap().decrypt(None).unwrap();

        let plain = write_openssh(&key, COMMENT, None, &SystemRandom).unwrap();
        assert_eq!(holds(&plain, &expected).comment(), Some(COMMENT));
        let name = format!("plain{at}");
        shop.write(&name, &plain);
        let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-f", &name])).unwrap();
        assert_eq!(public(&line), expected);
        assert!(line.trim_end().ends_with(COMMENT), "{line}");

        let secret = write_openssh(&key, COMMENT, Some((PASSPHRASE.as_bytes(), 2)), &SystemRandom).unwrap();
        hides(&secret, &expected, PASSPHRASE);
        let name = format!("secret{at}");
        shop.write(&name, &secret);
        let line = String::from_utf8(shop.run("ssh-keygen", &["-y", "-P", PASSPHRASE, "-f", &name])).unwrap();
        assert_eq!(public(&line), expected);
        assert!(shop.attempt("ssh-keygen", &["-y", "-P", "wrong", "-f", &name]).is_err());
    }
}

#[test]
fn written_without_any_tool() {
    let random = &SystemRandom;
    let key = ssh_crypto::PrivateKey::ed25519(&[7; 32]);
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
