//! Key revocation lists (OpenSSH PROTOCOL.krl).

use super::{RevokedBy, RevokedKeys, RevokedKeysError};
use crate::Certificate;
use RevokedKeysError::Invalid;
use ssh_crypto::{Hash, PublicKey, key::CertificateType};
use ssh_wire::{Mpint, Reader};
use std::{collections::HashSet, ops::RangeInclusive};

/// What a list begins with (PROTOCOL.krl §1).
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";
const VERSION: u32 = 1;

// PROTOCOL.krl §1: the types of sections.
const CERTIFICATES: u8 = 1;
const EXPLICIT_KEY: u8 = 2;
const FINGERPRINT_SHA1: u8 = 3;
const SIGNATURE: u8 = 4;
const FINGERPRINT_SHA256: u8 = 5;
const EXTENSION: u8 = 255;

// PROTOCOL.krl §2: the types of sections about certificates.
const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_ID: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// Reads what stands behind the [`MAGIC`].
pub(super) fn parse(bytes: &[u8]) -> Result<RevokedKeys, RevokedKeysError> {
    let mut reader = Reader::new(bytes);
    let version = reader.read()?;
    if version != VERSION {
        return Err(RevokedKeysError::Version(version));
    }
    let (_number, _date, _flags): (u64, u64, u64) = (reader.read()?, reader.read()?, reader.read()?);
    let (_reserved, _comment) = (reader.string()?, reader.string()?);
    let mut revoked = RevokedKeys::default();
    let mut is_signed = false;
    while !reader.is_empty() {
        let (section, data) = (reader.read()?, reader.string()?);
        // PROTOCOL.krl §6: signatures come last.
        if is_signed && section != SIGNATURE {
            return Err(Invalid("a section behind its signature"));
        }
        match section {
            CERTIFICATES => revoked.issued.push(Issued::parse(data)?),
            EXPLICIT_KEY => strings(data, &mut revoked.keys, is_key)?,
            FINGERPRINT_SHA1 => strings(data, &mut revoked.sha1, |digest| is_digest(digest, Hash::Sha1))?,
            FINGERPRINT_SHA256 => {
                strings(data, &mut revoked.sha256, |digest| is_digest(digest, Hash::Sha256))?;
            }
            // The list is trusted for where it lies, not for who has signed it: that key is known from the list alone.
            SIGNATURE => {
                let _signature = reader.string()?;
                is_signed = true;
            }
            EXTENSION => extension(data)?,
            unknown => return Err(RevokedKeysError::Section(unknown)),
        }
    }
    Ok(revoked)
}

/// What is revoked of what one authority, or any, has issued (PROTOCOL.krl §2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Issued {
    /// `None` stands for all.
    authority: Option<PublicKey>,
    serials: HashSet<u64>,
    ranges: Vec<RangeInclusive<u64>>,
    /// The serial number of the lowest bit, and the bits, most significant first.
    bitmaps: Vec<(u64, Vec<u8>)>,
    key_ids: HashSet<Vec<u8>>,
}

