//! Our own client against our server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{PASSWORD, PATIENCE, USER, limits, plan, read_until, terminal, wait_for};
use ssh_client::{
    Credential, ErrorKind, Exit, RekeyLimit, TerminalSize, blocking::Session, crypto::SignError,
};
use ssh_server::{
    Authenticator, Client, Fixed, KeyKind, KeyPair, Method, Permissions, PrivateKey, Programs, Signer,
    Verdict,
    auth::{Prompts, Round},
    blocking::NoSessions,
    default_provider,
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    sync::Arc,
    thread,
    time::Duration,
};

fn output(session: &Session, command: &str) -> String {
    String::from_utf8(session.command(command).output().unwrap().stdout).unwrap()
}

#[test]
fn commands_have_their_streams_and_their_end() {
    let fixture = plan().start();
    let session = fixture.session();
    let output = session.command("cat; echo err >&2; exit 7").stdin("in").output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in"[..], &b"err\n"[..]));
    assert_eq!(output.exit, Some(Exit::Status(7)));
    let Some(Exit::Signal(signal)) = session.command("kill -TERM $$").status().unwrap() else {
        panic!("no signal")
    };
    assert_eq!(signal.name, "TERM");
    // A signal without a name: as a shell says it.
    assert_eq!(
        session.command("kill -WINCH 0; kill -XCPU $$").status().unwrap(),
        Some(Exit::Status(128 + 24))
    );
    // Output of all that has the pipe still comes before the end is told.
    let output = session.command("(sleep 0.3; echo late) & exit 3").output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.exit), (&b"late\n"[..], Some(Exit::Status(3))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_tells_that_its_disk_is_full() {
    let fixture = plan().start();
    let session = fixture.session();
    for input in [1, 8 << 20] {
        // More than it will ever take, in the second case.
        let output =
            session.command("LC_ALL=C cat >/dev/full").stdin(testing::noise(input)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("No space left on device"), "{told}");
        assert_eq!((output.stdout.len(), output.exit), (0, Some(Exit::Status(1))));
    }
    let command = session.command("LC_ALL=C dd if=/dev/zero of=/dev/full count=1");
    let output = command.terminal(terminal(80, 24)).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("No space left on device"), "{told}");
    assert_eq!(output.exit, Some(Exit::Status(1)));
}

#[test]
fn data_goes_both_ways_while_keys_change() {
    let fixture = plan().start();
    let limit = RekeyLimit { bytes: 256 * 1024, ..RekeyLimit::default() };
    let config = fixture.config(USER).key(fixture.signer()).rekey(limit);
    let session = fixture.connect(&config).unwrap();
    let sent = testing::noise(2 << 20);
    let output = session.command("cat").stdin(sent.clone()).output().unwrap();
    assert!(output.stdout == sent, "{} bytes of {}", output.stdout.len(), sent.len());
}

#[test]
fn a_list_of_revoked_keys_that_is_missing_refuses_keys_and_no_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = plan().revoked(&dir.path().join("revoked")).start();
    let by_key = fixture.config(USER).key(fixture.signer());
    assert_eq!(fixture.connect(&by_key).unwrap_err().kind(), ErrorKind::Authentication);
    fixture.connect(&fixture.config(USER).credential(Credential::password(PASSWORD))).unwrap();
}

