//! Fingerprints, pictures, lines and key files' texts against the real `ssh-keygen`, where there is one.

use ssh_crypto::key::{KeyKind, KeyLine};
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{Curve, Hash, PrivateKey, PublicKey};
use std::io::Write;
use std::path::Path;
use std::process::Command;

#[test]
fn fingerprints_pictures_and_lines_are_those_of_ssh_keygen() {
    let Some(directory) = ssh_keygen() else { return };
    for kind in [
        KeyKind::Ed25519,
        KeyKind::Ecdsa(Curve::P256),
        KeyKind::Ecdsa(Curve::P384),
        KeyKind::Ecdsa(Curve::P521),
        KeyKind::Rsa { bits: 2048 },
    ] {
        let key = PrivateKey::generate(kind, &SystemRandom).unwrap().public_key();
        let file = directory.path().join("key.pub");
        std::fs::write(&file, key.to_line("me@here and there") + "\n").unwrap();
        check(&key, &file);
    }
}

#[test]
fn old_keys_and_security_keys_are_shown_as_by_ssh_keygen() {
    let Some(directory) = ssh_keygen() else { return };
    for key in [
        crate::dsa::key().public_key(),
        PublicKey::from_line(include_str!("data/ed25519_sk.pub")).unwrap().0,
        PublicKey::from_line(include_str!("data/ecdsa_sk.pub")).unwrap().0,
    ] {
        let file = directory.path().join("key.pub");
        std::fs::write(&file, key.to_line("me@here") + "\n").unwrap();
        let output = Command::new("ssh-keygen").args(["-lv", "-f"]).arg(&file).output().unwrap();
        // OpenSSH 10 knows no DSA keys any more.
        if !output.status.success() && key.label() == "DSA" {
            continue;
        }
        let fingerprint = key.fingerprint(Hash::Sha256);
        let picture = key.randomart(Hash::Sha256);
        let expected = format!("{} {fingerprint} me@here ({})\n{picture}\n", key.bits(), key.label());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn keys_of_ssh_keygen_are_read() {
    let Some(directory) = ssh_keygen() else { return };
    for (name, arguments) in [
        ("ed25519", ["-t", "ed25519", "-b", "256"]),
        ("nistp256", ["-t", "ecdsa", "-b", "256"]),
        ("nistp384", ["-t", "ecdsa", "-b", "384"]),
        ("nistp521", ["-t", "ecdsa", "-b", "521"]),
        ("rsa1024", ["-t", "rsa", "-b", "1024"]),
        ("rsa3072", ["-t", "rsa", "-b", "3072"]),
    ] {
        let file = directory.path().join(name);
        let file = file.to_str().unwrap();
        run(Command::new("ssh-keygen").args(arguments).args([
            "-q",
            "-N",
            "",
            "-C",
            "me@here and there",
            "-f",
            file,
        ]));
        let public = format!("{file}.pub");
        let line = std::fs::read_to_string(&public).unwrap();
        let (key, comment) = PublicKey::from_line(&line).unwrap();
        assert_eq!(key.to_line(&comment) + "\n", line);
        check(&key, Path::new(&public));
    }
}

/// Compares with what `ssh-keygen` says of the key in `file`, whose comment is `me@here and there`.
fn check(key: &PublicKey, file: &Path) {
    let keygen = |arguments: &[&str]| run(Command::new("ssh-keygen").args(arguments).arg("-f").arg(file));
    let shown = |fingerprint: &dyn std::fmt::Display, picture: &str| {
        format!("{} {fingerprint} me@here and there ({})\n{picture}\n", key.bits(), key.label())
    };
    for (name, hash) in
        [("sha1", Hash::Sha1), ("sha256", Hash::Sha256), ("sha384", Hash::Sha384), ("sha512", Hash::Sha512)]
    {
        assert_eq!(keygen(&["-lv", "-E", name]), shown(&key.fingerprint(hash), &key.randomart(hash)));
    }
    let md5 = key.fingerprint_md5();
    assert_eq!(keygen(&["-lv", "-E", "md5"]), shown(&md5, &md5.randomart(key.label(), key.bits())));

    let exported: KeyLine = keygen(&["-e", "-m", "RFC4716"]).parse().unwrap();
    assert_eq!(exported.public_key().as_ref(), Ok(key));
    assert!(exported.comment.contains("converted by"), "{}", exported.comment);
    let ours = file.with_extension("rfc4716");
    std::fs::write(&ours, KeyLine { comment: "a comment".into(), ..exported }.to_rfc4716()).unwrap();
    let imported = run(Command::new("ssh-keygen").args(["-i", "-m", "RFC4716", "-f"]).arg(ours));
    assert_eq!(imported, key.to_line("") + "\n");
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A directory for throw-away keys, or `None` where there is no `ssh-keygen` and none is required.
fn ssh_keygen() -> Option<tempfile::TempDir> {
    if Command::new("ssh-keygen").arg("-?").output().is_ok() {
        return Some(tempfile::tempdir().unwrap());
    }
    let required = std::env::var_os("SSH_INTEROP").is_some_and(|value| value == "required");
    assert!(!required, "no ssh-keygen, and SSH_INTEROP=required");
    // Past the capturing of the test runner.
    let _ = std::io::stderr().write_all(b"skipped: the keys of OpenSSH: there is no ssh-keygen\n");
    None
}
