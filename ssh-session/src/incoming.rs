//! The types of channels that the peer may open, beside connections to forwarded ports.

use crate::{Error, ErrorKind, core::Core, inbox::Inbox};
use ssh_connection::ChannelId;
use ssh_wire::number::open_failure;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// Channels that wait to be accepted, per type; more are refused.
const BACKLOG: usize = 16;

/// The types of channels that the peer may open, and those it has opened.
#[derive(Default)]
pub(crate) struct Types {
    queues: HashMap<Vec<u8>, VecDeque<Waiting>>,
}

/// A channel that waits to be accepted, with what the peer told about it.
pub(crate) struct Waiting {
    pub(crate) channel: ChannelId,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) data: Vec<u8>,
}

impl Types {
    /// Whether a channel the peer opens is one that was asked for.
    pub(crate) fn accept(
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

    /// The next channel of this type.
    pub(crate) fn next(&mut self, channel_type: &[u8]) -> Option<Waiting> {
        self.queues.get_mut(channel_type)?.pop_front()
    }
}

impl Core {
    /// From here on the peer may open channels of this type.
    pub(crate) fn take_type(&mut self, channel_type: &[u8]) -> Result<(), Error> {
        self.check()?;
        let queues = &mut self.listeners.types.queues;
        if channel_type == b"forwarded-tcpip" || queues.contains_key(channel_type) {
            let message = format!("channels of type {:?} are taken already", channel_type.escape_ascii());
            return Err(Error::new(ErrorKind::Usage, message));
        }
        queues.insert(channel_type.to_vec(), VecDeque::new());
        Ok(())
    }

    /// It may no more, and those that nobody has accepted are closed.
    pub(crate) fn refuse_type(&mut self, channel_type: &[u8]) {
        for Waiting { channel, .. } in self.listeners.types.queues.remove(channel_type).into_iter().flatten()
        {
            self.channels.remove(&channel);
            self.engine.mux.close(channel);
        }
    }
}
