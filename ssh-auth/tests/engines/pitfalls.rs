//! What servers really do, and what attackers try who pose as one.

use crate::{
    order::client,
    pair::{Account, Key, PASSWORD, Pair, User, interactive, key, key_method},
    pitfalls_server::{password, server_with},
    wire::{
        Flush, Wire, banner, change_request, failure, info_request, info_request_with, partial, pk_ok,
        service_accept, success,
    },
};
use ssh_auth::{
    Client, ClientConfig, ErrorKind, Event, KeyMethod, Method,
    attempt::{Outcome, Reason},
    client::{MAX_BANNER_BYTES, MAX_BANNERS},
    method::interactive::{MAX_PROMPTS, MAX_ROUNDS},
};
use ssh_crypto::{Secret, SignError, Signer};
use ssh_wire::{
    Encode, Message, Reader,
    message::transport::ServiceAccept,
    number::{self, disconnect},
};

pub(crate) fn started(methods: Vec<Method>) -> Client {
    let mut client = Client::new(ClientConfig::new("user", methods), b"id".to_vec());
    client.start();
    client
}

/// With the service accepted and everything sent.
fn accepted(methods: Vec<Method>) -> Client {
    let mut client = started(methods);
    client.sent();
    client.handle(&service_accept()).unwrap();
    client
}

fn rsa(algorithms: &[&str], probe: bool) -> Method {
    let algorithms = algorithms.iter().map(|&name| name.to_owned()).collect();
    Method::Publickey(KeyMethod { public_key: key(Key::Rsa).public_key().to_vec(), algorithms, probe, id: 7 })
}

fn algorithm_asked(client: &mut Client) -> Option<String> {
    match client.poll_event() {
        Some(Event::Sign { id: 7, algorithm, .. }) => Some(algorithm),
        Some(Event::Failed) => None,
        other => unreachable!("{other:?}"),
    }
}

/// Signs with what was asked for; what the signature holds does not matter to the client.
fn sign(client: &mut Client, algorithm: &str) {
    let mut blob = Vec::new();
    algorithm.encode(&mut blob);
    b"signature".as_slice().encode(&mut blob);
    client.signature(Ok(blob));
    assert_eq!(client.sent().len(), 1);
}

// Tolerate.

#[test]
fn the_service_is_requested_once_only() {
    let mut client = started(vec![PASSWORD]);
    client.start();
    let mut sent = client.sent();
    client.start();
    client.handle(&service_accept()).unwrap();
    client.password(Some("wrong".into()));
    sent.extend(client.sent());
    client.handle(&failure("password")).unwrap();
    client.start();
    client.password(Some("secret".into()));
    sent.extend(client.sent());
    let requests = sent.iter().filter(|payload| payload[0] == number::SERVICE_REQUEST);
    assert_eq!(requests.count(), 1);
}

#[test]
fn a_service_accept_without_a_name_is_taken() {
    let mut client = started(vec![Method::None]);
    client.sent();
    client.handle(&[number::SERVICE_ACCEPT]).unwrap();
    client.handle(&success()).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Success));
}

#[test]
fn another_service_is_an_error() {
    let mut client = started(vec![Method::None]);
    client.sent();
    let error = client.handle(&ServiceAccept { service: b"ssh-connection" }.to_payload()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(error.disconnect_reason(), Some(disconnect::PROTOCOL_ERROR));
}

#[test]
fn message_60_means_what_the_method_in_flight_says() {
    let mut client = client("key probed");
    client.handle(&pk_ok("ssh-ed25519", key(Key::Ed25519).public_key())).unwrap();
    assert!(matches!(client.poll_event(), Some(Event::Sign { .. })));
    let mut client = crate::order::client("password sent");
    client.handle(&change_request()).unwrap();
    assert!(matches!(client.poll_event(), Some(Event::ChangePassword { .. })));
    let mut client = crate::order::client("interactive sent");
    client.handle(&info_request(&["Password: "])).unwrap();
    assert!(matches!(client.poll_event(), Some(Event::Prompts { .. })));
}

#[test]
fn an_info_request_without_prompts_is_answered_at_once() {
    let mut client = client("interactive sent");
    client.handle(&info_request(&[])).unwrap();
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.sent(), [vec![number::USERAUTH_INFO_RESPONSE, 0, 0, 0, 0]]);

    client.handle(&info_request_with(b"Notice", b"Call your bank.", &[])).unwrap();
    let (name, instruction) = ("Notice".to_owned(), "Call your bank.".to_owned());
    assert_eq!(client.poll_event(), Some(Event::Notice { id: 101, name, instruction }));
    assert_eq!(client.sent().len(), 1);
    client.handle(&success()).unwrap();
}

