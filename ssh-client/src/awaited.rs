//! Decisions of the caller: some block and some are awaited, whoever connects.

use crate::{
    Credential, Error,
    agent::{AgentKeys, SessionBinding},
};
use std::{
    pin::{Pin, pin},
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// The answer to a question that is awaited.
///
/// Tasks wait for it where they are: no thread is held, it is dropped with the future that connects, and also when the
/// session ends before there is an answer. A blocking session polls it on the thread that connects; an answer that needs
/// a runtime needs one there, too.
pub type Awaited<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The keys of an agent that are to be tried, and notes on those that are not.
pub(crate) type Keys = (Vec<Credential>, Vec<String>);

/// Where the caller's code runs.
pub(crate) trait Run {
    /// Runs what may block.
    fn unblock<T: Send + 'static>(
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Awaited<'static, Result<T, Error>>;

    /// Asks an agent for its keys.
    fn agent_keys(keys: AgentKeys, session: Option<SessionBinding>) -> Awaited<'static, Result<Keys, Error>>;
}

/// On the thread that connects, which may be blocked.
pub(crate) struct Here;

impl Run for Here {
    fn unblock<T: Send + 'static>(
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Awaited<'static, Result<T, Error>> {
        Box::pin(async { Ok(act()) })
    }

    fn agent_keys(keys: AgentKeys, session: Option<SessionBinding>) -> Awaited<'static, Result<Keys, Error>> {
        Box::pin(async move { keys.credentials(session.as_ref()) })
    }
}

/// Waits on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let signal = Arc::<Signal>::default();
    let waker = Waker::from(signal.clone());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => signal.wait(),
        }
    }
}

/// A wake-up that is kept until somebody waits for it. That of `thread::park` could be used up by the future itself.
#[derive(Default)]
struct Signal {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

impl Signal {
    fn wait(&self) {
        let is_woken = self.is_woken.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.woken.wait_while(is_woken, |is_woken| !*is_woken);
        *woken.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.is_woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::block_on;
    use std::{future::poll_fn, task::Poll, thread};

    #[test]
    fn a_thread_waits_until_it_is_woken() {
        let mut polls = 0;
        let answer = block_on(poll_fn(|cx| {
            polls += 1;
            match polls {
                // Woken before it waits …
                1 => cx.waker().wake_by_ref(),
                // … by another thread …
                2 => {
                    let waker = cx.waker().clone();
                    thread::spawn(move || waker.wake());
                    // … and by a future that uses up what wakes its thread.
                    thread::current().unpark();
                    thread::park();
                }
                _ => return Poll::Ready("answer"),
            }
            Poll::Pending
        }));
        assert_eq!((answer, polls), ("answer", 3));
    }
}
