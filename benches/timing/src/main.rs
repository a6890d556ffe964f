//! Whether the time of what depends on a secret tells of it.
//!
//! ```sh
//! cargo run --release -p timing                     # some minutes
//! cargo run --release -p timing -- ssh-dss --samples 2000000
//! ```
//!
//! Each operation runs many times, each time by chance with the same secret or with another one. Welch's t says whether
//! the times of the two classes have different means: beyond ±4.5 they probably have, beyond ±10 they certainly have
//! ("Dude, is my code constant time?", Reparaz, Balasch and Verbauwhede 2017). That nothing is found proves nothing: a larger
//! sample, another processor or another pair of classes may find it. The first row compares by `==`, which stops at the
//! first difference, and shows what can be found.

mod ciphers;
mod kex;
mod sample;
mod signatures;
mod tags;

use clap::Parser;
use sample::Bench;
use std::{
    error::Error,
    io::{self, Write},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(about = "Measures whether times tell of secrets")]
struct Options {
    /// Only operations whose name holds this
    name: Option<String>,
    /// How often what takes a microsecond runs; what takes longer runs less often
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(100..))]
    samples: u32,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let bench = Bench { name: options.name.unwrap_or_default(), samples: options.samples as usize };
    writeln!(
        io::stdout(),
        "| operation | the classes differ in | samples | t |\n| --- | --- | ---: | ---: |"
    )?;
    tags::all(&bench)?;
    ciphers::all(&bench)?;
    kex::all(&bench)?;
    signatures::all(&bench)
}
