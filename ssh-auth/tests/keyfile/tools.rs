//! `ssh-keygen`, `openssl` and `puttygen`, run in a temporary directory.

use ssh_auth::keyfile::PrivateKeyFile;
use ssh_crypto::{KeyPair, PrivateKey, Provider, PublicKey, Signer, default_provider};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;

/// A temporary directory to run tools in.
pub(crate) struct Workshop {
    directory: TempDir,
}

impl Workshop {
    /// `None`, with a message that names the test, if one of `tools` is not installed; a failure if
    /// `SSH_INTEROP=required`.
    pub(crate) fn with(test: &str, tools: &[&str]) -> Option<Self> {
        for tool in tools {
            // Every tool answers an unknown option by failing, and only a missing one can't be started.
            let started = Command::new(tool)
                .arg("--version")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if started.is_err() {
                testing::skip(test, &format!("there is no {tool}"));
                return None;
            }
        }
        Some(Self { directory: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Writes a file as private as the tools ask for.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        use std::{io::Write, os::unix::fs::OpenOptionsExt};
        let path = self.path(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Runs a tool in the directory; it must succeed. Returns its standard output.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> Vec<u8> {
        self.attempt(tool, arguments).unwrap_or_else(|error| panic!("{tool} {arguments:?}: {error}"))
    }

    /// Runs a tool in the directory. Returns its standard output, or what it complained about.
    pub(crate) fn attempt(&self, tool: &str, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let output = Command::new(tool)
            .args(arguments)
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env_remove("SSH_ASKPASS")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Makes a key of ssh-keygen's; returns the public key as it says it to be. `None` if it makes no such keys.
    pub(crate) fn generate(&self, name: &str, kind: &[&str], passphrase: &str) -> Option<PublicKey> {
        let mut arguments = vec!["-q", "-f", name, "-N", passphrase, "-C", COMMENT];
        arguments.extend(kind);
        match self.attempt("ssh-keygen", &arguments) {
            Ok(_) => Some(self.public(name)),
            // New versions make no DSA keys any more.
            Err(error) if kind.contains(&"dsa") => {
                eprintln!("ssh-keygen makes no DSA keys: {error}");
                None
            }
            Err(error) => panic!("ssh-keygen {arguments:?}: {error}"),
        }
    }

    /// Puts a key made by [`keys`] into a file, which ssh-keygen then writes anew with these options.
    pub(crate) fn rewrite(&self, name: &str, key: &Key, options: &[&str], passphrase: &str) -> Vec<u8> {
        self.write(name, &key.file);
        self.run("ssh-keygen", &[&["-q", "-p", "-P", "", "-N", passphrase, "-f", name], options].concat());
        self.read(name)
    }

    /// The public key beside a file, `name.pub`.
    pub(crate) fn public(&self, name: &str) -> PublicKey {
        let line = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        public(&line)
    }
}

/// A key as ssh-keygen made it.
pub(crate) struct Key {
    /// `rsa-1024`.
    pub(crate) kind: &'static str,
    /// In OpenSSH's format, not encrypted, with [`COMMENT`].
    pub(crate) file: Vec<u8>,
    pub(crate) public: PublicKey,
}

/// Keys of every type that ssh-keygen makes, of RSA in several sizes; made once.
pub(crate) fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let shop = Workshop::with("keys", &["ssh-keygen"]).unwrap();
        let kinds = [
            ("ed25519-256", "ed25519", "256"),
            ("ecdsa-256", "ecdsa", "256"),
            ("ecdsa-384", "ecdsa", "384"),
            ("ecdsa-521", "ecdsa", "521"),
            ("rsa-1024", "rsa", "1024"),
            ("rsa-2048", "rsa", "2048"),
            ("rsa-3072", "rsa", "3072"),
            ("rsa-4096", "rsa", "4096"),
            ("dsa-1024", "dsa", "1024"),
        ];
        let made = kinds.into_iter().filter_map(|(kind, key_type, bits)| {
            let public = shop.generate(kind, &["-t", key_type, "-b", bits], "")?;
            Some(Key { kind, file: shop.read(kind), public })
        });
        made.collect()
    })
}

pub(crate) const COMMENT: &str = "Zoë's key @ the office";
pub(crate) const PASSPHRASE: &str = "correct horse: Pferd, cheval, 馬";

/// The key of a line `ssh-ed25519 AAAA… comment`.
pub(crate) fn public(line: &str) -> PublicKey {
    use base64ct::{Base64, Encoding};
    let base64 = line.split(' ').nth(1).unwrap().trim();
    PublicKey::from_blob(&Base64::decode_vec(base64).unwrap()).unwrap()
}

/// The file is not encrypted and holds the private key of `public`, which can sign.
pub(crate) fn holds(bytes: &[u8], public: &PublicKey) -> PrivateKeyFile {
    let file = PrivateKeyFile::parse(bytes).unwrap();
    assert!(!file.is_encrypted());
    assert_eq!(file.public_key(), Some(public));
    signs(&file.decrypt(None).unwrap(), public);
    file
}

/// The file opens by the passphrase alone and holds the private key of `public`, which can sign.
pub(crate) fn hides(bytes: &[u8], public: &PublicKey, passphrase: &str) -> PrivateKeyFile {
    use ssh_auth::KeyFileErrorKind::{PassphraseNeeded, WrongPassphrase};
    let file = PrivateKeyFile::parse(bytes).unwrap();
    assert!(file.is_encrypted());
    assert!(file.public_key().is_none_or(|known| known == public));
    assert_eq!(file.decrypt(None).unwrap_err().kind(), PassphraseNeeded);
    for wrong in ["", "wrong", &passphrase[1..]] {
        assert_eq!(file.decrypt(Some(wrong.as_bytes())).unwrap_err().kind(), WrongPassphrase, "{wrong:?}");
    }
    signs(&file.decrypt(Some(passphrase.as_bytes())).unwrap(), public);
    file
}

/// The private key belongs to the public one: what it signs verifies, under every algorithm there is for it.
pub(crate) fn signs(key: &PrivateKey, public: &PublicKey) {
    assert_eq!(key.public_key(), *public);
    let provider: Provider = default_provider();
    let pair = KeyPair::with_legacy(key, &provider).unwrap();
    assert!(!pair.algorithms().is_empty());
    for algorithm in pair.algorithms() {
        let signature = pair.sign(algorithm, b"message").unwrap();
        provider.verify(algorithm, public, b"message", &signature).unwrap();
        assert!(provider.verify(algorithm, public, b"massage", &signature).is_err());
    }
}
