//! Random messages in every state: errors or nothing, never a panic, never unbounded growth.

use crate::{
    order::{SERVER_STATES, STATES, client, client_messages, server, server_messages},
    pair::{Key, PASSWORD, interactive, key, key_method},
    wire::{Flush, service_accept},
};
use proptest::prelude::*;
use ssh_auth::{Client, ClientConfig, Event, Method};
use ssh_crypto::{SignError, Signer};

/// One step of a peer or a caller that have lost their minds.
#[derive(Debug, Clone)]
enum Step {
    Message(usize),
    /// One of the messages, changed at a place.
    Damaged(usize, usize, u8),
    /// One of the messages, cut short.
    Cut(usize, usize),
    Bytes(Vec<u8>),
    Answer(u8),
    Flush,
}

fn steps(messages: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..messages).prop_map(Step::Message),
        2 => (0..messages, any::<usize>(), any::<u8>()).prop_map(|(which, at, by)| Step::Damaged(which, at, by)),
        1 => (0..messages, any::<usize>()).prop_map(|(which, at)| Step::Cut(which, at)),
        1 => (50u8..80, proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(number, mut bytes)| {
            bytes.insert(0, number);
            Step::Bytes(bytes)
        }),
        4 => any::<u8>().prop_map(Step::Answer),
        4 => Just(Step::Flush),
    ];
    proptest::collection::vec(step, 0..60)
}

fn payload(step: &Step, messages: &[(&str, Vec<u8>)]) -> Option<Vec<u8>> {
    Some(match step {
        Step::Message(which) => messages[*which].1.clone(),
        Step::Damaged(which, at, by) => {
            let mut payload = messages[*which].1.clone();
            let len = payload.len().max(1);
            if let Some(byte) = payload.get_mut(at % len) {
                *byte ^= by;
            }
            payload
        }
        Step::Cut(which, at) => {
            let mut payload = messages[*which].1.clone();
            payload.truncate(at % (payload.len() + 1));
            payload
        }
        Step::Bytes(bytes) => bytes.clone(),
        Step::Answer(_) | Step::Flush => return None,
    })
}

fn all_methods() -> Vec<Method> {
    vec![
        Method::None,
        key_method(Key::Ed25519, false),
        key_method(Key::Ed25519, true),
        key_method(Key::P256, true),
        PASSWORD,
        interactive(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_client_survives_anything(state in 0..STATES.len() + 1, steps in steps(16)) {
        let messages = server_messages();
        let mut client = match STATES.get(state) {
            Some(state) => client(state),
            None => {
                let mut client = Client::new(ClientConfig::new("user", all_methods()), b"id".to_vec());
                client.start();
                client.sent();
                client.handle(&service_accept()).unwrap();
                client
            }
        };
        let mut ends = 0;
        for step in &steps {
            match (step, payload(step, &messages)) {
                (_, Some(payload)) => {
                    let _ = client.handle(&payload);
                }
                (Step::Answer(0), _) => client.start(),
                (Step::Answer(choice), _) => match choice % 4 {
                    0 => client.signature(match choice & 4 {
                        0 => key(Key::Ed25519).sign("ssh-ed25519", b"x"),
                        _ => Err(SignError::Invalid),
                    }),
                    1 => client.password((choice & 4 == 0).then(|| "secret".into())),
                    2 => client.responses((choice & 4 == 0).then(|| vec!["secret".into()])),
                    _ => client.new_password((choice & 4 == 0).then(|| ("a".into(), "b".into()))),
                },
                _ => prop_assert!(client.sent().len() <= 2),
            }
            let mut events = 0;
            while let Some(event) = client.poll_event() {
                events += 1;
                ends += usize::from(matches!(event, Event::Success | Event::Failed));
            }
            prop_assert!(events <= 2);
        }
        prop_assert!(ends <= 1);
        prop_assert!(client.attempts().len() <= steps.len() + 2 * all_methods().len());
    }

    #[test]
    fn the_server_survives_anything(state in 0..SERVER_STATES.len(), steps in steps(18)) {
        let messages = client_messages();
        let mut server = server(SERVER_STATES[state]);
        for step in &steps {
            match (step, payload(step, &messages)) {
                (_, Some(payload)) => {
                    let _ = server.handle(&payload);
                }
                (Step::Answer(choice), _) => {
                    let _ = match choice % 5 {
                        0 => server.accept(),
                        1 => server.reject(),
                        2 => server.partial(&["password", "keyboard-interactive"]),
                        3 => server.prompts("", "", &[]),
                        _ => server.change_password("expired"),
                    };
                }
                _ => prop_assert!(server.sent().len() <= steps.len()),
            }
        }
    }
}
