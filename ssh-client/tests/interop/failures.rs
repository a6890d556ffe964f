//! Peers that are not what they should be, and connections that break: each has its own error, in the time set, and no
//! thread stays behind.

use super::facade::{Session, connect, session};
use crate::support::{PATIENCE, config_with_key, timeouts};
use socket2::{Domain, Socket, Type};
use ssh_client::{Config, ErrorKind, Phase, host_key::InsecureAcceptAny, ssh_config::AddressFamily};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};
use testing::{Cut, Direction, KeyKind, Peer, Proxy, Sshd};

/// The time each phase has in tests that must run into it.
const SHORT: Duration = Duration::from_secs(1);
/// By then a call with such a time must have ended, on however loaded a machine.
const BOUND: Duration = Duration::from_secs(10);

fn open_config() -> Config {
    Config::new("nobody").host_key(InsecureAcceptAny).password("x").timeouts(timeouts(SHORT))
}

fn failure(port: u16, config: &Config) -> ssh_client::Error {
    let start = Instant::now();
    let error = Session::connect(("127.0.0.1", port), config).unwrap_err();
    let (elapsed, least) =
        (start.elapsed(), if matches!(error.kind(), ErrorKind::Timeout(_)) { SHORT } else { Duration::ZERO });
    assert!((least..BOUND).contains(&elapsed), "{error} after {elapsed:?}");
    error
}

#[test]
fn nobody_listens() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let error = failure(port, &open_config());
    assert_eq!(error.kind(), ErrorKind::Connect);
    let nowhere = Session::connect(("no.such.host.invalid", 22), &open_config()).unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::Connect);
}

#[test]
fn addresses_of_another_family_are_left_out() {
    let peer = Peer::silent();
    let error = failure(peer.port(), &open_config().address_family(AddressFamily::Inet6));
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("no IPv6 address"), "{error}");
    let error = failure(peer.port(), &open_config().address_family(AddressFamily::Inet));
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Handshake));
}

/// A listener that nobody accepts from and whose queue is full, and those who stand in it.
fn full_queue() -> (Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    let queued = std::iter::repeat_with(connect).map_while(|stream| stream).collect();
    (socket, queued)
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_that_does_not_answer_times_out() {
    let (listener, _queued) = full_queue();
    let port = listener.local_addr().unwrap().as_socket().unwrap().port();
    assert_eq!(failure(port, &open_config()).kind(), ErrorKind::Timeout(Phase::Connect));
}

#[test]
fn a_peer_that_is_not_ssh_is_quoted() {
    let peer = Peer::closing_after("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    let error = failure(peer.port(), &open_config());
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("HTTP/1.1 400"), "{error}");
}

#[test]
fn a_peer_that_says_nothing_times_out() {
    let peer = Peer::silent();
    assert_eq!(failure(peer.port(), &open_config()).kind(), ErrorKind::Timeout(Phase::Handshake));
}

#[test]
fn a_peer_that_only_names_itself_times_out() {
    let peer = Peer::saying("SSH-2.0-mute\r\n");
    assert_eq!(failure(peer.port(), &open_config()).kind(), ErrorKind::Timeout(Phase::Handshake));
}

#[test]
fn a_peer_of_another_version_is_refused() {
    let peer = Peer::saying("SSH-1.5-ancient\r\n");
    let error = failure(peer.port(), &open_config());
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("1.5"), "{error}");
}

#[test]
fn endless_lines_before_the_identification_are_refused() {
    let peer = Peer::saying("hello\r\n".repeat(2000));
    assert_eq!(failure(peer.port(), &open_config()).kind(), ErrorKind::Protocol);
    let peer = Peer::saying("x".repeat(100_000));
    assert_eq!(failure(peer.port(), &open_config()).kind(), ErrorKind::Protocol);
}

#[test]
fn garbage_after_the_identification_is_refused() {
    let mut bytes = b"SSH-2.0-odd\r\n".to_vec();
    bytes.extend([0xff; 64]);
    let peer = Peer::saying(bytes);
    assert_eq!(failure(peer.port(), &open_config()).kind(), ErrorKind::Protocol);
}

#[test]
fn nothing_in_common_shows_both_lists() {
    let name = "nothing_in_common_shows_both_lists";
    let Some(sshd) = Sshd::builder().config("Ciphers aes256-ctr").start_or_skip(name) else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let mut algorithms = config.offered().clone();
    algorithms.cipher_c2s = vec!["aes128-ctr".into()];
    let error = connect(&sshd, &config.algorithms(algorithms)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NothingInCommon);
    let text = error.to_string();
    assert!(text.contains("aes128-ctr") && text.contains("aes256-ctr"), "{text}");
}

/// Does something to each direction after each of many numbers of bytes, from the first to the last of a whole session
/// in which each phase may take `time`.
///
/// `harmless` says of how many bytes it may happen that nothing is noticed: then the output must be right.
fn break_everywhere(
    name: &str,
    time: Duration,
    act: impl Fn(&Proxy, Direction, u64) + Sync,
    expected: &[ErrorKind],
    harmless: impl Fn(&Sshd, Direction) -> u64,
) {
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    for direction in [Direction::ToClient, Direction::ToServer] {
        break_direction(name, &sshd, direction, time, &act, expected, harmless(&sshd, direction));
    }
}

