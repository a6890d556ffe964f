//! Authentication: methods, sequences of methods, and what is told when it fails.

use super::facade::connect;
use crate::support::{config, config_with_key};
use ssh_client::{
    Config, Credential, Error, ErrorKind, KeyFileError, KeyFileErrorKind, Secret, blocking,
    wire::number::NEWKEYS,
};
use std::{
    io::{self, Read},
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use testing::{KeyKind, Sshd};

fn key(sshd: &Sshd, kind: KeyKind, config: &Config) -> Credential {
    Credential::key_file(sshd.user_key_path(kind), None, config.provider()).unwrap()
}

#[test]
fn a_key_with_a_passphrase() {
    let Some(sshd) = Sshd::start_or_skip("a_key_with_a_passphrase") else { return };
    let pair = testing::KeyPair::generate_with(KeyKind::Ed25519, &["-N", "open sesame", "-a", "4"]);
    let path = pair.write(&sshd.dir().join("locked"));
    sshd.authorize(pair.public_line());
    let config = config(&sshd);
    let locked = Credential::key_file(&path, None, config.provider()).unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::File);
    let wrong = Credential::key_file(&path, Some(b"sesame"), config.provider()).unwrap_err();
    assert_ne!(wrong.to_string(), locked.to_string());
    let why = |error: &Error| error.get_ref().unwrap().downcast_ref::<KeyFileError>().unwrap().kind();
    assert_eq!(why(&locked), KeyFileErrorKind::PassphraseNeeded);
    assert_eq!(why(&wrong), KeyFileErrorKind::WrongPassphrase);
    let missing = Credential::key_file(sshd.dir().join("none"), None, config.provider()).unwrap_err();
    assert_eq!(io::Error::from(missing).kind(), io::ErrorKind::NotFound);
    let credential = Credential::key_file(&path, Some(b"open sesame"), config.provider()).unwrap();
    assert!(connect(&sshd, &config.credential(credential)).is_ok());
}

#[test]
fn a_key_that_is_probed_first() {
    let Some(sshd) = Sshd::start_or_skip("a_key_that_is_probed_first") else { return };
    let config = config(&sshd);
    for kind in [KeyKind::Ed25519, KeyKind::Rsa] {
        let Credential::Key { signer, .. } = key(&sshd, kind, &config) else { panic!() };
        let session = connect(&sshd, &config.clone().credential(Credential::Key { signer, probe: true }));
        assert!(session.unwrap().command("true").output().unwrap().success());
    }
    assert!(sshd.log().contains("Postponed publickey"), "{}", sshd.log());
}

