//! Lists of revoked keys, made by `ssh-keygen -k`.

use crate::tools::Tools;
use ssh_auth::{
    Certificate,
    revoked::{RevokedBy, RevokedKeys, RevokedKeysError},
};
use ssh_crypto::PublicKey;
use ssh_wire::{Encode, Mpint, Reader};
use std::{collections::BTreeSet, fs};

/// The authorities `ca` and `ca2`, and the keys `key` and `key2`.
fn tools(test: &str) -> Option<Tools> {
    let tools = Tools::with(test, "ssh-keygen")?;
    for name in ["ca", "ca2", "key", "key2"] {
        tools.key(name, &["ed25519"]).unwrap();
    }
    Some(tools)
}

fn public(tools: &Tools, name: &str) -> PublicKey {
    PublicKey::from_blob(&tools.blob(&format!("{name}.pub"))).unwrap()
}

/// A certificate by `authority`.
fn certificate(tools: &Tools, authority: &str, name: &str, id: &str, serial: u64) -> Certificate {
    let public = format!("{name}.pub");
    let serial = serial.to_string();
    assert!(tools.keygen(&["-q", "-s", authority, "-I", id, "-n", "user", "-z", &serial, &public]));
    Certificate::parse(&tools.blob(&format!("{name}-cert.pub"))).unwrap()
}

/// What `ssh-keygen` makes of a specification, with more arguments: `-s` with an authority's public key.
fn krl(tools: &Tools, arguments: &[&str], specification: &str) -> Vec<u8> {
    fs::write(tools.path("specification"), specification).unwrap();
    assert!(tools.keygen(&[&["-q", "-k", "-f", "krl"], arguments, &["specification"]].concat()));
    fs::read(tools.path("krl")).unwrap()
}

/// The types of the sections, those about certificates among them.
fn sections(krl: &[u8]) -> BTreeSet<u8> {
    let mut types = BTreeSet::new();
    let mut reader = Reader::new(krl);
    reader.take(8 + 4 + 3 * 8).unwrap();
    reader.string().unwrap();
    reader.string().unwrap();
    while !reader.is_empty() {
        let (section, data) = (reader.read().unwrap(), reader.string().unwrap());
        types.insert(section);
        let mut inner = Reader::new(data);
        if section == 1 {
            inner.string().unwrap();
            inner.string().unwrap();
            while !inner.is_empty() {
                types.insert(inner.read().unwrap());
                inner.string().unwrap();
            }
        }
    }
    types
}

#[test]
fn serial_numbers_and_key_ids_of_certificates_are_revoked() {
    let Some(tools) = tools("serial_numbers_and_key_ids_of_certificates_are_revoked") else { return };
    // A list, a range and a bitmap, by the distances between the numbers.
    let bitmap: Vec<u64> = (0..64).map(|n| 70_000 + n * 3).collect();
    let mut specification =
        "serial: 7\nserial: 1000-50000\nserial: 18446744073709551615\nid: bad id\n".to_owned();
    for serial in &bitmap {
        specification += &format!("serial: {serial}\n");
    }
    let blob = krl(&tools, &["-s", "ca.pub"], &specification);
    assert_eq!(sections(&blob), BTreeSet::from([1, 0x20, 0x21, 0x22, 0x23]));
    let revoked = RevokedKeys::parse(&blob).unwrap();
    let by = |authority: &str, id: &str, serial: u64| {
        revoked.certificate(&certificate(&tools, authority, "key", id, serial))
    };
    for serial in [7, 1000, 31_234, 50_000, u64::MAX, 70_000, 70_003, 70_189] {
        assert_eq!(by("ca", "id", serial), Some(RevokedBy::Serial), "{serial}");
        assert_eq!(by("ca2", "id", serial), None, "{serial} of another authority");
    }
    for serial in [0, 1, 6, 8, 999, 50_001, 69_999, 70_001, 70_190, 70_192, u64::MAX - 1] {
        assert_eq!(by("ca", "id", serial), None, "{serial}");
    }
    assert_eq!(by("ca", "bad id", 0), Some(RevokedBy::KeyId));
    for (authority, id) in [("ca", "bad i"), ("ca", "bad id2"), ("ca", "BAD ID"), ("ca2", "bad id")] {
        assert_eq!(by(authority, id, 0), None, "{authority} {id}");
    }
    // No key is revoked, not even the authority's, which is only named.
    for name in ["ca", "key"] {
        assert_eq!(revoked.key(&public(&tools, name)), None, "{name}");
    }

    // Without an authority, that of every one.
    let revoked = RevokedKeys::parse(&krl(&tools, &["-s", "none"], "id: bad id\nserial: 9\n")).unwrap();
    for authority in ["ca", "ca2"] {
        let by = |id: &str, serial| revoked.certificate(&certificate(&tools, authority, "key", id, serial));
        assert_eq!(by("bad id", 1), Some(RevokedBy::KeyId));
        assert_eq!(by("id", 9), Some(RevokedBy::Serial));
        assert_eq!(by("id", 1), None);
    }
}

