//! A cipher and a MAC made into one suite: encrypt-and-MAC (RFC 4253 §6.4) or encrypt-then-MAC (OpenSSH PROTOCOL §1.5).

use super::{
    PlainCipher, Transform,
    parts::{split, wipe},
};
use crate::{Mac, MacAlgorithm};
use ssh_wire::{Corrupt, Layout, Open, Seal, packet::LENGTH_SIZE};

/// The receiving half of `cipher` and `mac`, with keys and IV of their sizes.
pub fn opener(
    cipher: &dyn PlainCipher,
    mac: &dyn MacAlgorithm,
    key: &[u8],
    iv: &[u8],
    mac_key: &[u8],
) -> Box<dyn Open> {
    let (transform, layout, mac_keyed) = (cipher.decryptor(key, iv), layout(cipher, mac), mac.keyed(mac_key));
    if mac.is_etm() {
        Box::new(EncryptThenMac { transform, mac: mac_keyed, layout })
    } else {
        Box::new(EncryptAndMac { transform, mac: mac_keyed, layout })
    }
}

/// The sending half of `cipher` and `mac`, with keys and IV of their sizes.
pub fn sealer(
    cipher: &dyn PlainCipher,
    mac: &dyn MacAlgorithm,
    key: &[u8],
    iv: &[u8],
    mac_key: &[u8],
) -> Box<dyn Seal> {
    let (transform, layout, mac_keyed) = (cipher.encryptor(key, iv), layout(cipher, mac), mac.keyed(mac_key));
    if mac.is_etm() {
        Box::new(EncryptThenMac { transform, mac: mac_keyed, layout })
    } else {
        Box::new(EncryptAndMac { transform, mac: mac_keyed, layout })
    }
}

fn layout(cipher: &dyn PlainCipher, mac: &dyn MacAlgorithm) -> Layout {
    let etm = mac.is_etm();
    Layout {
        head: if etm { LENGTH_SIZE } else { cipher.block_len() },
        align: cipher.block_len().max(8),
        length_aligned: !etm,
        tag: mac.tag_len(),
        mask_errors: cipher.is_cbc() && !etm,
    }
}

/// The length is encrypted with the rest; the MAC covers the plaintext.
struct EncryptAndMac {
    transform: Box<dyn Transform>,
    mac: Box<dyn Mac>,
    layout: Layout,
}

impl Open for EncryptAndMac {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn length(&mut self, _seq: u32, head: &mut [u8]) -> u32 {
        self.transform.apply(head);
        read_length(head)
    }

    fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Corrupt> {
        let (covered, tag) = split(packet, self.layout)?;
        let behind_head = covered.get_mut(self.layout.head..).ok_or(Corrupt)?;
        self.transform.apply(behind_head);
        self.mac.verify(seq, covered, tag)
    }
}

impl Seal for EncryptAndMac {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn seal(&mut self, seq: u32, packet: &mut [u8]) {
        let Ok((covered, tag)) = split(packet, self.layout) else { return wipe(packet) };
        self.mac.sign(seq, covered, tag);
        self.transform.apply(covered);
    }
}

/// The length is in the clear; the MAC covers it and the ciphertext.
struct EncryptThenMac {
    transform: Box<dyn Transform>,
    mac: Box<dyn Mac>,
    layout: Layout,
}

impl Open for EncryptThenMac {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn length(&mut self, _seq: u32, head: &mut [u8]) -> u32 {
        read_length(head)
    }

    fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Corrupt> {
        let (covered, tag) = split(packet, self.layout)?;
        self.mac.verify(seq, covered, tag)?;
        self.transform.apply(&mut covered[LENGTH_SIZE..]);
        Ok(())
    }
}

impl Seal for EncryptThenMac {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn seal(&mut self, seq: u32, packet: &mut [u8]) {
        let Ok((covered, tag)) = split(packet, self.layout) else { return wipe(packet) };
        self.transform.apply(&mut covered[LENGTH_SIZE..]);
        self.mac.sign(seq, covered, tag);
    }
}

fn read_length(head: &[u8]) -> u32 {
    head.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
