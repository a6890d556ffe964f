//! What OpenSSH knows and this library does not honour.

/// An option that is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unhonoured {
    /// The value that turns off what is not there anyway, in lower case.
    pub(super) off: Option<&'static str>,
    /// What it means to go on without it.
    pub(super) weight: Weight,
}

/// What it means to go on without an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Little.
    Light,
    /// A connection would go elsewhere, or trust whom the user does not.
    Vital,
}

/// The option of this name, which is in lower case.
pub(super) fn find(keyword: &str) -> Option<Unhonoured> {
    if let Some((_, off)) = VITAL.iter().find(|(name, _)| *name == keyword) {
        return Some(Unhonoured { off: Some(off), weight: Weight::Vital });
    }
    if WITHOUT_OFF.contains(&keyword) {
        return Some(Unhonoured { off: None, weight: Weight::Light });
    }
    let (_, off) = OFF.iter().find(|(name, _)| *name == keyword)?;
    Some(Unhonoured { off: Some(off), weight: Weight::Light })
}

const VITAL: [(&str, &str); 5] = [
    ("canonicalizehostname", "no"),
    ("knownhostscommand", "none"),
    ("permitremoteopen", "any"),
    ("proxycommand", "none"),
    ("refuseconnection", "none"),
];

const OFF: [(&str, &str); 33] = [
    ("channeltimeout", "none"),
    ("checkhostip", "no"),
    ("connectionattempts", "1"),
    ("controlmaster", "no"),
    ("controlpath", "none"),
    ("controlpersist", "no"),
    ("enableescapecommandline", "no"),
    ("enablesshkeysign", "no"),
    ("fingerprinthash", "sha256"),
    ("forkafterauthentication", "no"),
    ("forwardx11", "no"),
    ("forwardx11trusted", "no"),
    ("gssapiauthentication", "no"),
    ("gssapidelegatecredentials", "no"),
    ("gssapikeyexchange", "no"),
    ("gssapirenewalforcesrekey", "no"),
    ("gssapitrustdns", "no"),
    ("hostbasedauthentication", "no"),
    ("logverbose", "none"),
    ("nohostauthenticationforlocalhost", "no"),
    ("obscurekeystroketiming", "no"),
    ("permitlocalcommand", "no"),
    ("pkcs11provider", "none"),
    ("protocol", "2"),
    ("proxyusefdpass", "no"),
    ("rhostsrsaauthentication", "no"),
    ("rsaauthentication", "no"),
    ("tunnel", "no"),
    ("updatehostkeys", "no"),
    ("useroaming", "no"),
    ("verifyhostkeydns", "no"),
    ("versionaddendum", "none"),
    ("visualhostkey", "no"),
];

const WITHOUT_OFF: [&str; 36] = [
    "afstokenpassing",
    "bindaddress",
    "bindinterface",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "cipher",
    "fallbacktorsh",
    "forwardx11timeout",
    "globalknownhostsfile2",
    "gssapiclientidentity",
    "gssapikexalgorithms",
    "gssapiserveridentity",
    "hostbasedacceptedalgorithms",
    "hostbasedkeytypes",
    "identityfile2",
    "ipqos",
    "kbdinteractivedevices",
    "keepalive",
    "kerberosauthentication",
    "kerberostgtpassing",
    "localcommand",
    "securitykeyprovider",
    "smartcarddevice",
    "streamlocalbindmask",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "tunneldevice",
    "useblacklistedkeys",
    "useprivilegedport",
    "userknownhostsfile2",
    "usersh",
    "warnweakcrypto",
    "xauthlocation",
];
