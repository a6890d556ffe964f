//! Paramiko.

use crate::{algorithms, scenarios, support};
use ssh_client::{
    crypto::KexAlgorithm, default_provider, kex::method::exchange::GROUP_EXCHANGE_SHA256_OLD_REQUEST,
};
use testing::{KeyKind, Library, PythonServer, Server};

support::shared!(PythonServer, PythonServer::start(Library::Paramiko));

support::tests! {
    every_key_exchange_method = algorithms::key_exchanges, &[
        "mlkem768x25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
    ];
    every_cipher = algorithms::ciphers, &[
        "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
        "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
    ];
    every_mac = algorithms::macs, &[
        "hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
        "hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96",
    ];
    every_compression_method = algorithms::compressions, &["zlib@openssh.com", "zlib"];
    every_host_key_algorithm = algorithms::host_keys, &[
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256",
        "rsa-sha2-512",
    ];
    every_user_key_type = algorithms::user_keys;
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

#[test]
fn rekeying_by_the_server() {
    match PythonServer::start(Library::Paramiko) {
        Ok(server) => scenarios::rekeying_by_the_server(&server, "Key exchange agreements"),
        Err(why) => testing::skip("paramiko::rekeying_by_the_server", &why),
    }
}

/// As it was done before RFC 4419; and once more after the login.
#[test]
fn a_group_is_asked_for_as_of_old() {
    let server = match PythonServer::start(Library::Paramiko) {
        Ok(server) => server,
        Err(why) => return testing::skip("paramiko::a_group_is_asked_for_as_of_old", &why),
    };
    let method = &GROUP_EXCHANGE_SHA256_OLD_REQUEST;
    let config = support::config_with(default_provider().with_kex(method), &server, KeyKind::Ed25519);
    let algorithms = support::only(&config, |algorithms| algorithms.kex = vec![method.name().into()]);
    let key = support::key(&server, KeyKind::Ed25519, &config);
    let session = support::connect(&server, &config.algorithms(algorithms).credential(key));
    session.rekey().unwrap();
    algorithms::echo(&session, 10_000, method.name());
    assert_eq!(server.log().matches("Picking p (~ 3072 bits)").count(), 2, "{}", server.log());
}
