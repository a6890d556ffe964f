//! What users log in with, and whom they trust.

use ssh_client::{
    Config, Credential, PrivateKeyFile, Secret, Timeouts,
    agent::{self, Agent},
    host_key::Known,
    known_hosts::{self, KnownHosts},
};
use std::{env, error::Error, fs, path::Path};

use crate::args::Args;

/// A configuration for a user whose name has yet to be told.
pub(crate) struct Base {
    known: KnownHosts,
    credentials: Vec<Credential>,
    timeouts: Timeouts,
}

impl Base {
    pub(crate) fn new(args: &Args) -> Result<Self, Box<dyn Error>> {
        let home = env::home_dir().unwrap_or_default();
        let known = match args.known_hosts.is_empty() {
            true => KnownHosts::load_all(
                known_hosts::user_files(&home).into_iter().chain(known_hosts::global_files()),
            )?,
            false => {
                // Those that were asked for must be there.
                let mut text = String::new();
                for path in &args.known_hosts {
                    text +=
                        &fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                    text.push('\n');
                }
                KnownHosts::parse(&text)
            }
        };
        let mut credentials = Vec::new();
        if !args.no_agent && env::var_os(agent::SOCKET_VARIABLE).is_some() {
            credentials.push(match Agent::connect() {
                Ok(agent) => Credential::agent(agent),
                Err(error) => Credential::Unavailable(error.to_string()),
            });
        }
        for path in &args.identity {
            credentials.push(key(path)?.ok_or_else(|| format!("{}: no such file", path.display()))?);
        }
        if args.identity.is_empty() {
            for name in ["id_ed25519", "id_ecdsa", "id_rsa"] {
                credentials.extend(key(&home.join(".ssh").join(name))?);
            }
        }
        let limit = Some(args.connect_timeout);
        let timeouts = Timeouts { connect: limit, handshake: limit, ..Timeouts::default() };
        Ok(Self { known, credentials, timeouts })
    }

    pub(crate) fn config(&self, user: &str) -> Config {
        let config = Config::new(user).host_key(Known(self.known.clone())).timeouts(self.timeouts);
        self.credentials.iter().cloned().fold(config, Config::credential)
    }
}

/// The key in this file, if the file is there. One with a passphrase is left to the agent.
fn key(path: &Path) -> Result<Option<Credential>, Box<dyn Error>> {
    let Ok(bytes) = fs::read(path).map(Secret::new) else { return Ok(None) };
    let failed = |error: &dyn Error| format!("{}: {error}", path.display());
    let file = PrivateKeyFile::parse(&bytes).map_err(|error| failed(&error))?;
    if file.is_encrypted() {
        let why = format!("{} has a passphrase: add it to an agent", path.display());
        return Ok(Some(Credential::Unavailable(why)));
    }
    let provider = ssh_client::default_provider();
    Ok(Some(Credential::key_file(path, None, &provider).map_err(|error| failed(&error))?))
}
