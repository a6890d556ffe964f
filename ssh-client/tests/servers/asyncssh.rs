//! AsyncSSH.

use crate::{algorithms, certificates, scenarios, support};
use testing::{Library, PythonServer};

support::shared!(PythonServer, PythonServer::start(Library::AsyncSsh));

support::tests! {
    every_key_exchange_method = algorithms::key_exchanges, &[
        "mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384", "curve25519-sha256",
        "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256",
        "diffie-hellman-group15-sha512", "diffie-hellman-group16-sha512", "diffie-hellman-group17-sha512",
        "diffie-hellman-group18-sha512",
    ];
    every_cipher = algorithms::ciphers, &[
        "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr",
        "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "blowfish-cbc",
    ];
    every_mac = algorithms::macs, &[
        "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com",
        "hmac-md5-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-md5", "hmac-sha1-96",
        "hmac-md5-96", "hmac-sha1-96-etm@openssh.com", "hmac-md5-96-etm@openssh.com",
    ];
    every_compression_method = algorithms::compressions, &["zlib@openssh.com", "zlib"];
    every_host_key_algorithm = algorithms::host_keys, &[
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256",
        "rsa-sha2-512", "ssh-rsa",
    ];
    every_user_key_type = algorithms::user_keys;
    every_user_certificate = certificates::users;
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
