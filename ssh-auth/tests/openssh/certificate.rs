use crate::tools::{KINDS, Tools};
use ssh_auth::{
    Client, ClientConfig, Event, KeyMethod, Method, Server, ServerConfig, ServerEvent,
    certificate::{Certificate, CertificateError, Check, Kind},
};
use ssh_crypto::{KeyPair, PublicKey, Signer, default_provider};
use ssh_wire::{Decoder, Encoder, Packet, PacketSink};
use std::sync::Arc;

const NOW: u64 = 1_800_000_000;
/// From a day before to a day after that.
const VALIDITY: &str = "20270114080000Z:20270116080000Z";

fn check(certificate: &Certificate, check: &Check<'_>) -> Result<(), CertificateError> {
    certificate.check(&default_provider(), check)
}

/// Signs `name.pub` and reads the certificate.
fn sign(tools: &Tools, authority: &str, name: &str, options: &[&str]) -> Certificate {
    let public = format!("{name}.pub");
    let arguments = [&["-q", "-s", authority, "-I", "the id"], options, &[&*public]].concat();
    assert!(tools.keygen(&arguments));
    Certificate::parse(&tools.blob(&format!("{name}-cert.pub"))).unwrap()
}

#[test]
fn every_type_of_key_and_authority() {
    let Some(tools) = Tools::with("every_type_of_key_and_authority", "ssh-keygen") else { return };
    let mut authorities = Vec::new();
    for (at, kind) in KINDS.into_iter().enumerate() {
        if tools.key(&format!("key{at}"), kind).is_some() {
            authorities.push(format!("key{at}"));
        }
    }
    for authority in &authorities {
        for name in &authorities {
            let certificate = sign(&tools, authority, name, &["-n", "user", "-z", "77", "-V", VALIDITY]);
            let public = PublicKey::from_blob(&tools.blob(&format!("{name}.pub"))).unwrap();
            assert_eq!(certificate.key(), &public);
            let authority_key = PublicKey::from_blob(&tools.blob(&format!("{authority}.pub"))).unwrap();
            assert_eq!(certificate.authority(), &authority_key);
            assert_eq!((certificate.serial(), certificate.kind()), (77, Kind::User));
            assert_eq!(certificate.key_id(), b"the id");
            assert_eq!(certificate.principals().collect::<Vec<_>>(), [b"user"]);
            assert!(certificate.key_type().ends_with("-cert-v01@openssh.com"));
            let result = check(&certificate, &Check::user("user", NOW));
            if matches!(authority_key, PublicKey::Dsa { .. }) {
                assert_eq!(result, Err(CertificateError::Algorithm("ssh-dss".to_owned())));
            } else {
                result.unwrap();
            }
        }
    }
}

#[test]
fn what_a_certificate_is_not_good_for() {
    let Some(tools) = Tools::with("what_a_certificate_is_not_good_for", "ssh-keygen") else { return };
    tools.key("ca", &["ed25519"]).unwrap();
    tools.key("key", &["ed25519"]).unwrap();
    let user = sign(&tools, "ca", "key", &["-n", "alice,bob", "-V", VALIDITY]);
    for name in ["alice", "bob"] {
        check(&user, &Check::user(name, NOW)).unwrap();
    }
    for name in ["carol", "alic", "alice,bob", "", "ALICE"] {
        assert_eq!(check(&user, &Check::user(name, NOW)), Err(CertificateError::Principal(name.to_owned())));
    }
    assert_eq!(check(&user, &Check::host("alice", NOW)), Err(CertificateError::WrongKind(Kind::User)));
    let (after, before) = (user.valid_after(), user.valid_before());
    check(&user, &Check::user("bob", after)).unwrap();
    check(&user, &Check::user("bob", before - 1)).unwrap();
    assert_eq!(check(&user, &Check::user("bob", after - 1)), Err(CertificateError::NotYetValid(after)));
    assert_eq!(check(&user, &Check::user("bob", before)), Err(CertificateError::Expired(before)));

    // For ever, but only by an algorithm that is allowed.
    let user = sign(&tools, "ca", "key", &["-n", "bob"]);
    assert_eq!((user.valid_after(), user.valid_before()), (0, u64::MAX));
    let mut ask = Check::user("bob", NOW);
    ask.algorithms = &["rsa-sha2-512"];
    assert_eq!(check(&user, &ask), Err(CertificateError::Algorithm("ssh-ed25519".to_owned())));
}

