//! The host key and its proof.

use crate::pair::*;
use ssh_crypto::{Curve, PublicKey, SignError, Signer};
use ssh_kex::{ErrorKind, Event};
use ssh_wire::{
    Encode, Message, Reader,
    message::transport::Disconnect,
    number::{self, disconnect},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// How a key's owner signs.
type Sign = fn(&dyn Signer, &str, &[u8]) -> Result<Vec<u8>, SignError>;

/// A signer that cheats.
struct Cheat {
    inner: Arc<dyn Signer>,
    public: Vec<u8>,
    sign: Sign,
}

impl Signer for Cheat {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn algorithms(&self) -> Vec<&str> {
        self.inner.algorithms()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (self.sign)(&*self.inner, algorithm, message)
    }
}

/// The kind of error and text that a client answers a host key with; `algorithm` alone is offered.
#[track_caller]
fn refused(inner: Arc<dyn Signer>, public: Option<Vec<u8>>, algorithm: &str, sign: Sign) -> String {
    let public = public.unwrap_or_else(|| inner.public_key().to_vec());
    let mut client = quick();
    client.algorithms.host_key = vec![algorithm.to_owned()];
    let mut pair = Pair::with_keys(client, quick(), vec![Arc::new(Cheat { inner, public, sign })]);
    pair.run();
    assert!(!pair.client.transport.is_established());
    assert!(!pair.client.events.iter().any(|event| matches!(event, Event::HostKey { .. })), "never asked");
    let error = pair.client.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    error.to_string()
}

#[test]
fn signatures_that_do_not_hold() {
    let other_message =
        refused(ed25519(), None, "ssh-ed25519", |key, algorithm, _| key.sign(algorithm, b"other"));
    assert_eq!(other_message, "the host does not prove that it owns its key: signature does not verify");
    let all: [(Arc<dyn Signer>, &str); 5] = [
        (ed25519(), "ssh-ed25519"),
        (ecdsa(Curve::P256), "ecdsa-sha2-nistp256"),
        (rsa(), "rsa-sha2-256"),
        (rsa(), "rsa-sha2-512"),
        (mldsa(), "ssh-mldsa44-ed25519"),
    ];
    for (key, algorithm) in all {
        refused(key.clone(), None, algorithm, |key, algorithm, message| {
            let mut signature = key.sign(algorithm, message)?;
            *signature.last_mut().unwrap() ^= 1;
            Ok(signature)
        });
        refused(key.clone(), None, algorithm, |key, algorithm, message| {
            let mut signature = key.sign(algorithm, message)?;
            signature.push(0);
            Ok(signature)
        });
        refused(key.clone(), None, algorithm, |key, algorithm, message| {
            let mut signature = key.sign(algorithm, message)?;
            signature.pop();
            Ok(signature)
        });
        refused(key, None, algorithm, |_, _, _| Ok(vec![]));
    }
}

#[test]
fn signatures_of_another_algorithm_than_negotiated() {
    let error = refused(rsa(), None, "rsa-sha2-512", |key, _, message| key.sign("rsa-sha2-256", message));
    assert!(error.contains("rsa-sha2-256") && error.contains("rsa-sha2-512"), "{error}");
    // The right name on the wrong signature.
    refused(rsa(), None, "rsa-sha2-512", |key, algorithm, message| {
        let other = key.sign("rsa-sha2-256", message)?;
        let mut reader = Reader::new(&other);
        reader.string().unwrap();
        let mut signature = Vec::new();
        algorithm.encode(&mut signature);
        reader.string().unwrap().encode(&mut signature);
        Ok(signature)
    });
}

#[test]
fn keys_of_another_type_than_negotiated() {
    let sign = |key: &dyn Signer, algorithm: &str, message: &[u8]| key.sign(algorithm, message);
    refused(ed25519(), Some(rsa().public_key().to_vec()), "ssh-ed25519", sign);
    refused(ecdsa(Curve::P256), Some(ecdsa(Curve::P384).public_key().to_vec()), "ecdsa-sha2-nistp256", sign);
    refused(rsa(), Some(ed25519().public_key().to_vec()), "rsa-sha2-256", sign);
    refused(ed25519(), Some(b"not a key".to_vec()), "ssh-ed25519", sign);
    let mut longer = ed25519().public_key().to_vec();
    longer.push(0);
    refused(ed25519(), Some(longer), "ssh-ed25519", sign);
}

#[test]
fn a_signer_that_fails_is_told_by_the_server() {
    let inner = ed25519();
    let public = inner.public_key().to_vec();
    let cheat = Cheat { inner, public, sign: |_, _, _| Err(SignError::Failed("token is gone".into())) };
    let mut pair = Pair::with_keys(quick(), quick(), vec![Arc::new(cheat)]);
    pair.run();
    let error = pair.server.error.unwrap();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Crypto, "host key: signing failed: token is gone")
    );
    assert_eq!(pair.client.events.last().map(|e| matches!(e, Event::Disconnected(_))), Some(true));
}

