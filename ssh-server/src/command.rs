//! What runs commands.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use ssh_session::{
    Error,
    blocking::{Channel, ChannelRequest},
};
use ssh_wire::{Rest, message::connection};
use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

/// Runs commands. Each is run on a thread of its own; when [`Commands::run`] returns, its channel is closed.
pub trait Commands: Send + Sync + 'static {
    /// Runs what is asked for to its end, or refuses it by dropping `start`.
    fn run(&self, start: Start);
}

/// A command that a client wants to be run (`exec`, RFC 4254 §6.5). Dropping it refuses.
#[derive(Debug)]
pub struct Start {
    user: String,
    command: Vec<u8>,
    channel: Channel,
    request: ChannelRequest,
}

impl Start {
    /// Reads an `exec` request; a request of another kind, or one that can't be read, is refused.
    pub(crate) fn read(user: &str, channel: &Channel, request: ChannelRequest) -> Option<Self> {
        if request.name() != b"exec" {
            return None;
        }
        let exec: connection::Exec<'_> = Rest(request.data()).parse().ok()?;
        let command = exec.command.to_vec();
        Some(Self { user: user.to_owned(), command, channel: channel.clone(), request })
    }

    /// Who is authenticated.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The command, in the words of a shell.
    pub fn command(&self) -> &[u8] {
        &self.command
    }

    /// Tells the client that the command runs. The channel is its standard input, output and, by
    /// [`Channel::write_stderr`], error; signals come from [`Channel::next_request`].
    pub fn accept(self) -> Channel {
        self.request.reply(true);
        self.channel
    }
}

/// Runs commands by `/bin/sh -c`, as the user that this process runs as, whatever name the client has logged in by.
///
/// Each runs in a process group of its own, which gets the client's signals, and is killed when the client closes the
/// channel or goes away. Output is passed on to its end before the exit status is. The environment is `HOME`, `LANG`,
/// `LOGNAME`, `PATH`, `SHELL`, `TZ` and `USER` as this process has them, and nothing of the client's.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShellCommands;

/// Variables that commands inherit.
const INHERITED: [&str; 7] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER"];

impl Commands for ShellCommands {
    fn run(&self, start: Start) {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(OsStr::from_bytes(start.command()))
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Err(error) = run(command, start) {
            log::debug!("command: {error}");
        }
    }
}

/// The process group of a command, until its leader is reaped: from then on the number may be another's.
struct Group(Mutex<Option<Pid>>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = *self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && let Err(error) = kill_process_group(pid, signal)
        {
            log::debug!("signal to a command: {error}");
        }
    }

    /// Waits for the leader to end, and forgets the group before its number is free.
    fn wait(
        &self,
        pid: Option<Pid>,
        reap: impl FnOnce() -> io::Result<ExitStatus>,
    ) -> io::Result<ExitStatus> {
        if let Some(pid) = pid {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options))?;
        }
        let mut group = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *group = None;
        reap()
    }
}

fn run(mut command: Command, start: Start) -> io::Result<()> {
    // An error refuses: `start` is dropped.
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let group = &Group(Mutex::new(pid));
    let channel = &start.accept();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
        let started = spawn("ssh-signals").spawn_scoped(scope, || watch(channel, group)).and_then(|_| {
            spawn("ssh-stdin").spawn_scoped(scope, move || {
                // A command that reads no more is no error. Dropping the pipe is the end of its input.
                let _ = stdin.map(|mut stdin| io::copy(&mut &*channel, &mut stdin));
            })?;
            spawn("ssh-stderr")
                .spawn_scoped(scope, move || pass(stderr, |bytes| Ok(channel.write_stderr(bytes)?)))
        });
        match started {
            Ok(errors) => {
                pass(stdout, |bytes| (&*channel).write(bytes));
                // It ends with its stream; a panic there has been told.
                let _ = errors.join();
            }
            Err(_) => group.signal(Signal::KILL),
        }
        let status = group.wait(pid, || child.wait());
        let told = status.and_then(|status| Ok(finish(channel, status)?));
        // Ends the other threads, too.
        channel.close();
        told
    })
}

/// Passes the client's signals on, and kills the command when the client is done with the channel or gone.
fn watch(channel: &Channel, group: &Group) {
    while let Ok(Some(request)) = channel.next_request(None) {
        let signal = match request.name() {
            b"signal" => Rest(request.data())
                .parse()
                .ok()
                .and_then(|signal: connection::Signal<'_>| named(signal.name)),
            _ => None,
        };
        if let Some(signal) = signal {
            group.signal(signal);
        }
        request.reply(signal.is_some());
    }
    // Has no effect once the command has ended: then the group is forgotten.
    group.signal(Signal::KILL);
}

/// Copies until the end, or until the client takes no more.
fn pass(source: Option<impl Read>, mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
    let Some(mut source) = source else { return };
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let mut bytes: &[u8] = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => &buffer[..n],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        while !bytes.is_empty() {
            match write(bytes) {
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                // Dropping the pipe lets the command know.
                Err(_) => return,
            }
        }
    }
}

/// Tells the client how the command has ended, behind all of its output.
fn finish(channel: &Channel, status: ExitStatus) -> Result<(), Error> {
    channel.shutdown_write()?;
    match (status.code(), status.signal().and_then(name)) {
        (Some(code), _) => {
            channel.notify("exit-status", &connection::ExitStatus { status: code.cast_unsigned() })
        }
        (None, Some(name)) => channel.notify(
            "exit-signal",
            &connection::ExitSignal {
                name: name.as_bytes(),
                core_dumped: status.core_dumped(),
                message: b"",
                language: b"",
            },
        ),
        // A signal without a name in RFC 4254: as a shell tells it.
        (None, None) => {
            let status = 128 + status.signal().unwrap_or_default().cast_unsigned();
            channel.notify("exit-status", &connection::ExitStatus { status })
        }
    }
}

/// The signals of RFC 4254 §6.10.
const SIGNALS: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

fn named(name: &[u8]) -> Option<Signal> {
    SIGNALS.iter().find(|(known, _)| known.as_bytes() == name).map(|&(_, signal)| signal)
}

fn name(number: i32) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number).map(|&(name, _)| name)
}
