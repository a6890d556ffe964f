//! What a peer may do wrong: what is refused, and what is tolerated because real peers do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{End, open_session, windows_of};
use proptest::prelude::*;
use ssh_connection::{Blocked, Config, ErrorKind, Event, Mux, Written};
use ssh_wire::{
    Message, Rest,
    message::{
        connection::{
            ChannelClose, ChannelData, ChannelEof, ChannelExtendedData, ChannelFailure, ChannelOpen,
            ChannelOpenConfirmation, ChannelOpenFailure, ChannelRequest, ChannelSuccess, ChannelWindowAdjust,
            GlobalRequest, RequestFailure, RequestSuccess,
        },
        transport::Ignore,
    },
};
use std::time::Instant;

fn end() -> End {
    End::new(Config::default())
}

fn confirmation(recipient: u32) -> ChannelOpenConfirmation<'static> {
    ChannelOpenConfirmation { recipient, sender: 5, window: 10, max_packet: 10, data: Rest(b"") }
}

fn request(recipient: u32) -> ChannelRequest<'static> {
    ChannelRequest { recipient, request: b"x", want_reply: true, data: Rest(b"") }
}

const FAILURE: ChannelOpenFailure<'static> =
    ChannelOpenFailure { recipient: 0, reason: 1, description: b"", language: b"" };

/// Runs `$check` for each message that names channel 0.
macro_rules! for_each_channel_message {
    ($check:expr) => {{
        let check = $check;
        check(confirmation(0).to_payload());
        check(FAILURE.to_payload());
        check(ChannelWindowAdjust { recipient: 0, bytes: 1 }.to_payload());
        check(ChannelData { recipient: 0, data: b"x" }.to_payload());
        check(ChannelExtendedData { recipient: 0, code: 1, data: b"x" }.to_payload());
        check(ChannelEof { recipient: 0 }.to_payload());
        check(ChannelClose { recipient: 0 }.to_payload());
        check(request(0).to_payload());
        check(ChannelSuccess { recipient: 0 }.to_payload());
        check(ChannelFailure { recipient: 0 }.to_payload());
    }};
}

#[track_caller]
fn assert_refused(mut end: End, payload: Vec<u8>) {
    let number = payload[0];
    let result = end.mux.handle(payload.into(), end.now);
    assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::Protocol), "message {number}");
    end.no_event();
}

#[test]
fn a_channel_number_never_opened_is_refused() {
    for_each_channel_message!(|payload| assert_refused(end(), payload));
}

#[test]
fn a_channel_we_have_only_asked_for_takes_nothing_but_an_answer() {
    for_each_channel_message!(|payload: Vec<u8>| {
        if ![91, 92].contains(&payload[0]) {
            let mut end = end();
            end.mux.open(b"session", b"").unwrap();
            assert_refused(end, payload);
        }
    });
}

#[test]
fn a_channel_we_have_not_accepted_takes_nothing() {
    for_each_channel_message!(|payload| {
        let mut end = end();
        end.hear(&open_session(3)).unwrap();
        end.event();
        assert_refused(end, payload);
    });
}

#[test]
fn an_open_channel_is_not_confirmed_or_refused_again() {
    let mut confirmed = end();
    confirmed.opened(5, 10, 10);
    confirmed.refuses(&confirmation(0));
    let mut refused = end();
    refused.opened(5, 10, 10);
    refused.refuses(&FAILURE);
}

#[test]
fn a_channel_that_both_have_closed_takes_late_credit_and_replies_and_nothing_else() {
    for_each_channel_message!(|payload: Vec<u8>| {
        let mut end = end();
        let channel = end.opened(5, 10, 10);
        end.mux.close(channel);
        end.says();
        end.hear(&ChannelClose { recipient: 0 }).unwrap();
        end.event();
        if [93, 99, 100].contains(&payload[0]) {
            end.mux.handle(payload.into(), end.now).unwrap();
            end.no_event();
        } else {
            assert_refused(end, payload);
        }
    });
}

#[test]
fn a_channel_that_the_peer_has_closed_takes_late_credit_and_replies_and_nothing_else() {
    for_each_channel_message!(|payload: Vec<u8>| {
        let mut end = end();
        end.opened(5, 10, 10);
        end.hear(&ChannelClose { recipient: 0 }).unwrap();
        end.event();
        if [93, 99, 100].contains(&payload[0]) {
            end.mux.handle(payload.into(), end.now).unwrap();
            end.no_event();
        } else {
            assert_refused(end, payload);
        }
    });
}

