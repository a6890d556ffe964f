use super::*;
use clap::Parser;
use ssh_client::{
    default_provider,
    ssh_config::{Forward, RequestTty, Target},
};
use std::fs;
use tempfile::TempDir;

fn local(home: &Path) -> Local {
    Local { user: "alice".into(), uid: 1000, home: home.into(), host: "desk".into() }
}

/// Resolves arguments with this as the text of the file.
fn with_file(text: &str, arguments: &[&str]) -> Result<Settings, String> {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config");
    fs::write(&file, text).unwrap();
    let args = Args::try_parse_from([&["demo", "-F", file.to_str().unwrap()], arguments].concat()).unwrap();
    let destination = Destination::parse(args.destination.as_deref().unwrap()).unwrap();
    resolve(&args, &destination, &local(Path::new("/home/alice")), &default_provider())
        .map_err(|failure| failure.to_string().replace(&*file.to_string_lossy(), "config"))
}

fn resolved(arguments: &[&str]) -> Settings {
    with_file("", arguments).unwrap()
}

#[test]
fn what_nobody_says_is_usual() {
    let settings = resolved(&["host"]);
    assert_eq!((settings.user.as_str(), settings.port), ("alice", 22));
    assert_eq!(settings.host, "host");
    assert_eq!((settings.trust.alias, settings.trust.revoked), (None, Vec::new()));
    assert_eq!(settings.trust.user_files[0], Path::new("/home/alice/.ssh/known_hosts"));
    assert_eq!(settings.trust.strict, StrictHostKeyChecking::Ask);
    assert_eq!(settings.login.methods, [Method::Publickey, Method::KeyboardInteractive, Method::Password]);
    let file = |name| IdentityPath { path: Path::new("/home/alice/.ssh").join(name), explicit: false };
    assert_eq!(settings.login.identities, ["id_ed25519", "id_ecdsa", "id_rsa"].map(file));
    assert_eq!(settings.session.work, Work::Shell);
    assert_eq!((settings.session.escape, settings.keepalive, settings.log_level), (Some(b'~'), None, None));
}

#[test]
fn arguments_go_before_files_and_letters_before_options() {
    let text = "User carol\nPort 1\nHost other\nCiphers aes128-ctr\nHost host\nHostName %h.example.com\n";
    let settings = with_file(text, &["-p", "2", "-oPort=3", "-oUser=bob", "dave@host"]).unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("bob", 2));
    assert_eq!(settings.host, "host.example.com");
    let settings = with_file(text, &["ssh://dave@host:4"]).unwrap();
    assert_eq!((settings.user.as_str(), settings.port), ("dave", 4));
    assert_eq!(resolved(&["-l", "erin", "dave@host"]).user, "erin");
}

#[test]
fn letters_stand_for_options() {
    let settings =
        resolved(&["-6", "-n", "-e", "^x", "-tt", "-s", "-c", "^aes128-ctr", "-i", "/a b", "host", "sftp"]);
    assert_eq!(settings.address_family, AddressFamily::Inet6);
    assert!(settings.session.stdin_null);
    assert_eq!(settings.session.escape, Some(24));
    assert_eq!(settings.session.request_tty, RequestTty::Force);
    assert_eq!(settings.session.work, Work::Subsystem("sftp".into()));
    assert_eq!(settings.algorithms.cipher_s2c[0], "aes128-ctr");
    assert!(settings.algorithms.cipher_c2s.len() > 1);
    assert_eq!(settings.login.identities, [IdentityPath { path: "/a b".into(), explicit: true }]);
    assert_eq!(resolved(&["-N", "host"]).session.work, Work::Nothing);
    assert_eq!(resolved(&["-T", "host"]).session.request_tty, RequestTty::No);
    assert_eq!(resolved(&["-e", "none", "host"]).session.escape, None);
    assert_eq!(resolved(&["-vv", "host"]).log_level, Some(LogLevel::Debug2));
    assert_eq!(resolved(&["-q", "host"]).log_level, Some(LogLevel::Quiet));
    assert_eq!(resolved(&["-oLogLevel=error", "host"]).log_level, Some(LogLevel::Error));
}

