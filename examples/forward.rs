//! Forwards TCP connections, from here to there or from there to here.
//!
//! Whoever connects to port 8080 here talks with what the server reaches as `intranet` port 80 (`direct-tcpip`):
//!
//! ```text
//! cargo run -p examples --bin forward -- alice@example.com --local 8080:intranet:80
//! ```
//!
//! Whoever connects to port 9090 of the server talks with port 3000 here (`tcpip-forward`):
//!
//! ```text
//! cargo run -p examples --bin forward -- alice@example.com --remote 9090:127.0.0.1:3000
//! ```
//!
//! Port 0 lets the listening side choose. It runs until it is stopped.

use clap::Parser;
use examples::{Target, config, end};
use ssh_client::blocking::{Channel, Session};
use std::{
    error::Error,
    io::{self, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::ExitCode,
    str::FromStr,
    thread,
    time::Duration,
};

/// Forwards connections through another machine.
#[derive(Parser)]
struct Args {
    /// Where: user@host or user@host:port
    target: Target,
    #[command(flatten)]
    forward: Direction,
}

#[derive(clap::Args)]
#[group(required = true)]
struct Direction {
    /// Listens here, connects there
    #[arg(long, value_name = "PORT:HOST:PORT")]
    local: Option<Route>,
    /// Listens there, connects here
    #[arg(long, value_name = "PORT:HOST:PORT", conflicts_with = "local")]
    remote: Option<Route>,
}

fn main() -> ExitCode {
    end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    // A server that has gone away without a word is noticed within a minute.
    let config = config(&args.target.user)?.keepalive(Duration::from_secs(20), 3);
    let session = Session::connect(args.target.address(), &config)?;
    match (&args.forward.local, &args.forward.remote) {
        (Some(route), _) => listen_here(&session, route),
        (None, Some(route)) => listen_there(&session, route),
        (None, None) => Err("nothing to forward".into()),
    }
}

fn listen_here(session: &Session, route: &Route) -> Result<ExitCode, Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", route.listen))?;
    writeln!(io::stdout(), "listening on port {} here", listener.local_addr()?.port())?;
    loop {
        let (stream, from) = listener.accept()?;
        let originator = (from.ip().to_string(), from.port());
        match session.direct_tcpip(&route.host, route.port, (&originator.0, originator.1)) {
            Ok(channel) => {
                thread::spawn(move || join(&channel, &stream));
            }
            // The server could not connect; dropping the stream tells the one who asked.
            Err(error) if session.is_active() => writeln!(io::stderr(), "{from}: {error}")?,
            Err(error) => return Err(error.into()),
        }
    }
}

fn listen_there(session: &Session, route: &Route) -> Result<ExitCode, Box<dyn Error>> {
    // The server listens until this is dropped.
    let listener = session.forward("localhost", route.listen)?;
    writeln!(io::stdout(), "listening on port {} there", listener.port())?;
    loop {
        let forwarded = listener.accept(None)?;
        match TcpStream::connect((&*route.host, route.port)) {
            Ok(stream) => {
                thread::spawn(move || join(&forwarded.channel, &stream));
            }
            // Dropping the channel closes it.
            Err(error) => writeln!(io::stderr(), "{} port {}: {error}", route.host, route.port)?,
        }
    }
}

/// Copies in both directions, each to its end: one side may be done long before the other.
fn join(channel: &Channel, stream: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| {
            // An error here is the end of this direction, too, and the other side learns of it.
            let _ = io::copy(&mut &*stream, &mut &*channel);
            let _ = channel.shutdown_write();
        });
        let copied = io::copy(&mut &*channel, &mut &*stream);
        let ended = if copied.is_ok() { Shutdown::Write } else { Shutdown::Both };
        let _ = stream.shutdown(ended);
    });
}

/// `PORT:HOST:PORT`: where to listen, and where to connect.
#[derive(Debug, Clone)]
struct Route {
    listen: u16,
    host: String,
    port: u16,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (listen, rest) = text.split_once(':')?;
            let (host, port) = rest.rsplit_once(':')?;
            let host = host.trim_matches(['[', ']']);
            Some(Self { listen: listen.parse().ok()?, host: host.to_owned(), port: port.parse().ok()? })
        };
        parse().filter(|route| !route.host.is_empty()).ok_or(format!("{text:?} is not PORT:HOST:PORT"))
    }
}
