//! One channel.

use crate::window::{ReceiveWindow, SendWindow};
use std::{collections::VecDeque, time::Instant};

/// What a channel number stands for.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Nothing, but it did once.
    Free,
    /// We asked for a channel.
    Opening(Opening),
    /// The peer asked for a channel, and was not answered yet.
    Incoming(Incoming),
    /// Both sides know it.
    Open(Channel),
    /// The peer closed it, and we owe our CLOSE to its number.
    Finished(u32),
}

/// A channel that we asked for.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The receive window that was offered.
    pub(crate) window: u32,
    /// When it was asked for.
    pub(crate) since: Option<Instant>,
    /// Requests to send once the peer's number is known, encoded with recipient 0.
    pub(crate) requests: Vec<Vec<u8>>,
    /// When each of those that want a reply was made.
    pub(crate) awaited: VecDeque<Option<Instant>>,
    pub(crate) eof: bool,
    pub(crate) close: bool,
}

/// A channel that the peer asked for.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) remote: u32,
    pub(crate) send: SendWindow,
}

/// A channel that both sides know.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The peer's number for it.
    pub(crate) remote: u32,
    pub(crate) send: SendWindow,
    pub(crate) receive: ReceiveWindow,
    /// A write has found the window closed.
    pub(crate) blocked: bool,
    pub(crate) eof: Debt,
    pub(crate) close: Debt,
    pub(crate) eof_received: bool,
    /// When each of our requests was made that has no answer yet.
    pub(crate) awaited: VecDeque<Option<Instant>>,
    /// The peer's requests that have no answer yet.
    pub(crate) unanswered: usize,
}

/// Something to be sent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Debt {
    None,
    Owed,
    Paid,
}

impl Debt {
    pub(crate) fn owe(&mut self) {
        if *self == Self::None {
            *self = Self::Owed;
        }
    }
}

impl Channel {
    pub(crate) fn new(remote: u32, send: SendWindow, window: u32) -> Self {
        Self {
            remote,
            send,
            receive: ReceiveWindow::new(window),
            blocked: false,
            eof: Debt::None,
            close: Debt::None,
            eof_received: false,
            awaited: VecDeque::new(),
            unanswered: 0,
        }
    }

    /// Whether credit is to be sent. A peer that sends no more, or that we closed, needs none.
    pub(crate) fn credit_due(&self) -> bool {
        self.close == Debt::None && !self.eof_received && self.receive.is_due()
    }
}
