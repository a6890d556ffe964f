//! The connection protocol's messages and the data of its requests (RFC 4254, 4335).

use super::fields;
use crate::{Rest, number};

fields! {
    /// A request that concerns no channel (RFC 4254 §4).
    GlobalRequest<'a> = number::GLOBAL_REQUEST => {
        /// `tcpip-forward`, `keepalive@openssh.com`, …
        name: &'a [u8],
        /// Whether an answer is wanted; answers come in the order of the requests.
        want_reply: bool,
        /// What the request adds: [`TcpipForward`], …
        data: Rest<'a>,
    }
    /// A global request succeeded (RFC 4254 §4).
    RequestSuccess<'a> = number::REQUEST_SUCCESS => {
        /// What the request's answer adds: [`ForwardedPort`] for `tcpip-forward` with port 0.
        data: Rest<'a>,
    }
    /// A global request failed or is not known (RFC 4254 §4).
    RequestFailure = number::REQUEST_FAILURE => {}
    /// Asks for a channel (RFC 4254 §5.1).
    ChannelOpen<'a> = number::CHANNEL_OPEN => {
        /// `session`, `direct-tcpip`, `forwarded-tcpip`, `x11`, …
        channel_type: &'a [u8],
        /// The sender's number for the channel.
        sender: u32,
        /// Bytes the receiver may send at first.
        window: u32,
        /// The most data bytes in one packet to the sender.
        max_packet: u32,
        /// What the type adds: [`DirectTcpip`], [`ForwardedTcpip`], [`X11`].
        data: Rest<'a>,
    }
    /// The channel is open (RFC 4254 §5.1).
    ChannelOpenConfirmation<'a> = number::CHANNEL_OPEN_CONFIRMATION => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// The sender's number for the channel.
        sender: u32,
        /// Bytes the receiver may send at first.
        window: u32,
        /// The most data bytes in one packet to the sender.
        max_packet: u32,
        /// What the type adds.
        data: Rest<'a>,
    }
    /// The channel was refused (RFC 4254 §5.1).
    ChannelOpenFailure<'a> = number::CHANNEL_OPEN_FAILURE => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// One of [`number::open_failure`].
        reason: u32,
        /// For a person to read.
        description: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
    /// More may be sent (RFC 4254 §5.2).
    ChannelWindowAdjust = number::CHANNEL_WINDOW_ADJUST => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// Bytes to add to the window.
        bytes: u32,
    }
    /// Data (RFC 4254 §5.2).
    ChannelData<'a> = number::CHANNEL_DATA => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// The data.
        data: &'a [u8],
    }
    /// Data of another stream (RFC 4254 §5.2).
    ChannelExtendedData<'a> = number::CHANNEL_EXTENDED_DATA => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// Which stream: [`number::EXTENDED_DATA_STDERR`] is the only one assigned.
        code: u32,
        /// The data.
        data: &'a [u8],
    }
    /// The sender will send no more data (RFC 4254 §5.3).
    ChannelEof = number::CHANNEL_EOF => {
        /// The receiver's number for the channel.
        recipient: u32,
    }
    /// The channel ends (RFC 4254 §5.3).
    ChannelClose = number::CHANNEL_CLOSE => {
        /// The receiver's number for the channel.
        recipient: u32,
    }
    /// A request on a channel (RFC 4254 §5.4).
    ChannelRequest<'a> = number::CHANNEL_REQUEST => {
        /// The receiver's number for the channel.
        recipient: u32,
        /// `exec`, `pty-req`, `exit-status`, …
        request: &'a [u8],
        /// Whether an answer is wanted; answers come in the order of the requests.
        want_reply: bool,
        /// What the request adds: [`Exec`], [`PtyReq`], [`ExitStatus`], …
        data: Rest<'a>,
    }
    /// A request succeeded (RFC 4254 §5.4).
    ChannelSuccess = number::CHANNEL_SUCCESS => {
        /// The receiver's number for the channel.
        recipient: u32,
    }
    /// A request failed or is not known (RFC 4254 §5.4).
    ChannelFailure = number::CHANNEL_FAILURE => {
        /// The receiver's number for the channel.
        recipient: u32,
    }

    /// Data of `tcpip-forward` and `cancel-tcpip-forward` (RFC 4254 §7.1).
    TcpipForward<'a> => {
        /// The address to listen on; empty for all.
        address: &'a [u8],
        /// The port to listen on; 0 lets the server choose.
        port: u32,
    }
    /// Data of the answer to a `tcpip-forward` with port 0 (RFC 4254 §7.1).
    ForwardedPort => {
        /// The port the server chose.
        port: u32,
    }
    /// Data of a `direct-tcpip` channel (RFC 4254 §7.2).
    DirectTcpip<'a> => {
        /// The host to connect to.
        host: &'a [u8],
        /// The port to connect to.
        port: u32,
        /// Where the connection comes from, an IP address.
        originator: &'a [u8],
        /// Where the connection comes from.
        originator_port: u32,
    }
    /// Data of a `forwarded-tcpip` channel (RFC 4254 §7.2).
    ForwardedTcpip<'a> => {
        /// The address that was connected, as in the `tcpip-forward` request.
        address: &'a [u8],
        /// The port that was connected.
        port: u32,
        /// Where the connection comes from, an IP address.
        originator: &'a [u8],
        /// Where the connection comes from.
        originator_port: u32,
    }
    /// Data of an `x11` channel (RFC 4254 §6.3.2).
    X11<'a> => {
        /// Where the connection comes from, an IP address.
        originator: &'a [u8],
        /// Where the connection comes from.
        originator_port: u32,
    }
    /// Data of `pty-req` (RFC 4254 §6.2).
    PtyReq<'a> => {
        /// The TERM environment variable.
        term: &'a [u8],
        /// The terminal's size.
        size: TerminalSize,
        /// Encoded terminal modes (RFC 4254 §8).
        modes: &'a [u8],
    }
    /// The size of a terminal, and all data of `window-change` (RFC 4254 §6.7).
    TerminalSize => {
        /// Width in characters.
        columns: u32,
        /// Height in rows.
        rows: u32,
        /// Width in pixels; 0 if unknown.
        width: u32,
        /// Height in pixels; 0 if unknown.
        height: u32,
    }
    /// Data of `x11-req` (RFC 4254 §6.3.1).
    X11Req<'a> => {
        /// Whether only one connection is forwarded.
        single: bool,
        /// `MIT-MAGIC-COOKIE-1`.
        protocol: &'a [u8],
        /// The cookie, in hexadecimal.
        cookie: &'a [u8],
        /// The X11 screen.
        screen: u32,
    }
    /// Data of `env` (RFC 4254 §6.4).
    Env<'a> => {
        /// The variable.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    }
    /// Data of `exec` (RFC 4254 §6.5).
    Exec<'a> => {
        /// The command, for the user's shell.
        command: &'a [u8],
    }
    /// Data of `subsystem` (RFC 4254 §6.5).
    Subsystem<'a> => {
        /// The subsystem's name.
        name: &'a [u8],
    }
    /// Data of `xon-xoff` (RFC 4254 §6.8).
    XonXoff => {
        /// Whether the client may do flow control with control-S and control-Q.
        client_can_do: bool,
    }
    /// Data of `signal` (RFC 4254 §6.9).
    Signal<'a> => {
        /// The name without SIG: `TERM`.
        name: &'a [u8],
    }
    /// Data of `break` (RFC 4335 §3).
    Break => {
        /// Milliseconds.
        length: u32,
    }
    /// Data of `exit-status` (RFC 4254 §6.10).
    ExitStatus => {
        /// The command's status.
        status: u32,
    }
    /// Data of `exit-signal` (RFC 4254 §6.10).
    ExitSignal<'a> => {
        /// The name without SIG: `TERM`.
        name: &'a [u8],
        /// Whether a core was dumped.
        core_dumped: bool,
        /// For a person to read.
        message: &'a [u8],
        /// RFC 3066 language tag.
        language: &'a [u8],
    }
}
