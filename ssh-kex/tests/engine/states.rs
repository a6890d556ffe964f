//! Messages that the current state does not allow, in every state, as the engine sees them.

use crate::pair::*;
use bytes::Bytes;
use ssh_crypto::{KexAlgorithm, Proof, Step, random::SystemRandom};
use ssh_kex::{Error, ErrorKind, Event, Received, Role};
use ssh_wire::{
    Encode, Inbound, Message,
    message::{
        kex::EcdhReply,
        transport::{Debug, Disconnect, Ignore, KexInit, NewKeys, Unimplemented},
    },
    number as n,
};
use std::time::Instant;

fn packet(payload: impl Into<Bytes>) -> Received {
    Received::Packet(Inbound { seq: 7, payload: payload.into() })
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Outcome {
    /// It went up.
    Upper,
    /// The session goes on, and nothing came of it but perhaps an event.
    Quiet,
    /// The session goes on, and the peer was or will be told that it is unknown.
    Unknown,
    Error(ErrorKind),
}

/// Hands `payload` to an engine.
fn outcome(side: &mut Side, payload: &[u8]) -> Outcome {
    let before = side.transport.output().len();
    match side.transport.handle(packet(payload.to_vec()), side.now) {
        Ok(Some(up)) => {
            assert_eq!(up, payload);
            Outcome::Upper
        }
        Ok(None) if side.transport.output().len() > before => Outcome::Unknown,
        Ok(None) => Outcome::Quiet,
        Err(error) => {
            assert!(side.transport.is_closed());
            Outcome::Error(error.kind())
        }
    }
}

/// A message of that number, valid if the transport layer knows it.
fn sample(number: u8) -> Vec<u8> {
    match number {
        n::DISCONNECT => Disconnect { reason: 11, description: b"bye", language: b"" }.to_payload(),
        n::IGNORE => Ignore { data: b"x" }.to_payload(),
        n::UNIMPLEMENTED => Unimplemented { seq: 3 }.to_payload(),
        n::DEBUG => Debug { always_display: false, message: b"x", language: b"" }.to_payload(),
        n::EXT_INFO => vec![n::EXT_INFO, 0, 0, 0, 0],
        n::PING => [vec![n::PING], 1u32.to_be_bytes().to_vec(), vec![9]].concat(),
        n::NEWKEYS => NewKeys {}.to_payload(),
        other => vec![other, 0, 0, 0, 0],
    }
}

fn pair(strict: bool) -> Pair {
    let (mut client, mut server) = (quick(), quick());
    (client.strict_kex, server.strict_kex) = (strict, strict);
    Pair::new(client, server)
}

/// The states, by how to come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing of the peer has come but its identification string.
    Start,
    /// The KEXINITs are exchanged.
    FirstKex,
    /// All is well.
    Open,
    /// All is well, and we have sent KEXINIT.
    Proposed,
    /// In a rekey, behind both KEXINITs.
    Rekey,
}

fn reach(at: At, role: Role, strict: bool) -> Side {
    let mut pair = pair(strict);
    let kexinit_only = |stream: &[u8]| {
        let (identification, packets, _) = cut_clear(stream);
        (identification, packets.into_iter().next().unwrap_or_default())
    };
    match at {
        At::Start | At::FirstKex => {
            let (c2s, s2c) = (pair.client.output(), pair.server.output());
            let (side, stream) = match role {
                Role::Client => (&mut pair.client, s2c),
                Role::Server => (&mut pair.server, c2s),
            };
            let (identification, kexinit) = kexinit_only(&stream);
            side.receive(&identification);
            if at == At::FirstKex {
                side.receive(&kexinit);
            }
        }
        At::Open | At::Proposed | At::Rekey => {
            pair.run();
            pair.assert_established();
            let (us, them) = match role {
                Role::Client => (&mut pair.client, &mut pair.server),
                Role::Server => (&mut pair.server, &mut pair.client),
            };
            match at {
                At::Proposed => us.transport.rekey(us.now).unwrap(),
                At::Rekey => {
                    them.transport.rekey(them.now).unwrap();
                    us.receive(&them.output());
                    assert!(us.transport.is_rekeying());
                }
                _ => {}
            }
        }
    }
    let mut side = match role {
        Role::Client => pair.client,
        Role::Server => pair.server,
    };
    assert_eq!(side.error, None);
    side.output();
    side
}

