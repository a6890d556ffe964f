//! Readiness in `poll(2)`, mio and async-io, calls that don't wait, and both streams as one.

use crate::facade::session;
use crate::support::PATIENCE;
use async_io::{Async, Timer};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh_client::{
    ErrorKind,
    blocking::{Channel, Ready, Session},
};
use std::{
    future::Future,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::fd::AsRawFd,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll as Task, Waker},
    thread,
    time::{Duration, Instant},
};
use testing::Sshd;

/// Long enough to see that nothing happens.
const A_WHILE: Duration = Duration::from_millis(150);

fn exec(session: &Session, command: &str) -> Channel {
    let channel = session.open_session().unwrap();
    channel.exec(command).unwrap();
    channel.set_nonblocking(true);
    channel
}

fn is_ready(ready: &Ready, time: Duration) -> bool {
    let time = Timespec::try_from(time).unwrap();
    poll(&mut [PollFd::new(ready, PollFlags::IN)], Some(&time)).unwrap() == 1
}

fn read(channel: &Channel) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 1024];
    let mut channel = channel;
    channel.read(&mut buffer).map(|n| buffer[..n].to_vec())
}

fn would_block<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Writes until nothing more is taken.
fn fill(channel: &Channel) -> usize {
    let (block, mut total) = (vec![7; 64 * 1024], 0);
    let mut channel = channel;
    loop {
        match channel.write(&block) {
            Ok(n) => total += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return total,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn poll_sees_data_the_end_and_errors() {
    let Some(sshd) = Sshd::start_or_skip("poll_sees_data_the_end_and_errors") else { return };
    let session = session(&sshd);
    let channel = exec(&session, "cat");
    let readiness = channel.readiness().unwrap();
    assert!(!is_ready(&readiness.read, A_WHILE));
    assert!(is_ready(&readiness.write, PATIENCE));
    for round in 0..3 {
        (&channel).write_all(b"abcdef").unwrap();
        assert!(is_ready(&readiness.read, PATIENCE), "{round}");
        let mut buffer = [0; 4];
        assert_eq!((&channel).read(&mut buffer).unwrap(), 4);
        // What is left announces itself, to who asks only now as well.
        assert!(is_ready(&readiness.read, Duration::ZERO));
        assert!(is_ready(&channel.readiness().unwrap().read, Duration::ZERO));
        assert_eq!(read(&channel).unwrap(), b"ef");
        assert!(!is_ready(&readiness.read, Duration::ZERO));
        assert!(would_block(read(&channel)));
    }
    channel.shutdown_write().unwrap();
    assert!(is_ready(&readiness.read, PATIENCE));
    assert_eq!(read(&channel).unwrap(), b"");
    assert!(is_ready(&readiness.read, Duration::ZERO));

    let other = exec(&session, "sleep 1000");
    let readiness = other.readiness().unwrap();
    while is_ready(&readiness.write, A_WHILE) {
        fill(&other);
    }
    assert!(!is_ready(&readiness.read, Duration::ZERO));
    session.close();
    assert!(is_ready(&readiness.read, PATIENCE) && is_ready(&readiness.write, PATIENCE));
    assert!(!would_block(read(&other)) && read(&other).is_err());
    assert!(!would_block((&other).write(b"x")));
}

/// A command that begins to read when the file exists.
fn reads_later(sshd: &Sshd, session: &Session, name: &str) -> (Channel, std::path::PathBuf) {
    let path = sshd.dir().join(name);
    let command = format!("while [ ! -e {0} ]; do sleep 0.05; done; cat > {0}", path.display());
    (exec(session, &command), path)
}

#[test]
fn poll_sees_room_to_write() {
    let Some(sshd) = Sshd::start_or_skip("poll_sees_room_to_write") else { return };
    let session = session(&sshd);
    let (channel, file) = reads_later(&sshd, &session, "written");
    let write = channel.readiness().unwrap().write;
    assert!(is_ready(&write, PATIENCE));
    // What the connection takes, and then what the pipe to the command takes, makes room again a few times.
    let (mut first, mut fills) = (0, 0);
    while is_ready(&write, A_WHILE) {
        first += fill(&channel);
        fills += 1;
        assert!(fills < 100);
    }
    assert!(first > 0);
    // The same for who asks only when there is no room.
    let late = channel.readiness().unwrap().write;
    assert!(!is_ready(&late, A_WHILE));
    std::fs::write(&file, "").unwrap();
    assert!(is_ready(&write, PATIENCE) && is_ready(&late, PATIENCE));
    let deadline = Instant::now() + PATIENCE;
    let mut second = 0;
    while second < 8 << 20 {
        assert!(is_ready(&write, PATIENCE) && Instant::now() < deadline);
        second += fill(&channel);
    }
    channel.shutdown_write().unwrap();
    channel.wait(Some(PATIENCE)).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len() as usize, first + second);
}

#[test]
fn rekeying_ends_with_room_to_write() {
    let Some(sshd) = Sshd::start_or_skip("rekeying_ends_with_room_to_write") else { return };
    let session = session(&sshd);
    let channel = exec(&session, "cat > /dev/null");
    let write = channel.readiness().unwrap().write;
    for _ in 0..20 {
        session.rekey().unwrap();
        // Mostly the key exchange is still going on, and nothing can be written.
        fill(&channel);
        assert!(is_ready(&write, PATIENCE));
    }
}

#[test]
fn mio_is_told_each_change() {
    let Some(sshd) = Sshd::start_or_skip("mio_is_told_each_change") else { return };
    let session = session(&sshd);
    let channels: Vec<_> = (0..3).map(|_| exec(&session, "cat")).collect();
    let readiness: Vec<_> = channels.iter().map(|channel| channel.readiness().unwrap()).collect();
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(16);
    for (at, readiness) in readiness.iter().enumerate() {
        let fd = readiness.read.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), Token(at), Interest::READABLE).unwrap();
    }
    let mut received = vec![Vec::new(); channels.len()];
    for round in 0..50_u8 {
        for channel in &channels {
            (&*channel).write_all(&[round; 100]).unwrap();
        }
        // By edges: each is told once, and read until there is nothing left.
        let expected = 100 * (usize::from(round) + 1);
        while received.iter().any(|bytes| bytes.len() < expected) {
            poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(
                !events.is_empty(),
                "round {round}: {:?}",
                received.iter().map(Vec::len).collect::<Vec<_>>()
            );
            for event in &events {
                let at = event.token().0;
                loop {
                    match read(&channels[at]) {
                        Ok(bytes) => received[at].extend(bytes),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    }
    for bytes in received {
        assert!(bytes.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at / 100));
    }
}

/// Runs a future on this thread; async-io's reactor has one of its own.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Task::Ready(value) => return value,
            Task::Pending => thread::park(),
        }
    }
}

