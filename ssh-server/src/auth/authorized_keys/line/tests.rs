use super::*;
use std::net::SocketAddr;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2bMEhXxQbLu5rf9H4lsb3oUTTSOKQAdRlHT5Uj9dbz me@here";

fn line(options: &str) -> Result<Line, String> {
    let space = if options.is_empty() { "" } else { " " };
    format!("{options}{space}{KEY}").parse()
}

fn check(options: &str, address: &str) -> Result<Option<Permissions>, String> {
    let (key, _) = PublicKey::from_line(KEY).unwrap();
    let provider = ssh_kex::default_provider();
    let address: Option<SocketAddr> = (!address.is_empty()).then(|| address.parse().unwrap());
    let client = Client { user: "alice", address, passed: &[], provider: &provider };
    line(options).unwrap().check(&client, &Credential::Key(&key))
}

#[test]
fn options_say_what_is_permitted() {
    assert_eq!(check("", ""), Ok(Some(Permissions::all())));
    assert_eq!(check("restrict", ""), Ok(Some(Permissions::restricted())));
    let permissions = check("Restrict,PTY,command=\"echo \\\"a, b\\\" \\n\"", "").unwrap().unwrap();
    assert!(permissions.pty && !permissions.agent);
    assert_eq!(permissions.command.as_deref(), Some(br#"echo "a, b" \n"#.as_slice()));
    let permissions =
        check("no-pty,environment=\"LD_PRELOAD=x\",no-user-rc,no-X11-forwarding", "").unwrap().unwrap();
    assert!(!permissions.pty && permissions.forwarding);
    assert!(!check("", "").unwrap().unwrap().untouched);
    let permissions = check("no-touch-required,verify-required", "").unwrap().unwrap();
    assert!(permissions.untouched && permissions.verified);
    let permissions = check("no-touch-required,touch-required,no-verify-required", "").unwrap().unwrap();
    assert!(!permissions.untouched && !permissions.verified);
    let permissions =
        check("permitopen=\"a:1\",permitopen=\"[::1]:*\",permitlisten=\"8080\"", "").unwrap().unwrap();
    assert!(permissions.may_connect("a", 1) && permissions.may_connect("::1", 7));
    assert!(!permissions.may_connect("a", 2) && !permissions.may_connect("b", 1));
    assert!(permissions.may_listen("anywhere", 8080) && !permissions.may_listen("anywhere", 80));
}

#[test]
fn what_is_not_known_refuses_the_line() {
    for options in [
        "no-touch-required=\"yes\"",
        "tunnel=\"0\"",
        "command",
        "command=x",
        "command=\"a\",command=\"b\"",
        "from=\"10.0.0.1/8\"",
        "from=\"\"",
        "from=\"10.0.0.1",
        "expiry-time=\"soon\"",
        "principals=\"alice\"",
        "cert-authority,principals=\"alice,\"",
        "permitopen=\"8080\"",
        "permitopen=\"::1:80\"",
        "permitopen=\"a:+1\"",
        "restrict,",
        ",restrict",
        "restrict pty",
        "restrict=\"\"",
    ] {
        assert!(line(options).is_err(), "{options}");
    }
    for text in ["", "restrict", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-unknown AAAAC3NzaC1lZDI1NTE5 x"] {
        assert!(text.parse::<Line>().is_err(), "{text}");
    }
}

#[test]
fn time_and_place_are_kept_to() {
    assert!(check("expiry-time=\"20000101Z\"", "").is_err());
    assert!(check("expiry-time=\"29990101\"", "").is_ok());
    assert!(check("from=\"10.0.0.0/8,!10.0.0.7\"", "10.0.0.1:1").is_ok());
    for elsewhere in ["10.0.0.7:1", "11.0.0.1:1", ""] {
        assert!(check("from=\"10.0.0.0/8,!10.0.0.7\"", elsewhere).is_err(), "{elsewhere}");
    }
}

#[test]
fn an_authority_is_no_key_of_a_user() {
    assert_eq!(check("cert-authority", ""), Ok(None));
}
