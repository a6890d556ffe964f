//! What the peer asks of this side as a whole: to open channels, and global requests.

use super::{Channel, Connection};
use crate::{Error, Phase, core::Core, peer_requests::Waiting};
use ssh_connection::ChannelId;
use ssh_wire::number::open_failure;
use std::fmt;

/// The channels and global requests of the peer that somebody decides about. Dropping it refuses them again.
pub struct PeerRequests {
    connection: Connection,
}

/// Something that the peer asks. Dropping it refuses.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerRequest {
    /// It wants to open a channel.
    Channel(ChannelOffer),
    /// A request that concerns no channel.
    Global(GlobalRequest),
}

impl Connection {
    /// Lets the peer open channels of these types and make these global requests, as far as each is then accepted; all others are
    /// refused. One caller takes them at a time.
    ///
    /// # Errors
    /// They are taken already, or the session has ended.
    pub fn peer_requests(
        &self,
        channel_types: &[&str],
        global_requests: &[&str],
    ) -> Result<PeerRequests, Error> {
        self.shared().lock().take_peer_requests(channel_types, global_requests)?;
        Ok(PeerRequests { connection: self.clone() })
    }
}

impl PeerRequests {
    /// Waits for the next thing that the peer asks. Cancel safe.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn next(&self) -> Result<PeerRequest, Error> {
        let next = |core: &mut Core| core.peer_requests.next();
        let connection = self.connection.clone();
        Ok(match connection.shared().wait_for(None, Phase::Open, next).await? {
            Waiting::Channel { id, channel_type, data } => {
                PeerRequest::Channel(ChannelOffer { connection, id, channel_type, data, is_decided: false })
            }
            Waiting::Global { name, want_reply, data } => {
                PeerRequest::Global(GlobalRequest { connection, name, data, owes_answer: want_reply })
            }
        })
    }
}

impl Drop for PeerRequests {
    fn drop(&mut self) {
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.refuse_peer_requests();
        shared.send(core);
    }
}

impl fmt::Debug for PeerRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerRequests")
    }
}

/// A channel that the peer wants to open. Dropping it refuses.
pub struct ChannelOffer {
    connection: Connection,
    id: ChannelId,
    channel_type: Vec<u8>,
    data: Vec<u8>,
    is_decided: bool,
}

impl ChannelOffer {
    /// The type: `session`, `direct-tcpip`.
    pub fn channel_type(&self) -> &[u8] {
        &self.channel_type
    }

    /// What the type adds, encoded: [`DirectTcpip`](ssh_wire::message::connection::DirectTcpip) for instance.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Opens the channel.
    ///
    /// # Errors
    /// The session has ended.
    pub fn accept(mut self) -> Result<Channel, Error> {
        self.is_decided = true;
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.check()?;
        core.engine.mux.accept(self.id)?;
        let inbox = core.new_inbox();
        core.channels.insert(self.id, inbox.clone());
        let channel = Channel::new(self.connection.clone(), self.id, inbox);
        shared.send(core);
        Ok(channel)
    }

    /// Refuses it, for one of the reasons of [`ssh_wire::number::open_failure`]; the description is for a person to read.
    pub fn refuse(mut self, reason: u32, description: &str) {
        self.decide(reason, description);
    }

    fn decide(&mut self, reason: u32, description: &str) {
        if std::mem::replace(&mut self.is_decided, true) {
            return;
        }
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.refuse_channel(self.id, reason, description);
        shared.send(core);
    }
}

impl Drop for ChannelOffer {
    fn drop(&mut self) {
        self.decide(open_failure::ADMINISTRATIVELY_PROHIBITED, "");
    }
}

impl fmt::Debug for ChannelOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelOffer({})", self.channel_type.escape_ascii())
    }
}

/// A request of the peer that concerns no channel (RFC 4254 §4). Dropping it refuses.
///
/// Answers carry no number: the peer takes them in the order in which it asked. Answer one before the next is taken.
pub struct GlobalRequest {
    connection: Connection,
    name: Vec<u8>,
    data: Vec<u8>,
    owes_answer: bool,
}

impl GlobalRequest {
    /// What is asked for: `tcpip-forward`.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What the request adds, encoded: [`TcpipForward`](ssh_wire::message::connection::TcpipForward) for instance.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Tells the peer, if it wants to know, whether it was done; `data` is what the answer adds, mostly nothing.
    pub fn reply(mut self, success: bool, data: &[u8]) {
        self.answer(success, data);
    }

    fn answer(&mut self, success: bool, data: &[u8]) {
        if std::mem::take(&mut self.owes_answer) {
            let shared = self.connection.shared();
            let mut core = shared.lock();
            core.answer_global(success, data);
            shared.send(core);
        }
    }
}

impl Drop for GlobalRequest {
    fn drop(&mut self) {
        self.answer(false, &[]);
    }
}

impl fmt::Debug for GlobalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GlobalRequest({}, {} bytes)", self.name.escape_ascii(), self.data.len())
    }
}
