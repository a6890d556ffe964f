use super::{Certificate, CertificateError};
use crate::method::publickey::signature_algorithm;
use ssh_crypto::{SignError, Signer, key::CertificateAlgorithm};
use std::{fmt, sync::Arc};

/// A key that shows its certificate.
#[derive(Clone)]
pub struct CertifiedSigner {
    signer: Arc<dyn Signer>,
    certificate: Certificate,
    algorithms: Vec<&'static str>,
}

impl CertifiedSigner {
    /// Joins a key and the certificate for it.
    ///
    /// # Errors
    /// The certificate is for another key.
    pub fn new(signer: Arc<dyn Signer>, certificate: Certificate) -> Result<Self, CertificateError> {
        if certificate.key().to_blob() != signer.public_key() {
            return Err(CertificateError::OtherKey);
        }
        let certified = signer.algorithms().into_iter().filter_map(CertificateAlgorithm::from_signature);
        let algorithms = certified.map(|algorithm| algorithm.name).collect();
        Ok(Self { signer, certificate, algorithms })
    }

    /// The key alone.
    pub fn signer(&self) -> &Arc<dyn Signer> {
        &self.signer
    }

    /// The certificate alone.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl Signer for CertifiedSigner {
    /// The certificate's blob.
    fn public_key(&self) -> &[u8] {
        self.certificate.blob()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.clone()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(&signature_algorithm(algorithm), message)
    }
}

impl fmt::Debug for CertifiedSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifiedSigner({})", self.certificate.key_type())
    }
}
