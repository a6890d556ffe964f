//! A key of ML-DSA-44 with Ed25519, its certificate, and what is said to an agent about both. All of `data` is recorded
//! from OpenSSH 10.6, the first version to have them under these names.

use ssh_auth::{
    agent::Request,
    certificate::{CA_ALGORITHMS, Certificate, CertificateError, Check},
    keyfile::{PrivateKeyFile, write_openssh},
    method::publickey::signature_algorithm,
};
use ssh_crypto::{KeyPair, PublicKey, Signer, default_provider, key::KeyLine, random::SystemRandom};

const KEY: &[u8] = include_bytes!("data/mldsa44_ed25519");
const NAME: &str = "ssh-mldsa44-ed25519";
const CERTIFICATE: &str = "ssh-mldsa44-ed25519-cert";

fn certificate() -> Certificate {
    let line: KeyLine = include_str!("data/mldsa44_ed25519-cert.pub").parse().unwrap();
    assert_eq!(line.key_type(), CERTIFICATE);
    Certificate::parse(&line.blob).unwrap()
}

#[test]
fn the_file_is_read_and_written() {
    let file = PrivateKeyFile::parse(KEY).unwrap();
    assert_eq!(file.comment(), Some("mldsa@test"));
    let key = file.decrypt(None).unwrap();
    assert_eq!(file.public_key(), Some(&key.public_key()));
    let pair = KeyPair::new(&key, &default_provider()).unwrap();
    let signature = pair.sign(NAME, b"message").unwrap();
    default_provider().verify(NAME, pair.public(), b"message", &signature).unwrap();

    let plain = write_openssh(&key, "again", None, &SystemRandom).unwrap();
    let file = PrivateKeyFile::parse(&plain).unwrap();
    assert_eq!((file.decrypt(None).unwrap(), file.comment()), (key.clone(), Some("again")));
    let secret = write_openssh(&key, "again", Some((b"passphrase", 1)), &SystemRandom).unwrap();
    let file = PrivateKeyFile::parse(&secret).unwrap();
    assert_eq!(file.decrypt(Some(b"passphrase")).unwrap(), key);
}

#[test]
fn the_certificate_holds() {
    let certificate = certificate();
    assert!(matches!(certificate.key(), PublicKey::MlDsa44Ed25519(_)));
    assert!(matches!(certificate.authority(), PublicKey::MlDsa44Ed25519(_)));
    assert_eq!((certificate.key_type(), certificate.serial()), (CERTIFICATE, 7));
    assert_eq!(signature_algorithm(CERTIFICATE), NAME);
    let provider = default_provider();
    // OpenSSH takes no such authority unless it is told to, and neither do we.
    assert!(!CA_ALGORITHMS.contains(&NAME));
    let mut check = Check::user("alice", 1_800_000_000);
    assert_eq!(certificate.check(&provider, &check), Err(CertificateError::Algorithm(NAME.to_owned())));
    check.algorithms = &[NAME];
    certificate.check(&provider, &check).unwrap();
    let mut changed = certificate.blob().to_vec();
    let at = changed.len() - 5000;
    changed[at] ^= 1;
    if let Ok(changed) = Certificate::parse(&changed) {
        assert!(changed.check(&provider, &check).is_err());
    }
}

#[test]
fn an_agent_is_told_the_same() {
    let key = PrivateKeyFile::parse(KEY).unwrap().decrypt(None).unwrap();
    for (recorded, expected) in [
        (&include_bytes!("data/mldsa44_ed25519.add")[..], None),
        (include_bytes!("data/mldsa44_ed25519-cert.add"), Some(certificate())),
    ] {
        let request = Request::parse(recorded).unwrap();
        let Request::Add { key: added, .. } = &request else { panic!("{request:?}") };
        assert_eq!((added.key(), added.certificate()), (&key, expected.as_ref()));
        let frame = request.to_frame().unwrap();
        assert!(frame[4..] == *recorded, "{} and {} bytes", frame.len() - 4, recorded.len());
    }
}
