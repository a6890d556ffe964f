//! Whole suites, packet by packet: each back end seals what the other opens, and nothing that was altered is opened.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use ssh_crypto::{
    Cipher, Corrupt, Layout, MacAlgorithm, Open, Provider, Seal,
    cipher::{opener, sealer},
    rust_crypto,
};
use ssh_wire::{
    Decoder, Encoder,
    packet::{MAX_PACKET, PacketError},
};

/// Every back end, as the one that seals and the one that opens.
fn pairs() -> Vec<(Provider, Provider)> {
    let back_ends = [
        rust_crypto::provider(),
        #[cfg(feature = "aws-lc")]
        ssh_crypto::aws_lc::provider(),
    ];
    back_ends
        .iter()
        .flat_map(|sealing| back_ends.iter().map(|opening| (sealing.clone(), opening.clone())))
        .collect()
}

/// The names of a suite, which mean the same in every back end.
#[derive(Debug, Clone, Copy)]
struct Suite {
    cipher: &'static str,
    /// Unused by an AEAD.
    mac: &'static str,
}

const MACS: [&str; 2] = ["hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"];

impl Suite {
    /// Every cipher with a MAC of each kind, and every MAC with a cipher.
    fn all() -> Vec<Self> {
        let provider = ssh_crypto::default_provider();
        let ciphers = provider.ciphers.iter().flat_map(|cipher| {
            let macs = if matches!(cipher, Cipher::Aead(_)) { &MACS[..1] } else { &MACS };
            macs.iter().map(|mac| Self { cipher: cipher.name(), mac })
        });
        let macs = provider.macs.iter().map(|mac| Self { cipher: "aes128-ctr", mac: mac.name() });
        ciphers.chain(macs).collect()
    }

    fn mac(&self, provider: &Provider) -> &'static dyn MacAlgorithm {
        provider.mac(self.mac).unwrap()
    }

    fn sealer(&self, provider: &Provider) -> Box<dyn Seal> {
        let (cipher, mac) = (provider.cipher(self.cipher).unwrap(), self.mac(provider));
        let (key, iv, mac_key) =
            (bytes(1, cipher.key_len()), bytes(2, cipher.iv_len()), bytes(3, mac.key_len()));
        match cipher {
            Cipher::Aead(cipher) => cipher.sealer(&key, &iv),
            Cipher::Plain(cipher) => sealer(cipher, mac, &key, &iv, &mac_key),
        }
    }

    fn opener(&self, provider: &Provider) -> Box<dyn Open> {
        let (cipher, mac) = (provider.cipher(self.cipher).unwrap(), self.mac(provider));
        let (key, iv, mac_key) =
            (bytes(1, cipher.key_len()), bytes(2, cipher.iv_len()), bytes(3, mac.key_len()));
        match cipher {
            Cipher::Aead(cipher) => cipher.opener(&key, &iv),
            Cipher::Plain(cipher) => opener(cipher, mac, &key, &iv, &mac_key),
        }
    }
}

/// Key material.
fn bytes(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u8).wrapping_mul(151).wrapping_add(seed.wrapping_mul(83))).collect()
}

/// A packet in the clear, with room for the tag.
fn packet(layout: Layout, payload: &[u8]) -> Vec<u8> {
    let aligned = 1 + payload.len() + if layout.length_aligned { 4 } else { 0 };
    let padding = 4 + (layout.align - (aligned + 4) % layout.align) % layout.align;
    let length = (1 + payload.len() + padding) as u32;
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend_from_slice(payload);
    packet.resize(4 + length as usize + layout.tag, 0x55);
    packet
}

fn seal(seal: &mut dyn Seal, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = packet(Seal::layout(seal), payload);
    seal.seal(seq, &mut packet);
    packet
}

/// The length and the payload.
fn open(open: &mut dyn Open, seq: u32, mut packet: Vec<u8>) -> Result<(u32, Vec<u8>), Corrupt> {
    let Layout { head, tag, .. } = Open::layout(open);
    let length = open.length(seq, &mut packet[..head]);
    open.open(seq, &mut packet)?;
    let padding = usize::from(packet[4]);
    Ok((length, packet[5..packet.len() - tag - padding].to_vec()))
}

#[test]
fn layouts() {
    let layout = |cipher, mac| {
        let provider = ssh_crypto::default_provider();
        let suite = Suite { cipher, mac };
        let layout = suite.opener(&provider).layout();
        assert_eq!(layout, suite.sealer(&provider).layout());
        (layout.head, layout.align, layout.length_aligned, layout.tag, layout.mask_errors)
    };
    let etm = "hmac-sha2-512-etm@openssh.com";
    assert_eq!(layout("aes128-gcm@openssh.com", etm), (4, 16, false, 16, false));
    assert_eq!(layout("aes256-gcm@openssh.com", etm), (4, 16, false, 16, false));
    assert_eq!(layout("chacha20-poly1305@openssh.com", etm), (4, 8, false, 16, false));
    assert_eq!(layout("aes128-ctr", "hmac-sha2-256"), (16, 16, true, 32, false));
    assert_eq!(layout("aes128-ctr", etm), (4, 16, false, 64, false));
    assert_eq!(layout("aes256-cbc", "hmac-sha1"), (16, 16, true, 20, true));
    assert_eq!(layout("aes256-cbc", etm), (4, 16, false, 64, false));
    assert_eq!(layout("3des-cbc", "hmac-sha1-96"), (8, 8, true, 12, true));
    assert_eq!(layout("blowfish-ctr", "hmac-md5"), (8, 8, true, 16, false));
}

