//! What a session is used for: commands, streams, logins, terminals, forwarded connections.

use crate::facade::{Channel, Session};
use crate::support::{PATIENCE, config, connect, every, key, logs_in, session};
use ssh_client::{Credential, ErrorKind, Exit, Secret, Terminal, TerminalSize};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    thread,
};
use testing::{KeyKind, Server, noise};

/// Both streams and the status.
pub(crate) fn exit_status(server: &dyn Server) {
    let session = session(server);
    let output = session.command("echo out; echo err >&2; exit 7").output().unwrap();
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(output.exit, Some(Exit::Status(7)));
    assert_eq!(session.command("true").status().unwrap(), Some(Exit::Status(0)));
}

/// A signal that ended the command.
pub(crate) fn exit_signal(server: &dyn Server) {
    let exit = session(server).command("kill -TERM $$; sleep 60").status().unwrap();
    assert!(matches!(&exit, Some(Exit::Signal(signal)) if signal.name == "TERM"), "{exit:?}");
}

/// Megabytes of output, then of input.
pub(crate) fn streams(server: &dyn Server) {
    let data = noise(4 << 20);
    let file = server.dir().join("data");
    fs::write(&file, &data).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let output = session(server).command(format!("cat '{}'", file.display())).output().unwrap();
    assert!(output.stdout == data, "{} bytes", output.stdout.len());
    let output = session(server).command("cksum").stdin(data.clone()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{} {}\n", cksum(&data), data.len()));
}

/// Both directions at once, with new keys whenever we want them, and the server too.
pub(crate) fn rekeying(server: &dyn Server) {
    let session = connect(server, &logs_in(server).rekey(every(512 << 10)));
    let channel = session.open_session().unwrap();
    channel.exec("cat").unwrap();
    let input = noise(8 << 20);
    assert!(both_ways(&channel, &input) == input);
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));
}

/// New keys at the wish of a server of the test's own, which logs `line` for each key exchange.
pub(crate) fn rekeying_by_the_server(server: &dyn Server, line: &str) {
    let session = session(server);
    let channel = session.open_session().unwrap();
    channel.exec("cat").unwrap();
    let input = noise(10 << 20);
    assert!(both_ways(&channel, &input) == input);
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));
    let exchanges = server.log().matches(line).count();
    assert!(exchanges >= 3, "{exchanges} key exchanges in the log:\n{}", server.log());
}

/// Passwords, right and wrong.
pub(crate) fn password(server: &dyn Server) {
    let Some(password) = server.password() else {
        return testing::say("passwords", "only root can make an account");
    };
    let base = config(server, KeyKind::Ed25519);
    let session = connect(server, &base.clone().password(password));
    assert!(session.command("true").output().unwrap().success());
    let error = Session::connect(("127.0.0.1", server.port()), &base.password("wrong"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Authentication);
}

/// A password that has expired, whose successor is refused at first; then an old one that was wrong.
pub(crate) fn password_change(server: &dyn Server) {
    let new = server.password().unwrap().to_owned();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let change = |old: &'static str| {
        let (asked, new) = (asked.clone(), new.clone());
        move |prompt: &str| {
            let mut asked = asked.lock().unwrap();
            asked.push(prompt.to_owned());
            Some((Secret::from(old), Secret::from(if asked.len() == 1 { "unwanted" } else { new.as_str() })))
        }
    };
    let base = config(server, KeyKind::Ed25519).password("expired");
    let session = connect(server, &base.clone().change_password(change("expired")));
    assert!(session.command("true").output().unwrap().success());
    assert_eq!(*asked.lock().unwrap(), ["It has expired.", "Not this one."]);
    let error = Session::connect(("127.0.0.1", server.port()), &base.change_password(change("wrong")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Authentication);
    assert_eq!(asked.lock().unwrap().len(), 3);
}

/// A dialogue of two rounds; then one that is answered wrongly, and a key after it.
pub(crate) fn dialogue(server: &dyn Server) {
    let password = server.password().unwrap().to_owned();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer = |code: &'static str| {
        let (asked, password) = (asked.clone(), password.clone());
        Credential::Interactive(Arc::new(move |challenge| {
            asked
                .lock()
                .unwrap()
                .extend(challenge.prompts.iter().map(|prompt| (prompt.text.clone(), prompt.echo)));
            let answer = |text: &str| Secret::from(if text == "Code: " { code } else { password.as_str() });
            Some(challenge.prompts.iter().map(|prompt| answer(&prompt.text)).collect())
        }))
    };
    let base = config(server, KeyKind::Ed25519);
    let session = connect(server, &base.clone().credential(answer(testing::CODE)));
    assert!(session.command("true").output().unwrap().success());
    let prompts = [("Password: ".to_owned(), false), ("Code: ".to_owned(), true)];
    assert_eq!(*asked.lock().unwrap(), prompts);
    let key = key(server, KeyKind::Ed25519, &base);
    assert!(connect(server, &base.credential(answer("wrong")).credential(key)).is_active());
}

