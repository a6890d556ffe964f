//! RSA of unusual sizes and forms.

use crate::{Given, providers};
use base64ct::{Base64, Encoding};
use crypto_bigint::{BoxedUint, Gcd, NonZero, Resize};
use crypto_primes::{Flavor, is_prime};
use hex_literal::hex;
use ssh_crypto::key::{KeyError, KeyKind};
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{KeyPair, PrivateKey, PublicKey, RandomError, SecureRandom, SignError, Signer};
use ssh_wire::Encode;

#[test]
fn a_modulus_of_16384_bits_verifies() {
    // Made for this test, of 32 primes, which nobody who verifies can see.
    let (key, _) = PublicKey::from_line(include_str!("data/rsa_16384.pub")).unwrap();
    assert_eq!(key.bits(), 16384);
    let mut signature = Base64::decode_vec(include_str!("data/rsa_16384.sig").trim()).unwrap();
    for provider in providers() {
        let suite = provider.signature("rsa-sha2-512").unwrap();
        suite.verify(&key, b"message", &signature).unwrap();
        assert_eq!(suite.verify(&key, b"massage", &signature), Err(SignError::Invalid));
    }
    signature[1000] ^= 1;
    for provider in providers() {
        let suite = provider.signature("rsa-sha2-512").unwrap();
        assert_eq!(suite.verify(&key, b"message", &signature), Err(SignError::Invalid));
    }
}

#[test]
fn keys_of_odd_sizes_sign() {
    let odd = [2049, 2050].map(|bits| PrivateKey::generate(KeyKind::Rsa { bits }, &SystemRandom).unwrap());
    for key in [small(), lopsided()].into_iter().chain(odd) {
        for signing in providers() {
            let pair = KeyPair::with_legacy(&key, &signing).unwrap();
            for algorithm in ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] {
                let signature = pair.sign(algorithm, b"message").unwrap();
                for verifying in providers() {
                    verifying.verify(algorithm, pair.public(), b"message", &signature).unwrap();
                }
            }
        }
    }
}

#[test]
fn signatures_without_their_leading_zeros_verify() {
    let key = PrivateKey::generate(KeyKind::Rsa { bits: 2048 }, &SystemRandom).unwrap();
    let pair = KeyPair::new(&key, &ssh_crypto::default_provider()).unwrap();
    // The content begins behind the two lengths and the name.
    let at = 4 + "rsa-sha2-256".len() + 4;
    let (message, signature) = (0_u32..)
        .map(|counter| (counter.to_be_bytes(), pair.sign("rsa-sha2-256", &counter.to_be_bytes()).unwrap()))
        .find(|(_, signature)| signature[at] == 0)
        .unwrap();
    let mut stripped = Vec::new();
    "rsa-sha2-256".encode(&mut stripped);
    signature[at + 1..].encode(&mut stripped);
    for provider in providers() {
        provider.verify("rsa-sha2-256", pair.public(), &message, &signature).unwrap();
        provider.verify("rsa-sha2-256", pair.public(), &message, &stripped).unwrap();
    }
}

#[test]
fn sizes_to_generate() {
    for bits in [0, 1024, 2047, 16385] {
        assert!(PrivateKey::generate(KeyKind::Rsa { bits }, &SystemRandom).is_err());
    }
    for bits in [2048, 2049, 2056, 3071, 3072, 4096] {
        let key = PrivateKey::generate(KeyKind::Rsa { bits }, &SystemRandom).unwrap();
        assert_eq!(key.public_key().bits(), bits);
        check_numbers(bits, &key);
    }
}

/// FIPS 186-5 §A.1.1 and §A.1.3.
fn check_numbers(bits: usize, key: &PrivateKey) {
    let PrivateKey::Rsa { e, n, d, p, q, .. } = key else { unreachable!() };
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes).resize(bits as u32 + 128);
    let [e, n, d, p, q] = [e, n, &**d, &**p, &**q].map(number);
    assert_eq!(e, number(&[1, 0, 1]));
    assert_eq!(n, &p * &q);
    assert_eq!(
        [p.bit_width_vartime(), q.bit_width_vartime()],
        [bits.div_ceil(2), bits / 2].map(|bits| bits as u32)
    );
    for prime in [&p, &q] {
        assert!(is_prime(Flavor::Any, prime));
        let highest = prime.bit_width_vartime() - 2;
        assert_eq!(prime.shr_vartime(highest), Some(number(&[3])));
    }
    let difference = if p > q { &p - &q } else { &q - &p };
    assert!(difference.bit_width_vartime() > bits as u32 / 2 - 99);

    let [p, q] = [p, q].map(|prime| prime - number(&[1]));
    let lambda = &p * &q / NonZero::new(p.gcd(&q)).unwrap();
    assert!(d < lambda && d.bit_width_vartime() > bits as u32 / 2);
    assert_eq!(e * d % NonZero::new(lambda).unwrap(), number(&[1]));
}

/// The same byte for ever.
#[derive(Debug)]
struct Always(u8);

impl SecureRandom for Always {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.fill(self.0);
        Ok(())
    }
}