#[test]
fn every_suite_goes_through_encoder_and_decoder() {
    for suite in Suite::all() {
        for (sealing, opening) in pairs() {
            let mut encoder = Encoder::new(|padding| padding.fill(0xcc));
            let mut decoder = Decoder::new(MAX_PACKET);
            encoder.set_seal(suite.sealer(&sealing), false);
            decoder.set_open(suite.opener(&opening), false);
            let payloads: Vec<_> = [1, 2, 7, 8, 9, 15, 16, 17, 100, 3000].map(|len| bytes(9, len)).into();
            for payload in &payloads {
                let mut packet = encoder.packet();
                packet.push(&ssh_wire::Rest(payload));
                packet.send();
            }
            // In pieces that fit to nothing.
            let mut received = Vec::new();
            for piece in encoder.output().chunks(37) {
                decoder.push(piece);
                while let Some(packet) = decoder.decode().unwrap() {
                    received.push(packet.payload.to_vec());
                }
            }
            assert_eq!(received, payloads, "{suite:?}");
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for suite in Suite::all() {
        for (sealing, opening) in pairs() {
            let sealed = seal(&mut *suite.sealer(&sealing), 3, b"payload");
            for bit in 0..sealed.len() * 8 {
                let mut altered = sealed.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                let result = open(&mut *suite.opener(&opening), 3, altered);
                assert_eq!(result, Err(Corrupt), "{suite:?}, bit {bit}");
            }
            open(&mut *suite.opener(&opening), 3, sealed).unwrap();
        }
    }
}

#[test]
fn packets_out_of_place_are_found() {
    for suite in Suite::all() {
        for (sealing, opening) in pairs() {
            let mut sealer = suite.sealer(&sealing);
            let first = seal(&mut *sealer, u32::MAX, b"first");
            let second = seal(&mut *sealer, 0, b"second");
            // AES-GCM counts on its own, and takes no notice of the sequence number.
            if !suite.cipher.contains("gcm") {
                for seq in [0, u32::MAX - 1, 0x7fff_ffff] {
                    assert_eq!(
                        open(&mut *suite.opener(&opening), seq, first.clone()),
                        Err(Corrupt),
                        "{suite:?}"
                    );
                }
            }
            let result = open(&mut *suite.opener(&opening), u32::MAX, second.clone());
            assert_eq!(result, Err(Corrupt), "{suite:?}: the first packet is missing");
            let mut opener = suite.opener(&opening);
            open(&mut *opener, u32::MAX, first.clone()).unwrap();
            assert_eq!(open(&mut *opener, 0, first), Err(Corrupt), "{suite:?}: a packet twice");
        }
    }
}

#[test]
fn impossible_sizes_are_neither_opened_nor_sent() {
    for suite in Suite::all() {
        for (sealing, opening) in pairs() {
            let Layout { align, length_aligned, tag, .. } = suite.sealer(&sealing).layout();
            let covered = if length_aligned { 0 } else { 4 };
            for len in 0..covered + 2 * align + tag {
                let body = len.checked_sub(tag + covered).filter(|&body| body > 0);
                if body.is_some_and(|body| body.is_multiple_of(align)) {
                    continue;
                }
                let mut packet = vec![0x5a; len];
                suite.sealer(&sealing).seal(0, &mut packet);
                assert_eq!(packet, vec![0; len], "{suite:?}");
                let mut packet = vec![0x5a; len];
                assert_eq!(suite.opener(&opening).open(0, &mut packet), Err(Corrupt), "{suite:?}");
            }
        }
    }
}

#[test]
fn impossible_lengths_are_errors_before_anything_is_gathered() {
    // Aligned in no layout, and neither are the numbers beside it.
    const MAX: usize = 4098;
    for suite in Suite::all() {
        for (sealing, opening) in pairs() {
            let Layout { head, align, length_aligned, tag, .. } = suite.sealer(&sealing).layout();
            // CBC under a MAC of the plaintext, whose errors must look alike.
            let masked = suite.cipher.contains("-cbc") && !suite.mac.contains("-etm");
            let over = MAX.next_multiple_of(align) + if length_aligned { align - 4 } else { 0 };
            let lengths = [0, 1, 4, align - 1, MAX - 1, MAX + 1, over, 1 << 31, u32::MAX as usize];
            for length in lengths.map(|length| length as u32) {
                let mut packet = packet(suite.sealer(&sealing).layout(), b"payload");
                packet[..4].copy_from_slice(&length.to_be_bytes());
                suite.sealer(&sealing).seal(0, &mut packet);
                let mut decoder = Decoder::new(MAX);
                decoder.set_open(suite.opener(&opening), false);
                decoder.push(&packet[..head - 1]);
                assert_eq!(decoder.decode(), Ok(None), "{suite:?}, {length}");
                decoder.push(&packet[head - 1..head]);
                let error = if masked {
                    // It goes on as if it were the largest packet, of which nothing is kept.
                    for _ in head..4 + MAX + tag {
                        assert_eq!(decoder.decode(), Ok(None), "{suite:?}, {length}");
                        assert!(decoder.buffered().is_empty());
                        decoder.push(&[0x55]);
                    }
                    PacketError::Corrupt(Corrupt)
                } else {
                    PacketError::Length(length)
                };
                assert_eq!(decoder.decode(), Err(error), "{suite:?}, {length}");
                decoder.push(&packet[head..]);
                assert_eq!(decoder.decode(), Err(error), "{suite:?}, {length}");
                assert!(decoder.space().len() < 1 << 20, "{suite:?}, {length}");
            }
        }
    }
}

#[test]
fn keys_of_the_wrong_size_open_and_send_nothing() {
    for (provider, _) in pairs() {
        for cipher in provider.ciphers.iter() {
            let Cipher::Aead(cipher) = cipher else { continue };
            let (key_len, iv_len) = (cipher.key_len(), cipher.iv_len());
            for (key, iv) in [
                (bytes(1, key_len - 1), bytes(2, iv_len)),
                (bytes(1, key_len + 1), bytes(2, iv_len)),
                (vec![], bytes(2, iv_len)),
            ] {
                let sealed = seal(&mut *cipher.sealer(&key, &iv), 0, b"payload");
                assert!(sealed.iter().all(|&byte| byte == 0), "{cipher:?}");
                let sealed = seal(&mut *cipher.sealer(&bytes(1, key_len), &bytes(2, iv_len)), 0, b"payload");
                assert_eq!(open(&mut *cipher.opener(&key, &iv), 0, sealed), Err(Corrupt), "{cipher:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn each_back_end_opens_what_the_other_seals(
        lens in prop::collection::vec(1usize..40_000, 1..6),
        first_seq in prop_oneof![Just(0), Just(u32::MAX - 1), any::<u32>()],
    ) {
        for suite in Suite::all() {
            // The slow ones meet fewer long packets.
            let slow = suite.cipher.starts_with("3des") || suite.cipher.starts_with("blowfish");
            for (sealing, opening) in pairs() {
                let (mut sealer, mut opener) = (suite.sealer(&sealing), suite.opener(&opening));
                for (at, &len) in lens.iter().enumerate() {
                    let seq = first_seq.wrapping_add(at as u32);
                    let payload = bytes(at as u8, if slow { len % 4000 + 1 } else { len });
                    let sealed = seal(&mut *sealer, seq, &payload);
                    let length = (sealed.len() - 4 - Seal::layout(&*sealer).tag) as u32;
                    prop_assert_eq!(open(&mut *opener, seq, sealed), Ok((length, payload)), "{:?}", suite);
                }
            }
        }
    }
}

#[test]
fn what_is_offered_and_what_is_not() {
    for (provider, _) in pairs() {
        let (legacy, offered): (Vec<_>, Vec<_>) =
            provider.ciphers.iter().partition(|cipher| cipher.is_legacy());
        let names =
            |ciphers: &[&Cipher]| ciphers.iter().map(|cipher| cipher.name()).collect::<Vec<_>>().join(",");
        assert_eq!(
            names(&offered),
            "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,\
             aes128-ctr,aes192-ctr,aes256-ctr"
        );
        assert_eq!(
            names(&legacy),
            "aes256-cbc,rijndael-cbc@lysator.liu.se,aes192-cbc,aes128-cbc,3des-ctr,blowfish-ctr,3des-cbc,blowfish-cbc"
        );
        let macs = provider.macs.iter();
        let (legacy, offered): (Vec<_>, Vec<_>) =
            macs.map(|mac| (mac.name(), mac.is_legacy())).partition(|mac| mac.1);
        let names = |macs: &[(&str, bool)]| macs.iter().map(|mac| mac.0).collect::<Vec<_>>().join(",");
        assert_eq!(
            names(&offered),
            "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256,\
             hmac-sha2-512,umac-128@openssh.com,\
             hmac-sha1-etm@openssh.com,hmac-sha1"
        );
        assert_eq!(
            names(&legacy),
            "umac-64-etm@openssh.com,umac-64@openssh.com,hmac-sha1-96-etm@openssh.com,hmac-sha1-96,hmac-md5-etm@openssh.com,hmac-md5,\
             hmac-md5-96-etm@openssh.com,hmac-md5-96"
        );
    }
}
