//! A terminal's modes as the protocol has them (RFC 4254 §8): told by who has the terminal, applied by who makes one.

use rustix::{
    io,
    termios::{
        ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex as Special,
        Termios, tcgetattr, tcsetattr,
    },
};
use ssh_connection::request::TerminalModes;
use std::os::fd::AsFd;

/// Every mode of this terminal that has an opcode.
///
/// # Errors
/// It is no terminal.
pub fn of(terminal: impl AsFd) -> std::io::Result<TerminalModes> {
    Ok(encode(&tcgetattr(terminal)?))
}

/// Sets the modes of this terminal; those that it does not have, and opcodes that are not known, are passed over.
///
/// # Errors
/// It is no terminal.
pub fn apply(terminal: impl AsFd, modes: &TerminalModes) -> std::io::Result<()> {
    let mut attributes = tcgetattr(&terminal)?;
    for (opcode, argument) in modes.iter() {
        // A speed that the machine does not know is none that a pseudo-terminal needs.
        let _: io::Result<()> = decode(&mut attributes, opcode, argument);
    }
    Ok(tcsetattr(terminal, OptionalActions::Now, &attributes)?)
}

fn encode(terminal: &Termios) -> TerminalModes {
    let mut modes = TerminalModes::default();
    modes.set(TTY_OP_ISPEED, terminal.input_speed());
    modes.set(TTY_OP_OSPEED, terminal.output_speed());
    for (opcode, code) in SPECIAL {
        let value = terminal.special_codes[code];
        modes.set(opcode, if value == DISABLED_HERE { DISABLED } else { value.into() });
    }
    for (opcode, mode) in INPUT {
        modes.set(opcode, terminal.input_modes.contains(mode).into());
    }
    for (opcode, mode) in LOCAL {
        modes.set(opcode, terminal.local_modes.contains(mode).into());
    }
    for (opcode, mode) in OUTPUT {
        modes.set(opcode, terminal.output_modes.contains(mode).into());
    }
    let size = terminal.control_modes & ControlModes::CSIZE;
    modes.set(CS7, (size == ControlModes::CS7).into());
    modes.set(CS8, (size == ControlModes::CS8).into());
    modes.set(PARENB, terminal.control_modes.contains(ControlModes::PARENB).into());
    modes.set(PARODD, terminal.control_modes.contains(ControlModes::PARODD).into());
    modes
}

fn decode(terminal: &mut Termios, opcode: u8, argument: u32) -> io::Result<()> {
    let on = argument != 0;
    if let Some((_, code)) = SPECIAL.iter().find(|(known, _)| *known == opcode) {
        terminal.special_codes[*code] = match u8::try_from(argument) {
            Ok(character) if argument != DISABLED => character,
            _ => DISABLED_HERE,
        };
    } else if let Some((_, mode)) = INPUT.iter().find(|(known, _)| *known == opcode) {
        terminal.input_modes.set(*mode, on);
    } else if let Some((_, mode)) = LOCAL.iter().find(|(known, _)| *known == opcode) {
        terminal.local_modes.set(*mode, on);
    } else if let Some((_, mode)) = OUTPUT.iter().find(|(known, _)| *known == opcode) {
        terminal.output_modes.set(*mode, on);
    } else {
        let size = match opcode {
            CS7 => ControlModes::CS7,
            CS8 => ControlModes::CS8,
            PARENB | PARODD => {
                let mode = if opcode == PARENB { ControlModes::PARENB } else { ControlModes::PARODD };
                terminal.control_modes.set(mode, on);
                return Ok(());
            }
            TTY_OP_ISPEED => return terminal.set_input_speed(argument),
            TTY_OP_OSPEED => return terminal.set_output_speed(argument),
            _ => return Ok(()),
        };
        if on {
            terminal.control_modes.remove(ControlModes::CSIZE);
            terminal.control_modes.insert(size);
        }
    }
    Ok(())
}

