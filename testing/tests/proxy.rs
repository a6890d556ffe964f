//! The proxy does what it is told, and nothing else.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are test code")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use testing::{Cut, Direction, Peer, Proxy};

/// A server that sends everything back.
fn echo() -> Peer {
    Peer::start(|stream| {
        // A connection that was cut ends the copying with an error, which is what the tests want.
        let _ = std::io::copy(&mut &stream, &mut &stream);
    })
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.addr()).expect("the proxy listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.set_nodelay(true).expect("no delay");
    stream
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 % 251) as u8).collect()
}

/// Sends `data`, closes its direction and gives what comes back.
fn exchange(proxy: &Proxy, data: &[u8]) -> Vec<u8> {
    let mut stream = connect(proxy);
    let mut back = Vec::new();
    thread::scope(|scope| {
        let mut writing = stream.try_clone().expect("a clone");
        scope.spawn(move || {
            writing.write_all(data).expect("the proxy reads");
            writing.shutdown(Shutdown::Write).expect("half a close");
        });
        stream.read_to_end(&mut back).expect("the proxy forwards");
    });
    back
}

#[test]
fn it_forwards_bytes_and_ends_and_counts_them() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    let data = pattern(3 << 20);
    for round in 1..=3 {
        assert!(exchange(&proxy, &data) == data);
        assert_eq!(proxy.bytes(Direction::ToServer), round * data.len() as u64);
        assert_eq!(proxy.bytes(Direction::ToClient), round * data.len() as u64);
    }
    assert_eq!(proxy.accepted(), 3);
}

#[test]
fn single_bytes_arrive_in_order() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    proxy.single_bytes(Direction::ToServer, true);
    proxy.single_bytes(Direction::ToClient, true);
    let data = pattern(2000);
    assert_eq!(exchange(&proxy, &data), data);
}

#[test]
fn one_byte_is_flipped_where_it_was_asked_for() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    proxy.flip(Direction::ToServer, 1000, 0x80);
    proxy.flip(Direction::ToClient, 70_000, 0x01);
    let data = pattern(100_000);
    let mut expected = data.clone();
    expected[1000] ^= 0x80;
    expected[70_000] ^= 0x01;
    assert!(exchange(&proxy, &data) == expected);
}

#[test]
fn a_delay_holds_for_each_direction_and_does_not_limit_the_throughput() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    let delay = Duration::from_millis(60);
    proxy.delay(Direction::ToServer, delay);
    proxy.delay(Direction::ToClient, delay);

    let mut stream = connect(&proxy);
    let start = Instant::now();
    stream.write_all(b"x").expect("the proxy reads");
    stream.read_exact(&mut [0]).expect("the proxy forwards");
    assert!(start.elapsed() >= 2 * delay, "{:?}", start.elapsed());

    // 1000 segments one after the other would take two minutes if each waited for the one before.
    let start = Instant::now();
    thread::scope(|scope| {
        let mut writing = stream.try_clone().expect("a clone");
        scope.spawn(move || {
            for _ in 0..1000 {
                writing.write_all(&[1; 1000]).expect("the proxy reads");
            }
        });
        stream.read_exact(&mut vec![0; 1_000_000]).expect("the proxy forwards");
    });
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_stall_holds_the_rest_back_until_it_is_resumed() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    proxy.stall_after(Direction::ToClient, 5);
    let mut stream = connect(&proxy);
    stream.write_all(b"0123456789").expect("the proxy reads");
    stream.read_exact(&mut [0; 5]).expect("the first five bytes");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let error = stream.read(&mut [0; 5]).expect_err("nothing comes");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");

    proxy.resume(Direction::ToClient);
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut rest = [0; 5];
    stream.read_exact(&mut rest).expect("the rest");
    assert_eq!(&rest, b"56789");
}

#[test]
fn a_cut_after_some_bytes_lets_exactly_these_through() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    proxy.cut_after(Direction::ToClient, 1234, Cut::Fin);
    let mut stream = connect(&proxy);
    stream.write_all(&pattern(1234)).expect("the proxy reads");
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("a clean end");
    assert_eq!(back, pattern(1234));
}

#[test]
fn a_cut_now_ends_every_connection_in_the_way_asked_for() {
    let peer = echo();
    let proxy = Proxy::start(peer.addr());
    for how in [Cut::Fin, Cut::Reset] {
        let mut streams = [connect(&proxy), connect(&proxy)];
        for stream in &mut streams {
            stream.write_all(b"x").expect("the proxy reads");
            stream.read_exact(&mut [0]).expect("the proxy forwards");
        }
        proxy.cut(how);
        for stream in &mut streams {
            match (how, stream.read(&mut [0])) {
                (Cut::Fin, Ok(0)) => {}
                (Cut::Reset, Err(error)) if error.kind() == ErrorKind::ConnectionReset => {}
                (_, other) => panic!("{how:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn dropping_it_joins_its_threads_whatever_they_wait_for() {
    // Neither side reads, so all queues fill; one direction is stalled.
    let peer = Peer::start(|mut stream| while stream.write_all(&[0; 65536]).is_ok() {});
    let proxy = Proxy::start(peer.addr());
    proxy.stall_after(Direction::ToServer, 10);
    let mut stream = connect(&proxy);
    stream.write_all(&[0; 100]).expect("the proxy reads");
    thread::sleep(Duration::from_millis(100));
    drop(proxy);
    drop(peer);
}
