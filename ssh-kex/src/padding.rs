//! Where the padding of packets comes from.

use ssh_crypto::SecureRandom;

/// Random bytes fetched at once; a packet takes 4 to 20 of them. Each session holds so many.
const BUFFER: usize = 128;

/// Fills padding with random bytes of `random`, many packets' worth fetched at a time.
pub(crate) fn padding(random: &'static dyn SecureRandom) -> impl FnMut(&mut [u8]) + Send + 'static {
    let mut buffer = [0; BUFFER];
    let mut used = BUFFER;
    move |mut padding: &mut [u8]| {
        while !padding.is_empty() {
            if used == BUFFER {
                // RFC 4253 §6 only recommends that padding is random: a source that fails leaves the bytes of before,
                // and fails the next key exchange.
                let _ = random.fill(&mut buffer);
                used = 0;
            }
            let n = padding.len().min(BUFFER - used);
            let (now, later) = padding.split_at_mut(n);
            now.copy_from_slice(&buffer[used..used + n]);
            used += n;
            padding = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_crypto::random::SystemRandom;

    #[test]
    fn no_bytes_come_twice() {
        let mut fill = padding(&SystemRandom);
        let mut bytes = vec![0; 3 * BUFFER + 7];
        for chunk in bytes.chunks_mut(19) {
            fill(chunk);
        }
        let mut windows: Vec<_> = bytes.windows(8).collect();
        windows.sort_unstable();
        windows.dedup();
        assert_eq!(windows.len(), bytes.len() - 7);
    }
}
