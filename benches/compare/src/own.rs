//! This library's own server, and TCP without SSH, to download from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::{fs, io, thread};

use ssh_server::blocking::{Sessions, Start};
use ssh_server::request::Program;
use ssh_server::{Exit, Fixed, KeyKind, KeyPair, PrivateKey, PublicKey, Server, default_provider};

use crate::job::{Answer, Job};
use crate::ours::{Outcome, cpu};

const BUFFER: usize = 256 << 10;

/// A process that serves downloads. It ends when this is dropped.
pub(crate) struct OwnServer {
    child: Child,
    /// Its end tells the process to end.
    stdin: Option<ChildStdin>,
    /// By SSH.
    pub(crate) ssh: SocketAddr,
    /// By TCP alone: it takes a number and sends as many bytes.
    pub(crate) tcp: SocketAddr,
}

impl OwnServer {
    /// `user` may in with the key that stands at `key`.
    pub(crate) fn start(user: &str, key: &Path) -> Outcome<OwnServer> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg(user)
            .arg(key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let (ssh, tcp) = line.trim().split_once(' ').ok_or("the server did not start")?;
        Ok(OwnServer { child, stdin, ssh: ssh.parse()?, tcp: tcp.parse()? })
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// The process of an [`OwnServer`].
pub(crate) fn serve(arguments: &[String]) -> Outcome<()> {
    let [user, key] = arguments else { return Err("wants a user and a key".into()) };
    let (key, _) = PublicKey::from_line(&fs::read_to_string(format!("{key}.pub"))?)?;
    let provider = default_provider();
    let host_key = PrivateKey::generate(KeyKind::Ed25519, provider.random)?;
    let server = Server::builder()
        .host_key(Arc::new(KeyPair::new(&host_key, &provider)?))
        .auth(Fixed::new(user).key(key))
        .sessions(Downloads)
        .build()?;
    let serving = server.serve(TcpListener::bind("127.0.0.1:0")?)?;
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{} {}", serving.address(), tcp.local_addr()?)?;
    thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            thread::spawn(move || serve_tcp(stream));
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    serving.stop();
    Ok(())
}

/// Serves what [`Job::source`] asks for.
struct Downloads;

impl Sessions for Downloads {
    fn start(&self, start: Start) {
        let Program::Command(command) = start.program() else { return };
        let Some(bytes) = amount(command) else { return };
        let mut channel = start.accept();
        // A client that goes away needs no answer.
        let _ = write_zeros(&mut channel, bytes)
            .and_then(|()| Ok(channel.shutdown_write()?))
            .and_then(|()| Ok(channel.send_exit(&Exit::Status(0))?));
    }
}

fn amount(command: &[u8]) -> Option<u64> {
    let command = std::str::from_utf8(command).ok()?;
    command.strip_prefix("head -c ")?.strip_suffix(" /dev/zero")?.parse().ok()
}

fn serve_tcp(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes)?;
    write_zeros(&mut stream, u64::from_be_bytes(bytes))
}

fn write_zeros(to: &mut impl Write, mut left: u64) -> io::Result<()> {
    let buffer = vec![0; BUFFER];
    while left > 0 {
        let n = left.min(BUFFER as u64);
        to.write_all(&buffer[..n as usize])?;
        left -= n;
    }
    Ok(())
}

/// Downloads by TCP alone.
pub(crate) fn run_tcp(job: &Job) -> Outcome<Answer> {
    let mut stream = TcpStream::connect(job.addr)?;
    stream.write_all(&job.amount.to_be_bytes())?;
    let (mut buffer, mut left) = (vec![0; BUFFER], job.amount);
    while left > 0 {
        match stream.read(&mut buffer)? {
            0 => return Err("the download ended early".into()),
            n => left -= n as u64,
        }
    }
    Ok(Answer { cpu: cpu()?, value: 0 })
}
