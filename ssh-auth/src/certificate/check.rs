use super::{Certificate, CertificateError, Kind, parse::text};
use ssh_crypto::{Provider, SignError};
use ssh_wire::Reader;

/// The algorithms by which authorities may sign unless told otherwise: all but those with SHA-1.
pub const CA_ALGORITHMS: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// What a certificate must be good for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check<'a> {
    /// For a user or a host.
    pub kind: Kind,
    /// The user's or host's name; a host's in lower case.
    pub principal: &'a str,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// Whether one that names no principals is good for all (PROTOCOL.certkeys says so; it is seldom wanted). Off by
    /// default.
    pub any_principal: bool,
    /// The critical options that the caller obeys. None by default.
    pub critical_options: &'a [&'a str],
    /// The algorithms by which the authority may have signed. [`CA_ALGORITHMS`] by default.
    pub algorithms: &'a [&'a str],
}

impl<'a> Check<'a> {
    /// For a user who logs in as `name`.
    pub fn user(name: &'a str, now: u64) -> Self {
        Self::new(Kind::User, name, now)
    }

    /// For a host that should be `name`.
    pub fn host(name: &'a str, now: u64) -> Self {
        Self::new(Kind::Host, name, now)
    }

    fn new(kind: Kind, principal: &'a str, now: u64) -> Self {
        Self { kind, principal, now, any_principal: false, critical_options: &[], algorithms: &CA_ALGORITHMS }
    }
}

impl Certificate {
    /// Checks that the certificate holds: its authority's signature, its kind, its time, its principals and that
    /// nothing in it asks for more than the caller does. That the authority is trusted is not checked.
    pub fn check(&self, provider: &Provider, check: &Check<'_>) -> Result<(), CertificateError> {
        self.check_signature(provider, check.algorithms)?;
        if self.kind != check.kind {
            return Err(CertificateError::WrongKind(self.kind));
        }
        if check.now < self.valid_after {
            return Err(CertificateError::NotYetValid(self.valid_after));
        }
        if check.now >= self.valid_before {
            return Err(CertificateError::Expired(self.valid_before));
        }
        self.check_principal(check)?;
        let unknown = |name: &[u8]| !check.critical_options.iter().any(|known| known.as_bytes() == name);
        match self.critical_options.iter().find(|option| unknown(&option.name)) {
            Some(option) => Err(CertificateError::CriticalOption(text(&option.name))),
            None => Ok(()),
        }
    }

    fn check_signature(&self, provider: &Provider, algorithms: &[&str]) -> Result<(), CertificateError> {
        let name = Reader::new(&self.signature).string().map_err(|_| SignError::Invalid)?;
        let algorithm = algorithms
            .iter()
            .find(|known| known.as_bytes() == name)
            .ok_or_else(|| CertificateError::Algorithm(text(name)))?;
        Ok(provider.verify(algorithm, &self.authority, &self.blob[..self.signed], &self.signature)?)
    }

    fn check_principal(&self, check: &Check<'_>) -> Result<(), CertificateError> {
        if self.principals.is_empty() {
            return if check.any_principal { Ok(()) } else { Err(CertificateError::NoPrincipals) };
        }
        let name = check.principal.as_bytes();
        let fits = |principal: &Vec<u8>| match self.kind {
            Kind::User => principal == name,
            Kind::Host => matches(principal, name),
        };
        if self.principals.iter().any(fits) {
            Ok(())
        } else {
            Err(CertificateError::Principal(check.principal.to_owned()))
        }
    }
}

/// Whether `name` fits a pattern in which `*` stands for any bytes and `?` for any one. It takes no longer than the
/// product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    // Where to go on after the last star, which then takes one byte more.
    let mut retry = None;
    while here < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, here));
            }
            Some(&byte) if byte == b'?' || byte == name[here] => {
                at += 1;
                here += 1;
            }
            _ => match &mut retry {
                Some((behind_star, from)) => {
                    *from += 1;
                    (at, here) = (*behind_star, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let cases: [(&str, &str, bool); 14] = [
            ("host", "host", true),
            ("host", "hosts", false),
            ("hosts", "host", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.example.com.evil.org", false),
            ("h?st", "host", true),
            ("h?st", "hst", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxbxxa", false),
        ];
        for (pattern, name, fits) in cases {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
        // No exponential time.
        assert!(!matches(&b"*a".repeat(100), &vec![b'a'; 10_000][..99]));
    }
}