#[test]
fn keys_are_revoked_with_all_their_certificates() {
    let Some(tools) = tools("keys_are_revoked_with_all_their_certificates") else { return };
    let line = |name: &str| fs::read_to_string(tools.path(&format!("{name}.pub"))).unwrap();
    let lists = |name: &str| {
        let key = public(&tools, name);
        let sha256 = key.fingerprint(ssh_crypto::Hash::Sha256);
        let mut lists =
            vec![("a plain list", format!("# comment\n\n \t{}\r\n", line(name).trim_end()).into_bytes())];
        for (form, specification, section) in [
            ("a whole key", format!("key: {}", line(name)), 2),
            ("SHA-1", format!("sha1: {}", line(name)), 3),
            ("SHA-256", format!("sha256: {}", line(name)), 5),
            ("a fingerprint", format!("hash: {sha256}\n"), 5),
        ] {
            let blob = krl(&tools, &[], &specification);
            assert_eq!(sections(&blob), BTreeSet::from([section]), "{form}");
            lists.push((form, blob));
        }
        lists
    };
    for (form, list) in lists("key") {
        let revoked = RevokedKeys::parse(&list).unwrap();
        assert_eq!(revoked.key(&public(&tools, "key")), Some(RevokedBy::Key), "{form}");
        assert_eq!(revoked.key(&public(&tools, "key2")), None, "{form}");
        let by = |name| revoked.certificate(&certificate(&tools, "ca", name, "id", 1));
        assert_eq!((by("key"), by("key2")), (Some(RevokedBy::Key), None), "{form}");
    }
    for (form, list) in lists("ca") {
        let revoked = RevokedKeys::parse(&list).unwrap();
        let by = |authority| revoked.certificate(&certificate(&tools, authority, "key", "id", 1));
        assert_eq!((by("ca"), by("ca2")), (Some(RevokedBy::Authority), None), "{form}");
        assert_eq!(revoked.key(&public(&tools, "key")), None, "{form}");
    }
    // A certificate in a plain list stands for its key.
    certificate(&tools, "ca", "key", "id", 1);
    let revoked = RevokedKeys::parse(&fs::read(tools.path("key-cert.pub")).unwrap()).unwrap();
    assert_eq!(revoked.key(&public(&tools, "key")), Some(RevokedBy::Key));
    assert_eq!(revoked.key(&public(&tools, "ca")), None);
    assert_eq!(RevokedKeys::parse(b""), Ok(RevokedKeys::default()));
}

