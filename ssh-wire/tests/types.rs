//! The data types of RFC 4251 §5.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hex_literal::hex;
use proptest::prelude::*;
use ssh_wire::{Decode, DecodeError, Encode, Mpint, NameList, Reader, Rest};

fn encoded(value: impl Encode) -> Vec<u8> {
    let mut out = b"before".to_vec();
    value.encode(&mut out);
    assert!(out.starts_with(b"before"));
    out.split_off(6)
}

fn decoded<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    Rest(bytes).parse()
}

/// The number with this two's complement form.
fn signed(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte))
}

#[test]
fn integers_are_big_endian() {
    assert_eq!(encoded(0x2au8), hex!("2a"));
    // RFC 4251 §5: the value 699921578.
    assert_eq!(encoded(699_921_578u32), hex!("29b7f4aa"));
    assert_eq!(decoded(&hex!("29b7f4aa")), Ok(699_921_578u32));
    assert_eq!(encoded(0x0102_0304_0506_0708u64), hex!("0102030405060708"));
    assert_eq!(decoded(&hex!("0102030405060708")), Ok(0x0102_0304_0506_0708u64));
    assert_eq!(decoded::<u32>(&hex!("29b7f4")), Err(DecodeError::Truncated));
    assert_eq!(decoded::<u32>(&hex!("29b7f4aa00")), Err(DecodeError::Trailing(1)));
}

#[test]
fn every_byte_but_0_is_true() {
    assert_eq!((encoded(true), encoded(false)), (vec![1], vec![0]));
    for byte in 0..=255 {
        assert_eq!(decoded(&[byte]), Ok(byte != 0));
    }
}

#[test]
fn strings_carry_their_length() {
    // RFC 4251 §5: "testing".
    assert_eq!(encoded("testing"), hex!("00000007 74657374696e67"));
    assert_eq!(encoded(&b"testing"[..]), encoded("testing"));
    assert_eq!(encoded(""), hex!("00000000"));
    assert_eq!(decoded(&hex!("00000007 74657374696e67")), Ok(&b"testing"[..]));
    assert_eq!(decoded::<&[u8]>(&hex!("ffffffff 7465")), Err(DecodeError::Truncated));
    assert_eq!(decoded::<&[u8]>(&hex!("00000001")), Err(DecodeError::Truncated));
}

#[test]
fn byte_arrays_carry_no_length() {
    assert_eq!(encoded([1u8, 2, 3]), hex!("010203"));
    assert_eq!(decoded(&hex!("010203")), Ok([1u8, 2, 3]));
    assert_eq!(decoded::<[u8; 4]>(&hex!("010203")), Err(DecodeError::Truncated));
}

#[test]
fn mpints_have_the_forms_of_rfc_4251() {
    // Value and representation, RFC 4251 §5.
    let vectors: [(&[u8], &[u8]); 5] = [
        (&hex!("00"), &hex!("00000000")),
        (&hex!("09a378f9b2e332a7"), &hex!("00000008 09a378f9b2e332a7")),
        (&hex!("0080"), &hex!("00000002 0080")),
        (&hex!("edcc"), &hex!("00000002 edcc")),
        (&hex!("ff21524111"), &hex!("00000005 ff21524111")),
    ];
    for (value, wire) in vectors {
        assert_eq!(encoded(Mpint::from_signed(value)), wire);
        let mpint: Mpint<'_> = decoded(wire).unwrap();
        assert_eq!(mpint, Mpint::from_signed(value));
        assert_eq!(mpint.is_negative(), value[0] & 0x80 != 0);
        assert_eq!(encoded(mpint), wire);
    }
    // -1234 and -deadbeef, as the RFC gives them.
    assert_eq!(signed(&hex!("edcc")), -0x1234);
    assert_eq!(signed(&hex!("ff21524111")), -0xdead_beef);
}

