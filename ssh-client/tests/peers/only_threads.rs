//! What only the blocking API can meet: streams that block or panic, handles that join threads.

use crate::scripted::{SHORT, Wire, config, grant, in_time, open_channel, server};
use ssh_client::{
    Error, ErrorKind, Phase, Timeouts,
    blocking::{Halves, Session},
};
use std::{
    io::{self, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_peer_that_takes_nothing_can_be_left_in_time() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, u32::MAX);
        wire.stop_reading();
    });
    let timeouts = Timeouts { close: SHORT, ..Timeouts::default() };
    let session = Session::connect(("127.0.0.1", peer.port()), &config().timeouts(timeouts)).unwrap();
    let channel = session.open_session().unwrap();
    channel.set_write_timeout(Some(SHORT));
    let blocked =
        std::iter::repeat_with(|| (&channel).write_all(&[0; 1 << 20])).find_map(Result::err).unwrap();
    assert_eq!(blocked.kind(), io::ErrorKind::TimedOut);
    let start = Instant::now();
    in_time(move || drop((session, channel)));
    assert!(start.elapsed() >= SHORT, "what was written had no time to leave");
}

#[test]
fn a_window_that_never_opens_and_a_command_that_never_ends_time_out() {
    let peer = server(|mut wire| {
        if let Some(channel) = open_channel(&mut wire, 1000) {
            grant(&mut wire, channel);
            wire.ignore();
        }
    });
    let session = Session::connect(("127.0.0.1", peer.port()), &config()).unwrap();
    let channel = session.open_session().unwrap();
    channel.shell().unwrap();
    let waiting = channel.clone();
    let error = in_time(move || waiting.wait(Some(SHORT)).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Wait), "{error}");
    channel.set_write_timeout(Some(SHORT));
    let error = in_time(move || (&channel).write_all(&[0; 1001]).unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let error: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Write), "{error}");
}

#[test]
fn a_stream_that_panics_ends_the_session() {
    struct Panics;
    impl io::Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("as a stream of the caller's may");
        }
    }
    let halves = Halves {
        reader: Box::new(Panics),
        writer: Box::new(io::sink()),
        direct: None,
        close: Some(Box::new(|| {})),
    };
    let error = in_time(|| Session::connect_over(halves, "host", 22, &config()).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[test]
#[cfg(unix)]
fn a_process_whose_children_keep_its_pipes_is_left_in_time() {
    use std::process::{Command, Stdio};
    // The second process ends when its input does.
    let child = Command::new("sh")
        .args(["-c", "exec 3<&0; cat <&3 4>&1 >/dev/null & wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let timeouts = Timeouts { handshake: Some(SHORT), ..Timeouts::default() };
    let config = config().timeouts(timeouts);
    let error = in_time(move || Session::connect_over(child, "host", 22, &config).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Handshake), "{error}");
}

#[test]
fn timeouts_that_a_socket_came_with_do_not_end_the_session() {
    let peer = server(|mut wire| {
        if let Some(channel) = open_channel(&mut wire, 1000) {
            thread::sleep(2 * SHORT);
            grant(&mut wire, channel);
            wire.ignore();
        }
    });
    let socket = std::net::TcpStream::connect(("127.0.0.1", peer.port())).unwrap();
    socket.set_read_timeout(Some(SHORT / 4)).unwrap();
    let session = Session::connect_over(socket, "host", 22, &config()).unwrap();
    session.open_session().unwrap().shell().unwrap();
}

/// A stream that takes nothing more once it is stuck, until that is an error.
struct Stuck {
    socket: UnixStream,
    is_stuck: Arc<AtomicBool>,
    fails: mpsc::Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_stuck.load(Ordering::SeqCst) {
            let _ = self.fails.recv();
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_waits_for_room_learns_of_a_write_that_failed() {
    let (near, far) = UnixStream::pair().unwrap();
    thread::spawn(|| {
        let mut wire = Wire::accept(far).unwrap();
        open_channel(&mut wire, u32::MAX);
        wire.ignore();
    });
    let (fail, fails) = mpsc::channel();
    let is_stuck = Arc::<AtomicBool>::default();
    let (socket, closer) = (near.try_clone().unwrap(), near.try_clone().unwrap());
    let halves = Halves {
        reader: Box::new(near),
        writer: Box::new(Stuck { socket, is_stuck: is_stuck.clone(), fails }),
        direct: None,
        close: Some(Box::new(move || drop(closer.shutdown(Shutdown::Both)))),
    };
    let timeouts = Timeouts { close: Duration::MAX, ..Timeouts::default() };
    let session = Session::connect_over(halves, "host", 22, &config().timeouts(timeouts)).unwrap();
    let channel = session.open_session().unwrap();
    is_stuck.store(true, Ordering::SeqCst);
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let channel = channel.clone();
            let write = move || (&channel).write_all(&[0; 1 << 20]);
            thread::spawn(|| std::iter::repeat_with(write).find_map(Result::err).unwrap())
        })
        .collect();
    thread::sleep(SHORT);
    fail.send(()).unwrap();
    let errors = in_time(|| writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>());
    assert!(errors.iter().all(|error| error.kind() == io::ErrorKind::ConnectionReset), "{errors:?}");
    assert!(channel.connection().failure().is_none(), "something may still come");
    in_time(move || session.close());
}
