//! Channels between two engines, over wires in the clear: what the connection protocol itself costs.

use std::time::{Duration, Instant};

use benches::Wire;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ssh_connection::{ChannelId, Config, Error, Event, Mux, Written};

fn data(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mux/data");
    for (chunk, total) in [(1, 1024), (1024, 1 << 20), (32 * 1024, 8 << 20)] {
        let data = vec![0x5a; chunk];
        group.throughput(Throughput::Bytes(total as u64));
        group.bench_function(BenchmarkId::new("writes-of", chunk), |bencher| {
            let mut pair = Pair::new();
            let channel = pair.open();
            bencher.iter(|| assert_eq!(pair.transfer(channel, &data, total).ok(), Some(total)));
        });
    }
    group.finish();
}

fn channels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mux/channels");
    group.bench_function("open-and-close", |bencher| {
        let mut pair = Pair::new();
        bencher.iter(|| {
            let channel = pair.open();
            pair.close(channel);
        });
    });
    group.bench_function("64-beside-each-other", |bencher| {
        bencher.iter_batched(
            Pair::new,
            |mut pair| {
                let open: Vec<_> = (0..64).map(|_| pair.open()).collect();
                for channel in open {
                    assert_eq!(pair.transfer(channel, &[0x5a; 1024], 64 << 10).ok(), Some(64 << 10));
                    pair.close(channel);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A client and a server; the server accepts every channel and reads all it gets at once.
struct Pair {
    client: Mux,
    server: Mux,
    up: Wire,
    down: Wire,
    now: Instant,
    received: usize,
    opened: usize,
    closed: usize,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            client: Mux::new(Config::default()),
            server: Mux::new(Config::default()),
            up: Wire::clear(),
            down: Wire::clear(),
            now: Instant::now(),
            received: 0,
            opened: 0,
            closed: 0,
        }
    }

    fn open(&mut self) -> ChannelId {
        let opened = self.opened;
        let channel = self.client.open(b"session", b"");
        assert!(self.settle().is_ok());
        assert_eq!(self.opened, opened + 1);
        match channel {
            Ok(channel) => channel,
            Err(error) => unreachable!("the server accepts every channel: {error}"),
        }
    }

    fn close(&mut self, channel: ChannelId) {
        let closed = self.closed;
        self.client.close(channel);
        assert!(self.settle().is_ok());
        assert_eq!(self.closed, closed + 2);
    }

    /// Writes `data` again and again until `total` bytes have arrived; answers how many did.
    fn transfer(&mut self, channel: ChannelId, data: &[u8], total: usize) -> Result<usize, Error> {
        self.received = 0;
        let mut sent = 0;
        while sent < total {
            let rest = &data[sent % data.len()..];
            match self.client.write(channel, rest, &mut self.up)? {
                Written::Bytes(written) => sent += written,
                Written::Blocked(_) => self.settle()?,
            }
        }
        self.settle()?;
        Ok(self.received)
    }

    /// Moves messages until neither side has anything to say.
    fn settle(&mut self) -> Result<(), Error> {
        loop {
            self.client.flush(&mut self.up);
            self.server.flush(&mut self.down);
            if self.up.carry() + self.down.carry() == 0 {
                return Ok(());
            }
            while let Ok(Some(inbound)) = self.up.decoder.decode() {
                self.server.handle(inbound.payload, self.now)?;
                self.serve()?;
            }
            while let Ok(Some(inbound)) = self.down.decoder.decode() {
                self.client.handle(inbound.payload, self.now)?;
                while let Some(event) = self.client.poll_event() {
                    match event {
                        Event::Opened { .. } => self.opened += 1,
                        Event::Closed { .. } => self.closed += 1,
                        _ => {}
                    }
                }
            }
        }
    }

    fn serve(&mut self) -> Result<(), Error> {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::Incoming { channel, .. } => self.server.accept(channel)?,
                Event::Data { channel, data } => {
                    self.received += data.len();
                    self.server.consumed(channel, data.len(), self.now);
                }
                Event::Closed { .. } => self.closed += 1,
                _ => {}
            }
        }
        Ok(())
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(2));
    targets = data, channels
}
criterion_main!(all);
