//! The server's process: started in the foreground, watched, and stopped with all it has started.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Becomes the server, after leaving a watcher behind that ends it and removes its directory when the test process is
/// gone: at the end of file of the pipe that the test process holds. A line on the pipe dismisses the watcher; a signal
/// does not, for Ctrl-C goes to the whole process group.
const LAUNCH: &str = r#"dir=$1; shift; exec 3<&0
(trap '' HUP INT TERM; read -r _ <&3 || { kill "$$"; rm -rf -- "$dir"; }) &
exec "$@" </dev/null 3<&-"#;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    watcher: Option<ChildStdin>,
    log: PathBuf,
}

/// How far a server has come, as its log tells.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Progress {
    Starting,
    Ready,
    /// The port is somebody else's. A server that listens on more than one address goes on without.
    PortTaken,
}

#[derive(Debug)]
pub(crate) enum StartError {
    PortTaken,
    /// With the log.
    Failed(String),
}

impl Process {
    /// Starts a program with its arguments, its files and its log in `dir`, and waits until `progress` says that the log
    /// shows it ready. The log tells that this very process listens; a connection would only tell that somebody does,
    /// and would leave its trace.
    pub(crate) fn start(
        command: &[&OsStr],
        dir: &Path,
        progress: impl Fn(&str) -> Progress,
    ) -> Result<Process, StartError> {
        let log = dir.join("log");
        let output = fs::File::create(&log).expect("the log");
        let mut child = Command::new("/bin/sh")
            .args(["-c", LAUNCH, "sh"])
            .arg(dir)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("the log"))
            .stderr(output)
            .spawn()
            .expect("/bin/sh");
        let watcher = child.stdin.take();
        let mut process = Process { child, watcher, log };

        let deadline = Instant::now() + PATIENCE;
        loop {
            // First, so that the log is whole if it has ended.
            let ended = process.child.try_wait().expect("the server is our child").is_some();
            match progress(&process.log()) {
                Progress::Ready => return Ok(process),
                Progress::PortTaken if ended => return Err(StartError::PortTaken),
                Progress::PortTaken | Progress::Starting => {}
            }
            if ended || Instant::now() > deadline {
                return Err(StartError::Failed(process.log()));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            let _ = watcher.write_all(b"dismissed\n");
        }
        // Each session is a process group of its own, so the tree has to be walked; a stopped listener starts no more.
        if let Some(listener) = pid(self.child.id()) {
            let _ = kill_process(listener, Signal::STOP);
        }
        let sessions = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for session in sessions.into_iter().filter_map(pid) {
            let _ = kill_process(session, Signal::KILL);
        }
        if thread::panicking() {
            let _ = writeln!(
                std::io::stderr(),
                "--- log of the server, {}:\n{}---",
                self.log.display(),
                self.log()
            );
        }
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// All processes below `root`, by the parents that `/proc` names; none where there is no `/proc`.
fn descendants(root: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let parents: Vec<(u32, u32)> = processes
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            // "pid (name) state parent …", and the name may hold anything.
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}
