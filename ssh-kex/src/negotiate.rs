//! Which algorithms both sides use (RFC 4253 §7.1).

use crate::{Error, Role, config::NO_COMPRESSION, error::Cause, ext_info, strict};
use ssh_crypto::{
    AeadCipher, Cipher, CompressionAlgorithm, KexAlgorithm, KeyError, MacAlgorithm, PlainCipher, Provider,
    PublicKey, key::CertificateAlgorithm,
};
use ssh_wire::{NameList, message::transport::KexInit};
use std::fmt;

/// What both sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The key exchange method.
    pub kex: &'static str,
    /// The signature algorithm of the host key.
    pub host_key: &'static str,
    /// The cipher, client to server.
    pub cipher_c2s: &'static str,
    /// The cipher, server to client.
    pub cipher_s2c: &'static str,
    /// The MAC, client to server; none if the cipher authenticates.
    pub mac_c2s: Option<&'static str>,
    /// The MAC, server to client; none if the cipher authenticates.
    pub mac_s2c: Option<&'static str>,
    /// The compression method, client to server.
    pub compression_c2s: &'static str,
    /// The compression method, server to client.
    pub compression_s2c: &'static str,
    /// Whether the key exchange is strict (OpenSSH PROTOCOL §1.10).
    pub strict_kex: bool,
    /// Whether method and host key algorithm are those that the peer names first: a client that names them first, too,
    /// [guesses](crate::Config::guess) right.
    pub peer_first: bool,
}

/// A kind of algorithm that is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it all")]
pub enum AlgorithmKind {
    Kex,
    HostKey,
    CipherC2s,
    CipherS2c,
    MacC2s,
    MacS2c,
    CompressionC2s,
    CompressionS2c,
}

/// The two lists that have no name in common.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NothingInCommon {
    /// What the lists are of.
    pub kind: AlgorithmKind,
    /// What this side offers.
    pub ours: Vec<String>,
    /// What the peer offers.
    pub theirs: Vec<String>,
    /// Those of the peer's that this side has but does not offer: they can be turned on in [`Algorithms`](crate::Algorithms).
    pub available: Vec<String>,
}

/// The algorithms of one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Suite {
    Aead(&'static dyn AeadCipher),
    Plain(&'static dyn PlainCipher, &'static dyn MacAlgorithm),
}

impl Suite {
    pub(crate) fn cipher(self) -> Cipher {
        match self {
            Self::Aead(cipher) => Cipher::Aead(cipher),
            Self::Plain(cipher, _) => Cipher::Plain(cipher),
        }
    }

    fn mac(self) -> Option<&'static dyn MacAlgorithm> {
        match self {
            Self::Aead(_) => None,
            Self::Plain(_, mac) => Some(mac),
        }
    }
}

/// The algorithms behind a [`Negotiated`].
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) kex: &'static dyn KexAlgorithm,
    pub(crate) host_key: HostKeyAlgorithm,
    pub(crate) c2s: Suite,
    pub(crate) s2c: Suite,
    pub(crate) compression_c2s: Compression,
    pub(crate) compression_s2c: Compression,
    /// See [`Negotiated::peer_first`].
    pub(crate) peer_first: bool,
}

/// What packets of one direction are compressed by.
pub(crate) type Compression = Option<&'static dyn CompressionAlgorithm>;

/// How the host proves to own its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostKeyAlgorithm {
    /// The name that is negotiated.
    pub(crate) name: &'static str,
    /// The algorithm of the signature.
    pub(crate) signature: &'static str,
    /// Whether the key comes in a certificate.
    is_certified: bool,
}

impl HostKeyAlgorithm {
    pub(crate) fn find(provider: &Provider, name: &str) -> Option<Self> {
        if let Some(suite) = provider.signature(name) {
            return Some(Self { name: suite.name(), signature: suite.name(), is_certified: false });
        }
        let certified = CertificateAlgorithm::from_name(name)?;
        let suite = provider.signature(certified.signature)?;
        Some(Self { name: certified.name, signature: suite.name(), is_certified: true })
    }

