//! Commands among pipes: what goes in, what comes out, and the status.

use crate::host::{Host, PATIENCE, run, text};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, ToSocketAddrs},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testing::Sshd;

#[test]
fn output_and_status_are_the_commands_own() {
    let Some(host) = Host::start("output_and_status_are_the_commands_own") else { return };
    let output = host.run(&["127.0.0.1", "echo out; echo err >&2; exit 3"]);
    assert_eq!(
        (text(&output.stdout), text(&output.stderr), output.status.code()),
        ("out\n".into(), "err\n".into(), Some(3))
    );
    for (command, status) in [("true", 0), ("exit 255", 255), ("exit 1", 1), ("kill -TERM $$", 255)] {
        assert_eq!(host.run(&["127.0.0.1", command]).status.code(), Some(status), "{command}");
    }
}

#[test]
fn the_words_of_a_command_are_joined_by_blanks() {
    let Some(host) = Host::start("the_words_of_a_command_are_joined_by_blanks") else { return };
    let output = host.run(&["127.0.0.1", "echo", "a  b", "-n", "'c  d'"]);
    assert_eq!(text(&output.stdout), "a b -n c  d\n");
}

#[test]
fn megabytes_arrive_as_they_left_with_new_keys_on_the_way() {
    let Some(host) = Host::start("megabytes_arrive_as_they_left_with_new_keys_on_the_way") else { return };
    let bytes = testing::noise(8 << 20);
    let path = host.sshd.dir().join("noise");
    fs::write(&path, &bytes).unwrap();
    let output = host.run(&["-oRekeyLimit=1M", "127.0.0.1", &format!("cat {}", path.display())]);
    assert!(output.stdout == bytes, "{} bytes: {}", output.stdout.len(), text(&output.stderr));
    let output = run(host.demo(&["-v", "-oRekeyLimit=1M", "127.0.0.1", "cat"]), &bytes);
    assert!(output.stdout == bytes, "{} bytes: {}", output.stdout.len(), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_sent_is_compressed_if_asked_for() {
    let name = "what_is_sent_is_compressed_if_asked_for";
    let Some(host) = Host::build(name, Sshd::builder().config("LogLevel DEBUG")) else { return };
    let text_of_a_program = "the same line, again and again\n".repeat(100_000);
    for option in ["-C", "-oCompression=yes"] {
        let output = run(host.demo(&[option, "127.0.0.1", "cat"]), text_of_a_program.as_bytes());
        assert!(output.stdout == text_of_a_program.as_bytes(), "{}", text(&output.stderr));
    }
    let before = host.sshd.log().matches("Enabling compression at level").count();
    assert!(before >= 4, "each way, twice: {before}");
    assert_eq!(host.run(&["127.0.0.1", "true"]).status.code(), Some(0));
    assert_eq!(host.sshd.log().matches("Enabling compression at level").count(), before);
}

#[test]
fn a_command_that_reads_nothing_is_not_waited_for() {
    let Some(host) = Host::start("a_command_that_reads_nothing_is_not_waited_for") else { return };
    let output = run(host.demo(&["127.0.0.1", "exit 4"]), &vec![b'x'; 8 << 20]);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn without_stdin_nothing_is_read() {
    let Some(host) = Host::start("without_stdin_nothing_is_read") else { return };
    // The pipe stays open, and still the command comes to its end.
    let mut command = host.demo(&["-n", "127.0.0.1", "cat; echo end"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "end\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_output_that_nobody_reads_ends_the_command() {
    let Some(host) = Host::start("an_output_that_nobody_reads_ends_the_command") else { return };
    let mut command = host.demo(&["127.0.0.1", "yes"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 1000];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut some).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(255));
}

#[test]
fn one_stream_that_is_not_read_does_not_spoil_the_other() {
    let Some(host) = Host::start("one_stream_that_is_not_read_does_not_spoil_the_other") else { return };
    let command = "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; echo end >&2";
    let output = host.run(&["127.0.0.1", command]);
    assert_eq!((output.stdout.len(), output.stderr.len()), (3_000_000, 3_000_004));
}

#[test]
fn variables_are_sent_and_set() {
    let builder = Sshd::builder().config("AcceptEnv LC_* SOME_*");
    let Some(host) = Host::build("variables_are_sent_and_set", builder) else { return };
    let arguments = [
        "-oSendEnv=LC_ONE SOME_*",
        "-oSetEnv=SOME_TWO=set",
        "127.0.0.1",
        "echo $LC_ONE/$SOME_TWO/$SOME_THREE/$OTHER",
    ];
    let mut command = host.demo(&arguments);
    command.env("LC_ONE", "one").env("SOME_TWO", "sent").env("SOME_THREE", "a b").env("OTHER", "other");
    assert_eq!(text(&run(command, b"").stdout), "one/set/a b/\n");
}

#[test]
fn a_subsystem_speaks_its_own_protocol() {
    let builder = Sshd::builder().config("Subsystem sftp internal-sftp");
    let Some(host) = Host::build("a_subsystem_speaks_its_own_protocol", builder) else { return };
    let mut command = host.demo(&["-s", "127.0.0.1", "sftp"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // SSH_FXP_INIT, version 3; the answer is SSH_FXP_VERSION.
    child.stdin.as_mut().unwrap().write_all(&[0, 0, 0, 5, 1, 0, 0, 0, 3]).unwrap();
    let mut answer = [0; 9];
    child.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    assert_eq!(answer[4..], [2, 0, 0, 0, 3]);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(host.run(&["-s", "127.0.0.1", "no-such-subsystem"]).status.code(), Some(255));
}

#[test]
fn other_programs_use_it_in_the_place_of_ssh() {
    let test = "other_programs_use_it_in_the_place_of_ssh";
    if Command::new("scp").output().is_err() {
        return testing::skip(test, "no scp found");
    }
    let Some(host) = Host::start(test) else { return };
    let bytes = testing::noise(100_000);
    let (there, back) = (host.sshd.dir().join("there"), host.home.path().join("back"));
    fs::write(host.home.path().join("here"), &bytes).unwrap();
    for (from, to) in [
        ("here".to_owned(), format!("127.0.0.1:{}", there.display())),
        (format!("127.0.0.1:{}", there.display()), "back".to_owned()),
    ] {
        let mut scp = Command::new("scp");
        scp.args(["-q", "-S", env!("CARGO_BIN_EXE_demo"), &from, &to]);
        scp.env("HOME", host.home.path()).current_dir(host.home.path());
        let output = run(scp, b"");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(fs::read(back).unwrap() == bytes);
}

#[test]
fn algorithms_are_those_asked_for() {
    let Some(host) = Host::start("algorithms_are_those_asked_for") else { return };
    let arguments = [
        "-v",
        "-c",
        "aes256-ctr",
        "-m",
        "hmac-sha2-512-etm@openssh.com",
        "-oKexAlgorithms=ecdh-sha2-nistp384",
        "-oHostKeyAlgorithms=rsa-sha2-512",
        "-oHostKeyAlias=alias",
        "-oStrictHostKeyChecking=no",
        "127.0.0.1",
        "echo fine",
    ];
    let output = host.run(&arguments);
    let log = text(&output.stderr);
    assert_eq!(text(&output.stdout), "fine\n", "{log}");
    for name in ["aes256-ctr", "hmac-sha2-512-etm@openssh.com", "ecdh-sha2-nistp384", "rsa-sha2-512"] {
        assert!(log.contains(name), "{name} in\n{log}");
    }
}

#[test]
fn the_log_goes_where_it_should_and_never_to_stdout() {
    let Some(host) = Host::start("the_log_goes_where_it_should_and_never_to_stdout") else { return };
    let quiet = host.run(&["127.0.0.1", "echo x"]);
    assert_eq!((text(&quiet.stdout), text(&quiet.stderr)), ("x\n".into(), "".into()));
    let one = host.run(&["-v", "127.0.0.1", "echo x"]);
    assert_eq!(text(&one.stdout), "x\n");
    assert!(text(&one.stderr).contains("debug1: ") && !text(&one.stderr).contains("debug2: "));
    let file = host.run(&["-vE", "log", "127.0.0.1", "echo x"]);
    assert_eq!((text(&file.stdout), text(&file.stderr)), ("x\n".into(), "".into()));
    assert!(host.read("log").contains("debug1: "));
    let again = host.run(&["-E", "log", "-oLogLevel=DEBUG", "127.0.0.1", "true"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(host.read("log").matches("logged in").count() >= 2, "{}", host.read("log"));
}

#[test]
fn each_v_tells_more_and_none_a_secret() {
    let Some(host) = Host::start("each_v_tells_more_and_none_a_secret") else { return };
    let command = ["-oSetEnv=NAME=xyzzy", "127.0.0.1", "cat; echo plugh >&2; exit 3"];
    let log = |letters: &[&str]| {
        let arguments = [&["-E", "log"][..], letters, &command].concat();
        host.write("log", "");
        let output = run(host.demo(&arguments), b"waldo");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), "waldo".to_owned()));
        let log = host.read("log");
        for secret in ["xyzzy", "plugh", "waldo"] {
            assert!(!log.contains(secret), "{secret} in\n{log}");
        }
        log
    };
    assert_eq!(log(&[]), "");
    let has = |log: &str, lines: &[&str]| {
        let mut rest = log;
        for line in lines {
            let at =
                rest.find(&format!("{line}\n")).unwrap_or_else(|| panic!("{line} is not there in\n{log}"));
            rest = &rest[at..];
        }
    };
    let one = log(&["-v"]);
    has(
        &one,
        &[
            "channel 0: opening \"session\"",
            "channel 0: requesting \"env\"",
            "channel 0: requesting \"exec\"",
        ],
    );
    has(
        &one,
        &["channel 0: opening \"session\"", "channel 0: our request is granted", "channel 0: EOF sent"],
    );
    has(&one, &["channel 0: our request is granted", "channel 0: the peer requests \"exit-status\" 3"]);
    has(&one, &["channel 0: EOF sent", "channel 0: EOF received"]);
    assert!(one.lines().all(|line| line.starts_with("debug1: ")), "{one}");
    let two = log(&["-vv"]);
    assert!(
        two.contains("debug1: Client: channel 0: open") && two.contains("debug2: Client: the peer offers")
    );
    assert!(two.contains("debug2: Client: we offer") && !two.contains("debug3: "), "{two}");
    let three = log(&["-vvv"]);
    assert!(three.contains("debug2: Client: we offer"), "{three}");
    has(&three, &["sent NEWKEYS, 1 bytes", "sent USERAUTH_REQUEST", "received USERAUTH_SUCCESS"]);
    has(
        &three,
        &["debug3: Client: sent CHANNEL_DATA, 14 bytes", "debug3: Client: received CHANNEL_DATA, 14 bytes"],
    );
}

#[test]
fn a_connection_without_a_session_stays_until_a_signal() {
    let Some(host) = Host::start("a_connection_without_a_session_stays_until_a_signal") else { return };
    let mut command = host.demo(&["-N", "-v", "127.0.0.1"]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut log = String::new();
    while !log.contains("logged in") {
        let mut some = [0; 256];
        let n = stderr.read(&mut some).unwrap();
        assert!(n > 0, "{log}");
        log.push_str(&text(&some[..n]));
    }
    assert!(child.try_wait().unwrap().is_none());
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(255));
}

#[test]
fn addresses_are_of_the_family_asked_for() {
    let test = "addresses_are_of_the_family_asked_for";
    if let Err(error) = TcpListener::bind("[::1]:0") {
        return testing::say(test, &format!("no IPv6 here: {error}"));
    }
    let Some(host) = Host::build(test, Sshd::builder().config("ListenAddress ::1")) else { return };
    let deadline = Instant::now() + PATIENCE;
    while !host.sshd.log().contains("Server listening on ::1 port") {
        assert!(Instant::now() < deadline, "{}", host.sshd.log());
        thread::sleep(Duration::from_millis(10));
    }
    let run = |letter: &str, name: &str| {
        let command = "echo ${SSH_CONNECTION%% *}";
        let output = host.run(&[letter, "-oStrictHostKeyChecking=no", name, command]);
        (text(&output.stdout), text(&output.stderr))
    };
    for (letter, address, other) in [("-4", "127.0.0.1", "::1"), ("-6", "::1", "127.0.0.1")] {
        let (shown, told) = run(letter, address);
        assert_eq!(shown, format!("{address}\n"), "{told}");
        let (shown, told) = run(letter, other);
        assert_eq!(shown, "");
        assert!(told.contains(&format!("{other} has no IPv{} address", &letter[1..])), "{told}");
        // Whatever the machine has for the name.
        let mut of_name = ("localhost", 0).to_socket_addrs().unwrap().map(|found| found.ip().to_string());
        let (shown, told) = run(letter, "localhost");
        match of_name.any(|found| found == address) {
            true => assert_eq!(shown, format!("{address}\n"), "{told}"),
            false => assert!(told.contains("localhost has no IPv"), "{told}"),
        }
    }
}
