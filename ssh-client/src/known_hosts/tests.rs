use super::*;
use std::{fs, process::Command};
use tempfile::TempDir;

/// A blob of an ed25519 key that differs with `n`.
fn key(n: u8) -> Vec<u8> {
    blob("ssh-ed25519", &[n; 32])
}

fn blob(key_type: &str, body: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    for part in [key_type.as_bytes(), body] {
        blob.extend_from_slice(&(part.len() as u32).to_be_bytes());
        blob.extend_from_slice(part);
    }
    blob
}

/// `ssh-ed25519 AAAA…`
fn text(key: &[u8]) -> String {
    format!("{} {}", key_type(key).unwrap(), Base64::encode_string(key))
}

fn is_match(known: &KnownHosts, host: &str, port: u16, n: u8) -> bool {
    matches!(known.lookup(host, port, &key(n)), Lookup::Match(_))
}

#[test]
fn a_name_a_port_and_a_case() {
    let known = KnownHosts::parse(&format!(
        "# comment\n\n  Host.Example.com,10.0.0.1 {} a comment\n[other]:2222 {}\n[std]:22 {}\n",
        text(&key(1)),
        text(&key(2)),
        text(&key(3))
    ));
    assert_eq!(known.warnings(), []);
    assert!(is_match(&known, "host.EXAMPLE.com", 22, 1));
    assert!(is_match(&known, "10.0.0.1", 22, 1));
    assert!(is_match(&known, "other", 2222, 2));
    assert_eq!(known.lookup("other", 22, &key(2)), Lookup::Unknown);
    assert_eq!(known.lookup("other", 2223, &key(2)), Lookup::Unknown);
    assert!(is_match(&known, "std", 22, 3));
    let entry = &known.entries()[0];
    assert_eq!((entry.comment(), entry.place().line, entry.kind()), ("a comment", 3, Kind::Host));
}

#[test]
fn another_key_is_a_mismatch_that_tells_what_is_known() {
    let known = KnownHosts::parse(&format!("h {}\nh {}\nx {}", text(&key(1)), text(&key(2)), text(&key(3))));
    let Lookup::Mismatch { known } = known.lookup("h", 22, &key(3)) else { panic!("not a mismatch") };
    let lines: Vec<_> = known.iter().map(|entry| (entry.place().line, entry.key_type())).collect();
    assert_eq!(lines, [(1, "ssh-ed25519"), (2, "ssh-ed25519")]);
}

#[test]
fn a_key_of_another_type_is_a_mismatch_too() {
    let known = KnownHosts::parse(&format!("h {}", text(&key(1))));
    let mut point = vec![4];
    point.extend([9; 64]);
    let mut other = blob("ecdsa-sha2-nistp256", b"nistp256");
    other.extend(blob("", &point)[4..].to_vec());
    assert!(matches!(known.lookup("h", 22, &other), Lookup::Mismatch { .. }));
}

#[test]
fn the_portless_name_confirms_but_never_contradicts() {
    let known =
        KnownHosts::parse(&format!("h {}\n[g]:2222 {}\ng {}", text(&key(1)), text(&key(2)), text(&key(3))));
    assert!(is_match(&known, "h", 2222, 1));
    assert_eq!(known.lookup("h", 2222, &key(9)), Lookup::Unknown);
    assert!(matches!(known.lookup("g", 2222, &key(3)), Lookup::Mismatch { .. }), "the exact name goes first");
    assert_eq!(known.key_types("h", 2222), ["ssh-ed25519"]);
}