#[test]
fn nothing_goes_on_before_the_key_is_accepted() {
    let mut pair = Pair::new(quick(), quick());
    pair.client.accepts = false;
    pair.client.send(&message(b"secret"));
    pair.server.send(&message(b"early"));
    pair.run();
    assert!(matches!(pair.client.events.last(), Some(Event::HostKey { .. })));
    assert!(!pair.client.transport.is_established() && !pair.server.transport.is_established());
    assert!(pair.client.inbox.is_empty() && pair.server.inbox.is_empty());
    assert_eq!(pair.client.transport.session_id(), None);
    assert_eq!(pair.client.transport.host_key(), None);
    assert!(pair.client.receiver.awaits_keys());
    // Whoever decides may take their time.
    assert_eq!(pair.client.transport.poll_timeout(), None);

    pair.client.transport.accept_host_key(pair.client.now).unwrap();
    pair.client.drain();
    pair.client.receive(&[]);
    pair.run();
    pair.assert_established();
    assert_eq!(pair.server.inbox, [message(b"secret")]);
    assert_eq!(pair.client.inbox, [message(b"early")]);
    let again = pair.client.transport.accept_host_key(pair.client.now).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Usage);
}

#[test]
fn the_signature_over_the_session_id_is_kept_for_agents() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    pair.assert_established();
    let verify = |pair: &Pair| {
        for transport in [&pair.client.transport, &pair.server.transport] {
            let key = PublicKey::from_blob(transport.host_key().unwrap()).unwrap();
            let (id, signature) = (transport.session_id().unwrap(), transport.host_signature().unwrap());
            let algorithm = &transport.negotiated().unwrap().host_key;
            provider().verify(algorithm, &key, id, signature).unwrap();
        }
    };
    verify(&pair);
    // The signature of a later exchange is over another hash.
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.client.drain();
    pair.run();
    assert_eq!(pair.client.established().1, 1);
    verify(&pair);
}

#[test]
fn accepting_before_newkeys_has_come() {
    let mut pair = Pair::new(quick(), quick());
    pair.client.accepts = false;
    pair.run_through(|from_client, bytes| match from_client {
        true => bytes,
        // Everything but the server's NEWKEYS and what follows.
        false => {
            let (identification, packets, _) = cut_clear(&bytes);
            let kept = packets.into_iter().filter(|packet| packet[5] != number::NEWKEYS);
            [identification].into_iter().chain(kept).flatten().collect()
        }
    });
    pair.client.transport.accept_host_key(pair.client.now).unwrap();
    assert!(!pair.client.transport.is_established(), "the peer's NEWKEYS is missing");
    assert!(pair.client.transport.session_id().is_some());
    assert_eq!(pair.client.transport.poll_timeout(), Some(pair.client.now + quick().kex_timeout));
}

#[test]
fn rejecting_tells_the_server() {
    let mut pair = Pair::new(quick(), quick());
    pair.client.accepts = false;
    pair.run();
    let error = pair.client.transport.reject_host_key();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    let output = pair.client.output();
    let (_, packets, _) = cut_clear(&output);
    let disconnect = Disconnect::parse(clear_payload(&packets[0])).unwrap();
    assert_eq!(disconnect.reason, disconnect::HOST_KEY_NOT_VERIFIABLE);
    assert_eq!(pair.client.transport.accept_host_key(pair.client.now).unwrap_err(), error);
    pair.server.receive(&output);
    let Some(Event::Disconnected(disconnected)) = pair.server.events.last() else { panic!("not told") };
    assert_eq!(disconnected.reason, disconnect::HOST_KEY_NOT_VERIFIABLE);
}

#[test]
fn another_host_key_in_a_rekey_is_refused() {
    // The first exchange's key is the public half of one key, the rekey's of another: the server swaps behind it.
    struct Swap([Arc<dyn Signer>; 2], AtomicUsize);
    impl Signer for Swap {
        fn public_key(&self) -> &[u8] {
            self.0[self.1.load(Ordering::SeqCst)].public_key()
        }
        fn algorithms(&self) -> Vec<&str> {
            self.0[0].algorithms()
        }
        fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
            self.0[self.1.load(Ordering::SeqCst)].sign(algorithm, message)
        }
    }
    let swap = Arc::new(Swap([ecdsa(Curve::P256), ecdsa(Curve::P256)], AtomicUsize::new(0)));
    let mut pair = Pair::with_keys(quick(), quick(), vec![swap.clone()]);
    pair.run();
    pair.assert_established();
    swap.1.store(1, Ordering::SeqCst);
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.run();
    // Our own server notices it itself: it has no key that is the one of before.
    assert_eq!(pair.server.error.as_ref().unwrap().kind(), ErrorKind::Usage);
    assert!(!pair.client.transport.is_rekeying());

    // A server that does not: the engine's messages are replaced by those of a second session's server.
    let mut pair = Pair::with_keys(quick(), quick(), vec![ed25519()]);
    pair.run();
    let now = pair.client.now;
    pair.client.transport.rekey(now).unwrap();
    let outcome = crate::states::rekey_with_other_key(&mut pair.client, now);
    assert_eq!(outcome.unwrap_err().to_string(), "the host key changed during the session");
}
