//! The blocking API against real servers and against peers that misbehave.

mod algorithms;
mod authentication;
mod channels;
mod failures;
mod host_keys;
mod rekeying;
mod support;