#[test]
fn patterns_and_negations() {
    let known = KnownHosts::parse(&format!("*.example.com,!bad.example.com,10.0.?.1 {}", text(&key(1))));
    assert!(is_match(&known, "a.example.com", 22, 1));
    assert!(is_match(&known, "10.0.7.1", 22, 1));
    assert_eq!(known.lookup("bad.example.com", 22, &key(1)), Lookup::Unknown);
    assert_eq!(known.lookup("BAD.example.com", 22, &key(1)), Lookup::Unknown);
    assert_eq!(known.lookup("bad.example.com", 2222, &key(1)), Lookup::Unknown);
    assert_eq!(known.lookup("10.0.77.1", 22, &key(1)), Lookup::Unknown);
    for excluded in ["bad.example.com", "*.example.com", "[bad.example.com]:22"] {
        let known = KnownHosts::parse(&format!(
            "*,!{excluded} {0}\n@cert-authority *,!{excluded} {0}",
            text(&key(2))
        ));
        assert_eq!(known.lookup("bad.example.com", 22, &key(2)), Lookup::Unknown, "{excluded}");
        assert_eq!(known.authorities("bad.example.com", 22), Vec::<&Entry>::new(), "{excluded}");
        assert!(is_match(&known, "good.example.org", 22, 2), "{excluded}");
    }
}

#[test]
fn a_revoked_key_is_refused_though_it_is_known() {
    let revoked = format!("h,*.example.com {}\n@revoked * {}", text(&key(1)), text(&key(1)));
    let known = KnownHosts::parse(&revoked);
    for (host, port) in [("h", 22), ("h", 2222), ("a.example.com", 22), ("unheard-of", 22)] {
        assert!(
            matches!(known.lookup(host, port, &key(1)), Lookup::Revoked(entry) if entry.place().line == 2)
        );
    }
    let known = KnownHosts::parse(&format!("h {0}\ng {0}\n@revoked g {0}", text(&key(1))));
    assert!(is_match(&known, "h", 22, 1), "revoked for another host only");
    assert!(
        matches!(known.lookup("g", 2222, &key(1)), Lookup::Revoked(_)),
        "the name without its port is enough"
    );
    assert!(matches!(known.lookup("g", 22, &key(2)), Lookup::Mismatch { .. }));
}

#[test]
fn an_authority_is_no_host_key_and_may_be_revoked() {
    let lines = format!("@cert-authority *.example.com {}\n", text(&key(1)));
    let known = KnownHosts::parse(&lines);
    assert_eq!(known.lookup("a.example.com", 22, &key(1)), Lookup::Unknown);
    assert_eq!(known.key_types("a.example.com", 22), [""; 0]);
    assert_eq!(known.authorities("a.example.com", 22).len(), 1);
    assert_eq!(known.authorities("elsewhere", 22).len(), 0);
    let known = KnownHosts::parse(&format!("{lines}@revoked * {}", text(&key(1))));
    assert_eq!(known.authorities("a.example.com", 22).len(), 0);
    assert!(known.revoked("a.example.com", 22, &key(1)).is_some());
}

#[test]
fn lines_that_cannot_be_read_are_told_and_never_accept() {
    let good = text(&key(1));
    let short = text(&blob("ssh-ed25519", &[1; 31]));
    let lines = [
        "h".to_owned(),
        "h ssh-ed25519".to_owned(),
        format!("@unknown h {good}"),
        "@revoked".to_owned(),
        format!("h ssh-rsa {}", Base64::encode_string(&key(1))),
        format!("h ssh-ed25519 !{}", Base64::encode_string(&key(1))),
        format!("h {short}"),
        format!("|1|xx {good}"),
        format!("|2|AAAA|AAAA {good}"),
        format!("|1|AAAA|AAAA {good}"),
        format!("h,|1|AAAA|AAAA {good}"),
        "h 1024 35 1234567890".to_owned(),
    ];
    let known = KnownHosts::parse(&lines.join("\n"));
    let warned: Vec<_> = known.warnings().iter().map(|warning| warning.place.line).collect();
    assert_eq!(warned, (1..=lines.len()).collect::<Vec<_>>());
    assert_eq!(known.lookup("h", 22, &key(1)), Lookup::Unknown);
    assert_eq!(known.warnings()[2].to_string(), "line 3: unknown marker");
}

