//! Other people's clients against our server: OpenSSH's newest, Dropbear's, Paramiko, AsyncSSH.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Fixture, PATIENCE, USER, plan};
use ssh_client::{Algorithms, Credential};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};
use testing::{KeyPair, Library, check_shell};

/// A client's program, or a skip.
fn newer(test: &str, program: &str) -> Option<PathBuf> {
    let found = testing::newer_program(program);
    if found.is_none() {
        testing::skip(test, testing::NEWER_MISSING);
    }
    found
}

/// Gives the input to a command, and waits for what it writes.
fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A client that has ended takes no more.
    let _ = writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that renews the keys often.
fn start_renewing() -> Fixture {
    let mut plan = plan();
    plan.settings.kex.rekey.bytes = 512 << 10;
    plan.start()
}

fn check_commands(mut command: impl FnMut(&str) -> Command) {
    let output = run(command("cat; echo err >&2; exit 7"), b"in");
    assert_eq!(text(&output.stdout), "in", "{output:?}");
    assert!(text(&output.stderr).ends_with("err\n"), "{output:?}");
    assert_eq!(output.status.code(), Some(7));
}

/// Passes data both ways by `cat`, in one session, while the keys are renewed several times.
fn check_rekeying(fixture: &Fixture, cat: Command) {
    let before = fixture.exchanges();
    let sent = testing::noise(3 << 19);
    let output = run(cat, &sent);
    assert!(output.stdout == sent, "{} bytes, {}", output.stdout.len(), text(&output.stderr));
    let exchanges = fixture.exchanges() - before;
    assert!(exchanges > 2, "{exchanges} key exchanges");
}

/// A port that greets whoever comes.
fn greeter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = { &stream }.write_all(b"hello");
        }
    });
    port
}

/// What a port says, once somebody is there.
fn hear(port: u16) -> String {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let mut heard = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port))
            && stream.read_to_string(&mut heard).is_ok()
            && !heard.is_empty()
        {
            return heard;
        }
        assert!(std::time::Instant::now() < deadline, "nobody at port {port}");
        thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A port that nobody has a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Forwards by the options `-L` and `-R` of a client that then reads its input to the end.
fn check_forwards(mut command: impl FnMut(&[String]) -> Command) {
    let (target, here, there) = (greeter(), free_port(), free_port());
    let options = [
        "-L".to_owned(),
        format!("127.0.0.1:{here}:127.0.0.1:{target}"),
        "-R".to_owned(),
        format!("127.0.0.1:{there}:127.0.0.1:{target}"),
    ];
    let mut child = command(&options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(hear(here), "hello");
    assert_eq!(hear(there), "hello");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn check_openssh(ssh: &PathBuf) {
    let fixture = plan().start();
    let options = ["-oRekeyLimit=512K", "-oBatchMode=yes"];
    check_commands(|command| fixture.ssh(ssh, USER, "key", &options, &[command]));
    check_rekeying(&fixture, fixture.ssh(ssh, USER, "key", &options, &["cat"]));
    let renewing = start_renewing();
    check_rekeying(&renewing, renewing.ssh(ssh, USER, "key", &[], &["cat"]));
    // It says so when a signal has ended the command; Dropbear's client does not.
    assert_eq!(
        run(fixture.ssh(ssh, USER, "key", &options, &["kill -TERM $$"]), b"").status.code(),
        Some(255)
    );
    check_shell(fixture.ssh(ssh, USER, "key", &["-e", "none"], &[]), PATIENCE);
    check_forwards(|options| {
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        fixture.ssh(ssh, USER, "key", &options, &["cat"])
    });
    let output = run(fixture.ssh(ssh, USER, "key", &["-oSetEnv=LC_TEST=yes"], &["echo $LC_TEST"]), b"");
    assert_eq!(text(&output.stdout), "yes\n");
}

#[test]
fn the_machines_openssh() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return testing::skip("the_machines_openssh", "there is no ssh");
    }
    check_openssh(&"ssh".into());
}

#[test]
fn the_newest_openssh() {
    let Some(ssh) = newer("the_newest_openssh", "ssh") else { return };
    check_openssh(&ssh);
}

