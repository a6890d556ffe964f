//! What is weak, and why.

use ssh_wire::message::transport::KexInit;

/// A kind of algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kex,
    HostKey,
    Cipher,
    Mac,
    Compression,
}

/// Why an algorithm should not be offered any more (RFC 8758, RFC 9142), if so.
pub(crate) fn reason(kind: Kind, name: &str) -> Option<&'static str> {
    // Variants of others carry a domain.
    let base = name.split('@').next().unwrap_or(name);
    let has = |part: &str| base.split('-').any(|word| word == part);
    let reasons: &[(bool, &str)] = match kind {
        Kind::Kex => &[
            (has("group1"), "a group of 1024 bits, which states can break"),
            (has("rsa1024"), "a key of 1024 bits, which states can break"),
            (has("sha1"), "SHA-1, which is broken"),
        ],
        Kind::HostKey => &[
            (base == "ssh-rsa" || base == "ssh-rsa-cert-v01", "signatures over SHA-1, which is broken"),
            (has("dss"), "keys of 1024 bits, and signatures over SHA-1, which is broken"),
        ],
        Kind::Cipher => &[
            (base == "none", "no encryption"),
            (base.starts_with("arcfour"), "RC4, which is broken"),
            (
                ["des", "3des", "blowfish", "cast128", "idea"].iter().any(|&cipher| has(cipher)),
                "blocks of 64 bits, which repeat after some GiB",
            ),
            (has("cbc"), "CBC, which leaks plaintext to whoever can inject packets"),
        ],
        Kind::Mac => &[
            (base == "none", "no authentication"),
            (has("md5"), "MD5, which is broken"),
            (has("96"), "a tag cut to 96 bits"),
            (base.starts_with("umac-64"), "a tag of 64 bits"),
        ],
        Kind::Compression => &[],
    };
    reasons.iter().find(|(applies, _)| *applies).map(|(_, reason)| *reason)
}

/// Why it is a flaw that the server does not know strict key exchange (OpenSSH PROTOCOL §1.10), if it is one.
pub(crate) fn terrapin(kexinit: &KexInit<'_>) -> Option<&'static str> {
    let strict = kexinit.kex.contains("kex-strict-s-v00@openssh.com");
    let ciphers = || kexinit.cipher_c2s.iter().chain(kexinit.cipher_s2c.iter());
    let macs = || kexinit.mac_c2s.iter().chain(kexinit.mac_s2c.iter());
    let cbc_etm = ciphers().any(|name| name.ends_with("-cbc")) && macs().any(|name| name.contains("-etm@"));
    let exposed = ciphers().any(|name| name == "chacha20-poly1305@openssh.com") || cbc_etm;
    (exposed && !strict).then_some("packets can be dropped unseen (Terrapin, CVE-2023-48795)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_wire::NameList;

    #[test]
    fn weak_names() {
        for (kind, names) in [
            (
                Kind::Kex,
                "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,\
                 rsa1024-sha1,gss-group14-sha1-toWM5Slw5Ew8Mqkay+al2g==",
            ),
            (Kind::HostKey, "ssh-rsa,ssh-dss,ssh-rsa-cert-v01@openssh.com,ssh-dss-cert-v01@openssh.com"),
            (
                Kind::Cipher,
                "none,arcfour,arcfour256,3des-cbc,3des-ctr,blowfish-cbc,aes256-cbc,rijndael-cbc@lysator.liu.se",
            ),
            (
                Kind::Mac,
                "none,hmac-md5,hmac-md5-96,hmac-sha1-96,hmac-md5-etm@openssh.com,umac-64-etm@openssh.com",
            ),
        ] {
            for name in names.split(',') {
                assert!(reason(kind, name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn sound_names() {
        for (kind, names) in [
            (
                Kind::Kex,
                "mlkem768x25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha256,\
                 diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,ext-info-s",
            ),
            (Kind::HostKey, "ssh-ed25519,rsa-sha2-512,ecdsa-sha2-nistp256,sk-ssh-ed25519@openssh.com"),
            (Kind::Cipher, "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"),
            (Kind::Mac, "hmac-sha2-256-etm@openssh.com,umac-128@openssh.com,hmac-sha1"),
            (Kind::Compression, "none,zlib@openssh.com"),
        ] {
            for name in names.split(',') {
                assert_eq!(reason(kind, name), None, "{name}");
            }
        }
    }

    #[test]
    fn terrapin_needs_a_mode_that_it_works_on() {
        let of = |kex: &'static str, cipher: &'static str, mac: &'static str| {
            let none = NameList::default();
            terrapin(&KexInit {
                cookie: [0; 16],
                kex: kex.into(),
                host_key: none,
                cipher_c2s: cipher.into(),
                cipher_s2c: cipher.into(),
                mac_c2s: mac.into(),
                mac_s2c: mac.into(),
                compression_c2s: none,
                compression_s2c: none,
                language_c2s: none,
                language_s2c: none,
                first_kex_packet_follows: false,
                reserved: 0,
            })
        };
        let (strict, chacha) = ("a,kex-strict-s-v00@openssh.com", "aes256-ctr,chacha20-poly1305@openssh.com");
        assert!(of("a", chacha, "").is_some());
        assert!(of("a", "aes128-cbc", "hmac-sha2-256-etm@openssh.com").is_some());
        assert_eq!(of(strict, chacha, ""), None);
        assert_eq!(of("a", "aes128-cbc", "hmac-sha2-256"), None);
        assert_eq!(of("a", "aes128-gcm@openssh.com", "hmac-sha2-256-etm@openssh.com"), None);
    }
}
