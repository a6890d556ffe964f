//! Files: which lines of them count, and the files they include.

use super::{ConfigError, Context, Options, Origin, apply::apply, line::Line, unhonoured};
use crate::pattern::PatternList;
use log::debug;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Whose file it is: where relative paths in `Include` begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A user's: `~/.ssh`.
    User,
    /// The system's: `/etc/ssh`.
    System,
}

impl Options {
    /// Reads the user's file (`~/.ssh/config`), then the system's (`/etc/ssh/ssh_config`), as far as they are there.
    ///
    /// # Errors
    /// As [`Options::read`]; or the user's file could have been written by somebody else.
    pub fn read_defaults(&mut self, context: &Context) -> Result<(), ConfigError> {
        let user = context.home.join(".ssh/config");
        let system = Path::new("/etc/ssh/ssh_config");
        self.in_passes(context, |options, target| {
            let mut reading = Reading::new(options, context, Scope::User, target);
            reading.file(&user, true)?;
            let asked = reading.asks_for_final;
            let mut reading = Reading::new(options, context, Scope::System, target);
            reading.file(system, false)?;
            Ok(((), asked || reading.asks_for_final))
        })
    }

    /// Reads a file; the answer is whether it is there.
    ///
    /// # Errors
    /// The file can't be read or is larger than 16 MiB, or it holds an option that is not known, has a wrong value, or
    /// may not be passed over.
    pub fn read(&mut self, path: &Path, scope: Scope, context: &Context) -> Result<bool, ConfigError> {
        self.in_passes(context, |options, target| {
            let mut reading = Reading::new(options, context, scope, target);
            Ok((reading.file(path, false)?, reading.asks_for_final))
        })
    }

    /// Reads the text of a user's file; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Options::read`].
    pub fn read_text(&mut self, text: &str, path: &Path, context: &Context) -> Result<(), ConfigError> {
        self.in_passes(context, |options, target| {
            let mut reading = Reading::new(options, context, Scope::User, target);
            Ok((reading.text(text, path)?, reading.asks_for_final))
        })
    }

    /// Reads, and if a `Match final` asks for it a second time, by then with the name of the target known.
    fn in_passes<T>(
        &mut self,
        context: &Context,
        read: impl Fn(&mut Self, Option<&str>) -> Result<(T, bool), ConfigError>,
    ) -> Result<T, ConfigError> {
        let (result, asks_for_final) = read(self, None)?;
        if asks_for_final {
            let target = self.target(context)?.to_string();
            read(self, Some(&target))?;
        }
        Ok(result)
    }
}

struct Reading<'a> {
    options: &'a mut Options,
    context: &'a Context,
    scope: Scope,
    /// The name of the target, in the final pass.
    target: Option<&'a str>,
    /// Whether there is a `Match final`.
    asks_for_final: bool,
    /// How many files include this one.
    depth: usize,
    /// Whether an `Include` in a block that does not count leads here: then nothing here counts.
    never: bool,
}

impl<'a> Reading<'a> {
    fn new(options: &'a mut Options, context: &'a Context, scope: Scope, target: Option<&'a str>) -> Self {
        Self { options, context, scope, target, asks_for_final: false, depth: 0, never: false }
    }