/// RFC 4253 §7.1 and OpenSSH PROTOCOL §1.10, as what each number must lead to.
fn expected(at: At, role: Role, strict: bool, number: u8) -> Outcome {
    use ErrorKind::{Integrity, Protocol};
    use Outcome::{Error, Quiet, Unknown, Upper};
    let open = matches!(at, At::Open | At::Proposed);
    match (number, at) {
        (n::DISCONNECT, _) => Quiet,
        (n::IGNORE..=n::DEBUG, At::FirstKex) if strict => Error(Integrity),
        (n::IGNORE..=n::DEBUG, _) => Quiet,
        // What the samples hold is no KEXINIT and no message of the method.
        (n::KEXINIT | n::NEWKEYS | n::KEX_FIRST..=n::KEX_LAST, At::FirstKex)
            if strict && number == n::KEXINIT =>
        {
            Error(Integrity)
        }
        (n::KEXINIT | n::NEWKEYS | n::KEX_FIRST..=n::KEX_LAST, _) => Error(Protocol),
        (8..=19 | 22..=29, At::FirstKex) if !strict => {
            if at == At::FirstKex {
                Quiet
            } else {
                Unknown
            }
        }
        (8..=19 | 22..=29, At::Rekey) => Quiet,
        (_, At::FirstKex) if strict => Error(Integrity),
        (n::SERVICE_REQUEST, _) if open && role == Role::Server => Upper,
        (n::SERVICE_ACCEPT, _) if open && role == Role::Client => Upper,
        (n::SERVICE_REQUEST | n::SERVICE_ACCEPT, _) => Error(Protocol),
        (n::EXT_INFO, _) if open => Quiet,
        (50..=127, _) if open => Upper,
        // The answer waits until it may be sent.
        (_, At::Proposed) => Quiet,
        (_, At::Open) => Unknown,
        _ => Error(Protocol),
    }
}

#[test]
fn every_message_in_every_state() {
    for strict in [true, false] {
        for role in [Role::Client, Role::Server] {
            for at in [At::Start, At::FirstKex, At::Open, At::Proposed, At::Rekey] {
                for number in 0..=u8::MAX {
                    let mut side = reach(at, role, strict);
                    let found = outcome(&mut side, &sample(number));
                    let expected = expected(at, role, strict, number);
                    assert_eq!(found, expected, "{number} at {at:?}, {role:?}, strict: {strict}");
                }
            }
        }
    }
}

