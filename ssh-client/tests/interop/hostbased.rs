//! The client's host vouches for its user, at a server that trusts the host.

use super::facade::connect;
use crate::support::config;
use ssh_client::{Credential, ErrorKind, KeyPair, PrivateKeyFile, Signer};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::Arc};
use testing::{KeyKind, Sshd};

const HOST: &str = "client.example.com";

fn signer(pair: &testing::KeyPair) -> Arc<dyn Signer> {
    let key = PrivateKeyFile::parse(pair.private()).unwrap().decrypt(None).unwrap();
    Arc::new(KeyPair::new(&key, &ssh_client::default_provider()).unwrap())
}

/// sshd reads the hosts that it trusts below /etc/ssh only, so it gets one of its own.
fn in_namespace(dir: &Path) -> Option<std::path::PathBuf> {
    let sshd = Sshd::find()?;
    let script = dir.join("sshd");
    let etc = dir.join("etc");
    fs::create_dir(&etc).unwrap();
    let text = format!(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind {} /etc/ssh && exec {} \"$@\"' sh \"$@\"\n",
        etc.display(),
        sshd.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let works = Command::new("unshare").args(["-m", "mount", "--bind"]).arg(&etc).arg("/etc/ssh").output();
    works.is_ok_and(|output| output.status.success()).then_some(script)
}

#[test]
fn a_host_vouches_for_its_user() {
    let name = "a_host_vouches_for_its_user";
    let dir = tempfile::tempdir().unwrap();
    let Some(binary) = in_namespace(dir.path()) else {
        return testing::say(name, "only root can mount, and not everywhere");
    };
    let builder = Sshd::builder()
        .binary(binary)
        .password_user()
        .config("HostbasedAuthentication yes\nHostbasedUsesNameFromPacketOnly yes\nPubkeyAuthentication no");
    let Some(sshd) = builder.start_or_skip(name) else { return };
    let pairs = [KeyKind::Ed25519, KeyKind::Rsa].map(testing::KeyPair::generate);
    let known: String = pairs.iter().map(|pair| format!("{HOST} {}\n", pair.public_line())).collect();
    fs::write(dir.path().join("etc/ssh_known_hosts"), known).unwrap();
    fs::write(dir.path().join("etc/shosts.equiv"), format!("{HOST}\n")).unwrap();

    let login = |pair: &testing::KeyPair, host: &str, local_user: &str| {
        let (host, local_user) = (host.to_owned(), local_user.to_owned());
        let credential = Credential::Hostbased { signer: signer(pair), host, local_user };
        connect(&sshd, &config(&sshd).credential(credential))
    };
    for pair in &pairs {
        let session = login(pair, HOST, sshd.user()).unwrap();
        assert!(session.command("true").output().unwrap().success());
    }
    assert!(sshd.log().contains("Accepted hostbased for"), "{}", sshd.log());

    let stranger = testing::KeyPair::generate(KeyKind::Ed25519);
    for refused in [
        login(&stranger, HOST, sshd.user()),
        login(&pairs[0], "other.example.com", sshd.user()),
        login(&pairs[0], HOST, "somebody-else"),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.attempts().first().map(|attempt| attempt.method), Some("hostbased"), "{error}");
    }
}