#[test]
fn texts_that_are_not_utf8_are_no_error() {
    let mut client = client("interactive sent");
    client.handle(&banner(b"caf\xe9")).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Banner("caf\u{fffd}".to_owned())));
    client.handle(&info_request_with(b"\xff", b"\xc3", &["ok"])).unwrap();
    let Some(Event::Prompts { name, instruction, .. }) = client.poll_event() else { unreachable!() };
    assert_eq!((name.as_str(), instruction.as_str()), ("\u{fffd}", "\u{fffd}"));
    // Nor are names that can't be names.
    let mut client = crate::order::client("password sent");
    client.handle(&[51, 0, 0, 0, 3, 0xff, b',', b',', 0]).unwrap();
}

#[test]
fn without_server_sig_algs_the_next_algorithm_is_tried_once() {
    let mut client = accepted(vec![rsa(&["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"], false)]);
    for algorithm in ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] {
        assert_eq!(algorithm_asked(&mut client).as_deref(), Some(algorithm));
        sign(&mut client, algorithm);
        client.handle(&failure("publickey,password")).unwrap();
    }
    assert_eq!(algorithm_asked(&mut client), None);
    assert_eq!(client.attempts().len(), 3);
}

#[test]
fn ssh_rsa_is_never_used_unless_listed() {
    let mut client = accepted(vec![rsa(&["rsa-sha2-512", "rsa-sha2-256"], false)]);
    client.set_server_sig_algs(Some(&["ssh-rsa".to_owned()]));
    // It was chosen before the list came.
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-512"));
    sign(&mut client, "rsa-sha2-512");
    client.handle(&failure("publickey")).unwrap();
    assert_eq!(algorithm_asked(&mut client), None);
}

#[test]
fn with_server_sig_algs_the_best_common_algorithm_is_tried_alone() {
    let list = ["ssh-ed25519", "rsa-sha2-256"].map(str::to_owned);
    let mut client = Client::new(
        ClientConfig::new("user", vec![rsa(&["rsa-sha2-512", "rsa-sha2-256"], false)]),
        b"id".to_vec(),
    );
    client.set_server_sig_algs(Some(&list));
    client.start();
    client.sent();
    client.handle(&service_accept()).unwrap();
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-256"));
    sign(&mut client, "rsa-sha2-256");
    client.handle(&failure("publickey")).unwrap();
    assert_eq!(algorithm_asked(&mut client), None);
    assert_eq!(client.attempts().len(), 1);
}

#[test]
fn an_rsa_key_refused_by_a_known_algorithm_is_not_tried_by_the_next() {
    let list = ["rsa-sha2-512", "rsa-sha2-256"];
    let mut client = accepted(vec![rsa(&list, false)]);
    client.set_server_sig_algs(Some(&list.map(str::to_owned)));
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-512"));
    sign(&mut client, "rsa-sha2-512");
    client.handle(&failure("publickey")).unwrap();
    assert_eq!(algorithm_asked(&mut client), None);
}

#[test]
fn server_sig_algs_that_come_late_correct_the_guess() {
    let mut client = accepted(vec![rsa(&["rsa-sha2-512", "rsa-sha2-256"], false)]);
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-512"));
    sign(&mut client, "rsa-sha2-512");
    client.set_server_sig_algs(Some(&["rsa-sha2-256".to_owned()]));
    client.handle(&failure("publickey")).unwrap();
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-256"));
}

#[test]
fn an_rsa_key_without_a_common_algorithm_is_passed_over() {
    let mut client =
        Client::new(ClientConfig::new("user", vec![rsa(&["rsa-sha2-512"], false)]), b"id".to_vec());
    client.set_server_sig_algs(Some(&["ssh-rsa".to_owned()]));
    client.start();
    assert_eq!(client.poll_event(), Some(Event::Failed));
    let text = client.attempts()[0].to_string();
    assert!(
        text.ends_with("skipped, for the key signs with rsa-sha2-512 and the server takes ssh-rsa"),
        "{text}"
    );
}

