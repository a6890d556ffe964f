//! One key exchange, from KEXINIT to NEWKEYS (RFC 4253 §7), the first as well as the later ones.
//!
//! ```text
//!  Idle ─ propose ─▶ Proposed ─ their KEXINIT ─▶ Exchanging ─ agreed ─┬──────────▶ NewKeys ─ their NEWKEYS ─▶ Idle
//!                                                                     └▶ HostKey ─▶   (client, the first time)
//! ```

use crate::{
    Error, Event, LOG_TARGET, NewOpen, Role, Transport,
    allowed::Phase,
    derive::{Direction, Keys, Transcript},
    error::Cause,
    ext_info,
    negotiate::{self, Choice},
    rekey::Meter,
    state::{Deadline, Session, State},
    strict,
};
use bytes::Bytes;
use log::{debug, trace};
use ssh_crypto::{Agreed, KexError, KexMethod, Proof, Signer, Step};
use ssh_wire::{
    Message, Rest,
    message::transport::{KexInit, NewKeys},
    number,
};
use std::sync::Arc;

/// Our KEXINIT, sent.
pub(crate) struct Proposal {
    kexinit: Vec<u8>,
    /// The sequence number it has.
    pub(crate) seq: u32,
    /// The method whose first message was sent behind it on a guess.
    guess: Option<Box<dyn KexMethod>>,
}

/// A method, and its first message.
type Guess = (Box<dyn KexMethod>, Vec<u8>);

/// A method that runs.
pub(crate) struct Exchange {
    choice: Choice,
    ours: Vec<u8>,
    theirs: Vec<u8>,
    method: Box<dyn KexMethod>,
    /// The peer guessed wrong: its next kex message is to be passed over.
    skip: bool,
}

/// New keys that are not in use yet.
pub(crate) struct Pending {
    choice: Choice,
    keys: Keys,
    host_key: Vec<u8>,
    /// The host's signature over the exchange hash.
    signature: Vec<u8>,
}

impl Transport {
    /// Sends our KEXINIT.
    pub(crate) fn propose(&mut self) -> Result<(), Error> {
        let first = self.session.is_none();
        let mut markers = Vec::new();
        // RFC 8308 §2.1, OpenSSH PROTOCOL §1.10: in the first KEXINIT only.
        if first {
            markers.push(ext_info::marker(self.role));
            if self.config.strict_kex {
                markers.push(strict::marker(self.role));
            }
        }
        let mut cookie = [0; 16];
        self.config.provider.random.fill(&mut cookie)?;
        let guess = match self.config.guess && first && self.role == Role::Client {
            true => self.guess()?,
            false => None,
        };
        let kexinit = self.offer.kexinit(cookie, &markers, guess.is_some());
        let seq = self.send_payload(&kexinit);
        let guess = guess.map(|(method, message)| {
            self.send_payload(&message);
            method
        });
        self.state = State::Proposed(Proposal { kexinit, seq, guess });
        self.deadline = Deadline::Unset;
        Ok(())
    }

    /// Starts a key exchange because the limit of `what` is reached.
    pub(crate) fn renew(&mut self, what: &str) -> Result<(), Error> {
        debug!(target: LOG_TARGET, "{:?}: renewing the keys: {what}", self.role);
        self.propose().map_err(|error| self.fail(error))
    }

    /// Starts a key exchange if either direction has reached its limit. A failure is told by the next call that can.
    pub(crate) fn renew_if_due(&mut self) {
        if !self.may_renew() {
            return;
        }
        let due = if self.send_limit.is_reached(self.encoder.usage()) {
            Some("much was sent")
        } else if self.receive_limit.is_reached(self.received.usage()) {
            Some("much was received")
        } else {
            None
        };
        if let Some(what) = due {
            let _ = self.renew(what);
        }
    }

    /// Takes KEXINIT, NEWKEYS or a message of the method.
    pub(crate) fn kex_message(&mut self, number: u8, payload: &Bytes, seq: u32) -> Result<(), Error> {
        match number {
            number::KEXINIT => self.proposed(payload, seq),
            number::NEWKEYS => self.newkeys(payload),
            _ => self.method_message(number, payload),
        }
    }

