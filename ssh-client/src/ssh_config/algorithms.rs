//! Lists of algorithms as `Ciphers` and its like have them.

use crate::pattern;
use std::str::FromStr;

/// Which algorithms to use: a list of one's own, or a change to the defaults.
///
/// | written | means |
/// | --- | --- |
/// | `a,b` | these, in this order |
/// | `+a,b` | the defaults, then these |
/// | `-a,b*` | the defaults without these |
/// | `^a,b` | these, then the other defaults |
///
/// A name may have the wildcards `*` and `?`: it then stands for all that match it, in the defaults' order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmList {
    change: Change,
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Replace,
    Append,
    Remove,
    Prepend,
}

/// A list that can't be honoured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The text is no list of names.
    #[error("{0:?} is not a list of algorithms")]
    Malformed(String),
    /// A name that is not known.
    #[error("{name:?} is not known here; known are {}", available.join(","))]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        available: Vec<String>,
    },
    /// Nothing is left.
    #[error("no algorithm is left")]
    Empty,
}

impl AlgorithmList {
    /// Whether the list says which algorithm comes first, as `a,b` and `^a,b` do: of host keys, those that are known for
    /// the host then come no earlier.
    pub fn sets_order(&self) -> bool {
        matches!(self.change, Change::Replace | Change::Prepend)
    }

    /// The names that result, the best first, each once: `available` is all there is, `defaults` what is used unless
    /// told otherwise.
    ///
    /// # Errors
    /// A name is not available, or no name is left. Names to remove may be unknown.
    pub fn apply(&self, defaults: &[String], available: &[String]) -> Result<Vec<String>, ListError> {
        let (names, mut unknown) = self.apply_known(defaults, available)?;
        match unknown.pop() {
            Some(name) => Err(ListError::Unknown { name, available: available.to_vec() }),
            None => Ok(names),
        }
    }

    /// As [`AlgorithmList::apply`], for lists written with another program in mind: names that are not available are
    /// passed over, and given beside the result.
    ///
    /// # Errors
    /// No name is left.
    pub fn apply_known(
        &self,
        defaults: &[String],
        available: &[String],
    ) -> Result<(Vec<String>, Vec<String>), ListError> {
        let chosen = |name: &String| self.names.iter().any(|pattern| pattern::matches(pattern, name));
        let mut unknown = Vec::new();
        let mut named: Vec<String> = Vec::new();
        for pattern in &self.names {
            let order = defaults.iter().chain(available.iter().filter(|name| !defaults.contains(name)));
            let found: Vec<_> = order.filter(|name| pattern::matches(pattern, name)).cloned().collect();
            if found.is_empty() && self.change != Change::Remove {
                unknown.push(pattern.clone());
            }
            named.extend(found);
        }
        let names: Vec<String> = match self.change {
            Change::Replace => named,
            Change::Append => defaults.iter().cloned().chain(named).collect(),
            Change::Prepend => named.into_iter().chain(defaults.iter().cloned()).collect(),
            Change::Remove => defaults.iter().filter(|name| !chosen(name)).cloned().collect(),
        };
        let mut once: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        match (once.is_empty(), unknown.pop()) {
            (false, last) => {
                unknown.extend(last);
                Ok((once, unknown))
            }
            (true, Some(name)) => Err(ListError::Unknown { name, available: available.to_vec() }),
            (true, None) => Err(ListError::Empty),
        }
    }
}

impl FromStr for AlgorithmList {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let (change, list) = match text.split_at_checked(1) {
            Some(("+", list)) => (Change::Append, list),
            Some(("-", list)) => (Change::Remove, list),
            Some(("^", list)) => (Change::Prepend, list),
            _ => (Change::Replace, text),
        };
        // RFC 4251 §6: names are printable US-ASCII without commas.
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !list.split(',').all(is_name) {
            return Err(ListError::Malformed(text.to_owned()));
        }
        Ok(Self { change, names: list.split(',').map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(',').map(str::to_owned).collect()
    }

    fn apply(list: &str) -> Result<String, ListError> {
        let list: AlgorithmList = list.parse()?;
        list.apply(&names("aes-gcm,chacha,aes-ctr"), &names("aes-gcm,chacha,aes-ctr,aes-cbc,3des"))
            .map(|names| names.join(","))
    }

    #[test]
    fn the_four_forms() {
        for (list, expected) in [
            ("3des,chacha,3des", "3des,chacha"),
            ("+3des,chacha", "aes-gcm,chacha,aes-ctr,3des"),
            ("-chacha,unheard-of", "aes-gcm,aes-ctr"),
            ("-aes*", "chacha"),
            ("^3des,aes-ctr", "3des,aes-ctr,aes-gcm,chacha"),
            ("aes*", "aes-gcm,aes-ctr,aes-cbc"),
            ("+*cbc", "aes-gcm,chacha,aes-ctr,aes-cbc"),
        ] {
            assert_eq!(apply(list).as_deref(), Ok(expected), "{list}");
        }
    }

    #[test]
    fn some_set_the_order() {
        for (list, expected) in [("a", true), ("^a", true), ("+a", false), ("-a", false)] {
            assert_eq!(list.parse::<AlgorithmList>().unwrap().sets_order(), expected, "{list}");
        }
    }

    #[test]
    fn names_unheard_of() {
        for list in ["no", "chacha,no", "+no", "^no", "no*"] {
            let Err(ListError::Unknown { name, available }) = apply(list) else { panic!("{list}") };
            assert_eq!((name.trim_matches('*'), available.len()), ("no", 5), "{list}");
        }
        assert_eq!(apply("-*"), Err(ListError::Empty));
    }

    #[test]
    fn a_file_may_name_more_than_there_is() {
        let apply = |list: &str| {
            list.parse::<AlgorithmList>()
                .unwrap()
                .apply_known(&names("a,b"), &names("a,b,c"))
                .map(|(names, unknown)| (names.join(","), unknown.join(",")))
        };
        assert_eq!(apply("x,c,y"), Ok(("c".into(), "x,y".into())));
        assert_eq!(apply("+x"), Ok(("a,b".into(), "x".into())));
        assert!(matches!(apply("x,y"), Err(ListError::Unknown { .. })));
    }

    #[test]
    fn what_is_no_list() {
        for list in ["", "+", "a,,b", "a,", "a b", "a\u{e9}"] {
            assert_eq!(apply(list), Err(ListError::Malformed(list.into())), "{list:?}");
        }
    }
}