#[test]
fn keys_that_have_no_choice_ignore_server_sig_algs() {
    let mut client =
        Client::new(ClientConfig::new("user", vec![key_method(Key::Ed25519, false)]), b"id".to_vec());
    client.set_server_sig_algs(Some(&["rsa-sha2-512".to_owned()]));
    client.start();
    assert!(matches!(client.poll_event(), Some(Event::Sign { .. })));
}

#[test]
fn a_certificate_signs_with_its_keys_algorithm() {
    let mut blob = Vec::new();
    "ssh-rsa-cert-v01@openssh.com".encode(&mut blob);
    let algorithms = vec!["rsa-sha2-256-cert-v01@openssh.com".to_owned()];
    let method = Method::Publickey(KeyMethod { public_key: blob, algorithms, probe: false, id: 7 });
    let mut client = Client::new(ClientConfig::new("user", vec![method]), b"id".to_vec());
    client.set_server_sig_algs(Some(&["rsa-sha2-256".to_owned()]));
    client.start();
    client.sent();
    let Some(Event::Sign { algorithm, data, .. }) = client.poll_event() else { unreachable!() };
    assert_eq!(algorithm, "rsa-sha2-256");
    let name: &[u8] = b"rsa-sha2-256-cert-v01@openssh.com";
    assert!(data.windows(name.len()).any(|part| part == name));
    sign(&mut client, "rsa-sha2-256");
}

/// Such servers exist; what is signed with stays the algorithm of the request.
#[test]
fn a_pk_ok_may_name_the_type_of_the_key() {
    let mut client = accepted(vec![rsa(&["rsa-sha2-512"], true)]);
    client.handle(&pk_ok("ssh-rsa", key(Key::Rsa).public_key())).unwrap();
    assert_eq!(algorithm_asked(&mut client).as_deref(), Some("rsa-sha2-512"));
}

// Refuse.

#[test]
fn a_pk_ok_about_another_key_is_an_error() {
    let blob = key(Key::Ed25519).public_key();
    for (algorithm, blob) in
        [("rsa-sha2-512", blob), ("ssh-ed25519", key(Key::OtherEd25519).public_key()), ("", blob)]
    {
        let mut client = client("key probed");
        assert!(client.handle(&pk_ok(algorithm, blob)).is_err());
    }
}

/// An agent that ignores the flags signs with SHA-1.
#[test]
fn a_signature_by_another_algorithm_is_not_sent() {
    let mut client = accepted(vec![rsa(&["rsa-sha2-512"], false), PASSWORD]);
    let mut blob = Vec::new();
    "ssh-rsa".encode(&mut blob);
    client.signature(Ok(blob));
    assert_eq!(client.sent(), Vec::<Vec<u8>>::new());
    let (expected, found) = ("rsa-sha2-512".to_owned(), "ssh-rsa".to_owned());
    let reason = Reason::Signing(SignError::Algorithm { expected, found });
    assert_eq!(client.attempts()[0].outcome, Outcome::Skipped(reason));
}

#[test]
fn a_key_that_does_not_sign_is_given_up_for_the_next() {
    let mut client = accepted(vec![key_method(Key::Ed25519, false), key_method(Key::Ed25519, false)]);
    assert!(matches!(client.poll_event(), Some(Event::Sign { .. })));
    client.signature(Err(SignError::Failed("agent is gone".to_owned())));
    // The server has not seen the key: another holder of it may sign.
    assert!(matches!(client.poll_event(), Some(Event::Sign { .. })));
    assert!(
        client.attempts()[0]
            .to_string()
            .ends_with("the key gave no signature: signing failed: agent is gone")
    );
}

