//! How a transport behaves, and which algorithms it offers.

use crate::{Error, default_provider, negotiate::HostKeyAlgorithm};
use ssh_crypto::Provider;
use ssh_wire::{ident::Identification, packet::MAX_PACKET};
use std::{sync::Arc, time::Duration};

pub use crate::rekey::RekeyLimit;

/// The identification string's `softwareversion`.
const SOFTWARE: &str = concat!("SSH-2.0-", env!("CARGO_PKG_NAME"), "_", env!("CARGO_PKG_VERSION"));

/// How a [`Transport`](crate::Transport) behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The algorithms that are there.
    pub provider: Arc<Provider>,
    /// Those of them that are offered.
    pub algorithms: Algorithms,
    /// What we call ourselves.
    pub identification: Identification,
    /// When keys are renewed.
    pub rekey: RekeyLimit,
    /// The longest packet accepted: what its `packet_length` may say, in bytes; 35000 at the least (RFC 4253 §6.1).
    pub max_packet: usize,
    /// Whether strict key exchange is offered (OpenSSH PROTOCOL §1.10), which ends the Terrapin attack.
    pub strict_kex: bool,
    /// Client: whether the first message of the preferred key exchange method is sent before the server's choice is
    /// known (RFC 4253 §7.1). It saves a round trip if method and host key algorithm, the first of
    /// each list, are also the server's first; otherwise it is sent in vain.
    pub guess: bool,
    /// A key exchange that takes longer fails; the time until the host key is accepted does not count.
    pub kex_timeout: Duration,
}

impl Config {
    /// The defaults, with the algorithms of `provider`.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self {
            algorithms: Algorithms::new(&provider),
            provider,
            identification: identification(),
            rekey: RekeyLimit::default(),
            max_packet: MAX_PACKET,
            strict_kex: true,
            guess: false,
            kex_timeout: Duration::from_secs(60),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new(Arc::new(default_provider()))
    }
}

/// Names of algorithms in order of preference. The first name of the client's list that the server's has, too, is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Algorithms {
    /// Key exchange methods.
    pub kex: Vec<String>,
    /// Signature algorithms of the host key, those with certificates (`ssh-ed25519-cert-v01@openssh.com`) included.
    /// None of these is among the defaults: who accepts a certificate must know an authority.
    pub host_key: Vec<String>,
    /// Server: signature algorithms of users' keys, which are told to clients in `server-sig-algs` (RFC 8308 §3.1).
    pub user_key: Vec<String>,
    /// Ciphers, client to server.
    pub cipher_c2s: Vec<String>,
    /// Ciphers, server to client.
    pub cipher_s2c: Vec<String>,
    /// MACs, client to server; unused with a cipher that authenticates.
    pub mac_c2s: Vec<String>,
    /// MACs, server to client; unused with a cipher that authenticates.
    pub mac_s2c: Vec<String>,
    /// Compression methods, client to server. `none` alone is among the defaults, for the reasons that
    /// [`ssh_crypto::compression`] gives; see [`Algorithms::compressed`].
    pub compression_c2s: Vec<String>,
    /// Compression methods, server to client.
    pub compression_s2c: Vec<String>,
}

impl Algorithms {
    /// All that `provider` has and that are not broken, in its order.
    pub fn new(provider: &Provider) -> Self {
        Self::with(provider, false)
    }

    /// All that `provider` has, the broken ones behind the others: for old equipment that knows nothing better. Who
    /// sits on the path may then be able to read and change what is sent, if both sides choose one of those.
    pub fn legacy(provider: &Provider) -> Self {
        Self::with(provider, true)
    }

    /// The same with compression in both directions, once the user is authenticated and if the peer has it: the delayed
    /// methods of `provider` stand before `none`. It pays on slow lines, and is off by default for the reasons that
    /// [`ssh_crypto::compression`] gives.
    #[must_use]
    pub fn compressed(mut self, provider: &Provider) -> Self {
        let delayed = provider.compression.iter().filter(|method| method.is_delayed());
        let names: Vec<_> = delayed.map(|method| method.name()).chain([NO_COMPRESSION]).collect();
        self.compression_c2s = names.iter().map(|&name| name.to_owned()).collect();
        self.compression_s2c = self.compression_c2s.clone();
        self
    }

