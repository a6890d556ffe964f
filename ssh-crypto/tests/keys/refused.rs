//! Keys and signatures that must not pass, each on every back end.

use crate::providers;
use ssh_crypto::key::KeyKind;
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{Curve, KeyError, KeyPair, PrivateKey, PublicKey, Secret, SignError, Signer};
use ssh_wire::{Encode, Mpint};

const MESSAGE: &[u8] = b"message";

fn generate(kind: KeyKind) -> PrivateKey {
    PrivateKey::generate(kind, &SystemRandom).unwrap()
}

/// A signature's content, without algorithm and length.
fn sign(key: &PrivateKey, algorithm: &str) -> Vec<u8> {
    let provider = ssh_crypto::default_provider();
    provider.signature(algorithm).unwrap().signing_key(key).unwrap().sign(MESSAGE).unwrap()
}

fn blob(algorithm: &str, signature: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    algorithm.encode(&mut blob);
    signature.encode(&mut blob);
    blob
}

/// Every back end answers `expected` to the blob.
fn verify(algorithm: &str, key: &PublicKey, blob: &[u8], expected: &Result<(), SignError>) {
    for provider in providers() {
        assert_eq!(provider.verify(algorithm, key, MESSAGE, blob), *expected);
    }
}

/// Every back end finds that the content does not verify.
fn refuse(algorithm: &str, key: &PrivateKey, signature: &[u8]) {
    verify(algorithm, &key.public_key(), &blob(algorithm, signature), &Err(SignError::Invalid));
}

#[test]
fn ed25519_keys_of_other_sizes() {
    // CVE-2020-9283.
    for len in [0, 31, 33, 64] {
        let error = PublicKey::from_blob(&blob("ssh-ed25519", &vec![1; len]));
        assert_eq!(error, Err(KeyError::Invalid("ed25519 key is not 32 bytes")));
        let sk = [blob("sk-ssh-ed25519@openssh.com", &vec![1; len]), blob("ssh:", b"")].concat();
        assert_eq!(PublicKey::from_blob(&sk), Err(KeyError::Invalid("ed25519 key is not 32 bytes")));
    }
}

#[test]
fn ed25519_signatures_of_other_sizes() {
    let key = generate(KeyKind::Ed25519);
    let signature = sign(&key, "ssh-ed25519");
    refuse("ssh-ed25519", &key, b"");
    refuse("ssh-ed25519", &key, &signature[..63]);
    refuse("ssh-ed25519", &key, &[&signature[..], &[0]].concat());
}

#[test]
fn ed25519_signatures_with_any_bit_flipped() {
    let key = generate(KeyKind::Ed25519);
    let signature = sign(&key, "ssh-ed25519");
    for bit in 0..signature.len() * 8 {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refuse("ssh-ed25519", &key, &flipped);
    }
}

#[test]
fn an_ed25519_key_that_is_no_point() {
    // The y coordinate 2 is on no point.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    for provider in providers() {
        let blob = blob("ssh-ed25519", &[0; 64]);
        assert!(provider.verify("ssh-ed25519", &PublicKey::Ed25519(bytes), MESSAGE, &blob).is_err());
    }
}

#[test]
fn signature_blobs_with_bytes_behind() {
    for (kind, algorithm) in [
        (KeyKind::Ed25519, "ssh-ed25519"),
        (KeyKind::Ecdsa(Curve::P256), "ecdsa-sha2-nistp256"),
        (KeyKind::Rsa { bits: 2048 }, "rsa-sha2-512"),
    ] {
        let key = generate(kind);
        let good = blob(algorithm, &sign(&key, algorithm));
        verify(algorithm, &key.public_key(), &good, &Ok(()));
        verify(algorithm, &key.public_key(), &[&good[..], &[0]].concat(), &Err(SignError::Invalid));
        // As long as the tail of a security key.
        verify(algorithm, &key.public_key(), &[&good[..], &[0; 5]].concat(), &Err(SignError::Invalid));
        for cut in [1, good.len() / 2, good.len() - 3] {
            let cut = &good[..good.len() - cut];
            assert!(
                providers().iter().all(|all| all.verify(algorithm, &key.public_key(), MESSAGE, cut).is_err())
            );
        }
    }
}

