//! PEM files, as `ssh-keygen` and `openssl` write them.

use crate::tools::{PASSPHRASE, Workshop, hides, holds, keys, public};
use ssh_auth::{
    KeyFileErrorKind,
    keyfile::{Format, PrivateKeyFile},
};
use ssh_crypto::{PrivateKey, PublicKey};

#[test]
fn every_type_of_key_by_ssh_keygen() {
    let Some(shop) = Workshop::with("every_type_of_key_by_ssh_keygen", &["ssh-keygen"]) else { return };
    // There is no PEM of Ed25519, and no PKCS#8 of it before OpenSSH 9.6.
    for key in keys().iter().filter(|key| key.kind != "ed25519-256") {
        for container in ["PEM", "PKCS8"] {
            let expected = match (container, key.kind.split_once('-').unwrap().0) {
                ("PKCS8", _) => Format::Pkcs8,
                (_, "rsa") => Format::Pkcs1,
                (_, "dsa") => Format::Dsa,
                _ => Format::Sec1,
            };
            let plain = shop.rewrite(&format!("plain-{container}-{}", key.kind), key, &["-m", container], "");
            let file = holds(&plain, &key.public);
            assert_eq!((file.format(), file.comment()), (expected, None));

            let name = format!("secret-{container}-{}", key.kind);
            let secret = shop.rewrite(&name, key, &["-m", container], PASSPHRASE);
            let file = hides(&secret, &key.public, PASSPHRASE);
            assert_eq!((file.format(), file.comment()), (expected, None));
        }
    }
}

/// Makes a key of openssl's in PKCS#8; returns the public key as ssh-keygen reads it.
fn generate(shop: &Workshop, name: &str, options: &[&str]) -> PublicKey {
    shop.run("openssl", &[&["genpkey", "-out", name], options].concat());
    match options[1] {
        // ssh-keygen reads no Ed25519 in PKCS#8 before version 9.6; the last 32 bytes of its public form are the key.
        "ed25519" => {
            let der = shop.run("openssl", &["pkey", "-in", name, "-pubout", "-outform", "DER"]);
            PublicKey::Ed25519(*der.last_chunk().unwrap())
        }
        _ => {
            let path = shop.path(name);
            let copy = format!("{name}-copy");
            shop.write(&copy, &std::fs::read(path).unwrap());
            public(&String::from_utf8(shop.run("ssh-keygen", &["-y", "-P", "", "-f", &copy])).unwrap())
        }
    }
}

const OPENSSL_KINDS: [&[&str]; 5] = [
    &["-algorithm", "ed25519"],
    &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1536"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
];

#[test]
fn pkcs8_by_openssl() {
    let Some(shop) = Workshop::with("pkcs8_by_openssl", &["openssl", "ssh-keygen"]) else { return };
    for (at, kind) in OPENSSL_KINDS.iter().enumerate() {
        let name = format!("key{at}");
        let public = generate(&shop, &name, kind);
        assert_eq!(holds(&shop.read(&name), &public).format(), Format::Pkcs8);
    }
}

