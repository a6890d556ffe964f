//! What some servers do not bear, by the software that their identification string names.

/// OpenSSH 7.2 to 7.7 refuse RSA certificates that sign by anything but SHA-1.
pub(crate) fn mishandles_rsa_certificates(server: &str) -> bool {
    server.strip_prefix("OpenSSH_7.").is_some_and(|minor| {
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().is_ok_and(|minor: u32| (2..=7).contains(&minor))
    })
}

/// Servers in routers and the like that answer message by message: a request for authentication that comes with the
/// one for the service may be lost to them, and the login would wait for its answer. They get one after the other.
pub(crate) fn takes_one_at_a_time(server: &str) -> bool {
    ["Cisco-", "ROSSSH", "NetScreen", "HUAWEI-", "mpSSH_", "RomSShell_"]
        .iter()
        .any(|name| server.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::takes_one_at_a_time;

    #[test]
    fn requests_go_one_by_one_to_those_who_may_lose_them() {
        for (server, one_by_one) in [
            ("Cisco-1.25", true),
            ("ROSSSH", true),
            ("mpSSH_0.2.1", true),
            ("OpenSSH_9.2p1", false),
            ("dropbear_2022.83", false),
            ("Go", false),
            ("", false),
        ] {
            assert_eq!(takes_one_at_a_time(server), one_by_one, "{server}");
        }
    }
}