#[test]
fn broken_sources_make_no_key() {
    let sources: [&dyn SecureRandom; 4] =
        [&Given::new(&[]), &Given::new(&[1; 1000]), &Always(0), &Always(0xff)];
    for source in sources {
        for bits in [2048, 16384] {
            let made = PrivateKey::generate(KeyKind::Rsa { bits }, source);
            assert_eq!(made.map(|_| ()), Err(KeyError::Random(RandomError)));
        }
    }
}

/// A key of 1024 bits, made for these tests by OpenSSL: too small for AWS-LC to sign with.
pub(crate) fn small() -> PrivateKey {
    PrivateKey::rsa(
        &[1, 0, 1],
        &hex!(
        "b575524685f6d98389dfb38722bfd51d308fe087da6552ea0e7828dc0d7bf77e"
        "afbb59e51201b5583f62240838e033eb150de91495a312aca56141612fb3045a"
        "6a25960eca4448d8755ed38612fb33c6dac4ba530b1a57e3c93e51661fbb839e"
        "4110869edc6da59b561f0cd84ca5eb1154bff8ea917efa69e9398b83fbfd5f4b"
        ),
        &hex!(
        "29d8f6b280ee9ed73112c00a683f295ce3f82a65ea3df7d336a70b75443ed4a3"
        "08d002394bdfccfc9f117911d45c105d24abe296f6b376f90de2d1fb21cefd2f"
        "a103f020c89b5b2d5172ce86aa408349744262305bec0013f91915dafbb97ac5"
        "3ff56a869bccb0f19630be0be31248218a575e02a0740980e6b1fbd2aa6a4f11"
        ),
        &hex!(
        "eb465176b8602aeab9211b643ad8db544f63895f780eafe811c30da6c6d9db63"
        "52db2f5a8162190cd48f4fe18193b736492b4c3d7107e4e957912ab5c79a51bd"
        ),
        &hex!(
        "c571639cb2cc93ab76a86dbfee082ad1338ad12bf9d1a076993660fb2dd9ecd1"
        "05ac4e04bb325bb3f41fc63c40f4cfd2bcd67d48b5fb6765f06d6ce35f7e91a7"
        ),
    )
    .unwrap()
}

/// A key of 2048 bits whose primes have 1100 and 948, made for these tests.
pub(crate) fn lopsided() -> PrivateKey {
    PrivateKey::rsa(
        &[1, 0, 1],
        &hex!(
        "cae064005675d7bef4c49ab67a945a17bf1dba5873f10079dc1a3bb44f89b20e"
        "7b0ed9393f3cdc0d2eb1c0d576b4e139c1caf31651a98a02c050a39c3177df22"
        "34559b497386e414dffd590f919d790da438de2b0e7e0c0b637fbb640f0cfe13"
        "5a3a8fc2fc6bec656ea124ddf1f560ba57b7edaa4eea038702d58724f9d820fa"
        "1dcf73943d4f95aeeeba831ccc554bf444641510fa547fa34e98e42caaeb2dc1"
        "2f574c88a153e9f9ee6a845badbfd1fb4ec9b851e79cb7d3aca61332c85b1ec2"
        "63db76c6e0dedc457043042a4b509cbe3e857ad7070bd00b0ac406bd7023382d"
        "8d6a39fed0f597dd38a3244acc449cf7f1f4b4bf12e67bfc2fbe54a05dc48ba7"
        ),
        &hex!(
        "32cb50ae56f7653f7db815c657557a6314aa24444e2f0a7ff830273fa36465cc"
        "c359b9e05fe9646cf68271b5e0653438ca40fe70d99c599e0bb984e52feb83d5"
        "e40584fe346b1302f8fbcd071d5db077ce64a0976626ffec000af4877e4f31f3"
        "f574d116b02d7340081d57862c34d3f583cddcb6f5d01533d073f0a02d25d6a7"
        "ca2fb42b898c23490f635b62dce108e21c06f929ffd1acfbf0779972d469ce55"
        "f2b6b56de54aa913293390bbddec21d18abfe0d9a81d51591d979b25cde701c3"
        "373a507635318558fbab09abe717a16f86315e5c03fcec8ee5cb4016fb931b92"
        "b1763bf301284e34d1a435404fee8c8484eacbb77604b06d78d767ad7ff6708d"
        ),
        &hex!(
        "0d07c8eaaebb5b2ece952518b01e19aa87898e482c0ae0996fb2b3284ab7c934"
        "de6bff4a4b47fbeb33cd57800ae71aed4d1ff1d87b267fd5197282d3739ad338"
        "f4bb15732122a95362192fb5b4a971cf2937f340a03f997b5efb3b7a46efdfcf"
        "9b056c6bf55be29a660602e5525671ca05d1b3ba4e5e81973f58bd1ac455b756"
        "8551477c934e679c4ccd"
        ),
        &hex!(
        "0f91c890c11933a8ea64be328664aa0795e5ef796bf1a003bbd38f3e83e82bde"
        "1ec995ce4d53d2a76a93caab08324c49a5bf27f7b38c3ada6dfbb54c4e170135"
        "a5a011e7c47612d5f8e2b4b328e23c061bc0ef6a91d81c0ec690e0a3344940e3"
        "16accdf38f45583a489983989401562d9db20c304e3a43"
        ),
    )
    .unwrap()
}
