//! Which connections are forwarded.

use super::{Resolver, value};
use crate::{args::Args, exit::Failure};
use ssh_client::ssh_config::{AddressFamily, ExpandError, Forward, Listen, Setting, Target};

/// Which connections are forwarded, with the paths of sockets expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forwards {
    /// Those that come here.
    pub(crate) local: Vec<Forward>,
    /// Those that come to the server.
    pub(crate) remote: Vec<Forward>,
    /// Of addresses here, which are used.
    pub(crate) address_family: AddressFamily,
    /// Whether other machines may connect where no address is named.
    pub(crate) gateway_ports: bool,
    /// Whether a socket may take the place of another.
    pub(crate) unlink: bool,
    /// Whether the program ends if one of them can't be had.
    pub(crate) required: bool,
}

impl Resolver<'_> {
    pub(super) fn forwards(&self, args: &Args) -> Result<Forwards, Failure> {
        let options = self.options;
        // Who wants the standard streams passed on wants nothing else.
        let alone = args.stdio_forward.is_some();
        let cleared = value(&options.clear_all_forwardings, alone);
        let expanded = |forwards: &[Setting<Forward>]| -> Result<Vec<Forward>, Failure> {
            forwards.iter().filter(|_| !cleared).map(|forward| self.forward(forward)).collect()
        };
        Ok(Forwards {
            local: expanded(&options.local_forwards)?,
            remote: expanded(&options.remote_forwards)?,
            address_family: value(&options.address_family, AddressFamily::Any),
            gateway_ports: value(&options.gateway_ports, false),
            unlink: value(&options.stream_local_bind_unlink, false),
            required: value(&options.exit_on_forward_failure, alone),
        })
    }

    fn forward(&self, forward: &Setting<Forward>) -> Result<Forward, Failure> {
        let failed = |error: ExpandError| Failure::new(format!("{}: {error}", forward.origin));
        let expand = |path: &str| self.tokens.socket(path).map_err(failed);
        let listen = match &forward.listen {
            Listen::Socket(path) => Listen::Socket(expand(path)?),
            port => port.clone(),
        };
        let target = match &forward.target {
            Some(Target::Socket(path)) => Some(Target::Socket(expand(path)?)),
            target => target.clone(),
        };
        Ok(Forward { listen, target })
    }
}