#[test]
fn a_wildcard_is_for_hosts_only() {
    let Some(tools) = Tools::with("a_wildcard_is_for_hosts_only", "ssh-keygen") else { return };
    tools.key("ca", &["ed25519"]).unwrap();
    tools.key("key", &["ed25519"]).unwrap();
    let host = sign(&tools, "ca", "key", &["-h", "-n", "*.example.com,db?"]);
    assert_eq!(host.kind(), Kind::Host);
    for name in ["www.example.com", "a.b.example.com", "db1"] {
        check(&host, &Check::host(name, NOW)).unwrap();
    }
    for name in ["example.com", "www.example.org", "db", "db10", "www.example.com.evil.org"] {
        assert!(
            matches!(check(&host, &Check::host(name, NOW)), Err(CertificateError::Principal(_))),
            "{name}"
        );
    }
    assert!(matches!(check(&host, &Check::user("db1", NOW)), Err(CertificateError::WrongKind(Kind::Host))));
    let user = sign(&tools, "ca", "key", &["-n", "*"]);
    check(&user, &Check::user("*", NOW)).unwrap();
    assert!(check(&user, &Check::user("root", NOW)).is_err());
}

#[test]
fn without_principals_it_is_good_for_nobody_unless_asked_so() {
    let test = "without_principals_it_is_good_for_nobody_unless_asked_so";
    let Some(tools) = Tools::with(test, "ssh-keygen") else { return };
    tools.key("ca", &["ed25519"]).unwrap();
    tools.key("key", &["ed25519"]).unwrap();
    let user = sign(&tools, "ca", "key", &[]);
    let mut ask = Check::user("bob", NOW);
    assert_eq!(check(&user, &ask), Err(CertificateError::NoPrincipals));
    ask.any_principal = true;
    check(&user, &ask).unwrap();
}

#[test]
fn critical_options_must_be_obeyed() {
    let Some(tools) = Tools::with("critical_options_must_be_obeyed", "ssh-keygen") else { return };
    tools.key("ca", &["ed25519"]).unwrap();
    tools.key("key", &["ed25519"]).unwrap();
    let options =
        ["-n", "bob", "-O", "force-command=/bin/true", "-O", "no-x11-forwarding", "-O", "extension:x@y=z"];
    let user = sign(&tools, "ca", "key", &options);
    let mut ask = Check::user("bob", NOW);
    assert_eq!(check(&user, &ask), Err(CertificateError::CriticalOption("force-command".to_owned())));
    ask.critical_options = &["source-address", "force-command"];
    check(&user, &ask).unwrap();
    assert_eq!(user.critical_options()[0].value(), Some(b"/bin/true".as_slice()));
    let names: Vec<_> = user.extensions().iter().map(|option| option.name.as_slice()).collect();
    assert!(names.contains(&b"permit-pty".as_slice()));
    assert!(!names.contains(&b"permit-X11-forwarding".as_slice()));
    let own = user.extensions().iter().find(|option| option.name == b"x@y").unwrap();
    assert_eq!(own.value(), Some(b"z".as_slice()));
}

