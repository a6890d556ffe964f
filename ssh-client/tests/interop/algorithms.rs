//! Each algorithm against OpenSSH: 8 MiB both ways, with new keys every MiB. With the slower back end alone it is 2 MiB: the
//! framing and the exchanges are the same code.

use crate::facade::connect;
use crate::support::{config, config_with_key, key_exchanges, public_key};
use ssh_client::{
    Algorithms, Config, Credential, ErrorKind, PrivateKeyFile, Provider, RekeyLimit, Signer,
    certificate::{self, CertifiedSigner},
    crypto::SignError,
    host_key::{Expect, Known},
    known_hosts::KnownHosts,
};
use std::{fs, path::Path, sync::Arc};
use testing::{KeyKind, KeyPair, Sshd, noise};

/// What each run sends and gets back, in bytes.
const SIZE: usize = if cfg!(feature = "aws-lc") { 8 << 20 } else { 2 << 20 };

/// Runs `cat` over a session with this configuration, rekeying all the time.
fn echo(sshd: &Sshd, config: Config, what: &str) {
    let limit = RekeyLimit { bytes: 1 << 20, ..RekeyLimit::default() };
    let before = key_exchanges(sshd);
    let session = connect(sshd, &config.rekey(limit)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let input = noise(SIZE);
    let output =
        session.command("cat").stdin(input.clone()).output().unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(output.success(), "{what}: {:?}", output.exit);
    assert!(output.stdout == input, "{what}: {} bytes came back", output.stdout.len());
    // The first, and new keys: what is under way does not wait for them, so that they come less often than by the limit.
    let exchanges = key_exchanges(sshd) - before;
    assert!(exchanges > SIZE >> 21, "{what}: {exchanges} key exchanges in the server's log");
}

fn server(name: &str) -> Option<Sshd> {
    Sshd::builder()
        .config("LogLevel DEBUG\nRekeyLimit 1M\nCiphers +aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc\nMACs +hmac-md5,hmac-md5-96,hmac-sha1-96,hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com,hmac-sha1-96-etm@openssh.com\nKexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1\nHostKeyAlgorithms +ssh-rsa")
        .start_or_skip(name)
}

/// What Debian's OpenSSH 9.2 has, legacy included: all of it is here, too.
const CIPHERS: [&str; 10] = [
    "3des-cbc",
    "aes128-cbc",
    "aes128-ctr",
    "aes128-gcm@openssh.com",
    "aes192-cbc",
    "aes192-ctr",
    "aes256-cbc",
    "aes256-ctr",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];
const MACS: [&str; 16] = [
    "hmac-md5",
    "hmac-md5-96",
    "hmac-md5-96-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512",
    "hmac-sha2-512-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "umac-128@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-64@openssh.com",
];
const KEXES: [&str; 14] = [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
];

/// What the OpenSSH of this machine has of a kind, as `ssh -Q` calls it.
fn supported(kind: &str) -> Vec<String> {
    let output = std::process::Command::new("ssh").args(["-Q", kind]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What both sides have of a kind. With OpenSSH 9.2 these are the names `expected`, no more and no less; what another
/// version lacks of them is told.
fn common<'a>(sshd: &Sshd, kind: &str, ours: Vec<&'a str>, expected: &[&str]) -> Vec<&'a str> {
    let theirs = supported(kind);
    let common: Vec<_> = ours.into_iter().filter(|name| theirs.iter().any(|other| other == name)).collect();
    let session = connect(sshd, &config_with_key(sshd, KeyKind::Ed25519)).unwrap();
    let server = session.server().unwrap().software().to_owned();
    if server.starts_with("OpenSSH_9.2p") {
        let mut tried = common.clone();
        tried.sort_unstable();
        assert_eq!(tried, expected);
    }
    for name in expected.iter().filter(|name| !common.contains(name)) {
        testing::say(&format!("{kind} {name}"), &format!("{server} does not have it"));
    }
    common
}

/// The same with cheap key exchanges, and no more of them than asked for. OpenSSH holds the bytes of a packet against a
/// limit in blocks, and so exchanges keys after nearly every packet of a cipher with blocks of 16 bytes. With ChaCha20,
/// whose blocks it takes to have eight, it goes by the limit.
fn cheap(config: Config) -> Config {
    let mut algorithms = config.offered().clone();
    algorithms.kex = vec!["curve25519-sha256".into()];
    algorithms.cipher_c2s = vec!["chacha20-poly1305@openssh.com".into()];
    algorithms.cipher_s2c = algorithms.cipher_c2s.clone();
    config.algorithms(algorithms)
}

/// Each algorithm that both sides have of a kind, which `choose` makes the only one.
fn each(
    test: &str,
    kind: &str,
    expected: &[&str],
    ours: fn(&Provider) -> Vec<&str>,
    choose: fn(&mut Algorithms, &str),
) {
    let Some(sshd) = server(test) else { return };
    let base = cheap(config_with_key(&sshd, KeyKind::Ed25519));
    for name in common(&sshd, kind, ours(base.provider()), expected) {
        let mut algorithms = base.offered().clone();
        choose(&mut algorithms, name);
        echo(&sshd, base.clone().algorithms(algorithms), name);
    }
}

#[test]
fn every_cipher() {
    let ours = |provider: &Provider| provider.ciphers.iter().map(|cipher| cipher.name()).collect();
    each("every_cipher", "cipher", &CIPHERS, ours, |algorithms, name| {
        (algorithms.cipher_c2s, algorithms.cipher_s2c) = (vec![name.into()], vec![name.into()]);
    });
}

#[test]
fn every_mac() {
    let ours = |provider: &Provider| provider.macs.iter().map(|mac| mac.name()).collect();
    each("every_mac", "mac", &MACS, ours, |algorithms, name| {
        (algorithms.cipher_c2s, algorithms.cipher_s2c) =
            (vec!["aes128-ctr".into()], vec!["aes256-ctr".into()]);
        (algorithms.mac_c2s, algorithms.mac_s2c) = (vec![name.into()], vec![name.into()]);
    });
}

#[test]
fn every_key_exchange_method() {
    let ours = |provider: &Provider| provider.kex.iter().map(|method| method.name()).collect();
    each("every_key_exchange_method", "kex", &KEXES, ours, |algorithms, name| {
        algorithms.kex = vec![name.into()];
    });
}

#[test]
fn every_host_key_algorithm() {
    let Some(sshd) = server("every_host_key_algorithm") else { return };
    let algorithms = [
        (KeyKind::Ed25519, "ssh-ed25519"),
        (KeyKind::EcdsaP256, "ecdsa-sha2-nistp256"),
        (KeyKind::EcdsaP384, "ecdsa-sha2-nistp384"),
        (KeyKind::EcdsaP521, "ecdsa-sha2-nistp521"),
        (KeyKind::Rsa, "rsa-sha2-256"),
        (KeyKind::Rsa, "rsa-sha2-512"),
        (KeyKind::Rsa, "ssh-rsa"),
    ];
    for (kind, name) in algorithms {
        let base = cheap(config_with_key(&sshd, KeyKind::Ed25519));
        let mut algorithms = base.offered().clone();
        algorithms.host_key = vec![name.into()];
        let key = public_key(sshd.host_key(kind).public_line());
        echo(&sshd, base.algorithms(algorithms).host_key(Expect(key)), name);
    }
}

#[test]
fn every_user_key_type() {
    let Some(sshd) = server("every_user_key_type") else { return };
    for kind in KeyKind::ALL {
        echo(&sshd, cheap(config_with_key(&sshd, kind)), &format!("user key {kind:?}"));
    }
}

/// A key in a file that signs by this algorithm alone, for old peers.
struct Legacy(ssh_client::KeyPair, &'static str);

impl Legacy {
    fn read(path: &Path, algorithm: &'static str, config: &Config) -> Arc<Self> {
        let key = PrivateKeyFile::parse(&fs::read(path).unwrap()).unwrap().decrypt(None).unwrap();
        // Nobody signs so by accident.
        let usual = ssh_client::KeyPair::new(&key, config.provider());
        assert!(!usual.is_ok_and(|key| key.algorithms().contains(&algorithm)), "{algorithm}");
        Arc::new(Self(ssh_client::KeyPair::with_legacy(&key, config.provider()).unwrap(), algorithm))
    }
}

impl Signer for Legacy {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        vec![self.1]
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        assert_eq!(algorithm, self.1);
        self.0.sign(algorithm, message)
    }
}

#[test]
fn a_user_signs_with_sha1_where_nothing_else_is_taken() {
    let name = "a_user_signs_with_sha1_where_nothing_else_is_taken";
    let builder = Sshd::builder().config("LogLevel DEBUG\nPubkeyAcceptedAlgorithms ssh-rsa\nRekeyLimit 1M");
    let Some(sshd) = builder.start_or_skip(name) else { return };
    let base = cheap(config(&sshd));
    let key = Legacy::read(&sshd.user_key_path(KeyKind::Rsa), "ssh-rsa", &base);
    echo(&sshd, base.key(key), "ssh-rsa");
    let error = connect(&sshd, &config_with_key(&sshd, KeyKind::Rsa)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
}

/// A server that takes DSA everywhere; its host key with a certificate is the one at `path`.
fn dsa_server(test: &str, path: &Path) -> Option<Sshd> {
    if !supported("key").iter().any(|name| name == "ssh-dss") {
        testing::say(test, "this OpenSSH has no ssh-dss any more");
        return None;
    }
    KeyPair::generate(KeyKind::Dsa).write(path);
    KeyPair::authority().certify(path, &["-h", "-n", "127.0.0.1"]);
    let names = "ssh-dss,ssh-dss-cert-v01@openssh.com";
    let lines = format!(
        "LogLevel DEBUG\nRekeyLimit 1M\nHostKey {}\nHostCertificate {0}-cert.pub\nHostKeyAlgorithms {names}\nPubkeyAcceptedAlgorithms {names}",
        path.display()
    );
    let sshd = Sshd::builder().host_keys(&[]).config(&lines).start_or_skip(test)?;
    sshd.authorize(&format!("cert-authority {}", KeyPair::authority().public_line()));
    Some(sshd)
}

#[test]
fn dsa_for_hosts_and_users() {
    let dir = tempfile::tempdir().unwrap();
    let host = dir.path().join("host");
    let Some(sshd) = dsa_server("dsa_for_hosts_and_users", &host) else { return };
    let host = fs::read_to_string(host.with_extension("pub")).unwrap();
    let base = cheap(config(&sshd)).host_key(Expect(public_key(host.trim())));
    let user = Legacy::read(&sshd.user_key_path(KeyKind::Dsa), "ssh-dss", &base);
    let base = base.key(user);
    // Only who names it gets it.
    assert_eq!(connect(&sshd, &base).unwrap_err().kind(), ErrorKind::NothingInCommon);
    let mut algorithms = base.offered().clone();
    algorithms.host_key = vec!["ssh-dss".into()];
    echo(&sshd, base.algorithms(algorithms), "ssh-dss");
}

#[test]
fn dsa_with_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let Some(sshd) = dsa_server("dsa_with_certificates", &dir.path().join("host")) else { return };
    let authority = KeyPair::authority().public_line();
    let known = format!("@cert-authority [127.0.0.1]:{} {authority}", sshd.port());
    let base = cheap(config(&sshd)).host_key(Known(KnownHosts::parse(&known)));
    let path = KeyPair::generate(KeyKind::Dsa).write(&dir.path().join("user"));
    KeyPair::authority().certify(&path, &["-n", sshd.user()]);
    let certificate = certificate::read_file(dir.path().join("user-cert.pub")).unwrap();
    let user = CertifiedSigner::new(Legacy::read(&path, "ssh-dss", &base), certificate).unwrap();
    let mut algorithms = base.offered().clone();
    algorithms.host_key = vec!["ssh-dss-cert-v01@openssh.com".into()];
    echo(&sshd, base.algorithms(algorithms).key(Arc::new(user)), "ssh-dss-cert-v01@openssh.com");
}

/// But for key exchange methods, which always use the back end that the build has chosen.
#[test]
fn each_back_end_alone() {
    let Some(sshd) = server("each_back_end_alone") else { return };
    let mut providers = vec![ssh_client::crypto::rust_crypto::provider()];
    if cfg!(feature = "aws-lc") {
        providers.push(ssh_client::crypto::default_provider());
    }
    for provider in providers {
        let provider = Arc::new(ssh_client::kex::provider(provider));
        let key = public_key(sshd.host_key(KeyKind::Ed25519).public_line());
        let path = sshd.user_key_path(KeyKind::Ed25519);
        let credential = Credential::key_file(path, None, &provider).unwrap();
        let config = Config::with_provider(config(&sshd).user(), provider).host_key(Expect(key));
        echo(&sshd, config.credential(credential), "back end");
    }
}
