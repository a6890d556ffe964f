//! A real OpenSSH server of the test's own.

mod config;
mod machine;

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::account::{self, Account};
use crate::keys::{KeyKind, KeyPair};
use crate::newer;
use crate::process::{Process, Progress, StartError};
use crate::server::{Server, current_user, free_port, set_mode, temporary, user_key_path, write_host_keys};
use crate::skip::{say, skip};
use config::Config;

/// An OpenSSH server on 127.0.0.1, run by whatever user runs the test, with keys, configuration and directories that
/// nobody else uses. It is stopped, with every session it still has, when the value is dropped; where the test process
/// dies without dropping it (or keeps it in a `static`), it stops by itself. A panicking test prints the server's log.
///
/// It accepts the [`user`](Sshd::user) with any of the keys of [`user_key_path`](Sshd::user_key_path), and nothing
/// else unless the configuration says so.
#[derive(Debug)]
pub struct Sshd {
    // Fields are dropped in this order: the server before the account it runs sessions of, the directory last.
    process: Process,
    account: Option<Account>,
    user: String,
    port: u16,
    authorized_keys: Mutex<()>,
    dir: TempDir,
}

impl Sshd {
    /// A server with the default configuration; or `None` where no sshd is found, after [`skip`] has said so in the
    /// name of `test`.
    ///
    /// # Panics
    ///
    /// If an sshd is found and does not start, with its log.
    pub fn start_or_skip(test: &str) -> Option<Sshd> {
        Sshd::builder().start_or_skip(test)
    }

    /// A server whose configuration the test adds to.
    pub fn builder() -> SshdBuilder {
        SshdBuilder::default()
    }

    /// The binary: the path in `$SSHD`, else the usual places, else `sshd` in the `PATH`.
    pub fn find() -> Option<PathBuf> {
        if let Some(path) = std::env::var_os("SSHD") {
            return Some(PathBuf::from(path)).filter(|path| path.is_file());
        }
        let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/ssh"].map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        usual
            .into_iter()
            .chain(std::env::split_paths(&path))
            .map(|dir| dir.join("sshd"))
            // sshd starts itself anew for each connection and refuses to do so by a relative path.
            .find(|path| path.is_absolute() && path.is_file())
    }

    /// The sshd of a newer Debian, if `testing/servers/unpack-newer` has put it into `target`.
    ///
    /// # Errors
    ///
    /// How to get it.
    pub fn find_newer() -> Result<PathBuf, String> {
        newer::find("sshd").ok_or_else(|| newer::MISSING.to_owned())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address the server listens on.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The account to log in to: the user who runs the test, or the throw-away account of
    /// [`SshdBuilder::password_user`].
    pub fn user(&self) -> &str {
        self.account.as_ref().map_or(&self.user, Account::name)
    }

    /// The password of the throw-away account, if there is one.
    pub fn password(&self) -> Option<&str> {
        self.account.as_ref().map(Account::password)
    }

    /// A host key of the server, one of the kinds it was started with (all by default).
    pub fn host_key(&self, kind: KeyKind) -> &'static KeyPair {
        KeyPair::host(kind)
    }

    /// The path of a private key that the server accepts for [`user`](Sshd::user); made and authorized at the first
    /// call. The public key stands beside it (`.pub`).
    pub fn user_key_path(&self, kind: KeyKind) -> PathBuf {
        let path = user_key_path(self.dir.path(), kind);
        let _guard = self.authorized_keys.lock().expect("a test failed while it made a key");
        if !path.exists() {
            let key = KeyPair::user(kind);
            key.write(&path);
            self.append_authorized(key.public_line());
        }
        path
    }

    /// Adds a line to the server's authorized_keys: a public key, with options before it if the test likes.
    pub fn authorize(&self, line: &str) {
        let _guard = self.authorized_keys.lock().expect("a test failed while it made a key");
        self.append_authorized(line);
    }

    /// The lines of a known_hosts file that fit this server: one for each host key, for `[127.0.0.1]:port`.
    pub fn known_hosts(&self, kinds: &[KeyKind]) -> String {
        kinds.iter().map(|kind| self.known_hosts_line(*kind) + "\n").collect()
    }

    /// The line of a known_hosts file for one host key of this server, without the newline.
    pub fn known_hosts_line(&self, kind: KeyKind) -> String {
        format!("[127.0.0.1]:{} {} {}", self.port, kind.name(), self.host_key(kind).public_base64())
    }