    fn file(&mut self, path: &Path, check_owner: bool) -> Result<bool, ConfigError> {
        let failed = |problem: String| ConfigError { origin: whole(path), problem };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error.to_string())),
        };
        if check_owner && !is_own(&file).map_err(|error| failed(error.to_string()))? {
            return Err(failed("belongs to somebody else, or others may write to it".to_owned()));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(failed("is larger than 16 MiB".to_owned()));
        }
        debug!("reading options from {}", path.display());
        self.text(&String::from_utf8_lossy(&bytes), path)?;
        Ok(true)
    }

    fn text(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let path: Arc<Path> = path.into();
        let mut active = !self.never;
        for (index, line) in text.lines().enumerate() {
            let origin = Origin::File { path: path.clone(), line: index + 1 };
            let failed = |problem: String| ConfigError { origin: origin.clone(), problem };
            let Some(line) = Line::parse(line).map_err(|problem| failed(problem.to_owned()))? else {
                continue;
            };
            match line.keyword.to_ascii_lowercase().as_str() {
                "host" => active = self.host(&line).map_err(failed)? && !self.never,
                "match" => active = self.matches(&line).map_err(failed)? && !self.never,
                "include" => self.include(&line, active, &origin)?,
                // The target stays the same.
                "hostname" if self.target.is_some() => {}
                _ if active => apply(self.options, &line, &origin).map_err(failed)?,
                // It counts for another host, which is not where the connection goes.
                keyword if unhonoured::find(keyword).is_some() => {}
                // What does not count now counts for another host: its errors are told today.
                _ => {
                    let ignore_unknown = self.options.ignore_unknown.clone();
                    let mut inactive = Options { ignore_unknown, ..Options::default() };
                    apply(&mut inactive, &line, &origin).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    fn host(&self, line: &Line<'_>) -> Result<bool, String> {
        if line.arguments.is_empty() {
            return Err("Host needs a pattern".to_owned());
        }
        let patterns: PatternList = line.arguments.iter().map(String::as_str).collect();
        Ok(patterns.matches(self.target.unwrap_or(&self.context.host)))
    }

    /// Whether all criteria of a `Match` hold.
    fn matches(&mut self, line: &Line<'_>) -> Result<bool, String> {
        let mut arguments = line.arguments.iter();
        let mut names = Vec::new();
        let mut holds = true;
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            let (negated, name) = name.strip_prefix('!').map_or((false, name), |name| (true, name));
            let name = name.to_ascii_lowercase();
            let subject = match name.as_str() {
                "all" => None,
                // Names are not canonicalised here; OpenSSH takes both for the same.
                "canonical" | "final" => {
                    self.asks_for_final |= name == "final" && !negated;
                    holds &= self.target.is_some() != negated;
                    continue;
                }
                "host" => {
                    Some(self.options.target(self.context).map_err(|error| error.to_string())?.to_string())
                }
                "originalhost" => Some(self.context.host.clone()),
                "user" => {
                    let user = self.options.user.as_ref().map(|user| user.value.to_string());
                    Some(user.unwrap_or_else(|| self.context.local_user.clone()))
                }
                "localuser" => Some(self.context.local_user.clone()),
                _ => return Err(format!("Match criterion {name:?} is not supported")),
            };
            let found = match subject {
                None => true,
                Some(subject) => {
                    let patterns = value.or_else(|| arguments.next().map(String::as_str));
                    let patterns = patterns.ok_or_else(|| format!("Match {name} needs a pattern"))?;
                    PatternList::from_commas(patterns).matches(&subject)
                }
            };
            holds &= found != negated;
            names.push(name);
        }
        if line.arguments.is_empty() {
            return Err("Match needs a criterion".to_owned());
        }
        if names.len() > 1 && names.iter().any(|name| name == "all") {
            return Err("Match all stands alone".to_owned());
        }
        Ok(holds)
    }

    fn include(&mut self, line: &Line<'_>, active: bool, origin: &Origin) -> Result<(), ConfigError> {
        let failed = |problem: String| ConfigError { origin: origin.clone(), problem };
        if line.arguments.is_empty() {
            return Err(failed("Include needs a path".to_owned()));
        }
        if self.depth >= MAX_DEPTH {
            return Err(failed("Include goes too deep".to_owned()));
        }
        for argument in &line.arguments {
            let pattern = self.place(argument).map_err(failed)?;
            let options =
                glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
            let paths =
                glob::glob_with(&pattern, options).map_err(|error| failed(format!("Include {error}")))?;
            for path in paths {
                let path = path.map_err(|error| failed(format!("Include {error}")))?;
                let mut included = Reading {
                    options: self.options,
                    context: self.context,
                    scope: self.scope,
                    target: self.target,
                    asks_for_final: false,
                    depth: self.depth + 1,
                    never: !active,
                };
                included.file(&path, true)?;
                self.asks_for_final |= included.asks_for_final;
            }
        }
        Ok(())
    }

    /// The whole path of an `Include`; the directories before what was written are not patterns.
    fn place(&self, argument: &str) -> Result<String, String> {
        let beside = |directory: PathBuf, rest: &str| {
            let directory = glob::Pattern::escape(&directory.to_string_lossy());
            format!("{directory}/{rest}")
        };
        match argument.strip_prefix('~') {
            Some(rest) => {
                let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
                if !user.is_empty() && user != self.context.local_user {
                    return Err(format!(
                        "Include {argument:?}: another user's home directory is not known here"
                    ));
                }
                Ok(beside(self.context.home.clone(), rest))
            }
            None if argument.starts_with('/') => Ok(argument.to_owned()),
            None if self.scope == Scope::User => Ok(beside(self.context.home.join(".ssh"), argument)),
            None => Ok(beside("/etc/ssh".into(), argument)),
        }
    }
}

/// The file as a whole.
fn whole(path: &Path) -> Origin {
    Origin::File { path: path.into(), line: 0 }
}

/// Whether nobody but the user and root can have written it.
#[cfg(unix)]
fn is_own(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata()?;
    let own = metadata.uid() == 0 || metadata.uid() == rustix::process::getuid().as_raw();
    Ok(own && metadata.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_own(_: &File) -> io::Result<bool> {
    Ok(true)
}

const MAX_FILE: u64 = 16 << 20;

/// As deep as OpenSSH goes.
const MAX_DEPTH: usize = 16;