#[test]
fn a_shell_has_a_terminal() {
    let fixture = plan().start();
    let session = fixture.session();
    let channel = session.open_session().unwrap();
    let mut terminal = terminal(93, 31);
    // VINTR is Ctrl-G, and nothing is echoed.
    terminal.modes.set(1, 7);
    terminal.modes.set(53, 0);
    channel.request_pty(&terminal).unwrap();
    channel.shell().unwrap();
    let mut input = &channel;
    input.write_all(b"PS1=; echo size $(stty size) $TERM; tty; echo -n $0 is; ps -o tty= -p $$\r").unwrap();
    let told = read_until(&channel, " ispts/");
    assert!(told.contains("size 31 93 vt100"), "{told}");
    assert!(!told.contains("echo size"), "echoed: {told}");
    channel.window_change(TerminalSize { columns: 120, rows: 50, width: 0, height: 0 }).unwrap();
    input.write_all(b"until [ \"$(stty size)\" = '50 120' ]; do :; done; echo resi''zed\r").unwrap();
    read_until(&channel, "resized");
    // What is typed to interrupt does so: the terminal is the controlling one.
    let words = "env --default-signal=INT sh -c 'trap \"echo trap\"\"ped; exit\" INT; echo wai\"\"ting; while :; do sleep 0.05; done'\r";
    input.write_all(words.as_bytes()).unwrap();
    read_until(&channel, "waiting");
    input.write_all(b"\x07").unwrap();
    read_until(&channel, "trapped");
    input.write_all(b"exit 5\r").unwrap();
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(5)));
}

#[test]
fn all_that_a_terminal_showed_comes_before_the_end() {
    let fixture = plan().start();
    let session = fixture.session();
    for _ in 0..20 {
        let output = session.command("seq 5000; exit 3").terminal(terminal(80, 24)).output().unwrap();
        assert!(output.stdout.ends_with(b"4999\r\n5000\r\n"), "{} bytes", output.stdout.len());
        assert_eq!(output.exit, Some(Exit::Status(3)));
    }
    // What runs on in the background has the terminal still, and is not waited for.
    let background = "trap '' HUP; (sleep 1000 &) ; echo done";
    let output = session.command(background).terminal(terminal(80, 24)).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.exit), (&b"done\r\n"[..], Some(Exit::Status(0))));
}

#[test]
fn signals_reach_the_program() {
    let fixture = plan().start();
    let session = fixture.session();
    for with_terminal in [false, true] {
        let command =
            session.command("trap 'echo got it; exit 9' USR1; echo ready; while :; do sleep 0.05; done");
        let command = if with_terminal { command.terminal(terminal(80, 24)) } else { command };
        let channel = command.spawn().unwrap();
        read_until(&channel, "ready");
        channel.signal("USR1").unwrap();
        read_until(&channel, "got it");
        assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(9)));
    }
    let channel = session.command("sleep 1000").terminal(terminal(80, 24)).spawn().unwrap();
    channel.send_break(Duration::from_millis(300)).unwrap();
    channel.close();
    let channel = session.command("sleep 1000").spawn().unwrap();
    assert_eq!(channel.send_break(Duration::ZERO).unwrap_err().kind(), ErrorKind::RequestRefused);
}

#[test]
fn variables_are_taken_by_name() {
    let fixture = plan().sessions(Programs::new().accept_env(["LC_*", "CI"])).start();
    let session = fixture.session();
    let command = session.command("echo \"$LC_ALL:$CI:$LD_PRELOAD:$LANG:$SSH_CONNECTION\"");
    let output =
        command.env("LC_ALL", "C").env("CI", "1").env("LD_PRELOAD", "x").env("LANG", "y").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let lang = std::env::var("LANG").unwrap_or_default();
    assert!(told.starts_with(&format!("C:1::{lang}:127.0.0.1 ")), "{told}");
    assert!(told.trim_end().ends_with(&format!(" 127.0.0.1 {}", fixture.port())), "{told}");
}

#[test]
fn subsystems_run_by_name() {
    let fixture = plan().sessions(Programs::new().subsystem("upper", "tr a-z A-Z")).start();
    let session = fixture.session();
    let channel = session.open_session().unwrap();
    assert_eq!(channel.subsystem("lower").unwrap_err().kind(), ErrorKind::RequestRefused);
    channel.subsystem("upper").unwrap();
    { &channel }.write_all(b"shout").unwrap();
    channel.shutdown_write().unwrap();
    let mut told = String::new();
    { &channel }.read_to_string(&mut told).unwrap();
    assert_eq!(told, "SHOUT");
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));
}

