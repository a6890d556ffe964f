//! Signals to this program: a window of another size, and the wish that it ends.

use crate::{exit::OWN_ERROR, terminal};
use log::info;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH},
    iterator::Signals,
};
use ssh_client::blocking::Channel;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Watches for signals from here on.
pub(crate) struct Watch {
    /// Whose terminal follows the size of the window here.
    channel: Arc<Mutex<Option<Channel>>>,
}

impl Watch {
    /// A signal that ends the program restores the terminal first. Those that were ignored at the start, as nohup
    /// has it, stay so.
    pub(crate) fn start() -> io::Result<Self> {
        let ignored = ignored();
        let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
        let watched =
            ending.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).chain([SIGWINCH]);
        let mut signals = Signals::new(watched)?;
        let channel: Arc<Mutex<Option<Channel>>> = Arc::default();
        let follower = channel.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if signal == SIGWINCH {
                    let channel = follower.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    // A channel that is gone needs no size.
                    let _ = channel.map(|channel| channel.window_change(terminal::size()));
                    continue;
                }
                terminal::restore();
                info!("ended by signal {signal}");
                std::process::exit(OWN_ERROR.into());
            }
        })?;
        Ok(Self { channel })
    }

    /// The terminal of this channel follows the window here.
    pub(crate) fn follow(&self, channel: &Channel) {
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
    }

    /// Nothing follows the window any more.
    pub(crate) fn unfollow(&self) {
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The signals that are ignored, as a mask whose lowest bit is signal 1; where the system does not tell, none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status)
}

fn mask(status: &str) -> u64 {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    digits.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        assert_eq!(mask("Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n"), 0x1001);
        assert_eq!(mask("SigIgn:\tnonsense"), 0);
        assert_eq!(mask(""), 0);
    }
}
