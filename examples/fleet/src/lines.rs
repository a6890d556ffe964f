//! Lines out of what arrives in pieces.

/// A longer line is printed in pieces of this length in bytes.
const MAX_LINE: usize = 64 * 1024;

/// Puts lines together.
#[derive(Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Adds what has arrived, and takes out what is complete: each line without its end.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let room = MAX_LINE - self.0.len();
            let (taken, is_whole) = match bytes.iter().take(room).position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (bytes.len().min(room), room <= bytes.len()),
            };
            self.0.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if is_whole {
                lines.extend(self.finish());
            }
        }
        lines
    }

    /// What there is without an end.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        let mut line = std::mem::take(&mut self.0);
        if line.is_empty() {
            return None;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"one\n\nthree\xff\nfour";
        for split in 0..text.len() {
            let mut lines = Lines::default();
            let mut got = lines.push(&text[..split]);
            got.extend(lines.push(&text[split..]));
            got.extend(lines.finish());
            let expected: [&[u8]; 4] = [b"one", b"", b"three\xff", b"four"];
            assert_eq!(got, expected, "{split}");
        }
    }

    #[test]
    fn an_endless_line_comes_in_pieces() {
        let mut lines = Lines::default();
        let pieces = lines.push(&[b'x'; 2 * MAX_LINE + 1]);
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_LINE, MAX_LINE]);
        assert_eq!(lines.push(b"y\n"), [b"xy"]);
        assert_eq!(lines.finish(), None);
    }
}
