//! The protocol between a client and an agent that keeps its keys (draft-ietf-sshm-ssh-agent, OpenSSH PROTOCOL.agent).
//!
//! | item | is |
//! | --- | --- |
//! | [`AgentClient`] | the client's half of a connection, without its I/O |
//! | [`Constraint`], [`Destination`] | limits on the use of a key: in time, by confirmation, to hops |
//! | [`Request`], [`Reply`] | the messages, which both sides write and read |
//! | [`Frames`] | cuts a stream into messages |
//!
//! ```
//! use ssh_auth::agent::{AgentClient, Frames, Identity, Reply, Request};
//!
//! let mut client = AgentClient::new();
//! client.send(&Request::Identities)?;
//! let to_agent = client.take_output();
//!
//! // The agent's side.
//! let mut frames = Frames::new();
//! frames.push(&to_agent);
//! let payload = frames.next_frame()?.expect("a whole message");
//! assert_eq!(Request::parse(&payload)?, Request::Identities);
//! let identities = vec![Identity { blob: b"a public key".to_vec(), comment: "laptop".to_owned() }];
//! let to_client = Reply::Identities(identities.clone()).to_frame()?;
//!
//! client.push(&to_client);
//! assert_eq!(client.poll()?, Some(Reply::Identities(identities)));
//! # Ok::<(), ssh_auth::agent::AgentError>(())
//! ```

mod destination;
mod frame;
mod private;
mod reply;
mod request;

pub use destination::{Destination, HopHost};
pub use frame::{Frames, MAX_FRAME};
pub use private::AddedKey;
pub use reply::{Identity, MAX_IDENTITIES, Reply};
pub use request::{Constraint, Request, SESSION_BIND, SessionBind, sign_flags};

use ssh_crypto::Secret;
use ssh_wire::DecodeError;
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// Why a conversation with an agent ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// A message is longer than [`MAX_FRAME`] or empty.
    #[error("message of {0} bytes on the connection with the agent")]
    Length(usize),
    /// A message can't be decoded.
    #[error("message of the agent's protocol can't be decoded: {0}")]
    Decode(#[from] DecodeError),
    /// A message that is no reply to the request, or no request.
    #[error("message {0} of the agent's protocol has no place here")]
    Unexpected(u8),
    /// A constraint that is not known: to add the key without it would be to drop it.
    #[error("constraint {0} on a key is not known")]
    Constraint(u8),
    /// A constraint on where a key may be used that can't be kept.
    #[error("destination of a key: {0}")]
    Destination(&'static str),
    /// A key that can't be used.
    #[error("key for the agent: {0}")]
    Key(String),
    /// More identities than anyone has.
    #[error("the agent sent more than {MAX_IDENTITIES} identities")]
    Identities,
}

/// The client's half of a connection with an agent.
///
/// Each request gets one reply, in order. What [`AgentClient::take_output`] gives goes to the agent; what comes from it
/// goes to [`AgentClient::push`]. After an error the connection is of no more use.
#[derive(Debug, Default)]
pub struct AgentClient {
    frames: Frames,
    expected: VecDeque<u8>,
    output: Zeroizing<Vec<u8>>,
}

impl AgentClient {
    /// A connection on which nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a request.
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), AgentError> {
        let frame = request.to_frame()?;
        if self.output.is_empty() {
            self.output = Zeroizing::new(frame.to_vec());
        } else {
            // A buffer that grew would leave a copy of its keys behind.
            self.output = Zeroizing::new([&**self.output, &*frame].concat());
        }
        self.expected.push_back(request.answered_by());
        Ok(())
    }

    /// What is to be written to the agent.
    pub fn take_output(&mut self) -> Secret {
        Secret::new(std::mem::take(&mut self.output))
    }

    /// Takes bytes from the agent, of any number.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// The reply to the oldest request without one, as soon as it has arrived: what the request asks for, or
    /// [`Reply::Failure`].
    pub fn poll(&mut self) -> Result<Option<Reply>, AgentError> {
        let Some(payload) = self.frames.next_frame()? else { return Ok(None) };
        let found = payload.first().copied().unwrap_or_default();
        let expected = self.expected.pop_front().ok_or(AgentError::Unexpected(found))?;
        let reply = Reply::parse(&payload)?;
        if reply.is_failure() || reply.number() == expected || reply.serves_for(expected) {
            Ok(Some(reply))
        } else {
            Err(AgentError::Unexpected(found))
        }
    }
}

// Message numbers (draft-ietf-sshm-ssh-agent §6.1).
const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const ADD_IDENTITY: u8 = 17;
const REMOVE_IDENTITY: u8 = 18;
const REMOVE_ALL_IDENTITIES: u8 = 19;
const ADD_TOKEN: u8 = 20;
const REMOVE_TOKEN: u8 = 21;
const LOCK: u8 = 22;
const UNLOCK: u8 = 23;
const ADD_ID_CONSTRAINED: u8 = 25;
const ADD_TOKEN_CONSTRAINED: u8 = 26;
const EXTENSION: u8 = 27;
const EXTENSION_FAILURE: u8 = 28;
const EXTENSION_RESPONSE: u8 = 29;