#[test]
fn what_is_switched_off_is_refused() {
    let fixture = plan().sessions(Programs::new().commands(false).shell(false).terminals(false)).start();
    let session = fixture.session();
    let channel = session.open_session().unwrap();
    for refused in [channel.exec("true"), channel.shell(), channel.request_pty(&terminal(80, 24))] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::RequestRefused);
    }
    let fixture = plan().sessions(NoSessions).start();
    let channel = fixture.session().open_session().unwrap();
    assert_eq!(channel.exec("true").unwrap_err().kind(), ErrorKind::RequestRefused);
}

/// A credential that restricts.
struct Restricting(Fixed, Permissions);

impl Authenticator for Restricting {
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }

    fn check(&self, client: &Client<'_>, credential: &ssh_server::Credential<'_>) -> Verdict {
        match self.0.check(client, credential) {
            Verdict::Accept(_) => Verdict::Accept(self.1.clone()),
            other => other,
        }
    }
}

#[test]
fn permissions_are_kept_to() {
    let restricted = Permissions::restricted().command("echo forced; echo \"$SSH_ORIGINAL_COMMAND\"");
    let programs = Programs::new().accept_env(["SSH_*"]);
    let fixture =
        plan().auth(|key| Restricting(Fixed::new(USER).key(key), restricted)).sessions(programs).start();
    let session = fixture.session();
    assert_eq!(output(&session, "rm -rf x"), "forced\nrm -rf x\n");
    let channel = session.open_session().unwrap();
    assert_eq!(channel.request_pty(&terminal(80, 24)).unwrap_err().kind(), ErrorKind::RequestRefused);
    channel.set_env("SSH_ORIGINAL_COMMAND", "told by the client").unwrap();
    channel.shell().unwrap();
    let mut told = String::new();
    { &channel }.read_to_string(&mut told).unwrap();
    assert_eq!(told, "forced\n\n", "no command was asked for");
    let port = fixture.port();
    assert_eq!(
        session.direct_tcpip("127.0.0.1", port, ("", 0)).unwrap_err().kind(),
        ErrorKind::ChannelRefused
    );
    assert_eq!(session.forward("127.0.0.1", 0).unwrap_err().kind(), ErrorKind::RequestRefused);
}

#[test]
fn a_forced_command_hears_no_signals_of_its_client() {
    let restricted =
        Permissions::restricted().command("trap 'echo told' USR1; echo ready; read line; echo end");
    let fixture = plan().auth(|key| Restricting(Fixed::new(USER).key(key), restricted)).start();
    let session = fixture.session();
    let channel = session.open_session().unwrap();
    channel.shell().unwrap();
    assert_eq!(read_until(&channel, "ready\n"), "ready\n");
    channel.signal("USR1").unwrap();
    (&channel).write_all(b"\n").unwrap();
    assert_eq!(read_until(&channel, "end\n"), "end\n");
}

/// Signs with SHA-1 alone.
#[derive(Debug)]
struct Sha1(KeyPair);

impl Signer for Sha1 {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        vec!["ssh-rsa"]
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.sign(algorithm, message)
    }
}

#[test]
fn broken_signatures_are_accepted_if_named_alone() {
    let provider = default_provider();
    let private = PrivateKey::generate(KeyKind::Rsa { bits: 2048 }, provider.random).unwrap();
    let signer = Arc::new(Sha1(KeyPair::with_legacy(&private, &provider).unwrap()));
    for named in [false, true] {
        let public = private.public_key();
        let mut plan = plan().auth(|_| Fixed::new(USER).key(public));
        if named {
            plan.settings.kex.algorithms.user_key.push("ssh-rsa".into());
        }
        let fixture = plan.start();
        let config = fixture.config(USER).credential(Credential::signer(signer.clone()));
        let connected = fixture.connect(&config);
        assert_eq!(connected.is_ok(), named, "{:?}", connected.err());
    }
}