#[test]
fn a_list_that_is_cut_or_changed_is_an_error_or_another_list() {
    let test = "a_list_that_is_cut_or_changed_is_an_error_or_another_list";
    let Some(tools) = tools(test) else { return };
    let line = fs::read_to_string(tools.path("key.pub")).unwrap();
    let specification = format!("serial: 1\nserial: 100-999\nid: x\nkey: {line}sha1: {line}sha256: {line}");
    let whole = krl(&tools, &["-s", "ca.pub"], &specification);
    let expected = RevokedKeys::parse(&whole).unwrap();
    let mut ends = 0;
    for cut in 1..whole.len() {
        // Between two sections nothing tells that more should come, and it is not what the whole says.
        match RevokedKeys::parse(&whole[..cut]) {
            Ok(other) => {
                ends += 1;
                assert_ne!(other, expected, "{cut}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert_eq!(ends, sections(&whole).iter().filter(|&&section| section < 0x20).count());
    let more = [&*whole, b"\0"].concat();
    assert_eq!(RevokedKeys::parse(&more), Err(RevokedKeysError::Decode(ssh_wire::DecodeError::Truncated)));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bad = whole.clone();
            bad[at] ^= 1 << bit;
            let read = RevokedKeys::parse(&bad);
            // A damaged beginning makes it a list of lines, which it is not. The number, the date, the flags and the comment
            // count for nothing, and of what else is read as a list none is the same.
            match at {
                0..8 => assert!(matches!(read, Err(RevokedKeysError::Line { line: 1, .. })), "{at}"),
                12..36 => assert_eq!(read.as_ref(), Ok(&expected), "{at}"),
                _ => assert_ne!(read.as_ref(), Ok(&expected), "{at}"),
            }
        }
    }
    let cut = format!("{line}{}", &line[..line.len() / 2]);
    assert!(matches!(RevokedKeys::parse(cut.as_bytes()), Err(RevokedKeysError::Line { line: 2, .. })));
}

/// A list of these sections, each with its strings.
fn list(sections: &[(u8, &[&[u8]])]) -> Result<RevokedKeys, RevokedKeysError> {
    let mut blob = b"SSHKRL\n\0".to_vec();
    1u32.encode(&mut blob);
    for _number_date_flags in 0..3 {
        0u64.encode(&mut blob);
    }
    b"".as_slice().encode(&mut blob);
    b"comment".as_slice().encode(&mut blob);
    for (section, strings) in sections {
        section.encode(&mut blob);
        strings.iter().for_each(|string| string.encode(&mut blob));
    }
    RevokedKeys::parse(&blob)
}

fn encoded(values: &[&dyn Encode]) -> Vec<u8> {
    let mut out = Vec::new();
    values.iter().for_each(|value| value.encode(&mut out));
    out
}

#[test]
fn what_a_list_must_not_say_is_told() {
    let key = PublicKey::Ed25519([7; 32]).to_blob();
    let empty = b"".as_slice();
    let about = |section: u8, data: Vec<u8>| {
        list(&[(1, &[&encoded(&[&empty, &empty, &section, &data.as_slice()])])]).map(|_| ())
    };
    let invalid = |what: &'static str| Err(RevokedKeysError::Invalid(what));

    assert_eq!(list(&[]).as_ref(), Ok(&RevokedKeys::default()));
    assert!(list(&[(2, &[&encoded(&[&key.as_slice()])])]).is_ok());
    assert_eq!(list(&[(6, &[b""])]), Err(RevokedKeysError::Section(6)));
    assert_eq!(list(&[(0, &[b""])]), Err(RevokedKeysError::Section(0)));
    for section in [2, 3, 5] {
        assert_eq!(
            list(&[(section, &[b""])]),
            invalid("a section that is empty").map(|()| RevokedKeys::default())
        );
    }
    for (section, right) in [(3, 20), (5, 32)] {
        for length in [0, 1, right - 1, right, right + 1] {
            let digest = vec![1; length];
            let read = list(&[(section, &[&encoded(&[&digest.as_slice()])])]);
            assert_eq!(read.is_ok(), length == right, "{section} {length}: {read:?}");
        }
    }
    let certified = encoded(&[&"ssh-ed25519-cert-v01@openssh.com", &empty, &[7u8; 32].as_slice()]);
    let read = list(&[(2, &[&encoded(&[&certified.as_slice()])])]).map(|_| ());
    assert_eq!(read, invalid("a certificate in the place of a key"));
    let read = list(&[(1, &[&encoded(&[&certified.as_slice(), &empty])])]);
    assert!(matches!(read, Err(RevokedKeysError::Authority(_))), "{read:?}");

    assert_eq!(about(0x24, vec![]), Err(RevokedKeysError::Section(0x24)));
    assert_eq!(about(0x20, encoded(&[&0u64])), invalid("the serial number 0"));
    assert_eq!(about(0x20, encoded(&[&1u64, &2u32])), Err(ssh_wire::DecodeError::Truncated.into()));
    assert_eq!(about(0x21, encoded(&[&0u64, &2u64])), invalid("the serial number 0"));
    assert_eq!(about(0x21, encoded(&[&2u64, &1u64])), invalid("a range that ends before it begins"));
    assert_eq!(about(0x21, encoded(&[&2u64, &2u64])), Ok(()));
    assert_eq!(about(0x21, encoded(&[&2u64, &2u64, &1u8])), Err(ssh_wire::DecodeError::Trailing(1).into()));
    let bitmap = |offset: u64, bits: Mpint<'_>| about(0x22, encoded(&[&offset, &bits]));
    assert_eq!(bitmap(1, Mpint::from_signed(&[0x80])), invalid("a negative bitmap"));
    assert_eq!(bitmap(0, Mpint::from_unsigned(&[1])), invalid("the serial number 0"));
    assert_eq!(bitmap(0, Mpint::from_unsigned(&[0x80, 2])), Ok(()));
    assert_eq!(bitmap(u64::MAX - 8, Mpint::from_unsigned(&[1, 0])), Ok(()));
    let too_far = "a bitmap that goes beyond the largest serial number";
    assert_eq!(bitmap(u64::MAX - 7, Mpint::from_unsigned(&[1, 0])), invalid(too_far));
    assert_eq!(about(0x23, vec![]), invalid("a section that is empty"));

    // Extensions that are not critical count for nothing; nobody here knows one that is.
    let extension = |critical: u8| encoded(&[&"name@example.com", &critical, &empty]);
    let critical = Err(RevokedKeysError::Critical("name@example.com".to_owned()));
    assert_eq!(about(0x39, extension(0)), Ok(()));
    assert_eq!(about(0x39, extension(1)), critical);
    assert!(list(&[(255, &[&extension(0)])]).is_ok());
    assert_eq!(list(&[(255, &[&extension(1)])]).map(|_| ()), critical);
    let longer = [extension(0), vec![0]].concat();
    assert_eq!(list(&[(255, &[&longer])]), Err(ssh_wire::DecodeError::Trailing(1).into()));

    // Signatures come last.
    let (signature, keys) = ([&*key, b"signature"], encoded(&[&key.as_slice()]));
    assert!(list(&[(2, &[&keys]), (4, &signature), (4, &signature)]).is_ok());
    let read = list(&[(4, &signature), (2, &[&keys])]).map(|_| ());
    assert_eq!(read, invalid("a section behind its signature"));
    assert_eq!(list(&[(4, &[&key])]), Err(ssh_wire::DecodeError::Truncated.into()));

    let mut version = b"SSHKRL\n\0".to_vec();
    2u32.encode(&mut version);
    assert_eq!(RevokedKeys::parse(&version), Err(RevokedKeysError::Version(2)));
}
