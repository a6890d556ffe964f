//! Public values that must not pass, and sources of random bytes that fail.

use crate::{Given, agreements, kems};
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{KexError, RandomError};

#[test]
fn all_zero_x25519_secrets() {
    // The points of small order: 0, 1, and two of order 8; and p + 1, which is 1 written otherwise.
    for peer in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let peer: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&peer[2 * at..2 * at + 2], 16).unwrap()).collect();
        for [x25519, ..] in agreements() {
            let private = x25519.generate(&SystemRandom).unwrap();
            assert_eq!(private.agree(&peer), Err(KexError::PublicValue));
        }
    }
}

#[test]
fn public_values_of_other_sizes_and_forms() {
    for suites in agreements() {
        for suite in suites {
            let peer = suite.generate(&SystemRandom).unwrap().public().to_vec();
            let compressed = [&[2 | (peer[peer.len() - 1] & 1)], &peer[1..peer.len().div_ceil(2)]].concat();
            let mut hybrid = peer.clone();
            hybrid[0] = 6 | (peer[peer.len() - 1] & 1);
            let mut forms = vec![vec![], vec![0], peer[1..].to_vec(), [&peer[..], &[0]].concat()];
            if peer.len() > 32 {
                forms.extend([compressed, hybrid]);
            }
            for form in forms {
                let private = suite.generate(&SystemRandom).unwrap();
                assert_eq!(private.agree(&form), Err(KexError::PublicValue));
            }
        }
    }
}

#[test]
fn points_off_the_curve() {
    for [_, curves @ ..] in agreements() {
        for suite in curves {
            let mut off = suite.generate(&SystemRandom).unwrap().public().to_vec();
            *off.last_mut().unwrap() ^= 1;
            let mut zero = vec![0; suite.public_len()];
            zero[0] = 4;
            let mut above = vec![0xff; suite.public_len()];
            above[0] = 4;
            for peer in [off, zero, above] {
                let private = suite.generate(&SystemRandom).unwrap();
                assert_eq!(private.agree(&peer), Err(KexError::PublicValue));
            }
        }
    }
}

#[test]
fn kem_values_of_other_sizes_and_out_of_range() {
    for suite in kems().into_iter().flatten() {
        let public = suite.generate(&SystemRandom).unwrap().public().to_vec();
        let mut above = public.clone();
        // The first coefficient is 4095, where 3328 is the highest.
        above[0] = 0xff;
        above[1] |= 0x0f;
        for public in [&[][..], &public[1..], &[&public[..], &[0]].concat(), &above] {
            let result = suite.encapsulate(public, &SystemRandom).map(|_| ());
            assert_eq!(result, Err(KexError::PublicValue));
        }
        for len in [0, suite.ciphertext_len() - 1, suite.ciphertext_len() + 1] {
            let pair = suite.generate(&SystemRandom).unwrap();
            assert_eq!(pair.decapsulate(&vec![1; len]), Err(KexError::PublicValue));
        }
    }
}

#[test]
fn a_changed_ciphertext_leads_to_another_secret() {
    // FIPS 203 §7.3: implicit rejection.
    for suite in kems().into_iter().flatten() {
        let pair = suite.generate(&SystemRandom).unwrap();
        let (mut ciphertext, secret) = suite.encapsulate(pair.public(), &SystemRandom).unwrap();
        ciphertext[7] ^= 1;
        assert_ne!(pair.decapsulate(&ciphertext).unwrap(), secret);
    }
}

#[test]
fn a_source_that_fails_is_an_error() {
    for suite in agreements().into_iter().flatten() {
        assert_eq!(suite.generate(&Given::new(&[])).map(|_| ()), Err(KexError::Random(RandomError)));
    }
}

#[test]
fn a_source_that_gives_no_scalar_is_an_error() {
    for [_, curves @ ..] in agreements() {
        for suite in curves {
            for byte in [0, 0xff] {
                let source = Given::new(&vec![byte; 100 * suite.public_len()]);
                assert_eq!(suite.generate(&source).map(|_| ()), Err(KexError::Random(RandomError)));
            }
        }
    }
}
