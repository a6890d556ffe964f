use super::*;
use proptest::prelude::*;

const LINE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2bMEhXxQbLu5rf9H4lsb3oUTTSOKQAdRlHT5Uj9dbz a comment  of words";

/// The third example of RFC 4716 §3.6.
const RFC4716: &str = r#"---- BEGIN SSH2 PUBLIC KEY ----
Comment: DSA Public Key for use with MyIsp
AAAAB3NzaC1kc3MAAACBAPY8ZOHY2yFSJA6XYC9HRwNHxaehvx5wOJ0rzZdzoSOXxbET
W6ToHv8D1UJ/z+zHo9Fiko5XybZnDIaBDHtblQ+Yp7StxyltHnXF1YLfKD1G4T6JYrdH
YI14Om1eg9e4NnCRleaqoZPF3UGfZia6bXrGTQf3gJq2e7Yisk/gF+1VAAAAFQDb8D5c
vwHWTZDPfX0D2s9Rd7NBvQAAAIEAlN92+Bb7D4KLYk3IwRbXblwXdkPggA4pfdtW9vGf
J0/RHd+NjB4eo1D+0dix6tXwYGN7PKS5R/FXPNwxHPapcj9uL1Jn2AWQ2dsknf+i/FAA
vioUPkmdMc0zuWoSOEsSNhVDtX3WdvVcGcBq9cetzrtOKWOocJmJ80qadxTRHtUAAACB
AN7CY+KKv1gHpRzFwdQm7HK9bb1LAo2KwaoXnadFgeptNBQeSXG1vO+JsvphVMBJc9HS
n24VYtYtsMu74qXviYjziVucWKjjKEb11juqnF0GDlB3VVmxHLmxnAz643WK42Z7dLM5
sY29ouezv4Xz2PuMch5VGPP+CDqzCM4loWgV
---- END SSH2 PUBLIC KEY ----
"#;

#[test]
fn a_line() {
    let line: KeyLine = LINE.parse().unwrap();
    assert_eq!((line.key_type(), line.comment.as_str()), ("ssh-ed25519", "a comment  of words"));
    assert_eq!(line.to_string(), LINE);
    let (key, comment) = PublicKey::from_line(LINE).unwrap();
    assert_eq!(key.to_line(&comment), LINE);
    assert_eq!(key.key_type(), "ssh-ed25519");
}

#[test]
fn a_line_without_comment_and_with_space_around() {
    let bare = LINE.split(" a comment").next().unwrap();
    let line: KeyLine = format!(" \t{}\r\n", bare.replace(' ', " \t ")).parse().unwrap();
    assert_eq!((line.comment.as_str(), line.to_string().as_str()), ("", bare));
}

#[test]
fn the_example_of_rfc_4716() {
    for text in [RFC4716.to_owned(), RFC4716.replace('\n', "\r\n"), format!("\n{RFC4716}")] {
        let line: KeyLine = text.parse().unwrap();
        assert_eq!(line.key_type(), "ssh-dss");
        assert_eq!(line.comment, "DSA Public Key for use with MyIsp");
        assert_eq!(line.blob.len(), 435);
        assert_eq!(line.to_rfc4716().parse(), Ok(line));
    }
}

#[test]
fn headers_of_rfc_4716_may_be_continued() {
    // The second example of RFC 4716 §3.6, but for its key.
    let text = RFC4716.replace(
        "Comment: DSA Public Key for use with MyIsp",
        "Subject: me\nx-command: /home/me/bin/lock-in-guest.sh\nCOMMENT: \"This is my public key for use on \\\nservers which I don't like.\"",
    );
    let line: KeyLine = text.parse().unwrap();
    assert_eq!(line.comment, "This is my public key for use on servers which I don't like.");
}

#[test]
fn what_is_no_key_is_refused() {
    let other_type = LINE.replacen("ssh-ed25519", "ssh-rsa", 1);
    let two_lines = format!("{LINE}\n{LINE}");
    let no_end = RFC4716.split("---- END").next().unwrap();
    let continued_into_nothing = "---- BEGIN SSH2 PUBLIC KEY ----\nComment: a\\";
    for text in [
        "",
        " ",
        "ssh-ed25519",
        "ssh-ed25519 ",
        "ssh-ed25519 ====",
        "ssh-ed25519 AAAA",
        "# ssh-ed25519 AAAA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2bMEhXxQbLu5rf9H4lsb3oUTTSOKQAdRlHT5Uj9dbz=",
        &other_type,
        &two_lines,
        no_end,
        continued_into_nothing,
        "---- BEGIN SSH2 PUBLIC KEY ----\n---- END SSH2 PUBLIC KEY ----\n",
    ] {
        assert_eq!(text.parse::<KeyLine>(), Err(MALFORMED), "{text}");
    }
}

#[test]
fn a_comment_begins_no_other_line() {
    let (key, _) = PublicKey::from_line(LINE).unwrap();
    let line = key.to_line("evil\nssh-ed25519 AAAA\r\u{1b}");
    assert!(!line.contains(char::is_control));
    let rfc4716 =
        KeyLine { comment: "evil\"\n---- END SSH2 PUBLIC KEY ----".into(), ..line.parse().unwrap() };
    let back: KeyLine = rfc4716.to_rfc4716().parse().unwrap();
    assert_eq!(back.blob, rfc4716.blob);
}

proptest! {
    #[test]
    fn any_comment_survives_rfc_4716_in_short_lines(comment in "[^\\p{Cc}\"\\\\]{0,200}") {
        let comment = comment.trim().to_owned();
        let line = KeyLine { comment, ..LINE.parse().unwrap() };
        let text = line.to_rfc4716();
        prop_assert!(text.lines().all(|line| line.len() <= 72));
        prop_assert_eq!(text.parse(), Ok(line));
    }

    #[test]
    fn nothing_makes_it_panic(text in "(---- BEGIN SSH2 PUBLIC KEY ----\n)?(.|\n)*") {
        let _ = text.parse::<KeyLine>();
    }
}
