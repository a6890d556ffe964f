//! Each back end against the other.

use crate::{agreements, kems, providers};
use ssh_crypto::key::KeyKind;
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{Curve, KeyPair, PrivateKey, Signer};

fn keys() -> Vec<PrivateKey> {
    [
        KeyKind::Ed25519,
        KeyKind::Ecdsa(Curve::P256),
        KeyKind::Ecdsa(Curve::P384),
        KeyKind::Ecdsa(Curve::P521),
        KeyKind::Rsa { bits: 2048 },
    ]
    .map(|kind| PrivateKey::generate(kind, &SystemRandom).unwrap())
    .into()
}

#[test]
fn each_back_end_verifies_what_the_others_sign() {
    for key in keys() {
        let mut names = 0;
        for signing in providers() {
            let pair = KeyPair::new(&key, &signing).unwrap();
            for name in pair.algorithms() {
                let signature = pair.sign(name, b"message").unwrap();
                for verifying in providers() {
                    verifying.verify(name, &key.public_key(), b"message", &signature).unwrap();
                    assert!(verifying.verify(name, &key.public_key(), b"massage", &signature).is_err());
                    names += 1;
                }
            }
        }
        let algorithms = if key.public_key().key_type() == "ssh-rsa" { 2 } else { 1 };
        assert_eq!(names, algorithms * providers().len().pow(2));
    }
}

#[test]
fn the_best_signature_algorithm_comes_first() {
    for provider in providers() {
        let names: Vec<_> = provider.signatures.iter().map(|suite| suite.name()).collect();
        let expected = [
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ];
        assert_eq!(names[..6], expected);
    }
}

#[test]
fn each_back_end_agrees_with_the_others() {
    for ours in agreements() {
        for theirs in agreements() {
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                let [us, them] = [ours, theirs].map(|suite| suite.generate(&SystemRandom).unwrap());
                let [our_public, their_public] = [&us, &them].map(|side| side.public().to_vec());
                assert_eq!(our_public.len(), ours.public_len());
                let secret = us.agree(&their_public).unwrap();
                assert_eq!(secret, them.agree(&our_public).unwrap());
                assert_eq!(
                    secret.len(),
                    match ours.public_len() {
                        32 => 32,
                        point => (point - 1) / 2,
                    }
                );
            }
        }
    }
}

#[test]
fn each_back_end_encapsulates_for_the_others() {
    for ours in kems() {
        for theirs in kems() {
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                let pair = ours.generate(&SystemRandom).unwrap();
                assert_eq!(pair.public().len(), ours.public_len());
                let (ciphertext, secret) = theirs.encapsulate(pair.public(), &SystemRandom).unwrap();
                assert_eq!(ciphertext.len(), ours.ciphertext_len());
                assert_eq!(secret, pair.decapsulate(&ciphertext).unwrap());
                assert_eq!(secret.len(), 32);
            }
        }
    }
}
