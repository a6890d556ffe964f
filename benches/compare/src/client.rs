//! The clients that are compared, and how each is run.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::job::{Answer, Job, SINK, Work, median};

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// This library's blocking API, in a process of this program.
    Ours,
    /// Its API for tasks, likewise.
    OursTokio,
    /// TCP without SSH, as a bound: it knows the server of [`own`](crate::own) alone.
    Tcp,
    /// OpenSSH's command.
    OpenSsh { program: PathBuf },
    /// A client of the program `peers`, which is built on its own.
    Peer { name: &'static str, program: PathBuf },
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// From the start of the process to its end.
    pub(crate) wall: Duration,
    /// The CPU time of the process.
    pub(crate) cpu: Duration,
    /// What the work measured itself, in nanoseconds.
    pub(crate) value: Duration,
}

/// A run that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

impl Client {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Client::Ours => "ssh-client",
            Client::OursTokio => "ssh-client, tokio",
            Client::Tcp => "TCP alone",
            Client::OpenSsh { .. } => "OpenSSH",
            Client::Peer { name, .. } => name,
        }
    }

    /// Whether it is of this library.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Client::Ours | Client::OursTokio)
    }

    /// Whether it can do this work at all: OpenSSH's command has one channel per connection, and what a feature of this
    /// library costs is measured with this library.
    pub(crate) fn can(&self, work: Work) -> bool {
        match work {
            Work::Download => true,
            Work::Sequential | Work::Concurrent => !matches!(self, Client::OpenSsh { .. } | Client::Tcp),
            Work::DownloadWatched | Work::DownloadBeside => *self == Client::Ours,
            _ => *self != Client::Tcp,
        }
    }

    /// Does the job; an error tells what the client said.
    pub(crate) fn run(&self, job: &Job) -> Result<Run, String> {
        match (self, job.work) {
            (Client::OpenSsh { .. }, Work::Handshakes | Work::Reconnects) => self.open_ssh_handshakes(job),
            (Client::OpenSsh { .. }, Work::Echo) => self.open_ssh_echo(job),
            (Client::OpenSsh { .. }, _) => self.open_ssh(job),
            _ => {
                let start = Instant::now();
                let child = self.start(job)?;
                let output = finish(child)?;
                let wall = start.elapsed();
                let answer: Answer = output.text.trim().parse()?;
                let (cpu, value) = (Duration::from_nanos(answer.cpu), Duration::from_nanos(answer.value));
                Ok(Run { wall, cpu, value })
            }
        }
    }

    /// Starts the job and lets the caller end it.
    pub(crate) fn start(&self, job: &Job) -> Result<Child, String> {
        let mut command = match self {
            Client::OpenSsh { program } => {
                let mut command = ssh(program, job);
                command.arg(match job.work {
                    Work::Download => job.source(),
                    Work::Upload => SINK.to_owned(),
                    Work::Echo => "cat".to_owned(),
                    _ => "true".to_owned(),
                });
                command
            }
            Client::Ours | Client::OursTokio | Client::Tcp => {
                let mut command =
                    Command::new(std::env::current_exe().map_err(|error| format!("this program: {error}"))?);
                let work = match self {
                    Client::Ours => "work",
                    Client::OursTokio => "work-tokio",
                    _ => "work-tcp",
                };
                command.arg(work).args(job.to_arguments());
                command
            }
            Client::Peer { name, program } => {
                let mut command = Command::new(program);
                command.arg(name).args(job.to_arguments());
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if matches!(self, Client::OpenSsh { .. }) {
            command.stdout(Stdio::null());
            match job.work {
                Work::Upload => command.stdin(zeros(job)?),
                Work::Echo => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
                _ => &mut command,
            };
        }
        command.spawn().map_err(|error| format!("{}: {error}", self.name()))
    }
}

impl Client {
    fn open_ssh(&self, job: &Job) -> Result<Run, String> {
        let start = Instant::now();
        let child = self.start(job)?;
        let output = finish(child)?;
        Ok(Run { wall: start.elapsed(), cpu: output.cpu, value: Duration::ZERO })
    }

    fn open_ssh_handshakes(&self, job: &Job) -> Result<Run, String> {
        let (start, mut cpu, mut times) = (Instant::now(), Duration::ZERO, Vec::new());
        for _ in 0..job.amount {
            let run = self.open_ssh(job)?;
            cpu += run.cpu;
            times.push(u64::try_from(run.wall.as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(Run { wall: start.elapsed(), cpu, value: Duration::from_nanos(median(times)) })
    }

    fn open_ssh_echo(&self, job: &Job) -> Result<Run, String> {
        let start = Instant::now();
        let mut child = self.start(job)?;
        let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes to ssh".to_owned());
        };
        let mut times = Vec::new();
        for _ in 0..job.amount {
            let start = Instant::now();
            let echoed = stdin.write_all(b"x").and_then(|()| stdout.read_exact(&mut [0]));
            if let Err(error) = echoed {
                let _ = child.kill();
                return Err(format!("{error}: {:?}", finish(child).err()));
            }
            times.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        drop(stdin);
        let output = finish(child)?;
        Ok(Run { wall: start.elapsed(), cpu: output.cpu, value: Duration::from_nanos(median(times)) })
    }
}

fn ssh(program: &Path, job: &Job) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-F", "none", "-T", "-q", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-c", &job.cipher])
        .arg("-i")
        .arg(&job.key)
        .args(["-l", &job.user, "-p", &job.addr.port().to_string()]);
    if let Some(mac) = &job.mac {
        command.args(["-m", mac]);
    }
    command.arg("127.0.0.1");
    command
}

/// A file of zeros to upload. It is read once when it is made, so that its pages are in memory as the buffers of the
/// other clients are.
fn zeros(job: &Job) -> Result<File, String> {
    let path = job.key.with_extension(format!("zeros-{}", job.amount));
    let failed = |error| format!("{}: {error}", path.display());
    if !path.exists() {
        File::create(&path).and_then(|file| file.set_len(job.amount)).map_err(failed)?;
        File::open(&path).and_then(|mut file| io::copy(&mut file, &mut io::sink())).map_err(failed)?;
    }
    File::open(&path).map_err(failed)
}

struct Finished {
    text: String,
    /// Of a process with one thread.
    cpu: Duration,
}

/// Waits for the end; kills what takes too long.
fn finish(mut child: Child) -> Result<Finished, String> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    let (done, ended) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut text);
    }
    // Its accounts can be read between its end and the wait that clears them away.
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    let cpu = cpu_of(Path::new(&format!("/proc/{}", child.id())));
    drop(done);
    let _ = watch.join();
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(Finished { text, cpu });
    }
    Err(format!("{}: {}{text}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// The time of the main thread in nanoseconds, from the scheduler's own account.
fn cpu_of(process: &Path) -> Duration {
    let text = fs::read_to_string(process.join("schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default())
}
