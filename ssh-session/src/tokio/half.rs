//! One direction of a channel.

use super::channel::{Inner, proceed};
use crate::{
    Error, Phase,
    inbox::{Interest, Source},
    tasks::Ticket,
};
use bytes::Bytes;
use ssh_wire::number::EXTENDED_DATA_STDERR;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One of the two streams of a channel to read from: the main one, or the other side's standard error. It is a handle
/// like the channel itself.
#[derive(Debug)]
pub struct ReadHalf {
    inner: Arc<Inner>,
    source: Source,
    ticket: Ticket,
}

impl ReadHalf {
    pub(super) fn new(inner: Arc<Inner>, source: Source) -> Self {
        Self { inner, source, ticket: Ticket::new() }
    }

    /// Takes what has arrived without copying it, waiting for the first byte; empty at the end of the stream. Cancel
    /// safe.
    pub async fn recv(&self) -> Result<Bytes, Error> {
        let source = self.source;
        let inbox = &self.inner.end.inbox;
        let chunk =
            inbox.wait_for(Interest::Data(source), None, Phase::Read, |state| state.take(source)).await?;
        self.inner.credit(chunk.len());
        Ok(chunk)
    }

    /// Bytes that can be read without waiting.
    pub fn available(&self) -> usize {
        self.inner.end.inbox.available(self.source)
    }
}

impl Clone for ReadHalf {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.source)
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        proceed(cx, |waker| self.inner.poll_read(self.ticket, self.source, waker, buffer))
    }
}

impl Drop for ReadHalf {
    fn drop(&mut self) {
        self.inner.end.inbox.forget(self.ticket);
    }
}

/// The direction of a channel to write to; shutting it down tells the other side that no more will come. It is a handle
/// like the channel itself.
#[derive(Debug)]
pub struct WriteHalf {
    inner: Arc<Inner>,
    /// For extended data: of which kind (RFC 4254 §5.2).
    code: Option<u32>,
    ticket: Ticket,
    /// Its waker may be registered.
    has_waited: bool,
}

impl WriteHalf {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, code: None, ticket: Ticket::new(), has_waited: false }
    }

    pub(super) fn extended(inner: Arc<Inner>) -> Self {
        let mut half = Self::new(inner);
        half.code = Some(EXTENDED_DATA_STDERR);
        half
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Tells the other side that no more data will come (EOF), as shutting down does.
    pub fn shutdown_write(&self) -> Result<(), Error> {
        // The standard error ends with the main stream, which goes on here.
        if self.code.is_none() { self.inner.eof() } else { Ok(()) }
    }
}

impl Clone for WriteHalf {
    fn clone(&self) -> Self {
        match self.code {
            None => Self::new(self.inner.clone()),
            Some(_) => Self::extended(self.inner.clone()),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = proceed(cx, |waker| self.inner.poll_write(self.ticket, self.code, waker, data));
        self.has_waited |= written.is_pending();
        written
    }

    /// Does nothing: what is written leaves at once.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Tells the other side that no more data will come (EOF); reading goes on.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown_write().map_err(Into::into))
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if self.has_waited {
            self.inner.end.inbox.forget(self.ticket);
            self.inner.shared().forget(self.ticket);
        }
    }
}
