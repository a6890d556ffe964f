//! What stays in memory of a password, at the client and at the server: nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{USER, plan};
use ssh_client::Credential;
use ssh_server::{Fixed, Secret};
use std::sync::Mutex;
use testing::{
    Seeded,
    memory::{self, Sought, Subject},
};

#[test]
fn a_password_is_nowhere_in_memory() {
    let test = "a_password_is_nowhere_in_memory";
    let secrets = |sought: &mut Sought| sought.add(&password());
    let waiting = Mutex::new(None);
    let wait = move || *waiting.lock().unwrap() = Some(plan().auth(|_| fixed()).start());
    memory::check_something_is_left(test, &[Subject::in_one("a server", wait, secrets)]);
    let subjects =
        [Subject::in_one("a login", log_in, secrets), Subject::in_one("a refusal", refuse, secrets)];
    memory::check_nothing_is_left(test, &subjects);
}

fn fixed() -> Fixed {
    Fixed::new(USER).password(password())
}

fn password() -> Secret {
    let mut password = Seeded::new(1).bytes(64);
    password.iter_mut().for_each(|byte| *byte = b'!' + *byte % 90);
    Secret::new(password)
}

fn log_in() {
    let fixture = plan().auth(|_| fixed()).start();
    let session =
        fixture.connect(&fixture.config(USER).credential(Credential::password(password()))).unwrap();
    assert_eq!(session.command("echo in").output().unwrap().stdout, b"in\n");
    session.close();
    fixture.serving.stop();
}

fn refuse() {
    let fixture = plan().start();
    fixture.connect(&fixture.config(USER).credential(Credential::password(password()))).unwrap_err();
    fixture.serving.stop();
}
