//! Dropbear.

use crate::{algorithms, scenarios, support};
use testing::Dropbear;

support::shared!(Dropbear, Dropbear::start());

support::tests! {
    every_key_exchange_method = algorithms::key_exchanges, &[
        "mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256",
    ];
    every_cipher = algorithms::ciphers, &["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"];
    every_mac = algorithms::macs, &["hmac-sha2-256"];
    every_host_key_algorithm = algorithms::host_keys, &[
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256",
    ];
    every_user_key_type = algorithms::user_keys;
    exit_status = scenarios::exit_status;
    exit_signal = scenarios::exit_signal;
    megabytes_in_each_direction = scenarios::streams;
    rekeying_at_our_wish = scenarios::rekeying;
    passwords = scenarios::password;
    a_terminal = scenarios::terminal;
    direct_tcpip = scenarios::direct_tcpip;
    channels_beside_each_other = scenarios::channels_beside_each_other;
}
