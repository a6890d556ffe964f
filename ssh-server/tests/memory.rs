//! What stays in memory of a password, at the client and at the server: nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{USER, plan};
use ssh_client::Credential;
use ssh_server::{Fixed, Secret};
use testing::{
    Seeded,
    memory::{self, Subject},
};

#[test]
fn a_password_is_nowhere_in_memory() {
    let subjects = [
        Subject::in_one("a login", log_in, |sought| sought.add(&password())),
        Subject::in_one("a refusal", refuse, |sought| sought.add(&password())),
    ];
    memory::check_nothing_is_left("a_password_is_nowhere_in_memory", &subjects);
}

fn password() -> Secret {
    let mut password = Seeded::new(1).bytes(64);
    password.iter_mut().for_each(|byte| *byte = b'!' + *byte % 90);
    Secret::new(password)
}

fn log_in() {
    let fixture = plan().auth(|_| Fixed::new(USER).password(password())).start();
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
