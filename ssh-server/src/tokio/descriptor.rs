//! Bytes between a channel and a descriptor.

use super::{Channel, together::first};
use crate::process::Terminal;
use std::{future::Future, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::unix::pipe::{Receiver, Sender},
    time::sleep,
};

/// How long is waited for what an ended process has written, where others have its terminal still.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Passes what comes from the descriptor on, until its end, or until the client takes no more. Once what `ended` makes is
/// done, nothing more is waited for. Whether the client has taken it all.
pub(super) async fn from_descriptor<E: Future<Output = ()>>(
    mut descriptor: Receiver,
    mut channel: impl AsyncWrite + Unpin,
    ended: impl Fn() -> E,
) -> bool {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let last = async {
            ended().await;
            sleep(LAST_WORDS).await;
            Ok(0)
        };
        let n = match first(descriptor.read(&mut buffer), last).await {
            Ok(n) => n,
            Err(error) if Terminal::is_end(&error) => return true,
            Err(error) => {
                log::debug!("output of a program: {error}");
                return true;
            }
        };
        let bytes = buffer.get(..n).unwrap_or_default();
        if bytes.is_empty() {
            return true;
        }
        // Dropping the descriptor lets the program know.
        if channel.write_all(bytes).await.is_err() {
            return false;
        }
    }
}

/// Passes what the client sends on, until its end, or until nobody takes it. Dropping a pipe is the end of the
/// program's input.
pub(super) async fn to_descriptor(channel: &Channel, mut descriptor: Sender) {
    while let Ok(bytes) = channel.recv().await
        && !bytes.is_empty()
        // A program that reads no more is no error.
        && descriptor.write_all(&bytes).await.is_ok()
    {}
}
