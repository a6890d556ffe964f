use super::{Certificate, CertificateError, CertificateOption, Kind, MAX_OPTIONS, MAX_PRINCIPALS};
use ssh_crypto::PublicKey;
use ssh_wire::{Encode, Reader};

/// Each type with its key's and the number of fields that the key has.
const TYPES: [(&str, &str, usize); 8] = [
    ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2),
    ("ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2),
    ("ssh-dss-cert-v01@openssh.com", "ssh-dss", 4),
    ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3),
];

impl Certificate {
    /// Reads a certificate's blob; nothing of what it says is checked.
    pub fn parse(blob: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = Reader::new(blob);
        let name = reader.string()?;
        let (key_type, plain, fields) = TYPES
            .into_iter()
            .find(|(certified, ..)| certified.as_bytes() == name)
            .ok_or_else(|| CertificateError::Type(text(name)))?;
        let _nonce = reader.string()?;
        let key = key(&mut reader, plain, fields)?;
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
            key_type: key_type.to_owned(),
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

/// The key's fields, which are all strings or look like them, read as a plain key's blob.
fn key(reader: &mut Reader<'_>, plain: &str, fields: usize) -> Result<PublicKey, CertificateError> {
    let from_here = reader.rest();
    for _ in 0..fields {
        reader.string()?;
    }
    let mut blob = Vec::new();
    plain.encode(&mut blob);
    blob.extend_from_slice(&from_here[..from_here.len() - reader.rest().len()]);
    Ok(PublicKey::from_blob(&blob)?)
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
