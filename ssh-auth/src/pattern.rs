//! Patterns with `*` and `?`, as `known_hosts` and `ssh_config` have them (ssh_config(5), PATTERNS).

/// Whether `text` matches `pattern`: `*` stands for any number of characters, `?` for exactly one.
///
/// The time is bounded by the product of both lengths, whatever the pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and how far in the text it reaches now. An earlier one never has to reach farther.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, reach)) = star else { return false };
                star = Some((at, reach + 1));
                p = at + 1;
                t = reach + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Patterns of which some may be negated with a `!` before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatternList(Vec<Element>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    negated: bool,
    pattern: String,
}

impl PatternList {
    /// From patterns with commas between them.
    pub fn from_commas(list: &str) -> Self {
        list.split(',').collect()
    }

    /// Whether at least one pattern matches `text` and no negated one does.
    pub fn matches(&self, text: &str) -> bool {
        self.matches_one_of(&[text])
    }

    /// The same for something that has several names: at least one pattern matches one of them, and no negated one any.
    pub fn matches_one_of(&self, texts: &[impl AsRef<str>]) -> bool {
        let is_hit = |element: &&Element| texts.iter().any(|text| matches(&element.pattern, text.as_ref()));
        let mut hits = self.0.iter().filter(is_hit).peekable();
        hits.peek().is_some() && hits.all(|element| !element.negated)
    }

    /// The same for upper and lower case: every pattern in lower case (US-ASCII), to be asked with such names.
    pub fn to_lowercase(mut self) -> Self {
        for element in &mut self.0 {
            element.pattern.make_ascii_lowercase();
        }
        self
    }
}

impl<'a> FromIterator<&'a str> for PatternList {
    fn from_iter<I: IntoIterator<Item = &'a str>>(patterns: I) -> Self {
        let element = |pattern: &str| match pattern.strip_prefix('!') {
            Some(pattern) => Element { negated: true, pattern: pattern.to_owned() },
            None => Element { negated: false, pattern: pattern.to_owned() },
        };
        Self(patterns.into_iter().filter(|pattern| !pattern.is_empty()).map(element).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "anything"),
            ("a?c", "abc"),
            ("*.example.com", "a.b.example.com"),
            ("192.168.0.?", "192.168.0.7"),
            ("a*b*c", "a-bb-b-c"),
            ("**", "x"),
            ("?", "é"),
            ("[x]:*", "[x]:22"),
        ] {
            assert!(matches(pattern, text), "{pattern} should match {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("?", ""),
            ("a", "A"),
            ("*.example.com", "example.com"),
            ("192.168.0.?", "192.168.0.77"),
            ("a*b", "abc"),
            ("[ab]", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn many_stars_end_in_time() {
        assert!(!matches(&"*a".repeat(2_000), &"a".repeat(1_999)));
        assert!(!matches(&format!("{}b", "*a".repeat(500)), &"a".repeat(10_000)));
    }

    #[test]
    fn a_negated_match_wins_wherever_it_stands() {
        for list in ["*.dialup.example.com,!bad.*", "!bad.*,*.dialup.example.com"] {
            let list = PatternList::from_commas(list);
            assert!(list.matches("good.dialup.example.com"));
            assert!(!list.matches("bad.dialup.example.com"));
        }
        assert!(!PatternList::from_commas("!bad").matches("good"), "a negation alone matches nothing");
        assert!(!PatternList::from_commas("").matches(""));
        assert!(PatternList::from_commas("HOST").to_lowercase().matches("host"));
    }
}
