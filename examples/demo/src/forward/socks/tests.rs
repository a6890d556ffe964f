use super::*;
use std::{os::unix::net::UnixStream, thread};

/// A client that has said all it will say, which arrives in pieces of this size.
struct Said<'a> {
    bytes: &'a [u8],
    piece: usize,
    heard: Vec<u8>,
}

impl<'a> Said<'a> {
    fn new(bytes: &'a [u8], piece: usize) -> Self {
        Self { bytes, piece, heard: Vec::new() }
    }
}

impl Read for Said<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(self.piece);
        self.bytes.read(&mut buffer[..size])
    }
}

impl Write for Said<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Client for Said<'_> {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

/// What is asked for, what is left of the bytes behind it, and what the client hears when it is granted.
fn granted(bytes: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
    let [whole, single] = [usize::MAX, 1].map(|piece| {
        let mut said = Said::new(bytes, piece);
        let request = Request::read(&mut said).unwrap();
        request.grant(&mut said).unwrap();
        (request.target.to_string(), said.bytes.to_vec(), said.heard)
    });
    assert_eq!(whole, single);
    whole
}

/// What a client hears that is not served.
fn refused(bytes: &[u8]) -> Vec<u8> {
    let mut said = Said::new(bytes, usize::MAX);
    assert!(Request::read(&mut said).is_err(), "{bytes:?}");
    said.heard
}

const GRANTED_4: &[u8] = &[0, 90, 0, 0, 0, 0, 0, 0];
const GRANTED_5: &[u8] = &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

#[test]
fn requests_of_each_version() {
    for (bytes, target, answer) in [
        (&b"\x04\x01\x00\x50\x0a\x00\x00\x01user\0"[..], "10.0.0.1:80", GRANTED_4),
        (b"\x04\x01\x1f\x90\x0a\x00\x00\x01\0", "10.0.0.1:8080", GRANTED_4),
        (b"\x04\x01\x00\x50\x00\x00\x00\x01user\0example.com\0", "example.com:80", GRANTED_4),
        (b"\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50", "10.0.0.1:80", GRANTED_5),
        (b"\x05\x02\x02\x00\x05\x01\x00\x03\x0bexample.com\x00\x50", "example.com:80", GRANTED_5),
        (b"\x05\x01\x00\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50", "[::1]:80", GRANTED_5),
    ] {
        let behind = [bytes, b"GET /"].concat();
        assert_eq!(granted(&behind), (target.to_owned(), b"GET /".to_vec(), answer.to_vec()));
        // Who hangs up in the middle is left.
        for end in 0..bytes.len() {
            assert!(Request::read(&mut Said::new(&bytes[..end], 3)).is_err(), "{target} {end}");
        }
    }
}

#[test]
fn what_is_not_served_is_told() {
    let failed_4 = [0, 91, 0, 0, 0, 0, 0, 0];
    // BIND, and a port of 0.
    assert_eq!(refused(b"\x04\x02\x00\x50\x0a\x00\x00\x01\0"), failed_4);
    assert_eq!(refused(b"\x04\x01\x00\x00\x0a\x00\x00\x01\0"), failed_4);
    assert_eq!(refused(b"\x04\x01\x00\x50\x00\x00\x00\x01\0\0"), failed_4);
    // A password only, and no way at all.
    assert_eq!(refused(b"\x05\x01\x02"), [5, 255]);
    assert_eq!(refused(b"\x05\x00"), [5, 255]);
    let code = |request: &[u8]| {
        let heard = refused(&[b"\x05\x01\x00", request].concat());
        assert_eq!((&heard[..2], heard[2], heard.len()), (&[5, 0][..], 5, 12));
        heard[3]
    };
    // BIND, UDP, an unknown kind of address, port 0, no name, names that are none.
    assert_eq!(code(b"\x05\x02\x00\x01\x0a\x00\x00\x01\x00\x50"), COMMAND_NOT_SUPPORTED);
    assert_eq!(code(b"\x05\x03\x00\x01\x0a\x00\x00\x01\x00\x50"), COMMAND_NOT_SUPPORTED);
    assert_eq!(code(b"\x05\x01\x00\x02"), ADDRESS_NOT_SUPPORTED);
    assert_eq!(code(b"\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x00"), GENERAL_FAILURE);
    assert_eq!(code(b"\x05\x01\x00\x03\x00\x00\x50"), GENERAL_FAILURE);
    assert_eq!(code(b"\x05\x01\x00\x03\x02a\0\x00\x50"), GENERAL_FAILURE);
    assert_eq!(code(b"\x05\x01\x00\x03\x02\xff\xfe\x00\x50"), GENERAL_FAILURE);
    // Other protocols hear nothing.
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), b"");
}

#[test]
fn names_have_an_end() {
    let endless = vec![b'a'; 1 << 20];
    for head in [&b"\x04\x01\x00\x50\x0a\x00\x00\x01"[..], b"\x04\x01\x00\x50\x00\x00\x00\x01\0"] {
        let bytes = [head, &endless].concat();
        let mut said = Said::new(&bytes, usize::MAX);
        assert_eq!(Request::read(&mut said).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(bytes.len() - said.bytes.len(), head.len() + MAX_TEXT + 1);
    }
}

#[test]
fn any_bytes_come_to_an_end() {
    let noise = testing::noise(64 << 10);
    for (at, bytes) in noise.chunks(64).enumerate() {
        let bytes = [&[4 + (at % 2) as u8, (at % 3) as u8, 0], bytes].concat();
        if let Ok(request) = Request::read(&mut Said::new(&bytes, 7)) {
            assert!(matches!(request.target, Target::Port { port: 1.., .. }));
        }
    }
}

#[test]
fn the_silent_and_the_slow_are_left_in_time() {
    let patience = Duration::from_millis(200);
    for pause in [Duration::MAX, Duration::from_millis(20)] {
        let (client, mut speaker) = UnixStream::pair().unwrap();
        let speaking = thread::spawn(move || {
            // It would take seconds.
            let head = b"\x04\x01\x00\x50\x0a\x00\x00\x01".iter().chain(&[b'a'; 200]);
            for byte in head.take_while(|_| pause < Duration::MAX) {
                if speaker.write_all(&[*byte]).is_err() {
                    break;
                }
                thread::sleep(pause);
            }
            speaker
        });
        let start = Instant::now();
        let error = Request::read_within(&mut &Socket::Unix(client), patience).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(
            start.elapsed() >= patience && start.elapsed() < Duration::from_secs(3),
            "{:?}",
            start.elapsed()
        );
        speaking.join().unwrap();
    }
}
