//! Key exchange: what is computed with our private value.

use crate::{
    Outcome,
    sample::{Bench, SECRETS},
};
use ssh_crypto::{KexAlgorithm, KexMethod, Proof, SecureRandom, Step, random::SystemRandom};
use ssh_kex::method;
use ssh_wire::Encode;

static OURS: &dyn SecureRandom = &SECRETS;
static THEIRS: &dyn SecureRandom = &SystemRandom;

pub(crate) fn all(bench: &Bench) -> Outcome<()> {
    // Those with fixed groups cost by their sizes; the largest would tell no more.
    for (algorithm, share) in [
        (&method::ecdh::CURVE25519_SHA256 as &'static dyn KexAlgorithm, 10),
        (&method::ecdh::ECDH_SHA2_NISTP256, 10),
        (&method::ecdh::ECDH_SHA2_NISTP384, 20),
        (&method::ecdh::ECDH_SHA2_NISTP521, 20),
        (&method::hybrid::MLKEM768X25519_SHA256, 20),
        (&method::hybrid::SNTRUP761X25519_SHA512, 40),
        (&method::group::GROUP14_SHA256, 50),
    ] {
        agree(bench, algorithm, share)?;
    }
    Ok(())
}

/// The client's last step, with its private value the same or another one, and always another one of the server.
fn agree(bench: &Bench, algorithm: &dyn KexAlgorithm, share: usize) -> Outcome<()> {
    bench.compare(
        algorithm.name(),
        "the client's private value",
        share,
        |class| {
            SECRETS.begin(class);
            let (client, message) = algorithm.client(OURS)?;
            let reply = match algorithm.server(THEIRS)?.handle(&message)? {
                Step::Agreed(agreed) => reply(agreed.proof)?,
                Step::Send(_) => return Err("more messages than one each".into()),
            };
            Ok((client, reply))
        },
        |(mut client, reply): (Box<dyn KexMethod>, Vec<u8>)| client.handle(&reply).is_ok(),
    )
}

/// The server's answer: the host key and the signature, which are not looked at here, around the public value.
fn reply(proof: Proof) -> Outcome<Vec<u8>> {
    let Proof::ToSend { number, public } = proof else { return Err("a client's proof".into()) };
    let mut reply = vec![number];
    b"".as_slice().encode(&mut reply);
    reply.extend(public);
    b"".as_slice().encode(&mut reply);
    Ok(reply)
}
