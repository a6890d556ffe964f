//! Every method, and whatever several of them a server may ask for.

use crate::pair::{Account, Key, PASSWORD, Pair, User, interactive, key, key_method};
use ssh_auth::{HostbasedMethod, Method};
use ssh_crypto::Signer;

#[test]
fn a_key_without_a_probe_takes_one_round_trip() {
    let methods = vec![key_method(Key::Ed25519, false)];
    let outcome = Pair::new(methods, User::default(), Account::new(&[&["publickey"]])).run();
    assert!(outcome.success);
    assert_eq!(outcome.round_trips, 1);
    assert_eq!(outcome.requests, ["publickey"]);
    assert_eq!(outcome.attempts.len(), 1);
    assert!(outcome.attempts[0].starts_with("publickey (ssh-ed25519 SHA256:"));
    assert!(outcome.attempts[0].ends_with("): accepted"));
}

#[test]
fn a_key_with_a_probe_is_asked_about_first() {
    let methods = vec![key_method(Key::Ed25519, true)];
    let outcome = Pair::new(methods, User::default(), Account::new(&[&["publickey"]])).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey?", "publickey"]);
    assert_eq!(outcome.round_trips, 2);
    assert_eq!(outcome.attempts.len(), 1);
}

#[test]
fn without_pipelining_the_first_request_waits_for_the_service() {
    let methods = vec![key_method(Key::Ed25519, false)];
    let account = Account::new(&[&["publickey"]]);
    let pair = Pair::with(methods, User::default(), account, |config| config.pipeline = false, |_| {});
    let outcome = pair.run();
    assert!(outcome.success);
    assert_eq!(outcome.round_trips, 2);
}

#[test]
fn every_key_type_signs_what_the_server_verifies() {
    for which in [Key::Ed25519, Key::P256, Key::P384, Key::P521, Key::Rsa, Key::MlDsa] {
        for probe in [false, true] {
            for host_key in [None, Some(b"the server's host key".to_vec())] {
                let account = Account { keys: vec![which], ..Account::new(&[&["publickey"]]) };
                let methods = vec![key_method(which, probe)];
                let bound = host_key.clone();
                let outcome = Pair::with(
                    methods,
                    User::default(),
                    account,
                    |config| config.hostbound = bound,
                    |config| config.host_key = host_key.clone(),
                )
                .run();
                assert!(outcome.success, "{which:?}");
                let bound = outcome.requests.last().unwrap() == "publickey-hostbound-v00@openssh.com";
                assert_eq!(bound, host_key.is_some());
            }
        }
    }
}

#[test]
fn a_signature_bound_to_another_host_is_refused() {
    let account = Account::new(&[&["publickey"]]);
    let outcome = Pair::with(
        vec![key_method(Key::Ed25519, false)],
        User::default(),
        account,
        |config| config.hostbound = Some(b"another host".to_vec()),
        |config| config.host_key = Some(b"this host".to_vec()),
    )
    .run();
    assert!(!outcome.success);
}

#[test]
fn a_password() {
    let outcome = Pair::new(vec![PASSWORD], User::default(), Account::new(&[&["password"]])).run();
    assert!(outcome.success);
    assert_eq!(outcome.round_trips, 1);
    assert_eq!(outcome.attempts, ["password: accepted"]);
}

#[test]
fn a_wrong_password_is_asked_for_again_as_often_as_configured() {
    let user = User { passwords: vec!["a", "b", "secret"], ..User::default() };
    let outcome = Pair::new(vec![PASSWORD], user.clone(), Account::new(&[&["password"]])).run();
    assert!(outcome.success);
    let refused = "password: refused; the server goes on with password";
    assert_eq!(outcome.attempts, [refused, refused, "password: accepted"]);

    let account = Account::new(&[&["password"]]);
    let pair = Pair::with(vec![PASSWORD], user, account, |config| config.attempts = 2, |_| {});
    let outcome = pair.run();
    assert!(!outcome.success);
    assert_eq!(outcome.attempts, [refused, refused]);
}

#[test]
fn an_expired_password_is_changed() {
    let account = Account { expired: true, ..Account::new(&[&["password"]]) };
    let outcome = Pair::new(vec![PASSWORD], User::default(), account.clone()).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["password", "password"]);
    assert_eq!(outcome.attempts, ["password: accepted"]);

    let user = User { new_password: None, ..User::default() };
    let outcome = Pair::new(vec![PASSWORD], user, account.clone()).run();
    assert!(!outcome.success);
    assert_eq!(outcome.attempts, ["password: skipped, for no further answer was given"]);

    let user = User { new_password: Some("bad"), passwords: vec!["secret"], ..User::default() };
    let outcome = Pair::new(vec![PASSWORD], user, account).run();
    assert!(!outcome.success);
    assert_eq!(outcome.attempts.len(), 2);
}

