//! The program against several hosts, which are addresses of one OpenSSH.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::{
    fmt::Write,
    fs,
    net::TcpListener,
    process::{Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use testing::{KeyKind, Pty, Sshd};

const PATIENCE: Duration = Duration::from_secs(60);

/// Hosts, and the home of a user who knows them and may log in.
struct Fleet {
    sshd: Sshd,
    home: TempDir,
}

impl Fleet {
    /// With `hosts` addresses of 127.0.0.0/24, from 127.0.0.1 on; OpenSSH listens on 16 at most.
    fn start(test: &str, hosts: u8) -> Option<Self> {
        let lines = (2..=hosts).fold(String::new(), |mut lines, host| {
            writeln!(lines, "ListenAddress 127.0.0.{host}").unwrap();
            lines
        });
        let sshd = Sshd::builder().config(&lines).start_or_skip(test)?;
        let home = TempDir::new().unwrap();
        let ssh = home.path().join(".ssh");
        fs::create_dir(&ssh).unwrap();
        let known = sshd.known_hosts(&[KeyKind::Ed25519]).replace("[127.0.0.1]", "[127.0.0.*]");
        fs::write(ssh.join("known_hosts"), known).unwrap();
        fs::copy(sshd.user_key_path(KeyKind::Ed25519), ssh.join("id_ed25519")).unwrap();
        Some(Self { sshd, home })
    }

    fn host(&self, host: u8) -> String {
        format!("{}@127.0.0.{host}:{}", self.sshd.user(), self.sshd.port())
    }

    /// With these arguments, on the hosts from 127.0.0.1 to this one.
    fn run(&self, arguments: &[&str], hosts: u8) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
        command.args(arguments).args((1..=hosts).map(|host| self.host(host)));
        self.finish(command)
    }

    fn finish(&self, mut command: Command) -> Output {
        command.env("HOME", self.home.path()).env_remove("SSH_AUTH_SOCK");
        command.current_dir(self.home.path()).stdin(Stdio::null()).output().unwrap()
    }
}

/// The lines, sorted: hosts answer in any order.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Fails on 127.0.0.2 only.
const FAILS_ON_ONE: &str =
    "set -- $SSH_CONNECTION; case $3 in 127.0.0.2) echo no >&2; exit 3;; *) echo to $3;; esac";

#[test]
fn every_host_runs_the_command_and_has_its_name_before_its_lines() {
    let test = "every_host_runs_the_command_and_has_its_name_before_its_lines";
    let Some(fleet) = Fleet::start(test, 4) else { return };
    // Two by name, two by a file, one of them by both.
    let file = fleet.home.path().join("hosts");
    fs::write(&file, format!("# all\n{}\n{}\n{}\n", fleet.host(2), fleet.host(3), fleet.host(4))).unwrap();
    let output = fleet.run(&["--jobs", "2", "--hosts", "hosts", "echo out; printf rest; echo err >&2"], 2);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let hosts: Vec<_> = (1..=4).map(|host| fleet.host(host)).collect();
    let mut out: Vec<_> =
        hosts.iter().flat_map(|host| [format!("{host}: out"), format!("{host}: rest")]).collect();
    out.sort();
    assert_eq!(lines(&output.stdout), out);
    let mut err: Vec<_> = hosts.iter().map(|host| format!("{host}: err")).collect();
    err.push("4 hosts: 4 succeeded, 0 failed, 0 not reached".to_owned());
    err.sort();
    assert_eq!(lines(&output.stderr), err);
}

#[test]
fn no_more_hosts_are_visited_at_once_than_there_are_jobs() {
    let Some(fleet) = Fleet::start("no_more_hosts_are_visited_at_once_than_there_are_jobs", 6) else {
        return;
    };
    let dir = fleet.home.path().join("visits");
    fs::create_dir(&dir).unwrap();
    // Each tells how many there are, itself among them.
    let count = "mkdir at-$$ && ls | wc -l && sleep 0.2 && rmdir at-$$";
    let output = fleet.run(&["--jobs", "2", &format!("cd {} && {count}", dir.display())], 6);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let counts = lines(&output.stdout);
    assert_eq!(counts.len(), 6);
    assert!(counts.iter().all(|line| line.ends_with(" 1") || line.ends_with(" 2")), "{counts:?}");
}

/// How far it is, then lines without what a terminal would act on, and at the end the summary alone.
#[test]
fn a_terminal_sees_a_bar_and_clean_lines() {
    let Some(fleet) = Fleet::start("a_terminal_sees_a_bar_and_clean_lines", 2) else { return };
    let go = fleet.home.path().join("go");
    // One has done it before the other may.
    let wait = format!("while [ ! -e {} ]; do sleep 0.01; done", go.display());
    let last = format!("set -- $SSH_CONNECTION; [ $3 = 127.0.0.1 ] || {wait}; printf 'a\\033[31mb\\n'");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.arg(last).args([fleet.host(1), fleet.host(2)]);
    command.env("HOME", fleet.home.path()).env("TERM", "xterm").env_remove("SSH_AUTH_SOCK");
    command.current_dir(fleet.home.path());
    let mut pty = Pty::spawn(command, 100, 30);
    pty.expect("1/2 hosts [", PATIENCE);
    fs::write(go, "").unwrap();
    pty.expect("2 hosts: 2 succeeded, 0 failed, 0 not reached", PATIENCE);
    assert_eq!(pty.exit_code(PATIENCE), 0);
    let seen = pty.output();
    let line = |host| format!("{}: a\u{fffd}[31mb", fleet.host(host));
    assert!(seen.contains(&line(1)) && seen.contains(&line(2)), "{seen:?}");
}

