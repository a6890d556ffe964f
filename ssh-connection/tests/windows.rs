//! Windows: what a write takes, when credit goes back, and how they grow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{End, windows_of};
use ssh_connection::{Blocked, Config, Event, Written};
use ssh_wire::{
    Message,
    message::connection::{
        ChannelClose, ChannelData, ChannelEof, ChannelExtendedData, ChannelOpen, ChannelOpenFailure,
        ChannelSuccess, ChannelWindowAdjust, RequestFailure,
    },
    number::EXTENDED_DATA_STDERR,
};
use std::time::Duration;

#[test]
fn writes_are_split_by_packet_size_and_window() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 25, 10);
    let data: Vec<u8> = (0..40).collect();
    assert_eq!(end.mux.writable(channel), 25);
    assert_eq!(end.mux.write(channel, &data, &mut end.wire), Ok(Written::Bytes(25)));
    assert_eq!(end.mux.write(channel, &data[25..], &mut end.wire), Ok(Written::Blocked(Blocked::Window)));
    let message = |data| ChannelData { recipient: 5, data }.to_payload();
    assert_eq!(end.says(), [message(&data[..10]), message(&data[10..20]), message(&data[20..25])]);
    assert_eq!(end.mux.write(channel, b"", &mut end.wire), Ok(Written::Bytes(0)));

    end.hear(&ChannelWindowAdjust { recipient: channel.number(), bytes: 0 }).unwrap();
    end.no_event();
    end.hear(&ChannelWindowAdjust { recipient: channel.number(), bytes: 3 }).unwrap();
    assert_eq!(end.event(), Event::WindowOpened { channel });
    end.hear(&ChannelWindowAdjust { recipient: channel.number(), bytes: 4 }).unwrap();
    end.no_event();
    let written = end.mux.write_extended(channel, EXTENDED_DATA_STDERR, &data[25..], &mut end.wire);
    assert_eq!(written, Ok(Written::Bytes(7)));
    let message = ChannelExtendedData { recipient: 5, code: 1, data: &data[25..32] };
    assert_eq!(end.says_one(), message.to_payload());
}

#[test]
fn a_window_is_awaited_without_a_write() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 10, 10);
    assert!(end.mux.await_window(channel));
    assert_eq!(end.mux.write(channel, &[0; 10], &mut end.wire), Ok(Written::Bytes(10)));
    // Nobody was blocked, so it would open without a word.
    assert!(!end.mux.await_window(channel));
    end.hear(&ChannelWindowAdjust { recipient: channel.number(), bytes: 3 }).unwrap();
    assert_eq!(end.event(), Event::WindowOpened { channel });
    assert!(end.mux.await_window(channel));
    let opening = end.mux.open(b"session", b"").unwrap();
    assert!(!end.mux.await_window(opening));
}

#[test]
fn credit_goes_back_in_quarters_and_only_for_what_was_read() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 0, 1);
    let recipient = channel.number();
    end.hear(&ChannelData { recipient, data: &[0; 60] }).unwrap();
    end.hear(&ChannelExtendedData { recipient, code: 77, data: &[0; 40] }).unwrap();
    assert!(end.says().is_empty(), "nothing was read");
    end.mux.consumed(channel, 24, end.now);
    assert!(end.says().is_empty(), "not worth a message");
    end.mux.consumed(channel, 1, end.now);
    assert_eq!(end.says_one(), ChannelWindowAdjust { recipient: 5, bytes: 25 }.to_payload());
    end.mux.consumed(channel, usize::MAX, end.now);
    assert_eq!(end.says_one(), ChannelWindowAdjust { recipient: 5, bytes: 75 }.to_payload());
    end.mux.consumed(channel, 50, end.now);
    assert!(end.says().is_empty(), "nothing was left to read");
}

#[test]
fn credit_waits_for_the_sink_as_a_sum() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 0, 1);
    let recipient = channel.number();
    end.wire.room = 0;
    for _ in 0..3 {
        end.hear(&ChannelData { recipient, data: &[0; 30] }).unwrap();
        end.mux.consumed(channel, 30, end.now);
        assert!(end.mux.wants_flush());
        assert!(end.says().is_empty());
    }
    end.wire.room = usize::MAX;
    assert_eq!(end.says_one(), ChannelWindowAdjust { recipient: 5, bytes: 90 }.to_payload());
}

