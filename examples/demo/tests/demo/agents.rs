//! The agent, certificates, and several ways to log in in a row.

use crate::host::{Host, run, text};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use testing::{KeyKind, KeyPair, SshAgent, Sshd};

/// Runs the demo, which finds the agent in its environment.
fn demo_with(agent: &SshAgent, host: &Host, arguments: &[&str]) -> Output {
    let mut command = host.demo(arguments);
    command.env("SSH_AUTH_SOCK", agent.socket());
    run(command, b"")
}

/// A user without key files, and an agent.
fn start(test: &str) -> Option<(Host, SshAgent)> {
    let host = Host::start(test)?;
    fs::remove_file(host.home.path().join(".ssh/id_ed25519")).unwrap();
    // In the user's home, where `~` finds it.
    let agent = SshAgent::start_at(test, host.home.path().join("agent"))?;
    Some((host, agent))
}

fn stranger(host: &Host, name: &str) -> PathBuf {
    KeyPair::generate(KeyKind::Ed25519).write(&host.home.path().join(name))
}

fn shows(output: &Output, expected: &str) {
    assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
}

fn fails(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    assert!(text(&output.stderr).contains(why), "{why:?} is not in {}", text(&output.stderr));
}

#[test]
fn the_agent_is_where_the_environment_or_an_option_says() {
    let Some((host, agent)) = start("the_agent_is_where_the_environment_or_an_option_says") else { return };
    agent.add_file(&host.sshd.user_key_path(KeyKind::EcdsaP256));
    let command = ["-oBatchMode=yes", "127.0.0.1", "echo x"];
    shows(&demo_with(&agent, &host, &command), "x\n");
    fails(&host.run(&command), "authentication of");
    fails(
        &demo_with(&agent, &host, &[&["-oIdentityAgent=none"][..], &command].concat()),
        "authentication of",
    );
    fails(
        &demo_with(&agent, &host, &[&["-oPubkeyAuthentication=no"][..], &command].concat()),
        "authentication of",
    );
    // Paths have tokens, and a variable may name one.
    for option in ["-oIdentityAgent=~/agent", "-oIdentityAgent=%d/agent", "-oIdentityAgent=$WHERE"] {
        let mut demo = host.demo(&[&[option][..], &command].concat());
        demo.env("WHERE", agent.socket()).env("SSH_AUTH_SOCK", "/no/such/socket");
        shows(&run(demo, b""), "x\n");
    }
    host.write(".ssh/config", &format!("IdentityAgent ~/agent\n{}", host.read(".ssh/config")));
    shows(&host.run(&command), "x\n");
    let output = demo_with(&agent, &host, &[&["-oIdentityAgent=/no/such/socket"][..], &command].concat());
    fails(&output, "agent: not tried");
    fails(
        &demo_with(&agent, &host, &[&["-oPubkeyAcceptedAlgorithms=ssh-ed25519"][..], &command].concat()),
        "no signature algorithm",
    );
}

#[test]
fn keys_are_tried_in_the_order_of_openssh_and_not_too_many() {
    let test = "keys_are_tried_in_the_order_of_openssh_and_not_too_many";
    let Some((host, agent)) = start(test) else { return };
    for number in 0..8 {
        agent.add_file(&stranger(&host, &format!("agent{number}")));
    }
    let only_file = stranger(&host, "file");
    // The sixth of the agent's is in a file, too.
    let arguments = ["-v", "-oBatchMode=yes", "-i", "file", "-i", "agent5", "127.0.0.1", "true"];
    let output = demo_with(&agent, &host, &arguments);
    fails(&output, "agent: 4 keys were not tried: servers hang up");
    let error = text(&output.stderr);
    let place = |path: &Path| {
        let line = Command::new("ssh-keygen").arg("-lf").arg(path).output().unwrap().stdout;
        let fingerprint = text(&line).split(' ').nth(1).unwrap().to_owned();
        let summary = &error[error.find("authentication of").unwrap()..];
        summary.find(&fingerprint)
    };
    let agents = |number: u32| place(&host.home.path().join(format!("agent{number}")));
    let places = [agents(5), agents(0), agents(1), agents(2), place(&only_file)];
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {error}");
    assert_eq!([agents(3), agents(4), agents(6), agents(7)], [None; 4], "{error}");

    let output = demo_with(&agent, &host, &[&["-oIdentitiesOnly=yes"][..], &arguments].concat());
    fails(&output, "agent: 7 keys were not tried: IdentitiesOnly");
    // The right key is the last one; its public half alone chooses it.
    let right = host.sshd.user_key_path(KeyKind::Ed25519);
    agent.add_file(&right);
    let public = right.with_extension("pub");
    let arguments = ["-oIdentitiesOnly=yes", "-i", public.to_str().unwrap(), "127.0.0.1", "echo x"];
    shows(&demo_with(&agent, &host, &arguments), "x\n");
    // Without the agent that half is of no use.
    fails(&host.run(&[&["-oBatchMode=yes"][..], &arguments].concat()), "it is a public key");
}

