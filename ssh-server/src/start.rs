//! A program that a client wants to be run, whichever the driver.

use crate::{
    Limits, Login,
    request::{Preparation, Program},
};
use ssh_session::ChannelRequest;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A program that a client wants to be run. Dropping it refuses.
///
/// `C` is the driver's channel: a [`blocking::Channel`](crate::blocking::Channel), or that of tasks.
#[derive(Debug)]
pub struct Start<C> {
    login: Arc<Login>,
    preparation: Preparation,
    program: Program,
    channel: C,
    request: ChannelRequest,
    accepted: Arc<AtomicBool>,
    pub(crate) limits: Limits,
}

impl<C> Start<C> {
    pub(crate) fn new(
        login: &Arc<Login>,
        preparation: &Preparation,
        program: Program,
        channel: C,
        request: ChannelRequest,
        limits: &Limits,
    ) -> Self {
        Self {
            login: login.clone(),
            preparation: preparation.clone(),
            program,
            channel,
            request,
            accepted: Arc::default(),
            limits: limits.clone(),
        }
    }

    /// What tells, once this is gone, whether it was accepted.
    pub(crate) fn accepted(&self) -> Arc<AtomicBool> {
        self.accepted.clone()
    }

    /// Whether the client may send signals: who may run one thing alone can't end it at a moment that it chooses.
    pub(crate) fn may_signal(&self) -> bool {
        self.login.permissions.command.is_none() && !matches!(self.program, Program::Subsystem(_))
    }

    /// Who is in.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// What is to be run.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The terminal and the variables that it is to have.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// Tells the client that the program runs. The channel is its standard input, output and, by `write_stderr` or in tasks
    /// `stderr_writer`, error; what the client asks for meanwhile comes from `next_request`, to be read by
    /// [`SessionRequest::read`](crate::request::SessionRequest::read). How it has ended is told by `send_exit`:
    /// a client without an answer takes that for a failure.
    pub fn accept(self) -> C {
        self.accepted.store(true, Ordering::Relaxed);
        self.request.reply(true);
        self.channel
    }
}
