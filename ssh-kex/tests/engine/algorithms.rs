//! Every algorithm, in sessions between both roles.

use crate::pair::*;
use ssh_crypto::{Cipher, Curve, KexAlgorithm, PlainCipher, Transform, rust_crypto::AES128_CTR};
use ssh_kex::{AlgorithmKind, Algorithms, Config, ErrorKind, Event, Transport};
use std::time::Instant;

fn session(client: Config, server: Config) -> Pair {
    let keys = vec![ed25519(), ecdsa(Curve::P256), ecdsa(Curve::P384), ecdsa(Curve::P521), rsa(), mldsa()];
    let mut pair = Pair::with_keys(client, server, keys);
    pair.run();
    pair.assert_established();
    pair.assert_works();
    pair
}

#[test]
fn every_method_with_every_host_key() {
    let provider = provider();
    let legacy = Algorithms::legacy(&provider);
    let keys = vec![ed25519(), ecdsa(Curve::P256), ecdsa(Curve::P384), ecdsa(Curve::P521), rsa(), mldsa()];
    for kex in &legacy.kex {
        // The largest groups take long: one host key is enough for them.
        let is_slow = kex.ends_with("group17-sha512") || kex.ends_with("group18-sha512");
        let host_keys: Vec<&str> = keys.iter().flat_map(|key| key.algorithms()).collect();
        for host_key in host_keys.iter().take(if is_slow { 1 } else { usize::MAX }) {
            let mut client = config();
            client.algorithms.kex = vec![kex.clone()];
            client.algorithms.host_key = vec![(*host_key).to_owned()];
            let mut server = config();
            server.algorithms.kex = legacy.kex.clone();
            server.algorithms.host_key = legacy.host_key.clone();
            let mut pair = Pair::with_keys(client, server, keys.clone());
            pair.run();
            pair.assert_established();
            pair.assert_works();
            let negotiated = pair.client.transport.negotiated().unwrap();
            assert_eq!((negotiated.kex, negotiated.host_key), (kex.as_str(), *host_key));
        }
    }
}

#[test]
fn every_cipher_with_every_mac() {
    let provider = provider();
    let legacy = Algorithms::legacy(&provider);
    for cipher in provider.ciphers.iter() {
        let macs: Vec<Option<&str>> = match cipher {
            Cipher::Aead(_) => vec![None],
            Cipher::Plain(_) => legacy.mac_c2s.iter().map(|name| Some(name.as_str())).collect(),
        };
        for mac in macs {
            let mut client = quick();
            client.algorithms.cipher_c2s = vec![cipher.name().to_owned()];
            client.algorithms.mac_c2s = mac.iter().map(|&name| name.to_owned()).collect();
            client.algorithms.cipher_s2c = client.algorithms.cipher_c2s.clone();
            client.algorithms.mac_s2c = client.algorithms.mac_c2s.clone();
            let mut server = quick();
            server.algorithms = Algorithms::legacy(&provider);
            let mut pair = Pair::new(client, server);
            pair.run();
            pair.assert_works();
            pair.client.transport.rekey(pair.client.now).unwrap();
            pair.run();
            pair.assert_works();
            let negotiated = pair.client.transport.negotiated().unwrap();
            assert_eq!((negotiated.cipher_c2s, negotiated.mac_s2c), (cipher.name(), mac));
            assert_eq!(pair.client.established(), (1, 1));
        }
    }
}

#[test]
fn directions_are_negotiated_apart() {
    let mut client = quick();
    client.algorithms.cipher_c2s = vec!["aes128-ctr".into()];
    client.algorithms.mac_c2s = vec!["hmac-sha2-512-etm@openssh.com".into()];
    client.algorithms.cipher_s2c = vec!["aes256-gcm@openssh.com".into()];
    let pair = session(client, config());
    let negotiated = pair.server.transport.negotiated().unwrap();
    assert_eq!(negotiated.cipher_c2s, "aes128-ctr");
    assert_eq!(negotiated.mac_c2s, Some("hmac-sha2-512-etm@openssh.com"));
    assert_eq!((negotiated.cipher_s2c, negotiated.mac_s2c), ("aes256-gcm@openssh.com", None));
}

#[test]
fn the_defaults_are_the_best_and_nothing_broken() {
    let pair = session(config(), config());
    let negotiated = pair.client.transport.negotiated().unwrap();
    assert_eq!(negotiated.kex, "mlkem768x25519-sha256");
    assert_eq!(negotiated.host_key, "ssh-ed25519");
    assert!(negotiated.strict_kex);
    let defaults = Algorithms::new(&provider());
    for name in [&defaults.kex, &defaults.cipher_c2s, &defaults.host_key].into_iter().flatten() {
        assert!(!name.contains("sha1") && !name.contains("cbc") && !name.contains("3des"), "{name}");
        assert!(name != "ssh-rsa" && name != "ssh-dss");
    }
    let legacy = Algorithms::legacy(&provider());
    assert_eq!(legacy.kex[..defaults.kex.len()], defaults.kex);
    assert_eq!(legacy.kex.last().unwrap(), "diffie-hellman-group1-sha1");
}

