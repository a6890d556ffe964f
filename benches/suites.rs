//! Sealing and opening one packet, by suite, size and back end.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{MakeSuite, SIZES, backends, packet, suites};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn seal(criterion: &mut Criterion) {
    for_each(criterion, "seal", |make, size, bencher| {
        let mut seal = make().seal;
        let mut packet = packet(seal.layout(), size);
        let mut seq = 0;
        // Sealing what was sealed before costs the same, for no suite looks at the content.
        bencher.iter(|| {
            seal.seal(seq, black_box(&mut packet));
            seq = seq.wrapping_add(1);
        });
    });
}

fn open(criterion: &mut Criterion) {
    for_each(criterion, "open", |make, size, bencher| {
        bencher.iter_custom(|iterations| {
            let mut suite = make();
            let clear = packet(suite.seal.layout(), size);
            let head = suite.open.layout().head;
            let mut time = Duration::ZERO;
            // Nonces go up and packets are opened in place, so each needs to be sealed anew, off the clock.
            let mut batch = vec![clear.clone(); BATCH];
            let mut seq: u32 = 0;
            let mut left = iterations;
            while left > 0 {
                let count = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
                for (packet, seq) in batch[..count].iter_mut().zip(seq..) {
                    packet.copy_from_slice(&clear);
                    suite.seal.seal(seq, packet);
                }
                let start = Instant::now();
                for packet in &mut batch[..count] {
                    suite.open.length(seq, &mut packet[..head]);
                    assert!(suite.open.open(seq, black_box(packet)).is_ok());
                    seq = seq.wrapping_add(1);
                }
                time += start.elapsed();
                left -= count as u64;
            }
            time
        });
    });
}

/// Packets that are opened between two looks at the clock.
const BATCH: usize = 16;

fn for_each(
    criterion: &mut Criterion,
    what: &str,
    bench: impl Fn(&MakeSuite, usize, &mut criterion::Bencher<'_>),
) {
    for (backend, provider) in backends() {
        for (name, make) in suites(&provider) {
            let mut group = criterion.benchmark_group(format!("{what}/{name}/{backend}"));
            for size in SIZES {
                group.throughput(Throughput::Bytes(size as u64));
                group
                    .bench_function(BenchmarkId::from_parameter(size), |bencher| bench(&make, size, bencher));
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = seal, open
}
criterion_main!(all);