#[test]
fn dropbear() {
    let Some(dbclient) = newer("dropbear", "dbclient") else { return };
    let Some(convert) = newer("dropbear", "dropbearconvert") else { return };
    let (fixture, renewing) = (plan().start(), start_renewing());
    let key = |fixture: &Fixture| {
        let key = fixture.path("dropbear-key");
        let arguments = ["openssh", "dropbear"];
        let files = [&fixture.path("key"), &key];
        let converted = Command::new(&convert).args(arguments).args(files).output().unwrap();
        assert!(converted.status.success(), "{converted:?}");
    };
    key(&fixture);
    key(&renewing);
    let client = |fixture: &Fixture, options: &[String], command: &[&str]| {
        let mut client = Command::new(&dbclient);
        client.env("HOME", fixture.dir.path()).args(["-y", "-y", "-p"]).arg(fixture.port().to_string());
        client.arg("-i").arg(fixture.path("dropbear-key")).args(options);
        client.arg(format!("{USER}@127.0.0.1")).args(command);
        client
    };
    check_commands(|command| client(&fixture, &[], &[command]));
    check_rekeying(&renewing, client(&renewing, &[], &["cat"]));
    check_shell(client(&fixture, &[], &[]), PATIENCE);
    check_forwards(|options| client(&fixture, options, &["cat"]));
}

/// `renewed` is what passes data while the server changes the keys.
fn python(test: &str, library: Library, renewed: &str) {
    let (fixture, renewing) = (plan().start(), start_renewing());
    for (fixture, action) in [
        (&fixture, "command"),
        (&fixture, "shell"),
        (&fixture, "data"),
        (&renewing, renewed),
        (&fixture, "forward"),
    ] {
        let before = fixture.exchanges();
        if !act(test, library, fixture, action) {
            return;
        }
        let exchanges = fixture.exchanges() - before;
        assert!(!action.starts_with("data") || exchanges > 2, "{exchanges} key exchanges");
    }
}

/// Has the library's script do this. Answers `false` if the machine lacks it.
fn act(test: &str, library: Library, fixture: &Fixture, action: &str) -> bool {
    let mut command = match testing::python_client(library) {
        Ok(command) => command,
        Err(lacks) => {
            testing::skip(test, &lacks);
            return false;
        }
    };
    command.arg(fixture.port().to_string()).arg(USER).arg(fixture.path("key")).arg(action);
    let output = run(command, b"");
    let passed = output.status.success() && output.stdout.ends_with(b"passed\n");
    assert!(passed, "{action}: {}", text(&output.stderr));
    true
}

#[test]
fn paramiko() {
    python("paramiko", Library::Paramiko, "data_alone");
}

/// What RFC 4419 replaced.
#[test]
fn paramiko_asks_for_a_group_as_of_old() {
    let mut plan = plan();
    plan.settings.kex.algorithms = Algorithms::legacy(&plan.settings.kex.provider);
    let fixture = plan.start();
    if act("paramiko_asks_for_a_group_as_of_old", Library::Paramiko, &fixture, "old_group_exchange") {
        assert_eq!(fixture.exchanges(), 2);
    }
}

#[test]
fn asyncssh() {
    python("asyncssh", Library::AsyncSsh, "data");
}

/// OpenSSH's clients: the machine's own, and the newest if it was unpacked.
fn openssh(test: &str) -> Vec<PathBuf> {
    let own = Command::new("ssh").arg("-V").output().is_ok().then(|| "ssh".into());
    let clients: Vec<_> = own.into_iter().chain(testing::newer_program("ssh")).collect();
    if clients.is_empty() {
        testing::skip(test, "there is no ssh");
    }
    clients
}

