//! One line of `authorized_keys`.

use super::time::expiry;
use crate::{
    Permissions,
    auth::{
        Client, Credential,
        address::AddressList,
        certificate::{check_certificate, now},
    },
    login::Target,
};
use ssh_crypto::{KeyLine, PublicKey};
use std::str::FromStr;

/// A key, and what comes with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    key: PublicKey,
    is_authority: bool,
    principals: Option<Vec<String>>,
    from: Option<AddressList>,
    /// In seconds since 1970.
    expires: Option<u64>,
    permissions: Permissions,
}

impl Line {
    /// What the line permits a client who shows this; `None` if it is about another key.
    ///
    /// # Errors
    /// It is about this key, and does not let the client in.
    pub(super) fn check(
        &self,
        client: &Client<'_>,
        credential: &Credential<'_>,
    ) -> Result<Option<Permissions>, String> {
        let certificate = match credential {
            Credential::Key(key) if !self.is_authority && **key == self.key => None,
            Credential::Certificate(certificate)
                if self.is_authority && *certificate.authority() == self.key =>
            {
                Some(certificate)
            }
            _ => return Ok(None),
        };
        if self.expires.is_some_and(|expires| now() >= expires) {
            return Err("the key has expired".to_owned());
        }
        if let Some(from) = &self.from
            && !from.contains(client.address.map(|address| address.ip()))
        {
            return Err("the key may not be used from where the client is".to_owned());
        }
        let Some(certificate) = certificate else { return Ok(Some(self.permissions.clone())) };
        let principals: Vec<&str> = match &self.principals {
            Some(principals) => principals.iter().map(String::as_str).collect(),
            None => vec![client.user],
        };
        let certified =
            check_certificate(client, certificate, &principals).map_err(|error| error.to_string())?;
        let both = self.permissions.clone().and(certified);
        both.map(Some).ok_or_else(|| "line and certificate force different commands".to_owned())
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Options have no place for spaces but in quotes, and no key's type looks like an option.
        let key = |text: &str| text.parse::<KeyLine>().map_err(|error| error.to_string());
        let (options, line) = match key(text) {
            Ok(line) => (Vec::new(), line),
            Err(_) => {
                let (options, rest) = options(text).ok_or("options that can't be read")?;
                (options, key(rest)?)
            }
        };
        let key = line.public_key().map_err(|error| error.to_string())?;
        let mut line = Self {
            key,
            is_authority: false,
            principals: None,
            from: None,
            expires: None,
            permissions: Permissions::all(),
        };
        for (name, value) in options {
            line.set(&name.to_ascii_lowercase(), value)
                .ok_or_else(|| format!("option {name:?} is not known, stands twice or can't be read"))?;
        }
        if line.principals.is_some() && !line.is_authority {
            return Err("principals without cert-authority".to_owned());
        }
        Ok(line)
    }
}

impl Line {
    /// Sets one option.
    fn set(&mut self, name: &str, value: Option<String>) -> Option<()> {
        let permissions = &mut self.permissions;
        match (name, value) {
            ("cert-authority", None) => self.is_authority = true,
            ("restrict", None) => {
                permissions.pty = false;
                permissions.forwarding = false;
                permissions.agent = false;
            }
            ("pty", None) => permissions.pty = true,
            ("no-pty", None) => permissions.pty = false,
            ("port-forwarding", None) => permissions.forwarding = true,
            ("no-port-forwarding", None) => permissions.forwarding = false,
            ("agent-forwarding", None) => permissions.agent = true,
            ("no-agent-forwarding", None) => permissions.agent = false,
            ("x11-forwarding" | "no-x11-forwarding" | "user-rc" | "no-user-rc", None) => {}
            ("environment", Some(_)) => {}
            ("touch-required", None) => permissions.untouched = false,
            ("no-touch-required", None) => permissions.untouched = true,
            ("verify-required", None) => permissions.verified = true,
            ("no-verify-required", None) => permissions.verified = false,
            ("command", Some(value)) => once(&mut permissions.command, value.into_bytes())?,
            ("from", Some(value)) => once(&mut self.from, AddressList::patterns(&value)?)?,
            ("expiry-time", Some(value)) => once(&mut self.expires, expiry(&value)?)?,
            ("principals", Some(value)) => {
                let names: Vec<_> = value.split(',').map(|name| name.trim().to_owned()).collect();
                let is_whole = names.iter().all(|name| !name.is_empty());
                once(&mut self.principals, is_whole.then_some(names)?)?;
            }
            ("permitopen", Some(value)) => {
                permissions.connect.get_or_insert_default().push(target(&value, false)?);
            }
            ("permitlisten", Some(value)) => {
                permissions.listen.get_or_insert_default().push(target(&value, true)?);
            }
            _ => return None,
        }
        Some(())
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// Reads `host:port` or `[address]:port`; `*` stands for all of either. Where it is listened, a port alone will do.
fn target(text: &str, is_listened: bool) -> Option<Target> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => return None,
            Some(parts) => parts,
            None if is_listened => ("*", text),
            None => return None,
        },
    };
    let port = match port {
        "*" => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    (!host.is_empty()).then(|| Target { host: host.to_owned(), port })
}

/// An option's name and, if it has one, its value.
type Named<'a> = (&'a str, Option<String>);

/// The options that a line begins with, and what stands behind them.
fn options(mut text: &str) -> Option<(Vec<Named<'_>>, &str)> {
    let mut options = Vec::new();
    loop {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        if name.is_empty() {
            return None;
        }
        let mut value = None;
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let (unquoted, behind) = unquote(quoted)?;
            value = Some(unquoted);
            rest = behind;
        }
        options.push((name, value));
        text = match rest.strip_prefix(',') {
            Some(next) => next,
            None => {
                return rest
                    .starts_with([' ', '\t'])
                    .then(|| (options, rest.trim_start_matches([' ', '\t'])));
            }
        };
    }
}

/// The text up to the next quote, in which `\"` stands for one, and what stands behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\'])?;
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix("\\\"") {
            value.push('"');
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('"') {
            return Some((value, behind));
        } else {
            value.push('\\');
            rest = &rest[1..];
        }
    }
}

#[cfg(test)]
mod tests;