#[test]
fn a_locked_agent_leaves_the_files() {
    let Some((host, agent)) = start("a_locked_agent_leaves_the_files") else { return };
    let right = host.sshd.user_key_path(KeyKind::Ed25519);
    agent.add_file(&right);
    let askpass = host.write("askpass", "#!/bin/sh\necho secret\n");
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
    let mut lock = Command::new("ssh-add");
    lock.arg("-x").env("SSH_AUTH_SOCK", agent.socket());
    lock.env("SSH_ASKPASS", &askpass).env("SSH_ASKPASS_REQUIRE", "force");
    assert!(run(lock, b"").status.success());
    fails(&demo_with(&agent, &host, &["-oBatchMode=yes", "127.0.0.1", "echo x"]), "authentication of");
    shows(&demo_with(&agent, &host, &["-i", right.to_str().unwrap(), "127.0.0.1", "echo x"]), "x\n");
}

#[test]
fn an_agent_that_refuses_leaves_the_file() {
    let Some((host, agent)) = start("an_agent_that_refuses_leaves_the_file") else { return };
    let right = host.sshd.user_key_path(KeyKind::Ed25519);
    // There is nobody who could confirm.
    let said = agent.ssh_add(&["-q", "-c", right.to_str().unwrap()]);
    assert!(said.is_empty() || said.contains("confirm"), "{said}");
    fails(
        &demo_with(&agent, &host, &["-oBatchMode=yes", "127.0.0.1", "echo x"]),
        "the agent refuses to sign",
    );
    let output = demo_with(&agent, &host, &["-i", right.to_str().unwrap(), "127.0.0.1", "echo x"]);
    shows(&output, "x\n");
    assert!(text(&output.stderr).contains("the agent refuses to sign"), "{output:?}");
}

#[test]
fn keys_are_added_to_the_agent_as_asked() {
    let Some((host, agent)) = start("keys_are_added_to_the_agent_as_asked") else { return };
    let right = host.sshd.user_key_path(KeyKind::Ed25519);
    let unwanted = stranger(&host, "unwanted");
    let login = |option: &str, asked: Option<&str>| {
        agent.ssh_add(&["-q", "-D"]);
        let (right, unwanted) = (right.to_str().unwrap(), unwanted.to_str().unwrap());
        let option = format!("-oAddKeysToAgent={option}");
        let mut demo = host.demo(&[&option, "-i", unwanted, "-i", right, "127.0.0.1", "echo x"]);
        demo.env("SSH_AUTH_SOCK", agent.socket());
        if let Some(answer) = asked {
            let program =
                host.write("askpass", &format!("#!/bin/sh\necho \"$1\" >>\"$HOME/asked\"\n{answer}\n"));
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
            demo.env("SSH_ASKPASS", program).env("SSH_ASKPASS_REQUIRE", "force");
        }
        shows(&run(demo, b""), "x\n");
        let listed = agent.ssh_add(&["-L"]);
        if listed.contains("no identities") { 0 } else { listed.lines().count() }
    };
    assert_eq!(login("no", None), 0);
    // The one that the server accepts, and not the other.
    assert_eq!(login("yes", None), 1);
    assert!(agent.ssh_add(&["-L"]).contains("throw-away test key"));
    assert_eq!(login("1h", None), 1);
    assert_eq!(login("ask", Some("exit 0")), 1);
    assert!(host.read("asked").contains("to the agent?"), "{}", host.read("asked"));
    assert_eq!(login("ask", Some("exit 1")), 0);
    // One that must be confirmed does not sign here.
    assert_eq!(login("confirm 1h", None), 1);
    fails(
        &demo_with(&agent, &host, &["-oBatchMode=yes", "127.0.0.1", "echo x"]),
        "the agent refuses to sign",
    );
    fails(&host.run(&["-oAddKeysToAgent=maybe", "127.0.0.1", "true"]), "maybe");
}