    /// The first message of our first method, which the server may be able to use.
    fn guess(&self) -> Result<Option<Guess>, Error> {
        let provider = &self.config.provider;
        let Some(kex) = self.offer.first_kex().and_then(|name| provider.kex(name)) else {
            return Ok(None);
        };
        kex.client(provider.random).map(Some).map_err(|error| Cause::Kex { method: kex.name(), error }.into())
    }

    /// Takes the peer's KEXINIT.
    fn proposed(&mut self, payload: &Bytes, seq: u32) -> Result<(), Error> {
        if self.peer.is_none() {
            return Err(Error::usage("a packet was handled before the identification string"));
        }
        let theirs = KexInit::parse(payload).map_err(|error| Error::decode("KEXINIT", error))?;
        trace!(target: LOG_TARGET, "{:?}: the peer offers {theirs:?}", self.role);
        if let State::Idle = self.state {
            debug!(target: LOG_TARGET, "{:?}: the peer renews the keys", self.role);
            self.propose()?;
            self.deadline = Deadline::after(self.now, self.config.kex_timeout);
        }
        let State::Proposed(Proposal { kexinit, guess, .. }) =
            std::mem::replace(&mut self.state, State::Idle)
        else {
            return Err(Error::unexpected(number::KEXINIT, "within a key exchange"));
        };
        if self.session.is_none() {
            let peer = self.role.peer();
            self.strict = self.strict.agree(peer, theirs.kex, seq)?;
            self.ext_info_wanted = ext_info::is_wanted(peer, theirs.kex);
            self.phase = Phase::FirstKex { strict: self.strict.is_on() };
        } else {
            self.phase = Phase::Rekey;
        }
        let ours = KexInit::parse(&kexinit).map_err(|error| Error::decode("our KEXINIT", error))?;
        let choice = Choice::new(self.role, &ours, &theirs, &self.config.provider)?;
        let negotiated = choice.names(self.strict.is_on());
        trace!(target: LOG_TARGET, "{:?}: we offer {ours:?}", self.role);
        debug!(target: LOG_TARGET, "{:?}: negotiated {negotiated:?}", self.role);

        let is_guess_right = negotiate::is_guess_right(&ours, &theirs);
        let method = match guess.filter(|_| is_guess_right) {
            Some(method) => method,
            None => self.start(&choice)?,
        };
        let skip = theirs.first_kex_packet_follows && !is_guess_right;
        let theirs = payload.to_vec();
        self.state = State::Exchanging(Box::new(Exchange { choice, ours: kexinit, theirs, method, skip }));
        Ok(())
    }

    /// Starts the method that was chosen.
    fn start(&mut self, choice: &Choice) -> Result<Box<dyn KexMethod>, Error> {
        let random = self.config.provider.random;
        let failed = |error| Cause::Kex { method: choice.kex.name(), error };
        match self.role {
            Role::Server => Ok(choice.kex.server(random).map_err(failed)?),
            Role::Client => {
                let (method, message) = choice.kex.client(random).map_err(failed)?;
                self.send_payload(&message);
                Ok(method)
            }
        }
    }

    /// Takes a message of the method.
    fn method_message(&mut self, number: u8, payload: &Bytes) -> Result<(), Error> {
        let State::Exchanging(exchange) = &mut self.state else {
            return Err(Error::unexpected(number, "behind the last message of the key exchange method"));
        };
        // RFC 4253 §7: a wrong guess is ignored, once.
        if std::mem::take(&mut exchange.skip) {
            debug!(target: LOG_TARGET, "{:?}: the peer guessed wrong", self.role);
            return Ok(());
        }
        let method = exchange.choice.kex.name();
        let step = exchange.method.handle(payload).map_err(|error| Cause::Kex { method, error })?;
        match step {
            Step::Send(message) => {
                self.send_payload(&message);
                Ok(())
            }
            Step::Agreed(agreed) => self.agreed(agreed),
        }
    }

