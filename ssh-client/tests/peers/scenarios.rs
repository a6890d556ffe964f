//! Servers that are in, and then do what no server should.

use super::facade::Session;
use crate::scripted::{BOUND, SHORT, config, grant, in_time, open_channel, server, server_before_the_login};
use ssh_client::{
    Config, ErrorKind, Phase, Timeouts,
    wire::{
        Encode, Message, Rest,
        message::{
            auth::{PkOk, UserauthSuccess},
            connection::{
                ChannelFailure, ChannelOpen, ChannelRequest, ChannelSuccess, ForwardedTcpip, GlobalRequest,
                RequestFailure, RequestSuccess,
            },
            transport::{Ping, ServiceAccept},
        },
        number,
    },
};
use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};
use testing::Peer;

fn connect(peer: &Peer, config: &Config) -> Session {
    Session::connect(("127.0.0.1", peer.port()), config).unwrap()
}

#[test]
fn a_command_times_out_though_its_stdin_is_not_read_and_close_is_not_answered() {
    let peer = server(|mut wire| {
        if let Some(channel) = open_channel(&mut wire, 1000) {
            grant(&mut wire, channel);
            wire.ignore();
        }
    });
    let session = connect(&peer, &config());
    let command = session.command("cat").stdin(vec![0; 100_000]).timeout(SHORT);
    let error = in_time(move || command.output().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Read));
}

#[test]
fn closing_a_channel_ends_reads_and_writes_of_other_threads() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, 1000);
        wire.ignore();
    });
    let session = connect(&peer, &config());
    let channel = session.open_session().unwrap();
    let writer = thread::spawn({
        let channel = channel.clone();
        move || (&channel).write_all(&[0; 10_000]).unwrap_err().kind()
    });
    let reader = thread::spawn({
        let channel = channel.clone();
        move || std::io::Read::read(&mut &channel, &mut [0; 10]).unwrap()
    });
    thread::sleep(SHORT);
    channel.close();
    let (write, read) = in_time(move || (writer.join().unwrap(), reader.join().unwrap()));
    assert_eq!((write, read), (std::io::ErrorKind::NotConnected, 0));
}

#[test]
fn closing_a_channel_ends_a_write_that_waits_for_the_socket() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, u32::MAX);
        wire.stop_reading();
    });
    let session = connect(&peer, &config());
    let channel = session.open_session().unwrap();
    let writer = thread::spawn({
        let channel = channel.clone();
        move || {
            std::iter::repeat_with(|| (&channel).write_all(&[0; 1 << 20]))
                .find_map(Result::err)
                .unwrap()
                .kind()
        }
    });
    thread::sleep(2 * SHORT);
    channel.close();
    assert_eq!(in_time(move || writer.join().unwrap()), std::io::ErrorKind::NotConnected);
}

#[test]
fn keepalives_give_up_a_peer_that_takes_nothing_more() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, u32::MAX);
        wire.stop_reading();
    });
    let session = connect(&peer, &config().keepalive(SHORT, 2));
    let channel = session.open_session().unwrap();
    let write = move || {
        std::iter::repeat_with(|| {
            channel.connection().is_active().then_some(()).map(|()| (&channel).write_all(&[0; 1 << 20]))
        })
        .find_map(|result| result?.err())
        .unwrap()
    };
    let error = in_time(write);
    let error = error.get_ref().and_then(|error| error.downcast_ref::<ssh_client::Error>()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Keepalive));
}

#[test]
fn a_session_with_a_peer_that_takes_nothing_closes_in_time() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, u32::MAX);
        wire.stop_reading();
    });
    let timeouts = Timeouts { close: SHORT, ..Timeouts::default() };
    let session = connect(&peer, &config().timeouts(timeouts));
    let channel = session.open_session().unwrap();
    channel.set_write_timeout(Some(SHORT));
    let blocked =
        std::iter::repeat_with(|| (&channel).write_all(&[0; 1 << 20])).find_map(Result::err).unwrap();
    assert_eq!(blocked.kind(), std::io::ErrorKind::TimedOut);
    let start = Instant::now();
    in_time(move || session.close());
    assert!(start.elapsed() >= SHORT, "what was written had no time to leave");
}