#[test]
fn connections_are_forwarded_to_where_they_shall() {
    let fixture = plan().start();
    let session = fixture.session();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.write_all(&received).unwrap();
    });
    let channel = session.direct_tcpip("localhost", port, ("127.0.0.1", 7)).unwrap();
    let sent = testing::noise(1 << 20);
    { &channel }.write_all(&sent).unwrap();
    channel.shutdown_write().unwrap();
    let mut received = Vec::new();
    { &channel }.read_to_end(&mut received).unwrap();
    assert!(received == sent, "{} bytes", received.len());
    echo.join().unwrap();
    // Nobody is there any more.
    let refused = session.direct_tcpip("127.0.0.1", port, ("", 0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ChannelRefused);
    assert!(refused.to_string().contains("reason 2"), "{refused}");
}

#[test]
fn sockets_of_the_file_system_are_forwarded() {
    use ssh_wire::Encode;
    let fixture = plan().start();
    let session = fixture.session();
    let path = fixture.path("service");
    let listener = UnixListener::bind(&path).unwrap();
    let mut data = Vec::new();
    path.to_str().unwrap().as_bytes().encode(&mut data);
    b"".as_slice().encode(&mut data);
    0u32.encode(&mut data);
    let channel = session.open("direct-streamlocal@openssh.com", &data).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"hello\n").unwrap();
    read_until(&channel, "hello");
    // The other way: the client closes the channel, and the socket ends.
    channel.close();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);

    let path = fixture.path("listening");
    let mut data = Vec::new();
    path.to_str().unwrap().as_bytes().encode(&mut data);
    let incoming = session.incoming("forwarded-streamlocal@openssh.com").unwrap();
    assert!(session.global_request("streamlocal-forward@openssh.com", true, &data).unwrap().0);
    assert!(!session.global_request("streamlocal-forward@openssh.com", true, &data).unwrap().0, "twice");
    let mut stream = UnixStream::connect(&path).unwrap();
    let (channel, told) = incoming.accept(Some(PATIENCE)).unwrap();
    assert!(told.starts_with(&data));
    stream.write_all(b"hello\n").unwrap();
    read_until(&channel, "hello");
    assert!(session.global_request("cancel-streamlocal-forward@openssh.com", true, &data).unwrap().0);
    wait_for("the socket's end", || !path.exists());
    assert!(!session.global_request("cancel-streamlocal-forward@openssh.com", true, &data).unwrap().0);
    // What is open stays so.
    stream.write_all(b"again\n").unwrap();
    read_until(&channel, "again");
}

