//! `-D`, and `-R` without a target: connections that lead to where each asks, by SOCKS.

use crate::{
    forwarding::{Running, converse, free_port, shouting},
    host::{Host, PATIENCE, run, text},
};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
};
use testing::Peer;

/// Says `request` to a port, and answers with the stream and as many bytes as are expected.
fn ask(port: u16, request: &[u8], expected: usize) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = vec![0; expected];
    stream.read_exact(&mut answer).unwrap();
    (stream, answer)
}

fn version_4a(host: &str, port: u16) -> Vec<u8> {
    [b"\x04\x01", &port.to_be_bytes()[..], b"\x00\x00\x00\x01user\0", host.as_bytes(), b"\0"].concat()
}

fn version_5(host: &str, port: u16) -> Vec<u8> {
    let head = [5, 1, 0, 5, 1, 0, 3, host.len() as u8];
    [&head, host.as_bytes(), &port.to_be_bytes()].concat()
}

/// All three versions, and a request that comes together with the first data.
fn assert_leads(port: u16, peer: &Peer) {
    let target = peer.port();
    let version_4 = [b"\x04\x01", &target.to_be_bytes()[..], b"\x7f\x00\x00\x01\0"].concat();
    for (request, expected) in [
        (version_4, vec![0, 90, 0, 0, 0, 0, 0, 0]),
        (version_4a("localhost", target), vec![0, 90, 0, 0, 0, 0, 0, 0]),
        (version_5("localhost", target), vec![5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ] {
        let request = [&request[..], b"early "].concat();
        let (stream, answer) = ask(port, &request, expected.len());
        assert_eq!(answer, expected);
        let shutdown = |stream: &TcpStream| stream.shutdown(Shutdown::Write).unwrap();
        let answer = converse(stream.try_clone().unwrap(), stream, shutdown, &vec![b'a'; 1 << 20]);
        assert!(answer == [b"EARLY ", &vec![b'A'; 1 << 20][..]].concat(), "{} bytes", answer.len());
    }
}

#[test]
fn each_connection_leads_to_where_it_asks() {
    let Some(host) = Host::start("each_connection_leads_to_where_it_asks") else { return };
    let (peer, port) = (shouting(), free_port());
    let running = Running::start(&host, &["-D", &port.to_string()]);
    assert_leads(port, &peer);
    assert_eq!((running.end(), peer.accepted()), (Some(0), 3));
    assert_eq!(host.read("stderr"), "");
}

#[test]
fn from_the_server_too() {
    let Some(host) = Host::start("from_the_server_too") else { return };
    let (peer, port) = (shouting(), free_port());
    let running = Running::start(&host, &["-R", &format!("localhost:{port}"), "-R", "0"]);
    let line = host.read("stderr");
    let chosen = line.strip_prefix("Allocated port ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(line.ends_with(" for remote forward to socks\n"), "{line}");
    assert_leads(port, &peer);
    assert_leads(chosen.unwrap(), &peer);
    assert_eq!((running.end(), peer.accepted()), (Some(0), 6));
}

#[test]
fn who_can_not_be_served_is_told_and_left() {
    let Some(host) = Host::start("who_can_not_be_served_is_told_and_left") else { return };
    let (here, there) = (free_port(), free_port());
    let config = host.read(".ssh/config");
    host.write(".ssh/config", &format!("{config}DynamicForward {here}\nRemoteForward {there}\n"));
    let running = Running::start(&host, &[]);
    for port in [here, there] {
        // Nobody listens there.
        let (mut stream, answer) = ask(port, &version_5("127.0.0.1", 1), 12);
        assert_eq!(answer, [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let (_, answer) = ask(port, &version_4a("127.0.0.1", 1), 8);
        assert_eq!(answer, [0, 91, 0, 0, 0, 0, 0, 0]);
        // BIND.
        let (_, answer) = ask(port, b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", 12);
        assert_eq!(answer[3], 7);
        // Another protocol hears nothing.
        let (mut stream, _) = ask(port, b"G", 0);
        assert!(!matches!(stream.read(&mut [0]), Ok(1)));
    }
    assert_eq!(running.end(), Some(0));
    assert_eq!(host.read("stderr").matches("127.0.0.1:1: ").count(), 4, "{}", host.read("stderr"));
}

#[test]
fn other_programs_go_this_way() {
    let test = "other_programs_go_this_way";
    if Command::new("curl").arg("--version").output().is_err() {
        return testing::skip(test, "no curl found");
    }
    let Some(host) = Host::start(test) else { return };
    let peer = Peer::start(|mut stream| {
        let mut request = [0; 1024];
        let n = stream.read(&mut request).unwrap();
        assert!(request[..n].starts_with(b"GET / "));
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nthere").unwrap();
    });
    let port = free_port();
    let running = Running::start(&host, &["-D", &port.to_string()]);
    for version in ["--socks4", "--socks4a", "--socks5", "--socks5-hostname"] {
        let mut curl = Command::new("curl");
        curl.args(["-q", "-s", "-S", "--noproxy", "", version, &format!("127.0.0.1:{port}")]);
        let output = run(
            {
                curl.arg(format!("http://127.0.0.1:{}/", peer.port()));
                curl
            },
            b"",
        );
        assert_eq!(text(&output.stdout), "there", "{version}: {}", text(&output.stderr));
    }
    assert_eq!(running.end(), Some(0));
}
