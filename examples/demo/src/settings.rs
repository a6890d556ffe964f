//! Arguments and configuration files made into one whole, in which nothing is left open.

mod choose;
mod forwards;
mod session;

use crate::{
    args::{Args, Destination},
    exit::Failure,
    local::Local,
};
use choose::{choose, methods, with_certificates};
use ssh_client::{
    Algorithms, Provider, RekeyLimit, Timeouts,
    agent::SOCKET_VARIABLE,
    auth::certificate::CA_ALGORITHMS,
    crypto::key::CertificateAlgorithm,
    known_hosts,
    ssh_config::{
        AddKeys, AddressFamily, AgentSocket, AlgorithmList, ConfigError, Context, HostName, LogLevel,
        Options, Origin, Scope, Setting, StrictHostKeyChecking, Tokens,
    },
};
use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use choose::Method;
pub(crate) use forwards::Forwards;
pub(crate) use session::{Session, Work};

/// All that a session is made of.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) host: HostName,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) address_family: AddressFamily,
    pub(crate) timeouts: Timeouts,
    pub(crate) algorithms: Algorithms,
    pub(crate) rekey: RekeyLimit,
    /// The silence after which the server is asked for a sign of life, and how often.
    pub(crate) keepalive: Option<(Duration, u32)>,
    /// The algorithms by which authorities may have signed the certificates of hosts.
    pub(crate) ca_algorithms: Vec<String>,
    /// RSA keys under this size in bits are not taken, neither of hosts nor of the user.
    pub(crate) required_rsa_size: usize,
    pub(crate) trust: Trust,
    pub(crate) login: Login,
    pub(crate) session: Session,
    pub(crate) forwards: Forwards,
    /// The hosts on the way, in order, as far as they are named here.
    pub(crate) jumps: Vec<Destination>,
    /// `None` if neither an option nor a file says anything.
    pub(crate) log_level: Option<LogLevel>,
}

/// Which host keys are accepted.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    /// The name that is looked up instead of the host and its port.
    pub(crate) alias: Option<String>,
    pub(crate) strict: StrictHostKeyChecking,
    /// New keys go to the first.
    pub(crate) user_files: Vec<PathBuf>,
    pub(crate) global_files: Vec<PathBuf>,
    /// Lists of keys that are not accepted, whatever is known.
    pub(crate) revoked: Vec<PathBuf>,
    pub(crate) hashed: bool,
    /// Whether the user has put the host key algorithms in order: then what is known does not.
    pub(crate) ordered: bool,
    /// Whether the user has left algorithms of certificates for hosts whose authority is known.
    pub(crate) certified: bool,
}

/// How the user proves who they are.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) methods: Vec<Method>,
    /// Where the agent is; `None` if none is to be asked.
    pub(crate) agent: Option<PathBuf>,
    /// Whether of the agent's keys only those are tried that are in the files.
    pub(crate) identities_only: bool,
    pub(crate) identities: Vec<IdentityPath>,
    /// Files of certificates; without any, those that stand beside the identities are looked for.
    pub(crate) certificates: Vec<PathBuf>,
    pub(crate) add_keys: AddKeys,
    /// Algorithms that user keys and their certificates may use.
    pub(crate) algorithms: Vec<String>,
    pub(crate) batch: bool,
    pub(crate) password_prompts: u32,
}

/// A private key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentityPath {
    pub(crate) path: PathBuf,
    /// Whether it was asked for: then its absence is worth telling.
    pub(crate) explicit: bool,
}