#[test]
fn commands() {
    let command = |text: &str| Work::Command(text.into());
    assert_eq!(resolved(&["host", "echo", "a  b", "$X"]).session.work, command("echo a  b $X"));
    assert_eq!(
        with_file("RemoteCommand run %r@%h:%p\n", &["-p2", "bob@host"]).unwrap().session.work,
        command("run bob@host:2")
    );
    assert_eq!(
        with_file("RemoteCommand run\n", &["-oRemoteCommand=none", "host", "x"]).unwrap().session.work,
        command("x")
    );
    for arguments in [&["-N", "host", "x"][..], &["-s", "host"], &["-oRemoteCommand=a", "host", "b"]] {
        assert!(with_file("", arguments).is_err(), "{arguments:?}");
    }
}

#[test]
fn algorithms_of_the_command_line_must_be_there() {
    let error = with_file("", &["-c", "aes128-ctr,rot13", "host"]).unwrap_err();
    assert!(error.starts_with("command line: \"rot13\" is not known here; known are "), "{error}");
    let settings =
        with_file("Ciphers rot13,aes128-ctr\nMACs -*\n", &["-oMACs=hmac-sha2-256", "host"]).unwrap();
    assert_eq!(settings.algorithms.cipher_c2s, ["aes128-ctr"]);
    assert_eq!(settings.algorithms.mac_s2c, ["hmac-sha2-256"]);
    assert!(with_file("\nCiphers rot13\n", &["host"]).unwrap_err().starts_with("config:2: "));
    let settings = resolved(&["-oKexAlgorithms=-*nist*", "-oPubkeyAcceptedAlgorithms=ssh-ed25519", "host"]);
    assert!(settings.algorithms.kex.iter().all(|name| !name.contains("nist")));
    assert_eq!(settings.login.algorithms, ["ssh-ed25519"]);
}

#[test]
fn certificates_have_names_of_their_own() {
    let (plain, certified) = ("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com");
    for keyword in ["HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"] {
        let names = |list: &str| {
            let option = format!("{keyword}={list}");
            let by_argument = resolved(&["-o", &option, "host"]);
            let by_file = with_file(&option, &["host"]).unwrap();
            let [first, second] = [by_argument, by_file].map(|settings| match keyword {
                "HostKeyAlgorithms" => (settings.algorithms.host_key, settings.trust.certified),
                _ => (settings.login.algorithms, true),
            });
            assert_eq!(first, second, "{option}");
            first
        };
        let of = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&format!("{certified},{plain}")), (of(&[certified, plain]), true));
        assert_eq!(names("ssh-ed25519*"), (of(&[certified, plain]), true));
        let is_certificate = |name: &String| name.contains("-cert");
        let (usual, _) = names("+ssh-dss");
        assert!(
            usual.iter().position(|name| name == certified) < usual.iter().position(|name| name == plain)
        );
        assert!(!usual.iter().any(|name| name == "ssh-dss-cert-v01@openssh.com"));
        let (rest, certified) = names("-*-cert*");
        assert!(rest.iter().any(|name| name == plain) && !rest.iter().any(is_certificate), "{rest:?}");
        assert_eq!(certified, keyword != "HostKeyAlgorithms");
    }
    // Unless they are named, the library asks for those that can be checked.
    let settings = resolved(&["host"]);
    assert!(!settings.algorithms.host_key.iter().any(|name| name.contains("-cert")));
    assert!(settings.trust.certified && settings.login.algorithms.iter().any(|name| name == certified));
    let error = with_file("", &["-oHostKeyAlgorithms=ssh-ed25519-cert-v02@openssh.com", "host"]).unwrap_err();
    assert!(error.contains("is not known here") && error.contains(certified), "{error}");
}

#[test]
fn compression_is_off_unless_asked_for() {
    assert_eq!(resolved(&["host"]).algorithms.compression_c2s, ["none"]);
    for settings in [resolved(&["-C", "host"]), with_file("Compression yes\n", &["host"]).unwrap()] {
        assert_eq!(settings.algorithms.compression_c2s, ["zlib@openssh.com", "none"]);
        assert_eq!(settings.algorithms.compression_s2c, ["zlib@openssh.com", "none"]);
    }
    let settings = with_file("Compression yes\n", &["-oCompression=no", "host"]).unwrap();
    assert_eq!(settings.algorithms.compression_s2c, ["none"]);
}