    /// Both sides have the secret: the host's signature is made or verified.
    fn agreed(&mut self, agreed: Agreed) -> Result<(), Error> {
        let State::Exchanging(exchange) = std::mem::replace(&mut self.state, State::Idle) else {
            return Err(Error::usage("no key exchange runs"));
        };
        let Agreed { exchange: values, secret, proof } = agreed;
        let method = exchange.choice.kex.name();
        match (self.role, proof) {
            (Role::Client, Proof::Received { host_key, signature }) => {
                let mut pending = self.pending(*exchange, &values, secret, host_key);
                pending.signature = signature;
                self.verify(&pending)?;
                self.verified(pending);
                Ok(())
            }
            (Role::Server, Proof::ToSend { number, public }) => {
                let signer = self.signer(exchange.choice.host_key.name)?;
                let host_key = signer.public_key().to_vec();
                let mut pending = self.pending(*exchange, &values, secret, host_key);
                let signed = signer.sign(pending.choice.host_key.name, &pending.keys.exchange_hash);
                pending.signature = signed.map_err(Cause::Sign)?;

                let mut packet = self.encoder.packet();
                packet.push(&number);
                packet.push(pending.host_key.as_slice());
                packet.push(&Rest(&public));
                packet.push(pending.signature.as_slice());
                packet.send();
                self.change_keys(pending);
                Ok(())
            }
            _ => Err(Cause::Kex { method, error: KexError::Internal("the method's proof") }.into()),
        }
    }

    /// Hashes the exchange, which is not signed yet.
    fn pending(
        &self,
        exchange: Exchange,
        values: &[u8],
        secret: ssh_crypto::Secret,
        host_key: Vec<u8>,
    ) -> Pending {
        let Exchange { choice, ours, theirs, .. } = exchange;
        let our_identification = self.config.identification.as_bytes();
        let their_identification = self.peer.as_ref().map(|peer| peer.as_bytes()).unwrap_or_default();
        let (client, server) = match self.role {
            Role::Client => ((our_identification, &ours), (their_identification, &theirs)),
            Role::Server => ((their_identification, &theirs), (our_identification, &ours)),
        };
        let hash = choice.kex.hash();
        let exchange_hash = Transcript {
            client_identification: client.0,
            server_identification: server.0,
            client_kexinit: client.1,
            server_kexinit: server.1,
            host_key: &host_key,
            exchange: values,
            secret: &secret,
        }
        .hash(hash);
        let session_id = match &self.session {
            Some(session) => session.id.clone(),
            None => exchange_hash.to_vec(),
        };
        Pending {
            choice,
            keys: Keys { hash, secret, exchange_hash, session_id },
            host_key,
            signature: Vec::new(),
        }
    }

    /// Client: the server must own its key, and it must be the one of before.
    fn verify(&self, pending: &Pending) -> Result<(), Error> {
        let Pending { choice, keys, host_key, signature } = pending;
        if self.session.as_ref().is_some_and(|session| session.host_key != *host_key) {
            return Err(Cause::HostKeyChanged.into());
        }
        let key = choice.host_key.key(host_key).map_err(Cause::HostKey)?;
        let provider = &self.config.provider;
        Ok(provider
            .verify(choice.host_key.signature, &key, &keys.exchange_hash, signature)
            .map_err(Cause::Signature)?)
    }

    /// Client: asks whether the key is the right server's, the first time.
    fn verified(&mut self, pending: Pending) {
        if self.session.is_some() {
            return self.change_keys(pending);
        }
        let algorithm = pending.choice.host_key.name.to_owned();
        debug!(target: LOG_TARGET, "{:?}: the host proved to own its key, {algorithm}", self.role);
        self.events.push_back(Event::HostKey { key: pending.host_key.clone(), algorithm });
        self.state = State::HostKey { pending: Box::new(pending), newkeys: false };
        // Whoever decides may take their time.
        self.deadline = Deadline::None;
    }