#[test]
fn a_connection_that_comes_together_with_the_answer_to_a_forward_is_delivered() {
    let peer = server(|mut wire| {
        for (number, port) in [(7, 2222), (8, 4321)] {
            if wire.await_message(number::GLOBAL_REQUEST).is_none() {
                return;
            }
            let (port_chosen, opened) = (
                4321_u32.to_be_bytes(),
                ForwardedTcpip { address: b"", port, originator: b"::1", originator_port: 9 },
            );
            let (data, opened) = (if port == 2222 { &[][..] } else { &port_chosen }, opened);
            let mut encoded = Vec::new();
            opened.encode(&mut encoded);
            wire.queue(&RequestSuccess { data: Rest(data) });
            wire.send(&ChannelOpen {
                channel_type: b"forwarded-tcpip",
                sender: number,
                window: 100,
                max_packet: 100,
                data: Rest(&encoded),
            });
        }
        wire.ignore();
    });
    let session = connect(&peer, &config());
    for (asked, port) in [(2222, 2222), (0, 4321)] {
        let forward = session.forward("", asked).unwrap();
        assert_eq!(forward.port(), port);
        let forwarded = forward.accept(Some(BOUND)).unwrap();
        assert_eq!((forwarded.originator.as_str(), forwarded.originator_port), ("::1", 9));
        // Dropping the forward makes a request, which the script must not take for the next one.
        std::mem::forget(forward);
    }
}

#[test]
fn a_late_answer_is_not_taken_for_that_to_the_next_request() {
    let peer = server(|mut wire| {
        let Some(channel) = open_channel(&mut wire, 1000) else { return };
        // The first one is answered, by a refusal, only when the second is there.
        for answers in [0, 2] {
            let Some(request) = wire.await_message(number::CHANNEL_REQUEST) else { return };
            assert!(ChannelRequest::parse(&request).unwrap().want_reply);
            if answers > 0 {
                wire.queue(&ChannelFailure { recipient: channel });
                wire.send(&ChannelSuccess { recipient: channel });
            }
        }
        for answers in [0, 2] {
            let Some(request) = wire.await_message(number::GLOBAL_REQUEST) else { return };
            assert!(GlobalRequest::parse(&request).unwrap().want_reply);
            if answers > 0 {
                wire.queue(&RequestFailure {});
                wire.send(&RequestSuccess { data: Rest(b"second") });
            }
        }
        wire.ignore();
    });
    let timeouts = Timeouts { request: Some(SHORT), ..Timeouts::default() };
    let session = connect(&peer, &config().timeouts(timeouts));
    let channel = session.open_session().unwrap();
    assert_eq!(channel.shell().unwrap_err().kind(), ErrorKind::Timeout(Phase::Request));
    channel.exec("true").unwrap();
    assert_eq!(
        session.global_request("first", true, b"").unwrap_err().kind(),
        ErrorKind::Timeout(Phase::Request)
    );
    let (success, data) = session.global_request("second", true, b"").unwrap();
    assert_eq!((success, &*data), (true, &b"second"[..]));
}

#[test]
fn a_login_that_is_not_answered_times_out() {
    let peer = server_before_the_login(|mut wire| {
        wire.send(&ServiceAccept { service: b"ssh-userauth" });
        wire.ignore();
    });
    let timeouts = Timeouts { authentication: Some(SHORT), ..Timeouts::default() };
    let config = config().password("secret").timeouts(timeouts);
    let error = in_time(move || Session::connect(("127.0.0.1", peer.port()), &config).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Authentication), "{error}");
}

