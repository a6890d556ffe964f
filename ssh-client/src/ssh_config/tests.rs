use super::*;
use std::fs;
use tempfile::TempDir;

fn context(host: &str) -> Context {
    Context { host: host.into(), local_user: "alice".into(), home: "/home/alice".into() }
}

fn read(host: &str, text: &str) -> Result<Options, ConfigError> {
    let mut options = Options::default();
    options.read_text(text, Path::new("config"), &context(host))?;
    Ok(options)
}

fn error(text: &str) -> String {
    read("host", text).unwrap_err().to_string()
}

fn set(option: &str) -> Result<Options, String> {
    let mut options = Options::default();
    options.set(option).map_err(|error| error.to_string())?;
    Ok(options)
}

#[test]
fn the_first_value_wins() {
    let mut options = set("Port 1").unwrap();
    options.set("port=2").unwrap();
    let text = "PORT 3\nHost h\n User bob\n Port 4\nHost *\nUser carol\nHostName=%h.example.com\n";
    options.read_text(text, Path::new("config"), &context("h")).unwrap();
    assert_eq!(options.port, Some(Setting { value: 1, origin: Origin::CommandLine }));
    assert_eq!(options.user.as_ref().unwrap().origin.to_string(), "config:3");
    assert_eq!(options.target(&context("h")).unwrap(), "h.example.com");
    let options = read("other", text).unwrap();
    assert_eq!((*options.port.unwrap(), options.user.unwrap().to_string()), (3, "carol".into()));
}

#[test]
fn signatures_are_always_bound_to_the_host() {
    assert!(set("PubkeyAuthentication=host-bound").unwrap().pubkey_authentication.unwrap().value);
    assert!(set("PubkeyAuthentication=unbound").unwrap_err().contains("unbound is not supported"));
    // Files are not written for this library alone.
    let options = read("host", "PubkeyAuthentication unbound\n").unwrap();
    assert!(options.pubkey_authentication.unwrap().value);
}

