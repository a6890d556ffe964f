//! What threads may do with the public types. It compiles, or it does not.

use ssh_client::{
    Config, Credential, Error,
    blocking::{Channel, Command, Forward, Login, Session, Stderr, Unverified},
};

fn is_shared<T: Send + Sync>() {}
fn is_a_handle<T: Send + Sync + Clone + 'static>() {}

#[test]
fn threads_share_sessions_and_channels() {
    is_a_handle::<Session>();
    is_a_handle::<Channel>();
    is_a_handle::<Stderr>();
    is_a_handle::<Command>();
    is_a_handle::<Config>();
    is_a_handle::<Credential>();
    is_a_handle::<Error>();
    is_shared::<Forward>();
    is_shared::<Unverified>();
    is_shared::<Login>();
}
