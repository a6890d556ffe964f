//! The vectors of the standards.

use crate::{Given, agreements, providers};
use hex_literal::hex;
use ssh_crypto::{Curve, KeyAgreement, KeyPair, PrivateKey, Signer, rust_crypto};
use ssh_wire::{Encode, Mpint};

#[test]
fn x25519_of_rfc_7748() {
    // Section 6.1.
    let alice = hex!("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let alice_public = hex!("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let bob = hex!("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob_public = hex!("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let shared = hex!("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    for [x25519, ..] in agreements() {
        agree(x25519, &alice, &alice_public, &bob_public, &shared);
        agree(x25519, &bob, &bob_public, &alice_public, &shared);
    }
}

#[test]
fn ecdh_of_nist() {
    // CAVP, KAS_ECC_CDH_PrimitiveTest, the first of each curve.
    let p256 = [
        hex!("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534").as_slice(),
        &hex!(
            "04ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230"
            "28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141"
        ),
        &hex!(
            "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
            "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"
        ),
        &hex!("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"),
    ];
    let p384 = [
        hex!(
            "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b1"
            "5618b6818a661774ad463b205da88cf699ab4d43c9cf98a1"
        )
        .as_slice(),
        &hex!(
            "049803807f2f6d2fd966cdd0290bd410c0190352fbec7ff6247de1302df86f25d34fe4a97bef60cff548355c015dbb3e5f"
            "ba26ca69ec2f5b5d9dad20cc9da711383a9dbe34ea3fa5a2af75b46502629ad54dd8b7d73a8abb06a3a3be47d650cc99"
        ),
        &hex!(
            "04a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c58e0c50066"
            "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b060992b468c64766fc8437a"
        ),
        &hex!(
            "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f4"
            "0ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1"
        ),
    ];
    let p521 = [
        hex!(
            "017eecc07ab4b329068fba65e56a1f8890aa935e57134ae0ffcce802735151f4ea"
            "c6564f6ee9974c5e6887a1fefee5743ae2241bfeb95d5ce31ddcb6f9edb4d6fc47"
        )
        .as_slice(),
        &[],
        &hex!(
            "0400685a48e86c79f0f0875f7bc18d25eb5fc8c0b07e5da4f4370f3a9490340854"
            "334b1e1b87fa395464c60626124a4e70d0f785601d37c09870ebf176666877a2046d"
            "01ba52c56fc8776d9e8f5db4f0cc27636d0b741bbe05400697942e80b739884a83"
            "bde99e0f6716939e632bc8986fa18dccd443a348b6c3e522497955a4f3c302f676"
        ),
        &hex!(
            "005fc70477c3e63bc3954bd0df3ea0d1f41ee21746ed95fc5e1fdf90930d5e1366"
            "72d72cc770742d1711c3c3a4c334a0ad9759436a4d3c5bf6e74b9578fac148c831"
        ),
    ];
    for [_, nistp256, nistp384, nistp521] in agreements() {
        for (suite, [private, public, peer, shared]) in [(nistp256, p256), (nistp384, p384), (nistp521, p521)]
        {
            agree(suite, private, public, peer, shared);
        }
    }
}

/// An empty `public` is not compared.
fn agree(suite: &dyn KeyAgreement, private: &[u8], public: &[u8], peer: &[u8], shared: &[u8]) {
    let private = suite.generate(&Given::new(private)).unwrap();
    assert!(public.is_empty() || private.public() == public);
    assert_eq!(*private.agree(peer).unwrap(), *shared);
}

#[test]
fn ed25519_of_rfc_8032() {
    // Section 7.1, the first three.
    for (seed, public, message, signature) in [
        (
            hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            hex!("").as_slice(),
            hex!(
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            hex!("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
            &hex!("72"),
            hex!(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            hex!("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            hex!("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
            &hex!("af82"),
            hex!(
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ] {
        let key = PrivateKey::ed25519(&seed);
        assert_eq!(key, PrivateKey::Ed25519 { seed: seed.as_slice().into(), public });
        for provider in providers() {
            let signing = provider.signature("ssh-ed25519").unwrap().signing_key(&key).unwrap();
            assert_eq!(signing.sign(message).unwrap(), signature);
        }
    }
}

#[test]
fn ecdsa_of_rfc_6979() {
    // Sections A.2.5 to A.2.7, with the curve's own hash. AWS-LC takes other nonces, so it verifies only.
    let p256 = (
        Curve::P256,
        hex!("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").as_slice(),
        b"test".as_slice(),
        hex!("f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367").as_slice(),
        hex!("019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083").as_slice(),
    );
    let p384 = (
        Curve::P384,
        hex!(
            "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba"
            "9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5"
        )
        .as_slice(),
        b"sample".as_slice(),
        hex!(
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa7"
            "3d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
        )
        .as_slice(),
        hex!(
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526"
            "203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
        )
        .as_slice(),
    );
    let p521 = (
        Curve::P521,
        hex!(
            "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75ca"
            "a896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538"
        )
        .as_slice(),
        b"sample".as_slice(),
        hex!(
            "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f17"
            "4e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa"
        )
        .as_slice(),
        hex!(
            "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af28"
            "2623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a"
        )
        .as_slice(),
    );
    for (curve, scalar, message, r, s) in [p256, p384, p521] {
        let key = PrivateKey::ecdsa(curve, scalar).unwrap();
        let mut numbers = Vec::new();
        Mpint::from_unsigned(r).encode(&mut numbers);
        Mpint::from_unsigned(s).encode(&mut numbers);
        verify_and_resign(&key, curve.key_type(), message, &numbers);
    }
}

#[test]
fn dsa_of_rfc_6979() {
    // Section A.2.1, with SHA-1.
    let key = crate::dsa::key();
    let signature = hex!("2e1a0c2562b2912caaf89186fb0f42001585da5529efb6b0aff2d7a68eb70ca313022253b9a88df5");
    verify_and_resign(&key, "ssh-dss", b"sample", &signature);
    let signature = hex!("42ab2052fd43e123f0607f115052a67dcd9c5c77183916b0230d45b9931491d4c6b0bd2fb4aaf088");
    verify_and_resign(&key, "ssh-dss", b"test", &signature);
}

/// Verifies everywhere; RustCrypto makes the same.
fn verify_and_resign(key: &PrivateKey, algorithm: &str, message: &[u8], signature: &[u8]) {
    let mut blob = Vec::new();
    algorithm.encode(&mut blob);
    signature.encode(&mut blob);
    for provider in providers() {
        provider.verify(algorithm, &key.public_key(), message, &blob).unwrap();
    }
    let pair = KeyPair::with_legacy(key, &rust_crypto::provider()).unwrap();
    assert_eq!(pair.sign(algorithm, message).unwrap(), blob);
}
