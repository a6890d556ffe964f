//! Every message as a borrowed struct.
//!
//! | module | messages | standard |
//! | --- | --- | --- |
//! | [`transport`] | 1–21, PING and PONG | RFC 4253, 8308, OpenSSH PROTOCOL |
//! | [`kex`] | 30–49, by method | RFC 4253 §8, 4419, 5656 |
//! | [`auth`] | 50–61 | RFC 4252, 4256 |
//! | [`connection`] | 80–100 | RFC 4254 |
//!
//! Texts and names are bytes: a peer's text need not be UTF-8, and a name that is not merely matches nothing.

pub mod auth;
pub mod connection;
pub mod kex;
pub mod transport;

use crate::{Decode, DecodeError, Encode, Reader, number};
use std::fmt;

/// A message: one byte of number, then its fields.
///
/// Its [`Encode`] form includes the number.
pub trait Message: Encode {
    /// The message number (RFC 4250 §4.1).
    const NUMBER: u8;

    /// The message as the payload of a packet.
    fn to_payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        self.encode(&mut payload);
        payload
    }

    /// Decodes a payload that must hold this message and nothing behind it.
    fn parse<'a>(payload: &'a [u8]) -> Result<Self, DecodeError>
    where
        Self: Decode<'a>,
    {
        let mut reader = Reader::new(payload);
        let message = reader.read()?;
        reader.finish()?;
        Ok(message)
    }
}

/// A payload as a log may show it: the name of its message and its size. Neither what it holds is shown, nor the size of
/// messages of the authentication, which tells that of a password.
#[derive(Clone, Copy)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.first().copied().unwrap_or_default();
        match number {
            number::KEX_FIRST..=number::KEX_LAST => write!(f, "message {number} of the key exchange"),
            60..=79 => write!(f, "message {number} of the authentication method"),
            _ => match number::name(number) {
                Some(name) => f.write_str(name),
                None => write!(f, "message {number}"),
            },
        }?;
        match number {
            number::USERAUTH_REQUEST..=79 => Ok(()),
            _ => write!(f, ", {} bytes", self.0.len()),
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Defines structs whose fields are encoded in order; with `= NUMBER`, as messages.
macro_rules! fields {
    ($(
        $(#[$doc:meta])*
        $name:ident $(<$life:lifetime>)? $(= $number:expr)? => {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty, )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name $(<$life>)? {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        impl $(<$life>)? $crate::Encode for $name $(<$life>)? {
            #[allow(unused_variables)]
            fn encode(&self, out: &mut Vec<u8>) {
                $( out.push($number); )?
                $( self.$field.encode(out); )*
            }
        }

        $crate::message::decode_fields! { $name $(<$life>)? $(= $number)? => { $( $field )* } }
    )*};
}
pub(crate) use fields;

/// The half of [`fields`] that must name a lifetime whether or not the struct has one: `Decode`, and `Message`.
macro_rules! decode_fields {
    ($name:ident < $life:lifetime > $(= $number:expr)? => { $($field:ident)* }) => {
        impl<$life> $crate::Decode<$life> for $name<$life> {
            fn decode(reader: &mut $crate::Reader<$life>) -> Result<Self, $crate::DecodeError> {
                $( $crate::message::expect_number(reader, $number)?; )?
                Ok(Self { $( $field: reader.read()?, )* })
            }
        }
        $( impl $crate::Message for $name<'_> { const NUMBER: u8 = $number; } )?
    };
    ($name:ident $(= $number:expr)? => { $($field:ident)* }) => {
        impl $crate::Decode<'_> for $name {
            #[allow(unused_variables)]
            fn decode(reader: &mut $crate::Reader<'_>) -> Result<Self, $crate::DecodeError> {
                $( $crate::message::expect_number(reader, $number)?; )?
                Ok(Self { $( $field: reader.read()?, )* })
            }
        }
        $( impl $crate::Message for $name { const NUMBER: u8 = $number; } )?
    };
}
pub(crate) use decode_fields;

pub(crate) fn expect_number(reader: &mut Reader<'_>, expected: u8) -> Result<(), DecodeError> {
    let found = reader.read()?;
    if found == expected { Ok(()) } else { Err(DecodeError::Number { expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_may_show() {
        for (number, expected) in [
            (number::CHANNEL_DATA, "CHANNEL_DATA, 3 bytes"),
            (number::KEX_ECDH_REPLY, "message 31 of the key exchange, 3 bytes"),
            (number::USERAUTH_REQUEST, "USERAUTH_REQUEST"),
            (number::USERAUTH_INFO_RESPONSE, "message 61 of the authentication method"),
            (number::PONG, "PONG, 3 bytes"),
            (250, "message 250, 3 bytes"),
        ] {
            assert_eq!(Shown(&[number, b'p', b'w']).to_string(), expected);
        }
        assert_eq!(Shown(&[]).to_string(), "message 0, 0 bytes");
    }
}
