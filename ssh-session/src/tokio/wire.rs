//! What a session runs over, which can be left unwatched.

use std::{
    any::Any,
    io::{self, Read, Write},
    net::{self, Shutdown},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    runtime::Handle,
};

/// A session's stream.
///
/// The runtime is woken for each packet that arrives on a connection it watches, whether anybody reads it or not. A TCP
/// connection in full flow, which is read by the clock, is therefore taken from it until it has run dry.
pub(super) struct Wire<S> {
    watched: Option<S>,
    unwatched: Option<net::TcpStream>,
}

impl<S: 'static> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { watched: Some(stream), unwatched: None }
    }

    /// Nobody need be woken for what arrives until all of that was read. Changes nothing but for TCP.
    pub(super) fn unwatch(&mut self) -> io::Result<()> {
        // Without a runtime it could not be watched again.
        if Handle::try_current().is_ok()
            && let Some(stream) = self.tcp().and_then(Option::take)
        {
            self.unwatched = Some(stream.into_std()?);
        }
        Ok(())
    }

    fn watch(&mut self) -> io::Result<()> {
        if let Some(stream) = self.unwatched.take() {
            let stream = TcpStream::from_std(stream)?;
            if let Some(watched) = self.tcp() {
                *watched = Some(stream);
            }
        }
        Ok(())
    }

    fn tcp(&mut self) -> Option<&mut Option<TcpStream>> {
        (&mut self.watched as &mut dyn Any).downcast_mut()
    }

    /// What `operate` answers of a connection that nobody watches. If that would have to wait, it is watched again.
    fn at_once<T>(
        &mut self,
        mut operate: impl FnMut(&mut &net::TcpStream) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        while let Some(mut stream) = self.unwatched.as_ref() {
            match operate(&mut stream) {
                Ok(done) => return Ok(Some(done)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.watch()?,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn watched(&mut self) -> io::Result<Pin<&mut S>>
    where
        S: Unpin,
    {
        self.watched.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: AsyncRead + Unpin + 'static> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let space = buffer.initialize_unfilled();
        if let Some(n) = this.at_once(|stream| stream.read(space))? {
            buffer.advance(n);
            return Poll::Ready(Ok(()));
        }
        this.watched()?.poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin + 'static> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.at_once(|stream| stream.write(data))? {
            Some(n) => Poll::Ready(Ok(n)),
            None => this.watched()?.poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.at_once(|stream| stream.flush())? {
            Some(()) => Poll::Ready(Ok(())),
            None => this.watched()?.poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.at_once(|stream| stream.shutdown(Shutdown::Write))? {
            Some(()) => Poll::Ready(Ok(())),
            None => this.watched()?.poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wire;
    use std::{
        future::{Future, poll_fn},
        io::{self, Read, Write},
        net::TcpListener,
        pin::{Pin, pin},
        task::Poll,
        thread,
        time::Duration,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        net::TcpStream,
        runtime::Builder,
    };

    fn run(future: impl Future<Output = io::Result<()>>) {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(future).unwrap();
    }

    #[test]
    fn an_unwatched_connection_is_watched_again_when_it_has_run_dry() {
        run(async {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut wire = Wire::new(TcpStream::connect(listener.local_addr()?).await?);
            let mut peer = listener.accept()?.0;
            wire.unwatch()?;
            assert!(wire.watched.is_none());

            peer.write_all(b"one")?;
            let mut data = [0; 3];
            wire.read_exact(&mut data).await?;
            assert_eq!(&data, b"one");
            wire.write_all(b"two").await?;
            wire.flush().await?;
            peer.read_exact(&mut data)?;
            assert_eq!(&data, b"two");

            let mut rest = pin!(wire.read_exact(&mut data));
            assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut rest).poll(cx).is_pending())).await);
            let late = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                peer.write_all(b"six").map(|()| peer)
            });
            rest.await?;
            assert_eq!(&data, b"six");
            assert!(wire.unwatched.is_none());

            wire.unwatch()?;
            wire.shutdown().await?;
            assert_eq!(late.join().unwrap()?.read(&mut data)?, 0);
            Ok(())
        });
    }

    #[test]
    fn a_full_unwatched_connection_is_waited_for() {
        run(async {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut wire = Wire::new(TcpStream::connect(listener.local_addr()?).await?);
            let mut peer = listener.accept()?.0;
            wire.unwatch()?;
            let data = vec![7; 32 << 20];
            let taker = thread::spawn(move || {
                let mut taken = Vec::new();
                peer.read_to_end(&mut taken).map(|_| taken)
            });
            wire.write_all(&data).await?;
            wire.shutdown().await?;
            assert!(taker.join().unwrap()? == data);
            Ok(())
        });
    }

    #[test]
    fn another_stream_stays_watched() {
        run(async {
            let (ours, mut peer) = duplex(16);
            let mut wire = Wire::new(ours);
            wire.unwatch()?;
            assert!(wire.watched.is_some());
            peer.write_all(b"abc").await?;
            let mut data = [0; 3];
            wire.read_exact(&mut data).await?;
            Ok(())
        });
    }
}