#[test]
fn encrypted_pkcs8_by_openssl() {
    let Some(shop) = Workshop::with("encrypted_pkcs8_by_openssl", &["openssl", "ssh-keygen"]) else { return };
    let public = generate(&shop, "key", OPENSSL_KINDS[2]);
    let pass = format!("pass:{PASSPHRASE}");
    let schemes: [&[&str]; 11] = [
        &[],
        &["-v2", "aes-128-cbc"],
        &["-v2", "aes-192-cbc"],
        &["-v2", "aes-256-cbc", "-iter", "1"],
        &["-v2", "des3"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA224"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
        &["-scrypt"],
        &["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "3"],
    ];
    for scheme in schemes {
        let arguments = ["pkcs8", "-topk8", "-in", "key", "-passout", &pass];
        let bytes = shop.run("openssl", &[&arguments[..], scheme].concat());
        let file = hides(&bytes, &public, PASSPHRASE);
        assert_eq!((file.format(), file.public_key()), (Format::Pkcs8, None));
    }
}

#[test]
fn every_cipher_with_every_key_derivation_of_pbes2() {
    let test = "every_cipher_with_every_key_derivation_of_pbes2";
    let Some(shop) = Workshop::with(test, &["openssl", "ssh-keygen"]) else { return };
    let public = generate(&shop, "key", OPENSSL_KINDS[0]);
    let pass = format!("pass:{PASSPHRASE}");
    for cipher in ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"] {
        for derivation in [
            &["-iter", "2", "-v2prf", "hmacWithSHA1"][..],
            &["-iter", "2", "-v2prf", "hmacWithSHA224"],
            &["-iter", "2", "-v2prf", "hmacWithSHA256"],
            &["-iter", "2", "-v2prf", "hmacWithSHA384"],
            &["-iter", "2", "-v2prf", "hmacWithSHA512"],
            &["-scrypt", "-scrypt_N", "16", "-scrypt_r", "8", "-scrypt_p", "2"],
        ] {
            let arguments = ["pkcs8", "-topk8", "-in", "key", "-passout", &pass, "-v2", cipher];
            hides(&shop.run("openssl", &[&arguments[..], derivation].concat()), &public, PASSPHRASE);
        }
    }
}

/// Made for this test by Python's `cryptography`: openssl writes no such files.
#[test]
fn pbes2_with_a_cipher_that_authenticates() {
    let contents = [
        "MIGWMFIGCSqGSIb3DQEFDTBFMCgGCSqGSIb3DQEFDDAbBAgAAQIDBAUGBwIBAjAMBggqhkiG9w0CCQUAMBkGCWCGSAFlAwQBBgQMAAEC\
         AwQFBgcICQoLBEB1ynvJwL30wgF9k8TKnkwWzUhY0xTfWWkZbC7GfModRB5G9jfFlPbvsf0aOoL6kPnDhuraCHV5g8C2GNcY2+sg",
        "MIGWMFIGCSqGSIb3DQEFDTBFMCgGCSqGSIb3DQEFDDAbBAgAAQIDBAUGBwIBAjAMBggqhkiG9w0CCQUAMBkGCWCGSAFlAwQBLgQMAAEC\
         AwQFBgcICQoLBEBcLIYonmC5q7YjJ/lVlOeLt7Zb9SuLJBaxtNHXRwugINl6TcJqwhrP7LNpbNI+zgIBX1wsNFeNUVKp0KZZpiVX",
    ];
    let public = PrivateKey::ed25519(&[7; 32]).public_key();
    for base64 in contents {
        let label = "ENCRYPTED PRIVATE KEY";
        let file = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
        hides(file.as_bytes(), &public, PASSPHRASE);
    }
}

#[test]
fn encrypted_traditional_by_openssl() {
    let Some(shop) = Workshop::with("encrypted_traditional_by_openssl", &["openssl", "ssh-keygen"]) else {
        return;
    };
    let pass = format!("pass:{PASSPHRASE}");
    for (kind, format) in [(1, Format::Pkcs1), (4, Format::Sec1)] {
        let name = format!("key{kind}");
        let public = generate(&shop, &name, OPENSSL_KINDS[kind]);
        for cipher in ["-des3", "-aes128", "-aes192", "-aes256"] {
            let arguments = ["pkey", "-in", &name, "-traditional", "-passout", &pass, cipher];
            let bytes = shop.run("openssl", &arguments);
            assert!(bytes.windows(21).any(|text| text == b"Proc-Type: 4,ENCRYPTE"));
            assert_eq!(hides(&bytes, &public, PASSPHRASE).format(), format);
        }
        for cipher in ["-camellia256", "-aria128"] {
            let arguments = ["pkey", "-in", &name, "-traditional", "-passout", &pass, cipher];
            let Ok(bytes) = shop.attempt("openssl", &arguments) else { continue };
            let error = PrivateKeyFile::parse(&bytes).unwrap_err();
            assert_eq!(error.kind(), KeyFileErrorKind::Unsupported);
            let name = cipher[1..].trim_end_matches(char::is_numeric).to_uppercase();
            assert!(error.to_string().contains(&name), "{error}");
        }
    }
}

#[test]
fn elliptic_curve_variants() {
    let Some(shop) = Workshop::with("elliptic_curve_variants", &["openssl", "ssh-keygen"]) else { return };
    for options in &OPENSSL_KINDS[2..] {
        let curve = options[3].strip_prefix("ec_paramgen_curve:").unwrap();
        let name = format!("key-{curve}");
        let public = generate(&shop, &name, options);
        for form in ["compressed", "uncompressed", "hybrid"] {
            let sec1 = shop.run("openssl", &["ec", "-in", &name, "-conv_form", form]);
            assert_eq!(holds(&sec1, &public).format(), Format::Sec1);
        }
        let without = shop.run("openssl", &["ec", "-in", &name, "-no_public"]);
        assert_eq!(holds(&without, &public).format(), Format::Sec1);
        // Parameters in a block of their own, as `openssl ecparam -genkey` writes them.
        let bytes = shop.run("openssl", &["ecparam", "-genkey", "-name", curve]);
        assert!(bytes.starts_with(b"-----BEGIN EC PARAMETERS-----"));
        assert!(PrivateKeyFile::parse(&bytes).unwrap().decrypt(None).is_ok());
        let explicit = shop.run("openssl", &["ec", "-in", &name, "-param_enc", "explicit"]);
        let error = PrivateKeyFile::parse(&explicit).unwrap_err();
        assert_eq!(error.kind(), KeyFileErrorKind::Unsupported, "{error}");
    }
}

#[test]
fn unsupported_is_named() {
    let Some(shop) = Workshop::with("unsupported_is_named", &["openssl"]) else { return };
    let cases: [(&[&str], &str); 4] = [
        (&["-algorithm", "ed448"], "1.3.101.113"),
        (&["-algorithm", "x25519"], "1.3.101.110"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "1.3.132.0.10"),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"], "512 bits"),
    ];
    for (options, name) in cases {
        let bytes = shop.run("openssl", &[&["genpkey"], options].concat());
        let error = PrivateKeyFile::parse(&bytes).unwrap_err();
        assert_eq!(error.kind(), KeyFileErrorKind::Unsupported);
        assert!(error.to_string().contains(name), "{error}");
    }
    shop.run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", "key"]);
    for scheme in [&["-v1", "PBE-SHA1-3DES"][..], &["-v2", "camellia-256-cbc"], &["-v2prf", "hmacWithMD5"]] {
        let arguments = ["pkcs8", "-topk8", "-in", "key", "-passout", "pass:x"];
        let Ok(bytes) = shop.attempt("openssl", &[&arguments[..], scheme].concat()) else { continue };
        let error = PrivateKeyFile::parse(&bytes).unwrap_err();
        assert_eq!(error.kind(), KeyFileErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("1.2."), "{error}");
    }
}

#[test]
fn too_costly() {
    let Some(shop) = Workshop::with("too_costly", &["openssl"]) else { return };
    shop.run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", "key"]);
    let arguments = ["pkcs8", "-topk8", "-in", "key", "-passout", "pass:x", "-scrypt"];
    let cost = ["-scrypt_N", "262144", "-scrypt_r", "9", "-scrypt_p", "1"];
    // OpenSSL has a bound of its own, which may be lower.
    if let Ok(bytes) = shop.attempt("openssl", &[&arguments[..], &cost].concat()) {
        let error = PrivateKeyFile::parse(&bytes).unwrap_err();
        assert_eq!(error.kind(), KeyFileErrorKind::TooCostly, "{error}");
    }
    // 10,000,000 iterations in the file become 10,000,128: the number's last byte is changed.
    let arguments =
        ["pkcs8", "-topk8", "-in", "key", "-passout", "pass:x", "-iter", "10000000", "-outform", "DER"];
    let mut der = shop.run("openssl", &arguments);
    let at = der.windows(3).position(|bytes| bytes == [0x98, 0x96, 0x80]).unwrap();
    der[at + 2] = 0x81;
    shop.write("costly.der", &der);
    use base64ct::{Base64, Encoding};
    let base64 = Base64::encode_string(&der);
    let pem =
        format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64}\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let error = PrivateKeyFile::parse(pem.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), KeyFileErrorKind::TooCostly, "{error}");
}