/// With new keys all the time. Debian's OpenSSH 9.2 has nothing that is not here; what another version has is told.
#[test]
fn openssh_by_every_algorithm() {
    if env!("CARGO_CRATE_NAME").starts_with("tasks") {
        return testing::say("openssh_by_every_algorithm", "drivers know nothing of algorithms");
    }
    let mut plan = plan();
    let algorithms = Algorithms::legacy(&plan.settings.kex.provider);
    let kinds = [
        ("kex", "KexAlgorithms", algorithms.kex.clone()),
        ("cipher", "Ciphers", algorithms.cipher_c2s.clone()),
        ("mac", "MACs", algorithms.mac_c2s.clone()),
    ];
    plan.settings.kex.algorithms = algorithms;
    let fixture = plan.start();
    let sent = testing::noise(128 << 10);
    for ssh in openssh("openssh_by_every_algorithm") {
        let answer = |option: &str| Command::new(&ssh).args(option.split(' ')).output().unwrap();
        let version = text(&answer("-V").stderr);
        for (kind, option, ours) in &kinds {
            let theirs = text(&answer(&format!("-Q {kind}")).stdout);
            let (common, lacking): (Vec<_>, Vec<_>) =
                theirs.lines().partition(|name| ours.iter().any(|own| own == name));
            assert!(!version.starts_with("OpenSSH_9.2p") || lacking.is_empty(), "{lacking:?} of {version}");
            for name in lacking {
                testing::say(&format!("{kind} {name}"), &format!("only {} has it", version.trim()));
            }
            assert!(common.len() >= 10, "{common:?}");
            for name in common {
                let chosen = format!("-o{option}={name}");
                // With a cipher that needs a MAC, unless another is chosen.
                let options = ["-oRekeyLimit=64K", "-oBatchMode=yes", &chosen, "-oCiphers=aes128-ctr"];
                let before = fixture.exchanges();
                let output = run(fixture.ssh(&ssh, USER, "key", &options, &["cat"]), &sent);
                assert!(output.stdout == sent, "{name}: {}", text(&output.stderr));
                let exchanges = fixture.exchanges() - before;
                assert!(exchanges > 2, "{name}: {exchanges} key exchanges");
            }
        }
    }
}

#[test]
fn the_newest_openssh_has_mldsa() {
    let test = "the_newest_openssh_has_mldsa";
    let (Some(ssh), Some(_)) = (newer(test, "ssh"), newer(test, "ssh-keygen")) else { return };
    let [host, user, other] = [(); 3].map(|()| KeyPair::generate(testing::KeyKind::MlDsa44Ed25519));
    let provider = ssh_client::default_provider();
    let private = ssh_client::PrivateKeyFile::parse(host.private()).unwrap().decrypt(None).unwrap();
    let signer = ssh_client::KeyPair::new(&private, &provider).unwrap();
    let (public, _) = ssh_client::PublicKey::from_line(user.public_line()).unwrap();
    let builder = ssh_server::Server::builder().host_key(std::sync::Arc::new(signer));
    let builder = builder.auth(ssh_server::Fixed::new(USER).key(public)).limits(common::limits());
    let server = builder.sessions(ssh_server::Programs::new()).build().unwrap();
    let serving = common::serve(&server, TcpListener::bind("127.0.0.1:0").unwrap());
    let port = serving.address().port();
    let dir = tempfile::tempdir().unwrap();
    let log_in = |known: &KeyPair, key: &KeyPair| {
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, format!("[127.0.0.1]:{port} {}\n", known.public_line())).unwrap();
        let mut command = Command::new(&ssh);
        command.args(["-F", "none", "-oStrictHostKeyChecking=yes", "-oGlobalKnownHostsFile=none"]);
        command.arg(format!("-oUserKnownHostsFile={}", file.display()));
        command.args(["-oHostKeyAlgorithms=ssh-mldsa44-ed25519", "-oBatchMode=yes", "-oIdentitiesOnly=yes"]);
        command.args(["-oPubkeyAcceptedAlgorithms=ssh-mldsa44-ed25519", "-oIdentityAgent=none"]);
        command.arg("-p").arg(port.to_string()).arg("-i").arg(key.write(&dir.path().join("key")));
        command.arg(format!("{USER}@127.0.0.1")).arg("echo in");
        run(command, b"")
    };
    let output = log_in(&host, &user);
    assert_eq!(text(&output.stdout), "in\n", "{}", text(&output.stderr));
    let output = log_in(&other, &user);
    assert!(text(&output.stderr).contains("Host key verification failed"), "{output:?}");
    let output = log_in(&host, &other);
    assert!(text(&output.stderr).contains("Permission denied"), "{output:?}");
}

