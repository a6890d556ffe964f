//! This library's side of OpenSSH's agent.

use ssh_client::{PrivateKey, PrivateKeyFile, agent::Agent};
use testing::{KeyPair, SshAgent};

pub(crate) fn agent_of(process: &SshAgent) -> Agent {
    Agent::connect_to(process.socket()).unwrap()
}

pub(crate) fn private(pair: &KeyPair) -> PrivateKey {
    PrivateKeyFile::parse(pair.private()).unwrap().decrypt(None).unwrap()
}
