//! Key exchange: what is computed with our private value.

use crate::{
    Outcome,
    sample::{Bench, Class, SECRETS},
};
use rand::RngExt;
use ssh_crypto::{KexAlgorithm, KexMethod, Proof, SecureRandom, Step, random::SystemRandom};
use ssh_kex::method;
use ssh_wire::Encode;

static OURS: &dyn SecureRandom = &SECRETS;
static THEIRS: &dyn SecureRandom = &SystemRandom;

pub(crate) fn all(bench: &Bench) -> Outcome<()> {
    // Those with fixed groups cost by their sizes; the largest would tell no more. ML-KEM is not among these: another
    // private key has another public matrix, whose entries are drawn, and thrown away, by what everybody may know.
    for (algorithm, share) in [
        (&method::ecdh::CURVE25519_SHA256 as &'static dyn KexAlgorithm, 10),
        (&method::ecdh::ECDH_SHA2_NISTP256, 10),
        (&method::ecdh::ECDH_SHA2_NISTP384, 20),
        (&method::ecdh::ECDH_SHA2_NISTP521, 20),
        (&method::hybrid::SNTRUP761X25519_SHA512, 40),
        (&method::group::GROUP14_SHA256, 50),
    ] {
        agree(bench, algorithm, "the client's private value", share, |class| (class, false))?;
    }
    // Who may learn whether a ciphertext was taken learns the private key from many.
    for (algorithm, share) in [
        (&method::hybrid::MLKEM768X25519_SHA256 as &'static dyn KexAlgorithm, 20),
        (&method::hybrid::MLKEM768NISTP256_SHA256, 20),
        (&method::hybrid::MLKEM1024NISTP384_SHA384, 40),
        (&method::hybrid::SNTRUP761X25519_SHA512, 40),
    ] {
        let damage = |class| (Class::Same, class == Class::Other);
        agree(bench, algorithm, "whether the ciphertext is damaged", share, damage)?;
    }
    Ok(())
}

/// The client's last step, always with another public value of the server. `vary` makes of a class whether the client's
/// private value is the same as ever, and whether the server's answer is damaged.
fn agree(
    bench: &Bench,
    algorithm: &dyn KexAlgorithm,
    differs: &str,
    share: usize,
    vary: impl Fn(Class) -> (Class, bool),
) -> Outcome<()> {
    bench.compare(
        algorithm.name(),
        differs,
        share,
        |class| {
            let (class, damaged) = vary(class);
            SECRETS.begin(class);
            let (client, message) = algorithm.client(OURS)?;
            let mut reply = match algorithm.server(THEIRS)?.handle(&message)? {
                Step::Agreed(agreed) => reply(agreed.proof)?,
                Step::Send(_) => return Err("more messages than one each".into()),
            };
            // Behind the number, an empty host key and a length; any ciphertext is longer.
            let at = rand::rng().random_range(9..1000.min(reply.len()));
            reply[at] ^= u8::from(damaged);
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
