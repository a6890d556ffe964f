//! What is done on one host.

use crate::{args::Args, credentials::Base, hosts::Host, lines::Lines};
use ssh_client::{
    Config, Exit,
    tokio::{ReadHalf, Session, Source},
};
use std::{collections::HashMap, error::Error, io, path::PathBuf, time::Duration};
use tokio::{fs::File, io::AsyncWriteExt, sync::mpsc::Sender, time};

/// What is done on each host.
pub(crate) struct Plan {
    command: String,
    /// By user.
    configs: HashMap<String, Config>,
    timeout: Option<Duration>,
    output: Option<PathBuf>,
}

/// What is told about a host, by its place in the list.
pub(crate) enum Event {
    /// The command printed a line.
    Line(usize, Source, Vec<u8>),
    /// The visit is over.
    Done(usize, Outcome),
}

/// How a visit has ended; if not well, why.
pub(crate) enum Outcome {
    Succeeded,
    Failed(String),
    Unreached(String),
}

impl Plan {
    pub(crate) fn new(args: &Args, hosts: &[Host]) -> Result<Self, Box<dyn Error>> {
        if let Some(dir) = &args.output {
            std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        let base = Base::new(args)?;
        let mut configs = HashMap::new();
        for Host { target, .. } in hosts {
            configs.entry(target.user.clone()).or_insert_with(|| base.config(&target.user));
        }
        Ok(Self {
            command: args.command.clone(),
            configs,
            timeout: args.timeout,
            output: args.output.clone(),
        })
    }

    /// Runs the command on a host. When nobody listens any more, it ends early.
    pub(crate) async fn visit(&self, at: usize, host: &Host, events: Sender<Event>) {
        let work = self.run(at, host, &events);
        let outcome = match self.timeout {
            None => work.await,
            // What is dropped closes the session, and the server hangs the command up.
            Some(timeout) => time::timeout(timeout, work)
                .await
                .unwrap_or_else(|_| Err(format!("not done after {} s", timeout.as_secs()).into())),
        };
        let outcome = match outcome {
            Ok(Some(Exit::Status(0))) => Outcome::Succeeded,
            Ok(Some(Exit::Status(status))) => Outcome::Failed(format!("exit status {status}")),
            Ok(Some(Exit::Signal(signal))) => {
                Outcome::Failed(format!("ended by the signal {:?}", signal.name))
            }
            Ok(_) => Outcome::Failed("the server did not say how the command ended".to_owned()),
            Err(error) => Outcome::Unreached(error.to_string()),
        };
        let _ = events.send(Event::Done(at, outcome)).await;
    }

    async fn run(
        &self,
        at: usize,
        host: &Host,
        events: &Sender<Event>,
    ) -> Result<Option<Exit>, Box<dyn Error + Send + Sync>> {
        let config = self.configs.get(&host.target.user).ok_or("no such user")?;
        let session = Session::connect(host.target.address(), config).await?;
        let mut child = session.command(&*self.command).spawn().await?;
        drop(child.stdin.take());
        let pass = async |stream: Option<ReadHalf>, source| match (stream, &self.output) {
            (None, _) => Ok(()),
            (Some(stream), None) => print(&stream, at, source, events).await,
            (Some(stream), Some(dir)) => {
                let kind = if source == Source::Stdout { "out" } else { "err" };
                let path = dir.join(format!("{host}.{kind}"));
                save(&stream, File::create(&path).await)
                    .await
                    .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        tokio::try_join!(pass(stdout, Source::Stdout), pass(stderr, Source::Stderr))?;
        let exit = child.wait().await?;
        session.close().await;
        Ok(exit)
    }
}

async fn print(stream: &ReadHalf, at: usize, source: Source, events: &Sender<Event>) -> io::Result<()> {
    let mut lines = Lines::default();
    loop {
        let bytes = stream.recv().await?;
        let complete = match bytes.is_empty() {
            true => lines.finish().into_iter().collect(),
            false => lines.push(&bytes),
        };
        for line in complete {
            let gone = |_| io::ErrorKind::BrokenPipe;
            events.send(Event::Line(at, source, line)).await.map_err(gone)?;
        }
        if bytes.is_empty() {
            return Ok(());
        }
    }
}

async fn save(stream: &ReadHalf, file: io::Result<File>) -> io::Result<()> {
    let mut file = file?;
    loop {
        let bytes = stream.recv().await?;
        if bytes.is_empty() {
            return file.flush().await;
        }
        file.write_all(&bytes).await?;
    }
}