/// Reads the files the arguments allow, and resolves everything.
pub(crate) fn resolve(
    args: &Args,
    destination: &Destination,
    local: &Local,
    provider: &Provider,
) -> Result<Settings, Failure> {
    let context =
        Context { host: destination.host.clone(), local_user: local.user.clone(), home: local.home.clone() };
    let mut options = Options::default();
    from_arguments(&mut options, args, destination)?;
    match args.config_file.as_deref() {
        // What they say of every host is not meant for one of our own.
        None if args.loopback => {}
        None => options.read_defaults(&context)?,
        Some(none) if none.eq_ignore_ascii_case("none") => {}
        Some(path) => {
            let path = Path::new(path);
            if !options.read(path, Scope::User, &context)? {
                return Err(Failure::new(format!("{}: no such configuration file", path.display())));
            }
        }
    }
    Resolver::new(&options, &context, local)?.settings(args, provider)
}

/// The log level of the arguments alone, for what happens before the files are read.
pub(crate) fn early_log_level(args: &Args) -> Option<LogLevel> {
    match (args.verbose, args.quiet) {
        (0, 0) => None,
        (0, _) => Some(LogLevel::Quiet),
        (1, _) => Some(LogLevel::Debug1),
        (2, _) => Some(LogLevel::Debug2),
        _ => Some(LogLevel::Debug3),
    }
}

/// Letters are options of another spelling. They go before `-o`, and the destination's parts behind it.
fn from_arguments(options: &mut Options, args: &Args, destination: &Destination) -> Result<(), ConfigError> {
    let on = |flag: bool, value: &'static str| flag.then_some(value);
    let letters = [
        ("User", args.user.as_deref()),
        ("Port", args.port.as_deref()),
        ("AddressFamily", on(args.ipv4, "inet").or(on(args.ipv6, "inet6"))),
        ("Compression", on(args.compression, "yes")),
        ("ForwardAgent", on(args.agent_forwarding, "yes").or(on(args.no_agent_forwarding, "no"))),
        ("Ciphers", args.ciphers.as_deref()),
        ("GatewayPorts", on(args.gateway_ports, "yes")),
        ("MACs", args.macs.as_deref()),
        ("EscapeChar", args.escape_char.as_deref()),
        ("ProxyJump", args.jump_hosts.as_deref()),
        (
            "SessionType",
            on(args.no_session || args.stdio_forward.is_some(), "none").or(on(args.subsystem, "subsystem")),
        ),
        ("StdinNull", on(args.stdin_null, "yes")),
        (
            "RequestTTY",
            match args.terminal {
                _ if args.stdio_forward.is_some() => Some("no"),
                0 => on(args.no_terminal, "no"),
                1 => Some("yes"),
                _ => Some("force"),
            },
        ),
    ];
    for (keyword, value) in letters {
        if let Some(value) = value {
            options.set_value(keyword, value)?;
        }
    }
    let repeated = [
        ("IdentityFile", &args.identity_files),
        ("DynamicForward", &args.dynamic_forwards),
        ("LocalForward", &args.local_forwards),
        ("RemoteForward", &args.remote_forwards),
    ];
    for (keyword, values) in repeated {
        for value in values {
            options.set_value(keyword, value)?;
        }
    }
    for option in &args.options {
        options.set(option)?;
    }
    for (keyword, value) in [("User", &destination.user), ("Port", &destination.port)] {
        if let Some(value) = value {
            options.set_value(keyword, value)?;
        }
    }
    Ok(())
}

struct Resolver<'a> {
    options: &'a Options,
    tokens: Tokens,
    host: HostName,
}

impl<'a> Resolver<'a> {
    fn new(options: &'a Options, context: &Context, local: &Local) -> Result<Self, Failure> {
        let host = options.target(context)?;
        let user = options.user.as_ref().map_or_else(|| local.user.clone(), |user| user.to_string());
        let alias = options.host_key_alias.as_ref().map(|alias| alias.value.clone());
        let tokens = Tokens {
            host: host.to_string(),
            original_host: context.host.clone(),
            known_as: alias.unwrap_or_else(|| context.host.clone()),
            port: options.port.as_ref().map_or(22, |port| port.value),
            user,
            local_user: local.user.clone(),
            home: local.home.clone(),
            local_uid: local.uid,
            local_host: local.host.clone(),
        };
        Ok(Self { options, tokens, host })
    }

