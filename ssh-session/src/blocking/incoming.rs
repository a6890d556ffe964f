//! Channels of a type that the peer opens, such as those to a forwarded agent.

use super::{Channel, Connection, driver::Core, inbox::Inbox};
use crate::{Error, ErrorKind, Phase};
use ssh_connection::ChannelId;
use ssh_wire::number::open_failure;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

/// Channels that wait to be accepted, per type; more are refused.
const BACKLOG: usize = 16;

/// The types of channels that the peer may open, and those it has opened.
#[derive(Default)]
pub(super) struct Types {
    queues: HashMap<Vec<u8>, VecDeque<Waiting>>,
}

/// A channel that waits to be accepted, with what the peer told about it.
struct Waiting {
    channel: ChannelId,
    inbox: Arc<Inbox>,
    data: Vec<u8>,
}

impl Types {
    /// Whether a channel the peer opens is one that was asked for.
    pub(super) fn accept(
        &mut self,
        channel: ChannelId,
        channel_type: &[u8],
        data: &[u8],
        inbox: Arc<Inbox>,
    ) -> Result<(), (u32, &'static str)> {
        let unknown = (open_failure::UNKNOWN_CHANNEL_TYPE, "not served here");
        let queue = self.queues.get_mut(channel_type).ok_or(unknown)?;
        if queue.len() >= BACKLOG {
            return Err((open_failure::RESOURCE_SHORTAGE, "too many channels wait"));
        }
        queue.push_back(Waiting { channel, inbox, data: data.to_vec() });
        Ok(())
    }
}

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
        let mut core = self.shared().lock();
        core.check()?;
        let queues = &mut core.listeners.types.queues;
        if channel_type == b"forwarded-tcpip" || queues.contains_key(&channel_type) {
            let message = format!("channels of type {:?} are taken already", channel_type.escape_ascii());
            return Err(Error::new(ErrorKind::Usage, message));
        }
        queues.insert(channel_type.clone(), VecDeque::new());
        drop(core);
        Ok(Incoming { connection: self.clone(), channel_type })
    }
}

impl Incoming {
    /// Waits for the next channel; beside it is what the peer told with it, encoded as its type has it.
    pub fn accept(&self, timeout: Option<Duration>) -> Result<(Channel, Vec<u8>), Error> {
        let next = |core: &mut Core| core.listeners.types.queues.get_mut(&self.channel_type)?.pop_front();
        let next = self.connection.shared().wait(timeout, Phase::Open, next)?;
        Ok((Channel::new(self.connection.clone(), next.channel, next.inbox), next.data))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut core = self.connection.shared().lock();
        for Waiting { channel, .. } in
            core.listeners.types.queues.remove(&self.channel_type).into_iter().flatten()
        {
            core.channels.remove(&channel);
            core.engine.mux.close(channel);
        }
        self.connection.shared().send(core);
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({})", self.channel_type.escape_ascii())
    }
}
