//! Looking for pieces of secrets in the process's own memory.

use std::{
    collections::HashSet,
    fmt,
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
};
use zeroize::Zeroize;

/// Hashes of all pieces of secrets.
#[derive(Clone, Default)]
pub struct Sought {
    pieces: HashSet<u64>,
    /// Of small numbers in 16 bits each, where only many say something.
    small: HashSet<u64>,
}

/// Bytes of a piece.
const PIECE: usize = 16;
/// Bytes of a piece of small numbers: 32 of three values are as good as 50 bits.
const SMALL: usize = 64;

impl Sought {
    /// All pieces of a secret number or text, and of its bytes in the other order, which is how numbers lie in registers.
    pub fn add(&mut self, secret: &[u8]) {
        assert!(secret.len() >= PIECE);
        self.pieces.extend(secret.windows(PIECE).filter(|piece| varied(piece)).map(hash));
        let mut reversed: Vec<u8> = secret.iter().rev().copied().collect();
        self.pieces.extend(reversed.windows(PIECE).filter(|piece| varied(piece)).map(hash));
        reversed.zeroize();
    }

    /// The pieces of a secret text in which something public stands, without those that are public by half.
    pub fn add_around(&mut self, secret: &[u8], public: &[u8]) {
        let is_public = |half: &[u8]| public.windows(half.len()).any(|other| other == half);
        let pieces = secret.windows(PIECE).filter(|piece| !piece.chunks(PIECE / 2).any(is_public));
        pieces.for_each(|piece| self.add(piece));
    }

    /// Numbers of 16 bits, most of them different.
    pub fn add_numbers(&mut self, numbers: impl IntoIterator<Item = i16>) {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(i16::to_le_bytes).collect();
        self.pieces.extend(bytes.windows(PIECE).filter(|piece| varied(piece)).map(hash));
    }

    /// Numbers of 16 bits, each -1, 0 or 1.
    pub fn add_small(&mut self, numbers: impl IntoIterator<Item = i16>) {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(i16::to_le_bytes).collect();
        self.small.extend(bytes.windows(SMALL).step_by(2).map(hash));
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len() + self.small.len()
    }

    pub(super) fn parse(text: &str) -> Self {
        let mut sought = Self::default();
        for line in text.lines() {
            let to = match line.split_once(' ') {
                Some(("piece", hash)) => Some((&mut sought.pieces, hash)),
                Some(("small", hash)) => Some((&mut sought.small, hash)),
                _ => None,
            };
            if let Some((to, hash)) = to {
                to.insert(hash.parse().unwrap());
            }
        }
        sought
    }

    /// Reads all memory that is written to by this process alone.
    pub fn look(&self) -> Found {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut found = Found::default();
        let mut buffer = vec![0; 1 << 18];
        let own = buffer.as_ptr_range().start.addr()..buffer.as_ptr_range().end.addr();
        let filter = self.filter();
        for (range, is_heap) in areas() {
            let count = if is_heap { &mut found.heap } else { &mut found.stack };
            let mut at = range.start;
            while at < range.end {
                if own.contains(&at) {
                    at = own.end;
                    continue;
                }
                let end = if at < own.start { range.end.min(own.start) } else { range.end };
                let len = buffer.len().min(end - at);
                // What was unmapped since the list was read is no longer there to be found.
                if memory.read_exact_at(&mut buffer[..len], at as u64).is_ok() {
                    *count += self.count(&buffer[..len], &filter);
                }
                // The last piece may go on in the next part.
                at += if at + len == end { len } else { len - SMALL };
            }
        }
        buffer.zeroize();
        found
    }

    /// Which first bits of a hash there are, to pass over most of what is none faster than a set tells.
    fn filter(&self) -> Vec<bool> {
        let mut filter = vec![false; 1 << 16];
        self.pieces.iter().chain(&self.small).for_each(|hash| filter[(hash >> 48) as usize] = true);
        filter
    }

    fn count(&self, bytes: &[u8], filter: &[bool]) -> usize {
        let is_in = |set: &HashSet<u64>, hash: u64| filter[(hash >> 48) as usize] && set.contains(&hash);
        let pieces = bytes.windows(PIECE).filter(|piece| is_in(&self.pieces, hash(piece))).count();
        if self.small.is_empty() {
            return pieces;
        }
        pieces + bytes.windows(SMALL).step_by(2).filter(|piece| is_in(&self.small, hash(piece))).count()
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|hash| writeln!(f, "\npiece {hash}"))?;
        self.small.iter().try_for_each(|hash| writeln!(f, "\nsmall {hash}"))
    }
}

/// How many pieces were found in memory that was allocated, and in other: stacks and variables.
#[derive(Debug, Default)]
pub struct Found {
    heap: usize,
    stack: usize,
}

impl Found {
    /// In all memory.
    pub fn count(&self) -> usize {
        self.heap + self.stack
    }
}

/// Where there is memory that is read, written and not shared, and whether it is for allocation, as far as the system tells.
fn areas() -> Vec<(Range<usize>, bool)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let areas = maps.lines().filter(|line| line.contains(" rw-p "));
    areas
        .map(|line| {
            let range = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [start, end] = [range.0, range.1].map(|address| usize::from_str_radix(address, 16).unwrap());
            // glibc has other threads allocate from areas of their own, which begin at multiples of 64 MiB.
            (start..end, line.ends_with("[heap]") || start % (64 << 20) == 0)
        })
        .collect()
}

/// Few different bytes are found anywhere.
fn varied(piece: &[u8]) -> bool {
    piece.iter().collect::<HashSet<_>>().len() >= PIECE / 2
}

fn hash(piece: &[u8]) -> u64 {
    piece.as_chunks().0.iter().fold(0x243f_6a88_85a3_08d3_u64, |hash, word| {
        let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    })
}
