//! The API for tasks against servers that others have written: the scenarios of `main.rs`. The algorithms are tried there
//! alone, for they are the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod certificates;
#[path = "../tokio/api.rs"]
#[expect(dead_code, reason = "other scenarios use the rest")]
mod facade;
mod scenarios;
mod support;

use std::sync::OnceLock;
use testing::{Dropbear, KeyPair, Library, PythonServer, Sshd};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

mod openssh {
    use super::*;

    support::shared!(Sshd, start());

    fn start() -> Result<Sshd, String> {
        let builder = Sshd::builder().binary(Sshd::find_newer()?).config("RekeyLimit 1M\nMaxSessions 64");
        let server = builder.start_or_skip("openssh").ok_or_else(|| "it did not start".to_owned())?;
        server.authorize(&format!("cert-authority {}", KeyPair::authority().public_line()));
        Ok(server)
    }

    support::tests! {
        every_user_certificate = certificates::users;
        exit_status = scenarios::exit_status;
        exit_signal = scenarios::exit_signal;
        megabytes_in_each_direction = scenarios::streams;
        rekeying_by_both_sides = scenarios::rekeying;
        a_terminal = scenarios::terminal;
        direct_tcpip = scenarios::direct_tcpip;
        channels_beside_each_other = scenarios::channels_beside_each_other;
    }
}

mod asyncssh {
    use super::*;

    support::shared!(PythonServer, PythonServer::start(Library::AsyncSsh));

    support::tests! {
        every_host_certificate = certificates::hosts;
        exit_status = scenarios::exit_status;
        exit_signal = scenarios::exit_signal;
        megabytes_in_each_direction = scenarios::streams;
        rekeying_by_both_sides = scenarios::rekeying;
        passwords = scenarios::password;
        a_password_that_has_expired = scenarios::password_change;
        a_dialogue_of_two_rounds = scenarios::dialogue;
        a_terminal = scenarios::terminal;
        direct_tcpip = scenarios::direct_tcpip;
        channels_beside_each_other = scenarios::channels_beside_each_other;
    }

    #[test]
    fn rekeying_by_the_server() {
        match PythonServer::start(Library::AsyncSsh) {
            Ok(server) => scenarios::rekeying_by_the_server(&server, "Completed key exchange"),
            Err(why) => testing::skip("asyncssh::rekeying_by_the_server", &why),
        }
    }
}

mod paramiko {
    use super::*;

    support::shared!(PythonServer, PythonServer::start(Library::Paramiko));

    support::tests! {
        exit_status = scenarios::exit_status;
        exit_signal = scenarios::exit_signal;
        megabytes_in_each_direction = scenarios::streams;
        rekeying_by_both_sides = scenarios::rekeying;
        passwords = scenarios::password;
        a_dialogue_of_two_rounds = scenarios::dialogue;
        a_terminal = scenarios::terminal;
        direct_tcpip = scenarios::direct_tcpip;
        channels_beside_each_other = scenarios::channels_beside_each_other;
    }
}

mod dropbear {
    use super::*;

    support::shared!(Dropbear, Dropbear::start());

    support::tests! {
        exit_status = scenarios::exit_status;
        exit_signal = scenarios::exit_signal;
        megabytes_in_each_direction = scenarios::streams;
        rekeying_at_our_wish = scenarios::rekeying;
        passwords = scenarios::password;
        a_terminal = scenarios::terminal;
        direct_tcpip = scenarios::direct_tcpip;
        channels_beside_each_other = scenarios::channels_beside_each_other;
    }
}
