//! Servers that take nothing more, and still say something.

use super::facade::{Channel, Session, connect_over};
use crate::scripted::{SHORT, Wire, config, in_time, open_channel};
use ssh_client::{
    ErrorKind, Exit, Timeouts,
    wire::{
        Rest,
        message::{
            connection::{ChannelClose, ChannelData, ChannelEof, ChannelRequest},
            transport::Disconnect,
        },
        number::disconnect,
    },
};
use std::{
    io::{self, Read, Write},
    iter,
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// What the client may write on the channel, in bytes.
const WINDOW: u32 = 1000;

/// A channel to a server that takes nothing more. When it is told to it does what `script` says with the channel, and goes
/// away.
fn deaf(
    close: Duration,
    script: impl FnOnce(&mut Wire<UnixStream>, u32) + Send + 'static,
) -> (Session, Channel, mpsc::Sender<()>) {
    let (near, far) = UnixStream::pair().unwrap();
    let (go_on, goes_on) = mpsc::channel();
    let (deafened, is_deaf) = mpsc::channel();
    thread::spawn(move || {
        let mut wire = Wire::accept(far).unwrap();
        let channel = open_channel(&mut wire, WINDOW).unwrap();
        // Whatever the client sends from here on is a broken pipe.
        wire.stream.shutdown(Shutdown::Read).unwrap();
        deafened.send(()).unwrap();
        if goes_on.recv().is_ok() {
            script(&mut wire, channel);
        }
    });
    let timeouts = Timeouts { close, ..Timeouts::default() };
    let session = connect_over(near, &config().timeouts(timeouts)).unwrap();
    let channel = session.open_session().unwrap();
    is_deaf.recv().unwrap();
    (session, channel, go_on)
}

/// Writes until that fails, and answers how.
fn write(channel: &Channel) -> io::Error {
    iter::repeat_with(|| (&mut &*channel).write_all(&[0; 10])).find_map(Result::err).unwrap()
}

#[track_caller]
fn assert_lost(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    assert!(error.to_string().starts_with("connection lost: "), "{error}");
}

#[test]
fn what_a_command_said_is_read_behind_a_write_that_failed() {
    const SIZE: usize = 300_000;
    for is_awaited in [true, false] {
        let (session, channel, go_on) = deaf(Duration::MAX, |wire, recipient| {
            for _ in 0..SIZE / 10_000 {
                wire.queue(&ChannelData { recipient, data: &[7; 10_000] });
            }
            let status = 3_u32.to_be_bytes();
            let request = b"exit-status";
            wire.queue(&ChannelRequest { recipient, request, want_reply: false, data: Rest(&status) });
            wire.queue(&ChannelEof { recipient });
            wire.send(&ChannelClose { recipient });
        });
        let read = {
            let channel = channel.clone();
            move || {
                let mut output = Vec::new();
                (&channel).read_to_end(&mut output).map(|_| output)
            }
        };
        let reader = is_awaited.then(|| thread::spawn(read.clone()));
        let writer = channel.clone();
        assert_lost(&in_time(move || write(&writer)));
        assert_lost(&write(&channel));
        assert!(!session.is_active(), "it is of no more use");
        let refused = session.open_session().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Io, "{refused}");
        go_on.send(()).unwrap();
        let output = in_time(move || reader.map_or_else(read, |reader| reader.join().unwrap()));
        assert_eq!(output.unwrap(), [7; SIZE]);
        let ended = in_time(move || (channel.wait(None), session.wait(None).unwrap()));
        assert_eq!(ended.0.unwrap(), Some(Exit::Status(3)));
        assert_lost(&ended.1.into());
    }
}

#[test]
fn why_the_server_has_gone_is_told_behind_a_write_that_failed() {
    let (session, channel, go_on) = deaf(Duration::MAX, |wire, recipient| {
        wire.queue(&ChannelData { recipient, data: b"some" });
        let reason = disconnect::BY_APPLICATION;
        wire.send(&Disconnect { reason, description: b"that is all", language: b"" });
    });
    let writer = channel.clone();
    assert_lost(&in_time(move || write(&writer)));
    go_on.send(()).unwrap();
    let (output, read, ended) = in_time(move || {
        let mut output = Vec::new();
        let read = (&channel).read_to_end(&mut output).unwrap_err();
        (output, read, session.wait(None).unwrap())
    });
    assert_eq!(output, b"some");
    for error in [read, ended.into()] {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted, "{error}");
        assert!(error.to_string().contains("that is all"), "{error}");
    }
}

#[test]
fn a_server_that_says_nothing_behind_a_write_that_failed_is_given_up() {
    // With somebody who waits for it, and without.
    for is_awaited in [true, false] {
        let (_session, channel, _go_on) = deaf(SHORT, |_, _| {});
        let connection = channel.connection().clone();
        let start = Instant::now();
        let writer = channel.clone();
        assert_lost(&in_time(move || write(&writer)));
        if is_awaited {
            assert_lost(&in_time(move || (&channel).read(&mut [0; 10]).unwrap_err()));
        } else {
            let deadline = start + 50 * SHORT;
            while connection.failure().is_none() {
                assert!(Instant::now() < deadline, "it waits for ever");
                thread::sleep(SHORT / 10);
            }
        }
        assert!(start.elapsed() >= SHORT, "the server had no time to say anything");
        assert_lost(&connection.failure().unwrap().into());
    }
}

#[test]
fn who_waits_for_the_window_learns_of_a_write_that_failed() {
    let (session, channel, _go_on) = deaf(Duration::MAX, |_, _| {});
    let (other, reader) = (channel.clone(), channel.clone());
    let reading = thread::spawn(move || (&reader).read(&mut [0; 10]));
    // More than there is a window for.
    let writing = thread::spawn(move || (&other).write_all(&[0; 2 * WINDOW as usize]).unwrap_err());
    assert_lost(&in_time(move || writing.join().unwrap()));
    assert!(channel.connection().failure().is_none(), "something may still come");
    // Closing does not wait for that.
    let closing = session.clone();
    in_time(move || closing.close());
    assert_eq!(channel.connection().failure().unwrap().kind(), ErrorKind::Closed);
    let error = in_time(move || reading.join().unwrap().unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::NotConnected, "{error}");
}
