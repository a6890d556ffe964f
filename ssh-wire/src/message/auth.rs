//! The user authentication messages (RFC 4252, 4256).
//!
//! Number 60 is PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, by the method that is being tried.

use super::{Message, expect_number, fields};
use crate::{Decode, DecodeError, Encode, NameList, Reader, Rest, number};

fields! {
    /// An attempt (RFC 4252 §5).
    UserauthRequest<'a> = number::USERAUTH_REQUEST => {
        /// The user's name, UTF-8.
        user: &'a [u8],
        /// The service to start afterwards: `ssh-connection`.
        service: &'a [u8],
        /// `none`, `password`, `publickey`, `keyboard-interactive`, `hostbased`, …
        method: &'a [u8],
        /// What the method adds: [`PasswordRequest`], [`PublickeyRequest`], [`InteractiveRequest`], …
        data: Rest<'a>,
    }
    /// The attempt failed, or was not enough (RFC 4252 §5.1).
    UserauthFailure<'a> = number::USERAUTH_FAILURE => {
        /// Methods that can continue.
        methods: NameList<'a>,
        /// Whether the attempt itself succeeded, and more are asked for.
        partial_success: bool,
    }
    /// The user is authenticated (RFC 4252 §5.1).
    UserauthSuccess = number::USERAUTH_SUCCESS => {}
    /// A text to show to the user (RFC 4252 §5.4).
    UserauthBanner<'a> = number::USERAUTH_BANNER => {
        /// The text, UTF-8 supposedly.
        message: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
    /// The key would do (RFC 4252 §7).
    PkOk<'a> = number::USERAUTH_PK_OK => {
        /// The signature algorithm of the request.
        algorithm: &'a [u8],
        /// The public key blob of the request.
        public_key: &'a [u8],
    }
    /// The password is expired (RFC 4252 §8).
    PasswdChangereq<'a> = number::USERAUTH_PASSWD_CHANGEREQ => {
        /// A prompt for the user.
        prompt: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
    /// What `keyboard-interactive` adds to a request (RFC 4256 §3.1).
    InteractiveRequest<'a> => {
        /// RFC 3066 language tag; empty.
        language: &'a [u8],
        /// Hints on submethods, separated by commas.
        submethods: &'a [u8],
    }
    /// What `hostbased` adds to a request, before its signature (RFC 4252 §9).
    HostbasedRequest<'a> => {
        /// The host key's signature algorithm.
        algorithm: &'a [u8],
        /// The client's host key blob.
        host_key: &'a [u8],
        /// The client's host name.
        host: &'a [u8],
        /// The user's name on the client's host.
        local_user: &'a [u8],
    }
}

/// What `password` adds to a request (RFC 4252 §8).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordRequest<'a> {
    /// The password, or the old one of a change.
    pub password: &'a [u8],
    /// The new password, if this is a change.
    pub new_password: Option<&'a [u8]>,
}

impl std::fmt::Debug for PasswordRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordRequest")
            .field("change", &self.new_password.is_some())
            .finish_non_exhaustive()
    }
}

impl Encode for PasswordRequest<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.new_password.is_some().encode(out);
        self.password.encode(out);
        if let Some(new) = self.new_password {
            new.encode(out);
        }
    }
}

impl<'a> Decode<'a> for PasswordRequest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let change: bool = reader.read()?;
        let password = reader.read()?;
        let new_password = if change { Some(reader.read()?) } else { None };
        Ok(Self { password, new_password })
    }
}

/// What `publickey` adds to a request (RFC 4252 §7): a probe without, an attempt with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublickeyRequest<'a> {
    /// The signature algorithm.
    pub algorithm: &'a [u8],
    /// The public key blob.
    pub public_key: &'a [u8],
    /// The signature blob, unless this is a probe.
    pub signature: Option<&'a [u8]>,
}

impl Encode for PublickeyRequest<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.signature.is_some().encode(out);
        self.algorithm.encode(out);
        self.public_key.encode(out);
        if let Some(signature) = self.signature {
            signature.encode(out);
        }
    }
}

impl<'a> Decode<'a> for PublickeyRequest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let signed: bool = reader.read()?;
        let algorithm = reader.read()?;
        let public_key = reader.read()?;
        let signature = if signed { Some(reader.read()?) } else { None };
        Ok(Self { algorithm, public_key, signature })
    }
}

/// Prompts for the user (RFC 4256 §3.2), possibly none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoRequest<'a> {
    /// A title.
    pub name: &'a [u8],
    /// What to tell before the prompts.
    pub instruction: &'a [u8],
    /// RFC 3066 language tag.
    pub language: &'a [u8],
    prompts: Prompts<'a>,
}

/// One prompt of an [`InfoRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt<'a> {
    /// The text, UTF-8 supposedly.
    pub text: &'a [u8],
    /// Whether the answer may be seen as it is typed.
    pub echo: bool,
}

/// A count and as many prompts, checked when decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prompts<'a> {
    count: u32,
    bytes: &'a [u8],
}

impl<'a> InfoRequest<'a> {
    /// The prompts in order.
    pub fn prompts(&self) -> impl Iterator<Item = Prompt<'a>> + use<'a> {
        let mut reader = Reader::new(self.prompts.bytes);
        std::iter::from_fn(move || Some(Prompt { text: reader.string().ok()?, echo: reader.read().ok()? }))
    }

    /// The message with these prompts.
    pub fn to_payload_with(name: &[u8], instruction: &[u8], prompts: &[Prompt<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for prompt in prompts {
            prompt.text.encode(&mut bytes);
            prompt.echo.encode(&mut bytes);
        }
        let prompts = Prompts { count: prompts.len() as u32, bytes: &bytes };
        InfoRequest { name, instruction, language: b"", prompts }.to_payload()
    }
}

impl Encode for InfoRequest<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::NUMBER);
        self.name.encode(out);
        self.instruction.encode(out);
        self.language.encode(out);
        self.prompts.count.encode(out);
        out.extend_from_slice(self.prompts.bytes);
    }
}

impl<'a> Decode<'a> for InfoRequest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        expect_number(reader, Self::NUMBER)?;
        let name = reader.read()?;
        let instruction = reader.read()?;
        let language = reader.read()?;
        let count = reader.read()?;
        let bytes = reader.rest();
        for _ in 0..count {
            reader.string()?;
            reader.read::<bool>()?;
        }
        let bytes = &bytes[..bytes.len() - reader.rest().len()];
        Ok(Self { name, instruction, language, prompts: Prompts { count, bytes } })
    }
}

impl Message for InfoRequest<'_> {
    const NUMBER: u8 = number::USERAUTH_INFO_REQUEST;
}

/// The user's answers (RFC 4256 §3.4): one for each prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InfoResponse<'a> {
    count: u32,
    bytes: &'a [u8],
}

impl<'a> InfoResponse<'a> {
    /// The answers in order.
    pub fn answers(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || reader.string().ok())
    }
}

impl std::fmt::Debug for InfoResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InfoResponse").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Encode for InfoResponse<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::NUMBER);
        self.count.encode(out);
        out.extend_from_slice(self.bytes);
    }
}

impl<'a> Decode<'a> for InfoResponse<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        expect_number(reader, Self::NUMBER)?;
        let count = reader.read()?;
        let bytes = reader.rest();
        for _ in 0..count {
            reader.string()?;
        }
        Ok(Self { count, bytes: &bytes[..bytes.len() - reader.rest().len()] })
    }
}

impl Message for InfoResponse<'_> {
    const NUMBER: u8 = number::USERAUTH_INFO_RESPONSE;
}
