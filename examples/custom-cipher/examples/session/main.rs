//! A session with the algorithms of this crate: a client and a server of this workspace, in memory, from the key exchange
//! over the authentication to a command's output.
//!
//! ```text
//! cargo run -p custom-cipher --example session
//! ```

mod session;

use std::{
    error::Error,
    io::{self, Write},
};

fn main() -> Result<(), Box<dyn Error>> {
    let session = session::run(custom_cipher::provider(ssh_kex::default_provider()), b"hello")?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "negotiated {:#?}", session.negotiated)?;
    writeln!(stdout, "the command said {:?}", String::from_utf8_lossy(&session.output))?;
    writeln!(stdout, "and ended with {:?}", session.exit)?;
    Ok(())
}
