use super::{field::Q, poly::P, *};
use crate::random::SystemRandom;
use proptest::prelude::*;

/// A polynomial of these coefficients, and zeros behind them.
pub(super) fn poly(coefficients: impl IntoIterator<Item = i16>) -> Poly {
    let mut poly = Poly::zero();
    poly.iter_mut().zip(coefficients).for_each(|(to, from)| *to = from);
    poly
}

/// Coefficients up to `max`, of which many are the largest and the smallest.
pub(super) fn coefficients(max: i16) -> impl Strategy<Value = Vec<i16>> {
    let coefficient = prop_oneof![Just(-max), Just(max), -max..=max];
    prop::collection::vec(coefficient, P)
}

/// The product as school has it, of numbers that are large enough, modulo what is given.
pub(super) fn slow_product(a: &Poly, b: &Poly, modulus: i64) -> Poly {
    let mut product = [0; 2 * P];
    for (i, &a) in a.iter().enumerate() {
        for (j, &b) in b.iter().enumerate() {
            product[i + j] += i64::from(a) * i64::from(b);
        }
    }
    for at in (P..2 * P).rev() {
        product[at - P] += product[at];
        product[at - P + 1] += product[at];
    }
    let half = modulus / 2;
    poly(product.map(|sum| ((sum + half).rem_euclid(modulus) - half) as i16))
}

/// Test vector 0 of draft-josefsson-ntruprime-streamlined-00: a secret key, a ciphertext, the secret in it.
const SECRET_KEY: &[u8; 1763] = include_bytes!("kat0.sk");
const ENCAPSULATED: &[u8; CIPHERTEXT] = include_bytes!("kat0.ct");
const SHARED: &[u8; 32] = include_bytes!("kat0.ss");

fn decode_small(bytes: &[u8]) -> Poly {
    let mut poly = Poly::zero();
    let digits = bytes.iter().flat_map(|&byte| [0, 2, 4, 6].map(|shift| byte >> shift & 3));
    poly.iter_mut().zip(digits).for_each(|(to, digit)| *to = i16::from(digit) - 1);
    poly
}

/// The key pair of [`SECRET_KEY`]: f, 1/g, public key, rho, the public key's hash. Of these, h is made anew.
fn known() -> KeyPair {
    let [f, g_inverse] = [0, codec::SMALL].map(|at| decode_small(&SECRET_KEY[at..at + codec::SMALL]));
    let g = g_inverse.invert_mod3().unwrap();
    let rho = Zeroizing::new(SECRET_KEY[2 * codec::SMALL + codec::RQ..][..codec::SMALL].try_into().unwrap());
    KeyPair::new(f, &g, g_inverse, rho)
}

#[test]
fn the_known_key_has_its_public_key() {
    let key = known();
    let behind_small = &SECRET_KEY[2 * codec::SMALL..];
    assert!(key.public == behind_small[..codec::RQ]);
    assert_eq!(*hash(4, &[&key.public]), behind_small[codec::RQ + codec::SMALL..]);
    assert!(*codec::decode_rq(&key.public).unwrap() == *key.h);
}

#[test]
fn the_known_ciphertext_has_its_secret() {
    let secret = Box::new(known()).decapsulate(ENCAPSULATED).unwrap();
    assert_eq!(&*secret, SHARED);
}

#[test]
fn a_ciphertext_that_is_none_leads_to_a_secret_that_is_other_every_time() {
    let mut secrets = vec![SHARED.to_vec()];
    for at in [0, 500, codec::ROUNDED - 1, codec::ROUNDED, CIPHERTEXT - 1] {
        let mut changed = *ENCAPSULATED;
        changed[at] ^= 1;
        let secret = Box::new(known()).decapsulate(&changed).unwrap();
        let expected = session(0, &known().rho[..], &changed);
        assert_eq!(*secret, *expected);
        assert!(!secrets.contains(&secret.to_vec()));
        secrets.push(secret.to_vec());
    }
    for len in [0, CIPHERTEXT - 1] {
        let result = Box::new(known()).decapsulate(&ENCAPSULATED[..len]).map(|_| ());
        assert_eq!(result, Err(KexError::PublicValue));
    }
    let longer = [&ENCAPSULATED[..], &[0]].concat();
    assert_eq!(Box::new(known()).decapsulate(&longer).map(|_| ()), Err(KexError::PublicValue));
    assert_eq!(SNTRUP761.encapsulate(&longer, &SystemRandom).map(|_| ()), Err(KexError::PublicValue));
}

#[test]
fn fresh_keys_agree() {
    for _ in 0..3 {
        let pair = SNTRUP761.generate(&SystemRandom).unwrap();
        assert_eq!(pair.public().len(), SNTRUP761.public_len());
        let (ciphertext, secret) = SNTRUP761.encapsulate(pair.public(), &SystemRandom).unwrap();
        assert_eq!(ciphertext.len(), SNTRUP761.ciphertext_len());
        assert_eq!(*pair.decapsulate(&ciphertext).unwrap(), *secret);
    }
}

fn is_one(poly: &Poly) -> bool {
    poly[0] == 1 && poly[1..].iter().all(|&x| x == 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn inverses_are_inverses(small in coefficients(1)) {
        let small = poly(small);
        if small.iter().any(|&x| x != 0) {
            prop_assert!(is_one(&slow_product(&small.invert_triple().triple(), &small, Q.into())));
        }
        if let Some(inverse) = small.invert_mod3() {
            prop_assert!(is_one(&slow_product(&inverse, &small, 3)));
        }
    }
}

#[test]
fn inverses_of_few_coefficients_are_inverses() {
    // The degrees, from which the number of steps without an exchange follows, from the lowest to the highest.
    for at in [0, 1, 2, 15, 16, 63, 64, 379, 380, 381, 759, 760] {
        for (last, first) in [(1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1)] {
            let mut small = poly([first]);
            small[at] = last;
            assert!(is_one(&slow_product(&small.invert_triple().triple(), &small, Q.into())));
            assert!(is_one(&slow_product(&small.invert_mod3().unwrap(), &small, 3)));
        }
    }
}

#[test]
fn some_have_no_inverse_modulo_3() {
    // The factor of x⁷⁶¹ - x - 1 modulo 3 of the lowest degree, alone and multiplied.
    let factor = poly([1, 1, 0, 1, 1, 1, -1, 1, -1, 1, 0, 1, -1, -1, -1, -1, 1, 0, -1, -1]);
    let multiple = factor.mul_mod3(&short(&SystemRandom).unwrap());
    for poly in [factor, multiple] {
        assert!(poly.invert_mod3().is_none());
        assert!(is_one(&slow_product(&poly.invert_triple().triple(), &poly, Q.into())));
    }
    assert!(Poly::zero().invert_mod3().is_none());
}

#[test]
fn small_and_short_are_what_they_say() {
    let (small, short) = (small(&SystemRandom).unwrap(), short(&SystemRandom).unwrap());
    for poly in [&small, &short] {
        assert!([-1, 0, 1].iter().all(|x| poly.contains(x)) && poly.iter().all(|x| x.abs() <= 1));
    }
    assert_eq!(short.iter().filter(|&&x| x != 0).count(), W);
}

#[test]
fn a_weight_that_is_wrong_becomes_right() {
    for poly in [Poly::zero(), small(&SystemRandom).unwrap()] {
        let fixed = fixed_weight(poly);
        assert!(fixed[..W].iter().all(|&x| x == 1) && fixed[W..].iter().all(|&x| x == 0));
    }
    let short = short(&SystemRandom).unwrap();
    assert!(*fixed_weight(short.clone()) == *short);
}
