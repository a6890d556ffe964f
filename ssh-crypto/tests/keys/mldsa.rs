//! ML-DSA-44 with Ed25519. The key and the signature in `data` are of OpenSSH 10.6.

use crate::{providers, security_key::sshsig};
use ssh_crypto::{
    Hash, KeyError, KeyKind, KeyPair, PrivateKey, PublicKey, SignError, Signer, random::SystemRandom,
};

const NAME: &str = "ssh-mldsa44-ed25519";

#[test]
fn a_signature_of_openssh_verifies() {
    let public = include_str!("data/mldsa44_ed25519.pub");
    let (key, comment) = PublicKey::from_line(public).unwrap();
    assert_eq!((key.key_type(), key.label(), key.bits()), (NAME, "MLDSA44-ED25519", 512));
    assert_eq!(key.to_line(&comment) + "\n", public);
    // As `ssh-keygen -l` shows it.
    let fingerprint = key.fingerprint(Hash::Sha256).to_string();
    assert_eq!(fingerprint, "SHA256:stch+FfnCjoORxAwKJbhT3SgDRR6+kneRHs0V83O2vo");
    let (message, signature) = sshsig(&key, include_str!("data/mldsa44_ed25519.sig"));
    for provider in providers() {
        let verify = |message: &[u8], signature: &[u8]| provider.verify(NAME, &key, message, signature);
        verify(&message, &signature).unwrap();
        assert_eq!(verify(b"another", &signature), Err(SignError::Invalid));
        // Each half alone is not enough.
        let ed25519 = signature.len() - 64;
        for at in [ed25519 - 2420, ed25519 - 1000, ed25519 - 1, ed25519, signature.len() - 1] {
            let mut flipped = signature.clone();
            flipped[at] ^= 1;
            assert_eq!(verify(&message, &flipped), Err(SignError::Invalid), "{at}");
        }
        let suite = provider.signature(NAME).unwrap();
        let bare = &signature[ed25519 - 2420..];
        suite.verify(&key, &message, bare).unwrap();
        for bad in [
            &bare[..0],
            &bare[..64],
            &bare[..2420],
            &bare[1..],
            &bare[..bare.len() - 1],
            &[bare, &[0]].concat(),
        ] {
            assert_eq!(suite.verify(&key, &message, bad), Err(SignError::Invalid), "{} bytes", bad.len());
        }
    }
}

#[test]
fn a_new_key_signs() {
    let private = PrivateKey::generate(KeyKind::MlDsa44Ed25519, &SystemRandom).unwrap();
    let other = PrivateKey::generate(KeyKind::MlDsa44Ed25519, &SystemRandom).unwrap();
    assert_ne!(private, other);
    for signing in providers() {
        let pair = KeyPair::new(&private, &signing).unwrap();
        assert_eq!(pair.algorithms(), [NAME]);
        let signature = pair.sign(NAME, b"message").unwrap();
        for verifying in providers() {
            verifying.verify(NAME, pair.public(), b"message", &signature).unwrap();
            let result = verifying.verify(NAME, &other.public_key(), b"message", &signature);
            assert_eq!(result, Err(SignError::Invalid));
        }
    }
}

#[test]
fn a_private_key_that_is_none() {
    let key = PrivateKey::mldsa44_ed25519(&[7; 64]);
    let PrivateKey::MlDsa44Ed25519 { seeds, public } = key else { unreachable!() };
    let short = PrivateKey::MlDsa44Ed25519 { seeds: seeds[1..].into(), public: public.clone() };
    let mut foreign = public;
    foreign[0] ^= 1;
    let foreign = PrivateKey::MlDsa44Ed25519 { seeds, public: foreign };
    for provider in providers() {
        for bad in [&short, &foreign] {
            let error = KeyPair::new(bad, &provider).unwrap_err();
            assert!(matches!(error, SignError::Key(KeyError::Invalid(_))), "{error}");
        }
        let ed25519 = PrivateKey::ed25519(&[7; 32]);
        let suite = provider.signature(NAME).unwrap();
        assert!(matches!(suite.signing_key(&ed25519).err(), Some(SignError::KeyType { .. })));
        let result = suite.verify(&ed25519.public_key(), b"", b"");
        assert!(matches!(result, Err(SignError::KeyType { .. })));
    }
    let blob = PublicKey::MlDsa44Ed25519(Box::new([1; 1344])).to_blob();
    assert!(PublicKey::from_blob(&blob).is_ok());
    let mut longer = blob.clone();
    longer[4 + NAME.len() + 3] += 1;
    longer.push(0);
    assert!(matches!(PublicKey::from_blob(&longer), Err(KeyError::Invalid(_))));
}