#[test]
fn what_crosses_our_close_is_dropped() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 10, 10);
    end.mux.request(channel, b"env", true, b"").unwrap();
    end.mux.close(channel);
    end.says();
    end.hear(&ChannelData { recipient: 0, data: &[0; 50] }).unwrap();
    end.hear(&ChannelExtendedData { recipient: 0, code: 1, data: &[0; 50] }).unwrap();
    end.hear(&ChannelWindowAdjust { recipient: 0, bytes: 100 }).unwrap();
    end.hear(&request(0)).unwrap();
    end.hear(&ChannelEof { recipient: 0 }).unwrap();
    end.no_event();
    end.mux.reply(channel, true);
    assert!(end.says().is_empty(), "nothing may follow our CLOSE");
    end.hear(&ChannelFailure { recipient: 0 }).unwrap();
    assert_eq!(end.event(), Event::Reply { channel, success: false });
    end.hear(&ChannelClose { recipient: 0 }).unwrap();
    assert_eq!(end.event(), Event::Closed { channel });
    assert!(end.says().is_empty());
}

#[test]
fn data_beyond_the_window_is_refused_to_the_byte() {
    let full = || {
        let mut end = End::new(windows_of(100));
        end.opened(5, 10, 10);
        end.hear(&ChannelData { recipient: 0, data: &[0; 60] }).unwrap();
        end.event();
        end
    };
    full().refuses(&ChannelData { recipient: 0, data: &[0; 41] });
    full().refuses(&ChannelExtendedData { recipient: 0, code: 1, data: &[0; 41] });
    let mut end = full();
    end.hear(&ChannelData { recipient: 0, data: &[0; 40] }).unwrap();
    end.hear(&ChannelData { recipient: 0, data: b"" }).unwrap();
    end.refuses(&ChannelData { recipient: 0, data: b"x" });
}

#[test]
fn reading_does_not_open_the_window_before_the_adjust_is_sent() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 10, 10);
    end.hear(&ChannelData { recipient: 0, data: &[0; 100] }).unwrap();
    end.event();
    end.mux.consumed(channel, 100, end.now);
    end.refuses(&ChannelData { recipient: 0, data: b"x" });
}

#[test]
fn an_adjust_past_the_largest_window_is_refused() {
    let mut exact = end();
    let channel = exact.opened(5, 10, 10);
    exact.hear(&ChannelWindowAdjust { recipient: 0, bytes: u32::MAX - 10 }).unwrap();
    assert_eq!(exact.mux.writable(channel), u32::MAX as usize);
    exact.refuses(&ChannelWindowAdjust { recipient: 0, bytes: 1 });

    let mut over = end();
    over.opened(5, u32::MAX, 10);
    over.refuses(&ChannelWindowAdjust { recipient: 0, bytes: u32::MAX });
}

#[test]
fn a_packet_size_of_0_is_refused() {
    end().refuses(&ChannelOpen { max_packet: 0, ..open_session(1) });
    let mut asked = end();
    asked.mux.open(b"session", b"").unwrap();
    asked.refuses(&ChannelOpenConfirmation { max_packet: 0, ..confirmation(0) });
}

#[test]
fn an_initial_window_of_0_opens_later() {
    let mut end = end();
    let channel = end.opened(5, 0, 10);
    assert_eq!(end.mux.write(channel, b"x", &mut end.wire), Ok(Written::Blocked(Blocked::Window)));
    end.hear(&ChannelWindowAdjust { recipient: 0, bytes: 1 }).unwrap();
    assert_eq!(end.event(), Event::WindowOpened { channel });
    assert_eq!(end.mux.write(channel, b"xy", &mut end.wire), Ok(Written::Bytes(1)));
}

#[test]
fn an_initial_window_of_4_gib_is_used() {
    let mut end = end();
    let channel = end.opened(5, u32::MAX, 32768);
    assert_eq!(end.mux.writable(channel), u32::MAX as usize);
    assert_eq!(end.mux.write(channel, &[0; 70_000], &mut end.wire), Ok(Written::Bytes(70_000)));
}

/// Of what is written, no more is taken than the window holds, whatever the lower half of its size says.
#[test]
#[cfg(target_pointer_width = "64")]
fn a_write_of_more_than_4_gib_is_taken_as_far_as_the_window_goes() {
    // Zeros that nobody touches take no memory.
    let data = vec![0; (1 << 32) + 3];
    for (window, taken) in [(10, 10), (3, 3), (70_000, 70_000)] {
        let mut end = end();
        let channel = end.opened(5, window, 32768);
        assert_eq!(end.mux.write(channel, &data, &mut end.wire), Ok(Written::Bytes(taken)));
        let sent: usize = end.says().iter().map(|payload| payload.len() - 9).sum();
        assert_eq!(sent, taken);
        assert_eq!(end.mux.write(channel, &data, &mut end.wire), Ok(Written::Blocked(Blocked::Window)));
    }
}

