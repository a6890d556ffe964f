//! Which host keys are known: the `known_hosts` files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//!
//! | form | example |
//! | --- | --- |
//! | names with commas between them | `host.example.com,10.0.0.1 ssh-ed25519 AAAA…` |
//! | another port than 22 | `[host.example.com]:2222 ssh-ed25519 AAAA…` |
//! | patterns, negated ones too | `*.example.com,!bad.example.com ssh-ed25519 AAAA…` |
//! | a name that can't be read back | `\|1\|salt\|HMAC-SHA1 ssh-ed25519 AAAA…` |
//! | a key that must never be accepted | `@revoked * ssh-rsa AAAA…` |
//! | a certificate authority's key | `@cert-authority *.example.com ssh-rsa AAAA…` |
//!
//! ```
//! use ssh_client::known_hosts::{KnownHosts, Lookup};
//!
//! # let key = [&[0, 0, 0, 11][..], b"ssh-ed25519", &[0, 0, 0, 32], &[7; 32]].concat();
//! # let text = ssh_client::known_hosts::format_line("host.example.com", 22, &key, true)?;
//! let known = KnownHosts::parse(&text);
//! assert!(matches!(known.lookup("HOST.example.com", 22, &key), Lookup::Match(_)));
//! assert!(matches!(known.lookup("other.example.com", 22, &key), Lookup::Unknown));
//! # Ok::<(), ssh_client::known_hosts::WriteError>(())
//! ```

mod names;
mod write;

pub use names::line_name;
pub use write::{WriteError, append, format_line};

use base64ct::{Base64, Base64Unpadded, Encoding};
use names::{Names, Target};
use ssh_crypto::{Hash, KeyError, PublicKey};
use ssh_wire::Reader;
use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The entries of `known_hosts` files, in order.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    warnings: Vec<Warning>,
}

/// One line that names hosts and a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    kind: Kind,
    names: Names,
    key_type: String,
    key: Vec<u8>,
    comment: String,
    place: Place,
    usable: bool,
}

/// What an [`Entry`] says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It is the hosts' own key.
    Host,
    /// `@cert-authority`: it signs the hosts' certificates; never a host key itself.
    CertAuthority,
    /// `@revoked`: it must not be accepted, neither as a host's key nor as an authority's.
    Revoked,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file; `None` for text that came from elsewhere.
    pub file: Option<Arc<Path>>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:{}", file.display(), self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A line that could not be understood; it counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// The answer to [`KnownHosts::lookup`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Lookup {
    /// The key is known for the host, by this entry.
    Match(Entry),
    /// Other keys are known for the host, of this type or another: it may be an attack.
    Mismatch {
        /// The keys that are known.
        known: Vec<Entry>,
    },
    /// No key is known for the host.
    Unknown,
    /// This entry revokes the key for the host.
    Revoked(Entry),
}

impl KnownHosts {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Self {
        let mut known = Self::default();
        known.add(text, None);
        known
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file can't be read, or is larger than 64 MiB.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut known = Self::default();
        known.add(&read_text(path)?, Some(path));
        Ok(known)
    }

    /// Reads several files, one behind the other; one that does not exist is as good as empty.
    ///
    /// # Errors
    /// A file exists and can't be read: it might hold `@revoked` lines, so it is not passed over.
    pub fn load_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let mut known = Self::default();
        for path in paths {
            let path = path.as_ref();
            match read_text(path) {
                Ok(text) => known.add(&text, Some(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(known)
    }

    fn add(&mut self, text: &str, path: Option<&Path>) {
        let file: Option<Arc<Path>> = path.map(Arc::from);
        for (index, line) in text.lines().enumerate() {
            let place = Place { file: file.clone(), line: index + 1 };
            match parse_line(line) {
                Ok(Some(entry)) => self.entries.push(Entry { place, ..entry }),
                Ok(None) => {}
                Err(problem) => self.warnings.push(Warning { place, problem }),
            }
        }
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The lines that could not be understood.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What is known about this host and this key, which is a blob (RFC 4253 §6.6).
    ///
    /// A port other than 22 is looked up as `[host]:port`, and where that name is not known, the host's name alone may
    /// still confirm the key, but not contradict it. A host key alias is a `host` with port 22.
    pub fn lookup(&self, host: &str, port: u16, key: &[u8]) -> Lookup {
        if let Some(entry) = self.revoked(host, port, key) {
            return Lookup::Revoked(entry.clone());
        }
        let target = Target::new(host, port);
        let known: Vec<&Entry> = self.host_keys(&target).collect();
        if let Some(entry) = known.iter().find(|entry| entry.key == key).copied() {
            return Lookup::Match(entry.clone());
        }
        if !known.is_empty() {
            return Lookup::Mismatch { known: known.into_iter().cloned().collect() };
        }
        let confirms = |target: Target| self.host_keys(&target).find(|entry| entry.key == key).cloned();
        target.portless().and_then(confirms).map_or(Lookup::Unknown, Lookup::Match)
    }

    /// The entry that revokes this key for the host, be it a host's key or an authority's.
    pub fn revoked(&self, host: &str, port: u16, key: &[u8]) -> Option<&Entry> {
        let target = Target::new(host, port);
        let portless = target.portless();
        self.entries.iter().find(|entry| {
            entry.kind == Kind::Revoked
                && entry.key == key
                && (entry.names.contains(&target)
                    || portless.as_ref().is_some_and(|target| entry.names.contains(target)))
        })
    }

    /// The types of the keys known for the host, each once, in order: who lets the server choose among these first is
    /// not asked about a key of another type.
    pub fn key_types(&self, host: &str, port: u16) -> Vec<String> {
        let target = Target::new(host, port);
        let mut types = self.types(&target);
        if types.is_empty() {
            types = target.portless().map_or_else(Vec::new, |target| self.types(&target));
        }
        types
    }

    fn types(&self, target: &Target) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        for entry in self.host_keys(target) {
            if !types.contains(&entry.key_type) {
                types.push(entry.key_type.clone());
            }
        }
        types
    }

    /// The certificate authorities trusted for the host, without those that are revoked for it.
    pub fn authorities(&self, host: &str, port: u16) -> Vec<&Entry> {
        let target = Target::new(host, port);
        let trusted = |entry: &&Entry| {
            entry.kind == Kind::CertAuthority
                && entry.names.contains(&target)
                && self.revoked(host, port, &entry.key).is_none()
        };
        self.entries.iter().filter(trusted).collect()
    }

    fn host_keys<'a>(&'a self, target: &Target) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.kind == Kind::Host && entry.usable && entry.names.contains(target))
    }
}