#[test]
fn a_conversation_of_several_rounds() {
    let rounds = vec![
        vec![("Password: ", "secret")],
        vec![],
        vec![("Token: ", "secret"), ("Favourite colour: ", "blue")],
        vec![],
    ];
    let account = Account { rounds, ..Account::new(&[&["keyboard-interactive"]]) };
    let user = User { responses: vec!["secret", "blue"], ..User::default() };
    let outcome = Pair::new(vec![interactive()], user, account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["keyboard-interactive"]);
    assert_eq!(outcome.told, ["title: what follows", "title: what follows"]);
    assert_eq!(outcome.attempts, ["keyboard-interactive: accepted"]);
}

#[test]
fn wrong_responses_are_asked_for_again_and_given_up() {
    let user = User { responses: vec!["wrong"], ..User::default() };
    let account = Account::new(&[&["keyboard-interactive"]]);
    let outcome = Pair::new(vec![interactive()], user, account.clone()).run();
    assert!(!outcome.success);
    assert_eq!(outcome.requests.len(), 3);

    let user = User { responses: vec![], ..User::default() };
    let outcome = Pair::new(vec![interactive()], user, account).run();
    assert!(!outcome.success);
    assert_eq!(outcome.attempts, ["keyboard-interactive: skipped, for no further answer was given"]);
}

#[test]
fn a_host_vouches_for_its_user() {
    let method = |host: &str| {
        Method::Hostbased(HostbasedMethod {
            host_key: key(Key::Ed25519).public_key().to_vec(),
            algorithm: "ssh-ed25519".to_owned(),
            host: host.to_owned(),
            local_user: "me".to_owned(),
            id: Key::Ed25519 as usize,
        })
    };
    let account = Account::new(&[&["hostbased"]]);
    let outcome = Pair::new(vec![method("client.example.")], User::default(), account.clone()).run();
    assert!(outcome.success);
    let outcome = Pair::new(vec![method("other.example.")], User::default(), account).run();
    assert!(!outcome.success);
}

#[test]
fn nothing_is_needed_where_none_is_enough() {
    let outcome = Pair::new(vec![Method::None], User::default(), Account::new(&[&["none"]])).run();
    assert!(outcome.success);
    assert_eq!(outcome.attempts, ["none: accepted"]);
}

#[test]
fn with_nothing_prepared_the_error_tells_what_the_server_wants() {
    let account = Account::new(&[&["publickey"], &["password"]]);
    let outcome = Pair::new(vec![], User::default(), account).run();
    assert!(!outcome.success);
    assert_eq!(outcome.attempts, ["none: refused; the server goes on with publickey, password"]);
}

/// Each chain that an account may demand, with one list prepared for all of them.
#[test]
fn every_chain_of_methods_is_followed() {
    let prepared = || {
        vec![
            key_method(Key::P256, false),
            key_method(Key::Ed25519, false),
            key_method(Key::OtherEd25519, true),
            PASSWORD,
            interactive(),
        ]
    };
    let methods = ["publickey", "password", "keyboard-interactive"];
    for first in methods {
        for second in methods {
            for third in [None, Some("publickey"), Some("password"), Some("keyboard-interactive")] {
                let chain: Vec<_> = [first, second].into_iter().chain(third).collect();
                // There is one password, and there are two keys.
                let uses = |name| chain.iter().filter(|&&method| method == name).count();
                if uses("password") > 1 || uses("publickey") > 2 {
                    continue;
                }
                let keys = vec![Key::Ed25519, Key::OtherEd25519];
                let account = Account { keys, ..Account::new(&[&chain]) };
                let pair = Pair::with(
                    prepared(),
                    User::default(),
                    account,
                    |_| {},
                    |config| {
                        config.max_attempts = 20;
                    },
                );
                let outcome = pair.run();
                assert!(outcome.success, "{chain:?}: {:#?}", outcome.attempts);
            }
        }
    }
}

#[test]
fn a_key_then_a_password() {
    let methods = vec![key_method(Key::Ed25519, false), PASSWORD];
    let account = Account::new(&[&["publickey", "password"]]);
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey", "password"]);
    assert_eq!(outcome.round_trips, 2);
    assert!(outcome.attempts[0].ends_with("accepted, but the server wants more: password"));
}

