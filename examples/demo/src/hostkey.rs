//! Whether the server is the right one: what the known hosts files say, and what the user says.

use crate::{log::clean, prompt::Prompter, settings::Trust};
use log::{info, warn};
use ssh_client::{
    host_key::{HostKey, HostKeyPolicy, HostKeyRefused, Known},
    known_hosts::{self, Entry, KnownHosts, Lookup},
    ssh_config::StrictHostKeyChecking as Strict,
};
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Accepts a host key as `StrictHostKeyChecking` has it.
pub(crate) struct Policy {
    trust: Trust,
    known: Known,
    prompter: Prompter,
    contradicted: Arc<AtomicBool>,
}

impl Policy {
    pub(crate) fn new(trust: Trust, prompter: Prompter) -> std::io::Result<Self> {
        let known = KnownHosts::load_all(trust.user_files.iter().chain(&trust.global_files))?;
        for warning in known.warnings() {
            warn!("{warning}");
        }
        Ok(Self { trust, known: Known(known), prompter, contradicted: Arc::default() })
    }

    /// Whether the policy has accepted a key that contradicts what is known. Then nothing secret may be told.
    pub(crate) fn contradicted(&self) -> Arc<AtomicBool> {
        self.contradicted.clone()
    }

    fn unknown(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        let refused = |why: &str| {
            let (name, shown) = (name(key), describe(key));
            Err(HostKeyRefused(format!(
                "no host key is known for {name}, and {why}; the server's is {shown}"
            )))
        };
        match self.trust.strict {
            Strict::Yes => return refused("StrictHostKeyChecking asks for a known one"),
            Strict::No | Strict::AcceptNew => {}
            Strict::Ask if !self.prompter.can_ask() => return refused("there is nobody to ask"),
            Strict::Ask => {
                if !self.ask(key) {
                    return refused("it was not accepted");
                }
            }
        }
        self.remember(key);
        Ok(())
    }

    fn ask(&self, key: &HostKey) -> bool {
        let fingerprint = key.fingerprint();
        let mut question = format!(
            "The host {} is not known yet.\nIts host key is {}.\nGo on with it (yes/no/fingerprint)? ",
            name(key),
            describe(key)
        );
        while let Some(answer) = self.prompter.line(&question) {
            match answer.trim() {
                "yes" => return true,
                "no" => return false,
                answer if answer == fingerprint => return true,
                _ => {
                    question = "Please answer yes or no, or with the fingerprint as you know it: ".to_owned();
                }
            }
        }
        false
    }

    /// A file that can't be written is no reason to stop.
    fn remember(&self, key: &HostKey) {
        let Some(file) = self.trust.user_files.first() else { return };
        match known_hosts::append(file, &key.host, key.port, &key.blob, self.trust.hashed) {
            Ok(()) => {
                info!("{} is now known by its {} key in {}", name(key), key.key.key_type(), file.display());
            }
            Err(error) => warn!("the host key is not written down: {error}"),
        }
    }

    fn mismatch(&self, key: &HostKey, known: &[Entry]) -> Result<(), HostKeyRefused> {
        let mut text = format!(
            "THE HOST KEY OF {} IS NOT THE ONE THAT IS KNOWN.\n\
             Somebody may be between you and the host, or the host has got a new key: ask who runs it.\n\
             Shown is {}.\nKnown are:",
            name(key),
            describe(key)
        );
        for entry in known {
            // Writing to a String can't fail.
            let _ = write!(text, "\n  {} {} in {}", entry.key_type(), entry.fingerprint(), entry.place());
        }
        if self.trust.strict != Strict::No {
            return Err(HostKeyRefused(text));
        }
        warn!("{text}\nStrictHostKeyChecking allows it; passwords are not sent.");
        self.contradicted.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl HostKeyPolicy for Policy {
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        if self.known.check_certificate(key)? {
            log::debug!("host key {} is certified by a trusted authority", describe(key));
            return Ok(());
        }
        match self.known.0.lookup(&key.host, key.port, &key.blob) {
            Lookup::Match(entry) => {
                log::debug!("host key {} is known by {}", describe(key), entry.place());
                Ok(())
            }
            Lookup::Revoked(entry) => Err(HostKeyRefused(format!(
                "the host key of {} is revoked by {}: {}",
                name(key),
                entry.place(),
                describe(key)
            ))),
            Lookup::Mismatch { known } => self.mismatch(key, &known),
            Lookup::Unknown => self.unknown(key),
        }
    }

    fn known_types(&self, host: &str, port: u16) -> Vec<String> {
        if self.trust.ordered {
            return Vec::new();
        }
        self.known.known_types(host, port)
    }

    fn trusts_authority(&self, host: &str, port: u16) -> bool {
        !self.trust.ordered && self.trust.certified && self.known.trusts_authority(host, port)
    }
}

fn name(key: &HostKey) -> String {
    known_hosts::line_name(&key.host, key.port)
}

fn describe(key: &HostKey) -> String {
    format!("{} {}", clean(key.key.key_type()), key.fingerprint())
}
