//! Several futures in one task.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Runs both to their ends.
pub(super) async fn both(one: impl Future<Output = ()>, two: impl Future<Output = ()>) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut one_is_done, mut two_is_done) = (false, false);
    poll_fn(|cx| {
        one_is_done = one_is_done || one.as_mut().poll(cx).is_ready();
        two_is_done = two_is_done || two.as_mut().poll(cx).is_ready();
        if one_is_done && two_is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// What is done first; the other one is dropped.
pub(super) async fn first<T>(one: impl Future<Output = T>, two: impl Future<Output = T>) -> T {
    let (mut one, mut two) = (pin!(one), pin!(two));
    poll_fn(|cx| match one.as_mut().poll(cx) {
        Poll::Pending => two.as_mut().poll(cx),
        done => done,
    })
    .await
}

/// Runs `work` to its end, with `aside` beside it as far as that comes.
pub(super) async fn beside<T>(work: impl Future<Output = T>, aside: impl Future<Output = ()>) -> T {
    let (mut work, mut aside) = (pin!(work), pin!(aside));
    let mut is_done = false;
    poll_fn(|cx| {
        is_done = is_done || aside.as_mut().poll(cx).is_ready();
        work.as_mut().poll(cx)
    })
    .await
}