#[test]
fn events_come_in_order() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    let (client, server) = (&mut pair.client, &mut pair.server);
    let [
        Event::Identified(identification),
        Event::HostKey { key, algorithm },
        Event::Established { rekey: false },
        Event::ExtInfo,
    ] = client.events.as_slice()
    else {
        panic!("{:?}", client.events)
    };
    assert_eq!(identification, &config().identification);
    assert_eq!((key.as_slice(), algorithm.as_str()), (ed25519().public_key(), "ssh-ed25519"));
    assert_eq!(client.transport.host_key(), Some(ed25519().public_key()));
    assert!(client.transport.server_sig_algs().unwrap().contains(&"rsa-sha2-512".to_owned()));
    assert!(!client.transport.server_sig_algs().unwrap().contains(&"ssh-rsa".to_owned()));
    assert_eq!(client.transport.ext_info("ping@openssh.com"), Some(b"0".as_slice()));
    let [Event::Identified(_), Event::Established { rekey: false }, Event::ExtInfo] =
        server.events.as_slice()
    else {
        panic!("{:?}", server.events)
    };
    assert_eq!(server.transport.ext_info("ext-info-in-auth@openssh.com"), Some(b"0".as_slice()));
    assert_eq!(client.transport.poll_timeout(), None);
}

#[test]
fn the_first_flight_holds_identification_and_kexinit() {
    let (mut client, _) = Transport::client(config(), Instant::now()).unwrap();
    let (identification, packets, rest) = cut_clear(client.output());
    assert!(identification.starts_with(b"SSH-2.0-ssh-kex_") && identification.ends_with(b"\r\n"));
    assert_eq!((packets.len(), packets[0][5], rest.len()), (1, ssh_wire::number::KEXINIT, 0));
}

#[test]
fn the_first_message_leaves_with_newkeys() {
    let mut pair = Pair::new(quick(), quick());
    let service_request = [ssh_wire::number::SERVICE_REQUEST, 0, 0, 0, 1, b'x'];
    pair.client.send(&service_request);
    assert_eq!(pair.client.outbox.len(), 1, "nothing may be sent yet");
    let first = pair.client.output();
    pair.server.receive(&first);
    let first = pair.server.output();
    pair.client.receive(&first);
    let init = pair.client.output();
    pair.server.receive(&init);
    // The server's reply, without the NEWKEYS behind it.
    let (_, packets, _) = cut_clear(&pair.server.output());
    pair.client.receive(&packets[0]);
    assert!(pair.client.outbox.is_empty());
    let flight = pair.client.output();
    pair.server.receive(&flight);
    assert_eq!(pair.server.inbox, [service_request.as_slice()]);
}