#[test]
fn credit_behind_our_end_of_file_is_taken() {
    let mut end = end();
    let channel = end.opened(5, 10, 10);
    end.mux.eof(channel);
    assert_eq!(end.says_one(), ChannelEof { recipient: 5 }.to_payload());
    end.hear(&ChannelWindowAdjust { recipient: 0, bytes: 100 }).unwrap();
    end.no_event();
    assert!(end.mux.write(channel, b"x", &mut end.wire).is_err());
    end.hear(&ChannelData { recipient: 0, data: b"an answer" }).unwrap();
    assert!(matches!(end.event(), Event::Data { .. }));
}

#[test]
fn replies_to_nothing_are_refused() {
    let open = || {
        let mut end = end();
        end.opened(5, 10, 10);
        end
    };
    open().refuses(&ChannelSuccess { recipient: 0 });
    open().refuses(&ChannelFailure { recipient: 0 });
    open().refuses(&RequestSuccess { data: Rest(b"") });
    open().refuses(&RequestFailure {});

    let mut unasked = open();
    unasked.mux.request(unasked_channel(&unasked), b"env", false, b"").unwrap();
    unasked.mux.global_request(b"x", false, b"").unwrap();
    unasked.refuses(&ChannelSuccess { recipient: 0 });
    let mut twice = open();
    twice.mux.global_request(b"x", true, b"").unwrap();
    twice.hear(&RequestFailure {}).unwrap();
    twice.refuses(&RequestFailure {});
}

/// The channel with number 0 of an engine that has opened only that.
fn unasked_channel(end: &End) -> ssh_connection::ChannelId {
    let mut twin = self::end();
    let channel = twin.opened(5, 10, 10);
    assert!(end.mux.writable(channel) > 0);
    channel
}

#[test]
fn data_behind_the_end_of_file_is_dropped_and_gets_no_credit() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 10, 10);
    end.hear(&ChannelEof { recipient: 0 }).unwrap();
    assert_eq!(end.event(), Event::Eof { channel });
    end.hear(&ChannelEof { recipient: 0 }).unwrap();
    end.hear(&ChannelData { recipient: 0, data: &[0; 60] }).unwrap();
    end.hear(&ChannelExtendedData { recipient: 0, code: 1, data: &[0; 40] }).unwrap();
    end.no_event();
    assert!(end.says().is_empty());
    end.hear(&request(0)).unwrap();
    assert!(matches!(end.event(), Event::Request { .. }), "exit-status may follow the EOF");
    end.hear(&ChannelWindowAdjust { recipient: 0, bytes: 1 }).unwrap();
    end.refuses(&ChannelData { recipient: 0, data: b"x" });
}

#[test]
fn a_close_without_end_of_file_or_status_is_a_close() {
    let mut end = end();
    let channel = end.opened(5, 10, 10);
    end.hear(&ChannelClose { recipient: 0 }).unwrap();
    assert_eq!(end.event(), Event::Closed { channel });
    end.no_event();
    assert_eq!(end.says_one(), ChannelClose { recipient: 5 }.to_payload());
}

#[test]
fn extended_data_of_any_code_is_handed_on_and_credited() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 10, 10);
    end.hear(&ChannelExtendedData { recipient: 0, code: 0xfe00_0001, data: &[7; 100] }).unwrap();
    let Event::ExtendedData { code: 0xfe00_0001, data, .. } = end.event() else { panic!() };
    end.mux.consumed(channel, data.len(), end.now);
    assert_eq!(end.says_one(), ChannelWindowAdjust { recipient: 5, bytes: 100 }.to_payload());
}

#[test]
fn a_flood_of_requests_that_cannot_be_answered_is_refused() {
    // Answered, but the peer does not let the answers out: a rekey without an end.
    let mut config = Config::default();
    config.max_queue = 10_000;
    for refuse in [false, true] {
        config.refuse_requests = refuse;
        let mut end = End::new(config.clone());
        let channel = end.opened(5, 10, 10);
        let error = (0..20_000).find_map(|i| {
            let message = match i % 2 {
                0 => request(0).to_payload(),
                _ => GlobalRequest { name: b"x", want_reply: true, data: Rest(b"") }.to_payload(),
            };
            let result = end.mux.handle(message.into(), end.now);
            while end.mux.poll_event().is_some() {}
            end.mux.reply(channel, false);
            end.mux.global_reply(false, b"");
            result.err()
        });
        assert_eq!(error.expect("an end").kind(), ErrorKind::Protocol);
    }
}