    /// The key that the signature must verify by. Whether the certificate holds is for who accepts the key to say.
    pub(crate) fn key(self, blob: &[u8]) -> Result<PublicKey, KeyError> {
        if self.is_certified { PublicKey::from_certificate(blob) } else { PublicKey::from_blob(blob) }
    }
}

impl Choice {
    /// Chooses from both sides' KEXINITs.
    pub(crate) fn new(
        role: Role,
        ours: &KexInit<'_>,
        theirs: &KexInit<'_>,
        provider: &Provider,
    ) -> Result<Self, Error> {
        let lists = Lists { role, ours, theirs, provider };
        let kex = lists.choose(AlgorithmKind::Kex, |name| provider.kex(name))?;
        let host_key = lists.choose(AlgorithmKind::HostKey, |name| HostKeyAlgorithm::find(provider, name))?;
        let c2s = lists.suite(AlgorithmKind::CipherC2s, AlgorithmKind::MacC2s)?;
        let s2c = lists.suite(AlgorithmKind::CipherS2c, AlgorithmKind::MacS2c)?;
        let compression_c2s = lists.compression(AlgorithmKind::CompressionC2s)?;
        let compression_s2c = lists.compression(AlgorithmKind::CompressionS2c)?;
        let peer_first =
            first(theirs.kex) == kex.name().as_bytes() && first(theirs.host_key) == host_key.name.as_bytes();
        Ok(Self { kex, host_key, c2s, s2c, compression_c2s, compression_s2c, peer_first })
    }

    pub(crate) fn names(&self, strict_kex: bool) -> Negotiated {
        Negotiated {
            kex: self.kex.name(),
            host_key: self.host_key.name,
            cipher_c2s: self.c2s.cipher().name(),
            cipher_s2c: self.s2c.cipher().name(),
            mac_c2s: self.c2s.mac().map(MacAlgorithm::name),
            mac_s2c: self.s2c.mac().map(MacAlgorithm::name),
            compression_c2s: self.compression_c2s.map_or(NO_COMPRESSION, CompressionAlgorithm::name),
            compression_s2c: self.compression_s2c.map_or(NO_COMPRESSION, CompressionAlgorithm::name),
            strict_kex,
            peer_first: self.peer_first,
        }
    }
}

/// Whether a kex packet that `theirs` announces was sent on a right guess: the first names of both sides are the same,
/// known to us or not (RFC 4253 §7).
pub(crate) fn is_guess_right(ours: &KexInit<'_>, theirs: &KexInit<'_>) -> bool {
    first(ours.kex) == first(theirs.kex) && first(ours.host_key) == first(theirs.host_key)
}

fn first<'a>(list: NameList<'a>) -> &'a [u8] {
    list.0.split(|&byte| byte == b',').next().unwrap_or_default()
}

/// Both KEXINITs, and who is who.
struct Lists<'a> {
    role: Role,
    ours: &'a KexInit<'a>,
    theirs: &'a KexInit<'a>,
    provider: &'a Provider,
}

