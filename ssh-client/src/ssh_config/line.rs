//! One line: a keyword and its arguments.

/// A keyword, in lower case, and what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// As it was written.
    pub(super) keyword: &'a str,
    /// Everything behind the keyword, as it was written.
    pub(super) rest: &'a str,
    /// The arguments, without quotes and comments.
    pub(super) arguments: Vec<String>,
}

impl<'a> Line<'a> {
    /// Nothing for an empty line or a comment.
    pub(super) fn parse(line: &'a str) -> Result<Option<Self>, &'static str> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
        let (keyword, rest) = line.split_at(end);
        if keyword.is_empty() {
            return Err("no keyword before '='");
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').map_or(rest, str::trim_start);
        Ok(Some(Self { keyword, rest, arguments: split(rest)? }))
    }
}

/// Splits at blanks. Quotes, single or double, keep blanks; a backslash keeps a quote, a backslash or a blank behind
/// it; a word that begins with `#` ends the line.
fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            let escapes =
                |next: &char| matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ');
            match c {
                '\\' => word.push(chars.next_if(escapes).unwrap_or('\\')),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                _ if quote == Some(c) => quote = None,
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed");
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_arguments() {
        for (text, keyword, arguments) in [
            ("Port 22", "Port", &["22"][..]),
            ("  Port=22  ", "Port", &["22"]),
            ("Port = 22", "Port", &["22"]),
            ("Port\t22 # comment", "Port", &["22"]),
            ("SetEnv A=1 B==2", "SetEnv", &["A=1", "B==2"]),
            ("SetEnv=A=1", "SetEnv", &["A=1"]),
            ("X \"a b\" 'c d' e\" \"f", "X", &["a b", "c d", "e f"]),
            (r#"X "a\"b" a\ b a\nb "a\ b" \\"#, "X", &["a\"b", "a b", r"a\nb", r"a\ b", "\\"]),
            ("X a#b \"#c\"", "X", &["a#b", "#c"]),
            ("X \"\"", "X", &[""]),
            ("X", "X", &[]),
            ("X =", "X", &[]),
        ] {
            let line = Line::parse(text).unwrap().unwrap();
            assert_eq!(
                (line.keyword, line.arguments),
                (keyword, arguments.iter().map(|&a| a.into()).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_line() {
        for text in ["", "  ", "# comment", "  #"] {
            assert_eq!(Line::parse(text), Ok(None));
        }
        assert!(Line::parse("=x").is_err());
        assert!(Line::parse("X \"a").is_err());
        assert!(Line::parse("X 'a\" b").is_err());
    }
}
