//! Sealed packets as others make them.
#![allow(clippy::unwrap_used, clippy::panic)]

use hex_literal::hex;
use ssh_crypto::{Cipher, Provider, cipher::sealer, rust_crypto};

fn back_ends() -> Vec<Provider> {
    vec![
        rust_crypto::provider(),
        #[cfg(feature = "aws-lc")]
        ssh_crypto::aws_lc::provider(),
    ]
}

/// draft-ietf-sshm-chacha20-poly1305, appendix A.
#[test]
fn chacha20_poly1305_of_the_draft() {
    let key = hex!(
        "8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5"
        "e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740"
    );
    let plaintext = hex!(
        "00000048065e00000000000000384c6f72656d20697073756d20646f6c6f7220"
        "73697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c69744e43e804dc6c"
    );
    let expected = hex!(
        "2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705"
        "bbc378ce03a280236b87b53bed5839662302b164b6286a48cd1e097138e3cb90"
        "9b8b2b829dd18d2a35ff82d995349e855bf02c298ef775f2d1a7e8b8"
    );
    for provider in back_ends() {
        let Some(Cipher::Aead(cipher)) = provider.cipher("chacha20-poly1305@openssh.com") else { panic!() };
        let mut packet = [&plaintext[..], &[0; 16]].concat();
        cipher.sealer(&key, &[]).seal(7, &mut packet);
        assert_eq!(packet, expected);
        let mut opener = cipher.opener(&key, &[]);
        assert_eq!(opener.length(7, &mut packet[..4]), 0x48);
        assert_eq!(packet, expected, "the head is left as it was");
        opener.open(7, &mut packet).unwrap();
        assert_eq!(packet[4..plaintext.len()], plaintext[4..]);
    }
}

/// Two packets in a row, over the end of a byte of the invocation counter; from OpenSSL 3.
#[test]
fn aes_gcm_of_openssl() {
    let first = hex!("00000020125e6669727374207061636b6574aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let second = hex!("00000010085e7365636f6e64bbbbbbbbbbbbbbbb");
    let key: Vec<u8> = (0..32).collect();
    let iv: Vec<u8> = (0xf4..=0xff).collect();
    let cases = [
        (
            "aes128-gcm@openssh.com",
            hex!(
                "00000020270cf52766bac7a1de52a38a39d773611190f94890ee5fc08e7486b36f2aac33"
                "dcdcb894a2031889be11a8d7e0c562c7"
            ),
            hex!("00000010361abe3d2673fdc80c7fd9374c69b67d45d14d5ed4c8f22d057c13a499223d11"),
        ),
        (
            "aes256-gcm@openssh.com",
            hex!(
                "00000020f507c7194a2f2731211227a025c6c9a7f6eeb767666e9359f6e0d92ee3ada4d1"
                "d0eb088ddf8cb73abe173d740a80b5c7"
            ),
            hex!("0000001079eeffafabce523f813f3ba92661f091e5999df2dda7911cab978c49bf7c9370"),
        ),
    ];
    for provider in back_ends() {
        for (name, first_sealed, second_sealed) in &cases {
            let Some(Cipher::Aead(cipher)) = provider.cipher(name) else { panic!() };
            let mut sealer = cipher.sealer(&key[..cipher.key_len()], &iv);
            for (plaintext, sealed) in [(&first[..], &first_sealed[..]), (&second, second_sealed)] {
                let mut packet = [plaintext, &[0; 16]].concat();
                sealer.seal(9, &mut packet);
                assert_eq!(packet, sealed, "{name}");
            }
        }
    }
}

/// Two packets in a row, over the end of the sequence numbers; from OpenSSL 3.
#[test]
fn encrypt_and_mac_of_openssl() {
    let clear = [
        &hex!("0000001c0e5e6669727374207061636b6574aaaaaaaaaaaaaaaaaaaaaaaaaaaa")[..],
        &hex!("0000000c045e7365636f6e64bbbbbbbb"),
    ];
    // The MAC covers the plaintext, so it is the same under both ciphers.
    let tags = [
        hex!("e11526ae01a782aca4b3295a34c6806cc7985f3cef0a95cf148d7ef4fadeec49"),
        hex!("3f61d04a628f7b11492a9d3a31a3f09743703fba592317a4f275c3759ae33428"),
    ];
    let ctr = [
        &hex!("66a7c7f43a0c5721e522aa274377cec6d7f57daa1d3496070e07d911c436b540")[..],
        &hex!("d271925a780598f898eee53df429eeca"),
    ];
    let cbc = [
        &hex!("03fbebeb26625a4ecf26c6f14b6ed25398aa996e9dda6a570fa467b147b4d47a")[..],
        &hex!("17bff732fe0ebe6bff0d6eaf1c927bee"),
    ];
    combined("aes128-ctr", "hmac-sha2-256", clear, ctr, tags);
    combined("aes128-cbc", "hmac-sha2-256", clear, cbc, tags);
}

/// The same with the MAC over the ciphertext.
#[test]
fn encrypt_then_mac_of_openssl() {
    let clear = [
        &hex!("00000020125e6669727374207061636b6574aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")[..],
        &hex!("00000010085e7365636f6e64bbbbbbbbbbbbbbbb"),
    ];
    let encrypted = [
        &hex!("0000002074f9a18146214568e730bd6c56620707182b7daa1d3496070e07d911c436b540")[..],
        &hex!("00000010da2fe1331f3485f9403a30e2f429eeca"),
    ];
    let tags = [
        hex!("a8d8e2fbc26e8aa31f002307ac7c9143dadb8a710029a199a749a46be3924a28"),
        hex!("0d6dcae356d394a64fca90566b09f1b4c1c8d455c81ade595b14a38f52adf806"),
    ];
    combined("aes128-ctr", "hmac-sha2-256-etm@openssh.com", clear, encrypted, tags);
}

fn combined(cipher: &str, mac: &str, clear: [&[u8]; 2], encrypted: [&[u8]; 2], tags: [[u8; 32]; 2]) {
    let key: Vec<u8> = (0..16).collect();
    let iv: Vec<u8> = (0xf0..=0xff).collect();
    let mac_key: Vec<u8> = (0x40..0x60).collect();
    for provider in back_ends() {
        let Some(Cipher::Plain(plain)) = provider.cipher(cipher) else { panic!() };
        let mut sealer = sealer(plain, provider.mac(mac).unwrap(), &key, &iv, &mac_key);
        for (at, seq) in [u32::MAX, 0].into_iter().enumerate() {
            let mut packet = [clear[at], &[0; 32]].concat();
            sealer.seal(seq, &mut packet);
            assert_eq!(packet, [encrypted[at], &tags[at]].concat(), "{cipher} {mac}");
        }
    }
}
