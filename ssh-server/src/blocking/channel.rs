//! One session channel, from its opening to the program that it is for.

use super::{Channel, program};
use crate::{
    Limits, Login, Programs,
    request::{Preparation, SessionRequest, Step},
};
use std::sync::{Arc, atomic::Ordering};

/// Serves session channels. Each is served on a thread of its own.
pub trait Sessions: Send + Sync + 'static {
    /// Whether what the client asks for before a program starts is granted: a terminal ([`SessionRequest::Pty`]), a variable
    /// ([`SessionRequest::Env`]), its agent ([`SessionRequest::AgentForwarding`]). What its credential does not permit is not asked.
    /// Nothing, by default.
    fn accepts(&self, login: &Login, request: &SessionRequest) -> bool {
        let _ = (login, request);
        false
    }

    /// Runs what is asked for to its end, or refuses it by dropping `start`; then the client may ask for something else. When this
    /// returns with the program accepted, the channel is closed.
    fn start(&self, start: Start);
}

/// Serves no session channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSessions;

impl Sessions for NoSessions {
    fn start(&self, _: Start) {}
}

impl Sessions for Programs {
    fn accepts(&self, _: &Login, request: &SessionRequest) -> bool {
        self.accepts(request)
    }

    fn start(&self, start: Start) {
        match self.spawn(start.login(), start.preparation(), start.program()) {
            Ok(process) => {
                // Whatever kept it from being told, the client is gone.
                program::run(process, start).unwrap_or_else(|error| log::debug!("program: {error}"));
            }
            Err(error) => log::debug!("{:?} can't be started: {error}", start.program()),
        }
    }
}

/// A program that a client wants to be run. Dropping it refuses.
pub type Start = crate::Start<Channel>;

/// Answers what the client asks for until a program starts, and has that run.
pub(super) fn serve(handler: &impl Sessions, login: &Arc<Login>, channel: &Channel, limits: &Limits) {
    let mut preparation = Preparation::default();
    while let Ok(Some(request)) = channel.next_request(None) {
        let asked = SessionRequest::read(&request);
        match preparation.take(login, asked, |asked| handler.accepts(login, asked)) {
            Step::Reply(success) => request.reply(success),
            Step::Start(program) => {
                let start = Start::new(login, &preparation, program, channel.clone(), request, limits);
                let accepted = start.accepted();
                handler.start(start);
                if accepted.load(Ordering::Relaxed) {
                    return;
                }
                // A client may have another program in mind: PuTTY's sftp has, where there is no such subsystem.
            }
        }
    }
}
