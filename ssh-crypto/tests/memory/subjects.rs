//! What uses secrets, and which secrets those are.

use crate::dsa;
use crypto_bigint::{BoxedUint, NonZero, Resize};
use hex_literal::hex;
use sha2::{Digest, Sha512};
use ssh_crypto::{
    Curve, Kem, KeyAgreement, KeyPair, PrivateKey, Provider, Secret, Signer, key::KeyKind, rust_crypto,
};
use testing::{
    Seeded,
    memory::{Sought, Subject},
};

pub(crate) fn subjects() -> Vec<Subject> {
    let mut all = vec![];
    all.extend([
        ml_kem("ML-KEM-768", rust_crypto::MLKEM768, 3),
        ml_kem("ML-KEM-1024", rust_crypto::MLKEM1024, 4),
    ]);
    all.push(sntrup761());
    all.push(rsa_key());
    for (back_end, provider, agreements) in back_ends() {
        for (name, agreement, len) in agreements {
            all.push(diffie_hellman(format!("{back_end} {name}"), agreement, len));
        }
        all.push(signature(back_end, &provider, "ssh-ed25519", ed25519, ed25519_secrets));
        all.push(signature(back_end, &provider, "ssh-mldsa44-ed25519", mldsa44_ed25519, |sought| {
            sought.add(&Seeded::new(12).bytes(64));
        }));
        for (curve, seed) in [(Curve::P256, 13), (Curve::P384, 14), (Curve::P521, 15)] {
            let key = move || PrivateKey::generate(KeyKind::Ecdsa(curve), &Seeded::new(seed)).unwrap();
            all.push(signature(back_end, &provider, curve.key_type(), key, move |sought| {
                sought.add(&Seeded::new(seed).bytes(curve.field_len()));
            }));
        }
        for algorithm in ["rsa-sha2-512", "ssh-rsa"] {
            let numbers = move |sought: &mut Sought| RSA_2048.secrets(sought);
            all.push(signature(back_end, &provider, algorithm, || RSA_2048.key(), numbers));
        }
        all.push(signature(back_end, &provider, "ssh-dss", dsa::key, |sought| {
            sought.add(&dsa::X);
            // RFC 6979 §A.2.1: k of "sample" with SHA-1.
            sought.add(&hex!("7bdb6b0ff756e1bb5d53583ef979082f9ad5bd5b"));
        }));
    }
    all
}

type Agreements = Vec<(&'static str, &'static dyn KeyAgreement, usize)>;

macro_rules! back_end {
    ($module:ident) => {
        (
            stringify!($module),
            ssh_crypto::$module::provider(),
            vec![
                ("X25519", ssh_crypto::$module::X25519, 32),
                ("ECDH on nistp256", ssh_crypto::$module::NISTP256, 32),
                ("ECDH on nistp384", ssh_crypto::$module::NISTP384, 48),
                ("ECDH on nistp521", ssh_crypto::$module::NISTP521, 66),
            ],
        )
    };
}

fn back_ends() -> Vec<(&'static str, Provider, Agreements)> {
    vec![
        back_end!(rust_crypto),
        #[cfg(feature = "aws-lc")]
        back_end!(aws_lc),
    ]
}

fn ml_kem(name: &str, kem: &'static dyn Kem, rank: usize) -> Subject {
    let run = |steps| encapsulated(kem, [1, 2], steps);
    Subject::new(name.to_owned(), run, move |sought| {
        let seed = Seeded::new(1).bytes(64);
        // d, z and m.
        sought.add(&seed[..32]);
        sought.add(&seed[32..]);
        sought.add(&Seeded::new(2).bytes(32));
        let private = match rank {
            3 => libcrux_ml_kem::mlkem768::generate_key_pair(seed.try_into().unwrap()).sk().to_vec(),
            _ => libcrux_ml_kem::mlkem1024::generate_key_pair(seed.try_into().unwrap()).sk().to_vec(),
        };
        // 12 bits for each coefficient of the secret vector.
        let vector = &private[..384 * rank];
        sought.add(vector);
        let numbers = vector.as_chunks().0.iter().flat_map(|&[low, middle, high]: &[u8; 3]| {
            let bits = u32::from_le_bytes([low, middle, high, 0]);
            [(bits & 0xfff) as i16, (bits >> 12) as i16]
        });
        sought.add_numbers(numbers);
    })
}

