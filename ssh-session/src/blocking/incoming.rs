//! Channels of a type that the peer opens, such as those to a forwarded agent.

use super::{Channel, Connection};
use crate::{Error, Phase, core::Core};
use std::{fmt, time::Duration};

/// The channels of one type that the peer opens. Dropping it refuses them again.
pub struct Incoming {
    connection: Connection,
    channel_type: Vec<u8>,
}

impl Connection {
    /// Lets the peer open channels of this type, which are refused otherwise: `auth-agent@openssh.com` for an agent
    /// that was forwarded by a request of a channel. Connections to forwarded ports come to [`Connection::forward`].
    ///
    /// # Errors
    /// Channels of this type are taken already, or the session has ended.
    pub fn incoming(&self, channel_type: &str) -> Result<Incoming, Error> {
        let channel_type = channel_type.as_bytes().to_vec();
        self.shared().lock().take_type(&channel_type)?;
        Ok(Incoming { connection: self.clone(), channel_type })
    }
}

impl Incoming {
    /// Waits for the next channel; beside it is what the peer told with it, encoded as its type has it.
    pub fn accept(&self, timeout: Option<Duration>) -> Result<(Channel, Vec<u8>), Error> {
        let next = |core: &mut Core| core.listeners.types.next(&self.channel_type);
        let next = self.connection.shared().wait(timeout, Phase::Accept, next)?;
        Ok((Channel::new(self.connection.clone(), next.channel, next.inbox), next.data))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut core = self.connection.shared().lock();
        core.refuse_type(&self.channel_type);
        self.connection.shared().send(core);
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({})", self.channel_type.escape_ascii())
    }
}
