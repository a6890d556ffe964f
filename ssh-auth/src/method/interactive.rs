//! `keyboard-interactive`: the server asks, the user answers (RFC 4256).

use crate::Error;
use ssh_crypto::Secret;
use ssh_wire::{
    Message, Packet,
    message::auth::{InfoRequest, InteractiveRequest},
    number,
};

/// The method's name.
pub const NAME: &str = "keyboard-interactive";
/// Prompts that one INFO_REQUEST may have.
pub const MAX_PROMPTS: usize = 64;
/// INFO_REQUESTs that may follow one request; the same bound holds for requests to change a password.
pub const MAX_ROUNDS: u32 = 64;

/// One question to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The text, with what is not UTF-8 replaced. It comes from the peer: control characters in it must not reach a
    /// terminal.
    pub text: String,
    /// Whether the answer may be seen as it is typed.
    pub echo: bool,
}

/// What an INFO_REQUEST asks.
#[derive(Debug)]
pub(crate) struct Questions {
    pub(crate) name: String,
    pub(crate) instruction: String,
    pub(crate) prompts: Vec<Prompt>,
}

impl Questions {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Error> {
        let message = InfoRequest::parse(payload).map_err(Error::decode("USERAUTH_INFO_REQUEST"))?;
        if message.prompts().nth(MAX_PROMPTS).is_some() {
            return Err(Error::limit("too many prompts"));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let prompts = message.prompts().map(|prompt| Prompt { text: text(prompt.text), echo: prompt.echo });
        Ok(Self {
            name: text(message.name),
            instruction: text(message.instruction),
            prompts: prompts.collect(),
        })
    }
}

pub(crate) fn body(submethods: &str) -> InteractiveRequest<'_> {
    InteractiveRequest { language: b"", submethods: submethods.as_bytes() }
}

/// Writes an INFO_RESPONSE, whose answers go straight into the packet (RFC 4256 §3.4).
pub(crate) fn write_responses(responses: &[Secret], packet: &mut Packet<'_>) {
    packet.push(&number::USERAUTH_INFO_RESPONSE);
    packet.push(&(responses.len() as u32));
    for response in responses {
        packet.push(&**response);
    }
}

/// The size of that message in bytes.
pub(crate) fn responses_size(responses: &[Secret]) -> usize {
    5 + responses.iter().map(|response| 4 + response.len()).sum::<usize>()
}