    /// A directory that lives as long as the server, for files of the test's own.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id of the listening server.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the server has logged so far, at `LogLevel VERBOSE` unless the configuration says otherwise.
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn append_authorized(&self, line: &str) {
        use std::io::Write;
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(self.dir.path().join("authorized_keys"))
            .expect("authorized_keys");
        writeln!(file, "{line}").expect("authorized_keys");
    }
}

impl Server for Sshd {
    fn port(&self) -> u16 {
        self.port()
    }

    fn user(&self) -> &str {
        self.user()
    }

    fn password(&self) -> Option<&str> {
        self.password()
    }

    fn user_key_path(&self, kind: KeyKind) -> PathBuf {
        self.user_key_path(kind)
    }

    fn dir(&self) -> &Path {
        self.dir()
    }

    fn log(&self) -> String {
        self.log()
    }
}

/// What a server is to be like before it is started.
#[derive(Debug, Default)]
pub struct SshdBuilder {
    binary: Option<PathBuf>,
    config: Config,
    host_keys: Option<Vec<KeyKind>>,
    password_user: bool,
}

impl SshdBuilder {
    /// Adds lines in the words of sshd_config(5). They stand before the harness's own, and so win; from a `Match` line
    /// on they stand after them.
    pub fn config(mut self, lines: &str) -> Self {
        self.config.add(lines);
        self
    }

    /// Offers these kinds of host key only, instead of all.
    pub fn host_keys(mut self, kinds: &[KeyKind]) -> Self {
        self.host_keys = Some(kinds.to_vec());
        self
    }

    /// Uses this binary instead of the one that [`Sshd::find`] finds.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Makes a throw-away account with a password, lets it log in with that password too, and removes it when the
    /// server is dropped. Only root can: where the test runs as another user, [`start_or_skip`](Self::start_or_skip)
    /// skips it by name, even where nothing else may be skipped.
    pub fn password_user(mut self) -> Self {
        self.password_user = true;
        self
    }

    /// Starts the server; or `None` where the machine lacks what it needs, after the test's name was printed.
    ///
    /// # Panics
    ///
    /// If an sshd is found and does not start, with its log.
    pub fn start_or_skip(mut self, test: &str) -> Option<Sshd> {
        let Some(binary) = self.binary.take().or_else(Sshd::find) else {
            skip(test, "no sshd found");
            return None;
        };
        if !self.password_user {
            return Some(self.start(&binary, None));
        }
        match Account::create(Path::new("/")) {
            Ok(account) => Some(self.start(&binary, Some(account))),
            Err(account::Unavailable::NotRoot) => {
                say(test, "only root can make an account");
                None
            }
            Err(account::Unavailable::NoTools) => {
                skip(test, "no useradd and chpasswd found");
                None
            }
        }
    }

    fn start(self, binary: &Path, account: Option<Account>) -> Sshd {
        let dir = temporary("sshd-");
        fs::write(dir.path().join("authorized_keys"), "").expect("authorized_keys");
        if account.is_some() {
            // The account reads its authorized_keys itself.
            set_mode(dir.path(), 0o755);
            set_mode(&dir.path().join("authorized_keys"), 0o644);
        }
        let kinds = self.host_keys.unwrap_or_else(|| KeyKind::ALL.to_vec());
        let host_keys = write_host_keys(dir.path(), &kinds);
        machine::prepare();

        // A port that was free a moment ago may be taken by a test beside this one.
        for _ in 0..20 {
            let port = free_port();
            let text = self.config.render(&config::Facts {
                dir: dir.path(),
                port,
                host_keys: &host_keys,
                version: machine::version(binary),
                passwords: account.is_some(),
                parts: newer::parts_of(binary),
            });
            fs::write(dir.path().join("sshd_config"), text).expect("sshd_config");
            let file = dir.path().join("sshd_config");
            let command = ["-D", "-e", "-f"].map(OsStr::new);
            let command = [&[binary.as_os_str()], &command[..], &[file.as_os_str()]].concat();
            match Process::start(&command, dir.path(), |log| progress(log, port)) {
                Ok(process) => {
                    let user = current_user().to_owned();
                    return Sshd { process, account, user, port, authorized_keys: Mutex::new(()), dir };
                }
                Err(StartError::PortTaken) => {}
                Err(StartError::Failed(log)) => panic!("{} did not start:\n{log}", binary.display()),
            }
        }
        panic!("no free port on 127.0.0.1");
    }
}

fn progress(log: &str, port: u16) -> Progress {
    if log.contains(&format!("Server listening on 127.0.0.1 port {port}.")) {
        Progress::Ready
    } else if log.contains(": Address already in use") {
        Progress::PortTaken
    } else {
        Progress::Starting
    }
}
