//! The server's process: started in the foreground, watched, and stopped with all it has started.

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

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    watcher: Option<ChildStdin>,
    log: PathBuf,
}

#[derive(Debug)]
pub(super) enum StartError {
    PortTaken,
    /// With the log.
    Failed(String),
}

impl Process {
    /// Starts `binary` with `dir/sshd_config` and waits until it says that it listens.
    pub(super) fn start(
        binary: &Path,
        dir: &Path,
        port: u16,
        patience: Duration,
    ) -> Result<Process, StartError> {
        let log = dir.join("log");
        let output = fs::File::create(&log).expect("the log");
        let mut child = Command::new("/bin/sh")
            .args(["-c", LAUNCH, "sh"])
            .arg(dir)
            .arg(binary)
            .args(["-D", "-e", "-f"])
            .arg(dir.join("sshd_config"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("the log"))
            .stderr(output)
            .spawn()
            .expect("/bin/sh");
        let watcher = child.stdin.take();
        let mut process = Process { child, watcher, log };

        // The log tells that this very process listens; a connection would only tell that somebody does, and would
        // leave its trace.
        let deadline = Instant::now() + patience;
        loop {
            let log = process.log();
            if log.contains(&format!("Server listening on 127.0.0.1 port {port}.")) {
                return Ok(process);
            }
            let ended = process.child.try_wait().expect("the server is our child").is_some();
            if ended || Instant::now() > deadline {
                let log = process.log();
                return Err(if log.contains(": Address already in use") {
                    StartError::PortTaken
                } else {
                    StartError::Failed(log)
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log(&self) -> String {
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
                "--- log of sshd, port file {}:\n{}---",
                self.log.display(),
                self.log()
            );
        }
    }
}

/// Creates what sshd expects of a machine where it was never started as a service.
pub(super) fn prepare_machine() {
    if rustix::process::geteuid().is_root() {
        // The directory for privilege separation; errors show in the log of sshd itself.
        let _ = fs::create_dir_all("/run/sshd");
    }
}

/// The version of OpenSSH, as in `OpenSSH_9.2p1`; (0, 0) where it cannot be told.
pub(super) fn version(binary: &Path) -> (u32, u32) {
    // Old servers do not know -V, and answer with their version and the usage.
    let Ok(output) = Command::new(binary).arg("-V").stdin(Stdio::null()).output() else { return (0, 0) };
    let text = String::from_utf8_lossy(&output.stderr);
    let Some((_, rest)) = text.split_once("OpenSSH_") else { return (0, 0) };
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
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