#[test]
fn a_key_of_an_unknown_type_is_kept_and_skipped() {
    let future = blob("ssh-future", b"?");
    let known =
        KnownHosts::parse(&format!("h {}\n@revoked h {}", text(&future), text(&blob("ssh-other", b"?"))));
    assert_eq!((known.entries().len(), known.warnings().len()), (2, 0));
    assert!(!known.entries()[0].is_usable());
    assert_eq!(known.lookup("h", 22, &key(1)), Lookup::Unknown);
    assert_eq!(known.key_types("h", 22), [""; 0]);
    assert!(matches!(known.lookup("h", 22, &blob("ssh-other", b"?")), Lookup::Revoked(_)));
}

#[test]
fn key_types_are_listed_once_in_order() {
    let rsa = {
        let mut rsa = blob("ssh-rsa", &[1, 0, 1]);
        rsa.extend(257_u32.to_be_bytes());
        rsa.push(0);
        rsa.extend([0xff; 256]);
        rsa
    };
    let known = KnownHosts::parse(&format!("h {}\n* {}\nh {}", text(&rsa), text(&key(1)), text(&rsa)));
    assert_eq!(known.key_types("h", 22), ["ssh-rsa", "ssh-ed25519"]);
    assert_eq!(known.key_types("g", 22), ["ssh-ed25519"]);
}

#[test]
fn several_files_are_read_in_order_and_a_missing_one_is_empty() {
    let directory = TempDir::new().unwrap();
    let [first, second, missing] = ["first", "second", "missing"].map(|name| directory.path().join(name));
    fs::write(&first, format!("h {}\n", text(&key(1)))).unwrap();
    fs::write(&second, b"\xff\xfe\nh ssh-ed25519 AAAA\n").unwrap();
    let known = KnownHosts::load_all([&missing, &first, &second]).unwrap();
    let Lookup::Match(entry) = known.lookup("h", 22, &key(1)) else { panic!("not found") };
    assert_eq!(entry.place().to_string(), format!("{}:1", first.display()));
    assert_eq!(known.warnings().len(), 2);
    assert!(known.warnings()[1].to_string().starts_with(&format!("{}:2: ", second.display())));
    assert!(KnownHosts::load(&missing).is_err());
    let error = KnownHosts::load_all([directory.path()]).unwrap_err();
    assert!(error.to_string().contains(&*directory.path().to_string_lossy()), "{error}");
}

#[test]
fn an_endless_file_is_refused() {
    assert!(KnownHosts::load(Path::new("/dev/zero")).is_err());
}

#[test]
fn appended_lines_are_found_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("new/known_hosts");
    append(&path, "Plain.example.com", 22, &key(1), false).unwrap();
    append(&path, "hashed.example.com", 2222, &key(2), true).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("plain.example.com ssh-ed25519 ") && text.ends_with('\n'), "{text}");
    assert!(!text.contains("hashed"));
    let known = KnownHosts::load(&path).unwrap();
    assert!(is_match(&known, "plain.example.com", 22, 1));
    assert!(is_match(&known, "HASHED.example.com", 2222, 2));
    assert_eq!(known.lookup("hashed.example.com", 22, &key(2)), Lookup::Unknown);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_last_line_without_a_line_feed_is_ended_first() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("known_hosts");
    fs::write(&path, "h no-line-feed").unwrap();
    append(&path, "g", 22, &key(1), false).unwrap();
    append(&path, "f", 22, &key(1), false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let hosts: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(hosts, ["h", "g", "f"]);
    append(Path::new("/dev/null"), "h", 22, &key(1), false).unwrap();
}

#[test]
fn names_that_mean_something_else_are_not_written() {
    for host in ["", "a b", "a\nb", "a,b", "*", "a?", "!a", "#a", "@revoked", "|1|a", "a\u{7f}", "a\u{2028}b"]
    {
        assert!(matches!(format_line(host, 22, &key(1), false), Err(WriteError::Name(_))), "{host:?}");
    }
    assert!(matches!(format_line("h", 22, b"\0\0", false), Err(WriteError::Key)));
    assert!(matches!(format_line("h", 22, &blob("a b", b""), false), Err(WriteError::Key)));
    assert!(format_line("fe80::1%eth0", 2222, &key(1), false).unwrap().starts_with("[fe80::1%eth0]:2222 "));
}

