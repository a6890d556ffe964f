//! What a server grants at most.

use std::time::Duration;

/// What a server grants at most.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// From the connection to the end of the authentication (120 s).
    pub login_grace: Duration,
    /// Refusals until a client is sent away (6).
    pub attempts: u32,
    /// How long a refusal takes at least (500 ms): its time shall not tell why.
    pub failure_delay: Duration,
    /// How long the answer takes at least when a client asks whether a key would do (10 ms). Clients ask about many. To be
    /// set higher where looking one up takes longer, or the time tells for whom there was something to look up.
    pub probe_delay: Duration,
    /// Sessions at a time (256); further connections are cut.
    pub sessions: usize,
    /// Sessions at a time that are not authenticated yet (32).
    pub startups: usize,
    /// The same, from one address, or one network of 64 bits of IPv6 (8).
    pub startups_per_source: usize,
    /// Session channels of one session at a time (10): terminals, commands.
    pub channels: usize,
    /// Forwarded connections of one session at a time (64).
    pub connections: usize,
    /// Ports and sockets that the server listens on for one session at a time (16).
    pub listeners: usize,
    /// Bytes of one session that may have arrived and not be read yet (32 MiB): the memory that it may cost. One channel
    /// gets half of it at the most.
    pub unread: u32,
    /// How long what a client has started may go on when it closes the channel or goes away (2 s). Then it is killed, with
    /// all of its process group.
    pub hang_up: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_grace: Duration::from_secs(120),
            attempts: 6,
            failure_delay: Duration::from_millis(500),
            probe_delay: Duration::from_millis(10),
            sessions: 256,
            startups: 32,
            startups_per_source: 8,
            channels: 10,
            connections: 64,
            listeners: 16,
            unread: 32 << 20,
            hang_up: Duration::from_secs(2),
        }
    }
}
