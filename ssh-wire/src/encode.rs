//! The data types of RFC 4251 §5 and how they are written and read.
//!
//! | wire type | Rust type |
//! | --- | --- |
//! | `byte`, `uint32`, `uint64`, `boolean` | [`u8`], [`u32`], [`u64`], [`bool`] |
//! | `byte[n]` | `[u8; N]` |
//! | `string` | `&[u8]`, for a peer's text need not be UTF-8 (`&str` to write only) |
//! | `name-list` | [`NameList`] |
//! | `mpint` | [`Mpint`] |
//! | all that is left of a message | [`Rest`] |

use std::fmt;

/// Something with a representation in the data types of RFC 4251 §5.
pub trait Encode {
    /// Appends the representation to `out`.
    ///
    /// A string longer than `u32::MAX` bytes is cut there; no packet can carry one.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The reverse of [`Encode`]; what is decoded borrows from the bytes it was read from.
pub trait Decode<'a>: Sized {
    /// Reads one value and moves `reader` behind it.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// Bytes that are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("message ends inside a field")]
    Truncated,
    /// Bytes are left behind the last field.
    #[error("{0} bytes left behind the last field")]
    Trailing(usize),
    /// The payload is another message than the one asked for.
    #[error("message {found} where {expected} was expected")]
    Number {
        /// The message number asked for.
        expected: u8,
        /// The message number found.
        found: u8,
    },
    /// A field has a value its type does not allow.
    #[error("invalid {0}")]
    Invalid(&'static str),
}

/// A position in bytes that are being decoded.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads one value.
    pub fn read<T: Decode<'a>>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    /// Reads exactly `n` bytes, without a length before them.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// Reads a `string`.
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length: u32 = self.read()?;
        self.take(length as usize)
    }

    /// All bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the decoding: an error if bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(DecodeError::Trailing(n)),
        }
    }
}

macro_rules! big_endian {
    ($($int:ty),*) => {$(
        impl Encode for $int {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
        impl Decode<'_> for $int {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(<$int>::from_be_bytes(reader.read()?))
            }
        }
    )*};
}
big_endian!(u8, u32, u64);

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode<'_> for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // RFC 4251 §5: all non-zero values are TRUE.
        Ok(reader.read::<u8>()? != 0)
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Decode<'_> for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(reader.take(N)?);
        Ok(array)
    }
}

impl Encode for [u8] {
    fn encode(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(self.len()).unwrap_or(u32::MAX);
        length.encode(out);
        out.extend_from_slice(&self[..length as usize]);
    }
}

impl Encode for str {
    fn encode(&self, out: &mut Vec<u8>) {
        self.as_bytes().encode(out);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.string()
    }
}

/// All bytes up to the end of the message, without a length before them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rest<'a>(pub &'a [u8]);

impl fmt::Debug for Rest<'_> {
    /// The size alone: the bytes may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rest({} bytes)", self.0.len())
    }
}

impl<'a> Rest<'a> {
    /// Decodes the bytes as one `T` and nothing more.
    pub fn parse<T: Decode<'a>>(self) -> Result<T, DecodeError> {
        let mut reader = Reader::new(self.0);
        let value = reader.read()?;
        reader.finish()?;
        Ok(value)
    }
}

impl Encode for Rest<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

impl<'a> Decode<'a> for Rest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(reader.take(reader.rest().len())?))
    }
}

/// A `name-list`: names in order of preference, with commas between them.
///
/// Peers send empty lists, trailing commas and bytes that are no names; [`NameList::iter`] passes over what can't be
/// a name, so that it equals none.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct NameList<'a>(pub &'a [u8]);

impl<'a> NameList<'a> {
    /// The names that are printable US-ASCII, first to last.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.0
            .split(|&byte| byte == b',')
            .filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
            .filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// Whether `name` is in the list.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|other| other == name)
    }
}

impl<'a> From<&'a str> for NameList<'a> {
    fn from(names: &'a str) -> Self {
        Self(names.as_bytes())
    }
}

impl fmt::Debug for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Encode for NameList<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for NameList<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.string().map(Self)
    }
}

/// An `mpint`: a signed integer of any size, in its shortest two's complement form.
///
/// Unnecessary leading bytes are dropped when decoding and never written.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Mpint<'a> {
    /// A zero byte stands before `bytes` on the wire, for their highest bit is set and the number is positive.
    zero_first: bool,
    bytes: &'a [u8],
}

impl<'a> Mpint<'a> {
    /// The non-negative integer with this big-endian magnitude; leading zeros are allowed.
    pub fn from_unsigned(magnitude: &'a [u8]) -> Self {
        let zeros = magnitude.iter().take_while(|&&byte| byte == 0).count();
        let bytes = &magnitude[zeros..];
        Self { zero_first: is_high(bytes), bytes }
    }

    /// The integer with this big-endian two's complement form; unnecessary leading bytes are allowed.
    pub fn from_signed(bytes: &'a [u8]) -> Self {
        if !is_high(bytes) {
            return Self::from_unsigned(bytes);
        }
        // 0xff is redundant before a byte whose highest bit is set.
        let redundant = bytes.windows(2).take_while(|pair| pair[0] == 0xff && pair[1] & 0x80 != 0).count();
        Self { zero_first: false, bytes: &bytes[redundant..] }
    }

    /// The big-endian magnitude without leading zeros, or `None` for a negative number.
    pub fn unsigned(self) -> Option<&'a [u8]> {
        (!self.is_negative()).then_some(self.bytes)
    }

    /// Whether the number is below zero.
    pub fn is_negative(self) -> bool {
        !self.zero_first && is_high(self.bytes)
    }
}

fn is_high(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0x80 != 0)
}

impl fmt::Debug for Mpint<'_> {
    /// The size alone: the number may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpint({} bytes)", self.bytes.len())
    }
}

impl Encode for Mpint<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let length = self.bytes.len() + usize::from(self.zero_first);
        u32::try_from(length).unwrap_or(u32::MAX).encode(out);
        if self.zero_first {
            out.push(0);
        }
        out.extend_from_slice(self.bytes);
    }
}

impl<'a> Decode<'a> for Mpint<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.string().map(Self::from_signed)
    }
}
