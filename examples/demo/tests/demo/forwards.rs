//! `-L`, `-R`, and the options that go with them.

use crate::{
    forwarding::{Running, converse, free_port, shouting, shouting_socket},
    host::{Host, demo, run, text},
};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    thread,
    time::Duration,
};
use tempfile::TempDir;
use testing::{KeyKind, KeyPair, Sshd};

/// Several connections at once, one of them long.
fn assert_shouts<S: Read + Write + Send>(
    connect: impl Fn() -> S + Sync,
    shutdown: impl Fn(&S) + Sync,
    pair: impl Fn(&S) -> S + Sync,
) {
    thread::scope(|scope| {
        for size in [0, 5, 3 << 20] {
            let (connect, shutdown, pair) = (&connect, &shutdown, &pair);
            scope.spawn(move || {
                let stream = connect();
                let answer = converse(pair(&stream), stream, shutdown, &vec![b'a'; size]);
                assert!(answer == vec![b'A'; size], "{size} bytes: {}", answer.len());
            });
        }
    });
}

fn assert_port_shouts(address: (&str, u16)) {
    assert_shouts(
        || TcpStream::connect(address).unwrap(),
        |stream| stream.shutdown(Shutdown::Write).unwrap(),
        |stream| stream.try_clone().unwrap(),
    );
}

fn assert_socket_shouts(path: &Path) {
    assert_shouts(
        || UnixStream::connect(path).unwrap(),
        |stream| stream.shutdown(Shutdown::Write).unwrap(),
        |stream| stream.try_clone().unwrap(),
    );
}