#[test]
fn ecdsa_numbers_out_of_range() {
    for curve in Curve::ALL {
        let key = generate(KeyKind::Ecdsa(curve));
        let algorithm = curve.key_type();
        let good = sign(&key, algorithm);
        let (r, s) = numbers(&good);
        assert_eq!(encode(&[positive(&r), positive(&s)]), good);
        let magnitudes =
            [order(curve), vec![0xff; curve.field_len()], vec![1; curve.field_len() + 1], vec![]];
        let negative = Mpint::from_signed(&[0x80]);
        for bad in magnitudes.iter().map(|number| positive(number)).chain([negative]) {
            refuse(algorithm, &key, &encode(&[bad, positive(&s)]));
            refuse(algorithm, &key, &encode(&[positive(&r), bad]));
        }
        // −r.
        refuse(algorithm, &key, &encode(&[Mpint::from_signed(&negated(&r)), positive(&s)]));
        refuse(algorithm, &key, &encode(&[positive(&r)]));
        refuse(algorithm, &key, &encode(&[positive(&r), positive(&s), positive(&[1])]));
        refuse(algorithm, &key, &[&good[..], &[0]].concat());
        refuse(algorithm, &key, b"");
        refuse(algorithm, &key, &encode(&[positive(&s), positive(&r)]));
    }
}

fn positive(number: &[u8]) -> Mpint<'_> {
    Mpint::from_unsigned(number)
}