#[test]
fn trust_and_its_files() {
    let settings = resolved(&[
        "-oHostKeyAlias=alias",
        "-oUserKnownHostsFile ~/a /b/%k",
        "-oGlobalKnownHostsFile=none",
        "-oStrictHostKeyChecking=accept-new",
        "-oHashKnownHosts=yes",
        "-p2222",
        "host",
    ]);
    assert_eq!(settings.trust.alias.as_deref(), Some("alias"));
    assert_eq!(settings.trust.user_files, ["/home/alice/a", "/b/alias"].map(PathBuf::from));
    assert_eq!(settings.trust.global_files, [""; 0].map(PathBuf::from));
    assert!(settings.trust.hashed && !settings.trust.ordered);
    for (list, ordered) in
        [("ssh-ed25519", true), ("^ssh-rsa", true), ("+ssh-rsa", false), ("-ssh-dss", false)]
    {
        let settings = with_file("", &[&format!("-oHostKeyAlgorithms={list}"), "host"]).unwrap();
        assert_eq!(settings.trust.ordered, ordered, "{list}");
    }
    let error = with_file("UserKnownHostsFile /%z\n", &["host"]).unwrap_err();
    assert!(error.starts_with("config:1: ") && error.contains("%z"), "{error}");
}

#[test]
fn signatures_of_authorities_sizes_and_lists() {
    let settings = resolved(&["host"]);
    assert!(settings.ca_algorithms.iter().all(|name| name != "ssh-rsa" && name != "ssh-dss"));
    assert!(settings.ca_algorithms.iter().any(|name| name == "rsa-sha2-512"));
    // As Fedora has it for all of its machines.
    let text = "CASignatureAlgorithms ecdsa-sha2-nistp256,webauthn-sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-256\n\
                RequiredRSASize 2048\nRevokedHostKeys ~/revoked /etc/%h\n";
    let settings = with_file(text, &["host"]).unwrap();
    assert_eq!(settings.ca_algorithms, ["ecdsa-sha2-nistp256", "rsa-sha2-256"]);
    assert_eq!(settings.required_rsa_size, 2048);
    assert_eq!(settings.trust.revoked, ["/home/alice/revoked", "/etc/host"].map(PathBuf::from));
    let settings =
        with_file(text, &["-oCASignatureAlgorithms=+ssh-rsa", "-oRevokedHostKeys=none", "host"]).unwrap();
    assert!(settings.ca_algorithms.ends_with(&["ssh-rsa".to_owned()]) && settings.trust.revoked.is_empty());
    assert!(with_file("", &["-oRequiredRSASize=many", "host"]).is_err());
}

#[test]
fn ways_to_log_in() {
    let methods = |arguments: &[&str]| resolved(arguments).login.methods;
    assert_eq!(methods(&["-oBatchMode=yes", "host"]), [Method::Publickey]);
    assert_eq!(
        methods(&["-oPreferredAuthentications=gssapi-with-mic,password,publickey,password", "host"]),
        [Method::Password, Method::Publickey]
    );
    let off = ["-oPubkeyAuthentication=no", "-oPasswordAuthentication=no", "host"];
    assert_eq!(methods(&off), [Method::KeyboardInteractive]);
    assert_eq!(
        methods(&["-oKbdInteractiveAuthentication=no", "host"]),
        [Method::Publickey, Method::Password]
    );
    assert_eq!(resolved(&["-oIdentityFile=none", "host"]).login.identities, []);
}

