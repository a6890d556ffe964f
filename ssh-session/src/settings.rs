//! What a session is told beforehand, whichever its role.

use std::time::Duration;

/// What a session is told beforehand, whichever its role.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The transport: algorithms, identification, when keys are renewed and how long that may take.
    pub kex: ssh_kex::Config,
    /// Receive windows and packet sizes of channels.
    pub windows: ssh_connection::Config,
    /// Whether the peer is asked for signs of life.
    pub keepalive: Option<Keepalive>,
    /// Whether requests the peer makes on channels are handed to
    /// [`Channel::next_request`](crate::blocking::Channel::next_request); off, the default, they are refused. How a
    /// command has ended is told by [`Channel::wait`](crate::blocking::Channel::wait) in either case.
    pub channel_requests: bool,
    /// How long the opening of a channel waits for the answer; `None` waits for ever.
    pub open_timeout: Option<Duration>,
    /// How long a request on a channel or the session waits for the answer; `None` waits for ever.
    pub request_timeout: Option<Duration>,
    /// How long closing waits for what was written to leave; and how long a session is read to which nothing can be written
    /// any more.
    pub close_timeout: Duration,
}

/// Signs of life asked for when the peer is silent (`keepalive@openssh.com`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// The silence after which the peer is asked.
    pub interval: Duration,
    /// Questions without an answer until the session is given up.
    pub count: u32,
}

impl Settings {
    /// With the defaults for everything but the transport.
    pub fn new(kex: ssh_kex::Config) -> Self {
        Self {
            kex,
            windows: ssh_connection::Config::default(),
            keepalive: None,
            channel_requests: false,
            open_timeout: Some(Duration::from_secs(60)),
            request_timeout: Some(Duration::from_secs(60)),
            close_timeout: Duration::from_secs(2),
        }
    }
}