#[test]
fn a_byte_changed_anywhere_is_found_and_cuts_are_errors() {
    let Some(tools) = Tools::with("a_byte_changed_anywhere_is_found_and_cuts_are_errors", "ssh-keygen")
    else {
        return;
    };
    tools.key("ca", &["ed25519"]).unwrap();
    tools.key("key", &["ecdsa"]).unwrap();
    sign(&tools, "ca", "key", &["-n", "bob", "-O", "source-address=10.0.0.0/8"]);
    let blob = tools.blob("key-cert.pub");
    let mut ask = Check::user("bob", NOW);
    ask.critical_options = &["source-address"];
    check(&Certificate::parse(&blob).unwrap(), &ask).unwrap();
    for at in 0..blob.len() {
        let mut bad = blob.clone();
        bad[at] ^= 1;
        let result = Certificate::parse(&bad).and_then(|certificate| check(&certificate, &ask));
        assert!(result.is_err(), "byte {at}");
        assert!(Certificate::parse(&blob[..at]).is_err(), "cut at {at}");
    }
    assert!(Certificate::parse(&[&*blob, b"\0"].concat()).is_err());
    // A plain key is no certificate.
    assert!(matches!(Certificate::parse(&tools.blob("key.pub")), Err(CertificateError::Type(_))));
}

#[test]
fn a_user_logs_in_with_a_certificate() {
    let Some(tools) = Tools::with("a_user_logs_in_with_a_certificate", "ssh-keygen") else { return };
    let provider = Arc::new(default_provider());
    tools.key("ca", &["ed25519"]).unwrap();
    for (at, kind) in KINDS[..5].iter().enumerate() {
        let name = format!("key{at}");
        let pair = KeyPair::new(&tools.key(&name, kind).unwrap(), &provider).unwrap();
        let certificate = sign(&tools, "ca", &name, &["-n", "bob"]);
        let algorithm = match certificate.key() {
            PublicKey::Rsa { .. } => "rsa-sha2-512-cert-v01@openssh.com",
            _ => certificate.key_type(),
        };
        for probe in [false, true] {
            let method = Method::Publickey(KeyMethod {
                public_key: certificate.blob().to_vec(),
                algorithms: vec![algorithm.to_owned()],
                probe,
                id: 0,
            });
            let mut client = Client::new(ClientConfig::new("bob", vec![method]), b"id".to_vec());
            let mut server = Server::new(ServerConfig::new(provider.clone(), &["publickey"]), b"id".to_vec());
            client.start();
            loop {
                match client.poll_event() {
                    Some(Event::Sign { algorithm, data, .. }) => {
                        client.signature(pair.sign(&algorithm, &data));
                    }
                    Some(Event::Success) => break,
                    None => {}
                    Some(other) => panic!("{other:?}: {:?}", client.attempts()),
                }
                exchange(&mut client, &mut server);
            }
        }
    }
}

/// Carries what the client has to say to the server, and back.
fn exchange(client: &mut Client, server: &mut Server) {
    let mut wire = Wire(Encoder::new(|_| {}), Decoder::default());
    client.flush(&mut wire);
    for message in wire.messages() {
        server.handle(&message).unwrap();
        let (ServerEvent::PublickeyProbe { user, public_key, .. }
        | ServerEvent::Publickey { user, public_key, .. }) = (match server.poll_event() {
            Some(event) => event,
            None => continue,
        })
        else {
            unreachable!()
        };
        let certificate = Certificate::parse(&public_key).unwrap();
        check(&certificate, &Check::user(&user, NOW)).unwrap();
        server.accept().unwrap();
    }
    server.flush(&mut wire);
    for message in wire.messages() {
        client.handle(&message).unwrap();
    }
}

struct Wire(Encoder, Decoder);

impl PacketSink for Wire {
    fn packet(&mut self) -> Option<Packet<'_>> {
        Some(self.0.packet())
    }
}

impl Wire {
    fn messages(&mut self) -> Vec<Vec<u8>> {
        let bytes = std::mem::take(self.0.output());
        self.1.push(&bytes);
        std::iter::from_fn(|| self.1.decode().unwrap()).map(|inbound| inbound.payload.to_vec()).collect()
    }
}