#[test]
fn a_command_that_fails_on_one_host_is_told_with_its_status() {
    let test = "a_command_that_fails_on_one_host_is_told_with_its_status";
    let Some(fleet) = Fleet::start(test, 3) else { return };
    let output = fleet.run(&[FAILS_ON_ONE], 3);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = lines(&output.stderr);
    assert!(told.contains(&"3 hosts: 2 succeeded, 1 failed, 0 not reached".to_owned()), "{told:?}");
    assert!(told.contains(&format!("failed: {}: exit status 3", fleet.host(2))), "{told:?}");
    assert!(told.contains(&format!("{}: no", fleet.host(2))), "{told:?}");
    assert_eq!(lines(&output.stdout).len(), 2);
}

#[test]
fn a_host_that_is_not_reached_is_told_with_the_reason_and_the_others_go_on() {
    let test = "a_host_that_is_not_reached_is_told_with_the_reason_and_the_others_go_on";
    let Some(fleet) = Fleet::start(test, 2) else { return };
    // Nobody listens there as long as the socket is not told to.
    let listener = TcpListener::bind("127.0.0.9:0").unwrap();
    let refused = format!("alice@127.0.0.9:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let stranger = fleet.host(1).replace("127.0.0.1", "localhost");
    let output = fleet.run(&[FAILS_ON_ONE, &refused, &stranger], 2);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = lines(&output.stderr);
    assert!(told.contains(&"4 hosts: 1 succeeded, 1 failed, 2 not reached".to_owned()), "{told:?}");
    let why = |host: &str| {
        let begin = format!("not reached: {host}: ");
        told.iter().find_map(|line| line.strip_prefix(&begin)).unwrap_or_else(|| panic!("{host}: {told:?}"))
    };
    assert!(why(&refused).contains("onnection refused"), "{told:?}");
    assert!(why(&stranger).contains("no key is known"), "{told:?}");
}

#[test]
fn a_host_whose_time_is_up_is_given_up() {
    let Some(fleet) = Fleet::start("a_host_whose_time_is_up_is_given_up", 2) else { return };
    let command = "set -- $SSH_CONNECTION; case $3 in 127.0.0.2) echo $$; exec sleep 1000;; esac";
    let output = fleet.run(&["--timeout", "10", command], 2);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = lines(&output.stderr);
    assert!(told.contains(&"2 hosts: 1 succeeded, 0 failed, 1 not reached".to_owned()), "{told:?}");
    assert!(told.contains(&format!("not reached: {}: not done after 10 s", fleet.host(2))), "{told:?}");
}

#[test]
fn output_goes_to_files_by_host() {
    let Some(fleet) = Fleet::start("output_goes_to_files_by_host", 3) else { return };
    let output = fleet.run(&["--output", "a/b", FAILS_ON_ONE], 3);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    let read = |host: u8, kind: &str| {
        fs::read_to_string(fleet.home.path().join(format!("a/b/{}.{kind}", fleet.host(host)))).unwrap()
    };
    assert_eq!((read(1, "out"), read(1, "err")), ("to 127.0.0.1\n".to_owned(), String::new()));
    assert_eq!((read(2, "out"), read(2, "err")), (String::new(), "no\n".to_owned()));
    assert_eq!((read(3, "out"), read(3, "err")), ("to 127.0.0.3\n".to_owned(), String::new()));
}

#[test]
fn no_more_hosts_at_a_time_than_files_may_be_open() {
    let Some(fleet) = Fleet::start("no_more_hosts_at_a_time_than_files_may_be_open", 15) else { return };
    let mut command = Command::new("sh");
    // Fifteen sessions and their files would be more.
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fleet")]);
    command.args(["--output", "out", "sleep 0.2"]).args((1..=15).map(|host| fleet.host(host)));
    let output = fleet.finish(command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = lines(&output.stderr);
    let warning = "warning: no more than 40 files may be open: 2 hosts at a time, not 64";
    assert_eq!(told, ["15 hosts: 15 succeeded, 0 failed, 0 not reached", warning]);
}

#[test]
fn a_list_that_is_no_good_connects_to_nobody() {
    for arguments in [&["true"][..], &["true", "bob"], &["true", "--hosts", "/nonexistent"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_fleet")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_full_disk_is_told_by_its_host() {
    let Some(fleet) = Fleet::start("a_full_disk_is_told_by_its_host", 2) else { return };
    let logs = fleet.home.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let file = format!("{}.out", fleet.host(2));
    std::os::unix::fs::symlink("/dev/full", logs.join(&file)).unwrap();
    // One that goes on without a word is not waited for.
    for command in ["echo out", "head -c 3000000 /dev/zero", "head -c 3000000 /dev/zero; exec sleep 1000"] {
        let on_one = format!("set -- $SSH_CONNECTION; case $3 in 127.0.0.2) {command};; esac");
        let output = fleet.run(&["--output", "logs", &on_one], 2);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("1 succeeded, 0 failed, 1 not reached"), "{said}");
        let line = said.lines().find(|line| line.starts_with("not reached: ")).unwrap();
        assert!(line.contains(&file) && line.contains("No space left on device"), "{said}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.args(["echo out", &fleet.host(1)]).env("HOME", fleet.home.path()).env_remove("SSH_AUTH_SOCK");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdin(Stdio::null()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error: stdout: No space left on device"), "{said}");
}
