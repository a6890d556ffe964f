//! Key encapsulation: making a key pair, and either side's work with it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use ssh_crypto::random::SystemRandom;
use ssh_crypto::{Kem, KexError, agreement::Decapsulate, aws_lc, rust_crypto};

/// Each with the back ends that have code of their own for it.
const KEMS: [(&str, &str, &dyn Kem); 5] = [
    ("sntrup761", "rust-crypto", rust_crypto::SNTRUP761),
    ("mlkem768", "aws-lc", aws_lc::MLKEM768),
    ("mlkem768", "rust-crypto", rust_crypto::MLKEM768),
    ("mlkem1024", "aws-lc", aws_lc::MLKEM1024),
    ("mlkem1024", "rust-crypto", rust_crypto::MLKEM1024),
];

fn kem(criterion: &mut Criterion) {
    for (name, backend, kem) in KEMS {
        let pair = || made(kem.generate(&SystemRandom));
        let public = pair().public().to_vec();
        let mut group = criterion.benchmark_group(name);
        group.bench_function(BenchmarkId::new("generate", backend), |bencher| bencher.iter(pair));
        group.bench_function(BenchmarkId::new("encapsulate", backend), |bencher| {
            bencher.iter(|| made(kem.encapsulate(black_box(&public), &SystemRandom)));
        });
        group.bench_function(BenchmarkId::new("decapsulate", backend), |bencher| {
            let setup = || {
                let pair: Box<dyn Decapsulate> = pair();
                let (ciphertext, _) = made(kem.encapsulate(pair.public(), &SystemRandom));
                (pair, ciphertext)
            };
            let run =
                |(pair, ciphertext): (Box<dyn Decapsulate>, Vec<u8>)| made(pair.decapsulate(&ciphertext));
            bencher.iter_batched(setup, run, BatchSize::SmallInput);
        });
        group.finish();
    }
}

fn made<T>(result: Result<T, KexError>) -> T {
    match result {
        Ok(made) => made,
        Err(error) => unreachable!("what is given is right: {error}"),
    }
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = kem
}
criterion_main!(all);
