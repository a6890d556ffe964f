//! The conversation with one server: identification strings, its KEXINIT, and goodbye.

use ssh_wire::{
    DecodeError, Decoder, Encoder, Message, PacketError,
    ident::{IdentError, IdentReader, Identification},
    message::transport::{Disconnect, KexInit},
    number,
};
use std::{
    fmt,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    str::FromStr,
    time::{Duration, Instant},
};

const SOFTWARE: &str = concat!("SSH-2.0-wire_tool_", env!("CARGO_PKG_VERSION"), "\r\n");

/// A server to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
}

/// What a server said of itself.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) identification: Identification,
    /// The payload of its KEXINIT, which was decoded once and can be again.
    kexinit: Vec<u8>,
}

impl Offer {
    /// Borrows from the payload, as all messages do.
    pub(crate) fn kexinit(&self) -> Result<KexInit<'_>, DecodeError> {
        KexInit::parse(&self.kexinit)
    }
}

/// Why a server could not be asked. What it said is escaped.
#[derive(Debug)]
pub(crate) enum Error {
    Io(io::Error),
    NoAddress,
    Timeout(Duration),
    Closed,
    Identification(IdentError),
    Packet(PacketError),
    KexInit(DecodeError),
    Unexpected(u8),
    Disconnected(String),
}

/// Asks one server, within `timeout` in all: a server that says a byte now and then gets no more.
pub(crate) fn grab(target: &Target, timeout: Duration) -> Result<Offer, Error> {
    let addresses = (&*target.host, target.port).to_socket_addrs()?;
    let clock = Clock { deadline: Instant::now() + timeout, timeout };
    let mut failure = Error::NoAddress;
    for address in addresses {
        match TcpStream::connect_timeout(&address, clock.left()?) {
            Ok(stream) => return Conversation::new(stream, clock).run(),
            Err(error) => failure = clock.tell(error),
        }
    }
    Err(failure)
}

/// How long a server still has.
#[derive(Debug, Clone, Copy)]
struct Clock {
    deadline: Instant,
    timeout: Duration,
}

impl Clock {
    /// More than zero, which sockets do not take.
    fn left(self) -> Result<Duration, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(Error::Timeout(self.timeout)) } else { Ok(left) }
    }

    fn tell(self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(self.timeout),
            _ => Error::Io(error),
        }
    }
}

struct Conversation {
    stream: TcpStream,
    clock: Clock,
    decoder: Decoder,
    encoder: Encoder,
}

impl Conversation {
    fn new(stream: TcpStream, clock: Clock) -> Self {
        // Padding should be random to hide what is encrypted; nothing here is.
        let encoder = Encoder::new(|padding| padding.fill(0));
        Self { stream, clock, decoder: Decoder::default(), encoder }
    }

    fn run(mut self) -> Result<Offer, Error> {
        // Some servers wait for the client's string before they send their KEXINIT.
        self.encoder.raw(SOFTWARE.as_bytes());
        self.flush()?;
        let identification = self.identification()?;
        let kexinit = self.kexinit()?;
        // Without a word of farewell, servers log an error. Whether it arrives is no matter.
        let goodbye =
            Disconnect { reason: number::disconnect::BY_APPLICATION, description: b"", language: b"" };
        self.encoder.packet().send_message(&goodbye);
        let _ = self.flush();
        Ok(Offer { identification, kexinit })
    }

    fn identification(&mut self) -> Result<Identification, Error> {
        let mut reader = IdentReader::default();
        loop {
            let step = reader.read(self.decoder.buffered(), |_line| {})?;
            self.decoder.skip(step.used);
            match step.identification {
                Some(identification) => return Ok(identification),
                None => self.receive()?,
            }
        }
    }

    fn kexinit(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            let Some(packet) = self.decoder.decode()? else {
                self.receive()?;
                continue;
            };
            match packet.payload[0] {
                number::KEXINIT => {
                    KexInit::parse(&packet.payload).map_err(Error::KexInit)?;
                    return Ok(packet.payload.to_vec());
                }
                number::DISCONNECT => {
                    let said = Disconnect::parse(&packet.payload).map(|message| message.description);
                    let said = said.unwrap_or_default().escape_ascii().to_string();
                    return Err(Error::Disconnected(said));
                }
                number::IGNORE | number::DEBUG => {}
                other => return Err(Error::Unexpected(other)),
            }
        }
    }

    fn receive(&mut self) -> Result<(), Error> {
        self.stream.set_read_timeout(Some(self.clock.left()?))?;
        match self.stream.read(self.decoder.space()) {
            Ok(0) => Err(Error::Closed),
            Ok(n) => {
                self.decoder.filled(n);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.clock.tell(error)),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.stream.set_write_timeout(Some(self.clock.left()?))?;
        let bytes = std::mem::take(self.encoder.output());
        self.stream.write_all(&bytes).map_err(|error| self.clock.tell(error))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is not host, host:port or [address]:port");
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(malformed)?)),
            // More than one colon: an IPv6 address without brackets.
            None if text.matches(':').count() > 1 => (text, None),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(22), str::parse).map_err(|_| malformed())?;
        if host.is_empty() { Err(malformed()) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoAddress => f.write_str("the name has no address"),
            Self::Timeout(timeout) => write!(f, "no whole answer within {timeout:?}"),
            Self::Closed => f.write_str("the server closed the connection before its KEXINIT"),
            Self::Identification(error) => error.fmt(f),
            Self::Packet(error) => error.fmt(f),
            Self::KexInit(error) => write!(f, "KEXINIT: {error}"),
            Self::Unexpected(number) => write!(f, "message {number} came where KEXINIT was expected"),
            Self::Disconnected(said) => write!(f, "the server disconnected: {said:?}"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<IdentError> for Error {
    fn from(error: IdentError) -> Self {
        Self::Identification(error)
    }
}

impl From<PacketError> for Error {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let target = |host: &str, port| Ok(Target { host: host.to_owned(), port });
        assert_eq!("example.com".parse(), target("example.com", 22));
        assert_eq!("example.com:2222".parse(), target("example.com", 2222));
        assert_eq!("::1".parse(), target("::1", 22));
        assert_eq!("[::1]".parse(), target("::1", 22));
        assert_eq!("[::1]:2222".parse(), target("::1", 2222));
        for malformed in ["", ":22", "host:", "host:70000", "host:-1", "[::1]22", "[]"] {
            assert!(malformed.parse::<Target>().is_err(), "{malformed}");
        }
        for shown in ["example.com:22", "[::1]:2222"] {
            assert_eq!(shown.parse::<Target>().unwrap().to_string(), shown);
        }
    }
}
