//! What the peer asks of this side as a whole: to open channels, and global requests.

use super::{Channel, Connection};
use crate::{Error, Phase, core::Core, inbox::Inbox, peer_requests::Face};
use ssh_connection::ChannelId;
use std::{
    fmt,
    sync::{Arc, MutexGuard},
};

/// The channels and global requests of the peer that somebody decides about. Dropping it refuses them again.
pub struct PeerRequests {
    connection: Connection,
}

/// Something that the peer asks. Dropping it refuses.
pub type PeerRequest = crate::PeerRequest<Channel>;

/// A channel that the peer wants to open. Dropping it refuses.
pub type ChannelOffer = crate::ChannelOffer<Channel>;

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
        let waiting = self.connection.shared().wait_for(None, Phase::Accept, next).await?;
        Ok(PeerRequest::new(self.connection.clone(), waiting))
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

impl Face<Channel> for Connection {
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.shared().lock()
    }

    fn send(&self, core: MutexGuard<'_, Core>) {
        self.shared().send(core);
    }

    fn channel(&self, id: ChannelId, inbox: Arc<Inbox>) -> Channel {
        Channel::new(self.clone(), id, inbox)
    }
}
