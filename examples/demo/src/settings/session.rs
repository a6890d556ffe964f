//! What happens once the user is logged in.

use super::{Resolver, value};
use crate::{args::Args, exit::Failure};
use ssh_client::ssh_config::{EscapeChar, ForwardAgent, RequestTty, SessionType, Setting, Target};
use std::{env, path::PathBuf};

/// What happens once the user is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) work: Work,
    pub(crate) request_tty: RequestTty,
    pub(crate) escape: Option<u8>,
    pub(crate) stdin_null: bool,
    pub(crate) env: Vec<(String, String)>,
    /// The agent that programs on the server may ask.
    pub(crate) forwarded_agent: Option<PathBuf>,
}

/// What runs on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    Nothing,
    Shell,
    Command(String),
    Subsystem(String),
    /// The standard streams are joined to a place that the server reaches.
    Forward(Target),
}

impl Resolver<'_> {
    pub(super) fn session(&self, args: &Args) -> Result<Session, Failure> {
        let options = self.options;
        Ok(Session {
            work: match &args.stdio_forward {
                Some(target) => forward(target, &args.command)?,
                None => self.work(&args.command)?,
            },
            request_tty: value(&options.request_tty, RequestTty::Auto),
            escape: match value(&options.escape_char, EscapeChar::Byte(b'~')) {
                EscapeChar::Byte(byte) => Some(byte),
                EscapeChar::None => None,
            },
            stdin_null: value(&options.stdin_null, false),
            forwarded_agent: self.forwarded_agent()?,
            env: self.env(
                env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            ),
        })
    }

    fn forwarded_agent(&self) -> Result<Option<PathBuf>, Failure> {
        let options = self.options;
        let Some(setting) = &options.forward_agent else { return Ok(None) };
        match &setting.value {
            ForwardAgent::No => Ok(None),
            ForwardAgent::Yes => self.agent(options.identity_agent.as_ref()),
            ForwardAgent::Other(socket) => {
                self.agent(Some(&Setting { value: socket.clone(), origin: setting.origin.clone() }))
            }
        }
    }

    fn work(&self, command: &[String]) -> Result<Work, Failure> {
        let configured = match &self.options.remote_command {
            Some(setting) => match &setting.value {
                Some(text) => Some(
                    self.tokens
                        .command(text)
                        .map_err(|error| Failure::new(format!("{}: {error}", setting.origin)))?,
                ),
                None => None,
            },
            None => None,
        };
        let command = match (command, configured) {
            ([], configured) => configured,
            (words, None) => Some(words.join(" ")),
            (_, Some(_)) => {
                return Err(Failure::new(
                    "a command was given, and RemoteCommand is set, too: \
                    -o RemoteCommand=none switches it off",
                ));
            }
        };
        match (value(&self.options.session_type, SessionType::Default), command) {
            (SessionType::None, None) => Ok(Work::Nothing),
            (SessionType::None, Some(_)) => Err(Failure::new("a command can't run without a session (-N)")),
            (SessionType::Subsystem, Some(name)) => Ok(Work::Subsystem(name)),
            (SessionType::Subsystem, None) => Err(Failure::new("the name of the subsystem is missing (-s)")),
            (SessionType::Default, Some(command)) => Ok(Work::Command(command)),
            (SessionType::Default, None) => Ok(Work::Shell),
        }
    }

    /// What is sent of the environment, and what is set beside it.
    pub(super) fn env(&self, local: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
        let mut env: Vec<_> = local.filter(|(name, _)| self.options.sends_env(name)).collect();
        env.sort();
        if let Some(set) = &self.options.set_env {
            env.retain(|(name, _)| set.iter().all(|(other, _)| other != name));
            env.extend(set.value.iter().cloned());
        }
        env
    }
}

fn forward(target: &str, command: &[String]) -> Result<Work, Failure> {
    if !command.is_empty() {
        return Err(Failure::new("a command can't run where the standard streams are passed on (-W)"));
    }
    target.parse().map(Work::Forward).map_err(|error| Failure::new(format!("-W {error}")))
}
