//! A peer's texts, made fit for a terminal and a log.

/// The longest text of a peer that is kept, in bytes.
const MAX_TEXT: usize = 4096;

/// `text` as UTF-8 without control characters but line ends and tabs, cut to [`MAX_TEXT`] bytes. What is not UTF-8 is
/// replaced; RFC 4253 §11.1 asks that control characters do not reach a terminal.
pub(crate) fn printable(text: &[u8]) -> String {
    let text = &text[..text.len().min(MAX_TEXT)];
    let is_harmful = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_bidirectional(c);
    String::from_utf8_lossy(text).chars().filter(|&c| !is_harmful(c)).collect()
}

/// Marks that reorder the characters around them, so that a text reads as another.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_removed() {
        assert_eq!(printable(b"a\x1b[31mb\r\n\tc\0\x7f\xff"), "a[31mb\n\tc\u{fffd}");
        assert_eq!(printable("x\u{202e}y\u{9b}z".as_bytes()), "xyz");
        assert_eq!(printable(&[b'a'; MAX_TEXT + 1]).len(), MAX_TEXT);
    }
}