/// A terminal of the kind and size asked for, which changes.
pub(crate) fn terminal(server: &dyn Server) {
    let channel = session(server).open_session().unwrap();
    let size = |columns, rows| TerminalSize { columns, rows, width: 0, height: 0 };
    let terminal = Terminal { term: "vt220".to_owned(), size: size(91, 33), modes: Default::default() };
    channel.request_pty(&terminal).unwrap();
    channel.exec("echo $TERM; stty size; read line; stty size").unwrap();
    let mut seen = Vec::new();
    while !seen.windows(5).any(|window| window == b"33 91") {
        let mut buffer = [0; 64];
        let read = (&channel).read(&mut buffer).unwrap();
        assert_ne!(read, 0, "{}", seen.escape_ascii());
        seen.extend_from_slice(&buffer[..read]);
    }
    assert!(seen.starts_with(b"vt220"), "{}", seen.escape_ascii());
    channel.window_change(size(120, 50)).unwrap();
    (&channel).write_all(b"\n").unwrap();
    let mut rest = String::new();
    (&channel).read_to_string(&mut rest).unwrap();
    assert!(rest.contains("50 120"), "{rest:?}");
}

/// A connection to a port behind the server, and one to a port where nobody listens.
pub(crate) fn direct_tcpip(server: &dyn Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
    });
    let session = session(server);
    let channel = session.direct_tcpip("127.0.0.1", port, ("127.0.0.1", 1)).unwrap();
    let input = noise(1 << 20);
    assert!(both_ways(&channel, &input) == input);
    echo.join().unwrap();
    // The listener is gone.
    let refused = session.direct_tcpip("127.0.0.1", port, ("127.0.0.1", 1));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ChannelRefused);
    assert!(session.command("true").output().unwrap().success());
}

/// Many channels of one session, each with its own data.
pub(crate) fn channels_beside_each_other(server: &dyn Server) {
    let session = session(server);
    thread::scope(|scope| {
        for number in 0..8 {
            let session = &session;
            scope.spawn(move || {
                let command = session.command(format!("echo {number}; cat"));
                let output = command.stdin(noise(200_000)).output().unwrap();
                assert!(output.stdout.starts_with(format!("{number}\n").as_bytes()));
                assert!(output.stdout.ends_with(&noise(200_000)));
            });
        }
    });
}

/// Writes `input` and its end, and gives what comes back at the same time.
fn both_ways(channel: &Channel, input: &[u8]) -> Vec<u8> {
    thread::scope(|scope| {
        scope.spawn(|| {
            (&*channel).write_all(input).unwrap();
            channel.shutdown_write().unwrap();
        });
        let mut output = Vec::new();
        (&*channel).read_to_end(&mut output).unwrap();
        output
    })
}

/// The checksum of the command of that name (POSIX, "cksum").
fn cksum(data: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| {
            (0..8).fold(byte << 24, |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
        })
        .collect();
    let length = data.len().to_le_bytes();
    let length = &length[..length.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1)];
    !data.iter().chain(length).fold(0, |crc, byte| (crc << 8) ^ table[(crc >> 24) as usize ^ *byte as usize])
}
