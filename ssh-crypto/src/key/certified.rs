//! Keys within certificates (OpenSSH PROTOCOL.certkeys): as much of them as a key exchange needs.

use super::{KeyError, PublicKey};
use ssh_wire::{Encode, Reader};

/// A type of certificate. What a certificate says beside its key is read by the crate `ssh-auth`.
#[derive(Debug, PartialEq, Eq)]
pub struct CertificateType {
    /// Its name: `ssh-rsa-cert-v01@openssh.com`.
    pub name: &'static str,
    /// The type of the key within: `ssh-rsa`.
    pub key_type: &'static str,
    /// The strings, or what looks like them, that the key consists of.
    fields: usize,
}

/// An algorithm of host keys with certificates, as it is negotiated.
#[derive(Debug, PartialEq, Eq)]
pub struct CertificateAlgorithm {
    /// Its name: `rsa-sha2-512-cert-v01@openssh.com`.
    pub name: &'static str,
    /// The signature algorithm of the key within: `rsa-sha2-512`.
    pub signature: &'static str,
    /// The type of the certificate.
    pub certificate: &'static CertificateType,
}

impl CertificateType {
    /// All of them.
    pub const ALL: [&'static Self; 9] =
        [&ED25519, &NISTP256, &NISTP384, &NISTP521, &RSA, &DSA, &SK_ED25519, &SK_NISTP256, &MLDSA44_ED25519];

    /// The type of this name.
    pub fn from_name(name: &[u8]) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|known| known.name.as_bytes() == name)
    }

    /// Reads the key, which stands behind the certificate's type and its nonce.
    pub fn read_key(&self, reader: &mut Reader<'_>) -> Result<PublicKey, KeyError> {
        let from_here = reader.rest();
        for _ in 0..self.fields {
            reader.string()?;
        }
        let mut blob = Vec::new();
        self.key_type.encode(&mut blob);
        blob.extend_from_slice(&from_here[..from_here.len() - reader.rest().len()]);
        PublicKey::from_blob(&blob)
    }
}

impl CertificateAlgorithm {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::of("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", &ED25519),
        Self::of("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", &NISTP256),
        Self::of("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", &NISTP384),
        Self::of("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", &NISTP521),
        Self::of("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512", &RSA),
        Self::of("rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256", &RSA),
        Self::of("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", &SK_ED25519),
        Self::of(
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "sk-ecdsa-sha2-nistp256@openssh.com",
            &SK_NISTP256,
        ),
        Self::of("ssh-mldsa44-ed25519-cert", "ssh-mldsa44-ed25519", &MLDSA44_ED25519),
        Self::of("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", &RSA),
        Self::of("ssh-dss-cert-v01@openssh.com", "ssh-dss", &DSA),
    ];

    const fn of(name: &'static str, signature: &'static str, certificate: &'static CertificateType) -> Self {
        Self { name, signature, certificate }
    }

    /// The algorithm of this name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        const { &Self::ALL }.iter().find(|known| known.name == name)
    }

    /// The algorithm of certificates whose keys sign by this one.
    pub fn from_signature(signature: &str) -> Option<&'static Self> {
        const { &Self::ALL }.iter().find(|known| known.signature == signature)
    }
}

impl PublicKey {
    /// The key in a certificate's blob. Neither the rest of the certificate nor its authority's signature is looked at:
    /// whoever made the blob may have put any key there.
    pub fn from_certificate(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(blob);
        let name = reader.string()?;
        let certificate = CertificateType::from_name(name)
            .ok_or_else(|| KeyError::Unknown(name[..name.len().min(256)].escape_ascii().to_string()))?;
        let _nonce = reader.string()?;
        certificate.read_key(&mut reader)
    }
}

static ED25519: CertificateType = of("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1);
static NISTP256: CertificateType = of("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2);
static NISTP384: CertificateType = of("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2);
static NISTP521: CertificateType = of("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2);
static RSA: CertificateType = of("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2);
static DSA: CertificateType = of("ssh-dss-cert-v01@openssh.com", "ssh-dss", 4);
static MLDSA44_ED25519: CertificateType = of("ssh-mldsa44-ed25519-cert", "ssh-mldsa44-ed25519", 1);
static SK_ED25519: CertificateType =
    of("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2);
static SK_NISTP256: CertificateType =
    of("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3);

const fn of(name: &'static str, key_type: &'static str, fields: usize) -> CertificateType {
    CertificateType { name, key_type, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_within_is_read_and_nothing_else_is() {
        let mut blob = Vec::new();
        "ssh-ed25519-cert-v01@openssh.com".encode(&mut blob);
        b"nonce".as_slice().encode(&mut blob);
        [7; 32].as_slice().encode(&mut blob);
        assert_eq!(PublicKey::from_certificate(&blob), Ok(PublicKey::Ed25519([7; 32])));
        blob.extend_from_slice(b"whatever stands behind it");
        assert_eq!(PublicKey::from_certificate(&blob), Ok(PublicKey::Ed25519([7; 32])));
        for length in 0..blob.len() - 25 {
            assert!(PublicKey::from_certificate(&blob[..length]).is_err(), "{length}");
        }
        // A certificate is no plain key, nor the other way round.
        assert!(PublicKey::from_blob(&blob).is_err());
        let plain = PublicKey::Ed25519([7; 32]).to_blob();
        assert_eq!(PublicKey::from_certificate(&plain), Err(KeyError::Unknown("ssh-ed25519".to_owned())));
    }

    #[test]
    fn names_lead_to_what_they_stand_for() {
        for algorithm in &CertificateAlgorithm::ALL {
            assert_eq!(CertificateAlgorithm::from_name(algorithm.name), Some(algorithm));
            assert_eq!(CertificateAlgorithm::from_signature(algorithm.signature), Some(algorithm));
            let known =
                crate::default_provider().signature(algorithm.signature).map(|suite| suite.key_type());
            assert_eq!(known, Some(algorithm.certificate.key_type), "{}", algorithm.name);
        }
        assert_eq!(CertificateAlgorithm::from_name("ssh-ed25519"), None);
    }
}
