//! The kinds of values.

use super::{AlgorithmList, ListError, NameError, UserName};
use std::{net::SocketAddr, time::Duration};

/// A value with a single argument.
pub(super) trait Value: Sized {
    /// The value, or what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

macro_rules! choices {
    ($(#[$docs:meta])* $name:ident { $($(#[$variant_docs:meta])* $variant:ident: $($text:literal)|+,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_docs])* $variant,)*
        }

        impl Value for $name {
            fn parse(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($($text)|+ => Ok(Self::$variant),)*
                    _ => Err(format!("{text:?} is none of {}", [$([$($text),+][0]),*].join(", "))),
                }
            }
        }
    };
}

choices! {
    /// `AddressFamily`.
    AddressFamily {
        /// Whatever there is.
        Any: "any",
        /// IPv4 only.
        Inet: "inet",
        /// IPv6 only.
        Inet6: "inet6",
    }
}

choices! {
    /// `StrictHostKeyChecking`: what happens to a host key that is not known. One that contradicts what is known is
    /// refused by all of them but `No`.
    StrictHostKeyChecking {
        /// It is refused.
        Yes: "yes" | "true",
        /// It is accepted.
        No: "no" | "false" | "off",
        /// It is accepted, and written down for the next time.
        AcceptNew: "accept-new",
        /// The user is asked.
        Ask: "ask",
    }
}

choices! {
    /// `RequestTTY`.
    RequestTty {
        /// Never.
        No: "no" | "false",
        /// If there is a terminal here.
        Yes: "yes" | "true",
        /// In any case.
        Force: "force",
        /// For a shell, if there is a terminal here.
        Auto: "auto",
    }
}

choices! {
    /// `SessionType`.
    SessionType {
        /// No session at all.
        None: "none",
        /// The command is the name of a subsystem.
        Subsystem: "subsystem",
        /// A command or a shell.
        Default: "default",
    }
}

choices! {
    /// `LogLevel`, from the least to the most.
    LogLevel {
        /// Nothing.
        Quiet: "quiet",
        /// What ends the program.
        Fatal: "fatal",
        /// Errors.
        Error: "error",
        /// What a user should know.
        Info: "info",
        /// A little more.
        Verbose: "verbose",
        /// What happens.
        Debug1: "debug" | "debug1",
        /// What happens, in detail.
        Debug2: "debug2",
        /// Everything.
        Debug3: "debug3",
    }
}

impl AddressFamily {
    /// Whether an address is one of these.
    pub fn includes(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Inet => address.is_ipv4(),
            Self::Inet6 => address.is_ipv6(),
        }
    }

    /// What its addresses are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "address",
            Self::Inet => "IPv4 address",
            Self::Inet6 => "IPv6 address",
        }
    }
}

/// `EscapeChar`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscapeChar {
    /// There is none: every byte goes to the server.
    None,
    /// This byte, at the beginning of a line.
    Byte(u8),
}

impl Value for EscapeChar {
    fn parse(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [byte] => Ok(Self::Byte(*byte)),
            // ^A is 1, ^[ is 27.
            [b'^', control @ 64..=127] => Ok(Self::Byte(control & 31)),
            _ if text.eq_ignore_ascii_case("none") => Ok(Self::None),
            _ => Err(format!("{text:?} is no character, no ^ with a letter, and not none")),
        }
    }
}

/// `RekeyLimit`: when keys are exchanged anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RekeyLimit {
    /// After this many bytes in one direction; `None` is the default.
    pub bytes: Option<u64>,
    /// After this time; `None` is never.
    pub time: Option<Duration>,
}

impl RekeyLimit {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let (bytes, time) = match arguments {
            [bytes] => (bytes, None),
            [bytes, time] => (bytes, duration(time)?),
            _ => return Err("needs a size and perhaps a time".to_owned()),
        };
        let bytes = match bytes.to_ascii_lowercase().as_str() {
            "default" | "none" => None,
            text => Some(size(text)?),
        };
        Ok(Self { bytes, time })
    }
}