impl Entry {
    /// What the line says about the key.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The key's type, as the line names it: `ssh-ed25519`.
    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// The key's blob.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// `SHA256:…` of the key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// What stands behind the key.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Where the line stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the key's type is one that this library knows; an entry of another type is kept, but contradicts no
    /// other key of the host.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// Whether the line names the host.
    pub fn names(&self, host: &str, port: u16) -> bool {
        self.names.contains(&Target::new(host, port))
    }
}

/// The fingerprint of a key blob as `ssh-keygen -l` shows it: `SHA256:` and Base64 without padding.
pub fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", Base64Unpadded::encode_string(&Hash::Sha256.digest(&[key])))
}

/// The type a key blob begins with.
fn key_type(key: &[u8]) -> Option<&str> {
    let name = Reader::new(key).string().ok()?;
    std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()))
}

/// An entry without its place, or nothing for a blank line or a comment.
fn parse_line(line: &str) -> Result<Option<Entry>, &'static str> {
    let mut rest = line.trim();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(None);
    }
    let mut kind = Kind::Host;
    if rest.starts_with('@') {
        let (marker, behind) = word(rest);
        kind = match marker {
            "@cert-authority" => Kind::CertAuthority,
            "@revoked" => Kind::Revoked,
            _ => return Err("unknown marker"),
        };
        rest = behind;
    }
    let (names, rest) = word(rest);
    let (type_name, rest) = word(rest);
    let (base64, comment) = word(rest);
    if type_name.is_empty() {
        return Err("no key behind the names");
    }
    if type_name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a key of SSH protocol 1");
    }
    let names = Names::parse(names)?;
    let key = Base64::decode_vec(base64)
        .or_else(|_| Base64Unpadded::decode_vec(base64))
        .map_err(|_| "the key is not valid Base64")?;
    if key_type(&key) != Some(type_name) {
        return Err("the key is not of the type that stands before it");
    }
    let usable = match PublicKey::from_blob(&key) {
        Ok(_) => true,
        Err(KeyError::Unknown(_)) => false,
        Err(_) => return Err("the key is damaged"),
    };
    let place = Place { file: None, line: 0 };
    let (key_type, comment) = (type_name.to_owned(), comment.to_owned());
    Ok(Some(Entry { kind, names, key_type, key, comment, place, usable }))
}

/// The first word and what stands behind the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The file's text; bytes that are not UTF-8 can only spoil the names or the comment they stand in.
fn read_text(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

/// A file about host keys; the error names it.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let place = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(place)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(place(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 MiB")));
    }
    Ok(bytes)
}

/// Files beyond this size are refused: `known_hosts` may be any path, `/dev/zero` too.
const MAX_FILE: u64 = 64 << 20;

/// The default of `UserKnownHostsFile`, below the home directory.
pub fn user_files(home: &Path) -> Vec<PathBuf> {
    vec![home.join(".ssh/known_hosts"), home.join(".ssh/known_hosts2")]
}

/// The default of `GlobalKnownHostsFile`.
pub fn global_files() -> Vec<PathBuf> {
    vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()]
}

#[cfg(test)]
mod tests;