#[test]
fn a_key_then_questions() {
    let methods = vec![key_method(Key::Ed25519, true), interactive()];
    let account = Account::new(&[&["publickey", "keyboard-interactive"]]);
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey?", "publickey", "keyboard-interactive"]);
}

#[test]
fn two_keys_in_a_row_are_two_different_keys() {
    let account = Account {
        keys: vec![Key::Ed25519, Key::OtherEd25519],
        ..Account::new(&[&["publickey", "publickey"]])
    };
    let methods = vec![key_method(Key::Ed25519, false), key_method(Key::OtherEd25519, false)];
    let outcome = Pair::new(methods, User::default(), account.clone()).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey", "publickey"]);

    let methods = vec![key_method(Key::Ed25519, false), key_method(Key::Ed25519, false)];
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(!outcome.success);
    assert_eq!(outcome.requests, ["publickey"]);
    assert!(outcome.attempts[1].ends_with("skipped, for the server has judged this key already"));
}

#[test]
fn a_password_then_questions() {
    let methods = vec![interactive(), PASSWORD];
    let account = Account::new(&[&["password", "keyboard-interactive"]]);
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["keyboard-interactive", "password", "keyboard-interactive"]);
}

#[test]
fn a_key_that_came_too_early_is_tried_again_after_partial_success() {
    let methods = vec![key_method(Key::Ed25519, false), PASSWORD];
    let account = Account::new(&[&["password", "publickey"]]);
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey", "password", "publickey"]);
}

#[test]
fn a_method_that_is_not_offered_is_passed_over_and_recorded() {
    let methods = vec![key_method(Key::P256, false), interactive(), PASSWORD];
    let account = Account::new(&[&["password"], &["publickey"]]);
    let outcome = Pair::new(methods, User::default(), account).run();
    assert!(outcome.success);
    assert_eq!(outcome.requests, ["publickey", "password"]);
    assert_eq!(
        outcome.attempts[1..],
        [
            "keyboard-interactive: skipped, for the server only goes on with password, publickey",
            "password: accepted",
        ]
    );
}

#[test]
fn the_attempts_tell_all_that_was_tried_in_order() {
    let methods = vec![key_method(Key::P256, true), key_method(Key::Rsa, false), PASSWORD, interactive()];
    let account = Account::new(&[&["publickey"], &["password"]]);
    let user = User { passwords: vec!["wrong"], ..User::default() };
    let pair = Pair::with(methods, user, account, |_| {}, |config| config.max_attempts = 20);
    let outcome = pair.run();
    assert!(!outcome.success);
    let starts = [
        "publickey (ecdsa-sha2-nistp256 SHA256:",
        "publickey (ssh-rsa SHA256:",
        "publickey (ssh-rsa SHA256:",
    ];
    for (attempt, start) in outcome.attempts.iter().zip(starts) {
        assert!(attempt.starts_with(start), "{attempt}");
        assert!(attempt.ends_with("refused; the server goes on with publickey, password"), "{attempt}");
    }
    assert!(outcome.attempts[1].contains(", rsa-sha2-512)"));
    assert!(outcome.attempts[2].contains(", rsa-sha2-256)"));
    assert_eq!(
        outcome.attempts[3..],
        [
            "password: refused; the server goes on with publickey, password",
            "password: skipped, for no further answer was given",
            "keyboard-interactive: skipped, for the server only goes on with publickey, password",
        ]
    );
}

#[test]
fn other_methods_may_follow_a_failure() {
    use crate::wire::{Flush, failure, service_accept, success};
    use ssh_auth::{Client, ClientConfig, Event};

    let mut client = Client::new(ClientConfig::new("user", vec![]), b"id".to_vec());
    client.start();
    client.sent();
    client.handle(&service_accept()).unwrap();
    // Not while an answer is awaited.
    client.resume(vec![PASSWORD]);
    assert_eq!(client.poll_event(), None);
    client.handle(&failure("password")).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Failed));
    client.resume(vec![interactive(), PASSWORD]);
    assert_eq!(client.poll_event(), Some(Event::Password { id: 100, attempt: 1 }));
    client.password(Some("secret".into()));
    assert_eq!(client.sent().len(), 1);
    client.handle(&success()).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Success));
    client.resume(vec![PASSWORD]);
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.attempts().len(), 3);
}
