//! One session channel, from its opening to the program that it is for.

use super::{Channel, program};
use crate::{
    Limits, Login, Programs,
    blocking::NoSessions,
    request::{Preparation, SessionRequest, Step},
};
use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
};

/// Serves session channels. Each is served by a task of its own.
pub trait Sessions: Send + Sync + 'static {
    /// Whether what the client asks for before a program starts is granted: as with
    /// [threads](crate::blocking::Sessions::accepts). It must not block.
    fn accepts(&self, login: &Login, request: &SessionRequest) -> bool {
        let _ = (login, request);
        false
    }

    /// Runs what is asked for to its end, or refuses it by dropping `start`; then the client may ask for something else.
    /// When the future is done with the program accepted, the channel is closed. It is dropped early only with the runtime, or with the future of [`serve_one`](super::serve_one).
    fn start(&self, start: Start) -> impl Future<Output = ()> + Send;
}

impl Sessions for NoSessions {
    async fn start(&self, _: Start) {}
}

impl Sessions for Programs {
    fn accepts(&self, _: &Login, request: &SessionRequest) -> bool {
        self.accepts(request)
    }

    async fn start(&self, start: Start) {
        match self.spawn(start.login(), start.preparation(), start.program()) {
            // Whatever kept it from being told, the client is gone.
            Ok(process) => {
                program::run(process, start).await.unwrap_or_else(|error| log::debug!("program: {error}"));
            }
            Err(error) => log::debug!("{:?} can't be started: {error}", start.program()),
        }
    }
}

/// A program that a client wants to be run. Dropping it refuses.
pub type Start = crate::Start<Channel>;

/// Answers what the client asks for until a program starts, and has that run.
pub(super) async fn serve(handler: &impl Sessions, login: &Arc<Login>, channel: &Channel, limits: &Limits) {
    let mut preparation = Preparation::default();
    while let Ok(Some(request)) = channel.next_request().await {
        let asked = SessionRequest::read(&request);
        match preparation.take(login, asked, |asked| handler.accepts(login, asked)) {
            Step::Reply(success) => request.reply(success),
            Step::Start(program) => {
                let start = Start::new(login, &preparation, program, channel.clone(), request, limits);
                let accepted = start.accepted();
                handler.start(start).await;
                if accepted.load(Ordering::Relaxed) {
                    return;
                }
                // A client may have another program in mind: PuTTY's sftp has, where there is no such subsystem.
            }
        }
    }
}