#[test]
fn two_keys_in_a_row_where_the_server_wants_two() {
    let name = "two_keys_in_a_row_where_the_server_wants_two";
    let Some(sshd) = Sshd::builder().config("AuthenticationMethods publickey,publickey").start_or_skip(name)
    else {
        return;
    };
    let base = config(&sshd);
    let one = key(&sshd, KeyKind::Ed25519, &base);
    let other = key(&sshd, KeyKind::Rsa, &base);
    let error = connect(&sshd, &base.clone().credential(one.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(connect(&sshd, &base.credential(one).credential(other)).is_ok());
}

#[test]
fn a_failure_tells_every_attempt_in_order() {
    let Some(sshd) = Sshd::start_or_skip("a_failure_tells_every_attempt_in_order") else { return };
    let base = config(&sshd);
    let stranger = |kind| {
        let pair = testing::KeyPair::generate(kind);
        let path = pair.write(&sshd.dir().join(format!("stranger-{}", kind.name())));
        Credential::key_file(path, None, base.provider()).unwrap()
    };
    let config = base
        .clone()
        .credential(stranger(KeyKind::Ed25519))
        .credential(stranger(KeyKind::EcdsaP256))
        .password("wrong");
    let error = connect(&sshd, &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let text = error.to_string();
    let places: Vec<_> =
        ["ssh-ed25519", "ecdsa-sha2-nistp256", "password"].map(|part| text.find(part)).into_iter().collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    assert!(error.attempts().len() >= 3, "{text}");
}

#[test]
fn no_credential_at_all_tells_what_the_server_wants() {
    let Some(sshd) = Sshd::start_or_skip("no_credential_at_all_tells_what_the_server_wants") else { return };
    let error = connect(&sshd, &config(&sshd)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("publickey"), "{error}");
}

#[test]
fn a_password_right_and_wrong() {
    let name = "a_password_right_and_wrong";
    let Some(sshd) = Sshd::builder().password_user().start_or_skip(name) else { return };
    let password = sshd.password().unwrap().to_owned();
    let base = config(&sshd);
    let session = connect(&sshd, &base.clone().password(password.as_str())).unwrap();
    assert!(session.command("true").output().unwrap().success());

    let wrong = connect(&sshd, &base.clone().password("wrong")).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Authentication);

    // Asked for: the second answer is right.
    let asked = Arc::new(Mutex::new(Vec::new()));
    let tries = asked.clone();
    let ask = Credential::AskPassword(Arc::new(move |attempt| {
        tries.lock().unwrap().push(attempt);
        Some(Secret::from(if attempt == 2 { password.as_str() } else { "wrong" }))
    }));
    assert!(connect(&sshd, &base.credential(ask)).is_ok());
    assert_eq!(*asked.lock().unwrap(), [1, 2]);
}

#[test]
fn a_key_and_then_a_password() {
    let name = "a_key_and_then_a_password";
    let lines = "AuthenticationMethods publickey,password";
    let Some(sshd) = Sshd::builder().password_user().config(lines).start_or_skip(name) else { return };
    let password = sshd.password().unwrap().to_owned();
    let config = config_with_key(&sshd, KeyKind::EcdsaP521).password(password);
    assert!(connect(&sshd, &config).unwrap().command("true").output().unwrap().success());
}

#[test]
fn a_dialogue_answered_by_the_password_and_by_the_caller() {
    let name = "a_dialogue_answered_by_the_password_and_by_the_caller";
    let lines = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no";
    let Some(sshd) = Sshd::builder().password_user().config(lines).start_or_skip(name) else { return };
    let password = sshd.password().unwrap().to_owned();
    let base = config(&sshd);
    assert!(connect(&sshd, &base.clone().password(password.as_str())).is_ok());

    let prompts = Arc::new(Mutex::new(Vec::new()));
    let seen = prompts.clone();
    let answer = Credential::Interactive(Arc::new(move |challenge| {
        seen.lock().unwrap().extend(challenge.prompts.iter().cloned());
        Some(vec![Secret::from(password.as_str()); challenge.prompts.len()])
    }));
    assert!(connect(&sshd, &base.credential(answer)).is_ok());
    let prompts = prompts.lock().unwrap();
    assert!(prompts.len() == 1 && !prompts[0].echo, "{prompts:?}");
}

#[test]
fn the_banner_is_shown() {
    let name = "the_banner_is_shown";
    let banner = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(banner.path(), "Authorized use only\n").unwrap();
    let line = format!("Banner {}", banner.path().display());
    let Some(sshd) = Sshd::builder().config(&line).start_or_skip(name) else { return };
    let shown = Arc::new(Mutex::new(String::new()));
    let text = shown.clone();
    let config = config_with_key(&sshd, KeyKind::Ed25519)
        .on_banner(move |banner| text.lock().unwrap().push_str(banner));
    connect(&sshd, &config).unwrap();
    assert_eq!(*shown.lock().unwrap(), "Authorized use only\n");
}

#[test]
fn without_pipelining_it_works_as_well() {
    let Some(sshd) = Sshd::start_or_skip("without_pipelining_it_works_as_well") else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519).pipeline(false);
    assert!(connect(&sshd, &config).unwrap().command("true").output().unwrap().success());
}

#[test]
fn a_signature_waits_for_what_the_server_says_about_it() {
    let name = "a_signature_waits_for_what_the_server_says_about_it";
    let Some(sshd) = Sshd::builder().config("LogLevel DEBUG1").start_or_skip(name) else { return };
    // The server's extensions come later than its NEWKEYS; without them the signature would not name the host.
    let stream = TcpStream::connect(sshd.addr()).unwrap();
    let reader = PausesAfterNewKeys { stream: stream.try_clone().unwrap(), seen: Vec::new(), paused: false };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let session =
        blocking::Session::connect_over((reader, stream), "127.0.0.1", sshd.port(), &config).unwrap();
    if session.server().unwrap().software().starts_with("OpenSSH_8.") {
        return testing::skip(name, "OpenSSH before 8.9 does not know it");
    }
    let method = "service ssh-connection method publickey-hostbound-v00@openssh.com";
    assert_eq!(sshd.log().matches(method).count(), 1, "{}", sshd.log());
}

/// Reads byte by byte, and some time later what follows the server's NEWKEYS.
struct PausesAfterNewKeys {
    stream: TcpStream,
    /// The packet in the clear so far, once the identification string is over.
    seen: Vec<u8>,
    paused: bool,
}

impl Read for PausesAfterNewKeys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.paused {
            return self.stream.read(buffer);
        }
        if let [a, b, c, d, _, number, ..] = self.seen[..]
            && self.seen.len() == 4 + u32::from_be_bytes([a, b, c, d]) as usize
        {
            if number == NEWKEYS {
                self.paused = true;
                // Long enough for a hasty client to sign.
                thread::sleep(Duration::from_millis(500));
                return self.stream.read(buffer);
            }
            self.seen.clear();
        }
        let n = self.stream.read(&mut buffer[..1])?;
        self.seen.extend_from_slice(&buffer[..n]);
        if self.seen.starts_with(b"SSH-") && self.seen.ends_with(b"\n") {
            self.seen.clear();
        }
        Ok(n)
    }
}
