//! What stays in memory of a session's secrets that were used and dropped: nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "it is shared with tests that need all of it")]
#[path = "../engine/pair.rs"]
mod pair;
mod spy;

use pair::Pair;
use spy::{Notes, SpiedKey, SpiedMethod};
use ssh_crypto::{Hash, KeyKind, KeyPair, PrivateKey, Provider, Signer, rust_crypto};
use ssh_kex::Config;
use std::sync::{Arc, Mutex};
use testing::{
    Seeded,
    memory::{self, Subject},
};

#[test]
fn secrets_of_a_session_are_nowhere_in_memory() {
    let mut all = vec![];
    let methods = provider(false).kex;
    all.extend(methods.iter().map(|method| Names { method: method.name(), ..QUICK }));
    for portable in [false, true] {
        let Provider { ciphers, macs, .. } = provider(portable);
        all.extend(ciphers.iter().map(|cipher| Names { portable, cipher: cipher.name(), ..QUICK }));
        all.extend(macs.iter().map(|mac| Names { portable, mac: mac.name(), ..QUICK }));
    }
    all.iter_mut().zip(0..).for_each(|(names, at)| names.seed += 2 * at);
    let subjects: Vec<_> = all.into_iter().flat_map(|names| [dropped(names), renewed(names)]).collect();
    memory::check_nothing_is_left("secrets_of_a_session_are_nowhere_in_memory", &subjects);
}

/// Of these, the keys are kept as they are.
#[test]
fn secrets_of_a_session_that_goes_on_are_in_memory() {
    let methods = provider(false).kex;
    let names =
        methods.iter().map(|method| Names { method: method.name(), cipher: CHACHA20, seed: 1, ..QUICK });
    let subjects: Vec<_> = names.map(kept).collect();
    memory::check_something_is_left("secrets_of_a_session_that_goes_on_are_in_memory", &subjects);
}

/// What both sides name.
#[derive(Debug, Clone, Copy)]
struct Names {
    method: &'static str,
    cipher: &'static str,
    mac: &'static str,
    /// Whether ciphers and MACs are those without AWS-LC.
    portable: bool,
    /// Of the client's random bytes, and one less than the server's: what is secret with one method is padding with another.
    seed: u64,
}

const QUICK: Names = Names {
    method: "curve25519-sha256",
    cipher: "aes128-ctr",
    mac: "hmac-sha2-256-etm@openssh.com",
    portable: false,
    seed: 10,
};

const CHACHA20: &str = "chacha20-poly1305@openssh.com";

/// A session that goes on.
fn kept(names: Names) -> Subject {
    let kept = Mutex::new(None);
    let run = move || *kept.lock().unwrap() = Some(session(names, None));
    Subject::in_one(format!("{names:?}, kept"), run, move |sought| {
        let notes = Notes::default();
        session(names, Some(&notes));
        notes.lock().unwrap().add_to(sought, hash(names), 1);
    })
}

/// A session that is over.
fn dropped(names: Names) -> Subject {
    let run = move || drop(session(names, None));
    Subject::in_one(format!("{names:?}, dropped"), run, move |sought| {
        let notes = Notes::default();
        session(names, Some(&notes));
        notes.lock().unwrap().add_to(sought, hash(names), 1);
    })
}

/// A session that goes on under other keys.
fn renewed(names: Names) -> Subject {
    let kept = Mutex::new(None);
    let run = move || {
        let mut pair = session(names, None);
        renew(&mut pair);
        *kept.lock().unwrap() = Some(pair);
    };
    Subject::in_one(format!("{names:?}, renewed"), run, move |sought| {
        let notes = Notes::default();
        renew(&mut session(names, Some(&notes)));
        notes.lock().unwrap().add_to(sought, hash(names), 1);
    })
}

fn provider(portable: bool) -> Provider {
    ssh_kex::provider(if portable { rust_crypto::provider() } else { ssh_crypto::default_provider() })
}

fn hash(names: Names) -> Hash {
    provider(false).kex(names.method).unwrap().hash()
}

/// Both sides exchange keys and use them.
fn session(names: Names, notes: Option<&Notes>) -> Pair {
    let mut provider = provider(names.portable);
    let mut key: Arc<dyn Signer> = Arc::new(host_key(&provider));
    if let Some(notes) = notes {
        let (method, notes) = (provider.kex(names.method).unwrap(), notes.clone());
        key = Arc::new(SpiedKey { key, notes: notes.clone() });
        provider = provider.with_kex(Box::leak(Box::new(SpiedMethod { method, notes })));
    }
    let [client, server] = [names.seed, names.seed + 1].map(|seed| config(names, &provider, seed));
    let mut pair = Pair::with_keys(client, server, vec![key]);
    pair.authenticate();
    pair.assert_works();
    pair
}

fn host_key(provider: &Provider) -> KeyPair {
    KeyPair::new(&PrivateKey::generate(KeyKind::Ed25519, &Seeded::new(3)).unwrap(), provider).unwrap()
}

fn config(names: Names, provider: &Provider, seed: u64) -> Config {
    let random = Box::leak(Box::new(Seeded::new(seed)));
    let mut config = Config::new(Arc::new(Provider { random, ..provider.clone() }));
    let one = |name: &str| vec![name.to_owned()];
    config.algorithms.kex = one(names.method);
    [config.algorithms.cipher_c2s, config.algorithms.cipher_s2c] = [one(names.cipher), one(names.cipher)];
    [config.algorithms.mac_c2s, config.algorithms.mac_s2c] = [one(names.mac), one(names.mac)];
    config
}

fn renew(pair: &mut Pair) {
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.run();
    pair.assert_works();
}