#[test]
fn agents() {
    let agents = |arguments: &[&str]| {
        let settings = with_file("IdentityAgent /file\nForwardAgent yes\n", arguments).unwrap();
        (settings.login.agent, settings.session.forwarded_agent)
    };
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(agents(&["host"]), (path("/file"), path("/file")));
    assert_eq!(agents(&["-a", "host"]), (path("/file"), None));
    assert_eq!(
        agents(&["-A", "-oIdentityAgent=~/own", "host"]),
        (path("/home/alice/own"), path("/home/alice/own"))
    );
    assert_eq!(agents(&["-oForwardAgent=/%r", "host"]), (path("/file"), path("/alice")));
    assert_eq!(agents(&["-oIdentityAgent=none", "host"]), (None, None));
    assert_eq!(agents(&["-oIdentityAgent=$NO_SUCH_VARIABLE", "host"]), (None, None));
    let settings =
        resolved(&["-oIdentityAgent=none", "-oIdentitiesOnly=yes", "-oCertificateFile=~/c", "host"]);
    assert!(settings.login.identities_only);
    assert_eq!(settings.login.certificates, [PathBuf::from("/home/alice/c")]);
    assert_eq!((settings.login.add_keys, settings.session.forwarded_agent), (AddKeys::No, None));
}

#[test]
fn times_and_sizes() {
    let settings = resolved(&[
        "-oConnectTimeout=5",
        "-oServerAliveInterval=10",
        "-oServerAliveCountMax=2",
        "-oRekeyLimit=1M 1h",
        "host",
    ]);
    let seconds = Duration::from_secs;
    assert_eq!(
        (settings.timeouts.connect, settings.timeouts.handshake),
        (Some(seconds(5)), Some(seconds(5)))
    );
    assert_eq!(settings.keepalive, Some((seconds(10), 2)));
    assert_eq!((settings.rekey.bytes, settings.rekey.time), (1 << 20, Some(seconds(3_600))));
}

#[test]
fn the_environment_that_is_sent() {
    let mut options = Options::default();
    options.set("SendEnv LANG LC_*").unwrap();
    options.set("SetEnv LANG=C X=1").unwrap();
    let context = Context { host: "host".into(), local_user: "alice".into(), home: "/".into() };
    let resolver = Resolver::new(&options, &context, &local(Path::new("/"))).unwrap();
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let env = [("LC_ALL", "de"), ("LANG", "de"), ("HOME", "/")].map(pair);
    assert_eq!(resolver.env(env.into_iter()), [("LC_ALL", "de"), ("LANG", "C"), ("X", "1")].map(pair));
}

