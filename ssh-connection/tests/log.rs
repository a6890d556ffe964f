//! What the log tells of a channel's life: each step on both sides, and nothing that may be secret.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{End, settle};
use log::{LevelFilter, Log, Metadata, Record};
use ssh_connection::{Config, Event};
use ssh_wire::{
    Encode, LOG_TARGET,
    message::connection::{Env, Exec, ExitStatus},
    number::open_failure,
};
use std::sync::Mutex;

/// Keeps the lines.
struct Logger(Mutex<Vec<String>>);

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = match record.target() {
            LOG_TARGET => format!("({})", record.args()),
            _ => record.args().to_string(),
        };
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

static LOGGER: Logger = Logger(Mutex::new(Vec::new()));

fn end(name: &'static str) -> End {
    let mut end = End::new(Config::default());
    end.mux.set_name(name);
    end
}

/// The next lines of one side.
fn told(name: &str) -> Vec<String> {
    let mut lines = LOGGER.0.lock().unwrap();
    let prefix = format!("{name}: ");
    let found = lines.iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with(&prefix));
    found
}

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

#[test]
fn the_life_of_a_channel() {
    log::set_logger(&LOGGER).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let (mut ours, mut theirs) = (end("Client"), end("Server"));
    let channel = ours.mux.open(b"session", b"").unwrap();
    let variable = encoded(&Env { name: b"NAME", value: b"xyzzy" });
    ours.mux.request(channel, b"env", false, &variable).unwrap();
    ours.mux.request(channel, b"exec", true, &encoded(&Exec { command: b"xyzzy" })).unwrap();
    settle(&mut ours, &mut theirs);
    let Event::Incoming { channel: of_peer, .. } = theirs.event() else { panic!() };
    theirs.mux.accept(of_peer).unwrap();
    settle(&mut ours, &mut theirs);
    assert_eq!(
        told("Client"),
        [
            "channel 0: opening \"session\"",
            "channel 0: requesting \"env\"",
            "channel 0: requesting \"exec\"",
            "channel 0: open, with a window of 2097152 bytes and packets of up to 65536",
        ]
    );
    assert_eq!(
        told("Server"),
        [
            "the peer opens a channel of type \"session\"",
            "channel 0: accepted",
            "channel 0: the peer requests \"env\"",
            "channel 0: the peer requests \"exec\"",
        ]
    );

    theirs.mux.reply(of_peer, true);
    let _ = theirs.mux.write(of_peer, b"xyzzy", &mut theirs.wire).unwrap();
    theirs.mux.request(of_peer, b"exit-status", false, &encoded(&ExitStatus { status: 3 })).unwrap();
    theirs.mux.eof(of_peer);
    settle(&mut ours, &mut theirs);
    ours.mux.close(channel);
    settle(&mut ours, &mut theirs);
    assert_eq!(
        told("Client"),
        [
            "channel 0: our request is granted",
            "channel 0: the peer requests \"exit-status\" 3",
            "channel 0: EOF received",
            "channel 0: CLOSE sent",
            "channel 0: CLOSE received",
        ]
    );
    assert_eq!(
        told("Server"),
        [
            "channel 0: the peer's request is granted",
            "channel 0: requesting \"exit-status\" 3",
            "channel 0: EOF sent",
            "channel 0: CLOSE received",
            "channel 0: CLOSE sent",
        ]
    );

    let refused = ours.mux.open(b"x11\x1b[2J", b"xyzzy").unwrap();
    ours.mux.global_request(b"tcpip-forward", true, b"xyzzy").unwrap();
    settle(&mut ours, &mut theirs);
    let asked = std::iter::from_fn(|| theirs.mux.poll_event()).find_map(|event| match event {
        Event::Incoming { channel, .. } => Some(channel),
        _ => None,
    });
    theirs.mux.reject(asked.unwrap(), open_failure::CONNECT_FAILED, "no\nway").unwrap();
    theirs.mux.global_reply(false, b"");
    settle(&mut ours, &mut theirs);
    let number = refused.number();
    assert_eq!(
        told("Client"),
        [
            format!("channel {number}: opening \"x11\\x1b[2J\""),
            "requesting \"tcpip-forward\"".to_owned(),
            format!("channel {number}: the peer refuses it, reason 2: \"no\\nway\""),
            "our request is refused".to_owned(),
        ]
    );
    // Of single messages the encoder tells, which both sides have under the same name here.
    let lines = LOGGER.0.lock().unwrap().join("\n");
    for line in ["(Encoder: sent CHANNEL_REQUEST, ", "(Encoder: sent CHANNEL_DATA, 14 bytes)"] {
        assert!(lines.contains(line), "{line} in\n{lines}");
    }
    assert!(!lines.contains("xyzzy"), "{lines}");
}