fn encapsulated(kem: &dyn Kem, seeds: [u64; 2], steps: usize) -> Vec<Secret> {
    let [private, message] = seeds.map(Seeded::new);
    let pair = kem.generate(&private).unwrap();
    if steps == 0 {
        return vec![];
    }
    let (ciphertext, secret) = kem.encapsulate(pair.public(), &message).unwrap();
    if steps == 1 {
        return vec![secret];
    }
    vec![secret, pair.decapsulate(&ciphertext).unwrap()]
}

fn sntrup761() -> Subject {
    const P: usize = 761;
    let kem = rust_crypto::SNTRUP761;
    let run = |steps| encapsulated(kem, [3, 4], steps);
    Subject::new("sntrup761".to_owned(), run, |sought| {
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
        };
        let (private, message) = (Seeded::new(3), Seeded::new(4));
        let g = private.bytes(4 * P);
        sought.add(&g);
        sought.add_small(words(&g).iter().map(|number| (((number & 0x3fff_ffff) * 3) >> 30) as i16 - 1));
        for source in [&private, &message] {
            let short = source.bytes(4 * P);
            sought.add(&short);
            let mut numbers = words(&short);
            for (at, number) in numbers.iter_mut().enumerate() {
                *number = if at < 286 { *number & !1 } else { (*number & !3) | 1 };
            }
            numbers.sort_unstable();
            sought.add(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
            let small: Vec<i16> = numbers.iter().map(|number| (number & 3) as i16 - 1).collect();
            let fours = small.chunks(4);
            let encoded = fours.map(|some| some.iter().rev().fold(0, |byte, x| byte << 2 | (x + 1) as u8));
            sought.add(&encoded.collect::<Vec<_>>());
            sought.add_small(small);
        }
        sought.add(&private.bytes(P.div_ceil(4)));
    })
}

fn diffie_hellman(name: String, agreement: &'static dyn KeyAgreement, len: usize) -> Subject {
    let run = |steps| {
        let [one, other] = [5, 6].map(|seed| agreement.generate(&Seeded::new(seed)).unwrap());
        let (first, second) = (one.public().to_vec(), other.public().to_vec());
        match steps {
            0 => vec![],
            1 => vec![one.agree(&second).unwrap()],
            _ => vec![one.agree(&second).unwrap(), other.agree(&first).unwrap()],
        }
    };
    Subject::new(name, run, move |sought| {
        [5, 6].iter().for_each(|&seed| sought.add(&Seeded::new(seed).bytes(len)));
    })
}

fn signature(
    back_end: &str,
    provider: &Provider,
    algorithm: &'static str,
    key: impl Fn() -> PrivateKey + Sync + 'static,
    secrets: impl Fn(&mut Sought) + 'static,
) -> Subject {
    let provider = provider.clone();
    let run = move |steps| {
        let key = key();
        if steps > 0 {
            let pair = KeyPair::with_legacy(&key, &provider).unwrap();
            if steps > 1 {
                pair.sign(algorithm, MESSAGE).unwrap();
            }
        }
        vec![]
    };
    Subject::new(format!("{back_end} {algorithm}"), run, secrets)
}

const MESSAGE: &[u8] = b"sample";

fn ed25519() -> PrivateKey {
    PrivateKey::generate(KeyKind::Ed25519, &Seeded::new(11)).unwrap()
}

/// RFC 8032 §5.1.5 and §5.1.6.
fn ed25519_secrets(sought: &mut Sought) {
    let seed = Seeded::new(11).bytes(32);
    let order = hex!("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    let order = NonZero::new(BoxedUint::from_be_slice_vartime(&order).resize(512)).unwrap();
    let reduced = |number: &[u8]| BoxedUint::from_le_slice_vartime(number).resize(512).rem_vartime(&order);
    let mut expanded = Sha512::digest(&seed);
    sought.add(&seed);
    sought.add(&expanded);
    let nonce = Sha512::digest([&expanded[32..], MESSAGE].concat());
    sought.add(&nonce);
    sought.add(&reduced(&nonce).to_le_bytes()[..32]);
    expanded[0] &= 248;
    expanded[31] = expanded[31] & 127 | 64;
    sought.add(&expanded[..32]);
    sought.add(&reduced(&expanded[..32]).to_le_bytes()[..32]);
}

fn mldsa44_ed25519() -> PrivateKey {
    PrivateKey::generate(KeyKind::MlDsa44Ed25519, &Seeded::new(12)).unwrap()
}

/// An RSA key is generated, and dropped.
fn rsa_key() -> Subject {
    let generate = || PrivateKey::generate(KeyKind::Rsa { bits: 2048 }, &Seeded::new(16)).unwrap();
    let run = move || drop(generate());
    Subject::in_one("RSA key generation", run, move |sought| {
        let PrivateKey::Rsa { n, d, p, q, .. } = &generate() else { unreachable!() };
        Rsa { n, d, p, q }.secrets(sought);
    })
}

/// The numbers of an RSA key. They stand where nothing is written, which is not looked at.
struct Rsa<'a> {
    n: &'a [u8],
    d: &'a [u8],
    p: &'a [u8],
    q: &'a [u8],
}

