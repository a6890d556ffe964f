//! Signatures of security keys. The vectors are of OpenSSH's `regress/unittests/sshsig/testdata`.

use crate::providers;
use base64ct::{Base64, Encoding};
use ssh_crypto::sign::Presence;
use ssh_crypto::{Hash, PublicKey, SignError};
use ssh_wire::{Encode, Reader};

#[test]
fn signatures_of_real_keys_verify() {
    for (public, signature) in [
        (include_str!("data/ed25519_sk.pub"), include_str!("data/ed25519_sk.sig")),
        (include_str!("data/ecdsa_sk.pub"), include_str!("data/ecdsa_sk.sig")),
    ] {
        let (key, comment) = PublicKey::from_line(public).unwrap();
        assert_eq!(key.to_line(&comment) + "\n", public);
        assert_eq!(comment, format!("{} test key", key.label()));
        let (message, signature) = sshsig(&key, signature);
        let expected = Presence { user_present: true, user_verified: false, counter: 0x1234_5678 };
        assert_eq!(Presence::of(&signature), Some(expected));
        for provider in providers() {
            let verify =
                |message: &[u8], signature: &[u8]| provider.verify(key.key_type(), &key, message, signature);
            verify(&message, &signature).unwrap();
            assert_eq!(verify(b"another", &signature), Err(SignError::Invalid));
            // Flags and counter are signed as well, and there in full.
            for at in 1..=5 {
                let mut flipped = signature.clone();
                let at = flipped.len() - at;
                flipped[at] ^= 2;
                assert_eq!(verify(&message, &flipped), Err(SignError::Invalid));
                assert_eq!(verify(&message, &signature[..at]), Err(SignError::Invalid));
            }
            assert_eq!(verify(&message, &[&signature[..], &[0]].concat()), Err(SignError::Invalid));
            let suite = provider.signature(key.key_type()).unwrap();
            assert_eq!(suite.verify(&key, &message, b"four"), Err(SignError::Invalid));
        }
    }
}

#[test]
fn another_application_is_another_key() {
    let (key, _) = PublicKey::from_line(include_str!("data/ed25519_sk.pub")).unwrap();
    let (message, signature) = sshsig(&key, include_str!("data/ed25519_sk.sig"));
    let PublicKey::SkEd25519 { key, .. } = key else { unreachable!() };
    let other = PublicKey::SkEd25519 { key, application: b"ssh:other".to_vec() };
    for provider in providers() {
        assert_eq!(provider.verify(other.key_type(), &other, &message, &signature), Err(SignError::Invalid));
        // The bare key under it does not verify either.
        let bare = provider.verify("ssh-ed25519", &PublicKey::Ed25519(key), &message, &signature);
        assert!(matches!(bare, Err(SignError::Algorithm { .. })));
    }
}

#[test]
fn other_signatures_tell_no_presence() {
    let mut blob = Vec::new();
    "ssh-ed25519".encode(&mut blob);
    [0; 64].as_slice().encode(&mut blob);
    blob.extend([1, 0, 0, 0, 1]);
    assert_eq!(Presence::of(&blob), None);
    assert_eq!(Presence::of(b""), None);
}

/// What a file of OpenSSH's PROTOCOL.sshsig signs, and the signature in it; the message is the vectors' own.
pub(crate) fn sshsig(key: &PublicKey, armored: &str) -> (Vec<u8>, Vec<u8>) {
    let base64: String = armored.lines().filter(|line| !line.starts_with('-')).collect();
    let file = Base64::decode_vec(&base64).unwrap();
    let mut reader = Reader::new(&file);
    assert_eq!(reader.take(6).unwrap(), b"SSHSIG");
    assert_eq!(reader.read::<u32>().unwrap(), 1);
    assert_eq!(reader.string().unwrap(), key.to_blob());
    let fields = [reader.string().unwrap(), reader.string().unwrap(), reader.string().unwrap()];
    assert_eq!(fields, [b"unittest".as_slice(), b"", b"sha512"]);
    let signature = reader.string().unwrap().to_vec();
    let mut signed = b"SSHSIG".to_vec();
    fields.iter().for_each(|field| field.encode(&mut signed));
    Hash::Sha512.digest(&[b"This is a test, this is only a test"]).encode(&mut signed);
    (signed, signature)
}
