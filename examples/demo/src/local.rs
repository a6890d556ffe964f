//! Who runs the program, and where.

use crate::exit::Failure;
use std::{fs, path::PathBuf};

/// Who runs the program, and where.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    pub(crate) user: String,
    pub(crate) uid: u32,
    pub(crate) home: PathBuf,
    pub(crate) host: String,
}

impl Local {
    pub(crate) fn current() -> Result<Self, Failure> {
        let uid = rustix::process::getuid().as_raw();
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        // Users of a directory service are not in the file.
        let user = name_in(&passwd, uid)
            .or_else(|| ["LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok()))
            .ok_or_else(|| Failure::new(format!("nobody has the user number {uid}")))?;
        let home = std::env::home_dir().ok_or_else(|| Failure::new("no home directory"))?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Self { user, uid, home, host })
    }
}

fn name_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(name_in(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_in(passwd, 1), None);
    }
}
