//! What the peer asks of this side as a whole, for who decides about it: to open channels, and global requests.

mod request;

pub(crate) use request::Face;
pub use request::{ChannelOffer, GlobalRequest, PeerRequest};

use crate::{Error, ErrorKind, core::Core};
use ssh_connection::ChannelId;
use ssh_wire::number::open_failure;
use std::collections::{HashSet, VecDeque};

/// What may wait to be taken, and its bytes. A peer that asks for more is flooding.
const MAX_WAITING: usize = 256;
const MAX_BYTES: usize = 256 * 1024;

/// What was asked and not taken yet, where somebody takes it.
#[derive(Default)]
pub(crate) struct PeerRequests {
    /// Whom it is kept for.
    wanted: Option<Wanted>,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Answers owed to global requests, in the order in which these came.
    owed: VecDeque<Owed>,
}

struct Wanted {
    channel_types: HashSet<Vec<u8>>,
    global_requests: HashSet<Vec<u8>>,
}

/// Something that waits to be taken.
pub(crate) enum Waiting {
    Channel { id: ChannelId, channel_type: Vec<u8>, data: Vec<u8> },
    Global { name: Vec<u8>, want_reply: bool, data: Vec<u8> },
}

/// Who answers a global request.
enum Owed {
    /// Who has taken it, or will.
    Owner,
    /// It is to be refused, once those before it are answered.
    Refusal,
}

impl Waiting {
    fn len(&self) -> usize {
        match self {
            Self::Channel { channel_type, data, .. } => channel_type.len() + data.len(),
            Self::Global { name, data, .. } => name.len() + data.len(),
        }
    }
}

impl PeerRequests {
    fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING && self.bytes < MAX_BYTES
    }

    fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.len();
        self.waiting.push_back(waiting);
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.bytes -= waiting.len();
        Some(waiting)
    }

    /// Keeps a channel for who decides about it; `None` if nobody does.
    pub(crate) fn open(
        &mut self,
        id: ChannelId,
        channel_type: &[u8],
        data: &[u8],
    ) -> Option<Result<(), (u32, &'static str)>> {
        let wanted = self.wanted.as_ref().is_some_and(|wanted| wanted.channel_types.contains(channel_type));
        wanted.then(|| {
            if !self.has_room() {
                return Err((open_failure::RESOURCE_SHORTAGE, "too many channels wait"));
            }
            self.push(Waiting::Channel { id, channel_type: channel_type.to_vec(), data: data.to_vec() });
            Ok(())
        })
    }
}

impl Core {
    /// From here on these channels and requests of the peer are kept for who decides about them.
    pub(crate) fn take_peer_requests(
        &mut self,
        channel_types: &[&str],
        global_requests: &[&str],
    ) -> Result<(), Error> {
        self.check()?;
        if self.peer_requests.wanted.is_some() {
            return Err(Error::new(ErrorKind::Usage, "what the peer asks is taken already"));
        }
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        self.peer_requests.wanted =
            Some(Wanted { channel_types: names(channel_types), global_requests: names(global_requests) });
        Ok(())
    }

    /// Nobody decides any more: all that waits is refused.
    pub(crate) fn refuse_peer_requests(&mut self) {
        self.peer_requests.wanted = None;
        let mut refused = 0;
        while let Some(waiting) = self.peer_requests.next() {
            match waiting {
                Waiting::Channel { id, .. } => {
                    self.refuse_channel(id, open_failure::ADMINISTRATIVELY_PROHIBITED, "");
                }
                Waiting::Global { want_reply: true, .. } => refused += 1,
                Waiting::Global { .. } => {}
            }
        }
        // Before these may stand some that were taken and are not answered yet.
        let owner = |owed: &&mut Owed| matches!(owed, Owed::Owner);
        self.peer_requests
            .owed
            .iter_mut()
            .rev()
            .filter(owner)
            .take(refused)
            .for_each(|owed| *owed = Owed::Refusal);
        self.refuse_in_turn();
    }

    pub(crate) fn refuse_channel(&mut self, id: ChannelId, reason: u32, description: &str) {
        // It is gone if the session has failed.
        let _ = self.engine.mux.reject(id, reason, description);
    }

    /// Takes a global request, or refuses it, in its turn.
    pub(crate) fn keep_global_request(
        &mut self,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
    ) -> Result<(), Error> {
        let requests = &mut self.peer_requests;
        let wanted = requests.wanted.as_ref().is_some_and(|wanted| wanted.global_requests.contains(name));
        if wanted {
            if !requests.has_room() {
                return Err(Error::new(ErrorKind::Protocol, "too many requests wait"));
            }
            requests.push(Waiting::Global { name: name.to_vec(), want_reply, data: data.to_vec() });
            if want_reply {
                requests.owed.push_back(Owed::Owner);
            }
            self.notify_changed();
            return Ok(());
        }
        log::debug!("global request {:?} is not served here", name.escape_ascii().to_string());
        // Answers carry no number: this one must not be taken for that to a request before.
        match want_reply {
            true if requests.owed.is_empty() => self.engine.mux.global_reply(false, &[]),
            true => requests.owed.push_back(Owed::Refusal),
            false => {}
        }
        Ok(())
    }

    /// Answers the oldest global request that was taken, and refuses those behind it that are not served.
    pub(crate) fn answer_global(&mut self, success: bool, data: &[u8]) {
        if self.peer_requests.owed.pop_front().is_none() {
            return;
        }
        self.engine.mux.global_reply(success, data);
        self.refuse_in_turn();
    }

    fn refuse_in_turn(&mut self) {
        while let Some(Owed::Refusal) = self.peer_requests.owed.front() {
            self.peer_requests.owed.pop_front();
            self.engine.mux.global_reply(false, &[]);
        }
    }
}
