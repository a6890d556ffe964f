//! The transport layer's messages (RFC 4253 §7–11), extension negotiation (RFC 8308) and OpenSSH's ping.

use super::{Message, expect_number, fields};
use crate::{Decode, DecodeError, Encode, NameList, Reader, number};

fields! {
    /// The session ends here (RFC 4253 §11.1).
    Disconnect<'a> = number::DISCONNECT => {
        /// One of [`number::disconnect`].
        reason: u32,
        /// For a person to read.
        description: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
    /// Nothing, to be skipped (RFC 4253 §11.2).
    Ignore<'a> = number::IGNORE => {
        /// Anything.
        data: &'a [u8],
    }
    /// A message was not understood (RFC 4253 §11.4).
    Unimplemented = number::UNIMPLEMENTED => {
        /// The sequence number of that message's packet.
        seq: u32,
    }
    /// A text for debugging (RFC 4253 §11.3).
    Debug<'a> = number::DEBUG => {
        /// Whether it should be shown without being asked for.
        always_display: bool,
        /// For a person to read.
        message: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
    /// Asks for a service: `ssh-userauth` or `ssh-connection` (RFC 4253 §10).
    ServiceRequest<'a> = number::SERVICE_REQUEST => {
        /// The service's name.
        service: &'a [u8],
    }
    /// The service starts (RFC 4253 §10).
    ServiceAccept<'a> = number::SERVICE_ACCEPT => {
        /// The service's name.
        service: &'a [u8],
    }
    /// Compression begins behind this message (RFC 8308 §3.2, `delay-compression`).
    NewCompress = number::NEWCOMPRESS => {}
    /// What a side can do and would use (RFC 4253 §7.1).
    KexInit<'a> = number::KEXINIT => {
        /// Random bytes.
        cookie: [u8; 16],
        /// Key exchange methods.
        kex: NameList<'a>,
        /// Host key algorithms.
        host_key: NameList<'a>,
        /// Ciphers, client to server.
        cipher_c2s: NameList<'a>,
        /// Ciphers, server to client.
        cipher_s2c: NameList<'a>,
        /// MACs, client to server.
        mac_c2s: NameList<'a>,
        /// MACs, server to client.
        mac_s2c: NameList<'a>,
        /// Compression methods, client to server.
        compression_c2s: NameList<'a>,
        /// Compression methods, server to client.
        compression_s2c: NameList<'a>,
        /// Languages, client to server.
        language_c2s: NameList<'a>,
        /// Languages, server to client.
        language_s2c: NameList<'a>,
        /// Whether a kex packet follows that was sent on a guess.
        first_kex_packet_follows: bool,
        /// 0, for extension.
        reserved: u32,
    }
    /// The keys change behind this message (RFC 4253 §7.3).
    NewKeys = number::NEWKEYS => {}
    /// Asks for a PONG with the same data (OpenSSH PROTOCOL §1.9).
    Ping<'a> = number::PING => {
        /// Anything.
        data: &'a [u8],
    }
    /// The answer to a PING (OpenSSH PROTOCOL §1.9).
    Pong<'a> = number::PONG => {
        /// The PING's data.
        data: &'a [u8],
    }
}

/// Extensions that a side supports (RFC 8308 §2.3): a count, then names and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtInfo<'a> {
    count: u32,
    /// Checked to hold `count` pairs of strings.
    pairs: &'a [u8],
}

impl<'a> ExtInfo<'a> {
    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.pairs);
        std::iter::from_fn(move || Some((reader.string().ok()?, reader.string().ok()?)))
    }
}

impl Encode for ExtInfo<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::NUMBER);
        self.count.encode(out);
        out.extend_from_slice(self.pairs);
    }
}

impl<'a> Decode<'a> for ExtInfo<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        expect_number(reader, Self::NUMBER)?;
        let count = reader.read()?;
        let pairs = reader.rest();
        for _ in 0..count {
            reader.string()?;
            reader.string()?;
        }
        Ok(Self { count, pairs: &pairs[..pairs.len() - reader.rest().len()] })
    }
}

impl Message for ExtInfo<'_> {
    const NUMBER: u8 = number::EXT_INFO;
}

/// An EXT_INFO that is being written.
#[derive(Debug, Clone, Default)]
pub struct ExtInfoBuilder {
    count: u32,
    pairs: Vec<u8>,
}

impl ExtInfoBuilder {
    /// Appends one extension.
    #[must_use]
    pub fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.count += 1;
        name.encode(&mut self.pairs);
        value.encode(&mut self.pairs);
        self
    }

    /// The message.
    pub fn message(&self) -> ExtInfo<'_> {
        ExtInfo { count: self.count, pairs: &self.pairs }
    }
}
