//! What the user sees.

use crate::{
    Verdict,
    hosts::Host,
    visit::{Event, Outcome},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ssh_client::tokio::Source;
use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};
use tokio::sync::mpsc::Receiver;

/// Prints lines as they come and how far the list is done, and at the end what has failed.
pub(crate) struct Report<'a> {
    hosts: &'a [Host],
    bar: ProgressBar,
    outcomes: Vec<Option<Outcome>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(hosts: &'a [Host]) -> Self {
        // It hides by itself where the standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(hosts.len() as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} hosts [{wide_bar}] {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { hosts, bar, outcomes: hosts.iter().map(|_| None).collect() }
    }

    /// Follows the visits to their end.
    pub(crate) fn show(mut self, mut events: Receiver<Event>) -> io::Result<Verdict> {
        self.bar.tick();
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Line(at, source, line) => self.line(at, source, &line)?,
                Event::Done(at, outcome) => {
                    self.outcomes[at] = Some(outcome);
                    self.bar.inc(1);
                }
            }
        }
        self.bar.finish_and_clear();
        self.summary(&mut io::stderr().lock())
    }

    fn line(&self, at: usize, source: Source, line: &[u8]) -> io::Result<()> {
        let host = &self.hosts[at];
        self.bar.suspend(|| match source {
            Source::Stdout => {
                print(&mut io::stdout().lock(), host, line).map_err(|error| named("stdout", &error))
            }
            Source::Stderr => {
                print(&mut io::stderr().lock(), host, line).map_err(|error| named("stderr", &error))
            }
        })
    }

    fn summary(&self, output: &mut impl Write) -> io::Result<Verdict> {
        let verdicts: Vec<_> = self.outcomes.iter().map(verdict).collect();
        let count = |verdict| verdicts.iter().filter(|&&is| is == verdict).count();
        writeln!(
            output,
            "{} hosts: {} succeeded, {} failed, {} not reached",
            self.hosts.len(),
            count(Verdict::Succeeded),
            count(Verdict::Failed),
            count(Verdict::Unreached)
        )?;
        for (host, outcome) in self.hosts.iter().zip(&self.outcomes) {
            match outcome {
                Some(Outcome::Succeeded) => {}
                Some(Outcome::Failed(why)) => writeln!(output, "failed: {host}: {}", clean(why))?,
                Some(Outcome::Unreached(why)) => writeln!(output, "not reached: {host}: {}", clean(why))?,
                None => writeln!(output, "not reached: {host}: the visit was given up")?,
            }
        }
        Ok(verdicts.into_iter().max().unwrap_or(Verdict::Succeeded))
    }
}

fn named(stream: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{stream}: {error}"))
}

fn verdict(outcome: &Option<Outcome>) -> Verdict {
    match outcome {
        Some(Outcome::Succeeded) => Verdict::Succeeded,
        Some(Outcome::Failed(_)) => Verdict::Failed,
        Some(Outcome::Unreached(_)) | None => Verdict::Unreached,
    }
}

/// One line of a host. What comes from there reaches a terminal without what that would act on, and all else as it is.
fn print(output: &mut (impl Write + IsTerminal), host: &Host, line: &[u8]) -> io::Result<()> {
    let line = match output.is_terminal() {
        true => Cow::Owned(clean(&String::from_utf8_lossy(line)).into_bytes()),
        false => Cow::Borrowed(line),
    };
    // In one piece, so that lines of other programs do not come between.
    let text = [host.to_string().as_bytes(), b": ", &line, b"\n"].concat();
    output.write_all(&text)?;
    output.flush()
}

fn clean(text: &str) -> String {
    text.chars()
        .filter(|&c| c != '\r')
        .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}
