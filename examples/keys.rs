//! Makes, writes, reads and shows keys.
//!
//! ```text
//! cargo run -p examples --bin keys -- generate ./id_ed25519 --comment alice@home --encrypt
//! cargo run -p examples --bin keys -- show ./id_ed25519
//! cargo run -p examples --bin keys -- show ./id_ed25519.pub
//! ```

use clap::{Parser, Subcommand, ValueEnum};
use examples::{ask_secret, end};
use ssh_client::{
    PrivateKey, PrivateKeyFile, PublicKey, Secret,
    auth::keyfile::{DEFAULT_ROUNDS, write_openssh},
    crypto::{Curve, Hash, KeyKind, key::KeyLine, random::SystemRandom},
};
use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Makes and shows keys.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a key: FILE, and FILE.pub beside it
    Generate {
        file: PathBuf,
        #[arg(long = "type", value_enum, default_value_t = Kind::Ed25519)]
        kind: Kind,
        #[arg(long, default_value = "")]
        comment: String,
        /// Asks for a passphrase
        #[arg(long)]
        encrypt: bool,
    },
    /// Shows a private or a public key: its line, its fingerprints, its picture
    Show { file: PathBuf },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Ed25519,
    Ecdsa,
    Rsa,
    #[value(name = "mldsa44-ed25519")]
    MlDsa44Ed25519,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Generate { file, kind, comment, encrypt } => generate(&file, kind, &comment, encrypt),
        Command::Show { file } => show(&file),
    };
    end(result.map(|()| ExitCode::SUCCESS))
}

fn generate(file: &Path, kind: Kind, comment: &str, encrypt: bool) -> Result<(), Box<dyn Error>> {
    let kind = match kind {
        Kind::Ed25519 => KeyKind::Ed25519,
        Kind::Ecdsa => KeyKind::Ecdsa(Curve::P256),
        Kind::Rsa => KeyKind::Rsa { bits: 3072 },
        Kind::MlDsa44Ed25519 => KeyKind::MlDsa44Ed25519,
    };
    let passphrase = if encrypt { Some(ask_secret("New passphrase: ")?) } else { None };
    let key = PrivateKey::generate(kind, &SystemRandom)?;
    // The rounds are what each guess of the passphrase costs.
    let encryption = passphrase.as_deref().map(|passphrase| (passphrase, DEFAULT_ROUNDS));
    let text = write_openssh(&key, comment, encryption, &SystemRandom)?;

    // A key that is there is never overwritten, and nobody else may read the new one.
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(file)?.write_all(&text)?;
    fs::write(public_path(file), key.public_key().to_line(comment) + "\n")?;
    print(&key.public_key(), comment)
}

fn public_path(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}

fn show(file: &Path) -> Result<(), Box<dyn Error>> {
    // `Secret` wipes its bytes, for it may be a private key's file.
    let bytes = Secret::new(fs::read(file)?);
    if let Some(line) = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse::<KeyLine>().ok()) {
        return print(&line.public_key()?, &line.comment);
    }
    let file = PrivateKeyFile::parse(&bytes)?;
    let passphrase = if file.is_encrypted() { Some(ask_secret("Passphrase: ")?) } else { None };
    // It is checked that the halves of the key belong together.
    let (key, comment) = file.decrypt_with_comment(passphrase.as_deref())?;
    print(&key.public_key(), &comment.unwrap_or_default())
}

fn print(key: &PublicKey, comment: &str) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", key.to_line(comment))?;
    writeln!(stdout, "{}\n{}", key.fingerprint(Hash::Sha256), key.fingerprint_md5())?;
    writeln!(stdout, "{}", key.randomart(Hash::Sha256))?;
    Ok(())
}