impl Issued {
    fn parse(data: &[u8]) -> Result<Self, RevokedKeysError> {
        let mut reader = Reader::new(data);
        let authority = match reader.string()? {
            [] => None,
            blob => Some(PublicKey::from_blob(blob).map_err(RevokedKeysError::Authority)?),
        };
        let _reserved = reader.string()?;
        let mut issued = Self { authority, ..Self::default() };
        while !reader.is_empty() {
            let (section, data) = (reader.read()?, reader.string()?);
            let mut numbers = Reader::new(data);
            match section {
                SERIAL_LIST => {
                    while !numbers.is_empty() {
                        issued.serials.insert(serial(numbers.read()?)?);
                    }
                }
                SERIAL_RANGE => {
                    let (first, last) = (serial(numbers.read()?)?, numbers.read()?);
                    numbers.finish()?;
                    if first > last {
                        return Err(Invalid("a range that ends before it begins"));
                    }
                    issued.ranges.push(first..=last);
                }
                SERIAL_BITMAP => {
                    let (offset, bits) = (numbers.read()?, numbers.read::<Mpint<'_>>()?);
                    numbers.finish()?;
                    issued.bitmaps.push((offset, bitmap(offset, bits)?.to_vec()));
                }
                KEY_ID => strings(data, &mut issued.key_ids, |_| Ok(()))?,
                CERTIFICATE_EXTENSION => extension(data)?,
                unknown => return Err(RevokedKeysError::Section(unknown)),
            }
        }
        Ok(issued)
    }

    /// By what the certificate is revoked, if it is.
    pub(super) fn revokes(&self, certificate: &Certificate) -> Option<RevokedBy> {
        if self.authority.as_ref().is_some_and(|authority| authority != certificate.authority()) {
            return None;
        }
        if self.key_ids.contains(certificate.key_id()) {
            return Some(RevokedBy::KeyId);
        }
        let serial = certificate.serial();
        // 0 is in no list: see `serial`.
        let revoked = self.serials.contains(&serial)
            || self.ranges.iter().any(|range| range.contains(&serial))
            || self.bitmaps.iter().any(|(offset, bits)| has_bit(*offset, bits, serial));
        revoked.then_some(RevokedBy::Serial)
    }
}

/// A serial number; 0 is that of certificates that have none, so that it can't be meant.
fn serial(number: u64) -> Result<u64, RevokedKeysError> {
    if number == 0 { Err(Invalid("the serial number 0")) } else { Ok(number) }
}

/// The bits of a bitmap that stand for serial numbers there can be.
fn bitmap(offset: u64, bits: Mpint<'_>) -> Result<&[u8], RevokedKeysError> {
    let bits = bits.unsigned().ok_or(Invalid("a negative bitmap"))?;
    if has_bit(offset, bits, 0) {
        return Err(Invalid("the serial number 0"));
    }
    let highest =
        bits.first().map_or(0, |first| bits.len() as u64 * 8 - u64::from(first.leading_zeros()) - 1);
    match offset.checked_add(highest) {
        Some(_) => Ok(bits),
        None => Err(Invalid("a bitmap that goes beyond the largest serial number")),
    }
}

fn has_bit(offset: u64, bits: &[u8], serial: u64) -> bool {
    let Some(index) = serial.checked_sub(offset) else { return false };
    let byte = usize::try_from(index / 8).ok().and_then(|from_end| bits.iter().rev().nth(from_end));
    byte.is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// Adds the strings of a section, of which there must be one.
fn strings(
    data: &[u8],
    set: &mut HashSet<Vec<u8>>,
    check: impl Fn(&[u8]) -> Result<(), RevokedKeysError>,
) -> Result<(), RevokedKeysError> {
    if data.is_empty() {
        return Err(Invalid("a section that is empty"));
    }
    let mut reader = Reader::new(data);
    while !reader.is_empty() {
        let string = reader.string()?;
        check(string)?;
        set.insert(string.to_vec());
    }
    Ok(())
}

/// PROTOCOL.krl §3: a certificate is no key, and would revoke nothing. Types of keys that are not known do no harm.
fn is_key(blob: &[u8]) -> Result<(), RevokedKeysError> {
    match CertificateType::from_name(Reader::new(blob).string()?) {
        Some(_) => Err(Invalid("a certificate in the place of a key")),
        None => Ok(()),
    }
}

fn is_digest(digest: &[u8], hash: Hash) -> Result<(), RevokedKeysError> {
    if digest.len() == hash.output_len() { Ok(()) } else { Err(Invalid("a digest of a wrong size")) }
}

/// PROTOCOL.krl §2.5 and §5: one that is not critical counts for nothing, and none is known.
fn extension(data: &[u8]) -> Result<(), RevokedKeysError> {
    let mut reader = Reader::new(data);
    let (name, is_critical) = (reader.string()?, reader.read()?);
    let _contents = reader.string()?;
    reader.finish()?;
    match is_critical {
        true => Err(RevokedKeysError::Critical(name[..name.len().min(256)].escape_ascii().to_string())),
        false => Ok(()),
    }
}
