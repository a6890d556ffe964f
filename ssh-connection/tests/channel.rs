//! The life of a channel, message by message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{End, open_session, pair, settle, windows_of};
use ssh_connection::{Blocked, Config, ErrorKind, Event, Mux, Written};
use ssh_wire::{
    Message, Rest,
    message::connection::{
        ChannelClose, ChannelData, ChannelEof, ChannelExtendedData, ChannelFailure, ChannelOpen,
        ChannelOpenConfirmation, ChannelOpenFailure, ChannelRequest, ChannelSuccess, GlobalRequest,
        RequestFailure, RequestSuccess,
    },
    number::open_failure,
};

#[test]
fn an_open_carries_what_the_config_says() {
    let mut end = End::new(Config::default());
    let channel = end.mux.open(b"direct-tcpip", b"where to").unwrap();
    assert_eq!(
        ChannelOpen::parse(&end.says_one()).unwrap(),
        ChannelOpen {
            channel_type: b"direct-tcpip",
            sender: channel.number(),
            window: 2 << 20,
            max_packet: 64 << 10,
            data: Rest(b"where to"),
        }
    );
    assert_eq!(end.mux.channels(), 1);
    assert!(!end.mux.wants_flush());
}

#[test]
fn a_refused_open_tells_the_reason_and_frees_the_channel() {
    let mut end = End::new(Config::default());
    let channel = end.mux.open(b"session", b"").unwrap();
    end.mux.request(channel, b"shell", true, b"").unwrap();
    end.hear(&ChannelOpenFailure {
        recipient: channel.number(),
        reason: open_failure::CONNECT_FAILED,
        description: b"no \xff way",
        language: b"",
    })
    .unwrap();
    assert_eq!(end.event(), Event::Reply { channel, success: false });
    let description = "no \u{fffd} way".to_owned();
    assert_eq!(end.event(), Event::OpenFailed { channel, reason: 2, description });
    assert_eq!(end.mux.channels(), 0);
    assert_eq!(end.mux.request(channel, b"shell", true, b"").unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_follows_an_open_waits_for_its_confirmation() {
    let mut end = End::new(Config::default());
    let channel = end.mux.open(b"session", b"").unwrap();
    end.mux.request(channel, b"env", false, b"1").unwrap();
    end.mux.request(channel, b"exec", true, b"2").unwrap();
    end.mux.eof(channel);
    end.says_one();
    assert_eq!(
        end.mux.write(channel, b"x", &mut end.wire).unwrap_err().kind(),
        ErrorKind::Usage,
        "after EOF"
    );
    let confirmation = ChannelOpenConfirmation {
        recipient: channel.number(),
        sender: 0x01020304,
        window: 9,
        max_packet: 9,
        data: Rest(b"more"),
    };
    end.hear(&confirmation).unwrap();
    assert_eq!(end.event(), Event::Opened { channel, data: Bytes::from_static(b"more") });
    let recipient = 0x01020304;
    let request = |request, want_reply, data| {
        ChannelRequest { recipient, request, want_reply, data: Rest(data) }.to_payload()
    };
    assert_eq!(
        end.says(),
        [request(b"env", false, b"1"), request(b"exec", true, b"2"), ChannelEof { recipient }.to_payload()]
    );
    end.hear(&ChannelSuccess { recipient: channel.number() }).unwrap();
    assert_eq!(end.event(), Event::Reply { channel, success: true });
}

#[test]
fn a_channel_closed_before_its_confirmation_is_closed_after_it() {
    let mut end = End::new(Config::default());
    let channel = end.mux.open(b"session", b"").unwrap();
    end.mux.close(channel);
    assert_eq!(end.mux.write(channel, b"x", &mut end.wire).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(end.mux.request(channel, b"x", false, b"").unwrap_err().kind(), ErrorKind::Closed);
    end.says_one();
    let recipient = channel.number();
    end.hear(&ChannelOpenConfirmation { recipient, sender: 7, window: 9, max_packet: 9, data: Rest(b"") })
        .unwrap();
    end.no_event();
    assert_eq!(end.says_one(), ChannelClose { recipient: 7 }.to_payload());
    end.hear(&ChannelClose { recipient }).unwrap();
    assert_eq!(end.event(), Event::Closed { channel });
    assert_eq!(end.mux.channels(), 0);
    assert!(end.says().is_empty());
}

#[test]
fn an_incoming_channel_is_accepted_or_rejected() {
    let mut end = End::new(windows_of(777));
    end.hear(&open_session(40)).unwrap();
    end.hear(&ChannelOpen { channel_type: b"x11", data: Rest(b"from"), ..open_session(41) }).unwrap();
    end.hear(&open_session(42)).unwrap();
    let Event::Incoming { channel: first, channel_type, data } = end.event() else { panic!() };
    assert_eq!((&channel_type[..], &data[..]), (&b"session"[..], &b""[..]));
    let Event::Incoming { channel: second, channel_type, data } = end.event() else { panic!() };
    assert_eq!((&channel_type[..], &data[..]), (&b"x11"[..], &b"from"[..]));
    let Event::Incoming { channel: third, .. } = end.event() else { panic!() };

    assert_eq!(end.mux.write(first, b"x", &mut end.wire).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(end.mux.request(first, b"x", false, b"").unwrap_err().kind(), ErrorKind::Usage);
    end.mux.reject(second, open_failure::UNKNOWN_CHANNEL_TYPE, "no X here").unwrap();
    end.mux.accept(first).unwrap();
    end.mux.close(third);
    assert_eq!(end.mux.accept(first).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(end.mux.reject(second, 1, "").unwrap_err().kind(), ErrorKind::Closed);
    let failure = |recipient, reason, description| {
        ChannelOpenFailure { recipient, reason, description, language: b"" }.to_payload()
    };
    let confirmation = ChannelOpenConfirmation {
        recipient: 40,
        sender: first.number(),
        window: 777,
        max_packet: 64 << 10,
        data: Rest(b""),
    };
    assert_eq!(end.says(), [failure(41, 3, b"no X here"), confirmation.to_payload(), failure(42, 1, b"")]);
    assert_eq!(end.mux.channels(), 1);
    assert_eq!(end.mux.writable(first), 1000);
}

#[test]
fn a_peers_channels_beyond_the_limit_or_the_will_are_refused() {
    let mut config = Config::default();
    config.max_channels = 2;
    let mut end = End::new(config.clone());
    for sender in 0..3 {
        end.hear(&open_session(sender)).unwrap();
    }
    let said = end.says_one();
    assert_eq!(ChannelOpenFailure::parse(&said).unwrap().reason, open_failure::RESOURCE_SHORTAGE);
    assert_eq!(end.mux.open(b"session", b"").unwrap_err().kind(), ErrorKind::Limit);

    config.refuse_channels = true;
    let mut end = End::new(config);
    end.hear(&open_session(9)).unwrap();
    end.no_event();
    let said = end.says_one();
    let said = ChannelOpenFailure::parse(&said).unwrap();
    assert_eq!((said.recipient, said.reason), (9, open_failure::ADMINISTRATIVELY_PROHIBITED));
    assert_eq!(end.mux.channels(), 0);
}

#[test]
fn a_full_sink_takes_what_it_can() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 1000, 10);
    end.wire.room = 2;
    assert_eq!(end.mux.write(channel, &[7; 40], &mut end.wire), Ok(Written::Bytes(20)));
    assert_eq!(end.mux.write(channel, &[7; 40], &mut end.wire), Ok(Written::Blocked(Blocked::Output)));
    assert_eq!(end.mux.writable(channel), 980);
    end.wire.room = usize::MAX;
    assert_eq!(end.says().len(), 2);
}

#[test]
fn data_never_overtakes_the_request_before_it() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 1000, 1000);
    end.wire.room = 0;
    end.mux.request(channel, b"shell", false, b"").unwrap();
    assert_eq!(end.mux.write(channel, b"ls\n", &mut end.wire), Ok(Written::Blocked(Blocked::Output)));
    end.wire.room = 1;
    assert_eq!(end.mux.write(channel, b"ls\n", &mut end.wire), Ok(Written::Blocked(Blocked::Output)));
    end.wire.room = usize::MAX;
    assert_eq!(end.mux.write(channel, b"ls\n", &mut end.wire), Ok(Written::Bytes(3)));
    end.mux.eof(channel);
    end.mux.request(channel, b"signal", false, b"").unwrap();
    end.mux.close(channel);
    let numbers: Vec<u8> = end.says().iter().map(|payload| payload[0]).collect();
    assert_eq!(numbers, [98, 94, 98, 96, 97]);
}

#[test]
fn the_largest_packet_is_never_exceeded() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, u32::MAX, u32::MAX);
    let data = vec![1; 600_000];
    assert_eq!(end.mux.write(channel, &data, &mut end.wire), Ok(Written::Bytes(data.len())));
    assert_eq!(end.mux.write_extended(channel, 1, &data, &mut end.wire), Ok(Written::Bytes(data.len())));
    let sizes: usize =
        end.says().iter().map(|payload| payload.len() - if payload[0] == 94 { 9 } else { 13 }).sum();
    assert_eq!(sizes, 2 * data.len());
    let long = vec![0; 300_000];
    assert_eq!(end.mux.request(channel, b"x", false, &long).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(end.mux.open(&long, b"").unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(end.mux.global_request(b"x", false, &long).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn answers_that_no_packet_can_carry_are_cut_or_fail() {
    let mut end = End::new(Config::default());
    end.hear(&open_session(3)).unwrap();
    let Event::Incoming { channel, .. } = end.event() else { panic!() };
    end.mux.reject(channel, 1, &format!("x{}", "\u{e9}".repeat(300_000))).unwrap();
    let said = end.says_one();
    assert_eq!(ChannelOpenFailure::parse(&said).unwrap().description.len(), 1023);
    end.hear(&GlobalRequest { name: b"x", want_reply: true, data: Rest(b"") }).unwrap();
    end.mux.global_reply(true, &[0; 300_000]);
    assert_eq!(end.says_one(), RequestFailure {}.to_payload());
}

#[test]
fn data_is_a_slice_of_its_payload() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 0, 1);
    let recipient = channel.number();
    let payload = Bytes::from(ChannelData { recipient, data: b"abc" }.to_payload());
    let lies_at = payload[9..].as_ptr();
    end.mux.handle(payload, end.now).unwrap();
    let Event::Data { data, .. } = end.event() else { panic!() };
    assert_eq!((&data[..], data.as_ptr()), (&b"abc"[..], lies_at));

    let payload = Bytes::from(ChannelExtendedData { recipient, code: 99, data: b"abc" }.to_payload());
    let lies_at = payload[13..].as_ptr();
    end.mux.handle(payload, end.now).unwrap();
    let Event::ExtendedData { data, code: 99, .. } = end.event() else { panic!() };
    assert_eq!((&data[..], data.as_ptr()), (&b"abc"[..], lies_at));
    assert_eq!(end.mux.unread(channel), 6);

    end.hear(&ChannelData { recipient, data: b"" }).unwrap();
    end.no_event();
}

#[test]
fn the_end_and_the_close_wait_for_the_sink() {
    let mut end = End::new(windows_of(100));
    let channel = end.opened(5, 10, 10);
    end.wire.room = 0;
    end.mux.eof(channel);
    end.mux.eof(channel);
    assert!(end.says().is_empty() && end.mux.wants_flush());
    end.mux.close(channel);
    assert!(end.says().is_empty() && end.mux.wants_flush());
    end.wire.room = usize::MAX;
    let numbers: Vec<u8> = end.says().iter().map(|payload| payload[0]).collect();
    assert_eq!(numbers, [96, 97]);
    assert!(end.says().is_empty() && !end.mux.wants_flush());
}

#[test]
fn each_side_closes_once_and_the_id_is_gone() {
    let (mut a, ours, mut b, theirs) = pair(Config::default());
    a.mux.eof(ours);
    a.mux.eof(ours);
    settle(&mut a, &mut b);
    assert_eq!(b.event(), Event::Eof { channel: theirs });
    assert!(matches!(b.mux.write(theirs, b"still", &mut b.wire), Ok(Written::Bytes(5))));
    b.mux.close(theirs);
    b.mux.close(theirs);
    settle(&mut a, &mut b);
    assert!(matches!(a.event(), Event::Data { .. }));
    assert_eq!(a.event(), Event::Closed { channel: ours });
    assert_eq!(b.event(), Event::Closed { channel: theirs });
    a.no_event();
    b.no_event();
    assert_eq!((a.mux.channels(), b.mux.channels()), (0, 0));

    // Calls on what is gone have no effect, or say so.
    for (end, gone) in [(&mut a, ours), (&mut b, theirs)] {
        end.mux.eof(gone);
        end.mux.close(gone);
        end.mux.reply(gone, true);
        end.mux.consumed(gone, 100, end.now);
        assert_eq!(end.mux.write(gone, b"x", &mut end.wire).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(end.mux.request(gone, b"x", false, b"").unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(end.mux.accept(gone).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!((end.mux.writable(gone), end.mux.unread(gone), end.mux.window(gone)), (0, 0, 0));
        assert!(end.says().is_empty());
    }
}

#[test]
fn an_id_does_not_reach_the_channel_that_has_its_number_later() {
    let mut config = Config::default();
    config.max_channels = 1;
    let mut end = End::new(config);
    let old = end.opened(5, 10, 10);
    end.mux.close(old);
    end.says();
    end.hear(&ChannelClose { recipient: old.number() }).unwrap();
    assert_eq!(end.event(), Event::Closed { channel: old });
    let new = end.opened(6, 10, 10);
    assert_eq!(new.number(), old.number());
    assert_ne!(new, old);
    end.mux.close(old);
    end.mux.eof(old);
    assert!(end.says().is_empty());
    assert_eq!(end.mux.write(old, b"x", &mut end.wire).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(end.mux.writable(new), 10);
}

#[test]
fn a_number_is_used_again_only_after_both_closes() {
    let mut config = Config::default();
    config.max_channels = 1;
    let mut end = End::new(config);
    let channel = end.opened(5, 10, 10);
    end.wire.room = 0;
    end.hear(&ChannelClose { recipient: channel.number() }).unwrap();
    assert_eq!(end.event(), Event::Closed { channel });
    end.mux.flush(&mut end.wire);
    assert_eq!(end.mux.open(b"session", b"").unwrap_err().kind(), ErrorKind::Limit, "our CLOSE is not out");
    end.wire.room = usize::MAX;
    assert_eq!(end.says_one(), ChannelClose { recipient: 5 }.to_payload());
    assert!(end.mux.open(b"session", b"").is_ok());
}

#[test]
fn requests_are_answered_in_order() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 0, 1);
    let recipient = channel.number();
    let request =
        |name, want_reply| ChannelRequest { recipient, request: name, want_reply, data: Rest(b"!") };
    end.hear(&request(b"exit-status", false)).unwrap();
    end.hear(&request(b"keepalive@openssh.com", true)).unwrap();
    end.hear(&request(b"\xff\x00", true)).unwrap();
    let event = |name: &'static [u8], want_reply| Event::Request {
        channel,
        name: Bytes::from_static(name),
        want_reply,
        data: Bytes::from_static(b"!"),
    };
    assert_eq!(end.event(), event(b"exit-status", false));
    assert_eq!(end.event(), event(b"keepalive@openssh.com", true));
    assert_eq!(end.event(), event(b"\xff\x00", true));
    end.mux.reply(channel, false);
    end.mux.reply(channel, true);
    end.mux.reply(channel, true);
    assert_eq!(
        end.says(),
        [ChannelFailure { recipient: 5 }.to_payload(), ChannelSuccess { recipient: 5 }.to_payload()]
    );
}

#[test]
fn our_requests_without_an_answer_fail_when_the_channel_closes() {
    let mut end = End::new(Config::default());
    let channel = end.opened(5, 0, 1);
    for _ in 0..3 {
        end.mux.request(channel, b"env", true, b"").unwrap();
    }
    end.hear(&ChannelSuccess { recipient: channel.number() }).unwrap();
    end.hear(&ChannelClose { recipient: channel.number() }).unwrap();
    let reply = |success| Event::Reply { channel, success };
    assert_eq!([end.event(), end.event(), end.event()], [reply(true), reply(false), reply(false)]);
    assert_eq!(end.event(), Event::Closed { channel });
}

#[test]
fn global_requests_are_answered_in_order() {
    let mut end = End::new(Config::default());
    for (name, want_reply) in
        [(&b"hostkeys-00@openssh.com"[..], false), (b"what", true), (b"tcpip-forward", true)]
    {
        end.hear(&GlobalRequest { name, want_reply, data: Rest(b"d") }).unwrap();
        let (name, data) = (Bytes::from_static(name), Bytes::from_static(b"d"));
        assert_eq!(end.event(), Event::GlobalRequest { name, want_reply, data });
    }
    end.mux.global_reply(false, b"ignored");
    end.mux.global_reply(true, &[0, 0, 0, 80]);
    end.mux.global_reply(true, b"one too many");
    let success = RequestSuccess { data: Rest(&[0, 0, 0, 80]) };
    assert_eq!(end.says(), [RequestFailure {}.to_payload(), success.to_payload()]);

    end.mux.global_request(b"keepalive@openssh.com", true, b"").unwrap();
    end.mux.global_request(b"no-more-sessions@openssh.com", false, b"").unwrap();
    end.mux.global_request(b"tcpip-forward", true, b"where").unwrap();
    assert_eq!(end.says().len(), 3);
    end.hear(&RequestFailure {}).unwrap();
    end.hear(&success).unwrap();
    assert_eq!(end.event(), Event::GlobalReply { success: false, data: Bytes::new() });
    assert_eq!(end.event(), Event::GlobalReply { success: true, data: Bytes::from_static(&[0, 0, 0, 80]) });
}

#[test]
fn requests_can_be_refused_by_themselves() {
    let mut config = Config::default();
    config.refuse_requests = true;
    let mut end = End::new(config);
    let channel = end.opened(5, 0, 1);
    let recipient = channel.number();
    end.hear(&ChannelRequest {
        recipient,
        request: b"keepalive@openssh.com",
        want_reply: true,
        data: Rest(b""),
    })
    .unwrap();
    end.hear(&GlobalRequest { name: b"what", want_reply: true, data: Rest(b"") }).unwrap();
    assert!(matches!(end.event(), Event::Request { want_reply: false, .. }));
    assert!(matches!(end.event(), Event::GlobalRequest { want_reply: false, .. }));
    end.mux.reply(channel, true);
    end.mux.global_reply(true, b"");
    assert_eq!(end.says(), [ChannelFailure { recipient: 5 }.to_payload(), RequestFailure {}.to_payload()]);
}

#[test]
fn a_keepalive_answered_by_unimplemented_has_failed() {
    let mut end = End::new(Config::default());
    end.mux.global_request(b"no reply", false, b"").unwrap();
    end.mux.global_request(b"keepalive@openssh.com", true, b"").unwrap();
    end.mux.global_request(b"keepalive@openssh.com", true, b"").unwrap();
    end.mux.unimplemented(1);
    end.no_event();
    assert_eq!(end.says().len(), 3);
    end.mux.unimplemented(0);
    end.no_event();
    for seq in [1, 2] {
        end.mux.unimplemented(seq);
        assert_eq!(end.event(), Event::GlobalReply { success: false, data: Bytes::new() });
        end.mux.unimplemented(seq);
        end.no_event();
    }
    end.refuses(&RequestFailure {});
}

#[test]
fn the_queue_of_commands_is_bounded() {
    let mut config = Config::default();
    config.max_queue = 10_000;
    let mut end = End::new(config);
    let channel = end.opened(5, 0, 1);
    let waiting = end.mux.open(b"session", b"").unwrap();
    let count = (0..).take_while(|i| {
        let target = if i % 2 == 0 { channel } else { waiting };
        end.mux.request(target, b"env", false, &[0; 50]).is_ok()
    });
    assert!((50..=100).contains(&count.count()));
    assert_eq!(end.mux.request(channel, b"env", false, &[0; 50]).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(end.mux.global_request(b"env", false, &[0; 50]).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(end.mux.open(b"session", &[0; 50]).unwrap_err().kind(), ErrorKind::Limit);
    // What waits for a confirmation counts until that comes.
    end.says();
    assert!(end.mux.request(channel, b"env", false, &[0; 4000]).is_err());
    let (recipient, data) = (waiting.number(), Rest(&b""[..]));
    end.hear(&ChannelOpenConfirmation { recipient, sender: 6, window: 1, max_packet: 1, data }).unwrap();
    end.says();
    let waiting = end.mux.open(b"session", b"").unwrap();
    end.says();
    end.mux.request(waiting, b"env", false, &[0; 3000]).unwrap();
    assert!(end.mux.request(channel, b"env", false, &[0; 4000]).is_err());
    let recipient = waiting.number();
    end.hear(&ChannelOpenFailure { recipient, reason: 4, description: b"", language: b"" }).unwrap();
    end.mux.request(channel, b"env", false, &[0; 4000]).unwrap();
}

#[test]
fn many_channels_live_side_by_side() {
    let (mut a, mut b) = (End::new(Config::default()), End::new(Config::default()));
    let ours: Vec<_> = (0..500).map(|_| a.mux.open(b"session", b"").unwrap()).collect();
    settle(&mut a, &mut b);
    let mut theirs = Vec::new();
    while let Some(Event::Incoming { channel, .. }) = b.mux.poll_event() {
        b.mux.accept(channel).unwrap();
        theirs.push(channel);
    }
    settle(&mut a, &mut b);
    while let Some(event) = a.mux.poll_event() {
        assert!(matches!(event, Event::Opened { .. }));
    }
    for (i, channel) in ours.iter().enumerate() {
        let written = a.mux.write(*channel, format!("channel {i}").as_bytes(), &mut a.wire).unwrap();
        assert!(matches!(written, Written::Bytes(_)));
        a.mux.close(*channel);
    }
    settle(&mut a, &mut b);
    for (i, channel) in theirs.iter().enumerate() {
        let data = Bytes::from(format!("channel {i}"));
        assert_eq!(b.event(), Event::Data { channel: *channel, data });
    }
    for channel in theirs {
        assert_eq!(b.event(), Event::Closed { channel });
    }
    assert_eq!((a.mux.channels(), b.mux.channels()), (0, 0));
}

#[test]
fn channels_one_after_the_other_leave_nothing_behind() {
    let (mut a, mut b) = (End::new(Config::default()), End::new(Config::default()));
    let mut highest = 0;
    for _ in 0..2000 {
        let ours = a.mux.open(b"session", b"").unwrap();
        highest = highest.max(ours.number());
        settle(&mut a, &mut b);
        let Event::Incoming { channel: theirs, .. } = b.event() else { panic!() };
        b.mux.accept(theirs).unwrap();
        b.mux.close(theirs);
        settle(&mut a, &mut b);
        assert!(matches!(a.event(), Event::Opened { .. }));
        assert_eq!(a.event(), Event::Closed { channel: ours });
        assert_eq!(b.event(), Event::Closed { channel: theirs });
    }
    assert_eq!((a.mux.channels(), b.mux.channels()), (0, 0));
    assert!(highest < 64, "{highest}");
}

#[test]
fn only_the_connection_protocols_messages_are_understood() {
    let understood: Vec<u8> = (0..=255).filter(|&number| Mux::understands(number)).collect();
    assert_eq!(understood, [80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
}

#[test]
fn debug_output_shows_no_data() {
    let (mut a, ours, mut b, _) = pair(Config::default());
    assert_eq!(a.mux.write(ours, b"hunter2", &mut a.wire), Ok(Written::Bytes(7)));
    a.mux.request(ours, b"env", false, b"hunter2").unwrap();
    settle(&mut a, &mut b);
    let events = format!("{:?} {:?}", b.event(), b.event());
    assert!(events.contains("7 bytes") && !events.contains("hunter2"), "{events}");
}

#[test]
fn engines_go_to_other_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Mux>();
    check::<Event>();
    check::<ssh_connection::Error>();
}