/// Files made and read by OpenSSH's own tool, where it is installed.
mod ssh_keygen {
    use super::*;

    fn run(directory: &Path, arguments: &[&str]) -> String {
        let output = Command::new("ssh-keygen").current_dir(directory).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A directory with a key pair, and the key's blob.
    fn prepare(test: &str, key_type: &str) -> Option<(TempDir, Vec<u8>)> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            testing::skip(test, "no ssh-keygen found");
            return None;
        }
        let directory = TempDir::new().unwrap();
        run(directory.path(), &["-q", "-N", "", "-t", key_type, "-f", "key"]);
        let line = fs::read_to_string(directory.path().join("key.pub")).unwrap();
        let blob = Base64::decode_vec(line.split(' ').nth(1).unwrap()).unwrap();
        Some((directory, blob))
    }

    #[test]
    fn hashes_what_we_find() {
        for key_type in ["ed25519", "ecdsa", "rsa"] {
            let Some((directory, blob)) = prepare("hashes_what_we_find", key_type) else { return };
            let path = directory.path().join("known_hosts");
            let plain =
                format!("host.example.com,10.0.0.1 {0}\n[host]:2222 {0}\n@revoked bad {0}\n", text(&blob));
            fs::write(&path, plain).unwrap();
            run(directory.path(), &["-H", "-f", "known_hosts"]);
            let hashed = fs::read_to_string(&path).unwrap();
            assert!(hashed.contains("|1|") && !hashed.contains("host.example.com"), "{hashed}");
            let known = KnownHosts::load(&path).unwrap();
            assert_eq!(known.warnings(), []);
            for (host, port) in [("host.example.com", 22), ("10.0.0.1", 22), ("host", 2222)] {
                assert!(
                    matches!(known.lookup(host, port, &blob), Lookup::Match(_)),
                    "{host}:{port} in\n{hashed}"
                );
            }
            assert!(matches!(known.lookup("bad", 22, &blob), Lookup::Revoked(_)));
            assert_eq!(known.lookup("host", 22, &blob), Lookup::Unknown);
            let shown = run(directory.path(), &["-l", "-f", "key.pub"]);
            assert!(shown.contains(&fingerprint(&blob)), "{shown}");
        }
    }

    #[test]
    fn finds_what_we_write() {
        let Some((directory, blob)) = prepare("finds_what_we_write", "ed25519") else { return };
        let path = directory.path().join("known_hosts");
        append(&path, "host.example.com", 22, &blob, true).unwrap();
        append(&path, "host", 2222, &blob, true).unwrap();
        append(&path, "plain", 22, &blob, false).unwrap();
        for name in ["host.example.com", "[host]:2222", "plain"] {
            let found = run(directory.path(), &["-F", name, "-f", "known_hosts"]);
            assert!(found.contains(&Base64::encode_string(&blob)), "{name}: {found}");
        }
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".*", host in ".*", port: u16) {
            let known = KnownHosts::parse(&text);
            let found = known.lookup(&host, port, &key(1));
            prop_assert!(!matches!(found, Lookup::Match(_)));
        }

        #[test]
        fn what_is_written_is_found(host in "[a-zA-Z0-9.:%_-]{1,40}", port in 1u16.., n: u8, hashed: bool) {
            let line = format_line(&host, port, &key(n), hashed).unwrap();
            let known = KnownHosts::parse(&line);
            prop_assert!(matches!(known.lookup(&host, port, &key(n)), Lookup::Match(_)));
            let changed = known.lookup(&host, port, &key(n ^ 1));
            let is_mismatch = matches!(changed, Lookup::Mismatch { .. });
            prop_assert!(is_mismatch);
        }
    }
}
