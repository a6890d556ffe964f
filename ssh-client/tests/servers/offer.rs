//! What a server offers, read from its KEXINIT by `ssh-wire` alone.

use ssh_client::wire::{Decoder, Message, NameList, message::transport::KexInit};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};
use testing::Server;

/// The lists of a server's KEXINIT; of those for both directions, the one from client to server.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) kex: Vec<String>,
    pub(crate) host_keys: Vec<String>,
    pub(crate) ciphers: Vec<String>,
    pub(crate) macs: Vec<String>,
    pub(crate) compressions: Vec<String>,
}

/// Asks the server.
pub(crate) fn offer(server: &dyn Server) -> Offer {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.write_all(b"SSH-2.0-question\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while !line.starts_with(b"SSH-") {
        line.clear();
        assert_ne!(stream.read_until(b'\n', &mut line).unwrap(), 0, "it closed without a word");
    }
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4096];
    loop {
        if let Some(packet) = decoder.decode().unwrap() {
            let message = KexInit::parse(&packet.payload).unwrap();
            let names = |list: NameList<'_>| list.iter().map(|name| name.to_string()).collect();
            return Offer {
                kex: names(message.kex),
                host_keys: names(message.host_key),
                ciphers: names(message.cipher_c2s),
                macs: names(message.mac_c2s),
                compressions: names(message.compression_c2s),
            };
        }
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "it closed before its KEXINIT");
        decoder.push(&buffer[..read]);
    }
}
