//! Signing.

use crate::{
    Outcome,
    sample::{Bench, Class, SECRETS},
};
use hex_literal::hex;
use ssh_crypto::{
    Curve, KeyKind, KeyPair, PrivateKey, Provider, SecureRandom, Signer, aws_lc, random::SystemRandom,
    rust_crypto,
};

pub(crate) fn all(bench: &Bench) -> Outcome<()> {
    let new = |kind| PrivateKey::generate(kind, &SystemRandom);
    let rsa = new(KeyKind::Rsa { bits: 2048 })?;
    for (back_end, provider) in [("AWS-LC", aws_lc::provider()), ("RustCrypto", rust_crypto::provider())] {
        for (key, share) in [
            (&new(KeyKind::Ed25519)?, 5),
            (&new(KeyKind::Ecdsa(Curve::P256))?, 10),
            (&new(KeyKind::Ecdsa(Curve::P384))?, 40),
            (&new(KeyKind::Ecdsa(Curve::P521))?, 40),
            (&rsa, 100),
            (&dsa(), 50),
        ] {
            sign(bench, key, back_end, &provider, share)?;
        }
    }
    Ok(())
}

/// The same message or another one each time: the nonce of all but RSA comes of the message, or is another one each time.
fn sign(bench: &Bench, key: &PrivateKey, back_end: &str, provider: &Provider, share: usize) -> Outcome<()> {
    let pair = KeyPair::with_legacy(key, provider)?;
    let algorithm = pair.algorithms().first().copied().unwrap_or_default().to_owned();
    let message = |class: Class| {
        let mut message = [0; 64];
        SECRETS.begin(class);
        SECRETS.fill(&mut message)?;
        Ok(message)
    };
    let what = format!("{algorithm}, {back_end}");
    bench.compare(&what, "what is signed", share, message, |message| pair.sign(&algorithm, &message).is_ok())
}

/// A key of 1024 bits for nothing else. Its q begins with 0xff: RFC 6979 takes the first nonce below q, and where a tenth or
/// half of the candidates are not, their number varies with the message. It tells of no nonce, and would hide what does.
fn dsa() -> PrivateKey {
    PrivateKey::Dsa {
        p: hex!(
            "8f64bc2d4b0635f3ef62672317521ed1f4c4f3bba3ba79dc014065d5695fbc34"
            "8d243f7a0c0f688db3a9541cbb79024831e83cda66c115f848021f8a9b8368ce"
            "c78b406c2eb2f32bead8a13a418ad3a076523cc465dc8ea9f188748d64d8d875"
            "03bc8f1aa3e7075524c95bdd227809f25352243e7ceae6ea2bce2d4147fd40f9"
        )
        .to_vec(),
        q: hex!("ff5367d67a384b9cf66de425305203217c84fbbf").to_vec(),
        g: hex!(
            "11f2e2c33765e98d2890402f35e1ee93e24074788986ccb3b2f0f38d7ad8e5e6"
            "02bbec06bc83039b59795bd228570d113e08706df448d0b7c36da24921eff109"
            "8d8299d958b5a88e4fb12aee36e2aacd6a2d3b571a8df30e4f49705180524906"
            "3f830679421dfbb378e20a591b7dd2791a1de7cdb646e21e8f0811f33196a4ec"
        )
        .to_vec(),
        y: hex!(
            "6444e6976e10ca8ab7178bc18445103c0e0ad16dd71a6901485992fcc416cfd8"
            "1e8d6bb428d70cef05a67ee0962dcf72405779b58cf2d841ce62da586643258e"
            "3931ebaa9261a6a69b556f8cd0447f884fea221dddd6abe2f40a857295c41371"
            "dcb78ec80fae0bbff78e9f15e76e2781f7a466125dae42fae120b1ebfbcf9ec2"
        )
        .to_vec(),
        x: hex!("4634544c8c3102dbdb8e2e19fce6939b585c4c01").as_slice().into(),
    }
}
