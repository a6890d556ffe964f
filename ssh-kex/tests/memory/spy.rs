//! What the other process learns of a session's secrets.

use ssh_crypto::{
    Agreed, Hash, KexAlgorithm, KexError, KexMethod, RandomError, SecureRandom, SignError, Signer, Step,
};
use std::sync::{Arc, Mutex};
use testing::memory::Sought;

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What private keys are made of.
    random: Vec<Vec<u8>>,
    /// K of each exchange, encoded.
    secrets: Vec<Vec<u8>>,
    /// H of each exchange.
    hashes: Vec<Vec<u8>>,
}

/// Shared by all that spy.
pub(crate) type Notes = Arc<Mutex<Told>>;

impl Told {
    /// Secrets of the first exchanges, so many of them, and what is derived from them (RFC 4253 §7.2).
    pub(crate) fn add_to(&self, sought: &mut Sought, hash: Hash, exchanges: usize) {
        assert!(self.secrets.len() >= exchanges && self.hashes.len() == self.secrets.len());
        let session_id = &self.hashes[0];
        for (secret, exchange_hash) in self.secrets.iter().zip(&self.hashes).take(exchanges) {
            sought.add(secret);
            for letter in b'A'..=b'F' {
                let mut key = hash.digest(&[secret, exchange_hash, &[letter], session_id]).to_vec();
                while key.len() < MAX_KEY {
                    key.extend_from_slice(&hash.digest(&[secret, exchange_hash, &key]));
                }
                sought.add(&key);
                // RFC 2104 §2.
                for pad in [0x36, 0x5c] {
                    sought.add(&key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>());
                }
            }
        }
        let random = self.random.len() * exchanges / self.secrets.len();
        self.random[..random].iter().for_each(|bytes| sought.add(bytes));
    }
}

/// Bytes of the longest key.
const MAX_KEY: usize = 64;

/// A key exchange method that tells its secrets.
#[derive(Debug)]
pub(crate) struct SpiedMethod {
    pub(crate) method: &'static dyn KexAlgorithm,
    pub(crate) notes: Notes,
}

impl SpiedMethod {
    fn random(&self, random: &'static dyn SecureRandom) -> &'static dyn SecureRandom {
        Box::leak(Box::new(SpiedRandom { random, notes: self.notes.clone() }))
    }
}

impl KexAlgorithm for SpiedMethod {
    fn name(&self) -> &'static str {
        self.method.name()
    }

    fn hash(&self) -> Hash {
        self.method.hash()
    }

    fn client(&self, random: &'static dyn SecureRandom) -> Result<(Box<dyn KexMethod>, Vec<u8>), KexError> {
        let (method, message) = self.method.client(self.random(random))?;
        Ok((Box::new(SpiedClient { method, notes: self.notes.clone() }), message))
    }

    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError> {
        self.method.server(self.random(random))
    }
}

struct SpiedClient {
    method: Box<dyn KexMethod>,
    notes: Notes,
}

impl KexMethod for SpiedClient {
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError> {
        let step = self.method.handle(payload)?;
        if let Step::Agreed(Agreed { secret, .. }) = &step {
            self.notes.lock().unwrap().secrets.push(secret.to_vec());
        }
        Ok(step)
    }
}

#[derive(Debug)]
struct SpiedRandom {
    random: &'static dyn SecureRandom,
    notes: Notes,
}

impl SecureRandom for SpiedRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.random.fill(bytes)?;
        self.notes.lock().unwrap().random.push(bytes.to_vec());
        Ok(())
    }
}

/// A host key that tells what it signs: the exchange hash.
pub(crate) struct SpiedKey {
    pub(crate) key: Arc<dyn Signer>,
    pub(crate) notes: Notes,
}

impl Signer for SpiedKey {
    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.key.algorithms()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.notes.lock().unwrap().hashes.push(message.to_vec());
        self.key.sign(algorithm, message)
    }
}
