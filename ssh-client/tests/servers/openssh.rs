//! The newest OpenSSH, unpacked beside the machine's own.

use crate::{algorithms, certificates, scenarios, support};
use testing::{KeyPair, Sshd};

support::shared!(Sshd, start("openssh", ""));

/// With everything on that it has, legacy included.
fn start(test: &str, lines: &str) -> Result<Sshd, String> {
    let builder = Sshd::builder()
        .binary(Sshd::find_newer()?)
        .config(lines)
        .config("Ciphers +aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc")
        .config(&format!("MACs +{}", MACS.join(",")))
        .config(&format!("KexAlgorithms +{}", KEXES.join(",")))
        .config("HostKeyAlgorithms +ssh-rsa")
        .config("RekeyLimit 1M\nMaxSessions 64");
    let server = builder.start_or_skip(test).ok_or_else(|| "it did not start".to_owned())?;
    server.authorize(&format!("cert-authority {}", KeyPair::authority().public_line()));
    Ok(server)
}

/// What it has, on by default or not.
const KEXES: [&str; 16] = [
    "mlkem768x25519-sha256",
    "mlkem768nistp256-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
];
const MACS: [&str; 16] = [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
    "hmac-md5",
    "hmac-sha1-96",
    "hmac-md5-96",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
];

support::tests! {
    every_key_exchange_method = algorithms::key_exchanges, &KEXES;
    every_cipher = algorithms::ciphers, &[
        "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr",
        "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
    ];
    every_mac = algorithms::macs, &MACS;
    every_compression_method = algorithms::compressions, &["zlib@openssh.com"];
    every_host_key_algorithm = algorithms::host_keys, &[
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256",
        "rsa-sha2-512", "ssh-rsa",
    ];
    every_user_key_type = algorithms::user_keys;
    every_user_certificate = certificates::users;
    exit_status = scenarios::exit_status;
    exit_signal = scenarios::exit_signal;
    megabytes_in_each_direction = scenarios::streams;
    a_terminal = scenarios::terminal;
    direct_tcpip = scenarios::direct_tcpip;
    channels_beside_each_other = scenarios::channels_beside_each_other;
}

/// What it logs for each key exchange.
const EXCHANGE: &str = "SSH2_MSG_NEWKEYS received";

#[test]
fn rekeying_by_both_sides() {
    match start("openssh::rekeying_by_both_sides", "LogLevel DEBUG") {
        Ok(server) => {
            scenarios::rekeying(&server);
            let log = server.log();
            let exchanges = log.matches(EXCHANGE).count();
            assert!(exchanges > 4, "{exchanges} key exchanges in the log");
            assert!(log.matches("kex: algorithm: mlkem768x25519-sha256").count() >= exchanges, "{log}");
        }
        Err(why) => testing::skip("openssh::rekeying_by_both_sides", &why),
    }
}

#[test]
fn rekeying_by_the_server() {
    match start("openssh::rekeying_by_the_server", "LogLevel DEBUG") {
        Ok(server) => scenarios::rekeying_by_the_server(&server, EXCHANGE),
        Err(why) => testing::skip("openssh::rekeying_by_the_server", &why),
    }
}
