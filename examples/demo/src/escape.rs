//! The escape character: `~.` at the beginning of a line ends a session that hangs.

/// What the user wants of this program, not of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// End the session.
    Disconnect,
    /// Send a BREAK.
    Break,
    /// Exchange new keys.
    Rekey,
    /// Stop this program, as Ctrl-Z does with others.
    Suspend,
    /// Tell what there is.
    Help,
}

/// Looks for commands in what is typed.
#[derive(Debug)]
pub(crate) struct Escape {
    byte: Option<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    Inside,
    /// The escape character was typed and is held back.
    Escaped,
}

impl Escape {
    /// Without a byte nothing is ever found.
    pub(crate) fn new(byte: Option<u8>) -> Self {
        Self { byte, state: State::LineStart }
    }

    /// Puts what goes to the server into `out`, up to the first command; the answer is that command and what was typed
    /// behind it.
    pub(crate) fn feed<'a>(&mut self, typed: &'a [u8], out: &mut Vec<u8>) -> Option<(Command, &'a [u8])> {
        let Some(escape) = self.byte else {
            out.extend_from_slice(typed);
            return None;
        };
        for (index, &byte) in typed.iter().enumerate() {
            match self.state {
                State::LineStart if byte == escape => {
                    self.state = State::Escaped;
                    continue;
                }
                State::Escaped => {
                    if let Some(command) = command(byte) {
                        self.state = State::LineStart;
                        return Some((command, &typed[index + 1..]));
                    }
                    out.push(escape);
                    // Typed twice it is sent once.
                    if byte == escape {
                        self.state = State::Inside;
                        continue;
                    }
                }
                _ => {}
            }
            out.push(byte);
            self.state = if matches!(byte, b'\r' | b'\n') { State::LineStart } else { State::Inside };
        }
        None
    }

    /// The commands, for the user.
    pub(crate) fn help(&self) -> String {
        let escape = char::from(self.byte.unwrap_or(b'~'));
        let escape = match escape {
            control if control.is_ascii_control() => format!("^{}", char::from(control as u8 ^ 64)),
            plain => plain.to_string(),
        };
        [
            (".", "end the session"),
            ("B", "send a BREAK"),
            ("R", "exchange new keys"),
            ("^Z", "suspend this program"),
            ("?", "show this list"),
            (&escape, "send the escape character"),
        ]
        .map(|(key, meaning)| format!("{escape}{key}\t{meaning}\r\n"))
        .concat()
    }
}

fn command(byte: u8) -> Option<Command> {
    match byte {
        b'.' => Some(Command::Disconnect),
        b'B' => Some(Command::Break),
        b'R' => Some(Command::Rekey),
        b'?' => Some(Command::Help),
        0x1a => Some(Command::Suspend),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes to the server, and the commands, of keys typed in these pieces.
    fn typed(pieces: &[&str]) -> (String, Vec<Command>) {
        let (mut escape, mut out, mut commands) = (Escape::new(Some(b'~')), Vec::new(), Vec::new());
        for piece in pieces {
            let mut rest = piece.as_bytes();
            while let Some((command, behind)) = escape.feed(rest, &mut out) {
                commands.push(command);
                rest = behind;
            }
        }
        (String::from_utf8(out).unwrap(), commands)
    }

    #[test]
    fn commands_are_found_at_the_beginning_of_a_line_only() {
        assert_eq!(typed(&["~."]), ("".into(), vec![Command::Disconnect]));
        assert_eq!(typed(&["ls\r~.x"]), ("ls\rx".into(), vec![Command::Disconnect]));
        assert_eq!(typed(&["a~.\n~?~R"]), ("a~.\n".into(), vec![Command::Help, Command::Rekey]));
        assert_eq!(typed(&["~~.", "\r~~~."]), ("~.\r~~.".into(), vec![]));
        assert_eq!(typed(&["~x\r~\r~."]), ("~x\r~\r".into(), vec![Command::Disconnect]));
    }

    #[test]
    fn however_the_keys_come() {
        let keys = "ls\r~?~~x\r~B~.";
        let whole = typed(&[keys]);
        let single: Vec<String> = keys.chars().map(String::from).collect();
        assert_eq!(typed(&single.iter().map(String::as_str).collect::<Vec<_>>()), whole);
        assert_eq!(whole, ("ls\r~x\r".into(), vec![Command::Help, Command::Break, Command::Disconnect]));
    }

    #[test]
    fn without_an_escape_character_all_goes_through() {
        let (mut escape, mut out) = (Escape::new(None), Vec::new());
        assert_eq!(escape.feed(b"~.\r~.", &mut out), None);
        assert_eq!(out, b"~.\r~.");
    }
}
