//! What uses secrets, and which secrets those are.

use crate::{
    files::{self, File, OPENSSH, PLAIN},
    passphrase, text,
};
use ssh_auth::{
    Client, ClientConfig, Event, Method, Prompt, Server, ServerConfig, ServerEvent,
    agent::{AddedKey, AgentClient, Frames, Request},
    keyfile::write_openssh,
};
use ssh_crypto::{Secret, default_provider};
use ssh_wire::{Encoder, Packet, PacketSink, Reader};
use std::{
    mem,
    sync::{Arc, Mutex},
};
use testing::{
    Seeded,
    memory::{Sought, Subject},
};
use zeroize::Zeroizing;

pub(crate) fn subjects() -> Vec<Subject> {
    let mut all = vec![authentication(), lock()];
    for file in OPENSSH {
        all.extend([writing(file), writing_encrypted(file), agent(file)]);
    }
    for file in OPENSSH.into_iter().chain(PLAIN) {
        all.push(reading(file, move |sought| file.secrets(sought)));
    }
    for encrypted in files::encrypted() {
        all.push(reading(encrypted.file, move |sought| encrypted.secrets(sought)));
    }
    all
}

/// Those that keep a key.
pub(crate) fn kept() -> Vec<Subject> {
    let plain =
        OPENSSH.into_iter().chain(PLAIN).map(|file| keeping(file, move |sought| file.secrets(sought)));
    let encrypted = files::encrypted();
    let encrypted = encrypted.into_iter().map(|it| keeping(it.file, move |sought| it.secrets(sought)));
    plain.chain(encrypted).collect()
}

fn keeping(file: File, secrets: impl Fn(&mut Sought) + 'static) -> Subject {
    let kept = Mutex::new(None);
    let name = format!("keeping {}", file.name);
    Subject::in_one(name, move || *kept.lock().unwrap() = Some(file.read()), secrets)
}

fn reading(file: File, secrets: impl Fn(&mut Sought) + 'static) -> Subject {
    Subject::in_one(file.name, move || drop(file.read()), secrets)
}

/// What is written is a secret, too.
fn writing(file: File) -> Subject {
    let run = move |_| vec![write_openssh(&file.read(), "comment", None, &Seeded::new(2)).unwrap()];
    Subject::new(format!("writing {}", file.name), run, move |sought| file.secrets(sought)).once()
}

fn writing_encrypted(file: File) -> Subject {
    let run = move || {
        write_openssh(&file.read(), "comment", Some((&passphrase(), 1)), &Seeded::new(2)).unwrap();
    };
    Subject::in_one(format!("writing {} with a passphrase", file.name), run, move |sought| {
        file.secrets(sought);
        sought.add(&passphrase());
        let random = Seeded::new(2);
        // The integer by which a wrong passphrase is known comes first.
        random.bytes(4);
        let mut key = [0; 48];
        bcrypt_pbkdf::bcrypt_pbkdf(&*passphrase(), &random.bytes(16), 1, &mut key).unwrap();
        sought.add(&key);
    })
}

/// A key on its way to an agent, behind one that was not sent yet, and at the agent.
fn agent(file: File) -> Subject {
    let send = move || {
        let mut client = AgentClient::new();
        for comment in [&b"one"[..], b"two"] {
            let key = Box::new(AddedKey::new(file.read()));
            client.send(&Request::Add { key, comment, constraints: vec![] }).unwrap();
        }
        client.take_output()
    };
    let run = move || {
        let mut frames = Frames::new();
        for part in send().chunks(1000) {
            frames.push(part);
        }
        while let Some(frame) = frames.next_frame().unwrap() {
            Request::parse(&frame).unwrap();
        }
    };
    Subject::in_one(format!("agent with {}", file.name), run, move |sought| {
        let key = file.read();
        sought.add_around(&send(), &key.public_key().to_blob());
        files::numbers(&key, sought);
    })
}