#[test]
fn a_key_for_certain_hosts_follows_the_agent_there_and_no_further() {
    let test = "a_key_for_certain_hosts_follows_the_agent_there_and_no_further";
    let Some((host, agent)) = start(test) else { return };
    let right = host.sshd.user_key_path(KeyKind::Ed25519);
    let known: String = KeyKind::ALL
        .iter()
        .map(|kind| format!("here {}\n", host.sshd.host_key(*kind).public_line()))
        .collect();
    let known = host.write("known", &known);
    let add = |hops: &[&str]| {
        agent.ssh_add(&["-q", "-D"]);
        let mut arguments = vec!["-q", "-H", known.to_str().unwrap()];
        hops.iter().for_each(|hop| arguments.extend(["-h", hop]));
        arguments.push(right.to_str().unwrap());
        assert_eq!(agent.ssh_add(&arguments), "");
    };
    // From this server to itself, by OpenSSH's client there.
    let file = host.write("there", &host.sshd.known_hosts(&KeyKind::ALL));
    let hop = format!(
        "ssh -F none -oBatchMode=yes -oUserKnownHostsFile={} -oIdentityFile=none -p {} {}@127.0.0.1 echo far 2>&1",
        file.display(),
        host.sshd.port(),
        host.sshd.user()
    );
    add(&["here"]);
    shows(&demo_with(&agent, &host, &["-oBatchMode=yes", "127.0.0.1", "echo x"]), "x\n");
    let output = demo_with(&agent, &host, &["-A", "-oBatchMode=yes", "127.0.0.1", &hop]);
    assert!(text(&output.stdout).contains("Permission denied"), "{output:?}");
    add(&["here", "here>here"]);
    shows(&demo_with(&agent, &host, &["-A", "-oBatchMode=yes", "127.0.0.1", &hop]), "far\n");
    shows(
        &demo_with(&agent, &host, &["-oForwardAgent=~/agent", "-oBatchMode=yes", "127.0.0.1", &hop]),
        "far\n",
    );
    // -a goes before the file.
    host.write(".ssh/config", &format!("ForwardAgent yes\n{}", host.read(".ssh/config")));
    shows(
        &demo_with(&agent, &host, &["-oBatchMode=yes", "127.0.0.1", "test -S \"$SSH_AUTH_SOCK\"; echo $?"]),
        "0\n",
    );
    shows(
        &demo_with(
            &agent,
            &host,
            &["-a", "-oBatchMode=yes", "127.0.0.1", "test -S \"$SSH_AUTH_SOCK\"; echo $?"],
        ),
        "1\n",
    );
}

#[test]
fn certificates_are_found_beside_keys_or_where_they_are_said_to_be() {
    let test = "certificates_are_found_beside_keys_or_where_they_are_said_to_be";
    let Some((host, agent)) = start(test) else { return };
    let authority = stranger(&host, "authority");
    let line = fs::read_to_string(authority.with_extension("pub")).unwrap();
    host.sshd.authorize(&format!("cert-authority {line}"));
    let key = stranger(&host, "key");
    let sign = Command::new("ssh-keygen")
        .args(["-q", "-I", "someone", "-n", host.sshd.user(), "-s"])
        .arg(&authority)
        .arg(key.with_extension("pub"))
        .status()
        .unwrap();
    assert!(sign.success());
    let command = ["-oBatchMode=yes", "127.0.0.1", "echo x"];
    let login = |arguments: &[&str]| host.run(&[arguments, &command[..]].concat());
    shows(&login(&["-i", "key"]), "x\n");
    fs::rename(host.home.path().join("key-cert.pub"), host.home.path().join("elsewhere")).unwrap();
    fails(&login(&["-i", "key"]), "authentication of");
    shows(&login(&["-i", "key", "-oCertificateFile=~/elsewhere"]), "x\n");
    // The agent has the key, and nobody but the certificate names it.
    agent.add_file(&key);
    fs::remove_file(&key).unwrap();
    let arguments = [&["-i", "key", "-oCertificateFile=elsewhere"][..], &command].concat();
    shows(&demo_with(&agent, &host, &arguments), "x\n");
    fails(&login(&["-oCertificateFile=missing"]), "certificate missing");
    // A failure tells the certificate by its key's fingerprint, as ssh-keygen does.
    let refused = stranger(&host, "refused");
    let sign = Command::new("ssh-keygen")
        .args(["-q", "-I", "someone", "-n", host.sshd.user(), "-s"])
        .args([&refused, &refused.with_extension("pub")])
        .status()
        .unwrap();
    assert!(sign.success());
    let line =
        Command::new("ssh-keygen").arg("-lf").arg(refused.with_extension("pub")).output().unwrap().stdout;
    let fingerprint = text(&line).split(' ').nth(1).unwrap().to_owned();
    let output = login(&["-i", "refused"]);
    fails(&output, &format!("publickey (ssh-ed25519-cert-v01@openssh.com {fingerprint}): refused"));
    fails(&output, &format!("publickey (ssh-ed25519 {fingerprint}): refused"));
    assert!(host.sshd.log().contains("ED25519-CERT"), "{}", host.sshd.log());
}

