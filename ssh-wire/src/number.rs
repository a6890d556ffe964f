//! Assigned numbers: messages (RFC 4250 §4.1), disconnect reasons (§4.2.2), open failures (§4.3).

/// RFC 4253: transport.
pub const DISCONNECT: u8 = 1;
/// RFC 4253: transport.
pub const IGNORE: u8 = 2;
/// RFC 4253: transport.
pub const UNIMPLEMENTED: u8 = 3;
/// RFC 4253: transport.
pub const DEBUG: u8 = 4;
/// RFC 4253: transport.
pub const SERVICE_REQUEST: u8 = 5;
/// RFC 4253: transport.
pub const SERVICE_ACCEPT: u8 = 6;
/// RFC 8308: extension negotiation.
pub const EXT_INFO: u8 = 7;
/// RFC 8308: delayed compression.
pub const NEWCOMPRESS: u8 = 8;
/// RFC 4253: key exchange.
pub const KEXINIT: u8 = 20;
/// RFC 4253: key exchange.
pub const NEWKEYS: u8 = 21;
/// The first message number that means what the key exchange method says; the last is [`KEX_LAST`].
pub const KEX_FIRST: u8 = 30;
/// See [`KEX_FIRST`].
pub const KEX_LAST: u8 = 49;
/// RFC 4253 §8: Diffie-Hellman with a fixed group.
pub const KEXDH_INIT: u8 = 30;
/// RFC 4253 §8: Diffie-Hellman with a fixed group.
pub const KEXDH_REPLY: u8 = 31;
/// RFC 5656 §4: elliptic curve Diffie-Hellman; the hybrids use it, too.
pub const KEX_ECDH_INIT: u8 = 30;
/// RFC 5656 §4: elliptic curve Diffie-Hellman; the hybrids use it, too.
pub const KEX_ECDH_REPLY: u8 = 31;
/// RFC 4419 §5: group exchange.
pub const KEX_DH_GEX_REQUEST_OLD: u8 = 30;
/// RFC 4419 §5: group exchange.
pub const KEX_DH_GEX_GROUP: u8 = 31;
/// RFC 4419 §5: group exchange.
pub const KEX_DH_GEX_INIT: u8 = 32;
/// RFC 4419 §5: group exchange.
pub const KEX_DH_GEX_REPLY: u8 = 33;
/// RFC 4419 §5: group exchange.
pub const KEX_DH_GEX_REQUEST: u8 = 34;
/// RFC 4252: authentication.
pub const USERAUTH_REQUEST: u8 = 50;
/// RFC 4252: authentication.
pub const USERAUTH_FAILURE: u8 = 51;
/// RFC 4252: authentication.
pub const USERAUTH_SUCCESS: u8 = 52;
/// RFC 4252: authentication.
pub const USERAUTH_BANNER: u8 = 53;
/// RFC 4252 §7: public key authentication.
pub const USERAUTH_PK_OK: u8 = 60;
/// RFC 4252 §8: password authentication.
pub const USERAUTH_PASSWD_CHANGEREQ: u8 = 60;
/// RFC 4256: keyboard-interactive authentication.
pub const USERAUTH_INFO_REQUEST: u8 = 60;
/// RFC 4256: keyboard-interactive authentication.
pub const USERAUTH_INFO_RESPONSE: u8 = 61;
/// RFC 4254: connection.
pub const GLOBAL_REQUEST: u8 = 80;
/// RFC 4254: connection.
pub const REQUEST_SUCCESS: u8 = 81;
/// RFC 4254: connection.
pub const REQUEST_FAILURE: u8 = 82;
/// RFC 4254: connection.
pub const CHANNEL_OPEN: u8 = 90;
/// RFC 4254: connection.
pub const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
/// RFC 4254: connection.
pub const CHANNEL_OPEN_FAILURE: u8 = 92;
/// RFC 4254: connection.
pub const CHANNEL_WINDOW_ADJUST: u8 = 93;
/// RFC 4254: connection.
pub const CHANNEL_DATA: u8 = 94;
/// RFC 4254: connection.
pub const CHANNEL_EXTENDED_DATA: u8 = 95;
/// RFC 4254: connection.
pub const CHANNEL_EOF: u8 = 96;
/// RFC 4254: connection.
pub const CHANNEL_CLOSE: u8 = 97;
/// RFC 4254: connection.
pub const CHANNEL_REQUEST: u8 = 98;
/// RFC 4254: connection.
pub const CHANNEL_SUCCESS: u8 = 99;
/// RFC 4254: connection.
pub const CHANNEL_FAILURE: u8 = 100;
/// OpenSSH PROTOCOL §1.9 (`ping@openssh.com`).
pub const PING: u8 = 192;
/// OpenSSH PROTOCOL §1.9 (`ping@openssh.com`).
pub const PONG: u8 = 193;