#[test]
fn openssh_knows_a_host_by_its_certificate() {
    for ssh in openssh("openssh_knows_a_host_by_its_certificate") {
        let fixture = plan().certified("127.0.0.1").start();
        let known = fixture.path("known_hosts");
        let authority = KeyPair::authority().public_line();
        std::fs::write(&known, format!("@cert-authority [127.0.0.1]:* {authority}\n")).unwrap();
        let file = format!("-oUserKnownHostsFile={}", known.display());
        let strict = ["-oStrictHostKeyChecking=yes", "-oGlobalKnownHostsFile=none", &file, "-oBatchMode=yes"];
        let mut command = Command::new(&ssh);
        command.args(["-F", "none"]).args(strict).args([
            "-oIdentitiesOnly=yes",
            "-oIdentityAgent=none",
            "-p",
        ]);
        command.arg(fixture.port().to_string()).arg("-i").arg(fixture.path("key"));
        command.arg(format!("{USER}@127.0.0.1")).arg("echo in");
        let output = run(command, b"");
        assert_eq!(text(&output.stdout), "in\n", "{}", text(&output.stderr));
    }
}

#[test]
fn openssh_logs_in_by_several_methods() {
    use std::os::unix::fs::PermissionsExt;
    for ssh in openssh("openssh_logs_in_by_several_methods") {
        // By a key, and then in a dialogue.
        let fixture = plan().auth(common::KeyAndCode).start();
        let answers = fixture.path("answers");
        std::fs::write(&answers, format!("#!/bin/sh\necho {}\n", common::CODE)).unwrap();
        std::fs::set_permissions(&answers, std::fs::Permissions::from_mode(0o700)).unwrap();
        let log_in = |key: &str, answers: &std::path::Path| {
            let mut command = fixture.ssh(&ssh, USER, key, &["-oNumberOfPasswordPrompts=1"], &["echo in"]);
            command.env("SSH_ASKPASS", answers).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
            run(command, b"")
        };
        let output = log_in("key", &answers);
        assert_eq!(text(&output.stdout), "in\n", "{}", text(&output.stderr));
        assert!(log_in("other", &answers).stdout.is_empty(), "another key");
        std::fs::write(&answers, "#!/bin/sh\necho 0\n").unwrap();
        assert!(log_in("key", &answers).stdout.is_empty(), "another code");
    }
}

#[test]
fn certificates_by_a_line_of_authorized_keys() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return testing::skip("certificates_by_a_line_of_authorized_keys", "there is no ssh");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authorized_keys");
    let authority = KeyPair::authority().public_line().to_owned();
    let write = |options: &str| {
        std::fs::write(&file, format!("# comment\n\ncert-authority{options} {authority}\n")).unwrap();
    };
    let auth = ssh_server::AuthorizedKeys::new(USER, &file);
    let fixture = plan().auth(|_| auth).start();
    let ssh = |command: &str| {
        let options = ["-oBatchMode=yes"];
        run(fixture.ssh(&"ssh".into(), USER, "key", &options, &[command]), b"")
    };
    let certify = |options: &[&str]| KeyPair::authority().certify(&fixture.path("key"), options);
    write("");
    let is_in = |fixture: &Fixture| fixture.port() > 0 && ssh("echo in").stdout == b"in\n";
    assert!(!is_in(&fixture), "a key without a certificate");
    certify(&["-n", USER]);
    assert!(is_in(&fixture));
    certify(&["-n", "bob"]);
    assert!(!is_in(&fixture), "for another user");
    write(",principals=\"carol,bob\"");
    assert!(is_in(&fixture), "by another principal");
    write("");
    certify(&["-n", USER, "-V", "20200101:20200102"]);
    assert!(!is_in(&fixture), "expired");
    certify(&["-n", USER, "-O", "source-address=10.0.0.0/8"]);
    assert!(!is_in(&fixture), "from elsewhere");
    certify(&["-n", USER, "-O", "source-address=127.0.0.0/8"]);
    assert!(is_in(&fixture));
    certify(&["-n", USER, "-O", "critical:unknown=x"]);
    assert!(!is_in(&fixture), "an option that nobody knows");
    certify(&["-n", USER, "-h"]);
    assert!(!is_in(&fixture), "a host's");
    certify(&["-n", USER, "-O", "force-command=echo \"forced for $SSH_ORIGINAL_COMMAND\""]);
    assert_eq!(text(&ssh("x").stdout), "forced for x\n");
    write(",command=\"echo by line\"");
    assert!(ssh("x").stdout.is_empty(), "two commands are forced");
    certify(&["-n", USER]);
    assert_eq!(text(&ssh("x").stdout), "by line\n");
    // A file that others may write to is none.
    use std::os::unix::fs::PermissionsExt;
    write("");
    assert!(is_in(&fixture));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!is_in(&fixture));
}

