use super::*;
use crate::{Algorithms, ErrorKind, default_provider, offer::Offer};
use ssh_wire::Message;

fn init<'a>(kex: &'a str, cipher: &'a str, mac: &'a str) -> KexInit<'a> {
    KexInit {
        cookie: [0; 16],
        kex: kex.into(),
        host_key: "ssh-ed25519,rsa-sha2-256".into(),
        cipher_c2s: cipher.into(),
        cipher_s2c: cipher.into(),
        mac_c2s: mac.into(),
        mac_s2c: mac.into(),
        compression_c2s: "none".into(),
        compression_s2c: "none".into(),
        language_c2s: "".into(),
        language_s2c: "".into(),
        first_kex_packet_follows: false,
        reserved: 0,
    }
}

/// Chooses as the client and as the server, which must come to the same.
fn choose(client: &KexInit<'_>, server: &KexInit<'_>) -> Result<Negotiated, Error> {
    let provider = default_provider();
    let as_client = Choice::new(Role::Client, client, server, &provider).map(|choice| choice.names(false));
    let as_server = Choice::new(Role::Server, server, client, &provider).map(|choice| choice.names(false));
    // Whose first names they are is seen differently from either side.
    let agreed = |names: &Negotiated| Negotiated { peer_first: false, ..names.clone() };
    assert_eq!(as_client.as_ref().ok().map(agreed), as_server.as_ref().ok().map(agreed));
    as_client
}

#[test]
fn the_first_of_the_clients_that_the_server_has() {
    let client = init("x,ecdh-sha2-nistp384,curve25519-sha256", "aes256-ctr,aes128-ctr", "hmac-sha2-512");
    let mut server = init("curve25519-sha256,ecdh-sha2-nistp384,y", "aes128-ctr,aes256-ctr", "hmac-sha2-512");
    server.cipher_s2c = "aes128-ctr".into();
    let chosen = choose(&client, &server).unwrap();
    assert_eq!(chosen.kex, "ecdh-sha2-nistp384");
    assert_eq!((chosen.cipher_c2s, chosen.cipher_s2c), ("aes256-ctr", "aes128-ctr"));
    assert_eq!((chosen.mac_c2s, chosen.compression_s2c), (Some("hmac-sha2-512"), "none"));
}

#[test]
fn certificates_are_chosen_by_their_own_names() {
    let mut client = init("curve25519-sha256", "aes128-gcm@openssh.com", "");
    client.host_key = "no-such-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-256".into();
    let mut server = client;
    server.host_key = "rsa-sha2-256,rsa-sha2-256-cert-v01@openssh.com".into();
    assert_eq!(choose(&client, &server).unwrap().host_key, "rsa-sha2-256-cert-v01@openssh.com");
    // Nobody is offered one unasked, and a plain key does not serve where a certificate was agreed on.
    let provider = default_provider();
    assert!(!Algorithms::legacy(&provider).host_key.iter().any(|name| name.contains("cert")));
    let algorithm = HostKeyAlgorithm::find(&provider, "ssh-ed25519-cert-v01@openssh.com").unwrap();
    assert_eq!((algorithm.name, algorithm.signature), ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"));
    assert!(algorithm.key(&PublicKey::Ed25519([7; 32]).to_blob()).is_err());
}

#[test]
fn no_mac_with_a_cipher_that_authenticates() {
    let gcm = init("curve25519-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256");
    let chosen = choose(&gcm, &init("curve25519-sha256", "aes128-gcm@openssh.com", "hmac-sha2-512")).unwrap();
    assert_eq!((chosen.mac_c2s, chosen.mac_s2c), (None, None));
    let ctr = init("curve25519-sha256", "aes128-ctr", "hmac-sha2-256");
    let error = choose(&ctr, &init("curve25519-sha256", "aes128-ctr", "hmac-sha2-512")).unwrap_err();
    assert_eq!(error.nothing_in_common().unwrap().kind, AlgorithmKind::MacC2s);
}

#[test]
fn markers_are_never_chosen() {
    for marker in ["ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"]
    {
        let kexinit = init(marker, "aes128-ctr", "hmac-sha2-256");
        let error = choose(&kexinit, &kexinit).unwrap_err();
        assert_eq!(error.nothing_in_common().unwrap().kind, AlgorithmKind::Kex);
    }
}

#[test]
fn sloppy_lists_are_tolerated() {
    let client = init(",curve25519-sha256,", "aes128-ctr,", ",,hmac-sha2-256");
    let server = init("curve25519-sha256,\u{e9},", ",aes128-ctr", "hmac-sha2-256,");
    assert_eq!(choose(&client, &server).unwrap().cipher_c2s, "aes128-ctr");
    assert_eq!(choose(&client, &init("", "aes128-ctr", "x")).unwrap_err().kind(), ErrorKind::NothingInCommon);
}

#[test]
fn an_error_shows_both_lists_and_what_would_help() {
    let client = init("curve25519-sha256", "aes128-ctr", "hmac-sha2-256");
    let server = init("diffie-hellman-group1-sha1,no-such", "aes128-ctr", "hmac-sha2-256");
    let provider = default_provider();
    let error = Choice::new(Role::Client, &client, &server, &provider).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NothingInCommon);
    let lists = error.nothing_in_common().unwrap();
    assert_eq!(lists.ours, ["curve25519-sha256"]);
    assert_eq!(lists.theirs, ["diffie-hellman-group1-sha1", "no-such"]);
    assert_eq!(lists.available, ["diffie-hellman-group1-sha1"]);
    assert_eq!(
        error.to_string(),
        "no key exchange method in common: we offer curve25519-sha256; the peer offers \
         diffie-hellman-group1-sha1, no-such; we have diffie-hellman-group1-sha1, to be turned on by its name in \
         Algorithms::kex"
    );
}

#[test]
fn a_guess_is_right_by_the_unfiltered_first_names() {
    let ours = init("curve25519-sha256,ecdh-sha2-nistp256", "a", "b");
    assert!(is_guess_right(&ours, &init("curve25519-sha256,x", "c", "d")));
    assert!(!is_guess_right(&ours, &init("x,curve25519-sha256", "a", "b")));
    assert!(!is_guess_right(&ours, &init("", "a", "b")));
    let mut theirs = ours;
    theirs.host_key = "rsa-sha2-256,ssh-ed25519".into();
    assert!(!is_guess_right(&ours, &theirs));
}

#[test]
fn kexinit_holds_lists_and_markers() {
    let provider = default_provider();
    let algorithms = Algorithms::new(&provider);
    let payload = Offer::new(&algorithms).kexinit([7; 16], &["ext-info-c"], true);
    let parsed = KexInit::parse(&payload).unwrap();
    assert_eq!(parsed.cookie, [7; 16]);
    assert!(parsed.first_kex_packet_follows);
    let kex: Vec<_> = parsed.kex.iter().collect();
    assert_eq!(kex.last(), Some(&"ext-info-c"));
    assert_eq!(
        kex[..12],
        [
            "mlkem768x25519-sha256",
            "sntrup761x25519-sha512",
            "sntrup761x25519-sha512@openssh.com",
            "mlkem1024nistp384-sha384",
            "mlkem768nistp256-sha256",
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group14-sha256",
        ]
    );
    assert!(kex.iter().all(|name| !name.ends_with("sha1")));
    assert_eq!(parsed.compression_c2s, "none".into());
}
