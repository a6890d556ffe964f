//! The identification exchange, as real servers and others do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use ssh_wire::ident::{IdentError, IdentReader, Identification, MAX_LINE, MAX_LINES};

/// The identification string, the lines before it, and what came behind it.
type Exchanged = (Option<Identification>, Vec<Vec<u8>>, Vec<u8>);

/// What a driver does: hands over what has arrived and was not used up, in pieces of these sizes.
fn exchange(stream: &[u8], pieces: &[usize]) -> Result<Exchanged, IdentError> {
    let (mut reader, mut lines, mut buffered, mut rest) =
        (IdentReader::default(), Vec::new(), Vec::new(), stream);
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(rest.len().min(*piece));
        buffered.extend_from_slice(now);
        rest = later;
        let step = reader.read(&buffered, |line| lines.push(line.to_vec()))?;
        buffered.drain(..step.used);
        if step.identification.is_some() {
            buffered.extend_from_slice(rest);
            return Ok((step.identification, lines, buffered));
        }
    }
    Ok((None, lines, buffered))
}

fn at_once(stream: &[u8]) -> Result<Exchanged, IdentError> {
    exchange(stream, &[usize::MAX])
}

fn ident(line: &[u8]) -> Option<Identification> {
    Some(Identification::new(line).unwrap())
}

#[test]
fn lines_arrive_in_any_pieces() {
    let stream =
        b"Welcome\r\n\nto the \xff machine\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\x00\x00\x00\x0c\x0a\x14";
    for size in 1..stream.len() {
        let (found, lines, behind) = exchange(stream, &[size]).unwrap();
        assert_eq!(found, ident(b"SSH-2.0-OpenSSH_9.2p1 Debian-2"));
        assert_eq!(lines, [&b"Welcome"[..], b"", b"to the \xff machine"]);
        assert_eq!(behind, b"\x00\x00\x00\x0c\x0a\x14");
    }
}

#[test]
fn a_missing_cr_is_tolerated() {
    assert_eq!(at_once(b"SSH-2.0-x\n").unwrap().0, ident(b"SSH-2.0-x"));
}

#[test]
fn a_line_without_an_end_is_waited_for() {
    for stream in [&b""[..], b"S", b"SSH-2.0-x", b"SSH-2.0-x\r", b"hello\nSSH-"] {
        assert_eq!(at_once(stream).unwrap().0, None);
    }
}

#[test]
fn versions_2_0_and_1_99_are_spoken_and_no_others() {
    assert_eq!(at_once(b"SSH-1.99-Cisco-1.25\n").unwrap().0, ident(b"SSH-1.99-Cisco-1.25"));
    for version in ["1.5", "1.3", "2.1", "2", "", "2.0 ", "\u{1b}[2J"] {
        let error = at_once(format!("SSH-{version}-x\r\n").as_bytes()).unwrap_err();
        assert_eq!(
            error,
            IdentError::Version(version.escape_default().to_string().replace("\\u{1b}", "\\x1b"))
        );
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn an_identification_string_has_255_bytes_at_most() {
    let line = |length: usize| [&b"SSH-2.0-"[..], &vec![b'x'; length - 10], b"\r\n"].concat();
    assert_eq!(at_once(&line(MAX_LINE)).unwrap().0.unwrap().as_bytes().len(), 253);
    assert_eq!(at_once(&line(MAX_LINE + 1)), Err(IdentError::LineTooLong));
    assert_eq!(exchange(&line(MAX_LINE + 1), &[1]), Err(IdentError::LineTooLong));
    assert_eq!(Identification::new([&b"SSH-2.0-"[..], &[b'x'; 246]].concat()), Err(IdentError::LineTooLong));
}

#[test]
fn a_line_before_has_255_bytes_at_most() {
    let stream = |length: usize| [&vec![b'x'; length - 1], &b"\nSSH-2.0-x\r\n"[..]].concat();
    assert_eq!(at_once(&stream(MAX_LINE)).unwrap().1, [vec![b'x'; 254]]);
    assert_eq!(at_once(&stream(MAX_LINE + 1)), Err(IdentError::LineTooLong));
    // Without any line end it fails as soon as that is certain.
    assert!(exchange(&[b'x'; MAX_LINE - 1], &[1]).is_ok());
    assert_eq!(exchange(&[b'x'; MAX_LINE], &[1]), Err(IdentError::LineTooLong));
}

#[test]
fn there_are_1024_lines_before_at_most() {
    let stream = |lines: usize| [&b"hello\r\n".repeat(lines), &b"SSH-2.0-x\r\n"[..]].concat();
    assert_eq!(at_once(&stream(MAX_LINES)).unwrap().1.len(), MAX_LINES);
    for pieces in [usize::MAX, 1, 100] {
        assert_eq!(exchange(&stream(MAX_LINES + 1), &[pieces]), Err(IdentError::TooManyLines));
    }
}

#[test]
fn control_characters_that_would_change_the_line_are_refused() {
    let long = |line: &[u8]| matches!(at_once(line), Err(IdentError::NotSsh(_)));
    assert!(long(b"SSH-2.0-x\0y\r\n"));
    assert!(long(b"SSH-2.0-x\ry\r\n"));
    assert!(long(b"SSH-2.0-x\r\r\n"));
    assert!(long(b"\0\0\0\x0c\n"));
    assert!(Identification::new("SSH-2.0-x\ny").is_err());
}

#[test]
fn what_is_not_ssh_is_told_as_it_is_and_printable() {
    let error = Identification::new("HTTP/1.1 400 Bad \x1b[31m Request").unwrap_err();
    assert!(error.to_string().contains("HTTP/1.1 400 Bad"), "{error}");
    assert!(!error.to_string().contains('\x1b'), "{error}");
    for line in ["", "SSH", "SSH-", "SSH-2.0", "ssh-2.0-x", " SSH-2.0-x"] {
        assert!(Identification::new(line).is_err(), "{line:?}");
    }
    // A web server's answer is lines before an identification string that never comes.
    let (found, lines, _) = at_once(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!((found, lines.len()), (None, 3));
}

#[test]
fn the_software_is_what_stands_behind_the_version() {
    let software = |line: &str| Identification::new(line).unwrap().software();
    assert_eq!(software("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"), "OpenSSH_9.2p1 Debian-2+deb12u3");
    assert_eq!(software("SSH-2.0-a-b-c"), "a-b-c");
    assert_eq!(software("SSH-2.0-"), "");
    assert_eq!(software("SSH-2.0-\x1b[2J"), "\\x1b[2J");
    assert_eq!(Identification::new("SSH-2.0-\x07").unwrap().to_string(), "SSH-2.0-\\x07");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(stream in prop::collection::vec(any::<u8>(), 0..600), piece in 1..300usize) {
        let _ = exchange(&stream, &[piece]);
    }

    #[test]
    fn any_split_finds_the_same(
        before in prop::collection::vec("[a-z -]{0,80}\r?\n", 0..10),
        comment in "[ -~]{0,40}",
        behind in prop::collection::vec(any::<u8>(), 0..50),
        pieces in prop::collection::vec(1..40usize, 1..10),
    ) {
        let mut stream = before.concat().into_bytes();
        let line = format!("SSH-2.0-{comment}");
        stream.extend_from_slice(line.as_bytes());
        stream.extend_from_slice(b"\r\n");
        stream.extend_from_slice(&behind);
        let (found, lines, rest) = exchange(&stream, &pieces).unwrap();
        prop_assert_eq!(found, ident(line.as_bytes()));
        prop_assert_eq!(lines.len(), before.len());
        prop_assert_eq!(rest, behind);
    }
}