fn encode(numbers: &[Mpint<'_>]) -> Vec<u8> {
    let mut encoded = Vec::new();
    numbers.iter().for_each(|number| number.encode(&mut encoded));
    encoded
}

fn numbers(signature: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut reader = ssh_wire::Reader::new(signature);
    let mut number = || reader.read::<Mpint<'_>>().unwrap().unsigned().unwrap().to_vec();
    (number(), number())
}

fn negated(number: &[u8]) -> Vec<u8> {
    let mut negated: Vec<u8> = [&[0], number].concat().iter().map(|byte| !byte).collect();
    *negated.last_mut().unwrap() += u8::from(*negated.last().unwrap() < 0xff);
    negated
}

fn order(curve: Curve) -> Vec<u8> {
    use hex_literal::hex;
    match curve {
        Curve::P256 => hex!("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").to_vec(),
        Curve::P384 => hex!(
            "ffffffffffffffffffffffffffffffffffffffffffffffff"
            "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"
        )
        .to_vec(),
        Curve::P521 => hex!(
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        )
        .to_vec(),
    }
}

#[test]
fn ecdsa_keys_off_the_curve() {
    for curve in Curve::ALL {
        let key = generate(KeyKind::Ecdsa(curve));
        let signature = blob(curve.key_type(), &sign(&key, curve.key_type()));
        let PublicKey::Ecdsa { point, .. } = key.public_key() else { unreachable!() };
        let mut off = point.clone();
        *off.last_mut().unwrap() ^= 1;
        let zero = [&[4][..], &vec![0; 2 * curve.field_len()]].concat();
        let above = [&[4][..], &vec![0xff; 2 * curve.field_len()]].concat();
        for point in [off, zero, above] {
            let key = PublicKey::ecdsa(curve, &point).unwrap();
            for provider in providers() {
                assert!(provider.verify(curve.key_type(), &key, MESSAGE, &signature).is_err());
            }
        }
        let compressed = [&[2], &point[1..=curve.field_len()]].concat();
        let mut hybrid = point.clone();
        hybrid[0] = 6 | (point.last().unwrap() & 1);
        for form in
            [&[][..], &[0], &point[..point.len() - 1], &compressed, &hybrid, &[&point[..], &[0]].concat()]
        {
            assert!(PublicKey::ecdsa(curve, form).is_err());
            // And when it is put in by hand.
            let key = PublicKey::Ecdsa { curve, point: form.to_vec() };
            for provider in providers() {
                assert!(provider.verify(curve.key_type(), &key, MESSAGE, &signature).is_err());
            }
        }
    }
}

#[test]
fn an_ecdsa_key_of_another_curve_than_its_type() {
    let point = generate(KeyKind::Ecdsa(Curve::P256)).public_key();
    let mut blob = point.to_blob();
    let at = blob.windows(12).position(|name| name == b"\0\0\0\x08nistp256").unwrap();
    blob[at + 4..at + 12].copy_from_slice(b"nistp384");
    assert_eq!(
        PublicKey::from_blob(&blob),
        Err(KeyError::Invalid("ecdsa key names another curve than its type"))
    );
}

#[test]
fn sha1_where_rsa_sha2_was_agreed_on() {
    // CVE-2026-44405.
    let key = generate(KeyKind::Rsa { bits: 2048 });
    let sha1 = sign(&key, "ssh-rsa");
    verify("ssh-rsa", &key.public_key(), &blob("ssh-rsa", &sha1), &Ok(()));
    for agreed in ["rsa-sha2-256", "rsa-sha2-512"] {
        let error = SignError::Algorithm { expected: agreed.into(), found: "ssh-rsa".into() };
        verify(agreed, &key.public_key(), &blob("ssh-rsa", &sha1), &Err(error));
        // Under the right name it is still the wrong hash.
        refuse(agreed, &key, &sha1);
    }
}

#[test]
fn another_algorithm_than_agreed_on() {
    let key = generate(KeyKind::Rsa { bits: 2048 });
    let sha256 = sign(&key, "rsa-sha2-256");
    let error = SignError::Algorithm { expected: "rsa-sha2-512".into(), found: "rsa-sha2-256".into() };
    verify("rsa-sha2-512", &key.public_key(), &blob("rsa-sha2-256", &sha256), &Err(error));
    refuse("rsa-sha2-512", &key, &sha256);
    let unknown = SignError::Unknown("rsa-sha3-512".into());
    verify("rsa-sha3-512", &key.public_key(), &blob("rsa-sha3-512", &sha256), &Err(unknown));
}

#[test]
fn keys_of_another_type() {
    let keys = [
        generate(KeyKind::Ed25519),
        generate(KeyKind::Ecdsa(Curve::P256)),
        generate(KeyKind::Ecdsa(Curve::P384)),
        generate(KeyKind::Rsa { bits: 2048 }),
    ];
    for provider in providers() {
        for suite in provider.signatures.iter() {
            for key in keys.iter().filter(|key| key.public_key().key_type() != suite.key_type()) {
                let key_type = key.public_key().key_type().to_owned();
                let error = Err(SignError::KeyType { algorithm: suite.name().to_owned(), key_type });
                let signature = [blob(suite.name(), &[1; 64]), vec![0; suite.tail_len()]].concat();
                assert_eq!(provider.verify(suite.name(), &key.public_key(), MESSAGE, &signature), error);
                assert_eq!(suite.verify(&key.public_key(), MESSAGE, &[1; 64]), error);
                assert_eq!(suite.signing_key(key).map(|_| ()), error);
            }
        }
    }
}

#[test]
fn rsa_signatures_longer_than_the_modulus() {
    let key = generate(KeyKind::Rsa { bits: 2048 });
    let signature = sign(&key, "rsa-sha2-256");
    refuse("rsa-sha2-256", &key, &[&[0], &signature[..]].concat());
    refuse("rsa-sha2-256", &key, &[&signature[..], &[0]].concat());
    refuse("rsa-sha2-256", &key, &signature[1..]);
    refuse("rsa-sha2-256", &key, b"");
}

#[test]
fn rsa_signatures_above_the_modulus() {
    let key = generate(KeyKind::Rsa { bits: 2048 });
    refuse("rsa-sha2-256", &key, &[0xff; 256]);
    let PublicKey::Rsa { n, .. } = key.public_key() else { unreachable!() };
    refuse("rsa-sha2-256", &key, &n);
    refuse("rsa-sha2-256", &key, &[0; 256]);
}

#[test]
fn impossible_rsa_keys() {
    let number = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= 8 * bits.div_ceil(8) - bits;
        bytes
    };
    let even = |mut bytes: Vec<u8>| {
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    let good = PublicKey::rsa(positive(&[3]), positive(&number(1024)));
    assert!(good.is_ok() && PublicKey::rsa(positive(&number(33)), positive(&number(16384))).is_ok());
    for (e, n) in [
        (vec![3], vec![]),
        (vec![3], vec![1]),
        (vec![3], number(1023)),
        (vec![3], number(16385)),
        (vec![3], even(number(2048))),
        (vec![], number(2048)),
        (vec![1], number(2048)),
        (vec![2], number(2048)),
        (vec![1, 0, 0], number(2048)),
        (number(34), number(2048)),
        (number(2047), number(2048)),
    ] {
        assert!(PublicKey::rsa(positive(&e), positive(&n)).is_err());
        // And when they are put in by hand.
        let key = PublicKey::Rsa { e, n };
        for provider in providers() {
            let refused = provider.verify("rsa-sha2-256", &key, MESSAGE, &blob("rsa-sha2-256", &[1; 256]));
            assert!(matches!(refused, Err(SignError::Key(KeyError::Invalid(_)))));
        }
    }
    let negative = Mpint::from_signed(&[0x80]);
    assert!(PublicKey::rsa(negative, positive(&number(2048))).is_err());
    assert!(PublicKey::rsa(positive(&[3]), negative).is_err());
}

#[test]
fn dsa_signatures_of_other_sizes_and_out_of_range() {
    let key = crate::dsa::key();
    let good = sign(&key, "ssh-dss");
    verify("ssh-dss", &key.public_key(), &blob("ssh-dss", &good), &Ok(()));
    let (r, s) = good.split_at(20);
    let PublicKey::Dsa { q, .. } = key.public_key() else { unreachable!() };
    for bad in [&[0; 20][..], &q, &[0xff; 20]] {
        refuse("ssh-dss", &key, &[bad, s].concat());
        refuse("ssh-dss", &key, &[r, bad].concat());
    }
    refuse("ssh-dss", &key, &[s, r].concat());
    refuse("ssh-dss", &key, &good[..39]);
    refuse("ssh-dss", &key, &[&good[..], &[0]].concat());
    refuse("ssh-dss", &key, b"");
}

#[test]
fn impossible_dsa_keys() {
    let key = crate::dsa::key();
    let PublicKey::Dsa { p, q, g, y } = key.public_key() else { unreachable!() };
    assert_eq!(PublicKey::from_blob(&key.public_key().to_blob()), Ok(key.public_key()));
    let even = |number: &[u8]| [&number[..number.len() - 1], &[number[number.len() - 1] & 0xfe]].concat();
    for [p, q, g, y] in [
        [&p[1..], &q, &g, &y],
        [&[&p[..], &[1; 300]].concat(), &q, &g, &y],
        [&even(&p), &q, &g, &y],
        [&p, &q[1..], &g, &y],
        [&p, &[&q[..], &[1]].concat(), &g, &y],
        [&p, &even(&q), &g, &y],
        [&p, &q, &[], &y],
        [&p, &q, &[1], &y],
        [&p, &q, &p, &y],
        [&p, &q, &g, &[]],
        [&p, &q, &g, &[1]],
        [&p, &q, &g, &p],
    ] {
        assert!(PublicKey::dsa([p, q, g, y].map(positive)).is_err());
        let key = PublicKey::Dsa { p: p.into(), q: q.into(), g: g.into(), y: y.into() };
        for provider in providers() {
            let refused = provider.verify("ssh-dss", &key, MESSAGE, &blob("ssh-dss", &[1; 40]));
            assert!(matches!(refused, Err(SignError::Key(KeyError::Invalid(_)))), "{refused:?}");
        }
    }
    assert!(PublicKey::dsa([positive(&p), positive(&q), positive(&g), Mpint::from_signed(&[0x80])]).is_err());
    let provider = ssh_crypto::default_provider();
    for x in [Secret::default(), vec![0; 20].into(), vec![3].into(), vec![1; 200].into(), q.clone().into()] {
        let key = PrivateKey::Dsa { p: p.clone(), q: q.clone(), g: g.clone(), y: y.clone(), x };
        let error = KeyPair::with_legacy(&key, &provider).map(|_| ());
        assert!(matches!(error, Err(SignError::Key(KeyError::Invalid(_)))), "{error:?}");
    }
    // Without legacy algorithms there is none left.
    let error = KeyPair::new(&key, &provider).map(|_| ());
    assert_eq!(error, Err(SignError::Unknown("ssh-dss".into())));
}

/// Its powers are 0, and so would r be, whatever the nonce.
#[test]
fn a_dsa_generator_that_makes_no_group() {
    let PrivateKey::Dsa { q, .. } = crate::dsa::key() else { unreachable!() };
    // 2⁵¹² - 1, and its square.
    let root = vec![0xff; 64];
    let square = [&[0xff; 63][..], &[0xfe], &[0; 63], &[1]].concat();
    let key = PrivateKey::Dsa { p: square, q, g: root.clone(), y: root, x: vec![1].into() };
    let error = KeyPair::with_legacy(&key, &ssh_crypto::default_provider()).map(|_| ());
    assert!(matches!(error, Err(SignError::Key(KeyError::Invalid(_)))), "{error:?}");
}

#[test]
fn blobs_with_bytes_behind() {
    for kind in [KeyKind::Ed25519, KeyKind::Ecdsa(Curve::P521), KeyKind::Rsa { bits: 2048 }] {
        let key = generate(kind).public_key();
        let blob = key.to_blob();
        assert_eq!(PublicKey::from_blob(&blob), Ok(key));
        assert!(PublicKey::from_blob(&[&blob[..], &[0]].concat()).is_err());
        assert!((0..blob.len()).all(|len| PublicKey::from_blob(&blob[..len]).is_err()));
    }
    let unknown = blob("ssh-\x1bunknown", b"");
    assert_eq!(PublicKey::from_blob(&unknown), Err(KeyError::Unknown("ssh-\\x1bunknown".into())));
}

#[test]
fn private_keys_whose_halves_differ() {
    let inconsistent = |key: &PrivateKey| {
        for provider in providers() {
            let error = KeyPair::new(key, &provider).map(|_| ());
            assert!(matches!(error, Err(SignError::Key(KeyError::Invalid(_)))), "{error:?}");
        }
    };
    let (ours, theirs) = (generate(KeyKind::Ed25519), generate(KeyKind::Ed25519));
    let (PrivateKey::Ed25519 { seed, .. }, PrivateKey::Ed25519 { public, .. }) = (ours, theirs) else {
        unreachable!()
    };
    inconsistent(&PrivateKey::Ed25519 { seed: seed.clone(), public });
    inconsistent(&PrivateKey::Ed25519 { seed: Secret::from(&seed[..31]), public });

    for curve in Curve::ALL {
        let (ours, theirs) = (generate(KeyKind::Ecdsa(curve)), generate(KeyKind::Ecdsa(curve)));
        let (PrivateKey::Ecdsa { scalar, .. }, PrivateKey::Ecdsa { point, .. }) = (ours, theirs) else {
            unreachable!()
        };
        let order = Secret::from(order(curve));
        let zero = Secret::from(vec![0; curve.field_len()]);
        let longer = Secret::from([&[0], &scalar[..]].concat());
        for scalar in [scalar, order, zero, longer, Secret::default()] {
            inconsistent(&PrivateKey::Ecdsa { curve, scalar, point: point.clone() });
        }
    }

    // AWS-LC prepares the one size, RustCrypto the other.
    let small: PrivateKey = crate::rsa::small();
    for key in [generate(KeyKind::Rsa { bits: 2048 }), small] {
        let PrivateKey::Rsa { e, n, d, p, q, iqmp } = key else { unreachable!() };
        let with = |n: &[u8], [d, p, q, iqmp]: [&Secret; 4]| PrivateKey::Rsa {
            e: e.clone(),
            n: n.to_vec(),
            d: d.clone(),
            p: p.clone(),
            q: q.clone(),
            iqmp: iqmp.clone(),
        };
        let changed = |number: &[u8]| {
            let mut changed = number.to_vec();
            *changed.last_mut().unwrap() ^= 2;
            changed
        };
        let one = Secret::from(vec![1]);
        let good = with(&n, [&d, &p, &q, &iqmp]);
        assert!(providers().iter().all(|provider| KeyPair::new(&good, provider).is_ok()));
        inconsistent(&with(&changed(&n), [&d, &p, &q, &iqmp]));
        inconsistent(&with(&n, [&changed(&d).into(), &p, &q, &iqmp]));
        inconsistent(&with(&n, [&d, &changed(&p).into(), &q, &iqmp]));
        inconsistent(&with(&n, [&d, &p, &changed(&q).into(), &iqmp]));
        inconsistent(&with(&n, [&d, &p, &q, &changed(&iqmp).into()]));
        inconsistent(&with(&n, [&d, &p, &p, &iqmp]));
        inconsistent(&with(&n, [&d, &n.clone().into(), &one, &one]));
        inconsistent(&with(&n, [&d, &one, &n.clone().into(), &one]));
        let empty = Secret::default();
        inconsistent(&with(&n, [&empty, &empty, &empty, &empty]));
        inconsistent(&with(&n, [&[&[0xff], &n[..]].concat().into(), &p, &q, &iqmp]));
        // Exchanged primes have another coefficient.
        inconsistent(&with(&n, [&d, &q, &p, &iqmp]));
        assert!(PrivateKey::rsa(&e, &n, &d, &q, &p).is_ok());
    }
}

#[test]
fn legacy_algorithms_are_left_out() {
    let key = generate(KeyKind::Rsa { bits: 2048 });
    for provider in providers() {
        let pair = KeyPair::new(&key, &provider).unwrap();
        assert_eq!(pair.algorithms(), ["rsa-sha2-512", "rsa-sha2-256"]);
        assert_eq!(pair.sign("ssh-rsa", MESSAGE), Err(SignError::Unknown("ssh-rsa".into())));
        let pair = KeyPair::with_legacy(&key, &provider).unwrap();
        assert_eq!(pair.algorithms(), ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]);
        for suite in provider.signatures.iter() {
            assert_eq!(suite.is_legacy(), ["ssh-rsa", "ssh-dss"].contains(&suite.name()));
        }
    }
}
