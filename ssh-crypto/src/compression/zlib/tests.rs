use super::*;
use proptest::prelude::*;

const LIMIT: usize = 256 * 1024;

struct Both(Box<dyn Compress>, Box<dyn Decompress>);

impl Both {
    fn new() -> Self {
        Self(ZLIB.compress(), ZLIB.decompress())
    }

    fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut compressed = Vec::new();
        self.0.compress(payload, &mut compressed);
        compressed
    }

    fn decompress(&mut self, payload: &[u8]) -> Result<Vec<u8>, DecompressError> {
        let mut plain = Vec::new();
        self.1.decompress(payload, LIMIT, &mut plain).map(|()| plain)
    }
}

#[test]
fn what_was_said_before_is_said_in_few_bytes() {
    let mut both = Both::new();
    let text = b"the same again, and the same again, and once more";
    let first = both.compress(text);
    let second = both.compress(text);
    assert!(second.len() < first.len() / 2, "{} then {}", first.len(), second.len());
    assert_eq!(both.decompress(&first).unwrap(), text);
    assert_eq!(both.decompress(&second).unwrap(), text);
}

#[test]
fn the_largest_payload_may_be_all_zeros_but_no_larger_one() {
    let mut both = Both::new();
    let zeros = both.compress(&vec![0; LIMIT]);
    assert!(zeros.len() < 1024);
    assert_eq!(both.decompress(&zeros).unwrap(), vec![0; LIMIT]);
    let bomb = both.compress(&vec![0; LIMIT + 1]);
    assert_eq!(both.decompress(&bomb), Err(DecompressError::TooLarge { limit: LIMIT }));

    let mut both = Both::new();
    let bomb = both.compress(&vec![0; 200 << 20]);
    let mut plain = Vec::new();
    let result = both.1.decompress(&bomb, LIMIT, &mut plain);
    assert_eq!(result, Err(DecompressError::TooLarge { limit: LIMIT }));
    assert!(plain.capacity() < 2 * LIMIT, "{}", plain.capacity());
}

#[test]
fn noise_grows_by_little() {
    let mut both = Both::new();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let payload: Vec<u8> = std::iter::repeat_with(&mut noise).take(LIMIT - 256).collect();
    let compressed = both.compress(&payload);
    // A packet has 256 bytes more than the largest payload, of which header and padding take some 30.
    assert!(compressed.len() <= payload.len() + 200, "{} more", compressed.len() - payload.len());
    assert_eq!(both.decompress(&compressed).unwrap(), payload);
}

#[test]
fn what_is_no_stream_is_refused() {
    for bytes in [&b"\x78\x9c\xff\xff\xff"[..], b"no zlib", b"\x78\x9d"] {
        assert_eq!(Both::new().decompress(bytes), Err(DecompressError::Damaged), "{bytes:?}");
    }
    // A stream that was ended, and bytes behind its end.
    let mut ended = Vec::with_capacity(100);
    let mut compress = flate2::Compress::new(Compression::new(LEVEL), true);
    compress.compress_vec(b"over", &mut ended, FlushCompress::Finish).unwrap();
    assert_eq!(Both::new().decompress(&ended), Err(DecompressError::Damaged));
    ended.push(0);
    assert_eq!(Both::new().decompress(&ended), Err(DecompressError::Damaged));
    let mut both = Both::new();
    assert_eq!(both.decompress(b""), Ok(Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn payloads_come_out_as_they_went_in(payloads in proptest::collection::vec(
        proptest::collection::vec(prop_oneof![Just(7_u8), any::<u8>()], 1..20_000), 1..12)) {
        let mut both = Both::new();
        for payload in payloads {
            let compressed = both.compress(&payload);
            prop_assert_eq!(both.decompress(&compressed).unwrap(), payload);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), header: bool) {
        let mut both = Both::new();
        let bytes = if header { [&[0x78, 0x9c], bytes.as_slice()].concat() } else { bytes };
        if let Ok(plain) = both.decompress(&bytes) {
            prop_assert!(plain.len() <= LIMIT);
        }
    }
}