fn lock() -> Subject {
    let run = || {
        let passphrase = passphrase();
        let mut client = AgentClient::new();
        client.send(&Request::Lock { passphrase: &passphrase }).unwrap();
        client.send(&Request::Unlock { passphrase: &passphrase }).unwrap();
        client.send(&Request::AddToken { provider: b"", pin: &passphrase, constraints: vec![] }).unwrap();
        client.take_output();
    };
    Subject::in_one("agent with a passphrase", run, |sought| sought.add(&passphrase()))
}

/// A password, its change, and two answers, from one engine to the other.
fn authentication() -> Subject {
    let methods = ["password", "keyboard-interactive"];
    let run = move || {
        let entries = vec![
            Method::Password { id: 0 },
            Method::KeyboardInteractive { id: 1, submethods: String::new() },
        ];
        let mut client = Client::new(ClientConfig::new("user", entries), vec![1; 32]);
        let mut server = Server::new(ServerConfig::new(Arc::new(default_provider()), &methods), vec![1; 32]);
        client.start();
        while !server.is_authenticated() {
            while let Some(event) = client.poll_event() {
                answer(&mut client, &event);
            }
            pass(|wire| client.flush(wire), |payload| server.handle(payload).unwrap());
            while let Some(event) = server.poll_event() {
                decide(&mut server, &event);
            }
            pass(|wire| server.flush(wire), |payload| client.handle(payload).unwrap());
        }
    };
    Subject::in_one("authentication", run, |sought| {
        [PASSWORD, NEW_PASSWORD, FIRST, SECOND].map(typed).iter().for_each(|secret| sought.add(secret));
    })
}

/// What the user types, by its seed. Two of them do not fit into the room that a packet begins with.
fn typed(seed: u64) -> Secret {
    text(seed, 3000)
}

const PASSWORD: u64 = 3;
const NEW_PASSWORD: u64 = 4;
const FIRST: u64 = 5;
const SECOND: u64 = 6;

fn answer(client: &mut Client, event: &Event) {
    match event {
        Event::Password { .. } => client.password(Some(typed(PASSWORD))),
        Event::ChangePassword { .. } => client.new_password(Some((typed(PASSWORD), typed(NEW_PASSWORD)))),
        Event::Prompts { .. } => client.responses(Some(vec![typed(FIRST), typed(SECOND)])),
        _ => {}
    }
}

fn decide(server: &mut Server, event: &ServerEvent) {
    match event {
        ServerEvent::Password { .. } => server.change_password("expired").unwrap(),
        ServerEvent::Interactive { .. } => {
            let prompt = Prompt { text: "?".to_owned(), echo: false };
            server.prompts("", "", &[prompt.clone(), prompt]).unwrap();
        }
        ServerEvent::Responses { .. } => server.accept().unwrap(),
        _ => server.partial(&["keyboard-interactive"]).unwrap(),
    }
}

/// A transport without keys.
struct Wire {
    encoder: Encoder,
    /// What stands behind its buffer, which then has to move when it grows.
    neighbour: Vec<u8>,
}

impl PacketSink for Wire {
    fn packet(&mut self) -> Option<Packet<'_>> {
        let packet = self.encoder.packet();
        self.neighbour = vec![0; 4096];
        Some(packet)
    }
}

/// What one engine sends goes to the other. Packets hold secrets in the clear here.
fn pass(flush: impl FnOnce(&mut Wire), mut handle: impl FnMut(&[u8])) {
    let mut wire = Wire { encoder: Encoder::new(|_| {}), neighbour: vec![] };
    flush(&mut wire);
    let packets = Zeroizing::new(mem::take(wire.encoder.output()));
    let mut reader = Reader::new(&packets);
    while !reader.is_empty() {
        // RFC 4253 §6.
        let packet = reader.string().unwrap();
        handle(&packet[1..packet.len() - usize::from(packet[0])]);
    }
}