#[test]
fn lenient_framing() {
    let Some(shop) = Workshop::with("lenient_framing", &["openssl", "ssh-keygen"]) else { return };
    let openssh = shop.generate("openssh", &["-t", "ed25519"], "").unwrap();
    let pkcs1 = shop.generate("pkcs1", &["-t", "rsa", "-b", "1024", "-m", "PEM"], "").unwrap();
    let secret = shop.generate("secret", &["-t", "rsa", "-b", "1024", "-m", "PEM"], PASSPHRASE).unwrap();
    for (name, public, passphrase) in
        [("openssh", openssh, None), ("pkcs1", pkcs1, None), ("secret", secret, Some(PASSPHRASE))]
    {
        let text = String::from_utf8(shop.read(name)).unwrap();
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let variants = [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            text.replace('\n', " \n"),
            format!("\u{feff}{text}"),
            format!("Bag Attributes: <none>\nfriendlyName: key\n\n{text}"),
            format!("{certificate}{text}{certificate}"),
            format!("\n\n{text}\n\n\n"),
            text.trim_end().to_owned(),
        ];
        for variant in variants {
            let file = PrivateKeyFile::parse(variant.as_bytes())
                .unwrap_or_else(|error| panic!("{error}:\n{variant}"));
            let key = file.decrypt(passphrase.map(str::as_bytes)).unwrap();
            assert_eq!(key.public_key(), public);
        }
    }
}

#[test]
fn no_private_key() {
    let kind = |bytes: &[u8]| PrivateKeyFile::parse(bytes).unwrap_err().kind();
    for bytes in [
        &b""[..],
        b"\n",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY",
        &[0xff; 100],
    ] {
        assert_eq!(kind(bytes), KeyFileErrorKind::UnknownFormat);
    }
    assert_eq!(kind(b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0"), KeyFileErrorKind::Unsupported);
    assert_eq!(kind(b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n"), KeyFileErrorKind::Unsupported);
    assert_eq!(kind(b"PuTTY-User-Key-File-1: ssh-rsa\n"), KeyFileErrorKind::Unsupported);
    assert_eq!(kind(b"-----BEGIN PRIVATE KEY-----\n"), KeyFileErrorKind::Damaged);
    assert_eq!(kind(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"), KeyFileErrorKind::Damaged);
    assert_eq!(
        kind(b"-----BEGIN PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----"),
        KeyFileErrorKind::Damaged
    );
    assert_eq!(kind(&vec![b'\n'; (1 << 20) + 1]), KeyFileErrorKind::TooCostly);
}