    fn settings(self, args: &Args, provider: &Provider) -> Result<Settings, Failure> {
        let options = self.options;
        let mut timeouts = Timeouts::default();
        if let Some(limit) = &options.connect_timeout {
            timeouts.connect = limit.value;
            timeouts.handshake = limit.value;
        }
        let limit = options.rekey_limit.as_ref().map(|limit| limit.value).unwrap_or_default();
        let mut rekey = RekeyLimit::default();
        rekey.bytes = limit.bytes.unwrap_or(rekey.bytes);
        rekey.time = limit.time;
        let count = options.server_alive_count_max.as_ref().map_or(3, |count| count.value);
        let interval = options.server_alive_interval.as_ref().and_then(|interval| interval.value);
        let quiet = early_log_level(args);
        let algorithms = self.algorithms(provider)?;
        Ok(Settings {
            port: self.tokens.port,
            user: self.tokens.user.clone(),
            address_family: value(&options.address_family, AddressFamily::Any),
            timeouts,
            trust: self.trust(&algorithms.host_key)?,
            algorithms,
            ca_algorithms: self.ca_algorithms(provider)?,
            required_rsa_size: options.required_rsa_size.as_ref().map_or(0, |bits| bits.value as usize),
            rekey,
            keepalive: interval.map(|interval| (interval, count)),
            login: self.login(provider)?,
            session: self.session(args)?,
            forwards: self.forwards(args)?,
            jumps: self.jumps()?,
            log_level: quiet.or_else(|| options.log_level.as_ref().map(|level| level.value)),
            host: self.host,
        })
    }

    fn jumps(&self) -> Result<Vec<Destination>, Failure> {
        let Some(setting) = &self.options.proxy_jump else { return Ok(Vec::new()) };
        let jump = |text: &String| {
            let failed = |why: String| Failure::new(format!("{}: {why}", setting.origin));
            let text = self.tokens.command(text).map_err(|error| failed(error.to_string()))?;
            Destination::parse_jump(&text).ok_or_else(|| failed(format!("{text:?} is no jump host")))
        };
        setting.value.iter().map(jump).collect()
    }

    fn algorithms(&self, provider: &Provider) -> Result<Algorithms, Failure> {
        let options = self.options;
        let (mut chosen, all) = (Algorithms::new(provider), Algorithms::legacy(provider));
        chosen.kex = choose(options.kex_algorithms.as_ref(), &chosen.kex, &all.kex)?;
        // The usual ones leave certificates to the library, which asks for them where an authority is known.
        if let Some(list) = &options.host_key_algorithms {
            chosen.host_key = key_algorithms(Some(list), provider)?;
        }
        chosen.cipher_c2s = choose(options.ciphers.as_ref(), &chosen.cipher_c2s, &all.cipher_c2s)?;
        chosen.cipher_s2c = chosen.cipher_c2s.clone();
        chosen.mac_c2s = choose(options.macs.as_ref(), &chosen.mac_c2s, &all.mac_c2s)?;
        chosen.mac_s2c = chosen.mac_c2s.clone();
        Ok(if value(&options.compression, false) { chosen.compressed(provider) } else { chosen })
    }

    fn ca_algorithms(&self, provider: &Provider) -> Result<Vec<String>, Failure> {
        let usual = CA_ALGORITHMS.map(str::to_owned);
        choose(self.options.ca_signature_algorithms.as_ref(), &usual, &Algorithms::legacy(provider).host_key)
    }

