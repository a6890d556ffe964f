//! Certificates of users and of hosts.

use crate::support::{config, connect, logs_in, only};
use ssh_client::{Credential, host_key::Known, known_hosts::KnownHosts};
use testing::{KeyKind, KeyPair, Server};

/// A certificate of each kind of user key, which the server does not know otherwise.
pub(crate) fn users(server: &dyn Server) {
    for kind in KeyKind::ALL {
        let path = server.dir().join(format!("certified-{}", kind.name()));
        KeyPair::generate(kind).write(&path);
        KeyPair::authority().certify(&path, &["-n", server.user()]);
        let config = config(server, KeyKind::Ed25519);
        let credential = Credential::key_file(&path, None, config.provider()).unwrap();
        assert!(matches!(credential, Credential::Certified { .. }), "{credential:?}");
        let session = connect(server, &config.credential(credential));
        assert!(session.command("true").output().unwrap().success(), "{kind:?}");
    }
}

/// The certificate of each kind of host key, of which only the authority is known.
pub(crate) fn hosts(server: &dyn Server) {
    let authority = KeyPair::authority().public_line();
    let known = KnownHosts::parse(&format!("@cert-authority [127.0.0.1]:{} {authority}\n", server.port()));
    for algorithm in [
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ] {
        let base = logs_in(server).host_key(Known(known.clone()));
        let algorithms = only(&base, |algorithms| algorithms.host_key = vec![algorithm.into()]);
        let session = connect(server, &base.algorithms(algorithms));
        let shown = session.negotiated().unwrap().host_key;
        assert_eq!(shown, format!("{algorithm}-cert-v01@openssh.com"));
        session.rekey().unwrap();
        assert!(session.command("true").output().unwrap().success(), "{algorithm}");
    }
}