fn break_direction(
    name: &str,
    sshd: &Sshd,
    direction: Direction,
    time: Duration,
    act: &(impl Fn(&Proxy, Direction, u64) + Sync),
    expected: &[ErrorKind],
    harmless: u64,
) {
    let attempt = |proxy: &Proxy, time: Duration| {
        let config = config_with_key(sshd, KeyKind::Ed25519).timeouts(timeouts(time));
        let session = Session::connect(("127.0.0.1", proxy.port()), &config)?;
        let output = session.command("echo done").timeout(time).output()?;
        // What the session says at its end comes behind it.
        Ok((output, proxy.bytes(direction)))
    };
    let whole = Proxy::start(sshd.addr());
    let (_, total): (_, u64) = attempt(&whole, PATIENCE).unwrap();
    assert!(total > 1000, "{total} bytes");
    thread::scope(|scope| {
        for step in 0..16 {
            let (attempt, at) = (&attempt, total * step / 16);
            scope.spawn(move || {
                let proxy = Proxy::start(sshd.addr());
                act(&proxy, direction, at);
                let start = Instant::now();
                let broken = format!("{name}: {direction:?} broken at {at} of {total}");
                match attempt(&proxy, time) {
                    Ok((output, _)) if at < harmless => assert_eq!(output.stdout, b"done\n"),
                    Ok((output, _)) => panic!("{broken}, and got {output:?}"),
                    Err::<_, ssh_client::Error>(error) => {
                        assert!(expected.contains(&error.kind()), "{broken}: {error:?}");
                    }
                }
                assert!(start.elapsed() < BOUND, "{name}: {:?}", start.elapsed());
            });
        }
    });
}

#[test]
fn a_connection_cut_anywhere_is_an_error_of_its_own() {
    let name = "a_connection_cut_anywhere_is_an_error_of_its_own";
    for how in [Cut::Fin, Cut::Reset] {
        break_everywhere(
            name,
            PATIENCE,
            |proxy, direction, at| proxy.cut_after(direction, at, how),
            &[ErrorKind::Io],
            |_, _| 0,
        );
    }
}

#[test]
fn a_peer_that_stops_anywhere_times_out_in_that_phase() {
    let name = "a_peer_that_stops_anywhere_times_out_in_that_phase";
    let phases =
        [Phase::Handshake, Phase::Authentication, Phase::Open, Phase::Request, Phase::Read, Phase::Wait];
    let timeouts = phases.map(ErrorKind::Timeout);
    break_everywhere(
        name,
        SHORT,
        |proxy, direction, at| proxy.stall_after(direction, at),
        &timeouts,
        |_, _| 0,
    );
}

#[test]
fn a_byte_flipped_anywhere_is_an_error() {
    let name = "a_byte_flipped_anywhere_is_an_error";
    // A length that was made longer lets the client wait for the rest.
    let phases =
        [Phase::Handshake, Phase::Authentication, Phase::Open, Phase::Request, Phase::Read, Phase::Wait];
    let mut all = phases.map(ErrorKind::Timeout).to_vec();
    all.extend([ErrorKind::Protocol, ErrorKind::Integrity, ErrorKind::Crypto, ErrorKind::HostKey]);
    all.extend([ErrorKind::NothingInCommon, ErrorKind::Io, ErrorKind::Disconnected]);
    // What comes before the first keys is secured by the exchange hash, except for the padding of its packets.
    let clear = |sshd: &Sshd, direction| {
        let proxy = Proxy::start(sshd.addr());
        let stream = TcpStream::connect(proxy.addr()).unwrap();
        let _unverified = Session::handshake(stream, "127.0.0.1", sshd.port(), &open_config()).unwrap();
        proxy.bytes(direction)
    };
    break_everywhere(name, SHORT, |proxy, direction, at| proxy.flip(direction, at, 0x10), &all, clear);
}

#[test]
fn a_command_that_runs_when_the_server_dies_ends_with_an_error() {
    let name = "a_command_that_runs_when_the_server_dies_ends_with_an_error";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let session = session(&sshd);
    let channel = session.open_session().unwrap();
    channel.exec("echo ready; cat").unwrap();
    let mut ready = [0; 6];
    (&channel).read_exact(&mut ready).unwrap();
    let reader = thread::spawn({
        let channel = channel.clone();
        move || (&channel).read(&mut [0; 16])
    });
    drop(sshd);
    assert!(reader.join().unwrap().is_err());
    assert!(!session.is_active());
    assert!(session.open_session().is_err());
    assert!((&channel).write_all(b"x").is_err());
}

#[test]
fn a_dead_network_is_noticed_by_keepalives() {
    let Some(sshd) = Sshd::start_or_skip("a_dead_network_is_noticed_by_keepalives") else { return };
    let proxy = Proxy::start(sshd.addr());
    let config = config_with_key(&sshd, KeyKind::Ed25519).keepalive(Duration::from_millis(100), 2);
    let session = Session::connect(("127.0.0.1", proxy.port()), &config).unwrap();
    let channel = session.open_session().unwrap();
    channel.exec("sleep 60").unwrap();
    proxy.stall(Direction::ToClient);
    let start = Instant::now();
    let error = channel.wait(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Keepalive));
    assert!(start.elapsed() < BOUND);
}

#[test]
fn closing_wakes_every_waiting_call() {
    let Some(sshd) = Sshd::start_or_skip("closing_wakes_every_waiting_call") else { return };
    let session = session(&sshd);
    let channel = session.open_session().unwrap();
    channel.exec("sleep 60").unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|which| {
            let channel = channel.clone();
            thread::spawn(move || match which {
                0 => (&channel).read(&mut [0; 1]).unwrap_err().kind(),
                1 => channel.stderr().read(&mut [0; 1]).unwrap_err().kind(),
                _ => std::io::Error::from(channel.wait(None).unwrap_err()).kind(),
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    session.close();
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), std::io::ErrorKind::NotConnected);
    }
}
