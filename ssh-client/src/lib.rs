//! x

pub mod known_hosts;
pub mod pattern;