#[test]
fn every_option_has_its_value() {
    let options = read(
        "host",
        "AddKeysToAgent confirm 1h\nCertificateFile /c\nForwardAgent yes\nIdentityAgent none\n\
         AddressFamily inet6\nBatchMode yes\nCiphers +aes128-cbc\nCompression yes\nConnectTimeout 1m\nEscapeChar none\n\
         GlobalKnownHostsFile /a /b\nHashKnownHosts no\nHostKeyAlgorithms ^ssh-rsa\nHostKeyAlias alias\n\
         HostName name\nIdentitiesOnly yes\nIdentityFile ~/a\nIdentityFile \"~/b c\"\nIdentityFile ~/a\n\
         KbdInteractiveAuthentication no\nKexAlgorithms -ecdh*\nLogLevel DEBUG3\nMACs hmac-sha2-256,hmac-sha1\n\
         NumberOfPasswordPrompts 1\nPasswordAuthentication no\nPort 2222\n\
         PreferredAuthentications publickey,password\nPubkeyAcceptedAlgorithms ssh-ed25519\n\
         PubkeyAuthentication host-bound\nRekeyLimit 1M 1h\nRemoteCommand echo \"a b\" # all of it\nRequestTTY force\n\
         CASignatureAlgorithms rsa-sha2-256\nRequiredRSASize 2048\nRevokedHostKeys /r ~/s\n\
         SendEnv LANG LC_*\nSendEnv X\nSendEnv -X\nServerAliveCountMax 5\nServerAliveInterval 30\n\
         ClearAllForwardings no\nDynamicForward *:1080\nExitOnForwardFailure yes\nGatewayPorts yes\n\
         LocalForward 8080 web:80\nLocalForward [::1]:8081 /run/web\nLocalForward 8080 web:80\nProxyJump a@b:1,ssh://c\n\
         RemoteForward 0 web:80\nRemoteForward 1081\nStreamLocalBindUnlink yes\n\
         SessionType subsystem\nSetEnv A=1 \"B=2 3\"\nSetEnv C=4\nStdinNull yes\nStrictHostKeyChecking accept-new\n\
         User bob\nUserKnownHostsFile none\n",
    )
    .unwrap();
    fn value<T: Clone>(setting: &Option<Setting<T>>) -> T {
        setting.clone().unwrap().value
    }
    let lifetime = Some(Duration::from_secs(3_600));
    assert_eq!(value(&options.add_keys_to_agent), AddKeys::Yes { confirm: true, lifetime });
    assert_eq!(options.certificate_files[0].value, "/c");
    assert_eq!(value(&options.forward_agent), ForwardAgent::Yes);
    assert_eq!(value(&options.identity_agent), AgentSocket::None);
    assert_eq!(value(&options.address_family), AddressFamily::Inet6);
    assert!(value(&options.batch_mode));
    assert_eq!(value(&options.ciphers), "+aes128-cbc".parse().unwrap());
    assert!(value(&options.compression));
    assert_eq!(value(&options.ca_signature_algorithms), "rsa-sha2-256".parse().unwrap());
    assert_eq!(value(&options.required_rsa_size), 2048);
    assert_eq!(value(&options.revoked_host_keys), ["/r", "~/s"]);
    assert_eq!(value(&options.connect_timeout), Some(Duration::from_secs(60)));
    assert_eq!(value(&options.escape_char), EscapeChar::None);
    assert_eq!(value(&options.global_known_hosts_files), ["/a", "/b"]);
    assert!(!value(&options.hash_known_hosts));
    assert_eq!(value(&options.host_key_algorithms), "^ssh-rsa".parse().unwrap());
    assert_eq!(value(&options.host_key_alias), "alias");
    assert_eq!(value(&options.host_name), "name");
    assert!(value(&options.identities_only));
    let files: Vec<_> = options.identity_files.iter().map(|file| file.as_str()).collect();
    assert_eq!(files, ["~/a", "~/b c"]);
    assert!(!value(&options.kbd_interactive_authentication));
    assert_eq!(value(&options.kex_algorithms), "-ecdh*".parse().unwrap());
    assert_eq!(value(&options.log_level), LogLevel::Debug3);
    assert_eq!(value(&options.macs), "hmac-sha2-256,hmac-sha1".parse().unwrap());
    assert_eq!(value(&options.number_of_password_prompts), 1);
    assert!(!value(&options.password_authentication));
    assert_eq!(value(&options.port), 2222);
    assert_eq!(value(&options.preferred_authentications), ["publickey", "password"]);
    assert_eq!(value(&options.pubkey_accepted_algorithms), "ssh-ed25519".parse().unwrap());
    assert!(value(&options.pubkey_authentication));
    let rekey_limit = RekeyLimit { bytes: Some(1 << 20), time: Some(Duration::from_secs(3_600)) };
    assert_eq!(value(&options.rekey_limit), rekey_limit);
    assert_eq!(value(&options.remote_command).as_deref(), Some("echo \"a b\" # all of it"));
    assert_eq!(value(&options.request_tty), RequestTty::Force);
    assert!(options.sends_env("LC_ALL") && options.sends_env("LANG"));
    assert!(!options.sends_env("X") && !options.sends_env("LANGUAGE"));
    assert_eq!(value(&options.server_alive_count_max), 5);
    assert_eq!(value(&options.server_alive_interval), Some(Duration::from_secs(30)));
    assert_eq!(value(&options.session_type), SessionType::Subsystem);
    assert!(value(&options.exit_on_forward_failure) && value(&options.gateway_ports));
    assert!(!value(&options.clear_all_forwardings) && value(&options.stream_local_bind_unlink));
    let shown = |forwards: &[Setting<Forward>]| {
        let show = |forward: &Setting<Forward>| {
            let target = forward.target.as_ref().map_or("socks".to_owned(), Target::to_string);
            format!("{} {target}", forward.listen)
        };
        forwards.iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(shown(&options.local_forwards), ["*:1080 socks", "8080 web:80", "[::1]:8081 /run/web"]);
    assert_eq!(shown(&options.remote_forwards), ["0 web:80", "1081 socks"]);
    assert_eq!(value(&options.proxy_jump), ["a@b:1", "ssh://c"]);
    let pairs = [("A", "1"), ("B", "2 3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(value(&options.set_env), pairs, "the first line wins");
    assert!(value(&options.stdin_null));
    assert_eq!(value(&options.strict_host_key_checking), StrictHostKeyChecking::AcceptNew);
    assert_eq!(value(&options.user).to_string(), "bob");
    assert_eq!(value(&options.user_known_hosts_files), [""; 0]);
}

#[test]
fn options_of_the_command_line() {
    assert_eq!(set("pOrT=22").unwrap(), set("Port 22").unwrap());
    assert_eq!(set("SetEnv=A=1").unwrap().set_env.unwrap().value, [("A".to_owned(), "1".to_owned())]);
    for (option, message) in [
        ("Prot=22", "command line: Prot is not a known option"),
        ("Port=0", "command line: Port \"0\" is no port"),
        ("Port", "command line: Port needs a value"),
        ("Port 1 2", "command line: Port has a second value, \"2\""),
        ("", "command line: \"\" is no option"),
        ("Host=x", "command line: Host belongs in a file"),
        ("Include x", "command line: Include belongs in a file"),
        ("ForwardX11=yes", "command line: ForwardX11 is not supported"),
        ("Compression=much", "command line: Compression \"much\" is neither yes nor no"),
        ("ProxyCommand=nc %h %p", "command line: ProxyCommand is not supported"),
        (
            "LocalForward 1 x",
            "command line: LocalForward \"1:x\" is not [address:]port:host:port, where a path may stand for either end",
        ),
        ("DynamicForward 0", "command line: DynamicForward \"0\" is not [address:]port"),
        ("RemoteForward 1 x:2 3", "command line: RemoteForward has a second value, \"x:2\""),
        ("ProxyJump a,,b", "command line: ProxyJump \"a,,b\" is no list of names"),
        ("PermitRemoteOpen host:80", "command line: PermitRemoteOpen is not supported"),
        ("User=-x", "command line: User user name \"-x\" begins with '-'"),
        ("SetEnv A", "command line: SetEnv has \"A\" where NAME=VALUE should be"),
        ("Ciphers=a,,b", "command line: Ciphers \"a,,b\" is not a list of algorithms"),
    ] {
        assert_eq!(set(option), Err(message.into()));
    }
    for off in ["ForwardX11=no", "PermitLocalCommand no", "PermitRemoteOpen any", "KnownHostsCommand=none"] {
        assert_eq!(set(off), Ok(Options::default()), "{off}");
    }
}

#[test]
fn a_value_is_taken_as_it_is() {
    let mut options = Options::default();
    options.set_value("IdentityFile", "/my \"keys\"/#1").unwrap();
    assert_eq!(options.identity_files[0].value, "/my \"keys\"/#1");
    assert!(options.set_value("Port", "22 # x").is_err() && options.set_value("Port", "").is_err());
}

#[test]
fn blocks_for_hosts() {
    let text = "Host *.example.com !bad.example.com web?\n Port 1\nHost bad.example.com\n Port 2\n";
    for (host, port) in
        [("a.example.com", Some(1)), ("web1", Some(1)), ("bad.example.com", Some(2)), ("WEB1", None)]
    {
        assert_eq!(read(host, text).unwrap().port.map(|port| port.value), port, "{host}");
    }
}

#[test]
fn blocks_by_criteria() {
    let port = |text: &str| {
        read("web", &format!("HostName web.example.com\nUser bob\n{text}\n Port 1\n")).unwrap().port
    };
    for text in [
        "Match all",
        "match ALL",
        "Match host *.example.com",
        "Match host=web.example.com",
        "Match originalhost web user bob localuser alice",
        "Match !user carol,dave",
        "Match originalhost *,!w?",
        "Match !canonical all",
    ] {
        assert!(port(text).is_some(), "{text}");
    }
    for text in [
        "Match host web",
        "Match originalhost *.example.com",
        "Match user alice",
        "Match !all",
        "Match originalhost web !localuser alice",
        "Match originalhost *,!web",
        "Match canonical all",
    ] {
        assert!(port(text).is_none(), "{text}");
    }
    for (text, message) in [
        ("Match exec true", "config:1: Match criterion \"exec\" is not supported"),
        ("\nMatch user", "config:2: Match user needs a pattern"),
        ("Match", "config:1: Match needs a criterion"),
        ("Match all user x", "config:1: Match all stands alone"),
        ("Host", "config:1: Host needs a pattern"),
    ] {
        assert_eq!(error(text), message);
    }
}

/// As ssh_config(5) has it: a second pass, in which only what is still open is taken.
#[test]
fn the_final_pass_comes_last() {
    let text = "Match final all\n RequiredRSASize 2048\n Port 1\n HostName other\n SendEnv LANG\n\
                Match !final host web.example.com\n User first\n\
                Host *.example.com\n IdentitiesOnly yes\n\
                Host web\n HostName %h.example.com\n Port 2\n SendEnv LANG LC_*\n IdentityFile a\n\
                Match final\n BatchMode yes\n";
    let options = read("web", text).unwrap();
    assert_eq!(options.required_rsa_size.as_deref(), Some(&2048));
    assert_eq!(options.port.as_deref(), Some(&2), "what has a value keeps it");
    assert_eq!(options.target(&context("web")).unwrap(), "web.example.com");
    assert!(options.batch_mode.is_some());
    // By the name of the target, which was not known before.
    assert_eq!(options.identities_only.as_deref(), Some(&true));
    assert_eq!(options.user, None);
    assert_eq!(options.send_env, ["LANG", "LC_*"]);
    assert_eq!(options.identity_files.len(), 1);

    // Nobody asks for one.
    for text in ["Match canonical\n Port 1\n", "Match !final\n Port 2\nMatch canonical\n User x\n"] {
        assert_eq!(read("web", text).unwrap().user, None, "{text}");
    }
    assert_eq!(read("web", "Match canonical\n Port 1\n").unwrap().port, None);
    let both = read("web", "Match canonical\n Port 1\nMatch final\n Port 2\n").unwrap();
    assert_eq!(both.port.as_deref(), Some(&1));
    assert_eq!(error("Match final all\nProxyCommand j\n"), "config:2: ProxyCommand is not supported");
}

#[test]
fn errors_name_file_and_line_wherever_they_stand() {
    assert_eq!(error("Port 22\n\nNoSuchOption yes\n"), "config:3: NoSuchOption is not a known option");
    assert_eq!(error("Host other\nPort many\n"), "config:2: Port \"many\" is no port");
    assert_eq!(error("Port \"22\n"), "config:1: a quote is not closed");
    assert_eq!(error("Host host\nProxyCommand j\n"), "config:2: ProxyCommand is not supported");
}

#[test]
fn what_would_change_whom_to_trust_is_an_error_where_it_counts() {
    for (line, harmless) in [
        ("CanonicalizeHostname yes", "CanonicalizeHostname no"),
        ("ProxyCommand nc %h %p", "ProxyCommand none"),
        ("PermitRemoteOpen host:80", "PermitRemoteOpen any"),
        ("KnownHostsCommand /usr/bin/keys %H", "KnownHostsCommand none"),
    ] {
        let keyword = line.split(' ').next().unwrap();
        assert_eq!(error(line), format!("config:1: {keyword} is not supported"));
        let mut options = Options::default();
        assert!(options.set(line).unwrap_err().to_string().contains(keyword));
        // What is for another host is in nobody's way.
        assert!(read("host", &format!("Host other\n{line}\n")).is_ok(), "{line}");
        assert!(read("host", harmless).is_ok() && options.set(harmless).is_ok(), "{harmless}");
    }
}

#[test]
fn of_ways_to_the_host_the_first_holds() {
    let jumps = |text: &str| read("host", text).map(|options| options.proxy_jump.unwrap().value);
    assert_eq!(jumps("ProxyJump j\nProxyCommand nc %h %p\nProxyJump k\n").unwrap(), ["j"]);
    for none in ["ProxyJump none", "ProxyCommand none"] {
        assert_eq!(jumps(&format!("{none}\nProxyJump j\nProxyCommand nc %h %p\n")).unwrap(), [""; 0]);
    }
    assert_eq!(error("ProxyCommand nc %h %p\nProxyJump j\n"), "config:1: ProxyCommand is not supported");
}

#[test]
fn each_forwarding_counts_once() {
    let text = "Match final\nLocalForward 3 c:3\nHost *\nLocalForward 1 a:1\nLocalForward 2 b:2\n";
    let ports = |options: Options| {
        let listen = |forward: &Setting<Forward>| forward.listen.to_string();
        options.local_forwards.iter().map(listen).collect::<Vec<_>>()
    };
    assert_eq!(ports(read("host", text).unwrap()), ["1", "2", "3"]);
    assert_eq!(error("Host other\nLocalForward x\n").split(':').nth(1), Some("2"), "wherever it stands");
}

#[test]
fn unknown_options_may_be_ignored() {
    let text = "IgnoreUnknown My*,NoSuchOption\nMyOption a b c\nnosuchoption\n";
    assert!(read("host", text).is_ok());
    assert_eq!(error(&format!("{text}Other x")), "config:4: Other is not a known option");
    assert!(read("host", &format!("{text}Host other\nMyOption")).is_ok());
}

#[test]
fn the_file_that_debian_ships_is_read() {
    let text = "Include /etc/no-such-directory/*.conf\n\nHost *\n#   ForwardAgent no\n    SendEnv LANG LC_*\n    \
                HashKnownHosts yes\n    GSSAPIAuthentication yes\n";
    let options = read("host", text).unwrap();
    assert_eq!(options.hash_known_hosts.as_ref().map(|setting| setting.value), Some(true));
    assert!(options.sends_env("LC_CTYPE"));
}

#[test]
fn the_file_of_this_machine_is_read() {
    let home = TempDir::new().unwrap();
    let mut options = Options::default();
    options.read_defaults(&Context { home: home.path().into(), ..context("host") }).unwrap();
}

#[test]
fn hosts_that_may_not_be_connected_to() {
    for (host, text) in [("-oProxyCommand=x", ""), ("a;b", ""), ("x", "HostName $(%h)"), ("x", "HostName %p")]
    {
        assert!(read(host, text).unwrap().target(&context(host)).is_err(), "{host} {text}");
    }
}

mod files {
    use super::*;

    struct Home {
        directory: TempDir,
        context: Context,
    }

    impl Home {
        fn new(files: &[(&str, &str)]) -> Self {
            let directory = TempDir::new().unwrap();
            fs::create_dir(directory.path().join(".ssh")).unwrap();
            let home =
                Self { context: Context { home: directory.path().into(), ..context("host") }, directory };
            for (name, text) in files {
                let path = home.path(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, text).unwrap();
                mode(&path, 0o600);
            }
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(".ssh").join(name)
        }

        fn read(&self) -> Result<Options, ConfigError> {
            let mut options = Options::default();
            options.read(&self.path("config"), Scope::User, &self.context).map(|_| options)
        }
    }

    fn mode(path: &Path, mode: u32) {
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn included_files_count_where_they_are_included() {
        let home = Home::new(&[
            (
                "config",
                "Host other\nInclude never\nHost host\nInclude conf.d/*.conf ~/.ssh/late\nUser carol\n",
            ),
            ("never", "Host *\nPort 1\n"),
            ("conf.d/1.conf", "Host other\nPort 2\nHost host\nPort 3\n"),
            ("conf.d/2.conf", "Port 4\nUser bob\n"),
            ("conf.d/.hidden.conf", "HostName hidden\n"),
            ("conf.d/other", "HostName other\n"),
            ("late", "Host nobody\n"),
        ]);
        let options = home.read().unwrap();
        let port = options.port.unwrap();
        assert_eq!(
            (*port, port.origin.to_string()),
            (3, format!("{}:4", home.path("conf.d/1.conf").display()))
        );
        assert_eq!(options.user.unwrap().value, "bob");
        assert_eq!(options.host_name, None);
    }

    #[test]
    fn the_block_goes_on_behind_an_include() {
        let home = Home::new(&[("config", "Include other\nPort 1\n"), ("other", "Host nobody\nUser bob\n")]);
        assert_eq!(home.read().unwrap().port.map(|port| port.value), Some(1));
    }

    #[test]
    fn a_file_that_includes_itself_is_an_error() {
        let home = Home::new(&[("config", "Include config config\n")]);
        assert_eq!(
            home.read().unwrap_err().to_string(),
            format!("{}:1: Include goes too deep", home.path("config").display())
        );
    }

    #[test]
    fn missing_and_unreadable_files() {
        let home = Home::new(&[]);
        let mut options = Options::default();
        assert_eq!(options.read(&home.path("config"), Scope::User, &home.context), Ok(false));
        let error = options.read(&home.path(""), Scope::User, &home.context).unwrap_err();
        assert!(error.to_string().starts_with(&home.path("").display().to_string()), "{error}");
        assert!(options.read(Path::new("/dev/zero"), Scope::User, &home.context).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let home = Home::new(&[("config", "Port 1\n")]);
        mode(&home.path("config"), 0o620);
        let mut options = Options::default();
        let error = options.read_defaults(&home.context).unwrap_err();
        assert!(error.to_string().contains("others may write"), "{error}");
        assert_eq!(
            home.read().unwrap().port.map(|port| port.value),
            Some(1),
            "a file that is named is taken"
        );
        mode(&home.path("config"), 0o644);
        options.read_defaults(&home.context).unwrap();
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s)(.|\n|=|\"|Host|Match|SetEnv|RekeyLimit| ){0,60}") {
            let _ = read("host", &text);
            let _ = set(&text);
        }
    }
}
