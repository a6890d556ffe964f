//! `password`, and its change when it has expired (RFC 4252 §8).

use crate::Error;
use ssh_crypto::Secret;
use ssh_wire::{
    Message,
    message::auth::{PasswdChangereq, PasswordRequest},
};

/// The method's name.
pub const NAME: &str = "password";

pub(crate) fn body<'a>(password: &'a Secret, new_password: Option<&'a Secret>) -> PasswordRequest<'a> {
    PasswordRequest { password, new_password: new_password.map(|new| &**new) }
}

/// The prompt of a PASSWD_CHANGEREQ.
pub(crate) fn change_prompt(payload: &[u8]) -> Result<String, Error> {
    let message = PasswdChangereq::parse(payload).map_err(Error::decode("USERAUTH_PASSWD_CHANGEREQ"))?;
    Ok(String::from_utf8_lossy(message.prompt).into_owned())
}