    fn trust(&self, host_key: &[String]) -> Result<Trust, Failure> {
        let options = self.options;
        let is_certificate = |name: &String| CertificateAlgorithm::from_name(name).is_some();
        let user_files = match &options.user_known_hosts_files {
            Some(files) => self.paths(files, &files.origin)?,
            None => known_hosts::user_files(&self.tokens.home),
        };
        let global_files = match &options.global_known_hosts_files {
            Some(files) => self.paths(files, &files.origin)?,
            None => known_hosts::global_files(),
        };
        let revoked = match &options.revoked_host_keys {
            Some(files) => self.paths(files, &files.origin)?,
            None => Vec::new(),
        };
        Ok(Trust {
            alias: options.host_key_alias.as_ref().map(|alias| alias.value.clone()),
            strict: value(&options.strict_host_key_checking, StrictHostKeyChecking::Ask),
            user_files,
            global_files,
            revoked,
            hashed: value(&options.hash_known_hosts, false),
            ordered: options.host_key_algorithms.as_ref().is_some_and(|list| list.sets_order()),
            certified: options.host_key_algorithms.is_none() || host_key.iter().any(is_certificate),
        })
    }

    fn paths(&self, texts: &[String], origin: &Origin) -> Result<Vec<PathBuf>, Failure> {
        texts.iter().map(|text| self.path(text, origin)).collect()
    }

    fn path(&self, text: &str, origin: &Origin) -> Result<PathBuf, Failure> {
        self.tokens.path(text).map_err(|error| Failure::new(format!("{origin}: {error}")))
    }

    fn login(&self, provider: &Provider) -> Result<Login, Failure> {
        let options = self.options;
        let batch = value(&options.batch_mode, false);
        Ok(Login {
            methods: methods(options, batch),
            agent: self.agent(options.identity_agent.as_ref())?,
            identities_only: value(&options.identities_only, false),
            identities: self.identities()?,
            certificates: self.certificates()?,
            add_keys: value(&options.add_keys_to_agent, AddKeys::No),
            algorithms: key_algorithms(options.pubkey_accepted_algorithms.as_ref(), provider)?,
            batch,
            password_prompts: value(&options.number_of_password_prompts, 3),
        })
    }

    /// Where the agent's socket is: the environment says, unless an option does.
    fn agent(&self, socket: Option<&Setting<AgentSocket>>) -> Result<Option<PathBuf>, Failure> {
        let variable = |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(socket) = socket else { return Ok(variable(SOCKET_VARIABLE)) };
        Ok(match &socket.value {
            AgentSocket::None => None,
            AgentSocket::Variable(name) => variable(name),
            AgentSocket::Path(text) => Some(self.path(text, &socket.origin)?),
        })
    }

    fn certificates(&self) -> Result<Vec<PathBuf>, Failure> {
        let named = self.options.certificate_files.iter();
        let files = named.filter(|file| !file.eq_ignore_ascii_case("none"));
        files.map(|file| self.path(file, &file.origin)).collect()
    }

    /// The files that were named, or else the usual ones.
    fn identities(&self) -> Result<Vec<IdentityPath>, Failure> {
        let named = &self.options.identity_files;
        if named.is_empty() {
            let directory = self.tokens.home.join(".ssh");
            let usual = ["id_ed25519", "id_ecdsa", "id_rsa"];
            let identity = |name| IdentityPath { path: directory.join(name), explicit: false };
            return Ok(usual.into_iter().map(identity).collect());
        }
        named
            .iter()
            .filter(|file| !file.eq_ignore_ascii_case("none"))
            .map(|file| Ok(IdentityPath { path: self.path(file, &file.origin)?, explicit: true }))
            .collect()
    }
}

/// The algorithms of keys and of certificates.
fn key_algorithms(
    list: Option<&Setting<AlgorithmList>>,
    provider: &Provider,
) -> Result<Vec<String>, Failure> {
    let (usual, all) = (Algorithms::new(provider).host_key, Algorithms::legacy(provider).host_key);
    choose(list, &with_certificates(&usual), &with_certificates(&all))
}

fn value<T: Copy>(setting: &Option<Setting<T>>, default: T) -> T {
    setting.as_ref().map_or(default, |setting| setting.value)
}

#[cfg(test)]
mod tests;
