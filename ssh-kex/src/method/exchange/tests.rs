use super::*;
use hex_literal::hex;
use ssh_crypto::random::SystemRandom;
use ssh_wire::Rest;

fn request(method: &GroupExchange) -> Box<dyn KexMethod> {
    let (client, message) = method.client(&SystemRandom).unwrap();
    assert_eq!(GexRequest::parse(&message).unwrap(), method.sizes);
    client
}

/// What a client makes of a group, here of `p` and `g` as big-endian numbers.
fn offer(p: &[u8], g: &[u8]) -> Result<Step, KexError> {
    let group = GexGroup { p: Mpint::from_unsigned(p), g: Mpint::from_unsigned(g) };
    request(&GROUP_EXCHANGE_SHA256).handle(&group.to_payload())
}

fn number(prime: modp::Prime) -> BigUint {
    BigUint::parse_bytes(prime.hex.as_bytes(), 16).unwrap()
}

fn group_error(result: Result<Step, KexError>) -> &'static str {
    match result {
        Err(KexError::Group(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// A safe prime of 2048 bits that is in no standard, from `openssl dhparam 2048`.
const OTHER: [u8; 256] = hex!(
    "
    caa47873 98a0d197 558e3ea9 4db0d1b5 8dbcad06 a5536c19 01aa7ba0 ca9c265c 1e7b90b6 254d9dae 7873795d 8cb25e57
    1d2ea3ed 584a8882 8a88bdc1 c31cc024 0f7d0ec8 a8e7a8c3 48ed6b35 8a0c50d9 775c3129 bafb9c47 afb8c12f d97f6d48
    ee6e32fe 8b5db24d dc22cd65 fde59040 b4770782 9c940df5 f2c72573 35048fab 7ac76911 ee08504d 08d2aba7 37693cb8
    bc94c470 b05be900 64e69382 5a481ac8 6a3a151a d86d2624 509c8314 581cb5f0 9ce7ad7e f60342d0 ac55baff 3871a819
    a1efb2cf fa55c04b f4c2afcf 6106ea8f 87e566a5 896c1db0 5e15f50c eed3984c 59702ab0 06a677d1 be9f696e d42133f9
    eda6b9e3 d282f0f9 3abb41bc 510d5d7f
    "
);

#[test]
fn good_groups_are_taken() {
    assert!(matches!(offer(&number(modp::GROUP15).to_bytes_be(), &[2]), Ok(Step::Send(_))));
    assert!(matches!(offer(&OTHER, &[2]), Ok(Step::Send(_))));
    assert!(matches!(offer(&OTHER, &[5]), Ok(Step::Send(_))));
}

#[test]
fn sizes_that_were_not_asked_for() {
    let wrong = "its size is not what was asked for";
    assert_eq!(group_error(offer(&number(modp::GROUP1).to_bytes_be(), &[2])), wrong);
    let huge: BigUint = (BigUint::from(1u8) << 8192) + 1u8;
    assert_eq!(group_error(offer(&huge.to_bytes_be(), &[2])), wrong);
    assert_eq!(group_error(offer(&[], &[2])), wrong);
    assert_eq!(group_error(offer(&[7], &[2])), wrong);
    // The old method for old equipment takes what that has.
    let p = number(modp::GROUP1).to_bytes_be();
    let group = GexGroup { p: Mpint::from_unsigned(&p), g: Mpint::from_unsigned(&[2]) }.to_payload();
    assert!(matches!(request(&GROUP_EXCHANGE_SHA1).handle(&group), Ok(Step::Send(_))));
}

#[test]
fn moduli_that_are_no_safe_primes() {
    let wrong = "its modulus is no safe prime";
    let p = number(modp::GROUP14);
    let three: BigUint = BigUint::from(3u8) << 2100;
    for near in [&p - 1u8, &p - 2u8, &p - 4u8, &p * 3u8, three] {
        assert_eq!(group_error(offer(&near.to_bytes_be(), &[2])), wrong);
    }
    // 2^2203 - 1 is a prime, and not a safe one.
    let mersenne: BigUint = (BigUint::from(1u8) << 2203) - 1u8;
    assert_eq!(group_error(offer(&mersenne.to_bytes_be(), &[3])), wrong);
}

#[test]
fn generators_out_of_range() {
    let wrong = "its generator is not between 1 and p - 1";
    let p = number(modp::GROUP14);
    for g in [BigUint::ZERO, BigUint::from(1u8), &p - 1u8, p.clone(), &p + 1u8] {
        assert_eq!(group_error(offer(&p.to_bytes_be(), &g.to_bytes_be())), wrong);
    }
}

#[test]
fn negative_numbers() {
    let wrong = "a number is negative";
    let p = number(modp::GROUP14).to_bytes_be();
    for (p, g) in [
        (Mpint::from_signed(&p), Mpint::from_unsigned(&[2])),
        (Mpint::from_unsigned(&p), Mpint::from_signed(&[0x80])),
    ] {
        let group = GexGroup { p, g }.to_payload();
        assert_eq!(group_error(request(&GROUP_EXCHANGE_SHA256).handle(&group)), wrong);
    }
}

fn answer(message: &[u8]) -> Result<BigUint, KexError> {
    let mut server = GROUP_EXCHANGE_SHA256.server(&SystemRandom)?;
    match server.handle(message)? {
        Step::Send(group) => {
            let GexGroup { p, g } = GexGroup::parse(&group).unwrap();
            assert_eq!(g.unsigned(), Some([2].as_slice()));
            Ok(BigUint::from_bytes_be(p.unsigned().unwrap()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_chooses_by_the_sizes() {
    let ask = |min, preferred, max| answer(&GexRequest { min, preferred, max }.to_payload());
    assert_eq!(ask(1024, 2048, 8192), Ok(number(modp::GROUP14)));
    assert_eq!(ask(2048, 2049, 8192), Ok(number(modp::GROUP15)));
    assert_eq!(ask(2048, 5000, 5000), Ok(number(modp::GROUP16)));
    assert_eq!(ask(2048, 8192, 20_000), Ok(number(modp::GROUP18)));
    assert!(ask(1024, 1024, 2047).is_err());
    assert!(ask(8193, 8193, 20_000).is_err());
    assert!(ask(4096, 2048, 8192).is_err());
    assert!(ask(2048, 4096, 3072).is_err());
}

#[test]
fn old_requests_are_answered_and_hashed_as_they_were() {
    let message = GexRequestOld { bits: 1024 }.to_payload();
    assert_eq!(answer(&message), Ok(number(modp::GROUP14)));
    let request = Request::Old(GexRequestOld { bits: 1024 });
    let (p, g) = (Mpint::from_unsigned(&[5]), Mpint::from_unsigned(&[2]));
    assert_eq!(group_for_hash(request, p, g), hex!("00000400 00000001 05 00000001 02"));
    let request = Request::Sizes(GexRequest { min: 1, preferred: 2, max: 3 });
    assert_eq!(group_for_hash(request, p, g), hex!("00000001 00000002 00000003 00000001 05 00000001 02"));
}

#[test]
fn a_client_can_ask_as_of_old() {
    for method in [&GROUP_EXCHANGE_SHA1_OLD_REQUEST, &GROUP_EXCHANGE_SHA256_OLD_REQUEST] {
        let (mut client, message) = method.client(&SystemRandom).unwrap();
        assert_eq!(GexRequestOld::parse(&message).unwrap(), GexRequestOld { bits: method.sizes.preferred });
        let mut server = method.server(&SystemRandom).unwrap();
        let Step::Send(group) = server.handle(&message).unwrap() else { panic!("no group") };
        let Step::Send(init) = client.handle(&group).unwrap() else { panic!("no public value") };
        let Step::Agreed(theirs) = server.handle(&init).unwrap() else { panic!("no agreement") };
        let Proof::ToSend { public, .. } = theirs.proof else { panic!("no proof") };
        let f: Mpint<'_> = Rest(&public).parse().unwrap();
        let reply = GexReply { host_key: b"", f, signature: b"" }.to_payload();
        let Step::Agreed(ours) = client.handle(&reply).unwrap() else { panic!("no agreement") };
        assert_eq!(ours.exchange, theirs.exchange);
        assert_eq!(*ours.secret, *theirs.secret);
        // What is accepted stays the same.
        let (mut client, _) = method.client(&SystemRandom).unwrap();
        let small = GexGroup { p: Mpint::from_unsigned(&[7]), g: Mpint::from_unsigned(&[2]) };
        assert_eq!(group_error(client.handle(&small.to_payload())), "its size is not what was asked for");
    }
}

#[test]
fn messages_out_of_order() {
    let init = GexInit { e: Mpint::from_unsigned(&[4]) }.to_payload();
    let mut server = GROUP_EXCHANGE_SHA256.server(&SystemRandom).unwrap();
    assert_eq!(server.handle(&init).unwrap_err(), KexError::Unexpected(number::KEX_DH_GEX_INIT));
    let reply = GexReply { host_key: b"", f: Mpint::from_unsigned(&[4]), signature: b"" }.to_payload();
    let mut client = request(&GROUP_EXCHANGE_SHA256);
    assert_eq!(client.handle(&reply).unwrap_err(), KexError::Unexpected(number::KEX_DH_GEX_REPLY));
    // A failure is final.
    let group = GexGroup { p: Mpint::from_unsigned(&OTHER), g: Mpint::from_unsigned(&[2]) }.to_payload();
    assert_eq!(client.handle(&group).unwrap_err(), KexError::Unexpected(number::KEX_DH_GEX_GROUP));
}

#[test]
fn public_values_out_of_range() {
    let p = BigUint::from_bytes_be(&OTHER);
    for f in [BigUint::ZERO, BigUint::from(1u8), &p - 1u8, p.clone(), &p + 2u8] {
        let mut client = request(&GROUP_EXCHANGE_SHA256);
        let group = GexGroup { p: Mpint::from_unsigned(&OTHER), g: Mpint::from_unsigned(&[2]) };
        client.handle(&group.to_payload()).unwrap();
        let f = f.to_bytes_be();
        let reply = GexReply { host_key: b"", f: Mpint::from_unsigned(&f), signature: b"" };
        assert_eq!(client.handle(&reply.to_payload()).unwrap_err(), KexError::PublicValue);
    }
}