#[test]
fn a_channel_that_is_neither_opened_nor_refused_times_out() {
    let peer = server(|wire| wire.ignore());
    let timeouts = Timeouts { open: Some(SHORT), ..Timeouts::default() };
    let session = connect(&peer, &config().timeouts(timeouts));
    let opening = session.clone();
    let error = in_time(move || opening.open_session().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Open), "{error}");
    assert!(session.is_active());
}

#[test]
fn new_keys_that_never_come_end_the_session() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, 1000);
        // It does not even see that new keys are wanted.
        wire.stop_reading();
    });
    let timeouts = Timeouts { rekey: SHORT, ..Timeouts::default() };
    let session = connect(&peer, &config().timeouts(timeouts));
    let channel = session.open_session().unwrap();
    let start = Instant::now();
    session.rekey().unwrap();
    let shell = in_time(move || channel.shell().unwrap_err());
    let ended = in_time(move || session.wait(Some(BOUND)).unwrap());
    for error in [shell, ended] {
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Rekey), "{error}");
    }
    assert!(start.elapsed() >= SHORT, "that was too early");
}

#[test]
fn a_flood_of_questions_whose_answers_are_not_read_ends_the_session() {
    for number in [number::GLOBAL_REQUEST, number::CHANNEL_REQUEST, number::CHANNEL_OPEN, number::PING] {
        let peer = server(move |mut wire| {
            if open_channel(&mut wire, 1000).is_none() {
                return;
            }
            let data = Rest(b"");
            // Enough to fill both sockets' buffers and our queues with answers.
            for _ in 0..400_000 {
                match number {
                    number::GLOBAL_REQUEST => {
                        wire.queue(&GlobalRequest { name: b"x", want_reply: true, data });
                    }
                    number::CHANNEL_REQUEST => {
                        wire.queue(&ChannelRequest { recipient: 0, request: b"x", want_reply: true, data });
                    }
                    number::CHANNEL_OPEN => {
                        wire.queue(&ChannelOpen {
                            channel_type: b"x11",
                            sender: 1,
                            window: 1,
                            max_packet: 1,
                            data,
                        });
                    }
                    _ => wire.queue(&Ping { data: &[0; 64] }),
                }
                if !wire.write_if_much() {
                    return;
                }
            }
            wire.stop_reading();
        });
        let session = connect(&peer, &config());
        let _channel = session.open_session().unwrap();
        let error = in_time(move || session.wait(Some(BOUND)).unwrap());
        assert_eq!(error.kind(), ErrorKind::Protocol, "{number}: {error}");
    }
}

#[test]
fn timeouts_of_any_length_are_taken() {
    let peer = server(|mut wire| {
        open_channel(&mut wire, 1000);
        wire.ignore();
    });
    let for_ever = Some(Duration::MAX);
    let timeouts = Timeouts {
        connect: for_ever,
        handshake: for_ever,
        authentication: for_ever,
        open: for_ever,
        request: for_ever,
        rekey: Duration::MAX,
        ..Timeouts::default()
    };
    let session = Session::connect(("localhost", peer.port()), &config().timeouts(timeouts)).unwrap();
    session.open_session().unwrap();
}

/// Nothing but the dialogue of the login has a place before its end, and no success before a request.
#[test]
fn what_comes_before_the_login_is_over_ends_the_session() {
    fn ends_with(message: impl Message + Sync + Send + 'static) {
        let peer = server_before_the_login(move |mut wire| {
            wire.send(&message);
            wire.ignore();
        });
        let config = config().pipeline(false).password("secret");
        let error = Session::connect(("127.0.0.1", peer.port()), &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
    let open =
        ChannelOpen { channel_type: b"session", sender: 0, window: 1000, max_packet: 100, data: Rest(b"") };
    ends_with(open);
    ends_with(GlobalRequest { name: b"hostkeys-00@openssh.com", want_reply: false, data: Rest(b"") });
    ends_with(ChannelSuccess { recipient: 0 });
    ends_with(RequestSuccess { data: Rest(b"") });
    ends_with(UserauthSuccess {});
    ends_with(PkOk { algorithm: b"ssh-ed25519", public_key: b"" });
}
