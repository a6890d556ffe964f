use super::{Certificate, CertificateError, CertificateOption, Kind, MAX_OPTIONS, MAX_PRINCIPALS};
use ssh_crypto::{PublicKey, key::CertificateType};
use ssh_wire::Reader;

impl Certificate {
    /// Reads a certificate's blob; nothing of what it says is checked.
    pub fn parse(blob: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = Reader::new(blob);
        let name = reader.string()?;
        let certificate_type =
            CertificateType::from_name(name).ok_or_else(|| CertificateError::Type(text(name)))?;
        let _nonce = reader.string()?;
        let key = certificate_type.read_key(&mut reader)?;
        let serial = reader.read()?;
        let kind = match reader.read()? {
            1 => Kind::User,
            2 => Kind::Host,
            other => return Err(CertificateError::Kind(other)),
        };
        let key_id = reader.string()?.to_vec();
        let principals = principals(reader.string()?)?;
        let (valid_after, valid_before) = (reader.read()?, reader.read()?);
        let critical_options = options(reader.string()?, "critical options")?;
        let extensions = options(reader.string()?, "extensions")?;
        let _reserved = reader.string()?;
        // A certificate is no authority: its blob is no key's.
        let authority = PublicKey::from_blob(reader.string()?)?;
        let signed = blob.len() - reader.rest().len();
        let signature = reader.string()?.to_vec();
        reader.finish()?;
        Ok(Self {
            blob: blob.to_vec(),
            signed,
            key_type: certificate_type.name.to_owned(),
            key,
            serial,
            kind,
            key_id,
            principals,
            valid_after,
            valid_before,
            critical_options,
            extensions,
            authority,
            signature,
        })
    }
}

fn principals(bytes: &[u8]) -> Result<Vec<Vec<u8>>, CertificateError> {
    let mut reader = Reader::new(bytes);
    let mut principals = Vec::new();
    while !reader.is_empty() {
        if principals.len() == MAX_PRINCIPALS {
            return Err(CertificateError::TooMany("principals"));
        }
        principals.push(reader.string()?.to_vec());
    }
    Ok(principals)
}

fn options(bytes: &[u8], what: &'static str) -> Result<Vec<CertificateOption>, CertificateError> {
    let mut reader = Reader::new(bytes);
    let mut options: Vec<CertificateOption> = Vec::new();
    while !reader.is_empty() {
        if options.len() == MAX_OPTIONS {
            return Err(CertificateError::TooMany(what));
        }
        let (name, data) = (reader.string()?.to_vec(), reader.string()?.to_vec());
        if options.iter().any(|other| other.name == name) {
            return Err(CertificateError::Duplicate(text(&name)));
        }
        options.push(CertificateOption { name, data });
    }
    Ok(options)
}

pub(super) fn text(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(256)].escape_ascii().to_string()
}