#[test]
fn certificates_are_used_if_their_own_algorithms_are_allowed() {
    let test = "certificates_are_used_if_their_own_algorithms_are_allowed";
    let Some((host, agent)) = start(test) else { return };
    host.sshd.authorize(&format!("cert-authority {}", KeyPair::authority().public_line()));
    let command = ["-oBatchMode=yes", "127.0.0.1", "echo x"];
    let config = host.read(".ssh/config");
    // On the command line and in a file, with the key in a file and in the agent.
    let check = |arguments: &[&str], list: &str, expected: Option<&str>| {
        for keyword in ["PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"] {
            let option = format!("{keyword}={list}");
            let by_argument = [&["-o", &option][..], arguments, &command].concat();
            let mut outputs = vec![demo_with(&agent, &host, &by_argument)];
            host.write(".ssh/config", &format!("{config}Host 127.*\n{option}\n"));
            outputs.push(demo_with(&agent, &host, &[arguments, &command].concat()));
            host.write(".ssh/config", &config);
            for output in outputs {
                match expected {
                    None => {
                        shows(&output, "x\n");
                        assert_eq!(text(&output.stderr), "");
                    }
                    Some(why) => fails(&output, why),
                }
            }
        }
    };
    for (kind, plain) in [(KeyKind::Ed25519, "ssh-ed25519"), (KeyKind::EcdsaP256, "ecdsa-sha2-nistp256")] {
        let certified = format!("{plain}-cert-v01@openssh.com");
        let key = KeyPair::generate(kind).write(&host.home.path().join(plain));
        KeyPair::authority().certify(&key, &["-n", host.sshd.user()]);
        let refused = format!("certificate {}-cert.pub: no signature algorithm", key.display());
        let key = ["-i", key.to_str().unwrap()];
        check(&key, &certified, None);
        check(&key, &format!("-{plain}"), None);
        check(&key, plain, Some(&refused));
        check(&key, "-*-cert-*", Some(&refused));
        // With a certificate beside the file; then the agent's own.
        agent.add_file(Path::new(key[1]));
        let from_agent =
            ["-i", &format!("{}.pub", key[1]), &format!("-oCertificateFile={}-cert.pub", key[1])];
        for arguments in [&from_agent[..], &[]] {
            check(arguments, &certified, None);
            check(arguments, plain, Some("no signature algorithm for it is allowed"));
        }
        agent.ssh_add(&["-q", "-D"]);
    }
    // A plain key is not used in its certificate's name, either.
    let key = host.sshd.user_key_path(KeyKind::Ed25519);
    let key = ["-i", key.to_str().unwrap()];
    check(&key, "ssh-ed25519", None);
    check(&key, "ssh-ed25519-cert-v01@openssh.com", Some("no signature algorithm for it is allowed"));
}

/// A server that wants these in a row, and a program that answers each question.
fn in_a_row(test: &str, methods: &str, keys: &[&str]) -> Option<(Host, Command)> {
    let config = format!("UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods {methods}");
    let host = Host::build(test, Sshd::builder().password_user().config(&config))?;
    let password = host.sshd.password()?.to_owned();
    let mut arguments = Vec::new();
    for name in keys {
        let key = KeyPair::generate_with(KeyKind::Ed25519, &["-N", "open sesame", "-a", "4"]);
        host.sshd.authorize(key.public_line());
        key.write(&host.home.path().join(name));
        arguments.extend(["-i", name]);
    }
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n*Passphrase*) echo 'open sesame' ;;\n*) echo '{password}' ;;\nesac\n"
    );
    let program = host.write("askpass", &script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = host.demo(&[&arguments[..], &["127.0.0.1", "echo x"]].concat());
    command.env("SSH_ASKPASS", program).env("SSH_ASKPASS_REQUIRE", "force");
    Some((host, command))
}

#[test]
fn a_key_and_then_a_password() {
    let Some((_host, command)) = in_a_row("a_key_and_then_a_password", "publickey,password", &["one"]) else {
        return;
    };
    shows(&run(command, b""), "x\n");
}

#[test]
fn a_key_and_then_a_dialogue() {
    let methods = "publickey,keyboard-interactive";
    let Some((_host, command)) = in_a_row("a_key_and_then_a_dialogue", methods, &["one"]) else { return };
    shows(&run(command, b""), "x\n");
}

#[test]
fn two_keys_and_a_password() {
    let methods = "publickey,publickey,password";
    let Some((_host, command)) = in_a_row("two_keys_and_a_password", methods, &["one", "two"]) else {
        return;
    };
    shows(&run(command, b""), "x\n");
}