impl Rsa<'_> {
    fn key(&self) -> PrivateKey {
        PrivateKey::rsa(&[1, 0, 1], self.n, self.d, self.p, self.q).unwrap()
    }

    fn secrets(&self, sought: &mut Sought) {
        [self.d, self.p, self.q].into_iter().for_each(|number| sought.add(number));
        let bits = 8 * self.n.len() as u32;
        let number = |bytes| BoxedUint::from_be_slice(bytes, bits).unwrap();
        let (d, p, q) = (number(self.d), number(self.p), number(self.q));
        let one = BoxedUint::one_with_precision(bits);
        for prime in [&p, &q] {
            let less = NonZero::new(prime - &one).unwrap();
            sought.add(&d.rem_vartime(&less).to_be_bytes()[self.n.len() - self.p.len() + 1..]);
        }
        let inverse = q.invert_mod(&NonZero::new(p).unwrap()).unwrap();
        sought.add(&inverse.to_be_bytes()[self.n.len() - self.p.len() + 1..]);
    }
}

/// Made for this test by OpenSSL.
static RSA_2048: Rsa<'_> = Rsa {
    n: &hex!(
        "ccee23e5256596d5ad9b28731875dd345e919d9d152c4e01c6b6fb2b72544e38"
        "6030bffcc6d458a4bc9af2b23934310599a3e285d19688fe113ac301ca1e12ca"
        "bc643eb7bda53e751dfcf2c5579a9474a013e24c549ff05396318449cfea19b3"
        "5e96d48811501ce5000e5e04ca61a6da4602cee66b5845154a209bbedb3f3252"
        "8a2edfa6e4bc68edd871b9eb228fe74d65484a341b868cf194a644bbb3b5401c"
        "4b67661630d85c6e919a2f54e0681f738d29efad9500fe5e8e55a32c704c4a87"
        "8d9d882cc64d071e3f3a6923ef90416008d951190906ecfcd3d3d83be622e2fc"
        "a842ac3ae1dc1a85207f81b5e25cdd51fc7bdf9f394aecdf02873824755d98bb"
    ),
    d: &hex!(
        "3c02ba99363fcf1148b2e87ff7d8400c3f6b45ec0390c3512ad757ab0be25b3b"
        "9013868d27ce741cddac4448e38e809282c0e6ab484a5c5886441e69ee3dab44"
        "1a3202d9bc9be0b3dc31c0080114dfc75d3f256433ddd83b29fedb1de0584de9"
        "645827e9a6a43ea9e2bfd25175d06dd37a7005159db6ae18436a54216a43d1e0"
        "a9fb5e8f7aaabb289fe3f48a2c4aa6bc2b1709750c8f9138bb4866d19f930e8e"
        "3a9531331f30241dce87f635ade0eee2af8e9a53c51ae337caa13e3375a918fe"
        "50a089db4583ea5e4ccf730fe9bd57430bf15d790f928b3715613f278688bd46"
        "b2965635fde9b69b1cd06ee18cdea9998a2098ff88ab187deb93908dfc94e2a5"
    ),
    p: &hex!(
        "fe53d8531d79b3148072c4c2e1bce69f7eef49b9499220340369a31e747dbb97"
        "ff3a405ecff270c0c902e585f3cfeef7533c2d32b47b7bb140ddf4749d46f504"
        "ccdfc548555eb2b17e8098c92f76fe7864d1161d62bb7212bdac4496bd171c8e"
        "341b4da9902d625839b4b519149bac22488aa64bbe7d0b24de2d15942dc9f25f"
    ),
    q: &hex!(
        "ce4722cb762e90522b7ec306d3cc5db3f029a07f022791ffeaa94c4d850d52ea"
        "ed85ad1427877b3e3b71e52cd9ecbadf217e7c3cbcb267f157679fd2753b5cd0"
        "addad74f829f7bac32d38c06ad01c03c33be5d90e36d5ba38c210bf622382d64"
        "26a7007eb58cf6d870440979175b94b52c1b63390f22845f4b50f2fec4460f25"
    ),
};
