//! Who is in, and what is permitted.

use ssh_crypto::sign::Presence;
use std::net::SocketAddr;

/// A user who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The name by which the user has logged in.
    pub user: String,
    /// Where the client is, as far as the stream tells.
    pub client: Option<SocketAddr>,
    /// The address of this end.
    pub server: Option<SocketAddr>,
    /// What the credentials permit. The server keeps to it before its handlers are asked.
    pub permissions: Permissions,
}

/// What a credential permits its user, of what the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permissions {
    /// Terminals.
    pub pty: bool,
    /// Connections to and from ports and sockets, in either direction.
    pub forwarding: bool,
    /// Agents.
    pub agent: bool,
    /// Only this command may run, whatever is asked for; what that was is told in `SSH_ORIGINAL_COMMAND`.
    pub command: Option<Vec<u8>>,
    /// Connections may lead to these only.
    pub connect: Option<Vec<Target>>,
    /// Only these may be listened on.
    pub listen: Option<Vec<Target>>,
    /// A security key may sign without being touched.
    pub untouched: bool,
    /// A security key has to verify its user, by a PIN or a fingerprint.
    pub verified: bool,
}

/// A host and a port, or all ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host, as it is asked for; `*` for all.
    pub host: String,
    /// The port, or `None` for all.
    pub port: Option<u16>,
}

impl Permissions {
    /// All that the server has. Security keys have to be touched.
    pub fn all() -> Self {
        Self {
            pty: true,
            forwarding: true,
            agent: true,
            command: None,
            connect: None,
            listen: None,
            untouched: false,
            verified: false,
        }
    }

    /// Commands, and nothing else.
    pub fn restricted() -> Self {
        Self { pty: false, forwarding: false, agent: false, ..Self::all() }
    }

    /// Forces this command.
    pub fn command(mut self, command: impl Into<Vec<u8>>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// What both permit; `None` if they force different commands.
    pub fn and(self, other: Self) -> Option<Self> {
        let command = match (self.command, other.command) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        Some(Self {
            pty: self.pty && other.pty,
            forwarding: self.forwarding && other.forwarding,
            agent: self.agent && other.agent,
            command,
            connect: both(self.connect, other.connect),
            listen: both(self.listen, other.listen),
            untouched: self.untouched && other.untouched,
            verified: self.verified || other.verified,
        })
    }

    /// Whether this is enough of what a security key says of its user.
    pub(crate) fn suffices(&self, presence: Presence) -> bool {
        (presence.user_present || self.untouched) && (presence.user_verified || !self.verified)
    }

    /// Whether a connection may lead there.
    pub fn may_connect(&self, host: &str, port: u16) -> bool {
        self.forwarding && self.connect.as_ref().is_none_or(|list| fits(list, host, port))
    }

    /// Whether it may be listened there.
    pub fn may_listen(&self, host: &str, port: u16) -> bool {
        self.forwarding && self.listen.as_ref().is_none_or(|list| fits(list, host, port))
    }

    /// Whether sockets of the file system may be connected to or listened on: only where no list says what else may.
    pub fn may_use_sockets(&self) -> bool {
        self.forwarding && self.connect.is_none() && self.listen.is_none()
    }
}

fn fits(list: &[Target], host: &str, port: u16) -> bool {
    list.iter().any(|target| target.fits(host, port))
}

/// What is in both lists.
fn both(one: Option<Vec<Target>>, two: Option<Vec<Target>>) -> Option<Vec<Target>> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let narrower = |target: &Target, list: &[Target]| list.iter().any(|other| other.covers(target));
            let mut both: Vec<_> = one.iter().filter(|target| narrower(target, &two)).cloned().collect();
            both.extend(two.iter().filter(|target| narrower(target, &one)).cloned());
            Some(both)
        }
        (one, two) => one.or(two),
    }
}

impl Target {
    fn fits(&self, host: &str, port: u16) -> bool {
        (self.host == "*" || self.host.eq_ignore_ascii_case(host))
            && self.port.is_none_or(|permitted| permitted == port)
    }

    /// Whether everything that fits `other` fits this.
    fn covers(&self, other: &Self) -> bool {
        (self.host == "*" || self.host.eq_ignore_ascii_case(&other.host))
            && (self.port.is_none() || self.port == other.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str, port: Option<u16>) -> Target {
        Target { host: host.to_owned(), port }
    }

    #[test]
    fn both_means_both() {
        let mut one = Permissions::all();
        one.pty = false;
        one.connect = Some(vec![target("a", Some(1)), target("b", None)]);
        let mut two = Permissions::all();
        two.connect = Some(vec![target("*", Some(1))]);
        let both = one.and(two).unwrap();
        assert!(!both.pty && both.agent);
        assert!(both.may_connect("A", 1));
        assert!(!both.may_connect("a", 2));
        assert!(!both.may_connect("c", 1));
        // "b" with every port and every host with port 1 have this in common, which neither list has.
        assert!(!both.may_connect("b", 1));
        assert!(!both.may_use_sockets());
        let forced = Permissions::all().command("one");
        assert_eq!(forced.clone().and(Permissions::all()).unwrap().command, Some(b"one".to_vec()));
        assert!(forced.and(Permissions::all().command("two")).is_none());
    }
}
