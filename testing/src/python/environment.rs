//! The virtual environment of the Python servers: made once for the workspace, shared by all test processes.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::newer::workspace;

/// The interpreter of the environment, with everything of `requirements.txt` installed; or why there is none.
pub(super) fn python() -> Result<PathBuf, String> {
    static ENVIRONMENT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    ENVIRONMENT.get_or_init(make).clone()
}

/// Makes the environment, unless it is there for these very requirements. Test processes beside this one wait.
fn make() -> Result<PathBuf, String> {
    let requirements = workspace().join("testing/servers/requirements.txt");
    let wanted = fs::read(&requirements).expect("the requirements");
    let parent = workspace().join("target/servers");
    fs::create_dir_all(&parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    let lock = File::create(parent.join("python.lock")).expect("a file in target");
    lock.lock().expect("a lock");

    let dir = parent.join("python");
    let python = dir.join("bin/python");
    // Written last, so that one that was interrupted is made anew.
    let stamp = dir.join("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && works(&python) {
        return Ok(python);
    }
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("{}: {error}", dir.display()));
        }
        _ => {}
    }
    let base = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    run(Command::new(base).args(["-m", "venv"]).arg(&dir))?;
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
            "-r",
        ])
        .arg(&requirements))?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// Whether the interpreter still runs: the one it was made from may have gone.
fn works(python: &Path) -> bool {
    run(Command::new(python).arg("--version")).is_ok()
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    // venv tells on its standard output which package it misses.
    let told = [output.stdout, output.stderr].concat();
    Err(format!("{name}: {}", String::from_utf8_lossy(&told).trim()))
}