#[test]
fn a_flood_of_requests_that_nobody_answers_is_refused() {
    let mut config = Config::default();
    config.max_unanswered = 10;
    let mut end = End::new(config);
    end.opened(5, 10, 10);
    for _ in 0..5 {
        end.hear(&request(0)).unwrap();
        end.hear(&GlobalRequest { name: b"x", want_reply: true, data: Rest(b"") }).unwrap();
    }
    end.refuses(&request(0));
}

#[test]
fn the_unanswered_requests_of_a_closed_channel_do_not_count() {
    let mut config = Config::default();
    config.max_unanswered = 10;
    let mut end = End::new(config);
    for round in 0..20 {
        let channel = end.opened(5, 10, 10);
        let recipient = channel.number();
        for _ in 0..9 {
            end.hear(&request(recipient)).unwrap();
            end.event();
        }
        if round % 2 == 0 {
            end.mux.close(channel);
        }
        end.hear(&ChannelClose { recipient }).unwrap();
        assert_eq!(end.event(), Event::Closed { channel });
        end.says();
    }
    assert_eq!(end.mux.channels(), 0);
}

#[test]
fn a_flood_of_opens_that_cannot_be_refused_is_refused_as_a_whole() {
    let mut config = Config::default();
    (config.max_queue, config.max_channels) = (1000, 1);
    let mut end = End::new(config);
    let error = (0..1000).find_map(|sender| end.hear(&open_session(sender)).err());
    assert_eq!(error.expect("an end").kind(), ErrorKind::Protocol);
}

#[test]
fn messages_of_other_protocols_are_refused() {
    end().refuses(&Ignore { data: b"" });
    let mut end = end();
    assert_eq!(end.mux.handle(Bytes::new(), end.now).unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn a_message_cut_anywhere_or_with_more_behind_is_refused() {
    let whole = [
        GlobalRequest { name: b"name", want_reply: true, data: Rest(b"") }.to_payload(),
        open_session(3).to_payload(),
    ];
    let cut = |whole: &[u8], open: bool| {
        for length in 1..whole.len() {
            let mut end = end();
            if open {
                end.opened(5, 10, 10);
                end.mux.request(unasked_channel(&end), b"x", true, b"").unwrap();
            }
            let error = end.mux.handle(Bytes::copy_from_slice(&whole[..length]), end.now);
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Protocol, "{whole:?} cut to {length}");
        }
    };
    for payload in whole {
        cut(&payload, false);
    }
    for_each_channel_message!(|mut payload: Vec<u8>| {
        cut(&payload, true);
        if ![91, 98].contains(&payload[0]) {
            payload.push(0);
            let mut end = end();
            end.opened(5, 10, 10);
            end.mux.request(unasked_channel(&end), b"x", true, b"").unwrap();
            let error = end.mux.handle(payload.into(), end.now);
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Protocol);
        }
    });
}

proptest! {
    /// Whatever a peer says, there is no panic, and what waits to be sent has a bound.
    #[test]
    fn arbitrary_messages_are_survived(
        messages in prop::collection::vec(
            (80..=100u8, 0..4u32, prop::collection::vec(any::<u8>(), 0..40), any::<u8>()),
            0..60,
        ),
    ) {
        let mut config = windows_of(50);
        config.max_channels = 4;
        let mut mux = Mux::new(config);
        let mut wire = common::Wire::default();
        for (number, channel, rest, mine) in messages {
            let mut payload = vec![number];
            payload.extend_from_slice(&channel.to_be_bytes());
            // Lengths that fit make messages that are understood.
            if mine % 2 == 0 {
                payload.extend_from_slice(&(rest.len() as u32).to_be_bytes());
            }
            payload.extend_from_slice(&rest);
            let failed = mux.handle(payload.into(), Instant::now()).is_err();
            if mine % 3 == 0 {
                mux.flush(&mut wire);
            }
            match mine % 5 {
                0 => { let _ = mux.open(b"session", b""); }
                1 => { let _ = mux.global_request(b"x", true, b""); }
                _ => {}
            }
            while let Some(event) = mux.poll_event() {
                match event {
                    Event::Incoming { channel, .. } if mine % 7 > 2 => mux.accept(channel).unwrap(),
                    Event::Incoming { channel, .. } => mux.reject(channel, 1, "").unwrap(),
                    Event::Opened { channel, .. } => { let _ = mux.request(channel, b"x", true, b""); }
                    Event::Request { channel, want_reply: true, .. } => mux.reply(channel, false),
                    Event::Eof { channel } => mux.close(channel),
                    _ => {}
                }
            }
            if failed {
                break;
            }
        }
        prop_assert!(mux.channels() <= 4);
    }
}