/// Whether it becomes readable in time.
async fn comes(ready: &Async<Ready>, time: Duration) -> bool {
    let (mut readable, mut timer) = (pin!(ready.readable()), pin!(Timer::after(time)));
    std::future::poll_fn(|context| {
        if let Task::Ready(result) = readable.as_mut().poll(context) {
            result.unwrap();
            return Task::Ready(true);
        }
        timer.as_mut().poll(context).map(|_| false)
    })
    .await
}

#[test]
fn async_io_awaits_both_directions() {
    let Some(sshd) = Sshd::start_or_skip("async_io_awaits_both_directions") else { return };
    let session = session(&sshd);
    let channel = exec(&session, "cat");
    let readiness = channel.readiness().unwrap();
    let (reading, writing) = (Async::new(readiness.read).unwrap(), Async::new(readiness.write).unwrap());
    let (size, block) = (8 << 20, vec![3; 64 * 1024]);
    let (mut sent, mut received) = (0, 0);
    block_on(async {
        assert!(!comes(&reading, A_WHILE).await);
        // An echo that is not read in between would stand still.
        while received < size {
            while sent < size {
                match (&channel).write(&block[..block.len().min(size - sent)]) {
                    Ok(n) => sent += n,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(comes(&reading, PATIENCE).await);
            while let Ok(bytes) = read(&channel) {
                received += bytes.len();
            }
            assert!(sent == size || comes(&writing, PATIENCE).await);
        }
        assert!(!comes(&reading, A_WHILE).await);
    });
    assert_eq!(received, size);
}

#[test]
fn a_callback_wakes_who_waits() {
    let Some(sshd) = Sshd::start_or_skip("a_callback_wakes_who_waits") else { return };
    let session = session(&sshd);
    let channel = exec(&session, "while read line; do echo $line; echo $line >&2; done");
    let calls = Arc::new(AtomicUsize::new(0));
    let (counter, thread) = (calls.clone(), thread::current());
    channel.on_ready(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        thread.unpark();
    });
    // It can be written to, and that is told at once.
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let stderr = channel.stderr();
    for round in 0..20 {
        let before = calls.load(Ordering::SeqCst);
        writeln!(&channel, "{round}").unwrap();
        let deadline = Instant::now() + PATIENCE;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while out.is_empty() || err.is_empty() {
            assert!(Instant::now() < deadline);
            out.extend(read(&channel).unwrap_or_default());
            let mut buffer = [0; 100];
            let n = (&stderr).read(&mut buffer).unwrap_or_default();
            err.extend_from_slice(&buffer[..n]);
            if out.is_empty() || err.is_empty() {
                thread::park_timeout(PATIENCE);
            }
        }
        assert_eq!((out, err), (format!("{round}\n").into_bytes(), format!("{round}\n").into_bytes()));
        assert!(calls.load(Ordering::SeqCst) > before);
    }
}

#[test]
fn the_error_stream_has_a_descriptor_of_its_own() {
    let Some(sshd) = Sshd::start_or_skip("the_error_stream_has_a_descriptor_of_its_own") else { return };
    let session = session(&sshd);
    let channel = exec(&session, "echo oops >&2; cat");
    let (stdout, stderr) = (channel.readiness().unwrap().read, channel.stderr().readiness().unwrap());
    assert!(is_ready(&stderr, PATIENCE));
    assert!(!is_ready(&stdout, Duration::ZERO));
    assert_eq!(&channel.stderr().recv().unwrap()[..], b"oops\n");
    assert!(!is_ready(&stderr, Duration::ZERO));
    assert_eq!(channel.stderr().recv().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn both_streams_as_one_in_the_order_of_their_arrival() {
    let Some(sshd) = Sshd::start_or_skip("both_streams_as_one_in_the_order_of_their_arrival") else { return };
    let session = session(&sshd);
    let channel = session.open_session().unwrap();
    // Each line waits for the one before it to have arrived.
    let command =
        "echo early >&2; read x; for i in 1 2 3; do echo out $i; read x; echo err $i >&2; read x; done";
    channel.exec(command).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while channel.stderr().available() == 0 {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(5));
    }
    channel.merge_stderr(true);
    let mut lines = BufReader::new(&channel).lines();
    for expected in ["early", "out 1", "err 1", "out 2", "err 2", "out 3", "err 3"] {
        assert_eq!(lines.next().unwrap().unwrap(), expected);
        (&channel).write_all(b"\n").unwrap();
    }
    assert!(lines.next().is_none());
    assert!(channel.stderr().recv().unwrap().is_empty());
}

#[test]
fn lines_through_the_buffers_of_the_standard_library() {
    let Some(sshd) = Sshd::start_or_skip("lines_through_the_buffers_of_the_standard_library") else { return };
    let channel = session(&sshd).open_session().unwrap();
    channel.exec("sort").unwrap();
    let mut writer = BufWriter::new(&channel);
    for number in (0..1000).rev() {
        writeln!(writer, "line {number:04}").unwrap();
    }
    writer.flush().unwrap();
    channel.shutdown_write().unwrap();
    let lines: Vec<_> = BufReader::new(&channel).lines().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 1000);
    assert!(lines.iter().enumerate().all(|(at, line)| *line == format!("line {at:04}")));
}