/// Whether what is said there comes to nothing: an end or a reset.
fn ends(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    match stream.read(&mut [0]) {
        Ok(n) => n == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn a_port_here_leads_there() {
    let Some(host) = Host::start("a_port_here_leads_there") else { return };
    let (peer, port) = (shouting(), free_port());
    let running = Running::start(&host, &["-L", &format!("{port}:127.0.0.1:{}", peer.port())]);
    assert_port_shouts(("127.0.0.1", port));
    if TcpListener::bind("[::1]:0").is_ok() {
        assert_port_shouts(("::1", port));
    }
    assert_eq!(
        TcpStream::connect(("127.0.0.2", port)).unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    assert_eq!(running.end(), Some(0));
    assert_eq!(host.read("stderr"), "");
}

#[test]
fn sockets_here_and_there() {
    let Some(host) = Host::start("sockets_here_and_there") else { return };
    let (peer, port) = (shouting(), free_port());
    let there = shouting_socket(&host.home.path().join("there"));
    let path = |name: &str| host.home.path().join(name).to_str().unwrap().to_owned();
    let running = Running::start(
        &host,
        &[
            "-L",
            &format!("{port}:{}", path("there")),
            "-L",
            &format!("{}:127.0.0.1:{}", path("one"), peer.port()),
            "-L",
            &format!("{}:{}", path("%r-two"), path("there")),
        ],
    );
    let two = host.home.path().join(format!("{}-two", host.sshd.user()));
    assert_port_shouts(("127.0.0.1", port));
    assert_socket_shouts(&host.home.path().join("one"));
    assert_socket_shouts(&two);
    assert_eq!(fs::metadata(&two).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((running.end(), there.accepted()), (Some(0), 6));

    // The file is still there, and is replaced only if that is asked for.
    let forward = format!("one:127.0.0.1:{}", peer.port()).replace("one", &path("one"));
    let output = host.run(&["-L", &forward, "-oExitOnForwardFailure=yes", "127.0.0.1", "true"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("can't listen on"), "{}", text(&output.stderr));
    let running = Running::start(&host, &["-L", &forward, "-oStreamLocalBindUnlink=yes"]);
    assert_socket_shouts(&host.home.path().join("one"));
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_port_there_leads_here() {
    let Some(host) = Host::start("a_port_there_leads_here") else { return };
    let (peer, port) = (shouting(), free_port());
    let target = format!("127.0.0.1:{}", peer.port());
    let running = Running::start(&host, &["-R", &format!("{port}:{target}"), "-R", &format!("0:{target}")]);
    let line = host.read("stderr");
    let chosen = line.strip_prefix("Allocated port ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(line.ends_with(&format!(" for remote forward to {target}\n")), "{line}");
    assert_port_shouts(("127.0.0.1", port));
    assert_port_shouts(("127.0.0.1", chosen.unwrap()));
    assert_eq!((running.end(), peer.accepted()), (Some(0), 6));
}

#[test]
fn sockets_there_lead_here() {
    let Some(host) = Host::start("sockets_there_lead_here") else { return };
    let peer = shouting();
    let own = shouting_socket(&host.home.path().join("own"));
    let path = |name: &str| host.sshd.dir().join(name);
    let running = Running::start(
        &host,
        &[
            "-R",
            &format!("{}:127.0.0.1:{}", path("one").display(), peer.port()),
            "-R",
            &format!("{}:{}", path("two").display(), host.home.path().join("own").display()),
        ],
    );
    assert_socket_shouts(&path("one"));
    assert_socket_shouts(&path("two"));
    assert_eq!((running.end(), peer.accepted(), own.accepted()), (Some(0), 3, 3));
}

#[test]
fn where_nobody_listens_the_connection_ends_and_no_other() {
    let Some(host) = Host::start("where_nobody_listens_the_connection_ends_and_no_other") else { return };
    let (peer, here, there, port) = (shouting(), free_port(), free_port(), free_port());
    let running = Running::start(
        &host,
        &[
            "-L",
            &format!("{here}:127.0.0.1:1"),
            "-R",
            &format!("{there}:127.0.0.1:1"),
            "-L",
            &format!("{port}:127.0.0.1:{}", peer.port()),
        ],
    );
    for dead in [here, there] {
        assert!(ends(TcpStream::connect(("127.0.0.1", dead)).unwrap()));
    }
    assert_port_shouts(("127.0.0.1", port));
    assert_eq!(running.end(), Some(0));
    assert_eq!(host.read("stderr").matches("127.0.0.1:1: ").count(), 2, "{}", host.read("stderr"));
}

#[test]
fn what_can_not_be_had_is_told_and_ends_the_program_if_asked_for() {
    let name = "what_can_not_be_had_is_told_and_ends_the_program_if_asked_for";
    let builder = Sshd::builder().config("AllowTcpForwarding local\nAllowStreamLocalForwarding local");
    let Some(host) = Host::build(name, builder) else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (option, forward, message) in [
        ("-L", format!("127.0.0.1:{port}:127.0.0.1:1"), format!("can't listen on 127.0.0.1:{port}")),
        ("-R", "0:127.0.0.1:1".to_owned(), "server refused to listen on \"localhost\" port 0".to_owned()),
        ("-R", "/none:127.0.0.1:1".to_owned(), "server refused to listen on /none".to_owned()),
    ] {
        let goes_on = host.run(&[option, &forward, "127.0.0.1", "exit 3"]);
        assert_eq!(goes_on.status.code(), Some(3), "{forward}");
        assert!(text(&goes_on.stderr).contains(&message), "{}", text(&goes_on.stderr));
        let ends = host.run(&["-oExitOnForwardFailure=yes", option, &forward, "127.0.0.1", "exit 3"]);
        assert_eq!(ends.status.code(), Some(255), "{forward}");
        assert!(text(&ends.stderr).contains(&message), "{}", text(&ends.stderr));
    }
}

#[test]
fn files_forward_too_unless_all_is_cleared() {
    let Some(host) = Host::start("files_forward_too_unless_all_is_cleared") else { return };
    let (peer, here, there) = (shouting(), free_port(), free_port());
    let target = format!("127.0.0.1:{}", peer.port());
    let lines =
        format!("LocalForward localhost:{here} {target}\nRemoteForward {there} {target}\nGatewayPorts no\n");
    let config = host.read(".ssh/config");
    host.write(".ssh/config", &format!("{config}{lines}"));
    let running = Running::start(&host, &[]);
    assert_port_shouts(("127.0.0.1", here));
    assert_port_shouts(("127.0.0.1", there));
    assert_eq!(running.end(), Some(0));
    let running = Running::start(&host, &["-oClearAllForwardings=yes", "-oExitOnForwardFailure=yes"]);
    assert!(
        TcpStream::connect(("127.0.0.1", here)).is_err() && TcpStream::connect(("127.0.0.1", there)).is_err()
    );
    assert_eq!(running.end(), Some(0));
}

#[test]
fn other_machines_may_connect_if_they_shall() {
    let Some(host) = Host::start("other_machines_may_connect_if_they_shall") else { return };
    let peer = shouting();
    let ports: [u16; 4] = std::array::from_fn(|_| free_port());
    let forward = |address: &str, port: u16| format!("{address}{port}:127.0.0.1:{}", peer.port());
    // Whatever is no loopback's own address stands for one of another machine.
    let reachable = |port: u16| TcpStream::connect(("127.0.0.2", port)).is_ok();
    let arguments = [
        "-L".to_owned(),
        forward("*:", ports[0]),
        "-L".to_owned(),
        forward(":", ports[1]),
        "-L".to_owned(),
        forward("", ports[2]),
        "-L".to_owned(),
        forward("localhost:", ports[3]),
    ];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let running = Running::start(&host, &arguments);
    assert_eq!(ports.map(reachable), [true, true, false, false]);
    assert_eq!(running.end(), Some(0));
    let running = Running::start(&host, &[&["-g"], &arguments[..]].concat());
    assert_eq!(ports.map(reachable), [true, true, true, false]);
    assert_eq!(running.end(), Some(0));
}

#[test]
fn connections_that_are_open_are_waited_for() {
    let Some(host) = Host::start("connections_that_are_open_are_waited_for") else { return };
    let (peer, port) = (shouting(), free_port());
    let mut running = Running::start(&host, &["-L", &format!("{port}:127.0.0.1:{}", peer.port())]);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"some").unwrap();
    while peer.accepted() == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    running.close_stdin();
    thread::sleep(Duration::from_millis(500));
    assert!(running.is_running());
    stream.write_all(b" more").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "SOME MORE");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn without_a_session_it_forwards_until_the_connection_ends() {
    let Some(host) = Host::start("without_a_session_it_forwards_until_the_connection_ends") else { return };
    let (peer, port, proxy) = (shouting(), free_port(), testing::Proxy::start(host.sshd.addr()));
    let forward = format!("{port}:127.0.0.1:{}", peer.port());
    let through = proxy.port().to_string();
    let arguments = ["-N", "-L", &forward, "-p", &through, "-oHostKeyAlias=a", "-oStrictHostKeyChecking=no"];
    let running = Running::without_session(&host, &arguments, port);
    assert_port_shouts(("127.0.0.1", port));
    proxy.cut(testing::Cut::Reset);
    assert_eq!(running.end(), Some(255));
}

#[test]
fn after_a_contradicted_host_key_nothing_is_forwarded() {
    let Some(host) = Host::start("after_a_contradicted_host_key_nothing_is_forwarded") else { return };
    let other = KeyPair::generate(KeyKind::Ed25519);
    let line = format!("[127.0.0.1]:{} ssh-ed25519 {}\n", host.sshd.port(), other.public_base64());
    host.write(".ssh/known_hosts", &line);
    let forward = format!("{}:127.0.0.1:1", free_port());
    let arguments = ["-oStrictHostKeyChecking=no", "-L", &forward, "127.0.0.1", "true"];
    let output = host.run(&arguments);
    assert!(text(&output.stderr).contains("nothing is forwarded"), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
    let output = host.run(&[&["-oExitOnForwardFailure=yes"], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(255));
}

#[test]
fn the_server_in_this_process_forwards_too() {
    let (home, peer, port) = (TempDir::new().unwrap(), shouting(), free_port());
    let mut command = demo(home.path());
    command.args(["-F", "none", "-L", &format!("{port}:127.0.0.1:{}", peer.port())]);
    let running = Running::of(command.args(["--loopback", "echo ready; cat"]));
    assert_port_shouts(("127.0.0.1", port));
    assert_eq!(running.end(), Some(0));
}

#[test]
fn what_is_no_forwarding_is_named() {
    let home = TempDir::new().unwrap();
    for (arguments, message) in [
        (["-L", "8080"], "LocalForward \"8080\" is not [address:]port:host:port"),
        (["-L", "0:host:80"], "LocalForward \"0:host:80\""),
        (["-R", "host:port:80"], "RemoteForward \"host:port:80\""),
        (["-L", "/%z:/x"], "%z"),
    ] {
        let mut command = demo(home.path());
        let output = run(
            {
                command.args(["-F", "none"]).args(arguments).arg("host");
                command
            },
            b"",
        );
        assert_eq!(output.status.code(), Some(255));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}
