//! The list of hosts.

use examples::Target;
use std::{collections::HashSet, error::Error, fmt, fs, io, path::Path};

/// A host, by the name that the user gave it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Host {
    name: String,
    pub(crate) target: Target,
}

impl Host {
    fn parse(name: &str) -> Result<Self, String> {
        // It becomes a file's name, and is shown on a terminal.
        if name.starts_with('.') || name.contains(|c: char| c == '/' || c.is_control() || c.is_whitespace()) {
            return Err(format!("{name:?} is no name of a host"));
        }
        Ok(Self { name: name.to_owned(), target: name.parse()? })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// Those that are named, and those that the files list, in this order; one that is named twice is visited once.
pub(crate) fn all(named: &[String], files: &[impl AsRef<Path>]) -> Result<Vec<Host>, Box<dyn Error>> {
    let (mut hosts, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |name: &str| {
        if seen.insert(name.to_owned()) {
            hosts.push(Host::parse(name)?);
        }
        Ok::<_, String>(())
    };
    for name in named {
        add(name)?;
    }
    for file in files.iter().map(AsRef::as_ref) {
        let place = file.display();
        let text = match file == Path::new("-") {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(file),
        };
        for (at, line) in text.map_err(|error| format!("{place}: {error}"))?.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if !name.is_empty() {
                add(name).map_err(|error| format!("{place}:{}: {error}", at + 1))?;
            }
        }
    }
    match hosts.is_empty() {
        true => Err("there is no host in the list".into()),
        false => Ok(hosts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(named: &[&str], text: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        fs::write(&path, text).unwrap();
        let named: Vec<_> = named.iter().map(|&name| name.to_owned()).collect();
        let hosts = all(&named, &[path]).map_err(|error| error.to_string())?;
        Ok(hosts.iter().map(Host::to_string).collect())
    }

    #[test]
    fn arguments_come_first_and_nobody_twice() {
        let text = "# the first\n\nalice@one\n  bob@two:2222  # the second\nalice@one\nalice@zero\n";
        assert_eq!(names(&["alice@zero"], text).unwrap(), ["alice@zero", "alice@one", "bob@two:2222"]);
    }

    #[test]
    fn what_names_no_host_is_told_with_its_place() {
        let error = names(&[], "alice@one\nbob\n").unwrap_err();
        assert!(error.contains("hosts:2: \"bob\" is not user@host"), "{error}");
        for name in ["a@../../etc/x", "../a@x", "a@x\u{1b}[2J"] {
            let error = names(&[name], "").unwrap_err();
            assert!(error.contains("is no name of a host"), "{error}");
        }
        assert_eq!(names(&[], "# nobody\n").unwrap_err(), "there is no host in the list");
    }
}