#[test]
fn newkeys_too_early_or_twice() {
    for role in [Role::Client, Role::Server] {
        let mut side = reach(At::FirstKex, role, true);
        assert_eq!(outcome(&mut side, &[n::NEWKEYS]), Outcome::Error(ErrorKind::Protocol));
    }
    // A client that waits for the decision on the host key.
    let mut pair = pair(true);
    pair.client.accepts = false;
    pair.run();
    assert!(pair.client.receiver.awaits_keys());
    let error = pair.client.transport.handle(packet(vec![n::NEWKEYS]), pair.client.now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(pair.client.transport.accept_host_key(pair.client.now).is_err());
}

#[test]
fn upper_messages_while_the_host_key_is_undecided() {
    for number in [n::SERVICE_ACCEPT, n::USERAUTH_SUCCESS, n::CHANNEL_DATA, n::EXT_INFO] {
        let mut pair = pair(false);
        pair.client.accepts = false;
        pair.run();
        let error = pair.client.transport.handle(packet(sample(number)), pair.client.now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{number}");
    }
}

#[test]
fn a_second_kexinit_within_a_key_exchange() {
    for at in [At::FirstKex, At::Rekey] {
        let mut side = reach(at, Role::Server, false);
        let kexinit = Pair::new(quick(), quick()).client.output();
        let (_, packets, _) = cut_clear(&kexinit);
        let kexinit = clear_payload(&packets[0]).to_vec();
        assert_eq!(outcome(&mut side, &kexinit), Outcome::Error(ErrorKind::Protocol));
    }
}

#[test]
fn after_an_error_every_call_answers_it() {
    let mut side = reach(At::Open, Role::Client, true);
    let now = side.now;
    let error = side.transport.handle(packet(vec![n::NEWKEYS]), now).unwrap_err();
    assert_eq!(side.transport.handle(packet(message(b"x")), now).unwrap_err(), error);
    assert_eq!(side.transport.handle_timeout(now).unwrap_err(), error);
    assert_eq!(side.transport.rekey(now).unwrap_err(), error);
    assert_eq!(side.transport.accept_host_key(now).unwrap_err(), error);
    assert_eq!(side.transport.poll_timeout(), None);
    side.send(&message(b"x"));
    assert_eq!(side.outbox.len(), 1);
    // One DISCONNECT was queued, and nothing else ever is.
    let length = side.output().len();
    assert!(length > 0);
    side.transport.disconnect(11, "again");
    assert!(side.output().is_empty());
}

#[test]
fn disconnecting() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    pair.client.transport.disconnect(n::disconnect::BY_APPLICATION, "done\x1b[31m");
    pair.run();
    let Some(Event::Disconnected(last)) = pair.server.events.last() else { panic!("not told") };
    assert_eq!((last.reason, last.description.as_str()), (11, "done[31m"));
    let error = pair.server.transport.rekey(pair.server.now).unwrap_err();
    assert_eq!((error.kind(), error.disconnected()), (ErrorKind::Disconnected, Some(last)));
    assert_eq!(error.to_string(), "peer disconnected: done[31m (reason 11)");
    let error = pair.client.transport.rekey(pair.client.now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

#[test]
fn packets_before_the_identification_string_are_the_callers_mistake() {
    let (mut transport, _) = ssh_kex::Transport::client(quick(), Instant::now()).unwrap();
    let kexinit = Pair::new(quick(), quick()).server.output();
    let (_, packets, _) = cut_clear(&kexinit);
    let payload = Bytes::copy_from_slice(clear_payload(&packets[0]));
    let received = Received::Packet(Inbound { seq: 0, payload });
    assert_eq!(transport.handle(received, Instant::now()).unwrap_err().kind(), ErrorKind::Usage);
}

/// Plays a server's rekey towards `client`, whose KEXINIT is out, with a host key of its own.
pub(crate) fn rekey_with_other_key(client: &mut Side, now: Instant) -> Result<Option<Bytes>, Error> {
    let kexinit = KexInit {
        cookie: [0; 16],
        kex: "curve25519-sha256".into(),
        host_key: "ecdsa-sha2-nistp256,ssh-ed25519".into(),
        cipher_c2s: "aes128-gcm@openssh.com".into(),
        cipher_s2c: "aes128-gcm@openssh.com".into(),
        mac_c2s: "".into(),
        mac_s2c: "".into(),
        compression_c2s: "none".into(),
        compression_s2c: "none".into(),
        language_c2s: "".into(),
        language_s2c: "".into(),
        first_kex_packet_follows: false,
        reserved: 0,
    };
    assert_eq!(client.transport.handle(packet(kexinit.to_payload()), now)?, None);
    let method = &ssh_kex::method::ecdh::CURVE25519_SHA256;
    // Any public value of a client will do: the host key is looked at before the signature.
    let (_, init) = method.client(&SystemRandom).unwrap();
    let Ok(Step::Agreed(agreed)) = method.server(&SystemRandom).unwrap().handle(&init) else {
        panic!("not agreed")
    };
    let Proof::ToSend { public, .. } = agreed.proof else { panic!("not a server's") };
    let host_key = ecdsa(ssh_crypto::Curve::P256);
    let mut signature = Vec::new();
    "ecdsa-sha2-nistp256".encode(&mut signature);
    let reply = EcdhReply { host_key: host_key.public_key(), q_s: &public[4..], signature: &signature };
    client.transport.handle(packet(reply.to_payload()), now)
}
