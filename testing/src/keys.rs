//! Throw-away keys, made by OpenSSH's own `ssh-keygen`.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::newer;

/// The kinds of key that the harness makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`.
    EcdsaP521,
    /// `ssh-rsa`, 3072 bits.
    Rsa,
    /// `ssh-dss`, which OpenSSH has up to 9.9.
    Dsa,
    /// `ssh-mldsa44-ed25519`, which OpenSSH has from 10.6 on; made by the newer one's `ssh-keygen`.
    MlDsa44Ed25519,
}

impl KeyKind {
    /// Every kind that all servers know.
    pub const ALL: [KeyKind; 5] =
        [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Rsa];

    /// How many kinds there are, [`KeyKind::ALL`] and the others.
    const COUNT: usize = KeyKind::MlDsa44Ed25519 as usize + 1;

    /// The name of the kind as it stands in a public key, RFC 4253 §6.6.
    pub fn name(self) -> &'static str {
        match self {
            KeyKind::Ed25519 => "ssh-ed25519",
            KeyKind::EcdsaP256 => "ecdsa-sha2-nistp256",
            KeyKind::EcdsaP384 => "ecdsa-sha2-nistp384",
            KeyKind::EcdsaP521 => "ecdsa-sha2-nistp521",
            KeyKind::Rsa => "ssh-rsa",
            KeyKind::Dsa => "ssh-dss",
            KeyKind::MlDsa44Ed25519 => "ssh-mldsa44-ed25519",
        }
    }

    pub(crate) fn file_name(self) -> &'static str {
        match self {
            KeyKind::Ed25519 => "ed25519",
            KeyKind::EcdsaP256 => "ecdsa256",
            KeyKind::EcdsaP384 => "ecdsa384",
            KeyKind::EcdsaP521 => "ecdsa521",
            KeyKind::Rsa => "rsa",
            KeyKind::Dsa => "dsa",
            KeyKind::MlDsa44Ed25519 => "mldsa44",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            KeyKind::Ed25519 => &["-t", "ed25519", "-b", "256"],
            KeyKind::EcdsaP256 => &["-t", "ecdsa", "-b", "256"],
            KeyKind::EcdsaP384 => &["-t", "ecdsa", "-b", "384"],
            KeyKind::EcdsaP521 => &["-t", "ecdsa", "-b", "521"],
            KeyKind::Rsa => &["-t", "rsa", "-b", "3072"],
            KeyKind::Dsa => &["-t", "dsa", "-b", "1024"],
            KeyKind::MlDsa44Ed25519 => &["-t", "mldsa44-ed25519"],
        }
    }
}

/// The machine's own `ssh-keygen`, or the newer one, which alone knows ML-DSA.
fn ssh_keygen(is_newer: bool) -> Command {
    if is_newer {
        Command::new(newer::find("ssh-keygen").expect(newer::MISSING))
    } else {
        Command::new("ssh-keygen")
    }
}

/// A key pair in the two texts that `ssh-keygen` writes.
#[derive(Clone, Debug)]
pub struct KeyPair {
    kind: KeyKind,
    private: Vec<u8>,
    public: String,
}

impl KeyPair {
    /// Makes a new key pair, the private half in OpenSSH's format without a passphrase.
    pub fn generate(kind: KeyKind) -> KeyPair {
        KeyPair::generate_with(kind, &["-N", ""])
    }

    /// Makes a new key pair with arguments of the test's choice for `ssh-keygen`, for example `-N passphrase`,
    /// `-m PEM`, `-m PKCS8`, `-Z aes256-ctr` or `-a 2`. They must contain `-N`.
    pub fn generate_with(kind: KeyKind, arguments: &[&str]) -> KeyPair {
        assert!(arguments.contains(&"-N"), "without -N ssh-keygen would ask for a passphrase");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        let output = ssh_keygen(kind == KeyKind::MlDsa44Ed25519)
            .args(["-q", "-C", "throw-away test key"])
            .args(kind.arguments())
            .args(arguments)
            .arg("-f")
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .expect("ssh-keygen of the package openssh-client");
        assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
        KeyPair {
            kind,
            private: fs::read(&path).expect("the private key"),
            public: fs::read_to_string(path.with_extension("pub"))
                .expect("the public key")
                .trim_end()
                .to_owned(),
        }
    }

    /// The kind of the key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The private key file.
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// The public key as a line: kind, base64, comment.
    pub fn public_line(&self) -> &str {
        &self.public
    }

    /// The base64 of the public key blob.
    pub fn public_base64(&self) -> &str {
        self.public.split(' ').nth(1).expect("a public key line has a second field")
    }

    /// Writes the private key to `path` and the public one beside it (`.pub`), with the permissions that OpenSSH asks
    /// for; gives the path of the private key back.
    pub fn write(&self, path: &Path) -> PathBuf {
        use std::io::Write;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .expect("the private key file");
        file.write_all(&self.private).expect("the private key file");
        let public = PathBuf::from(format!("{}.pub", path.display()));
        fs::write(&public, format!("{}\n", self.public)).expect("the public key file");
        fs::set_permissions(&public, fs::Permissions::from_mode(0o644)).expect("the public key file");
        path.to_owned()
    }

    /// The authority of this test process, for certificates of users and hosts.
    pub fn authority() -> &'static KeyPair {
        static KEY: OnceLock<KeyPair> = OnceLock::new();
        KEY.get_or_init(|| KeyPair::generate(KeyKind::Ed25519))
    }

    /// Signs the public key beside the private key at `path`, with more arguments for `ssh-keygen`: `-n` with a name, `-h` for
    /// a host. The certificate lies beside it, too (`-cert.pub`).
    pub fn certify(&self, path: &Path, arguments: &[&str]) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let subject = format!("{}.pub", path.display());
        let line = fs::read_to_string(&subject).expect("the public key");
        let newest = KeyKind::MlDsa44Ed25519;
        let output = ssh_keygen(self.kind == newest || line.starts_with(newest.name()))
            .args(["-q", "-I", "throw-away certificate", "-V", "+1h", "-s"])
            .arg(self.write(&dir.path().join("authority")))
            .args(arguments)
            .arg(subject)
            .stdin(Stdio::null())
            .output()
            .expect("ssh-keygen of the package openssh-client");
        assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The host key of this test process: one per kind, made at its first use, for RSA keys take a second to find.
    pub(crate) fn host(kind: KeyKind) -> &'static KeyPair {
        static KEYS: [OnceLock<KeyPair>; KeyKind::COUNT] = [const { OnceLock::new() }; KeyKind::COUNT];
        KEYS[kind as usize].get_or_init(|| KeyPair::generate(kind))
    }

    /// The user key of this test process, made likewise.
    pub(crate) fn user(kind: KeyKind) -> &'static KeyPair {
        static KEYS: [OnceLock<KeyPair>; KeyKind::COUNT] = [const { OnceLock::new() }; KeyKind::COUNT];
        KEYS[kind as usize].get_or_init(|| KeyPair::generate(kind))
    }
}
