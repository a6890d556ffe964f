//! Methods alone, against public values that a good peer never sends.

use ssh_crypto::{KexAlgorithm, KexError, KexMethod, Proof, Step, random::SystemRandom};
use ssh_kex::method::{ALL, ecdh, group, hybrid};
use ssh_wire::{
    Message, Mpint,
    message::kex::{DhInit, DhReply, EcdhInit, EcdhReply},
};

fn start(method: &'static dyn KexAlgorithm) -> (Box<dyn KexMethod>, Vec<u8>) {
    method.client(&SystemRandom).unwrap()
}

fn reply_ecdh(method: &'static dyn KexAlgorithm, q_s: &[u8]) -> Result<Step, KexError> {
    start(method).0.handle(&EcdhReply { host_key: b"", q_s, signature: b"" }.to_payload())
}

fn init_ecdh(method: &'static dyn KexAlgorithm, q_c: &[u8]) -> Result<Step, KexError> {
    method.server(&SystemRandom).unwrap().handle(&EcdhInit { q_c }.to_payload())
}

#[track_caller]
fn refused(result: Result<Step, KexError>) {
    assert_eq!(result.unwrap_err(), KexError::PublicValue);
}

#[test]
fn curve25519_of_low_order() {
    // RFC 7748 §6.1: these lead to an all-zero secret.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    for point in [[0; 32].as_slice(), &one, &minus_one, &[9; 31], &[9; 33], &[]] {
        refused(reply_ecdh(&ecdh::CURVE25519_SHA256, point));
        refused(init_ecdh(&ecdh::CURVE25519_SHA256, point));
    }
}

#[test]
fn points_off_the_curve() {
    for (method, len) in
        [(&ecdh::ECDH_SHA2_NISTP256, 32), (&ecdh::ECDH_SHA2_NISTP384, 48), (&ecdh::ECDH_SHA2_NISTP521, 66)]
    {
        let (_, init) = start(method);
        let on_curve = EcdhInit::parse(&init).unwrap().q_c;
        assert_eq!(on_curve.len(), 1 + 2 * len);
        let mut off_curve = on_curve.to_vec();
        off_curve[2 * len] ^= 1;
        let zero = [vec![4], vec![0; 2 * len]].concat();
        // The point at infinity is one zero byte.
        let bad: [&[u8]; 5] = [&off_curve, &zero, &[0], &[], &on_curve[..2 * len]];
        for point in bad {
            refused(reply_ecdh(method, point));
            refused(init_ecdh(method, point));
        }
        init_ecdh(method, on_curve).unwrap();
    }
}

#[test]
fn hybrid_strings_of_wrong_size_or_content() {
    let method = &hybrid::MLKEM768X25519_SHA256;
    let (_, init) = start(method);
    let good = EcdhInit::parse(&init).unwrap().q_c;
    assert_eq!(good.len(), 1184 + 32);
    init_ecdh(method, good).unwrap();
    refused(init_ecdh(method, &good[1..]));
    refused(init_ecdh(method, &[good, &[0]].concat()));
    // A trivial X25519 half.
    refused(init_ecdh(method, &[&good[..1184], &[0; 32]].concat()));
    refused(reply_ecdh(method, &[0; 1088 + 32]));
    refused(reply_ecdh(method, &[1; 1088 + 31]));
    // FIPS 203 §7.2: coefficients that are not reduced.
    refused(init_ecdh(method, &[&[0xff; 1184], &good[1184..]].concat()));
}

#[test]
fn values_outside_the_group() {
    let method = &group::GROUP14_SHA256;
    let (_, init) = start(method);
    let e = DhInit::parse(&init).unwrap().e.unsigned().unwrap().to_vec();
    assert!((248..=256).contains(&e.len()));
    // p of group 14 begins and ends with ones; p - 1 and p + 1 differ in the last byte alone.
    let p = prime();
    let mut minus_one = p.clone();
    minus_one[255] -= 1;
    let above = [&[1], p.as_slice()].concat();
    for value in [&[][..], &[1], &minus_one, &p, &above] {
        let value = Mpint::from_unsigned(value);
        let reply = DhReply { host_key: b"", f: value, signature: b"" }.to_payload();
        refused(start(method).0.handle(&reply));
        refused(method.server(&SystemRandom).unwrap().handle(&DhInit { e: value }.to_payload()));
    }
    let negative = DhInit { e: Mpint::from_signed(&[0x80]) }.to_payload();
    refused(method.server(&SystemRandom).unwrap().handle(&negative));
}

#[test]
fn values_that_are_reflected() {
    for method in ALL {
        let (mut client, init) = start(method);
        let reply = if let Ok(EcdhInit { q_c }) = EcdhInit::parse(&init)
            && !method.name().starts_with("diffie")
        {
            EcdhReply { host_key: b"", q_s: q_c, signature: b"" }.to_payload()
        } else if method.name().contains("-group-exchange-") || method.name().contains("group17") {
            continue;
        } else {
            let DhInit { e } = DhInit::parse(&init).unwrap();
            DhReply { host_key: b"", f: e, signature: b"" }.to_payload()
        };
        refused(client.handle(&reply));
    }
}

#[test]
fn messages_of_others_and_messages_twice() {
    for method in ALL {
        for payload in [&[][..], &[29], &[31], &[33], &[49], &[30, 0, 0, 0, 9, 1]] {
            assert!(method.server(&SystemRandom).unwrap().handle(payload).is_err(), "{}", method.name());
        }
    }
    let method = &ecdh::CURVE25519_SHA256;
    let (mut client, init) = start(method);
    let mut server = method.server(&SystemRandom).unwrap();
    let Step::Agreed(agreed) = server.handle(&init).unwrap() else { panic!("not agreed") };
    let Proof::ToSend { number, public } = &agreed.proof else { panic!("{:?}", agreed.proof) };
    let reply = EcdhReply { host_key: b"key", q_s: &public[4..], signature: b"signature" }.to_payload();
    assert_eq!(*number, reply[0]);
    let Step::Agreed(mine) = client.handle(&reply).unwrap() else { panic!("not agreed") };
    assert_eq!((mine.exchange, mine.secret), (agreed.exchange, agreed.secret));
    assert!(matches!(client.handle(&reply), Err(KexError::Unexpected(31))));
}

/// RFC 3526 §3, from the group that a server hands out.
fn prime() -> Vec<u8> {
    use ssh_wire::message::kex::{GexGroup, GexRequest};
    let mut server = ssh_kex::method::exchange::GROUP_EXCHANGE_SHA256.server(&SystemRandom).unwrap();
    let request = GexRequest { min: 2048, preferred: 2048, max: 2048 };
    let Step::Send(group) = server.handle(&request.to_payload()).unwrap() else { panic!("no group") };
    GexGroup::parse(&group).unwrap().p.unsigned().unwrap().to_vec()
}
