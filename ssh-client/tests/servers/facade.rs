//! The blocking API, as the scenarios use it; `tasks.rs` has another of the same shape.

pub(crate) use ssh_client::blocking::{Channel, Session};
