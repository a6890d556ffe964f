//! The standard streams as one end of a connection (`-W`).

use super::{open, relay::Ends};
use crate::exit::Failure;
use log::debug;
use ssh_client::{blocking::Session, ssh_config::Target};
use std::{
    fs::File,
    io::{self, Write, stdin, stdout},
    os::fd::AsFd,
    process::ExitCode,
    sync::Arc,
    thread,
};

/// Joins stdin and stdout to a place that the server reaches, until both directions are at their end.
pub(crate) fn join_streams(
    session: &Session,
    target: &Target,
    stdin_null: bool,
) -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| Failure::new(format!("stdout: {error}"));
    let channel = open(session, target, ("127.0.0.1", 0))
        .map_err(|error| Failure::new(format!("{target}: {error}")))?;
    let ends = Arc::new(Ends::new(&channel));
    let upload = {
        let ends = ends.clone();
        move || match stdin_null {
            true => ends.upload(io::empty()),
            false => ends.upload(stdin()),
        }
    };
    // It may wait for a key when all is over: nobody waits for it.
    let spawned = thread::Builder::new().name("stdin".to_owned()).spawn(upload);
    spawned.map_err(|error| Failure::new(format!("thread stdin: {error}")))?;
    let mut out = File::from(stdout().as_fd().try_clone_to_owned().map_err(failed)?);
    loop {
        let data = channel.recv()?;
        if data.is_empty() {
            break;
        }
        match out.write_all(&data) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                debug!("stdout ends here: {error}");
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    // Whoever reads learns of the end, though more may still go the other way.
    drop(out);
    let nowhere = File::options().write(true).open("/dev/null").map_err(failed)?;
    rustix::stdio::dup2_stdout(nowhere).map_err(|error| failed(error.into()))?;
    ends.one();
    channel.wait_closed(None)?;
    Ok(ExitCode::SUCCESS)
}
