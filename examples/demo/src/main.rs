//! The usual `ssh` command on this library: a shell or a command on another machine.
//!
//! | module | does |
//! | --- | --- |
//! | `args` | the command line |
//! | `settings` | command line and configuration files made into one whole |
//! | `local` | who runs the program, and where |
//! | `connect`, `hostkey`, `identity` | dialling, trusting the host, logging in |
//! | `jump` | the same over other hosts |
//! | `loopback` | a server in this process, to try it without another machine |
//! | `forward` | connections to ports and sockets, in both directions |
//! | `session`, `agent`, `escape` | the shell or command, joined to the terminal here |
//! | `prompt`, `terminal`, `signals`, `log`, `exit` | the user, the terminal, the system |

mod agent;
mod args;
mod connect;
mod escape;
mod exit;
mod forward;
mod hostkey;
mod identity;
mod jump;
mod local;
mod log;
mod loopback;
mod prompt;
mod session;
mod settings;
mod signals;
mod terminal;

use args::{Args, Destination};
use exit::{Failure, OWN_ERROR};
use local::Local;
use loopback::Loopback;
use prompt::Prompter;
use settings::Settings;
use signals::Watch;
use ssh_client::{blocking::Session, default_provider, ssh_config::LogLevel};
use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    let args = match Args::from_words(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(OWN_ERROR) } else { ExitCode::SUCCESS };
            // Help that nobody reads.
            let _ = error.print();
            return code;
        }
    };
    terminal::remember();
    run(&args).unwrap_or_else(|failure| {
        ::log::error!(target: log::FATAL, "{}: {failure}", env!("CARGO_PKG_NAME"));
        ExitCode::from(OWN_ERROR)
    })
}

fn run(args: &Args) -> Result<ExitCode, Failure> {
    let early = settings::early_log_level(args);
    if let Err(failure) = log::start(early.unwrap_or(LogLevel::Info), args.log_file.as_deref()) {
        log::start(LogLevel::Info, None)?;
        return Err(failure);
    }
    let watch = Watch::start().map_err(|error| Failure::new(format!("signals: {error}")))?;
    let local = Local::current()?;
    let destination = match &args.destination {
        // What files say of this machine is for its real server.
        _ if args.loopback => Destination { host: loopback::HOST.to_owned(), ..Destination::default() },
        Some(text) => {
            Destination::parse(text).ok_or_else(|| Failure::new(format!("{text:?} is no destination")))?
        }
        None => ask_destination(&local)?,
    };
    let provider = Arc::new(default_provider());
    let mut settings = settings::resolve(args, &destination, &local, &provider)?;
    log::set_level(settings.log_level.unwrap_or(LogLevel::Info));
    let server = match args.loopback {
        true => Some(Loopback::start(&settings.user, &provider)?),
        false => None,
    };
    let hops = jump::route(&settings, args, &local, &provider)?;
    if args.loopback && !hops.is_empty() {
        return Err(Failure::new("no way leads over other hosts to --loopback"));
    }
    let jumps = jump::travel(&hops, &provider)?;
    let (session, contradicted) = match &server {
        Some(server) => (connect::connect_to_loopback(&settings, &provider, server)?, false),
        None => connect::connect(&settings, &provider, jumps.last())?,
    };
    if contradicted {
        distrust(&mut settings)?;
    }
    let code = serve(&session, &settings, &watch);
    session.close();
    jumps.iter().rev().for_each(Session::close);
    code
}

/// A host whose key contradicts what is known gets neither the agent nor connections.
fn distrust(settings: &mut Settings) -> Result<(), Failure> {
    if settings.session.forwarded_agent.take().is_some() {
        ::log::warn!("the agent is not forwarded to a host whose key contradicts what is known");
    }
    let forwards = &mut settings.forwards;
    if forwards.local.is_empty() && forwards.remote.is_empty() {
        return Ok(());
    }
    let text = "nothing is forwarded by a host whose key contradicts what is known";
    if forwards.required {
        return Err(Failure::new(text));
    }
    ::log::warn!("{text}");
    (forwards.local, forwards.remote) = (Vec::new(), Vec::new());
    Ok(())
}

/// The session, and what is forwarded beside it: connections that are open are waited for.
fn serve(session: &Session, settings: &Settings, watch: &Watch) -> Result<ExitCode, Failure> {
    let forwarded = forward::start(session, &settings.forwards)?;
    let code = session::run(session, &settings.session, watch)?;
    if forwarded.any() {
        ::log::debug!("waiting for forwarded connections to end");
        forwarded.wait();
    }
    Ok(code)
}

fn ask_destination(local: &Local) -> Result<Destination, Failure> {
    let prompter = Prompter::new(false);
    let text = prompter.required("Host: ")?;
    let text = text.trim();
    let mut destination =
        Destination::parse(text).ok_or_else(|| Failure::new(format!("{text:?} is no destination")))?;
    if destination.user.is_none() {
        let user = prompter.required(&format!("User (empty for {}): ", local.user))?;
        destination.user = Some(user.trim().to_owned()).filter(|user| !user.is_empty());
    }
    Ok(destination)
}