/// A key revocation list by `ssh-keygen`: what the specification says of the authority's certificates.
fn revoke(list: &std::path::Path, specification: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("specification"), specification).unwrap();
    std::fs::write(path("ca.pub"), KeyPair::authority().public_line()).unwrap();
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-k", "-s"]).arg(path("ca.pub")).arg("-f").arg(list).arg(path("specification"));
    let output = keygen.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn revoked_keys_and_certificates_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    if Command::new("ssh").arg("-V").output().is_err() {
        return testing::skip("revoked_keys_and_certificates_are_refused", "there is no ssh");
    }
    let dir = tempfile::tempdir().unwrap();
    let (file, list) = (dir.path().join("authorized_keys"), dir.path().join("revoked"));
    let auth = ssh_server::AuthorizedKeys::new(USER, &file);
    let fixture = plan().auth(|_| auth).revoked(&list).start();
    let key = fixture.path("key");
    let line = |name: &str| std::fs::read_to_string(fixture.path(name)).unwrap();
    let authority = KeyPair::authority().public_line();
    // OpenSSH's client and our own, which must find the same.
    let is_in = || {
        let ssh = fixture.ssh(&"ssh".into(), USER, "key", &["-oBatchMode=yes"], &["echo in"]);
        let credential = Credential::key_file(&key, None, &ssh_server::default_provider()).unwrap();
        let ours = fixture.connect(&fixture.config(USER).credential(credential));
        let (theirs, ours) = (run(ssh, b"").stdout == b"in\n", ours.map(drop).is_ok());
        assert_eq!(theirs, ours);
        ours
    };

    std::fs::write(&file, line("key.pub")).unwrap();
    assert!(!is_in(), "without the list");
    std::fs::write(&list, "# none\n").unwrap();
    assert!(is_in());
    std::fs::write(&list, line("other.pub")).unwrap();
    assert!(is_in(), "another key");
    std::fs::write(&list, format!("{}{}", line("other.pub"), line("key.pub"))).unwrap();
    assert!(!is_in(), "the key");
    revoke(&list, &format!("sha256: {}", line("key.pub")));
    assert!(!is_in(), "the key's digest");
    revoke(&list, &format!("sha256: {}", line("other.pub")));
    assert!(is_in(), "another's digest");

    std::fs::write(&file, format!("cert-authority {authority}\n")).unwrap();
    let certify = |serial: &str| KeyPair::authority().certify(&key, &["-n", USER, "-z", serial]);
    certify("7");
    assert!(is_in());
    revoke(&list, "serial: 7\n");
    assert!(!is_in(), "the serial number");
    certify("8");
    assert!(is_in(), "another serial number");
    revoke(&list, "serial: 8-9\n");
    assert!(!is_in(), "a range");
    revoke(&list, "id: throw-away certificate\n");
    assert!(!is_in(), "the key ID");
    revoke(&list, "id: another\n");
    assert!(is_in(), "another key ID");
    for revoked in [&line("key.pub"), authority] {
        std::fs::write(&list, revoked).unwrap();
        assert!(!is_in(), "{revoked}");
    }

    // What can't be read whole might have revoked anything.
    revoke(&list, "serial: 1000\n");
    assert!(is_in());
    let whole = std::fs::read(&list).unwrap();
    std::fs::write(&list, &whole[..whole.len() - 1]).unwrap();
    assert!(!is_in(), "damaged");
    std::fs::write(&list, &whole).unwrap();
    assert!(is_in());
    std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!is_in(), "others may write to it");
}
