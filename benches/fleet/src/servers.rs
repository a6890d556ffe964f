//! The servers, in a process of their own.

use crate::{ALLOCATOR, Outcome, new_runtime, raise_descriptors};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use ssh_client::{Config, Credential, host_key::Expect};
use ssh_server::{
    Fixed, KeyKind, KeyPair, Limits, PrivateKey, PublicKey, Server,
    tokio::{Sessions, Start, serve},
};
use ssh_wire::message::connection::ExitStatus;
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpListener;

const USER: &str = "bench";

/// The process with the servers. It ends when this is dropped.
pub(crate) struct Servers {
    child: Child,
    /// Its end tells the child to end.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) config: Config,
}

impl Servers {
    /// Starts servers on so many addresses, in a process that may open so many files if that is told.
    pub(crate) fn start(addresses: u16, descriptors: Option<u64>) -> Outcome<Self> {
        let provider = ssh_client::default_provider();
        let key = PrivateKey::generate(KeyKind::Ed25519, provider.random)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg(addresses.to_string())
            .args(descriptors.map(|limit| limit.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("no pipe")?;
        writeln!(stdin, "{}", key.public_key().to_line(USER))?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let (host_key, _) = PublicKey::from_line(&line(&mut stdout)?)?;
        let addresses =
            (0..addresses).map(|_| Ok(line(&mut stdout)?.parse()?)).collect::<Outcome<Vec<SocketAddr>>>()?;
        let credential = Credential::key(&key, &provider)?;
        let config = Config::new(USER).host_key(Expect(host_key)).credential(credential);
        Ok(Self { child, stdin: Some(stdin), stdout, addresses, config })
    }

    /// Bytes that Rust code has allocated there.
    pub(crate) fn allocated(&mut self) -> Outcome<usize> {
        writeln!(self.stdin.as_mut().ok_or("no pipe")?)?;
        Ok(line(&mut self.stdout)?.parse()?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

fn line(from: &mut impl BufRead) -> Outcome<String> {
    Ok(from.lines().next().ok_or("the servers have ended")??)
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself.
        let _ = self.child.wait();
    }
}

/// What that process does.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let mut arguments = arguments.iter();
    let addresses: u16 = arguments.next().ok_or("on how many addresses?")?.parse()?;
    match arguments.next() {
        None => drop(raise_descriptors()?),
        Some(limit) => {
            let maximum = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: Some(limit.parse()?), maximum })?;
        }
    }
    let mut stdin = std::io::stdin().lock();
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let (user_key, _) = PublicKey::from_line(line.trim())?;
    let provider = ssh_client::default_provider();
    let host_key = PrivateKey::generate(KeyKind::Ed25519, provider.random)?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", host_key.public_key().to_line("host"))?;
    let host_key = Arc::new(KeyPair::new(&host_key, &provider)?);

    let runtime = new_runtime()?;
    let mut serving = Vec::new();
    for at in 0..addresses {
        let [high, low] = at.to_be_bytes();
        let address = Ipv4Addr::new(127, 1, high, low);
        let mut limits = Limits::default();
        (limits.sessions, limits.startups, limits.startups_per_source) = (100_000, 100_000, 100_000);
        limits.failure_delay = Duration::ZERO;
        let server = Server::builder()
            .host_key(host_key.clone())
            .auth(Fixed::new(USER).key(user_key.clone()))
            .sessions(NoOp)
            .limits(limits)
            .build()?;
        let _entered = runtime.enter();
        let listener = runtime.block_on(TcpListener::bind((address, 0)))?;
        let started = serve(&server, listener)?;
        writeln!(stdout, "{}", started.address())?;
        serving.push(started);
    }
    // Until the client is done or gone. A line asks for the memory.
    for line in stdin.lines() {
        line?;
        writeln!(stdout, "{}", ALLOCATOR.current_usage())?;
    }
    drop(serving);
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// Commands that do nothing, and succeed.
struct NoOp;

impl Sessions for NoOp {
    async fn start(&self, start: Start) {
        let channel = start.accept();
        // A client that is gone does not mind.
        let _ = channel.shutdown_write();
        let _ = channel.notify("exit-status", &ExitStatus { status: 0 });
    }
}
