//! The transport engine: both roles against each other in memory, with a hand-moved clock, and against peers that
//! misbehave.

#![allow(clippy::unwrap_used, clippy::panic)]

mod algorithms;
mod attacks;
mod bounds;
mod compression;
mod guess;
mod host_key;
mod methods;
mod pair;
mod providers;
mod receiver;
mod recorded;
mod rekey;
mod states;
mod tamper;