/// The name of a message, but of those whose numbers mean what the method says that runs: of key exchange (30 to 49) and
/// of authentication (60 to 79).
pub fn name(number: u8) -> Option<&'static str> {
    Some(match number {
        DISCONNECT => "DISCONNECT",
        IGNORE => "IGNORE",
        UNIMPLEMENTED => "UNIMPLEMENTED",
        DEBUG => "DEBUG",
        SERVICE_REQUEST => "SERVICE_REQUEST",
        SERVICE_ACCEPT => "SERVICE_ACCEPT",
        EXT_INFO => "EXT_INFO",
        NEWCOMPRESS => "NEWCOMPRESS",
        KEXINIT => "KEXINIT",
        NEWKEYS => "NEWKEYS",
        USERAUTH_REQUEST => "USERAUTH_REQUEST",
        USERAUTH_FAILURE => "USERAUTH_FAILURE",
        USERAUTH_SUCCESS => "USERAUTH_SUCCESS",
        USERAUTH_BANNER => "USERAUTH_BANNER",
        GLOBAL_REQUEST => "GLOBAL_REQUEST",
        REQUEST_SUCCESS => "REQUEST_SUCCESS",
        REQUEST_FAILURE => "REQUEST_FAILURE",
        CHANNEL_OPEN => "CHANNEL_OPEN",
        CHANNEL_OPEN_CONFIRMATION => "CHANNEL_OPEN_CONFIRMATION",
        CHANNEL_OPEN_FAILURE => "CHANNEL_OPEN_FAILURE",
        CHANNEL_WINDOW_ADJUST => "CHANNEL_WINDOW_ADJUST",
        CHANNEL_DATA => "CHANNEL_DATA",
        CHANNEL_EXTENDED_DATA => "CHANNEL_EXTENDED_DATA",
        CHANNEL_EOF => "CHANNEL_EOF",
        CHANNEL_CLOSE => "CHANNEL_CLOSE",
        CHANNEL_REQUEST => "CHANNEL_REQUEST",
        CHANNEL_SUCCESS => "CHANNEL_SUCCESS",
        CHANNEL_FAILURE => "CHANNEL_FAILURE",
        PING => "PING",
        PONG => "PONG",
        _ => return None,
    })
}

/// Reason codes of DISCONNECT (RFC 4253 §11.1).
pub mod disconnect {
    /// The host may not connect.
    pub const HOST_NOT_ALLOWED_TO_CONNECT: u32 = 1;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u32 = 2;
    /// Nothing in common, or an invalid key exchange.
    pub const KEY_EXCHANGE_FAILED: u32 = 3;
    /// An invalid MAC.
    pub const MAC_ERROR: u32 = 5;
    /// Invalid compressed data.
    pub const COMPRESSION_ERROR: u32 = 6;
    /// The requested service does not exist.
    pub const SERVICE_NOT_AVAILABLE: u32 = 7;
    /// The version of the protocol is not supported.
    pub const PROTOCOL_VERSION_NOT_SUPPORTED: u32 = 8;
    /// The host key was not accepted.
    pub const HOST_KEY_NOT_VERIFIABLE: u32 = 9;
    /// The connection was lost.
    pub const CONNECTION_LOST: u32 = 10;
    /// The user ended the session.
    pub const BY_APPLICATION: u32 = 11;
    /// Too many connections.
    pub const TOO_MANY_CONNECTIONS: u32 = 12;
    /// The user cancelled the authentication.
    pub const AUTH_CANCELLED_BY_USER: u32 = 13;
    /// No authentication method is left.
    pub const NO_MORE_AUTH_METHODS_AVAILABLE: u32 = 14;
    /// The user name is illegal.
    pub const ILLEGAL_USER_NAME: u32 = 15;
}

/// Reason codes of CHANNEL_OPEN_FAILURE (RFC 4254 §5.1).
pub mod open_failure {
    /// The peer's policy forbids it.
    pub const ADMINISTRATIVELY_PROHIBITED: u32 = 1;
    /// The target of a forwarding could not be reached.
    pub const CONNECT_FAILED: u32 = 2;
    /// The peer does not know the type.
    pub const UNKNOWN_CHANNEL_TYPE: u32 = 3;
    /// The peer has no room for another channel.
    pub const RESOURCE_SHORTAGE: u32 = 4;
}

/// `data_type_code` of CHANNEL_EXTENDED_DATA for standard error (RFC 4254 §5.2).
pub const EXTENDED_DATA_STDERR: u32 = 1;
