//! SOCKS as a server speaks it: versions 4, 4a and 5 (RFC 1928), for connections alone and without authentication.

use super::relay::Socket;
use ssh_client::{blocking::Channel, ssh_config::Target};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

/// What a client asks for. It waits for an answer.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Request {
    pub(super) target: Target,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Four,
    Five,
}

/// A client whose silence has an end.
pub(super) trait Client: Read + Write {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;
}

impl Client for &Socket {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.set_read_timeout(timeout),
            Socket::Unix(stream) => stream.set_read_timeout(timeout),
        }
    }
}

impl Client for &Channel {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Channel::set_read_timeout(self, timeout);
        Ok(())
    }
}

impl Request {
    /// Reads what a client asks for, and not a byte more. One who asks for what is not there is told so.
    pub(super) fn read(client: &mut impl Client) -> io::Result<Self> {
        Self::read_within(client, PATIENCE)
    }

    fn read_within(client: &mut impl Client, patience: Duration) -> io::Result<Self> {
        let mut hurried = Hurried { client, deadline: Instant::now() + patience };
        let request = match hurried.byte()? {
            4 => hurried.version_4(),
            5 => hurried.version_5(),
            version => Err(invalid(format!("version {version} of SOCKS"))),
        }?;
        client.set_read_timeout(None)?;
        Ok(request)
    }

    /// Tells the client that what it sends from now on goes to where it asked.
    pub(super) fn grant(&self, client: &mut impl Write) -> io::Result<()> {
        client.write_all(&self.version.reply(true))
    }

    /// Tells the client that it can't.
    pub(super) fn refuse(&self, client: &mut impl Write) -> io::Result<()> {
        client.write_all(&self.version.reply(false))
    }
}

impl Version {
    /// Which address is connected from is known to the other side only: it is all zeros.
    fn reply(self, granted: bool) -> Vec<u8> {
        match (self, granted) {
            (Self::Four, true) => vec![0, 90, 0, 0, 0, 0, 0, 0],
            (Self::Four, false) => vec![0, 91, 0, 0, 0, 0, 0, 0],
            (Self::Five, true) => reply_5(0),
            (Self::Five, false) => reply_5(GENERAL_FAILURE),
        }
    }
}

fn reply_5(code: u8) -> Vec<u8> {
    vec![5, code, 0, ADDRESS_IPV4, 0, 0, 0, 0, 0, 0]
}

/// A client that must have asked by the deadline, however slowly it speaks.
struct Hurried<'a, C> {
    client: &'a mut C,
    deadline: Instant,
}

impl<C: Client> Hurried<'_, C> {
    /// Version 4 has addresses. In 4a, one that can't be stands for a name behind the user's.
    fn version_4(&mut self) -> io::Result<Request> {
        let [command, port @ .., a, b, c, d] = self.bytes::<7>()?;
        self.text()?;
        let host = match [a, b, c, d] {
            [0, 0, 0, 1..=255] => self.text()?,
            ip => Ipv4Addr::from(ip).to_string().into_bytes(),
        };
        match target(host, u16::from_be_bytes(port)) {
            Some(target) if command == CONNECT => Ok(Request { target, version: Version::Four }),
            _ => self.fail(&Version::Four.reply(false), "no connection is asked for"),
        }
    }

    fn version_5(&mut self) -> io::Result<Request> {
        let mut methods = vec![0; self.byte()?.into()];
        self.fill(&mut methods)?;
        if !methods.contains(&NO_AUTHENTICATION) {
            return self.fail(&[5, NO_METHOD], "only authentication is offered");
        }
        self.client.write_all(&[5, NO_AUTHENTICATION])?;
        let [version, command, _, kind] = self.bytes::<4>()?;
        let host = match kind {
            ADDRESS_IPV4 => Ipv4Addr::from(self.bytes::<4>()?).to_string().into_bytes(),
            ADDRESS_IPV6 => Ipv6Addr::from(self.bytes::<16>()?).to_string().into_bytes(),
            ADDRESS_NAME => {
                let mut name = vec![0; self.byte()?.into()];
                self.fill(&mut name)?;
                name
            }
            _ => return self.fail(&reply_5(ADDRESS_NOT_SUPPORTED), "an address of an unknown kind"),
        };
        let port = u16::from_be_bytes(self.bytes::<2>()?);
        if version != 5 || command != CONNECT {
            return self.fail(&reply_5(COMMAND_NOT_SUPPORTED), "no connection is asked for");
        }
        match target(host, port) {
            Some(target) => Ok(Request { target, version: Version::Five }),
            None => self.fail(&reply_5(GENERAL_FAILURE), "neither a host nor a port"),
        }
    }

    fn fail<T>(&mut self, reply: &[u8], why: &str) -> io::Result<T> {
        self.client.write_all(reply)?;
        Err(invalid(why))
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.bytes().map(|[byte]| byte)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Up to a zero, byte by byte, for what is behind it may be data already.
    fn text(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                0 => return Ok(text),
                _ if text.len() == MAX_TEXT => return Err(invalid("a name without an end")),
                byte => text.push(byte),
            }
        }
    }

    fn fill(&mut self, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.client.set_read_timeout(Some(left))?;
            match self.client.read(bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => bytes = &mut bytes[n..],
                // What a socket calls the end of its patience.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn target(host: Vec<u8>, port: u16) -> Option<Target> {
    let host = String::from_utf8(host).ok().filter(|host| !host.is_empty())?;
    (port != 0 && !host.contains(char::is_control)).then_some(Target::Port { host, port })
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.into())
}

/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(30);

/// As long as names in version 5 can be.
const MAX_TEXT: usize = 255;

const CONNECT: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const NO_METHOD: u8 = 0xff;
const ADDRESS_IPV4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_IPV6: u8 = 4;
const GENERAL_FAILURE: u8 = 1;
const COMMAND_NOT_SUPPORTED: u8 = 7;
const ADDRESS_NOT_SUPPORTED: u8 = 8;

#[cfg(test)]
mod tests;
