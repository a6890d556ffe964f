//! The data of requests, where it takes more than a struct of [`ssh_wire::message::connection`].

use ssh_wire::{
    Decode, Encode, Reader,
    message::connection::{ExitSignal as Signalled, ExitStatus},
};

/// How a command ended (RFC 4254 §6.10).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// By itself, with this status.
    Status(u32),
    /// By a signal.
    Signal(ExitSignal),
}

/// The signal that ended a command. Its texts are the peer's: they may hold control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExitSignal {
    /// The name without SIG: `TERM`, or `SIGNAME@domain` for one that is not standard. Empty if the peer's request
    /// could not be read.
    pub name: String,
    /// Whether a core was dumped.
    pub core_dumped: bool,
    /// What the peer says about it; mostly empty.
    pub message: String,
}

impl Exit {
    /// Reads a request that tells how a command ended; `None` for another request, and for an `exit-status` without a
    /// status. Of an `exit-signal`, which some servers cut short or spell with SIG, it takes what is there: that the
    /// command ended by a signal is known in any case.
    pub fn parse(name: &[u8], data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        match name {
            b"exit-status" => reader.read().ok().map(Self::Status),
            b"exit-signal" => Some(Self::Signal(ExitSignal::read(&mut reader))),
            _ => None,
        }
    }

    /// The name and the data of the request that tells it.
    pub fn to_request(&self) -> (&'static str, Vec<u8>) {
        let mut data = Vec::new();
        match self {
            &Self::Status(status) => {
                ExitStatus { status }.encode(&mut data);
                ("exit-status", data)
            }
            Self::Signal(ExitSignal { name, core_dumped, message }) => {
                let (name, message) = (name.as_bytes(), message.as_bytes());
                Signalled { name, core_dumped: *core_dumped, message, language: b"" }.encode(&mut data);
                ("exit-signal", data)
            }
        }
    }
}

impl ExitSignal {
    fn read(reader: &mut Reader<'_>) -> Self {
        let mut signal = Self::default();
        let Ok(name) = reader.string() else { return signal };
        signal.name = text(name.strip_prefix(b"SIG").unwrap_or(name));
        let Ok(core_dumped) = reader.read() else { return signal };
        signal.core_dumped = core_dumped;
        let Ok(message) = reader.string() else { return signal };
        signal.message = text(message);
        signal
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Terminal modes (RFC 4254 §8), as `pty-req` carries them: opcodes 1 to 159 with an argument each, up to the first 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TerminalModes(Vec<(u8, u32)>);

/// The opcode that ends the modes.
const TTY_OP_END: u8 = 0;
/// The first opcode whose argument is not a `uint32`; nothing behind it can be read.
const FIRST_UNDEFINED: u8 = 160;

impl TerminalModes {
    /// Adds a mode; opcodes that cannot be written (0, 160 and up) are passed over.
    pub fn set(&mut self, opcode: u8, argument: u32) {
        if (TTY_OP_END + 1..FIRST_UNDEFINED).contains(&opcode) {
            self.0.push((opcode, argument));
        }
    }

    /// The modes in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u32)> + '_ {
        self.0.iter().copied()
    }

    /// Reads the `modes` of a [`PtyReq`](ssh_wire::message::connection::PtyReq), up to their end or what cannot be read.
    pub fn parse(modes: &[u8]) -> Self {
        let mut reader = Reader::new(modes);
        let mut parsed = Self::default();
        while let Ok(opcode @ 1..FIRST_UNDEFINED) = u8::decode(&mut reader)
            && let Ok(argument) = reader.read()
        {
            parsed.0.push((opcode, argument));
        }
        parsed
    }

    /// The `modes` of a [`PtyReq`](ssh_wire::message::connection::PtyReq).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 5 + 1);
        for (opcode, argument) in &self.0 {
            opcode.encode(&mut bytes);
            argument.encode(&mut bytes);
        }
        bytes.push(TTY_OP_END);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use ssh_wire::message::connection;

    #[test]
    fn an_exit_status_is_read_whatever_follows_it() {
        assert_eq!(Exit::parse(b"exit-status", &hex!("00000003")), Some(Exit::Status(3)));
        assert_eq!(Exit::parse(b"exit-status", &hex!("ffffffff 00")), Some(Exit::Status(u32::MAX)));
        assert_eq!(Exit::parse(b"exit-status", &hex!("000000")), None);
        assert_eq!(Exit::parse(b"exit-statu", &hex!("00000003")), None);
    }

    #[test]
    fn what_is_told_is_read() {
        let signal = ExitSignal { name: "SEGV".into(), core_dumped: true, message: "ouch".into() };
        for exit in [Exit::Status(3), Exit::Signal(signal)] {
            let (name, data) = exit.to_request();
            assert_eq!(Exit::parse(name.as_bytes(), &data), Some(exit));
        }
    }

    #[test]
    fn of_an_exit_signal_all_that_is_there_is_read() {
        let mut data = Vec::new();
        connection::ExitSignal { name: b"SEGV", core_dumped: true, message: b"ouch", language: b"en" }
            .encode(&mut data);
        let whole = ExitSignal { name: "SEGV".into(), core_dumped: true, message: "ouch".into() };
        for end in 0..=data.len() {
            let Some(Exit::Signal(signal)) = Exit::parse(b"exit-signal", &data[..end]) else { panic!() };
            assert_eq!(signal.name, if end < 8 { "" } else { "SEGV" });
            assert_eq!(signal.core_dumped, end > 8);
            assert_eq!(signal == whole, end >= 8 + 1 + 8);
        }
        let Some(Exit::Signal(signal)) = Exit::parse(b"exit-signal", &hex!("00000007 53494754 45524d"))
        else {
            panic!()
        };
        assert_eq!(signal.name, "TERM");
        assert!(matches!(Exit::parse(b"exit-signal", &hex!("ffffffff")), Some(Exit::Signal(_))));
        assert!(
            matches!(Exit::parse(b"exit-signal", &hex!("00000002 fffe")), Some(Exit::Signal(s)) if s.name == "\u{fffd}\u{fffd}")
        );
    }

    #[test]
    fn terminal_modes_are_read_up_to_their_end() {
        let mut modes = TerminalModes::default();
        modes.set(1, 3);
        modes.set(128, 9600);
        modes.set(0, 1);
        modes.set(160, 1);
        let bytes = modes.to_bytes();
        assert_eq!(bytes, hex!("01 00000003 80 00002580 00"));
        assert_eq!(TerminalModes::parse(&bytes), modes);
        for end in 0..bytes.len() {
            assert!(TerminalModes::parse(&bytes[..end]).iter().count() <= end / 5);
        }
        assert_eq!(TerminalModes::parse(&hex!("a0 00000001 01 00000003")), TerminalModes::default());
    }
}
