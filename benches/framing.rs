//! Messages to packets and back.

use std::hint::black_box;
use std::time::Duration;

use benches::{SIZES, Wire, backends, suites};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ssh_wire::message::Message;
use ssh_wire::message::connection::ChannelData;

/// Bytes that are encoded, and then decoded, at once: what one read from a socket may bring.
const BATCH: usize = 256 * 1024;

fn round_trip(criterion: &mut Criterion) {
    let mut wires = vec![("clear".to_owned(), Wire::clear())];
    let [(_, fastest), _] = backends();
    let sealed = suites(&fastest).into_iter().find(|(name, _)| name.starts_with("aes128-gcm"));
    wires.extend(sealed.map(|(name, make)| (name, Wire::sealed(make()))));

    for (name, mut wire) in wires {
        let mut group = criterion.benchmark_group(format!("framing/{name}"));
        for size in SIZES {
            let data = vec![0x5a; size];
            let message = ChannelData { recipient: 7, data: &data };
            let packets = BATCH / size;
            group.throughput(Throughput::Bytes((packets * size) as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    for _ in 0..packets {
                        wire.encoder.packet().send_message(&message);
                    }
                    wire.carry();
                    let mut decoded = 0;
                    while let Ok(Some(inbound)) = wire.decoder.decode() {
                        decoded +=
                            ChannelData::parse(black_box(&inbound.payload)).map_or(0, |got| got.data.len());
                    }
                    assert_eq!(decoded, packets * size);
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(2));
    targets = round_trip
}
criterion_main!(all);
