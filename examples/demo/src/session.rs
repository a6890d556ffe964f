//! What runs on the server, joined to the standard streams here.

use crate::{
    escape::{Command, Escape},
    exit::{self, Failure, OWN_ERROR},
    forward,
    settings::{Session as Settings, Work},
    signals::Watch,
    terminal::{self, RawMode},
};
use log::{debug, info, warn};
use rustix::process::{Signal, getpid, kill_process};
use ssh_client::{
    Exit,
    blocking::{Channel, Session},
    session::modes,
    ssh_config::RequestTty,
    wire::{
        Encode,
        message::connection::{Env, Exec, PtyReq, Subsystem},
    },
};
use std::{
    env,
    fs::File,
    io::{self, Read, Write, stderr, stdin, stdout},
    os::fd::AsFd,
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

/// Runs what the settings ask for, to its end; the answer is this program's status.
pub(crate) fn run(session: &Session, settings: &Settings, watch: &Watch) -> Result<ExitCode, Failure> {
    match &settings.work {
        Work::Nothing => return wait_for_end(session),
        Work::Forward(target) => return forward::join_streams(session, target, settings.stdin_null),
        _ => {}
    }
    let channel = session.open_session()?;
    for (name, value) in &settings.env {
        // No answer is asked for: most servers refuse most names.
        channel.notify("env", &Env { name: name.as_bytes(), value: value.as_bytes() })?;
    }
    let on_terminal = start(session, &channel, settings)?;
    let raw = match on_terminal && terminal::is_stdin() {
        true => Some(RawMode::enter().map_err(|error| Failure::new(format!("terminal: {error}")))?),
        false => None,
    };
    if on_terminal {
        watch.follow(&channel);
    }
    let ended = join(&channel, settings, on_terminal);
    watch.unfollow();
    drop(raw);
    let exit = ended?;
    if let Some(Exit::Signal(signal)) = &exit
        && signal.name != "PIPE"
    {
        // That a pipe was closed too early is what `| head` does.
        info!("the command was ended by signal {}{}", signal.name, describe(&signal.message));
    }
    Ok(exit::code(exit.as_ref()))
}

fn describe(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// There is no end but the server's, the network's or a signal's.
fn wait_for_end(session: &Session) -> Result<ExitCode, Failure> {
    while session.is_active() {
        thread::sleep(Duration::from_millis(100));
    }
    // It tells why.
    session.ping()?;
    Ok(ExitCode::from(OWN_ERROR))
}

fn wants_terminal(settings: &Settings, stdin: bool) -> bool {
    let here = stdin && !settings.stdin_null;
    match settings.request_tty {
        RequestTty::No => false,
        RequestTty::Force => true,
        RequestTty::Yes if !here => {
            warn!("no terminal is asked for, as stdin is none");
            false
        }
        RequestTty::Yes => true,
        RequestTty::Auto => here && settings.work == Work::Shell,
    }
}

/// Sends all requests in one flight, and answers whether there is a terminal on the other side. A server that gives
/// none may still run a command.
fn start(session: &Session, channel: &Channel, settings: &Settings) -> Result<bool, Failure> {
    let mut requests = Vec::new();
    if let Some(path) = &settings.forwarded_agent {
        crate::agent::forward(session, path.clone())?;
        requests.push((crate::agent::REQUEST, Vec::new()));
    }
    if wants_terminal(settings, terminal::is_stdin()) {
        let modes = modes::of(stdin()).unwrap_or_default();
        let (term, modes) = (env::var("TERM").unwrap_or_default(), modes.to_bytes());
        let request = PtyReq { term: term.as_bytes(), size: terminal::size(), modes: &modes };
        requests.push(("pty-req", encoded(&request)));
    }
    match &settings.work {
        Work::Shell => requests.push(("shell", Vec::new())),
        Work::Command(command) => {
            requests.push(("exec", encoded(&Exec { command: command.as_bytes() })));
        }
        Work::Subsystem(name) => {
            requests.push(("subsystem", encoded(&Subsystem { name: name.as_bytes() })));
        }
        Work::Nothing | Work::Forward(_) => {}
    }
    let mut on_terminal = false;
    for ((name, _), granted) in requests.iter().zip(channel.request_all(&requests)?) {
        match (*name, granted) {
            ("pty-req", granted) => {
                on_terminal = granted;
                if !granted {
                    warn!("the server gives no terminal");
                }
            }
            (_, true) => {}
            (crate::agent::REQUEST, false) => warn!("the server refuses the forwarded agent"),
            (name, false) => {
                return Err(Failure::new(format!("the server refuses the request {name:?}")));
            }
        }
    }
    Ok(on_terminal)
}

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// Moves data until both streams of the server are at their end.
fn join(channel: &Channel, settings: &Settings, on_terminal: bool) -> Result<Option<Exit>, Failure> {
    let (ended, end) = mpsc::channel();
    let input = Input {
        channel: channel.clone(),
        escape: Escape::new(settings.escape.filter(|_| on_terminal)),
        ended: ended.clone(),
    };
    if settings.stdin_null {
        channel.shutdown_write()?;
    } else {
        // It may wait for a key when all is over: nobody waits for it.
        spawn("stdin", move || input.run())?;
    }
    let output = channel.clone();
    spawn("output", move || {
        let errors = {
            let output = output.clone();
            thread::Builder::new()
                .name("stderr".to_owned())
                .spawn(move || copy("stderr", output.stderr(), &stderr(), &output))
        };
        let out = copy("stdout", output.clone(), &stdout(), &output);
        let errors = match errors {
            Ok(thread) => thread.join().unwrap_or(Ok(())),
            Err(error) => Err(Failure::new(error.to_string())),
        };
        let exit = out.and(errors).and_then(|()| Ok(output.wait(None)?));
        // Nobody listens if the user has ended the session.
        let _ = ended.send(exit);
    })?;
    end.recv().unwrap_or_else(|_| Err(Failure::new("a thread ended too early")))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(|error| Failure::new(format!("thread {name}: {error}")))
}

/// Writes what the server sends to a stream here. When nobody reads it there any more, the server is told, and the
/// rest is dropped. Where it can't be written, because the disk is full, the command is left at once.
fn copy(name: &str, mut from: impl Read, to: &impl AsFd, channel: &Channel) -> Result<(), Failure> {
    let mut to =
        Some(File::from(to.as_fd().try_clone_to_owned().map_err(|error| Failure::new(error.to_string()))?));
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) => return Err(Failure::new(error.to_string())),
        };
        if let Some(file) = &mut to
            && let Err(error) = file.write_all(&buffer[..n])
        {
            if error.kind() != io::ErrorKind::BrokenPipe {
                channel.close();
                return Err(Failure::new(format!("{name}: {error}")));
            }
            debug!("{name} ends here: {error}");
            to = None;
            give_up_output(channel);
        }
    }
}