impl Lists<'_> {
    /// The first name of the client's list that the server has, too.
    fn choose<T>(&self, kind: AlgorithmKind, find: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        let (ours, theirs) = (kind.list(self.ours), kind.list(self.theirs));
        let (client, server) = match self.role {
            Role::Client => (ours, theirs),
            Role::Server => (theirs, ours),
        };
        let mut common = client.iter().filter(|name| !is_marker(name) && server.contains(name));
        match common.next().and_then(find) {
            Some(found) => Ok(found),
            None => Err(Cause::NothingInCommon(self.nothing(kind)).into()),
        }
    }

    fn suite(&self, cipher: AlgorithmKind, mac: AlgorithmKind) -> Result<Suite, Error> {
        match self.choose(cipher, |name| self.provider.cipher(name))? {
            // OpenSSH PROTOCOL §1.6: no MAC is chosen, whatever the lists say.
            Cipher::Aead(cipher) => Ok(Suite::Aead(cipher)),
            Cipher::Plain(cipher) => {
                Ok(Suite::Plain(cipher, self.choose(mac, |name| self.provider.mac(name))?))
            }
        }
    }

    fn compression(&self, kind: AlgorithmKind) -> Result<Compression, Error> {
        self.choose(kind, |name| match name {
            NO_COMPRESSION => Some(None),
            name => self.provider.compression(name).map(Some),
        })
    }

    fn nothing(&self, kind: AlgorithmKind) -> NothingInCommon {
        let names = |list: NameList<'_>| -> Vec<String> {
            list.iter().filter(|name| !is_marker(name)).take(MAX_NAMES).map(str::to_owned).collect()
        };
        let theirs = names(kind.list(self.theirs));
        let available = theirs.iter().filter(|name| kind.is_in(self.provider, name)).cloned().collect();
        NothingInCommon { kind, ours: names(kind.list(self.ours)), theirs, available }
    }
}

/// Names of a peer's list that an error keeps.
const MAX_NAMES: usize = 256;

/// Names that stand among the key exchange methods and are none.
fn is_marker(name: &str) -> bool {
    ext_info::is_marker(name) || strict::is_marker(name)
}

impl AlgorithmKind {
    fn list<'a>(self, kexinit: &KexInit<'a>) -> NameList<'a> {
        match self {
            Self::Kex => kexinit.kex,
            Self::HostKey => kexinit.host_key,
            Self::CipherC2s => kexinit.cipher_c2s,
            Self::CipherS2c => kexinit.cipher_s2c,
            Self::MacC2s => kexinit.mac_c2s,
            Self::MacS2c => kexinit.mac_s2c,
            Self::CompressionC2s => kexinit.compression_c2s,
            Self::CompressionS2c => kexinit.compression_s2c,
        }
    }

    fn is_in(self, provider: &Provider, name: &str) -> bool {
        match self {
            Self::Kex => provider.kex(name).is_some(),
            Self::HostKey => HostKeyAlgorithm::find(provider, name).is_some(),
            Self::CipherC2s | Self::CipherS2c => provider.cipher(name).is_some(),
            Self::MacC2s | Self::MacS2c => provider.mac(name).is_some(),
            Self::CompressionC2s | Self::CompressionS2c => {
                name == NO_COMPRESSION || provider.compression(name).is_some()
            }
        }
    }

    /// The field of [`Algorithms`].
    fn field(self) -> &'static str {
        match self {
            Self::Kex => "kex",
            Self::HostKey => "host_key",
            Self::CipherC2s => "cipher_c2s",
            Self::CipherS2c => "cipher_s2c",
            Self::MacC2s => "mac_c2s",
            Self::MacS2c => "mac_s2c",
            Self::CompressionC2s => "compression_c2s",
            Self::CompressionS2c => "compression_s2c",
        }
    }
}

impl fmt::Display for AlgorithmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kex => "key exchange method",
            Self::HostKey => "host key algorithm",
            Self::CipherC2s => "cipher from client to server",
            Self::CipherS2c => "cipher from server to client",
            Self::MacC2s => "MAC from client to server",
            Self::MacS2c => "MAC from server to client",
            Self::CompressionC2s => "compression method from client to server",
            Self::CompressionS2c => "compression method from server to client",
        })
    }
}

impl fmt::Display for NothingInCommon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        let Self { kind, ours, theirs, available } = self;
        write!(f, "no {kind} in common: we offer {}; the peer offers {}", list(ours), list(theirs))?;
        if !available.is_empty() {
            let field = kind.field();
            write!(f, "; we have {}, to be turned on by its name in Algorithms::{field}", list(available))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