/// A character that does nothing is 255 on the wire, and `_POSIX_VDISABLE` here.
const DISABLED: u32 = 255;
#[cfg(any(target_os = "linux", target_os = "android"))]
const DISABLED_HERE: u8 = 0;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const DISABLED_HERE: u8 = 255;

const CS7: u8 = 90;
const CS8: u8 = 91;
const PARENB: u8 = 92;
const PARODD: u8 = 93;
const TTY_OP_ISPEED: u8 = 128;
const TTY_OP_OSPEED: u8 = 129;

const SPECIAL: [(u8, Special); 14] = [
    (1, Special::VINTR),
    (2, Special::VQUIT),
    (3, Special::VERASE),
    (4, Special::VKILL),
    (5, Special::VEOF),
    (6, Special::VEOL),
    (7, Special::VEOL2),
    (8, Special::VSTART),
    (9, Special::VSTOP),
    (10, Special::VSUSP),
    (12, Special::VREPRINT),
    (13, Special::VWERASE),
    (14, Special::VLNEXT),
    (18, Special::VDISCARD),
];

const INPUT: [(u8, InputModes); 12] = [
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
    // RFC 8160.
    (42, IUTF8),
];

/// Systems without the mode never have it set.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
const IUTF8: InputModes = InputModes::IUTF8;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
const IUTF8: InputModes = InputModes::from_bits_retain(1 << 31);

const LOCAL: [(u8, LocalModes); 12] = [
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
    (62, LocalModes::PENDIN),
];

const OUTPUT: [(u8, OutputModes); 5] = [
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, openpt};

    #[test]
    fn a_terminal_is_told_as_it_is() {
        let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let mut terminal = tcgetattr(&pty).unwrap();
        terminal.special_codes[Special::VINTR] = 7;
        terminal.special_codes[Special::VKILL] = DISABLED_HERE;
        terminal.local_modes.remove(LocalModes::ECHO);
        terminal.local_modes.insert(LocalModes::ICANON);
        tcsetattr(&pty, OptionalActions::Now, &terminal).unwrap();
        let modes = of(&pty).unwrap();
        let find = |opcode| modes.iter().find(|(found, _)| *found == opcode).map(|(_, value)| value);
        assert_eq!(
            (find(1), find(4), find(53), find(51), find(91)),
            (Some(7), Some(255), Some(0), Some(1), Some(1))
        );
        assert!(find(TTY_OP_OSPEED).is_some_and(|speed| speed > 0));
        let mut opcodes: Vec<_> = modes.iter().map(|(opcode, _)| opcode).collect();
        opcodes.sort_unstable();
        opcodes.dedup();
        assert_eq!(opcodes.len(), modes.iter().count(), "no opcode twice");
    }

    #[test]
    fn one_terminal_is_set_as_another() {
        let [one, two] = [(), ()].map(|()| openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
        let mut terminal = tcgetattr(&one).unwrap();
        terminal.special_codes[Special::VINTR] = 7;
        terminal.special_codes[Special::VQUIT] = DISABLED_HERE;
        terminal.input_modes.toggle(InputModes::ICRNL | InputModes::IXON);
        terminal.local_modes.toggle(LocalModes::ECHO);
        terminal.output_modes.toggle(OutputModes::ONLCR);
        terminal.set_speed(9600).unwrap();
        tcsetattr(&one, OptionalActions::Now, &terminal).unwrap();
        let modes = of(&one).unwrap();
        assert_ne!(of(&two).unwrap(), modes);
        apply(&two, &modes).unwrap();
        assert_eq!(of(&two).unwrap(), modes);
        // What means nothing here changes nothing.
        let mut odd = TerminalModes::default();
        odd.set(120, 1);
        odd.set(CS7, 0);
        apply(&two, &odd).unwrap();
        assert_eq!(of(&two).unwrap(), modes);
    }
}
