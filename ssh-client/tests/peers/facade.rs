//! The blocking API, as the scenarios use it; `tests/tokio` has another of the same shape.

pub(crate) use ssh_client::blocking::Session;