#[test]
fn ports_are_listened_on_and_given_back() {
    let fixture = plan().start();
    let session = fixture.session();
    let forward = session.forward("127.0.0.1", 0).unwrap();
    assert_ne!(forward.port(), 0);
    for n in 0..3 {
        let mut stream = TcpStream::connect(("127.0.0.1", forward.port())).unwrap();
        let connection = forward.accept(Some(PATIENCE)).unwrap();
        assert_eq!(connection.originator, "127.0.0.1");
        assert_eq!(connection.originator_port, u32::from(stream.local_addr().unwrap().port()));
        writeln!(stream, "hello {n}").unwrap();
        read_until(&connection.channel, &format!("hello {n}"));
        { &connection.channel }.write_all(b"bye").unwrap();
        connection.channel.shutdown_write().unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert_eq!(told, "bye");
    }
    let port = forward.port();
    assert_eq!(session.forward("127.0.0.1", port).unwrap_err().kind(), ErrorKind::RequestRefused);
    drop(forward);
    wait_for("the port's end", || TcpStream::connect(("127.0.0.1", port)).is_err());
    for (address, port) in [("", 0), ("0.0.0.0", 0), ("127.0.0.1", 80), ("example.com", 0)] {
        assert_eq!(
            session.forward(address, port).unwrap_err().kind(),
            ErrorKind::RequestRefused,
            "{address}"
        );
    }
    // With the session the port goes, too.
    let forward = session.forward("localhost", 0).unwrap();
    let port = forward.port();
    session.close();
    wait_for("the port's end", || TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn without_a_policy_nothing_is_forwarded() {
    let mut plan = plan();
    plan.forwarding = false;
    let fixture = plan.start();
    let session = fixture.session();
    let refused = session.direct_tcpip("127.0.0.1", fixture.port(), ("", 0)).unwrap_err();
    assert!(refused.to_string().contains("reason 1"), "{refused}");
    assert_eq!(session.forward("127.0.0.1", 0).unwrap_err().kind(), ErrorKind::RequestRefused);
    // The next answer is not taken for that of another question.
    session.ping().unwrap();
}

#[test]
fn several_methods_in_a_row() {
    let fixture = plan().auth(|key| Fixed::new(USER).key(key).password(PASSWORD).all()).start();
    let config = fixture.config(USER).key(fixture.signer()).password(PASSWORD);
    let session = fixture.connect(&config).unwrap();
    assert_eq!(output(&session, "echo in"), "in\n");
    for config in [
        fixture.config(USER).key(fixture.signer()),
        fixture.config(USER).password(PASSWORD),
        fixture.config(USER).key(fixture.signer()).password("wrong"),
        fixture.config("bob").key(fixture.signer()).password(PASSWORD),
    ] {
        assert_eq!(fixture.connect(&config).unwrap_err().kind(), ErrorKind::Authentication);
    }
}

/// Asks for a name in one round, and for two more answers in the next.
struct Asking;

impl Authenticator for Asking {
    fn methods(&self) -> Vec<Method> {
        vec![Method::KeyboardInteractive]
    }

    fn check(&self, client: &Client<'_>, credential: &ssh_server::Credential<'_>) -> Verdict {
        let ssh_server::Credential::Interactive(rounds) = credential else { return Verdict::Reject };
        let answers = |round: &Round| {
            round.answers.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect::<Vec<_>>()
        };
        match rounds {
            [] => Verdict::Ask(Prompts::secret("Name? ").and("Echo? ", true)),
            [one] if answers(one) == ["blue", "seen"] => Verdict::Ask(Prompts::default()),
            [_, empty] if empty.answers.is_empty() => Verdict::accept_if(client.user == USER),
            _ => Verdict::Reject,
        }
    }
}

#[test]
fn dialogues_have_rounds() {
    let fixture = plan().auth(|_| Asking).start();
    let answering = |first: &'static str| {
        Credential::Interactive(Arc::new(move |challenge| {
            let answer = |echo: bool| if echo { "seen".into() } else { first.into() };
            Some(challenge.prompts.iter().map(|prompt| answer(prompt.echo)).collect())
        }))
    };
    let config = fixture.config(USER).credential(answering("blue"));
    assert_eq!(output(&fixture.connect(&config).unwrap(), "echo in"), "in\n");
    let config = fixture.config(USER).credential(answering("red"));
    assert_eq!(fixture.connect(&config).unwrap_err().kind(), ErrorKind::Authentication);
}

/// Wants the password changed first.
struct Expired(std::sync::Mutex<String>);

impl Authenticator for Expired {
    fn methods(&self) -> Vec<Method> {
        vec![Method::Password]
    }

    fn check(&self, client: &Client<'_>, credential: &ssh_server::Credential<'_>) -> Verdict {
        use ssh_server::Credential;
        let mut current = self.0.lock().unwrap();
        match credential {
            _ if client.user != USER => Verdict::Reject,
            Credential::Password(password) if ***password == *current.as_bytes() => match current.as_str() {
                PASSWORD => Verdict::ChangePassword("It is too old.".to_owned()),
                _ => Verdict::accept(),
            },
            Credential::NewPassword { old, new } if ***old == *current.as_bytes() => {
                *current = String::from_utf8(new.to_vec()).unwrap();
                Verdict::accept()
            }
            _ => Verdict::Reject,
        }
    }
}

#[test]
fn passwords_are_changed() {
    let fixture = plan().auth(|_| Expired(PASSWORD.to_owned().into())).start();
    let changing = |old: &'static str| {
        let config = fixture.config(USER).password(PASSWORD);
        config.change_password(move |prompt| (prompt == "It is too old.").then(|| (old.into(), "new".into())))
    };
    assert_eq!(fixture.connect(&changing("wrong")).unwrap_err().kind(), ErrorKind::Authentication);
    assert_eq!(output(&fixture.connect(&changing(PASSWORD)).unwrap(), "echo in"), "in\n");
    assert!(fixture.connect(&fixture.config(USER).password("new")).is_ok());
    assert!(fixture.connect(&fixture.config(USER).password(PASSWORD)).is_err());
}

