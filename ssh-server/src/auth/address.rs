//! Lists of addresses: those of `from` in `authorized_keys`, and of `source-address` in certificates.

use ssh_auth::pattern;
use std::net::IpAddr;

/// Addresses that a client may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddressList(Vec<Element>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    negated: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Network(IpAddr, u8),
    /// With `*` and `?`. Names of hosts are never looked up, so that only addresses fit.
    Pattern(String),
}

impl AddressList {
    /// Reads the list of `from`: patterns and networks, of which some may be negated. `None` if an element can't be
    /// read.
    pub(super) fn patterns(list: &str) -> Option<Self> {
        Self::read(list, |text| match text.contains('/') {
            true => network(text),
            false => Some(What::Pattern(text.to_ascii_lowercase())),
        })
    }

    /// Reads the list of `source-address`: networks and addresses.
    pub(super) fn networks(list: &str) -> Option<Self> {
        let list = Self::read(list, network)?;
        list.0.iter().all(|element| !element.negated).then_some(list)
    }

    fn read(list: &str, what: impl Fn(&str) -> Option<What>) -> Option<Self> {
        let element = |text: &str| {
            let (negated, text) = match text.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, text),
            };
            (!text.is_empty()).then(|| what(text)).flatten().map(|what| Element { negated, what })
        };
        list.split(',').map(element).collect::<Option<_>>().map(Self)
    }

    /// Whether `address` is in the list. Where it is not known, it is not.
    pub(super) fn contains(&self, address: Option<IpAddr>) -> bool {
        let Some(address) = address.map(|address| address.to_canonical()) else { return false };
        let mut hits = self.0.iter().filter(|element| element.what.fits(address)).peekable();
        hits.peek().is_some() && hits.all(|element| !element.negated)
    }
}

impl What {
    fn fits(&self, address: IpAddr) -> bool {
        match self {
            Self::Pattern(text) => pattern::matches(text, &address.to_string()),
            Self::Network(network, length) => {
                let (network, address, bits) = match (network, address) {
                    (IpAddr::V4(network), IpAddr::V4(address)) => {
                        (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
                    }
                    (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
                    _ => return false,
                };
                let host_bits = bits - u32::from(*length);
                (network ^ address).checked_shr(host_bits).unwrap_or_default() == 0
            }
        }
    }
}

/// Reads `192.0.2.0/24`, or an address alone. Bits behind the length must be 0, as OpenSSH has it: whoever wrote others
/// has meant something else.
fn network(text: &str) -> Option<What> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            (address.parse::<IpAddr>().ok()?, Some(length.parse::<u8>().ok()?))
        }
        Some(_) => return None,
        None => (text.parse().ok()?, None),
    };
    let (bits, own) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let length = length.unwrap_or(own);
    let host_bits = own.checked_sub(length)?;
    let has_host = host_bits > 0 && bits & (u128::MAX >> (128 - u32::from(host_bits))) != 0;
    (!has_host).then_some(What::Network(address, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &AddressList, address: &str) -> bool {
        list.contains(Some(address.parse().unwrap()))
    }

    #[test]
    fn networks_hold_their_addresses() {
        let list = AddressList::networks("192.0.2.0/24,2001:db8::/32,10.0.0.1,0.0.0.0/0").unwrap();
        assert!(contains(&list, "192.0.2.255"));
        assert!(contains(&list, "8.8.8.8"), "0.0.0.0/0 is all of IPv4");
        assert!(contains(&list, "::ffff:192.0.2.1"));
        assert!(contains(&list, "2001:db8::7"));
        assert!(!contains(&list, "2001:db9::7"));
        assert!(!list.contains(None));
        let one = AddressList::networks("10.0.0.1").unwrap();
        assert!(contains(&one, "10.0.0.1") && !contains(&one, "10.0.0.2"));
        let all = AddressList::networks("::/0").unwrap();
        assert!(contains(&all, "::1") && !contains(&all, "10.0.0.1"));
        for bad in [
            "",
            "192.0.2.1/24",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "host",
            "!10.0.0.1",
            "10.0.0.1,",
            "*",
        ] {
            assert!(AddressList::networks(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn patterns_may_be_negated() {
        let list = AddressList::patterns("192.0.2.*,!192.0.2.7,2001:DB8::/32").unwrap();
        assert!(contains(&list, "192.0.2.1"));
        assert!(!contains(&list, "192.0.2.7"));
        assert!(!contains(&list, "192.0.3.1"));
        assert!(contains(&list, "2001:db8::1"));
        assert!(AddressList::patterns("192.0.2.1/24").is_none());
        // A name fits no address, and a negation alone nothing.
        assert!(!contains(&AddressList::patterns("host.example.com,!10.0.0.1").unwrap(), "10.0.0.2"));
    }
}