/// A number of bytes, perhaps with K, M or G (in lower case) behind it.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['k', 'm', 'g']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return Err(format!("{text:?} is no size")),
    };
    let number: u64 = number(digits).ok_or_else(|| format!("{text:?} is no size"))?;
    let bytes = number.checked_mul(1 << shift).ok_or_else(|| format!("{text:?} is too large"))?;
    // Exchanging keys every few bytes would leave no room for the exchange itself.
    if bytes < 16 { Err(format!("{text:?} is too small")) } else { Ok(bytes) }
}

/// A time as sshd_config(5), TIME FORMATS has it: `90`, `10m`, `1h30m`; `None` for `none` and for 0.
pub(super) fn duration(text: &str) -> Result<Option<Duration>, String> {
    let failed = || format!("{text:?} is no time");
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(end);
        let mut chars = behind.chars();
        let unit = match chars.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return Err(failed()),
        };
        let part = number::<u64>(digits).and_then(|number| number.checked_mul(unit)).ok_or_else(failed)?;
        // As much as a 32-bit number of seconds holds: 68 years.
        seconds = seconds.checked_add(part).filter(|&sum| sum <= i32::MAX as u64).ok_or_else(failed)?;
        rest = chars.as_str();
    }
    if text.is_empty() { Err(failed()) } else { Ok((seconds > 0).then(|| Duration::from_secs(seconds))) }
}

/// Digits alone: what `parse` of the standard library takes without a sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(format!("{text:?} is neither yes nor no")),
        }
    }
}

/// A port.
impl Value for u16 {
    fn parse(text: &str) -> Result<Self, String> {
        number(text).filter(|&port| port != 0).ok_or_else(|| format!("{text:?} is no port"))
    }
}

/// A count.
impl Value for u32 {
    fn parse(text: &str) -> Result<Self, String> {
        number(text).ok_or_else(|| format!("{text:?} is no number"))
    }
}

impl Value for Option<Duration> {
    fn parse(text: &str) -> Result<Self, String> {
        duration(text)
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
    }
}

/// Names with commas between them.
impl Value for Vec<String> {
    fn parse(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !text.split(',').all(is_name) {
            return Err(format!("{text:?} is no list of names"));
        }
        Ok(text.split(',').map(str::to_owned).collect())
    }
}

impl Value for AlgorithmList {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: ListError| error.to_string())
    }
}

impl Value for UserName {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: NameError| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("0", 0), ("none", 0), ("90", 90), ("10m", 600), ("1h30m", 5_400), ("1W2d3H4s", 788_404)]
        {
            assert_eq!(duration(text), Ok((seconds > 0).then(|| Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "m", "-1", "+1", "1x", "1.5h", "99999999999", "3000000000", "1m m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rekey_limits() {
        let parse = |text: &str| {
            RekeyLimit::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
                .map(|limit| (limit.bytes, limit.time.map(|time| time.as_secs())))
        };
        for (text, expected) in [
            ("1G 1h", (Some(1 << 30), Some(3_600))),
            ("512k", (Some(512 << 10), None)),
            ("16", (Some(16), None)),
            ("default none", (None, None)),
            ("none 30", (None, Some(30))),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in ["15", "1T", "1mm", "k", "", "18446744073709551615K", "1G 1h x", "-5"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escape_characters() {
        for (text, expected) in [
            ("~", EscapeChar::Byte(b'~')),
            ("^", EscapeChar::Byte(b'^')),
            ("^a", EscapeChar::Byte(1)),
            ("^]", EscapeChar::Byte(29)),
            ("none", EscapeChar::None),
        ] {
            assert_eq!(EscapeChar::parse(text), Ok(expected), "{text}");
        }
        assert!(
            EscapeChar::parse("").is_err()
                && EscapeChar::parse("ab").is_err()
                && EscapeChar::parse("é").is_err()
        );
    }

    #[test]
    fn choices_tell_what_there_is() {
        assert_eq!(StrictHostKeyChecking::parse("OFF"), Ok(StrictHostKeyChecking::No));
        assert_eq!(bool::parse("true"), Ok(true));
        let error = AddressFamily::parse("ipx").unwrap_err();
        assert_eq!(error, "\"ipx\" is none of any, inet, inet6");
        assert!(u16::parse("0").is_err() && u16::parse("65536").is_err() && u16::parse("+1").is_err());
    }
}
