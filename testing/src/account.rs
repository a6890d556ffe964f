//! A throw-away account with a password.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Names begin with it, followed by the process id of the test and a counter.
const PREFIX: &str = "sshtest-";

#[derive(Debug)]
pub(crate) struct Account {
    name: String,
    password: String,
}

/// Why there can be no account.
#[derive(Debug)]
pub(crate) enum Unavailable {
    NotRoot,
    NoTools,
}

impl Account {
    /// An account at home in `home`, which is not made.
    pub(crate) fn create(home: &Path) -> Result<Account, Unavailable> {
        if !rustix::process::geteuid().is_root() {
            return Err(Unavailable::NotRoot);
        }
        if run("useradd", &["--help"], "").is_none() || run("chpasswd", &["--help"], "").is_none() {
            return Err(Unavailable::NoTools);
        }
        remove_stale();
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let id = std::process::id();
        let name = format!("{PREFIX}{id}-{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let password = format!("pass {id} wörd");
        // From here on the account is removed again, whatever fails.
        let account = Account { name, password };
        let home = home.to_str().expect("a home directory in UTF-8");
        patiently("useradd", &["-M", "-N", "-d", home, "-s", "/bin/sh", &account.name], "");
        patiently("chpasswd", &[], &format!("{}:{}\n", account.name, account.password));
        Ok(account)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Whether sshd refuses the account unless PAM decides: a password field that begins with `!`. Only root can tell; for
/// others sshd cannot either.
pub(crate) fn is_locked(user: &str) -> bool {
    let Ok(shadow) = fs::read_to_string("/etc/shadow") else { return false };
    shadow.lines().any(|line| {
        let mut fields = line.split(':');
        fields.next() == Some(user) && fields.next().is_some_and(|password| password.starts_with('!'))
    })
}

/// Removes the accounts of test processes that were killed.
fn remove_stale() {
    let Ok(passwd) = fs::read_to_string("/etc/passwd") else { return };
    for name in passwd.lines().filter_map(|line| line.split(':').next()) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|id| fs::metadata(format!("/proc/{id}")).is_err()) {
            remove(name);
        }
    }
}

fn remove(name: &str) {
    for _ in 0..ATTEMPTS {
        // -f: even where a process of it has not quite ended. 6: there is no such account.
        match run("userdel", &["-f", name], "").map(|output| output.status.code()) {
            Some(Some(0 | 6)) | None => return,
            Some(_) => thread::sleep(PAUSE),
        }
    }
}

/// The files are locked while another test makes its account, and the tools do not wait for long.
fn patiently(program: &str, arguments: &[&str], input: &str) {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let output = run(program, arguments, input).expect("the tool was there a moment ago");
        if output.status.success() {
            return;
        }
        last = String::from_utf8_lossy(&output.stderr).into_owned();
        thread::sleep(PAUSE);
    }
    panic!("{program}: {last}");
}

const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// `None` if there is no such program.
fn run(program: &str, arguments: &[&str], input: &str) -> Option<Output> {
    // Debian's root has /usr/sbin in its PATH only after a login.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut child = Command::new("/usr/bin/env")
        .arg(program)
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().ok()?;
    // env(1): 127, the program cannot be found.
    (output.status.code() != Some(127)).then_some(output)
}
