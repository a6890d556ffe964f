//! Security keys in software, and an agent that holds one: to a peer they look like hardware.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
};

use ssh_crypto::{Curve, Hash, KeyKind, KeyPair, PrivateKey, PublicKey, SignError, Signer, rust_crypto};
use ssh_wire::{Encode, Reader};
use tempfile::TempDir;

/// The application of the keys, as `ssh-keygen` names it.
const APPLICATION: &[u8] = b"ssh:";
/// Flags of a signature.
const TOUCHED: u8 = 1;
const VERIFIED: u8 = 4;

/// A key that signs as a FIDO security key does (OpenSSH's PROTOCOL.u2f).
pub struct SecurityKey {
    /// The key within, and the name by which it signs.
    key: KeyPair,
    inner: &'static str,
    public: PublicKey,
    blob: Vec<u8>,
    /// Whether it was touched, and has verified its user.
    flags: u8,
    counter: AtomicU32,
}

impl SecurityKey {
    /// A new `sk-ssh-ed25519@openssh.com`, which is touched whenever it signs.
    pub fn ed25519() -> Self {
        Self::generate(KeyKind::Ed25519)
    }

    /// A new `sk-ecdsa-sha2-nistp256@openssh.com`, which is touched whenever it signs.
    pub fn ecdsa() -> Self {
        Self::generate(KeyKind::Ecdsa(Curve::P256))
    }

    /// One of each type.
    pub fn both() -> [Self; 2] {
        [Self::ed25519(), Self::ecdsa()]
    }

    fn generate(kind: KeyKind) -> Self {
        let provider = rust_crypto::provider();
        let private = PrivateKey::generate(kind, provider.random).expect("a key");
        let application = APPLICATION.to_vec();
        let (inner, public) = match private.public_key() {
            PublicKey::Ed25519(key) => ("ssh-ed25519", PublicKey::SkEd25519 { key, application }),
            PublicKey::Ecdsa { point, .. } => {
                ("ecdsa-sha2-nistp256", PublicKey::SkEcdsa { point, application })
            }
            other => panic!("no security key is a {}", other.key_type()),
        };
        let key = KeyPair::new(&private, &provider).expect("a key that signs");
        Self { key, inner, blob: public.to_blob(), public, flags: TOUCHED, counter: AtomicU32::new(0) }
    }

    /// Signs without a touch from now on, and says so in its signatures.
    pub fn untouched(mut self) -> Self {
        self.flags &= !TOUCHED;
        self
    }

    /// Verifies its user whenever it signs from now on, as by a PIN.
    pub fn verified(mut self) -> Self {
        self.flags |= VERIFIED;
        self
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// As [`KeyPair::certify`](crate::KeyPair::certify), with this key as the authority: `ssh-keygen` has an agent sign.
    pub fn certify(self: &Arc<Self>, path: &Path, arguments: &[&str]) {
        let agent = SecurityKeyAgent::start(self.clone());
        let authority = agent.dir.path().join("authority.pub");
        std::fs::write(&authority, self.public.to_line("")).expect("the authority's public key");
        let output = Command::new("ssh-keygen")
            .args(["-q", "-I", "throw-away certificate", "-V", "+1h", "-U", "-s"])
            .arg(authority)
            .args(arguments)
            .arg(format!("{}.pub", path.display()))
            .env("SSH_AUTH_SOCK", agent.socket())
            .stdin(Stdio::null())
            .output()
            .expect("ssh-keygen of the package openssh-client");
        assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Signer for SecurityKey {
    fn public_key(&self) -> &[u8] {
        &self.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        vec![self.public.key_type()]
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if algorithm != self.public.key_type() {
            return Err(SignError::Unknown(algorithm.to_owned()));
        }
        let mut tail = vec![self.flags];
        (self.counter.fetch_add(1, Ordering::Relaxed) + 1).encode(&mut tail);
        let [application, message] = [APPLICATION, message].map(|part| Hash::Sha256.digest(&[part]));
        let plain = self.key.sign(self.inner, &[&application[..], &tail, &message].concat())?;
        let mut reader = Reader::new(&plain);
        reader.string().expect("the name of the algorithm");
        let mut blob = Vec::new();
        algorithm.encode(&mut blob);
        reader.string().expect("the signature").encode(&mut blob);
        blob.extend_from_slice(&tail);
        Ok(blob)
    }
}

/// An agent with one security key, which serves one client after the other on a socket of its own.
pub struct SecurityKeyAgent {
    dir: TempDir,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SecurityKeyAgent {
    /// Starts one that holds this key.
    pub fn start(key: Arc<SecurityKey>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(dir.path().join("agent")).expect("the agent's socket");
        let is_over = Arc::<AtomicBool>::default();
        let thread = {
            let is_over = is_over.clone();
            thread::spawn(move || {
                while let Ok((stream, _)) = listener.accept() {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let key = key.clone();
                    // Clients that keep their connection keep nobody else waiting.
                    thread::spawn(move || serve(stream, &key));
                }
            })
        };
        Self { dir, is_over, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("agent")
    }
}

impl Drop for SecurityKeyAgent {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let is_woken = UnixStream::connect(self.socket()).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_woken) {
            let _ = thread.join();
        }
    }
}

// draft-ietf-sshm-ssh-agent §3.
const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Answers until the client is gone.
fn serve(mut stream: UnixStream, key: &SecurityKey) {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).expect("a whole request");
        let mut reply = vec![0; 4];
        answer(&request, key, &mut reply);
        let length = u32::try_from(reply.len() - 4).expect("a short reply");
        reply[..4].copy_from_slice(&length.to_be_bytes());
        if stream.write_all(&reply).is_err() {
            return;
        }
    }
}

fn answer(request: &[u8], key: &SecurityKey, reply: &mut Vec<u8>) {
    let mut reader = Reader::new(request);
    match reader.read().expect("the type of a request") {
        REQUEST_IDENTITIES => {
            reply.push(IDENTITIES_ANSWER);
            1u32.encode(reply);
            key.blob.as_slice().encode(reply);
            "security key".encode(reply);
        }
        SIGN_REQUEST => {
            let asked = reader.string().expect("a key");
            // sshd names a certificate of the key, when it shows one.
            let is_own =
                asked == key.blob || PublicKey::from_certificate(asked).is_ok_and(|k| k == key.public);
            assert!(is_own, "another key is asked for");
            let data = reader.string().expect("what to sign");
            reply.push(SIGN_RESPONSE);
            key.sign(key.public.key_type(), data).expect("a signature").as_slice().encode(reply);
        }
        _ => reply.push(FAILURE),
    }
}