    /// Server: the key to sign with; in a rekey, the one of before.
    fn signer(&self, algorithm: &str) -> Result<Arc<dyn Signer>, Error> {
        let can_sign = |key: &&Arc<dyn Signer>| {
            let is_same = self.session.as_ref().is_none_or(|session| session.host_key == key.public_key());
            is_same && key.algorithms().contains(&algorithm)
        };
        let found = self.host_keys.iter().find(can_sign).cloned();
        found.ok_or_else(|| {
            Error::usage("the host key of this session can't sign with the algorithm negotiated")
        })
    }

    /// Sends NEWKEYS; from the next packet on, we seal with the new keys.
    pub(crate) fn change_keys(&mut self, pending: Pending) {
        let Pending { choice, keys, host_key, signature } = pending;
        let first = self.session.is_none();
        let c2s = (choice.c2s, Direction::ClientToServer, choice.compression_c2s);
        let s2c = (choice.s2c, Direction::ServerToClient, choice.compression_s2c);
        let (out, into) = match self.role {
            Role::Client => (c2s, s2c),
            Role::Server => (s2c, c2s),
        };
        self.send(&NewKeys {});
        self.encoder.set_seal(keys.seal(out.0, out.1), self.strict.is_on());
        // RFC 4253 §6.2: a new state with each key exchange.
        let is_delayed = out.2.is_some_and(|method| method.is_delayed());
        self.encoder.set_compress(out.2.map(|method| method.compress()), is_delayed);
        trace!(target: LOG_TARGET, "{:?}: sending under new keys", self.role);
        self.send_limit = self.config.rekey.for_cipher(out.0.cipher());
        self.receive_limit = self.config.rekey.for_cipher(into.0.cipher());
        let negotiated = choice.names(self.strict.is_on());
        match &mut self.session {
            Some(session) => session.negotiated = negotiated,
            None => {
                // In a rekey, nothing is offered that this host key can't sign with.
                let signer = self.host_keys.iter().find(|key| key.public_key() == host_key).cloned();
                if let Some(signer) = signer {
                    self.offer.limit_host_keys(|name| signer.algorithms().contains(&name));
                }
                let id = keys.session_id.clone();
                let established = false;
                self.session =
                    Some(Session { id, host_key, host_signature: signature, negotiated, established });
            }
        }
        let open =
            NewOpen { open: keys.open(into.0, into.1), reset_seq: self.strict.is_on(), compression: into.2 };
        self.state = State::NewKeys(open);
        // RFC 8308 §2.4: the next packet behind the first NEWKEYS.
        let user_key = std::mem::take(&mut self.config.algorithms.user_key);
        if first && self.ext_info_wanted {
            self.send(&ext_info::ours(self.role, &user_key).message());
        }
        self.flush_owed();
    }

    /// Takes the peer's NEWKEYS.
    fn newkeys(&mut self, payload: &Bytes) -> Result<(), Error> {
        NewKeys::parse(payload).map_err(|error| Error::decode("NEWKEYS", error))?;
        match &mut self.state {
            State::NewKeys(_) => {
                self.keys_changed();
                Ok(())
            }
            State::HostKey { newkeys, .. } if !*newkeys => {
                *newkeys = true;
                Ok(())
            }
            _ => Err(Error::unexpected(number::NEWKEYS, "before the keys are agreed on")),
        }
    }

    /// Both NEWKEYS are through.
    pub(crate) fn keys_changed(&mut self) {
        let State::NewKeys(open) = std::mem::replace(&mut self.state, State::Idle) else { return };
        self.received = Meter::new(open.open.layout());
        self.open = Some(open);
        self.phase = Phase::Open;
        self.deadline = Deadline::None;
        self.rekey_at = self.config.rekey.time.and_then(|time| self.now.checked_add(time));
        if let Some(session) = &mut self.session {
            let rekey = std::mem::replace(&mut session.established, true);
            debug!(target: LOG_TARGET, "{:?}: new keys are in use", self.role);
            self.events.push_back(Event::Established { rekey });
        }
    }

    /// Answers the packet's sequence number.
    fn send_payload(&mut self, payload: &[u8]) -> u32 {
        let mut packet = self.encoder.packet();
        packet.push(&Rest(payload));
        packet.send()
    }
}