#[test]
fn the_banner_comes_first() {
    let mut plan = plan();
    plan.banner = Some("be welcome\n".to_owned());
    let fixture = plan.start();
    let (told, heard) = std::sync::mpsc::channel();
    let config =
        fixture.config(USER).key(fixture.signer()).on_banner(move |text| told.send(text.to_owned()).unwrap());
    fixture.connect(&config).unwrap();
    assert_eq!(heard.recv().unwrap(), "be welcome\n");
}

#[test]
fn a_server_needs_a_key_and_somebody_to_ask() {
    use ssh_server::Server;
    let error = Server::builder().auth(Fixed::new(USER)).build().err().unwrap();
    assert!(error.kind() == ErrorKind::Usage && error.to_string().contains("host key"), "{error}");
    assert_eq!(Server::builder().build().err().unwrap().kind(), ErrorKind::Usage);
}

#[test]
fn channels_are_limited() {
    let mut plan = plan();
    plan.limits = limits();
    plan.limits.channels = 2;
    plan.limits.connections = 1;
    let fixture = plan.start();
    let session = fixture.session();
    let [one, _two] = [(), ()].map(|()| session.open_session().unwrap());
    assert_eq!(session.open_session().unwrap_err().kind(), ErrorKind::ChannelRefused);
    drop(one);
    wait_for("a place", || session.open_session().is_ok());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let one = session.direct_tcpip("127.0.0.1", port, ("", 0)).unwrap();
    assert_eq!(
        session.direct_tcpip("127.0.0.1", port, ("", 0)).unwrap_err().kind(),
        ErrorKind::ChannelRefused
    );
    drop(one);
    wait_for("a place", || session.direct_tcpip("127.0.0.1", port, ("", 0)).is_ok());
}

#[test]
fn listeners_are_limited() {
    let mut plan = plan();
    plan.limits = limits();
    plan.limits.listeners = 2;
    let fixture = plan.start();
    let session = fixture.session();
    let [one, _two] = [(), ()].map(|()| session.forward("127.0.0.1", 0).unwrap());
    assert_eq!(session.forward("127.0.0.1", 0).unwrap_err().kind(), ErrorKind::RequestRefused);
    drop(one);
    wait_for("a place", || session.forward("127.0.0.1", 0).is_ok());
}

#[test]
fn no_more_sessions_means_it() {
    let fixture = plan().start();
    let session = fixture.session();
    let channel = session.open_session().unwrap();
    session.global_request("no-more-sessions@openssh.com", false, &[]).unwrap();
    assert_eq!(session.open_session().unwrap_err().kind(), ErrorKind::ChannelRefused);
    channel.exec("true").unwrap();
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));
}

/// Fails where it should decide.
struct Panicking(Fixed);

impl Authenticator for Panicking {
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }

    fn check(&self, client: &Client<'_>, credential: &ssh_server::Credential<'_>) -> Verdict {
        assert_eq!(client.user, USER, "this one is meant to fail");
        self.0.check(client, credential)
    }
}

#[test]
fn a_decision_that_panics_ends_its_session_alone() {
    let fixture = plan().auth(|key| Panicking(Fixed::new(USER).key(key))).start();
    let config = fixture.config("bob").key(fixture.signer());
    assert!(!fixture.connect(&config).unwrap_err().is_timeout());
    assert_eq!(output(&fixture.session(), "echo in"), "in\n");
}
