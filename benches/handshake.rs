//! Both sides of a whole first key exchange: identification strings, negotiation, method, host key, new keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ssh_crypto::{KeyPair, PrivateKey, Signer};
use ssh_kex::{Config, Error, Event, Receiver, Transport, default_provider};

fn handshake(criterion: &mut Criterion) {
    let provider = Arc::new(default_provider());
    let signer: Arc<dyn Signer> = match KeyPair::new(&PrivateKey::ed25519(&[7; 32]), &provider) {
        Ok(pair) => Arc::new(pair),
        Err(error) => unreachable!("every provider signs with Ed25519: {error}"),
    };
    let mut group = criterion.benchmark_group("handshake");
    for kex in Config::new(Arc::clone(&provider)).algorithms.kex {
        let mut config = Config::new(Arc::clone(&provider));
        config.algorithms.kex = vec![kex.clone()];
        group.bench_function(&kex, |bencher| {
            bencher.iter(|| {
                let established = run(&config, Arc::clone(&signer));
                assert!(matches!(established, Ok(true)), "{established:?}");
            });
        });
    }
    group.finish();
}

/// Runs a client and a server until nothing is left to say; whether both are through then.
fn run(config: &Config, signer: Arc<dyn Signer>) -> Result<bool, Error> {
    let now = Instant::now();
    let (mut client, mut server) =
        (Transport::client(config.clone(), now)?, Transport::server(config.clone(), vec![signer], now)?);
    loop {
        let (up, down) = (std::mem::take(client.0.output()), std::mem::take(server.0.output()));
        if up.is_empty() && down.is_empty() {
            return Ok(client.0.is_established() && server.0.is_established());
        }
        receive(&mut server, &up, now)?;
        receive(&mut client, &down, now)?;
    }
}

fn receive(
    (transport, receiver): &mut (Transport, Receiver),
    bytes: &[u8],
    now: Instant,
) -> Result<(), Error> {
    receiver.push(bytes);
    while let Some(received) = receiver.decode()? {
        transport.handle(received, now)?;
        while let Some(event) = transport.poll_event() {
            if matches!(event, Event::HostKey { .. }) {
                transport.accept_host_key(now)?;
            }
        }
        if let Some(open) = transport.take_open() {
            receiver.install(open);
        }
    }
    Ok(())
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = handshake
}
criterion_main!(all);
