//! Messages out of an engine, and messages to put into one.

use ssh_auth::{Client, Server};
use ssh_wire::{
    Decoder, Encoder, Message, NameList, Packet, PacketSink,
    message::auth::{PasswdChangereq, PkOk, UserauthBanner, UserauthFailure, UserauthSuccess},
    message::transport::ServiceAccept,
};

/// A transport without keys.
pub(crate) struct Wire {
    encoder: Encoder,
    decoder: Decoder,
    /// Packets that it still takes, if it is limited.
    pub(crate) room: Option<usize>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self { encoder: Encoder::new(|_| {}), decoder: Decoder::default(), room: None }
    }

    /// The payloads that were sent.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let bytes = std::mem::take(self.encoder.output());
        self.decoder.push(&bytes);
        std::iter::from_fn(|| self.decoder.decode().unwrap())
            .map(|inbound| inbound.payload.to_vec())
            .collect()
    }
}

impl PacketSink for Wire {
    fn packet(&mut self) -> Option<Packet<'_>> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1)?;
        }
        Some(self.encoder.packet())
    }
}

/// What an engine wants to send.
pub(crate) trait Flush {
    fn sent(&mut self) -> Vec<Vec<u8>>;
}

impl Flush for Client {
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut wire = Wire::new();
        self.flush(&mut wire);
        wire.take()
    }
}

impl Flush for Server {
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut wire = Wire::new();
        self.flush(&mut wire);
        wire.take()
    }
}

pub(crate) fn service_accept() -> Vec<u8> {
    ServiceAccept { service: b"ssh-userauth" }.to_payload()
}

pub(crate) fn failure(methods: &str) -> Vec<u8> {
    UserauthFailure { methods: NameList::from(methods), partial_success: false }.to_payload()
}

pub(crate) fn partial(methods: &str) -> Vec<u8> {
    UserauthFailure { methods: NameList::from(methods), partial_success: true }.to_payload()
}

pub(crate) fn success() -> Vec<u8> {
    UserauthSuccess {}.to_payload()
}

pub(crate) fn banner(message: &[u8]) -> Vec<u8> {
    UserauthBanner { message, language: b"" }.to_payload()
}

pub(crate) fn pk_ok(algorithm: &str, public_key: &[u8]) -> Vec<u8> {
    PkOk { algorithm: algorithm.as_bytes(), public_key }.to_payload()
}

pub(crate) fn change_request() -> Vec<u8> {
    PasswdChangereq { prompt: b"expired", language: b"" }.to_payload()
}

pub(crate) fn info_request(prompts: &[&str]) -> Vec<u8> {
    info_request_with(b"", b"", prompts)
}

pub(crate) fn info_request_with(name: &[u8], instruction: &[u8], prompts: &[&str]) -> Vec<u8> {
    let prompts: Vec<_> = prompts
        .iter()
        .map(|text| ssh_wire::message::auth::Prompt { text: text.as_bytes(), echo: false })
        .collect();
    ssh_wire::message::auth::InfoRequest::to_payload_with(name, instruction, &prompts)
}