#[test]
fn mpints_drop_what_is_redundant() {
    for (given, wire) in [
        (&hex!("00000001 00")[..], &hex!("00000000")[..]),
        (&hex!("00000004 00000000"), &hex!("00000000")),
        (&hex!("00000003 00007f"), &hex!("00000001 7f")),
        (&hex!("00000003 000080"), &hex!("00000002 0080")),
        (&hex!("00000003 ffffff"), &hex!("00000001 ff")),
        (&hex!("00000003 ffff80"), &hex!("00000001 80")),
        (&hex!("00000003 ffff7f"), &hex!("00000002 ff7f")),
    ] {
        assert_eq!(encoded(decoded::<Mpint<'_>>(given).unwrap()), wire);
    }
    assert_eq!(Mpint::from_unsigned(b"").unsigned(), Some(&b""[..]));
    assert_eq!(encoded(Mpint::default()), hex!("00000000"));
    assert_eq!(format!("{:?}", Mpint::from_unsigned(&hex!("00c0ffee"))), "Mpint(3 bytes)");
}

#[test]
fn name_lists_pass_over_what_is_no_name() {
    for (list, names) in [
        ("", &[][..]),
        ("zlib", &["zlib"][..]),
        ("zlib,none", &["zlib", "none"]),
        ("zlib,none,", &["zlib", "none"]),
        (",,zlib,,none", &["zlib", "none"]),
        ("a b,c\td,e\u{e9},f\0,g", &["g"]),
    ] {
        let list = NameList::from(list);
        assert_eq!(list.iter().collect::<Vec<_>>(), names);
        assert!(names.iter().all(|name| list.contains(name)));
        assert!(!list.contains("") && !list.contains("zli"));
    }
    // RFC 4251 §5.
    assert_eq!(encoded(NameList::from("")), hex!("00000000"));
    assert_eq!(encoded(NameList::from("zlib")), hex!("00000004 7a6c6962"));
    assert_eq!(encoded(NameList::from("zlib,none")), hex!("00000009 7a6c69622c6e6f6e65"));
    assert_eq!(format!("{:?}", NameList(b"one,\xff,two")), r#"["one", "two"]"#);
}

#[test]
fn a_reader_stops_where_the_bytes_end() {
    let mut reader = Reader::new(b"\x01\0\0\0\x02abrest");
    assert_eq!(reader.read(), Ok(true));
    assert_eq!(reader.string(), Ok(&b"ab"[..]));
    assert_eq!(reader.take(5), Err(DecodeError::Truncated));
    assert_eq!(reader.rest(), b"rest");
    assert!(!reader.is_empty());
    assert_eq!(reader.clone().finish(), Err(DecodeError::Trailing(4)));
    assert_eq!(reader.read::<Rest<'_>>(), Ok(Rest(b"rest")));
    assert!(reader.is_empty());
    assert_eq!(reader.finish(), Ok(()));
    assert_eq!(format!("{:?}", Rest(b"hunter2")), "Rest(7 bytes)");
}

proptest! {
    #[test]
    fn mpints_round_trip(number in prop_oneof![any::<i64>(), -300..300i64], redundant in 0..4usize) {
        let form = number.to_be_bytes();
        let mut longer = vec![if number < 0 { 0xff } else { 0 }; redundant];
        longer.extend_from_slice(&form);
        let mpint = Mpint::from_signed(&longer);
        let wire = encoded(mpint);
        // The shortest form that still has the right sign.
        let shortest = (0..=8).find(|size| signed(&form[8 - size..]) == number).unwrap();
        prop_assert_eq!(&wire[..4], &(shortest as u32).to_be_bytes()[..]);
        prop_assert_eq!(signed(&wire[4..]), number);
        prop_assert_eq!(decoded::<Mpint<'_>>(&wire).unwrap(), mpint);
        prop_assert_eq!(mpint.is_negative(), number < 0);
        match u64::try_from(number) {
            Ok(number) => {
                prop_assert_eq!(Mpint::from_unsigned(&longer), mpint);
                let magnitude = mpint.unsigned().unwrap();
                prop_assert!(magnitude.first() != Some(&0));
                prop_assert_eq!(magnitude.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte)), number);
            }
            Err(_) => prop_assert_eq!(mpint.unsigned(), None),
        }
    }

    #[test]
    fn unsigned_mpints_are_never_negative(magnitude in prop::collection::vec(any::<u8>(), 0..40)) {
        let mpint = Mpint::from_unsigned(&magnitude);
        let wire = encoded(mpint);
        let decoded: Mpint<'_> = decoded(&wire).unwrap();
        prop_assert!(!decoded.is_negative());
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        prop_assert_eq!(decoded.unsigned(), Some(&magnitude[zeros..]));
    }

    #[test]
    fn strings_round_trip_and_do_not_when_cut(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
        let wire = encoded(&bytes[..]);
        prop_assert_eq!(decoded::<&[u8]>(&wire), Ok(&bytes[..]));
        for end in 0..wire.len() {
            prop_assert_eq!(decoded::<&[u8]>(&wire[..end]), Err(DecodeError::Truncated));
        }
    }
}