    pub(crate) const fn none() -> Self {
        Self {
            kex: Vec::new(),
            host_key: Vec::new(),
            user_key: Vec::new(),
            cipher_c2s: Vec::new(),
            cipher_s2c: Vec::new(),
            mac_c2s: Vec::new(),
            mac_s2c: Vec::new(),
            compression_c2s: Vec::new(),
            compression_s2c: Vec::new(),
        }
    }

    fn with(provider: &Provider, legacy: bool) -> Self {
        let kex = names(provider.kex.iter().map(|kex| (kex.name(), kex.is_legacy())), legacy);
        let signatures = provider.signatures.iter();
        let signatures = names(signatures.map(|suite| (suite.name(), suite.is_legacy())), legacy);
        let ciphers =
            names(provider.ciphers.iter().map(|cipher| (cipher.name(), cipher.is_legacy())), legacy);
        let macs = names(provider.macs.iter().map(|mac| (mac.name(), mac.is_legacy())), legacy);
        Self {
            kex,
            host_key: signatures.clone(),
            user_key: signatures,
            cipher_c2s: ciphers.clone(),
            cipher_s2c: ciphers,
            mac_c2s: macs.clone(),
            mac_s2c: macs,
            compression_c2s: vec![NO_COMPRESSION.to_owned()],
            compression_s2c: vec![NO_COMPRESSION.to_owned()],
        }
    }

    /// Checks that the provider has every name, and that no kind is empty.
    pub(crate) fn check(&self, provider: &Provider) -> Result<(), Error> {
        let needs_mac = |list: &[String]| {
            list.iter().any(|name| matches!(provider.cipher(name), Some(ssh_crypto::Cipher::Plain(_))))
        };
        check_names("key exchange method", &self.kex, true, |name| provider.kex(name).is_some())?;
        check_names("host key algorithm", &self.host_key, true, |name| {
            HostKeyAlgorithm::find(provider, name).is_some()
        })?;
        check_names("user key algorithm", &self.user_key, false, |name| provider.signature(name).is_some())?;
        for ciphers in [&self.cipher_c2s, &self.cipher_s2c] {
            check_names("cipher", ciphers, true, |name| provider.cipher(name).is_some())?;
        }
        for (macs, ciphers) in [(&self.mac_c2s, &self.cipher_c2s), (&self.mac_s2c, &self.cipher_s2c)] {
            check_names("MAC", macs, needs_mac(ciphers), |name| provider.mac(name).is_some())?;
        }
        for compressions in [&self.compression_c2s, &self.compression_s2c] {
            check_names("compression method", compressions, true, |name| {
                name == NO_COMPRESSION || provider.compression(name).is_some()
            })?;
        }
        Ok(())
    }
}

/// RFC 4253 §6.2.
pub(crate) const NO_COMPRESSION: &str = "none";

/// The sound ones, then the broken ones if they are wanted.
fn names<'a>(all: impl Iterator<Item = (&'a str, bool)> + Clone, legacy: bool) -> Vec<String> {
    let sound = all.clone().filter(|&(_, is_legacy)| !is_legacy);
    let broken = all.filter(|&(_, is_legacy)| is_legacy && legacy);
    sound.chain(broken).map(|(name, _)| name.to_owned()).collect()
}

fn check_names(
    kind: &str,
    names: &[String],
    required: bool,
    is_known: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    if names.is_empty() && required {
        return Err(Error::usage(format!("no {kind} is allowed by the configuration")));
    }
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => Err(Error::usage(format!("unknown {kind} {:?}", name.escape_default().to_string()))),
        None => Ok(()),
    }
}

/// The default identification string.
fn identification() -> Identification {
    #[expect(clippy::expect_used, reason = "a constant, which the tests build")]
    Identification::new(SOFTWARE).expect("a valid identification string")
}
