//! Extension negotiation (RFC 8308).

use crate::Role;
use ssh_wire::{
    NameList,
    message::transport::{ExtInfo, ExtInfoBuilder},
};

const CLIENT: &str = "ext-info-c";
const SERVER: &str = "ext-info-s";

/// Signature algorithms that a server accepts for user keys (RFC 8308 §3.1).
pub(crate) const SERVER_SIG_ALGS: &str = "server-sig-algs";
/// PING is answered by PONG (OpenSSH PROTOCOL §1.9).
const PING: &str = "ping@openssh.com";
/// A second EXT_INFO during the authentication is understood (OpenSSH PROTOCOL §1.8).
const IN_AUTH: &str = "ext-info-in-auth@openssh.com";

/// Extensions kept of a peer, the longest name (RFC 4251 §6) and the longest value, in bytes.
const MAX_EXTENSIONS: usize = 64;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 16 * 1024;

/// Whether a name among the key exchange methods is the marker.
pub(crate) fn is_marker(name: &str) -> bool {
    name == CLIENT || name == SERVER
}

/// The marker that `role` puts into its first KEXINIT: it understands EXT_INFO.
pub(crate) fn marker(role: Role) -> &'static str {
    match role {
        Role::Client => CLIENT,
        Role::Server => SERVER,
    }
}

/// Whether the methods in the first KEXINIT of the peer, which plays `peer`, ask for our EXT_INFO.
pub(crate) fn is_wanted(peer: Role, kex: NameList<'_>) -> bool {
    kex.contains(marker(peer))
}

/// What `role` has to tell; a server, which signature algorithms of users' keys it accepts.
pub(crate) fn ours(role: Role, user_key: &[String]) -> ExtInfoBuilder {
    match role {
        Role::Client => ExtInfoBuilder::default().with(IN_AUTH, b"0"),
        Role::Server => {
            ExtInfoBuilder::default().with(SERVER_SIG_ALGS, user_key.join(",").as_bytes()).with(PING, b"0")
        }
    }
}

/// What the peer told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    values: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Extensions {
    /// Takes over another EXT_INFO; the later value of a name counts (RFC 8308 §2.4).
    pub(crate) fn update(&mut self, message: &ExtInfo<'_>) {
        for (name, value) in message.iter().take(MAX_EXTENSIONS) {
            if name.len() > MAX_NAME || value.len() > MAX_VALUE {
                continue;
            }
            let full = self.values.len() >= MAX_EXTENSIONS;
            match self.values.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value.to_vec(),
                None if full => {}
                None => self.values.push((name.to_vec(), value.to_vec())),
            }
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    pub(crate) fn server_sig_algs(&self) -> Option<Vec<String>> {
        self.value(SERVER_SIG_ALGS).map(|value| NameList(value).iter().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_values_count_and_the_number_is_bounded() {
        let mut extensions = Extensions::default();
        extensions
            .update(&ExtInfoBuilder::default().with(SERVER_SIG_ALGS, b"a,b,").with("x", b"1").message());
        assert_eq!(extensions.server_sig_algs().unwrap(), ["a", "b"]);
        extensions.update(&ExtInfoBuilder::default().with("x", b"2").message());
        assert_eq!(extensions.value("x"), Some(b"2".as_slice()));
        assert_eq!(extensions.value(SERVER_SIG_ALGS), Some(b"a,b,".as_slice()));
        for start in [0, 50, 100] {
            let many =
                (start..start + 50).fold(ExtInfoBuilder::default(), |all, n| all.with(&n.to_string(), b""));
            extensions.update(&many.message());
        }
        assert_eq!(extensions.values.len(), MAX_EXTENSIONS);
        assert_eq!(extensions.value("149"), None);
    }

    #[test]
    fn huge_names_and_values_are_passed_over() {
        let mut extensions = Extensions::default();
        extensions.update(&ExtInfoBuilder::default().with("x", &vec![b'a'; MAX_VALUE + 1]).message());
        assert_eq!(extensions.value("x"), None);
        extensions.update(&ExtInfoBuilder::default().with(&"x".repeat(MAX_NAME + 1), b"").message());
        assert!(extensions.values.is_empty());
    }
}