#[test]
fn names_that_the_provider_does_not_have() {
    let fields: [fn(&mut Algorithms) -> &mut Vec<String>; 8] = [
        |a| &mut a.kex,
        |a| &mut a.host_key,
        |a| &mut a.cipher_c2s,
        |a| &mut a.cipher_s2c,
        |a| &mut a.mac_c2s,
        |a| &mut a.mac_s2c,
        |a| &mut a.compression_c2s,
        |a| &mut a.compression_s2c,
    ];
    for field in fields {
        for names in [vec!["no-such".to_owned()], vec![]] {
            let mut config = config();
            // MACs are needed with ciphers that do not authenticate only; the defaults have some.
            *field(&mut config.algorithms) = names;
            let error = Transport::client(config.clone(), Instant::now()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            let error = Transport::server(config, vec![ed25519()], Instant::now()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        }
    }
}

#[test]
fn a_server_without_a_fitting_host_key() {
    let mut config = config();
    config.algorithms.host_key = vec!["rsa-sha2-256".into()];
    let error = Transport::server(config.clone(), vec![ed25519()], Instant::now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(Transport::server(config, vec![], Instant::now()).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn nothing_in_common_is_told_to_both() {
    let mut client = config();
    client.algorithms.kex = vec!["ecdh-sha2-nistp256".into()];
    let mut pair = Pair::new(client, quick());
    pair.run();
    for (side, ours, theirs) in [
        (&pair.client, "ecdh-sha2-nistp256", "curve25519-sha256"),
        (&pair.server, "curve25519-sha256", "ecdh-sha2-nistp256"),
    ] {
        let error = side.error.as_ref().unwrap();
        assert_eq!(error.kind(), ErrorKind::NothingInCommon);
        let lists = error.nothing_in_common().unwrap();
        assert_eq!((lists.ours[0].as_str(), lists.theirs[0].as_str()), (ours, theirs));
        assert_eq!(lists.available, [theirs]);
    }
}

#[test]
fn nothing_in_common_names_the_setting_that_would_help() {
    use AlgorithmKind::*;
    type Field = fn(&mut Algorithms) -> &mut Vec<String>;
    let none: &[&str] = &[];
    for (kind, field, theirs, available) in [
        (Kex, (|a| &mut a.kex) as Field, "diffie-hellman-group1-sha1", Some("kex")),
        (HostKey, |a| &mut a.host_key, "rsa-sha2-512", Some("host_key")),
        (CipherC2s, |a| &mut a.cipher_c2s, "3des-cbc", Some("cipher_c2s")),
        (CipherS2c, |a| &mut a.cipher_s2c, "rijndael-cbc@lysator.liu.se", Some("cipher_s2c")),
        (MacC2s, |a| &mut a.mac_c2s, "hmac-md5-96-etm@openssh.com", Some("mac_c2s")),
        (MacS2c, |a| &mut a.mac_s2c, "umac-64@openssh.com", Some("mac_s2c")),
        (CompressionC2s, |a| &mut a.compression_c2s, "zlib", Some("compression_c2s")),
        (CompressionS2c, |a| &mut a.compression_s2c, "zlib@openssh.com", Some("compression_s2c")),
        // What nobody here has is no help.
        (CipherC2s, |a| &mut a.cipher_c2s, "theirs@example.com", None),
    ] {
        let (mut client, mut server) = (quick(), quick());
        for side in [&mut client, &mut server] {
            side.algorithms.host_key = vec!["ssh-ed25519".into()];
            side.algorithms.cipher_c2s = vec!["aes128-ctr".into()];
            side.algorithms.cipher_s2c = vec!["aes128-ctr".into()];
        }
        let ours = field(&mut client.algorithms).join(", ");
        if available.is_none() {
            static THEIRS: Renamed = Renamed("theirs@example.com");
            let mut provider = ssh_kex::default_provider();
            provider.ciphers = vec![Cipher::Plain(&THEIRS), provider.cipher("aes128-ctr").unwrap()].into();
            server.provider = std::sync::Arc::new(provider);
        }
        *field(&mut server.algorithms) = vec![theirs.into()];
        let mut pair = Pair::with_keys(client, server, vec![ed25519(), rsa()]);
        pair.run();
        let error = pair.client.error.as_ref().unwrap();
        let lists = error.nothing_in_common().unwrap();
        assert_eq!((lists.kind, lists.theirs.join(", ")), (kind, theirs.to_owned()));
        let expected = match available {
            Some(field) => {
                assert_eq!(lists.available, [theirs]);
                format!("; we have {theirs}, to be turned on by its name in Algorithms::{field}")
            }
            None => {
                assert_eq!(lists.available, none);
                String::new()
            }
        };
        let expected = format!("no {kind} in common: we offer {ours}; the peer offers {theirs}{expected}");
        assert_eq!(error.to_string(), expected);
        // A server's error says the same the other way round.
        let error = pair.server.error.as_ref().unwrap().to_string();
        assert!(error.contains(&format!("we offer {theirs}; the peer offers {ours}")), "{error}");
    }
}

/// aes128-ctr under a name of its own.
#[derive(Debug)]
struct Renamed(&'static str);

impl PlainCipher for Renamed {
    fn name(&self) -> &'static str {
        self.0
    }

    fn key_len(&self) -> usize {
        AES128_CTR.key_len()
    }

    fn block_len(&self) -> usize {
        AES128_CTR.block_len()
    }

    fn decryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        AES128_CTR.decryptor(key, iv)
    }

    fn encryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        AES128_CTR.encryptor(key, iv)
    }
}

/// Methods have fixed tables; this pins that every one of them is in the provider under its name.
#[test]
fn the_provider_has_every_method() {
    let provider = provider();
    for kex in ssh_kex::method::ALL {
        assert_eq!(provider.kex(kex.name()).map(KexAlgorithm::name), Some(kex.name()));
    }
    provider.check().unwrap();
}

#[test]
fn engines_move_between_threads() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Transport>();
    is_send::<ssh_kex::Receiver>();
    is_send::<ssh_kex::NewOpen>();
    is_send::<Config>();
    is_sync::<Config>();
    is_send::<ssh_kex::Error>();
    is_sync::<ssh_kex::Error>();
}
