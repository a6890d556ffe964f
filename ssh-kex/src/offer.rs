//! What we offer, as it stands in our KEXINITs (RFC 4253 §7.1).

use crate::Algorithms;
use ssh_wire::{Message, NameList, message::transport::KexInit};

/// The algorithms offered, each kind a name-list. A session keeps them as long as it lasts, for when the keys are renewed;
/// single names would take three times the memory.
#[derive(Debug)]
pub(crate) struct Offer {
    kex: Box<str>,
    host_key: Box<str>,
    /// Those of ciphers, MACs and compression methods, in KEXINIT's order.
    others: [Box<str>; 6],
}

impl Offer {
    pub(crate) fn new(algorithms: &Algorithms) -> Self {
        let others = [
            &algorithms.cipher_c2s,
            &algorithms.cipher_s2c,
            &algorithms.mac_c2s,
            &algorithms.mac_s2c,
            &algorithms.compression_c2s,
            &algorithms.compression_s2c,
        ];
        Self {
            kex: algorithms.kex.join(",").into(),
            host_key: algorithms.host_key.join(",").into(),
            others: others.map(|names| names.join(",").into()),
        }
    }

    /// The preferred key exchange method.
    pub(crate) fn first_kex(&self) -> Option<&str> {
        self.kex.split(',').next()
    }

    /// Offers no host key algorithms but these.
    pub(crate) fn limit_host_keys(&mut self, are_left: impl Fn(&str) -> bool) {
        let left: Vec<_> = self.host_key.split(',').filter(|name| are_left(name)).collect();
        self.host_key = left.join(",").into();
    }

    /// Our KEXINIT as a payload. In the first one, `markers` stand behind the key exchange methods.
    pub(crate) fn kexinit(
        &self,
        cookie: [u8; 16],
        markers: &[&str],
        first_kex_packet_follows: bool,
    ) -> Vec<u8> {
        let kex = [&[&*self.kex], markers].concat().join(",");
        let [cipher_c2s, cipher_s2c, mac_c2s, mac_s2c, compression_c2s, compression_s2c] = &self.others;
        KexInit {
            cookie,
            kex: kex.as_str().into(),
            host_key: (&*self.host_key).into(),
            cipher_c2s: (&**cipher_c2s).into(),
            cipher_s2c: (&**cipher_s2c).into(),
            mac_c2s: (&**mac_c2s).into(),
            mac_s2c: (&**mac_s2c).into(),
            compression_c2s: (&**compression_c2s).into(),
            compression_s2c: (&**compression_s2c).into(),
            language_c2s: NameList::default(),
            language_s2c: NameList::default(),
            first_kex_packet_follows,
            reserved: 0,
        }
        .to_payload()
    }
}
