//! What OpenSSH knows and this library does not honour.

/// An option that is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unhonoured {
    /// The value that turns off what is not there anyway, in lower case.
    pub(super) off: Option<&'static str>,
    /// Without it the connection would go elsewhere, or trust whom the user does not.
    pub(super) vital: bool,
}

/// The option of this name, which is in lower case.
pub(super) fn find(keyword: &str) -> Option<Unhonoured> {
    let vital = VITAL.contains(&keyword);
    if vital || WITHOUT_OFF.contains(&keyword) {
        return Some(Unhonoured { off: vital.then_some("none"), vital });
    }
    let (_, off) = OFF.iter().find(|(name, _)| *name == keyword)?;
    Some(Unhonoured { off: Some(off), vital })
}

const VITAL: [&str; 4] = ["proxycommand", "proxyjump", "refuseconnection", "revokedhostkeys"];

const OFF: [(&str, &str); 38] = [
    ("canonicalizehostname", "no"),
    ("channeltimeout", "none"),
    ("checkhostip", "no"),
    ("clearallforwardings", "yes"),
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
    ("gatewayports", "no"),
    ("gssapiauthentication", "no"),
    ("gssapidelegatecredentials", "no"),
    ("gssapikeyexchange", "no"),
    ("gssapirenewalforcesrekey", "no"),
    ("gssapitrustdns", "no"),
    ("hostbasedauthentication", "no"),
    ("knownhostscommand", "none"),
    ("logverbose", "none"),
    ("nohostauthenticationforlocalhost", "no"),
    ("obscurekeystroketiming", "no"),
    ("permitlocalcommand", "no"),
    ("pkcs11provider", "none"),
    ("protocol", "2"),
    ("proxyusefdpass", "no"),
    ("rhostsrsaauthentication", "no"),
    ("rsaauthentication", "no"),
    ("streamlocalbindunlink", "no"),
    ("tunnel", "no"),
    ("updatehostkeys", "no"),
    ("useroaming", "no"),
    ("verifyhostkeydns", "no"),
    ("versionaddendum", "none"),
    ("visualhostkey", "no"),
];

const WITHOUT_OFF: [&str; 43] = [
    "afstokenpassing",
    "bindaddress",
    "bindinterface",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "cipher",
    "dynamicforward",
    "exitonforwardfailure",
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
    "localforward",
    "permitremoteopen",
    "remoteforward",
    "requiredrsasize",
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