#[test]
fn success_is_no_answer_to_a_probe() {
    let mut client = client("key probed");
    let error = client.handle(&success()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let mut client = crate::order::client("key probed");
    assert!(client.handle(&partial("password")).is_err());
}

#[test]
fn banners_are_bounded_in_number_and_size() {
    let mut client = client("password sent");
    for _ in 0..MAX_BANNERS {
        client.handle(&banner(b"again")).unwrap();
    }
    assert_eq!(client.handle(&banner(b"again")).unwrap_err().kind(), ErrorKind::Limit);

    let mut client = crate::order::client("password sent");
    let half = vec![b'x'; MAX_BANNER_BYTES / 2];
    client.handle(&banner(&half)).unwrap();
    client.handle(&banner(&half)).unwrap();
    assert_eq!(client.handle(&banner(b"x")).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn notices_count_as_banners_do() {
    let mut client = client("interactive sent");
    let half = vec![b'x'; MAX_BANNER_BYTES / 2];
    for _ in 0..2 {
        client.handle(&info_request_with(b"", &half, &[])).unwrap();
        client.sent();
    }
    let error = client.handle(&info_request_with(b"x", b"", &[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn prompts_are_bounded_in_number_and_the_count_allocates_nothing() {
    let mut client = client("interactive sent");
    client.handle(&info_request(&vec!["?"; MAX_PROMPTS])).unwrap();
    let mut client = crate::order::client("interactive sent");
    let error = client.handle(&info_request(&vec!["?"; MAX_PROMPTS + 1])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    // A count of 2³²−1 with nothing behind it.
    let mut client = crate::order::client("interactive sent");
    let mut message = info_request(&[]);
    let end = message.len();
    message[end - 4..].fill(0xff);
    assert_eq!(client.handle(&message).unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn rounds_are_bounded() {
    let mut client = client("interactive sent");
    for _ in 0..MAX_ROUNDS {
        client.handle(&info_request(&[])).unwrap();
        client.sent();
    }
    assert_eq!(client.handle(&info_request(&[])).unwrap_err().kind(), ErrorKind::Limit);

    let mut client = crate::order::client("password sent");
    for _ in 0..MAX_ROUNDS {
        client.handle(&change_request()).unwrap();
        client.new_password(Some(("a".into(), "b".into())));
        client.sent();
    }
    assert_eq!(client.handle(&change_request()).unwrap_err().kind(), ErrorKind::Limit);
}

/// A server that only ever says "partial success" and one that turns its list around must both come to an end.
#[test]
fn no_server_keeps_the_client_busy_for_ever() {
    let lists =
        ["password", "publickey", "keyboard-interactive", "publickey,password,keyboard-interactive", ""];
    for answer in [failure, partial] {
        for first in lists {
            for second in lists {
                let mut client = accepted(vec![
                    key_method(Key::Ed25519, false),
                    rsa(&["rsa-sha2-512", "rsa-sha2-256"], false),
                    PASSWORD,
                    interactive(),
                ]);
                let mut requests = 0;
                loop {
                    while let Some(event) = client.poll_event() {
                        match event {
                            Event::Sign { algorithm, .. } => {
                                let mut blob = Vec::new();
                                algorithm.as_str().encode(&mut blob);
                                client.signature(Ok(blob));
                            }
                            Event::Password { .. } => client.password(Some("secret".into())),
                            _ => {}
                        }
                    }
                    if client.sent().is_empty() {
                        break;
                    }
                    requests += 1;
                    assert!(requests < 100);
                    let list = if requests % 2 == 0 { first } else { second };
                    client.handle(&answer(list)).unwrap();
                }
            }
        }
    }
}

#[test]
fn lists_of_methods_are_kept_within_bounds() {
    let mut client = client("password sent");
    let long = "x".repeat(10_000);
    let many = vec!["method"; 10_000].join(",");
    client.handle(&failure(&format!("{long},{many}"))).unwrap();
    let offered = client.offered().unwrap();
    assert!(offered.len() <= 32);
    assert!(offered.iter().all(|name| name.len() <= 64));
}

#[test]
fn a_key_the_server_has_refused_is_not_sent_again_under_another_number() {
    let mut client = accepted(vec![key_method(Key::Ed25519, true), key_method(Key::Ed25519, false)]);
    client.handle(&failure("publickey")).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Failed));
    assert_eq!(client.attempts()[1].outcome, Outcome::Skipped(Reason::Duplicate));
}

/// OpenSSH offers `keyboard-interactive` even where nothing is there to ask; each vain request counts as an attempt.
#[test]
fn a_conversation_that_never_began_is_not_tried_again() {
    let mut client = client("interactive sent");
    client.handle(&failure("keyboard-interactive")).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Failed));
    assert_eq!(client.sent().len(), 0);
}

#[test]
fn what_is_passed_over_is_recorded_once() {
    let mut client = accepted(vec![interactive(), key_method(Key::Ed25519, true), PASSWORD]);
    for _ in 0..3 {
        client.handle(&failure("password")).unwrap();
        client.password(Some("wrong".into()));
        assert_eq!(client.sent().len(), 1);
    }
    client.handle(&failure("password")).unwrap();
    let keys = client.attempts().iter().filter(|attempt| attempt.method == "publickey");
    assert_eq!(keys.count(), 1);
}

#[test]
fn an_error_takes_back_the_question_and_leaves_the_banner() {
    let mut client = accepted(vec![PASSWORD]);
    client.handle(&banner(b"account locked")).unwrap();
    client.handle(&success()).unwrap_err();
    assert_eq!(client.poll_event(), Some(Event::Banner("account locked".to_owned())));
    assert_eq!(client.poll_event(), None);
}

#[test]
fn what_does_not_fit_into_a_packet_is_not_sent() {
    let huge = || Secret::new(vec![b'x'; 300_000]);
    let mut client = accepted(vec![PASSWORD, interactive()]);
    client.password(Some(huge()));
    assert_eq!(client.attempts()[0].outcome, Outcome::Skipped(Reason::TooLong));
    assert_eq!(client.sent().len(), 1);
    client.handle(&info_request(&["?"])).unwrap();
    client.responses(Some(vec![huge()]));
    assert_eq!(client.attempts()[1].outcome, Outcome::Skipped(Reason::TooLong));
    assert_eq!(client.sent().len(), 0);

    let mut client = Client::new(ClientConfig::new("u".repeat(300_000), vec![Method::None]), b"id".to_vec());
    client.start();
    assert_eq!(client.sent().len(), 1);
    assert_eq!(client.attempts()[0].outcome, Outcome::Skipped(Reason::TooLong));
}

#[test]
fn another_number_of_responses_than_prompts_is_not_sent() {
    let mut client = client("responses asked for");
    client.responses(Some(vec![]));
    assert_eq!(client.sent().len(), 0);
    assert_eq!(client.attempts()[0].outcome, Outcome::Skipped(Reason::Answers { expected: 1, found: 0 }));
}

#[test]
fn what_can_not_be_sent_yet_waits() {
    let mut client = started(vec![Method::None]);
    let mut wire = Wire::new();
    for (room, numbers) in
        [(0, vec![]), (1, vec![number::SERVICE_REQUEST]), (1, vec![number::USERAUTH_REQUEST])]
    {
        wire.room = Some(room);
        client.flush(&mut wire);
        assert_eq!(wire.take().iter().map(|payload| payload[0]).collect::<Vec<_>>(), numbers);
    }
    assert!(!client.wants_flush());
}

#[test]
fn secrets_are_not_printed() {
    let mut client = accepted(vec![PASSWORD]);
    let _ = client.poll_event();
    client.password(Some("hunter2".into()));
    assert!(!format!("{client:?} {:?}", client.attempts()).contains("hunter2"));
    let mut server = server_with(&["password"]);
    server.handle(&password(b"hunter2")).unwrap();
    server.handle(&password(b"hunter3")).unwrap();
    let event = server.poll_event();
    assert!(!format!("{server:?} {event:?}").contains("hunter"));
}

/// RFC 4252 §7: what is signed, byte by byte.
#[test]
fn the_signed_data_has_the_fields_of_the_standard() {
    let mut client = started(vec![key_method(Key::Ed25519, false)]);
    let Some(Event::Sign { data, .. }) = client.poll_event() else { unreachable!() };
    let mut reader = Reader::new(&data);
    assert_eq!(reader.string().unwrap(), b"id");
    assert_eq!(reader.read::<u8>().unwrap(), number::USERAUTH_REQUEST);
    for field in [b"user".as_slice(), b"ssh-connection", b"publickey"] {
        assert_eq!(reader.string().unwrap(), field);
    }
    assert!(reader.read::<bool>().unwrap());
    assert_eq!(reader.string().unwrap(), b"ssh-ed25519");
    assert_eq!(reader.string().unwrap(), key(Key::Ed25519).public_key());
    reader.finish().unwrap();
}

/// The announcement may come between the question and the signature: the request must name what was signed.
#[test]
fn a_host_key_that_comes_late_does_not_spoil_a_signature() {
    let account = Account::new(&[&["publickey"]]);
    let mut pair = Pair::with(
        vec![key_method(Key::Ed25519, false)],
        User::default(),
        account,
        |_| {},
        |config| {
            config.host_key = Some(b"host key".to_vec());
        },
    );
    pair.client.start();
    pair.client.set_hostbound(Some(b"host key"));
    let outcome = pair.run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey"]);
}