#[test]
fn names_that_could_be_something_else_are_refused() {
    for arguments in
        [&["-l", "-oProxyCommand=x", "host"][..], &["a;b@host"], &["--", "-host"], &["$(x)"], &["a\nb"]]
    {
        let parsed = Args::try_parse_from([&["demo"], arguments].concat());
        if let Ok(args) = parsed {
            let destination = Destination::parse(args.destination.as_deref().unwrap()).unwrap();
            let mut none = args;
            none.config_file = Some("none".into());
            assert!(
                resolve(&none, &destination, &local(Path::new("/")), &default_provider()).is_err(),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let args = Args::try_parse_from(["demo", "-F", "/no/such/file", "host"]).unwrap();
    let destination = Destination::parse("host").unwrap();
    let error = resolve(&args, &destination, &local(Path::new("/")), &default_provider()).unwrap_err();
    assert!(error.to_string().contains("/no/such/file"));
}

#[test]
fn what_is_forwarded() {
    let text = "LocalForward 1 a:1\nHost host\nRemoteForward /%h/s b:2\nGatewayPorts no\n";
    let settings = with_file(
        text,
        &["-g", "-L", "3:/%r/x", "-D", "*:4", "-R5", "-oExitOnForwardFailure=yes", "-4", "host"],
    )
    .unwrap();
    let Forwards { local, remote, address_family, gateway_ports, unlink, required } = settings.forwards;
    let shown = |forwards: &[Forward]| {
        let show = |forward: &Forward| {
            let target = forward.target.as_ref().map_or("socks".to_owned(), Target::to_string);
            format!("{} {target}", forward.listen)
        };
        forwards.iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(shown(&local), ["*:4 socks", "3 /alice/x", "1 a:1"]);
    assert_eq!(shown(&remote), ["5 socks", "/host/s b:2"]);
    assert_eq!((address_family, gateway_ports, unlink, required), (AddressFamily::Inet, true, false, true));
    let settings = with_file(text, &["-L", "3:c:4", "-oClearAllForwardings=yes", "host"]).unwrap();
    assert!(settings.forwards.local.is_empty() && settings.forwards.remote.is_empty());
    let error = with_file("\nLocalForward /%z /x\n", &["host"]).unwrap_err();
    assert!(error.starts_with("config:2: ") && error.contains("%z"), "{error}");
}

#[test]
fn ways_over_other_hosts() {
    let jumps = |text: &str, arguments: &[&str]| {
        let show = |jump: &Destination| {
            let user = jump.user.as_deref().unwrap_or("-");
            format!("{user} {} {}", jump.host, jump.port.as_deref().unwrap_or("-"))
        };
        with_file(text, arguments).map(|settings| settings.jumps.iter().map(show).collect::<Vec<_>>())
    };
    let text = "Host host\nProxyJump %r@gate.%h:2222,ssh://[::1]\nProxyCommand nc %h %p\n";
    assert_eq!(jumps(text, &["bob@host"]).unwrap(), ["bob gate.host 2222", "- ::1 -"]);
    assert_eq!(jumps(text, &["-J", "other", "host"]).unwrap(), ["- other -"]);
    assert_eq!(jumps(text, &["-J", "none", "host"]).unwrap(), [""; 0]);
    assert_eq!(jumps(text, &["another"]).unwrap(), [""; 0]);
    let error = jumps("ProxyJump a,:1\n", &["host"]).unwrap_err();
    assert_eq!(error, "config:1: \":1\" is no jump host");
}

#[test]
fn the_way_is_resolved_host_by_host() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config");
    let text = "Host gate\nHostName gate.example.com\nUser carol\nProxyJump first\nRemoteCommand x\n\
                Host loop*\nProxyJump loop\n";
    fs::write(&file, text).unwrap();
    let route = |arguments: &[&str]| {
        let arguments = [&["demo", "-F", file.to_str().unwrap(), "-p", "9"], arguments].concat();
        let args = Args::try_parse_from(arguments).unwrap();
        let destination = Destination::parse(args.destination.as_deref().unwrap()).unwrap();
        let (local, provider) = (local(Path::new("/home/alice")), default_provider());
        let settings = resolve(&args, &destination, &local, &provider).unwrap();
        let hops = crate::jump::route(&settings, &args, &local, &provider)?;
        let show = |hop: &Settings| {
            let Work::Forward(target) = &hop.session.work else { panic!("{:?}", hop.session.work) };
            format!("{}@{}:{} to {target}", hop.user, hop.host, hop.port)
        };
        Ok(hops.iter().map(show).collect::<Vec<_>>())
    };
    let direct: Result<_, Failure> = route(&["host"]);
    assert_eq!(direct, Ok(Vec::new()));
    assert_eq!(
        route(&["-J", "gate", "host"]).unwrap(),
        ["alice@first:22 to gate.example.com:22", "carol@gate.example.com:22 to host:9"]
    );
    assert_eq!(
        route(&["-J", "[::1]:1,gate", "host"]).unwrap(),
        ["alice@::1:1 to gate.example.com:22", "carol@gate.example.com:22 to host:9"]
    );
    assert_eq!(
        route(&["loop"]).unwrap_err().to_string(),
        "more than 16 jump hosts: does loop lead to itself?"
    );
}

#[test]
fn the_standard_streams_passed_on() {
    let settings = with_file("LocalForward 1 a:1\nRemoteCommand x\n", &["-W", "[::1]:80", "host"]).unwrap();
    assert_eq!(settings.session.work, Work::Forward("[::1]:80".parse().unwrap()));
    assert_eq!(settings.session.request_tty, RequestTty::No);
    assert!(settings.forwards.local.is_empty() && settings.forwards.required);
    let text = "ClearAllForwardings no\nExitOnForwardFailure no\nLocalForward 1 a:1\n";
    let settings = with_file(text, &["-W", "/run/x", "host"]).unwrap();
    assert!(settings.forwards.local.len() == 1 && !settings.forwards.required);
    assert_eq!(with_file("", &["-W", "80", "host"]).unwrap_err(), "-W \"80\" is not host:port or a path");
    assert!(with_file("", &["-W", "a:1", "host", "x"]).unwrap_err().contains("(-W)"));
}
