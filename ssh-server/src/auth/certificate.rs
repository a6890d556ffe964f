//! Users' certificates.

use super::{Client, address::AddressList};
use crate::Permissions;
use ssh_auth::certificate::{Certificate, CertificateError, Check};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is obeyed here.
const CRITICAL: [&str; 3] = ["force-command", "source-address", "verify-required"];

/// Whether a user's certificate holds, and what it permits: its authority's signature, its kind, its time, that it is for
/// one of `principals` (mostly [`Client::user`]), and that the client comes from where it may.
///
/// That its authority is trusted is for the caller to see: compare [`Certificate::authority`].
///
/// # Errors
/// It does not hold. A critical option that is not known here is such a reason, as is a certificate without principals.
pub fn check_certificate(
    client: &Client<'_>,
    certificate: &Certificate,
    principals: &[&str],
) -> Result<Permissions, CertificateError> {
    let mut result = Err(CertificateError::NoPrincipals);
    for principal in principals {
        let mut check = Check::user(principal, now());
        check.critical_options = &CRITICAL;
        result = certificate.check(client.provider, &check);
        if !matches!(result, Err(CertificateError::Principal(_))) {
            break;
        }
    }
    result?;
    let permits = |name: &str| certificate.extensions().iter().any(|option| option.name == name.as_bytes());
    let mut permissions = Permissions::all();
    permissions.pty = permits("permit-pty");
    permissions.forwarding = permits("permit-port-forwarding");
    permissions.agent = permits("permit-agent-forwarding");
    permissions.untouched = permits("no-touch-required");
    for option in certificate.critical_options() {
        let unfit = || CertificateError::CriticalOption(String::from_utf8_lossy(&option.name).into_owned());
        if option.name == b"verify-required" && option.data.is_empty() {
            permissions.verified = true;
            continue;
        }
        let value = option.value().ok_or_else(unfit)?;
        match option.name.as_slice() {
            b"force-command" => permissions.command = Some(value.to_vec()),
            b"source-address" => {
                let list =
                    std::str::from_utf8(value).ok().and_then(AddressList::networks).ok_or_else(unfit)?;
                if !list.contains(client.address.map(|address| address.ip())) {
                    return Err(unfit());
                }
            }
            _ => return Err(unfit()),
        }
    }
    Ok(permissions)
}

/// Seconds since 1970. Before that, nothing is valid.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or(0)
}
