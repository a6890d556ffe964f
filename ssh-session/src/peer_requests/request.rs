//! One thing that the peer asks of this side as a whole, for who decides about it, whichever the face of the session.

use super::Waiting;
use crate::{Error, core::Core, inbox::Inbox};
use ssh_connection::ChannelId;
use ssh_wire::number::open_failure;
use std::{
    fmt,
    sync::{Arc, MutexGuard},
};

/// A session as one of its faces has it; `C` is the face's channel.
pub(crate) trait Face<C>: Send + Sync {
    fn lock(&self) -> MutexGuard<'_, Core>;

    /// Unlocks, and has sent what is due.
    fn send(&self, core: MutexGuard<'_, Core>);

    /// A handle of a channel, which the inbox belongs to.
    fn channel(&self, id: ChannelId, inbox: Arc<Inbox>) -> C;
}

/// Something that the peer asks. Dropping it refuses.
///
/// `C` is what an accepted channel becomes: a [`blocking::Channel`](crate::blocking::Channel), or that of tasks.
#[derive(Debug)]
#[non_exhaustive]
pub enum PeerRequest<C> {
    /// It wants to open a channel.
    Channel(ChannelOffer<C>),
    /// A request that concerns no channel.
    Global(GlobalRequest),
}

impl<C> PeerRequest<C> {
    pub(crate) fn new(face: impl Face<C> + 'static, waiting: Waiting) -> Self {
        match waiting {
            Waiting::Channel { id, channel_type, data } => Self::Channel(ChannelOffer {
                face: Box::new(face),
                id,
                channel_type,
                data,
                is_decided: false,
            }),
            Waiting::Global { name, want_reply, data } => {
                let answer = move |success, data: &[u8]| {
                    let mut core = face.lock();
                    core.answer_global(success, data);
                    face.send(core);
                };
                Self::Global(GlobalRequest { name, data, answer: want_reply.then(|| Box::new(answer) as _) })
            }
        }
    }
}

/// A channel that the peer wants to open. Dropping it refuses.
pub struct ChannelOffer<C> {
    face: Box<dyn Face<C>>,
    id: ChannelId,
    channel_type: Vec<u8>,
    data: Vec<u8>,
    is_decided: bool,
}

impl<C> ChannelOffer<C> {
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
    pub fn accept(mut self) -> Result<C, Error> {
        self.is_decided = true;
        let mut core = self.face.lock();
        core.check()?;
        core.engine.mux.accept(self.id)?;
        let inbox = core.new_inbox();
        core.channels.insert(self.id, inbox.clone());
        let channel = self.face.channel(self.id, inbox);
        self.face.send(core);
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
        let mut core = self.face.lock();
        core.refuse_channel(self.id, reason, description);
        self.face.send(core);
    }
}

impl<C> Drop for ChannelOffer<C> {
    fn drop(&mut self) {
        self.decide(open_failure::ADMINISTRATIVELY_PROHIBITED, "");
    }
}

impl<C> fmt::Debug for ChannelOffer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelOffer({})", self.channel_type.escape_ascii())
    }
}

/// A request of the peer that concerns no channel (RFC 4254 §4). Dropping it refuses.
///
/// Answers carry no number: the peer takes them in the order in which it asked. Answer one before the next is taken.
pub struct GlobalRequest {
    name: Vec<u8>,
    data: Vec<u8>,
    /// How to answer, where an answer is owed.
    answer: Option<Box<Answer>>,
}

type Answer = dyn FnOnce(bool, &[u8]) + Send + Sync;

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
        if let Some(answer) = self.answer.take() {
            answer(success, data);
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
