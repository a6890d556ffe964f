//! `-J` and `-W`: hosts that are reached over others, and the standard streams as one end of a connection.

use crate::{
    forwarding::{Running, converse, free_port, shouting, shouting_socket},
    host::{Host, PATIENCE, run, text},
};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Stdio,
};
use testing::{KeyKind, KeyPair, Sshd};

/// Two servers beside a host, which knows them as `one` and `two`.
struct Way {
    host: Host,
    one: Sshd,
    two: Sshd,
}

impl Way {
    fn start(test: &str, one: &str) -> Option<Self> {
        let host = Host::start(test)?;
        let one = Sshd::builder().config(one).start_or_skip(test)?;
        let two = Sshd::start_or_skip(test)?;
        let mut known = host.read(".ssh/known_hosts");
        let mut config = String::new();
        for (name, sshd) in [("one", &one), ("two", &two)] {
            sshd.user_key_path(KeyKind::Ed25519);
            known += &sshd.known_hosts(&KeyKind::ALL);
            config += &format!("Host {name}\nHostName 127.0.0.1\nPort {}\n", sshd.port());
        }
        config += &format!("Host target\nHostName 127.0.0.1\nHost *\n{}", host.read(".ssh/config"));
        host.write(".ssh/known_hosts", &known);
        host.write(".ssh/config", &config);
        Some(Self { host, one, two })
    }

    /// How often each of the three was logged in to.
    fn logins(&self) -> [usize; 3] {
        [&self.one, &self.two, &self.host.sshd].map(|sshd| sshd.log().matches("Accepted publickey").count())
    }
}

#[test]
fn over_two_hosts_to_a_third() {
    let Some(way) = Way::start("over_two_hosts_to_a_third", "") else { return };
    let output = run(way.host.demo(&["-J", "one,two", "target", "cat; exit 3"]), &vec![b'x'; 3 << 20]);
    assert_eq!((output.stdout.len(), output.status.code()), (3 << 20, Some(3)), "{}", text(&output.stderr));
    assert_eq!((text(&output.stderr), way.logins()), (String::new(), [1, 1, 1]));

    // By names that no file knows.
    let user = way.one.user();
    let jumps = format!("ssh://{user}@127.0.0.1:{},{user}@127.0.0.1:{}", way.one.port(), way.two.port());
    let output = way.host.run(&["-J", &jumps, "target", "echo there"]);
    assert_eq!((text(&output.stdout), way.logins()), ("there\n".into(), [2, 2, 2]));
}

#[test]
fn files_tell_the_way_of_each_host() {
    let Some(way) = Way::start("files_tell_the_way_of_each_host", "") else { return };
    let config = way.host.read(".ssh/config");
    let lines = "Host two\nProxyJump one\nHost target\nProxyJump two\nForwardAgent no\n";
    way.host.write(".ssh/config", &format!("{lines}{config}"));
    assert_eq!(text(&way.host.run(&["target", "echo there"]).stdout), "there\n");
    assert_eq!(way.logins(), [1, 1, 1]);
    assert_eq!(text(&way.host.run(&["-oProxyJump=none", "target", "echo there"]).stdout), "there\n");
    assert_eq!(way.logins(), [1, 1, 2]);
}

#[test]
fn each_host_has_keys_of_its_own_and_is_checked() {
    let Some(way) = Way::start("each_host_has_keys_of_its_own_and_is_checked", "") else { return };
    let key = KeyPair::generate(KeyKind::Ed25519);
    key.write(&way.host.home.path().join("gate"));
    way.two.authorize(&format!("restrict,port-forwarding {}", key.public_line()));
    let config = way.host.read(".ssh/config");
    way.host.write(".ssh/config", &format!("Host two\nIdentityFile ~/gate\nIdentitiesOnly yes\n{config}"));
    let output = way.host.run(&["-J", "two", "target", "echo there"]);
    assert_eq!(text(&output.stdout), "there\n", "{}", text(&output.stderr));
    assert_eq!(way.logins(), [0, 1, 1]);

    // What arguments say of host keys is for the destination alone.
    let known = way.host.sshd.known_hosts(&KeyKind::ALL);
    way.host.write(".ssh/known_hosts", &known);
    let config = way.host.read(".ssh/config");
    way.host.write(".ssh/config", &format!("Host two\nStrictHostKeyChecking yes\n{config}"));
    let output = way.host.run(&["-oStrictHostKeyChecking=no", "-J", "two", "target", "echo there"]);
    assert_eq!((text(&output.stdout), output.status.code()), (String::new(), Some(255)));
    let error = text(&output.stderr);
    assert!(error.contains("jump host 127.0.0.1: ") && error.contains("no host key is known"), "{error}");
}

#[test]
fn where_the_way_ends_is_told() {
    let Some(way) = Way::start("where_the_way_ends_is_told", "PermitOpen none") else { return };
    let output = way.host.run(&["-J", "one,two", "target", "true"]);
    assert_eq!(output.status.code(), Some(255));
    let error = text(&output.stderr);
    assert!(error.contains("jump host 127.0.0.1: ") && error.contains("refused the channel"), "{error}");
    assert_eq!(way.logins(), [1, 0, 0]);
}

#[test]
fn forwardings_lead_on_from_the_destination() {
    let Some(way) = Way::start("forwardings_lead_on_from_the_destination", "") else { return };
    let (peer, port) = (shouting(), free_port());
    let forward = format!("{port}:127.0.0.1:{}", peer.port());
    let mut command = way.host.demo(&["-J", "one", "-L", &forward, "target", "echo ready; cat"]);
    let running = Running::of(&mut command);
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let shutdown = |stream: &TcpStream| stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(converse(stream.try_clone().unwrap(), stream, shutdown, b"hello"), b"HELLO");
    assert_eq!((running.end(), way.logins()), (Some(0), [1, 0, 1]));
}

#[test]
fn the_standard_streams_lead_to_a_port_or_a_socket() {
    let Some(host) = Host::start("the_standard_streams_lead_to_a_port_or_a_socket") else { return };
    let peer = shouting();
    let path = host.home.path().join("socket");
    let _socket = shouting_socket(&path);
    for target in [format!("127.0.0.1:{}", peer.port()), path.to_str().unwrap().to_owned()] {
        for size in [0, 5, 3 << 20] {
            let output = run(host.demo(&["-W", &target, "127.0.0.1"]), &vec![b'a'; size]);
            assert!(output.stdout == vec![b'A'; size], "{target}: {} of {size}", output.stdout.len());
            assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
        }
    }
    let output = host.run(&["-W", "127.0.0.1:1", "127.0.0.1"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("127.0.0.1:1: "), "{}", text(&output.stderr));
}

/// The end of stdout comes before that of stdin.
#[test]
fn each_direction_of_the_standard_streams_ends_for_itself() {
    let Some(host) = Host::start("each_direction_of_the_standard_streams_ends_for_itself") else { return };
    let (heard, hears) = std::sync::mpsc::channel();
    let peer = testing::Peer::start(move |mut stream| {
        stream.write_all(b"bye").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        heard.send(bytes).unwrap();
    });
    let mut command = host.demo(&["-W", &format!("127.0.0.1:{}", peer.port()), "127.0.0.1"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "bye");
    child.stdin.take().unwrap().write_all(b"and you").unwrap();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), b"and you");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
