//! PuTTY's format, as `puttygen` writes it.

use crate::tools::{COMMENT, PASSPHRASE, Workshop, hides, holds, public};
use ssh_auth::{
    KeyFileErrorKind,
    keyfile::{Format, PrivateKeyFile},
};
use ssh_crypto::PublicKey;

const KINDS: [&[&str]; 7] = [
    &["-t", "ed25519"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "384"],
    &["-t", "ecdsa", "-b", "521"],
    &["-t", "rsa", "-b", "1024"],
    &["-t", "rsa", "-b", "2048"],
    &["-t", "dsa", "-b", "1024"],
];

/// Makes a key of puttygen's; returns the public key as it says it to be.
fn generate(shop: &Workshop, name: &str, options: &[&str]) -> PublicKey {
    let arguments = ["-q", "-C", COMMENT, "-o", name, "--random-device", "/dev/urandom"];
    shop.run("puttygen", &[&arguments[..], options].concat());
    let passphrase = if options.contains(&"secret") { "secret" } else { "empty" };
    let line = shop.run("puttygen", &["-L", name, "--old-passphrase", passphrase]);
    public(&String::from_utf8(line).unwrap())
}

fn shop(test: &str) -> Option<Workshop> {
    let shop = Workshop::with(test, &["puttygen"])?;
    shop.write("empty", b"");
    shop.write("secret", PASSPHRASE.as_bytes());
    Some(shop)
}

#[test]
fn every_type_of_key() {
    let Some(shop) = shop("putty::every_type_of_key") else { return };
    for (version, format) in [("2", Format::Ppk2), ("3", Format::Ppk3)] {
        let parameters = format!("version={version}");
        for (at, kind) in KINDS.iter().enumerate() {
            let plain = format!("plain-{version}-{at}");
            let options = [kind, &["--ppk-param", &parameters, "--new-passphrase", "empty"][..]].concat();
            let public = generate(&shop, &plain, &options);
            let file = holds(&shop.read(&plain), &public);
            assert_eq!((file.format(), file.comment()), (format, Some(COMMENT)));

            let secret = format!("secret-{version}-{at}");
            let parameters = format!("{parameters},memory=64,passes=2");
            let options = [kind, &["--ppk-param", &parameters, "--new-passphrase", "secret"][..]].concat();
            let public = generate(&shop, &secret, &options);
            let file = hides(&shop.read(&secret), &public, PASSPHRASE);
            assert_eq!((file.format(), file.comment()), (format, Some(COMMENT)));
            assert_eq!(file.public_key(), Some(&public));
        }
    }
}

#[test]
fn every_argon2() {
    let Some(shop) = shop("putty::every_argon2") else { return };
    for (at, parameters) in [
        "kdf=argon2id",
        "kdf=argon2i,memory=100,passes=3",
        "kdf=argon2d,memory=1024,passes=1",
        "memory=256,passes=4,parallelism=4",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("key{at}");
        let options = ["-t", "ed25519", "--ppk-param", parameters, "--new-passphrase", "secret"];
        let public = generate(&shop, &name, &options);
        hides(&shop.read(&name), &public, PASSPHRASE);
    }
}

/// A number whose highest or lowest byte happens to be zero is written shorter or longer than others.
#[test]
fn many_ed25519_keys() {
    let Some(shop) = shop("putty::many_ed25519_keys") else { return };
    for at in 0..300 {
        let name = format!("key{at}");
        let options = ["-t", "ed25519", "--new-passphrase", "empty"];
        let arguments = ["-q", "-o", &name, "--random-device", "/dev/urandom"];
        shop.run("puttygen", &[&arguments[..], &options].concat());
        PrivateKeyFile::parse(&shop.read(&name)).unwrap().decrypt(None).unwrap();
    }
}

#[test]
fn line_endings_and_changes() {
    let Some(shop) = shop("putty::line_endings_and_changes") else { return };
    let options =
        ["-t", "ecdsa", "-b", "256", "--new-passphrase", "secret", "--ppk-param", "memory=64,passes=2"];
    let public = generate(&shop, "key", &options);
    let text = String::from_utf8(shop.read("key")).unwrap();
    for ending in ["\r\n", "\r", "\n"] {
        let text = text.replace("\r\n", "\n").replace('\n', ending);
        hides(text.as_bytes(), &public, PASSPHRASE);
    }
    let kind = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        PrivateKeyFile::parse(text.replace(from, to).as_bytes()).unwrap_err().kind()
    };
    assert_eq!(kind("Argon2-Memory: 64", "Argon2-Memory: 262145"), KeyFileErrorKind::TooCostly);
    assert_eq!(kind("Argon2-Memory: 64", "Argon2-Memory: 4294967296"), KeyFileErrorKind::Damaged);
    assert_eq!(kind("Argon2-Passes: 2", "Argon2-Passes: 4000000000"), KeyFileErrorKind::TooCostly);
    assert_eq!(kind("Argon2-Parallelism: 1", "Argon2-Parallelism: 65"), KeyFileErrorKind::TooCostly);
    assert_eq!(kind("Argon2-Parallelism: 1", "Argon2-Parallelism: 0"), KeyFileErrorKind::Damaged);
    assert_eq!(kind("Argon2id", "Argon3"), KeyFileErrorKind::Unsupported);
    assert_eq!(kind("aes256-cbc", "aes256-ctr"), KeyFileErrorKind::Unsupported);
    assert_eq!(kind("Private-Lines: 1", "Private-Lines: 4000000000"), KeyFileErrorKind::Damaged);
    assert_eq!(kind("User-Key-File-3", "User-Key-File-4"), KeyFileErrorKind::Unsupported);
    // The comment is not encrypted, but the MAC covers it.
    let changed = text.replace(COMMENT, "another");
    let file = PrivateKeyFile::parse(changed.as_bytes()).unwrap();
    let error = file.decrypt(Some(PASSPHRASE.as_bytes())).unwrap_err();
    assert_eq!(error.kind(), KeyFileErrorKind::WrongPassphrase);
}
