use super::{poly::P, *};
use crate::random::SystemRandom;

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

#[test]
fn inverses_are_inverses() {
    let one = |poly: &Poly| poly[0] == 1 && poly[1..].iter().all(|&x| x == 0);
    let f = short(&SystemRandom).unwrap();
    assert_eq!(f.iter().filter(|&&x| x != 0).count(), W);
    assert!(one(&f.invert_triple().mul_small(&f).triple()));
    let (g, inverse) = std::iter::repeat_with(|| small(&SystemRandom).unwrap())
        .find_map(|g| g.invert_mod3().map(|inverse| (g, inverse)))
        .unwrap();
    assert!(one(&g.mul_mod3(&inverse)));
    assert!(Poly::zero().invert_mod3().is_none());
    assert_eq!(P, g.len());
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