#[test]
fn no_credit_is_given_to_a_peer_that_sends_no_more() {
    for ours in [false, true] {
        let mut end = End::new(windows_of(100));
        let channel = end.opened(5, 0, 1);
        let recipient = channel.number();
        end.hear(&ChannelData { recipient, data: &[0; 90] }).unwrap();
        if ours {
            end.mux.close(channel);
            assert_eq!(end.says_one(), ChannelClose { recipient: 5 }.to_payload());
        } else {
            end.hear(&ChannelEof { recipient }).unwrap();
        }
        end.mux.consumed(channel, 90, end.now);
        assert!(end.says().is_empty());
    }
}

#[test]
fn round_trips_are_taken_from_what_happens_anyway() {
    let mut end = End::new(Config::default());
    assert_eq!(end.mux.round_trip(), None);
    let channel = end.opened(5, 0, 1);
    end.mux.request(channel, b"exec", true, b"").unwrap();
    end.now += Duration::from_millis(80);
    end.hear(&ChannelSuccess { recipient: channel.number() }).unwrap();
    assert_eq!(end.mux.round_trip(), Some(Duration::from_millis(80)));
    end.mux.global_request(b"keepalive@openssh.com", true, b"").unwrap();
    end.now += Duration::from_millis(70);
    end.hear(&RequestFailure {}).unwrap();
    end.mux.open(b"session", b"").unwrap();
    end.now += Duration::from_millis(90);
    end.hear(&ChannelOpenFailure { recipient: 1, reason: 1, description: b"", language: b"" }).unwrap();
    assert_eq!(end.mux.round_trip(), Some(Duration::from_millis(70)));
}

#[test]
fn windows_grow_up_to_the_ceilings_of_channel_and_session() {
    for (max_window, max_session_window, expected) in
        [(16 << 20, 1 << 30, 16 << 20), (1 << 30, 24 << 20, 22 << 20), (1 << 30, 0, 64 << 10)]
    {
        let mut config = Config::default();
        (config.max_window, config.max_session_window) = (max_window, max_session_window);
        let mut end = End::new(config);
        let other = end.opened(4, 0, 1);
        let channel = end.opened(5, 0, 1);
        let recipient = channel.number();
        end.mux.request(channel, b"exec", true, b"").unwrap();
        end.now += Duration::from_millis(100);
        end.hear(&ChannelSuccess { recipient }).unwrap();
        let mut left = end.mux.window(channel);
        for _ in 0..30 {
            let chunk = vec![0; left.min(200_000)];
            while left > 0 {
                let bytes = left.min(chunk.len());
                end.hear(&ChannelData { recipient, data: &chunk[..bytes] }).unwrap();
                end.mux.consumed(channel, bytes, end.now);
                left -= bytes;
            }
            end.now += Duration::from_millis(50);
            for said in end.says() {
                if let Ok(adjust) = ChannelWindowAdjust::parse(&said) {
                    left += adjust.bytes as usize;
                }
            }
            end.now += Duration::from_millis(50);
        }
        let window = end.mux.window(channel);
        assert!((expected - expected / 20..=expected).contains(&window), "{window} of {expected}");

        // What the channel had is free for others when it is gone.
        end.hear(&ChannelClose { recipient }).unwrap();
        end.hear(&ChannelClose { recipient: other.number() }).unwrap();
        let next = end.mux.open(b"session", b"").unwrap();
        let said = end.says();
        let open = said.iter().find_map(|payload| ChannelOpen::parse(payload).ok()).unwrap();
        assert_eq!(open.sender, next.number());
        assert_eq!(u64::from(open.window), (2 << 20).min(max_session_window).max(64 << 10));
    }
}

#[test]
fn a_refused_channel_gives_its_window_back() {
    let mut config = Config::default();
    config.max_session_window = 3 << 20;
    let mut end = End::new(config);
    for _ in 0..5 {
        let channel = end.mux.open(b"session", b"").unwrap();
        let said = end.says_one();
        assert_eq!(ChannelOpen::parse(&said).unwrap().window, 2 << 20);
        let recipient = channel.number();
        end.hear(&ChannelOpenFailure { recipient, reason: 4, description: b"", language: b"" }).unwrap();
    }
}
