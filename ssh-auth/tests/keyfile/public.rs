//! Files of public keys, as `ssh-keygen`, `openssl` and `puttygen` write them.

use crate::tools::{COMMENT, Workshop, keys, public};
use ssh_auth::keyfile::{PrivateKeyFile, read_public_key};
use ssh_crypto::{KeyError, PublicKey};

#[test]
fn every_format_by_ssh_keygen() {
    let Some(shop) = Workshop::with("public::every_format_by_ssh_keygen", &["ssh-keygen"]) else { return };
    for key in keys() {
        let line = key.public.to_line(COMMENT);
        assert_eq!(read_public_key(line.as_bytes()).unwrap(), (key.public.clone(), COMMENT.to_owned()));

        let name = key.kind;
        shop.write(name, line.as_bytes());
        for (format, begins, kinds) in [
            ("RFC4716", "---- BEGIN SSH2 PUBLIC KEY", "ecdsa rsa dsa ed25519"),
            // There is no PEM of Ed25519, and no PKCS#8 of it before OpenSSH 9.6.
            ("PKCS8", "-----BEGIN PUBLIC KEY", "ecdsa rsa dsa"),
            ("PEM", "-----BEGIN RSA PUBLIC KEY", "rsa"),
        ] {
            if !kinds.split(' ').any(|kind| name.starts_with(kind)) {
                continue;
            }
            let bytes = shop.run("ssh-keygen", &["-e", "-m", format, "-f", name]);
            assert!(bytes.starts_with(begins.as_bytes()), "{}", bytes.escape_ascii());
            assert_eq!(read_public_key(&bytes).unwrap().0, key.public, "{name} as {format}");
        }
    }
}

#[test]
fn every_type_of_key_by_openssl() {
    let Some(shop) = Workshop::with("public::every_type_of_key_by_openssl", &["openssl"]) else { return };
    for (at, options) in [
        &["-algorithm", "ed25519"][..],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1536"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("key{at}");
        shop.run("openssl", &[&["genpkey", "-out", &name], *options].concat());
        let private = PrivateKeyFile::parse(&shop.read(&name)).unwrap().decrypt(None).unwrap();
        let bytes = shop.run("openssl", &["pkey", "-in", &name, "-pubout"]);
        assert_eq!(read_public_key(&bytes).unwrap(), (private.public_key(), String::new()));
        let text = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        let text = format!("some text\r\n\r\n{text}");
        assert_eq!(read_public_key(text.as_bytes()).unwrap().0, private.public_key());
        if options[1] == "RSA" {
            let bytes = shop.run("openssl", &["rsa", "-in", &name, "-RSAPublicKey_out"]);
            assert!(bytes.starts_with(b"-----BEGIN RSA PUBLIC KEY"));
            assert_eq!(read_public_key(&bytes).unwrap().0, private.public_key());
        }
    }
}

#[test]
fn both_formats_by_puttygen() {
    let Some(shop) = Workshop::with("public::both_formats_by_puttygen", &["puttygen"]) else { return };
    shop.write("empty", b"");
    for kind in ["ed25519", "ecdsa", "rsa", "dsa"] {
        let options = ["-q", "-t", kind, "-C", COMMENT, "-o", kind, "--random-device", "/dev/urandom"];
        shop.run("puttygen", &[&options[..], &["--new-passphrase", "empty"]].concat());
        let line = shop.run("puttygen", &["-L", kind]);
        let expected = public(std::str::from_utf8(&line).unwrap());
        for bytes in [line, shop.run("puttygen", &["-p", kind])] {
            assert_eq!(read_public_key(&bytes).unwrap(), (expected.clone(), COMMENT.to_owned()));
        }
    }
}

#[test]
fn what_is_not_known_is_named() {
    let Some(shop) = Workshop::with("public::what_is_not_known_is_named", &["openssl"]) else { return };
    for (options, oid) in [
        (&["-algorithm", "ed448"][..], "1.3.101.113"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "1.3.132.0.10"),
    ] {
        let private = shop.run("openssl", &[&["genpkey"], options].concat());
        let name = oid.replace('.', "-");
        shop.write(&name, &private);
        let bytes = shop.run("openssl", &["pkey", "-in", &name, "-pubout"]);
        assert_eq!(read_public_key(&bytes), Err(KeyError::Unknown(oid.to_owned())));
        assert!(matches!(read_public_key(&private), Err(KeyError::Invalid(_))));
    }
    shop.run("openssl", &["ecparam", "-genkey", "-name", "prime256v1", "-out", "key"]);
    let explicit = shop.run("openssl", &["ec", "-in", "key", "-param_enc", "explicit", "-pubout"]);
    assert!(matches!(read_public_key(&explicit), Err(KeyError::Invalid(_))));
    for bytes in [&b""[..], b"\n", &[0xff; 100], &vec![b'\n'; (1 << 20) + 1]] {
        assert!(matches!(read_public_key(bytes), Err(KeyError::Invalid(_))));
    }
}

/// Every bit of the DER is flipped, and the DER cut everywhere.
#[test]
fn damage_is_an_error_or_another_key() {
    use base64ct::{Base64, Encoding};
    let key = PublicKey::from_line(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2bMEhXxQbLu5rf9H4lsb3oUTTSOKQAdRlHT5Uj9dbz",
    );
    let PublicKey::Ed25519(bytes) = key.unwrap().0 else { panic!() };
    // RFC 8410 §4.
    let der = [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &bytes].concat();
    let read = |der: &[u8]| {
        let base64 = Base64::encode_string(der);
        read_public_key(
            format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n").as_bytes(),
        )
    };
    assert_eq!(read(&der).unwrap().0, PublicKey::Ed25519(bytes));
    for bit in 0..der.len() * 8 {
        let mut changed = der.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let is_key = bit / 8 >= der.len() - 32;
        match read(&changed) {
            Ok((key, _)) => assert!(is_key && key != PublicKey::Ed25519(bytes), "bit {bit}"),
            Err(_) => assert!(!is_key, "bit {bit}"),
        }
    }
    for end in 0..der.len() {
        assert!(read(&der[..end]).is_err(), "{end} bytes");
    }
    assert!(read(&[&der[..], b"\0"].concat()).is_err());
}