/// OpenSSH's servers then end the command's pipe; others only know a channel that is closed.
fn give_up_output(channel: &Channel) {
    let server = channel.connection().peer_identification();
    let is_openssh = server.is_some_and(|server| server.to_string().contains("OpenSSH"));
    if !is_openssh || channel.notify("eow@openssh.com", &[] as &[u8; 0]).is_err() {
        channel.close();
    }
}

/// What is typed or piped in here.
struct Input {
    channel: Channel,
    escape: Escape,
    ended: mpsc::Sender<Result<Option<Exit>, Failure>>,
}

impl Input {
    fn run(mut self) {
        let mut buffer = vec![0; BUFFER];
        loop {
            match stdin().lock().read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    if self.typed(&buffer[..n]).is_err() {
                        // The command reads no more, or the session is over: the reading side tells.
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    debug!("stdin: {error}");
                    break;
                }
            }
        }
        if let Err(error) = self.channel.shutdown_write() {
            debug!("end of stdin: {error}");
        }
    }

    fn typed(&mut self, typed: &[u8]) -> io::Result<()> {
        let mut rest = typed;
        let mut out = Vec::with_capacity(typed.len());
        loop {
            let found = self.escape.feed(rest, &mut out);
            (&self.channel).write_all(&out)?;
            out.clear();
            let Some((command, behind)) = found else { return Ok(()) };
            self.obey(command);
            rest = behind;
        }
    }

    fn obey(&self, command: Command) {
        let result = match command {
            Command::Disconnect => {
                // The other side has ended first if nobody listens.
                let _ = self.ended.send(Err(Failure::new("connection closed by the user")));
                Ok(())
            }
            Command::Break => self.channel.send_break(Duration::ZERO),
            Command::Rekey => self.channel.connection().rekey(),
            Command::Suspend => {
                suspend();
                Ok(())
            }
            Command::Help => {
                // Nobody is there to read it.
                let _ = write!(stderr(), "\r\n{}", self.escape.help());
                Ok(())
            }
        };
        if let Err(error) = result {
            warn!("{error}");
        }
    }
}

/// Stops until somebody brings this program to the foreground again.
fn suspend() {
    // Where the terminal does not obey there is none to give back.
    let _ = crossterm::terminal::disable_raw_mode();
    if let Err(error) = kill_process(getpid(), Signal::TSTP) {
        warn!("suspend: {error}");
    }
    let _ = crossterm::terminal::enable_raw_mode();
}

/// A good size for pipes, and for packets.
const BUFFER: usize = 64 << 10;
