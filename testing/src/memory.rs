//! What stays in memory of secrets that were used and dropped: nothing.
//!
//! The process reads its own memory by `/proc/self/mem`. What it looks for would itself be found there, so another process,
//! which is the same test again, computes it and tells no more than a hash of each piece.

#![allow(clippy::print_stdout)] // That is how one process tells the other.

mod scan;

pub use scan::{Found, Sought};

use ssh_crypto::Secret;
use std::{env, fmt, process::Command, sync::mpsc, thread};

/// An operation with secrets.
pub struct Subject {
    name: String,
    run: Box<dyn Fn(usize) -> Vec<Secret> + Sync>,
    secrets: Box<dyn Fn(&mut Sought)>,
    steps: usize,
}

impl Subject {
    /// `run` uses the secrets in the first step, and goes on for as many more as it is told, none to two: what comes later hides
    /// what was left before. What it returns are secrets, too. `secrets` are the others, and what is computed of them.
    pub fn new(
        name: impl Into<String>,
        run: impl Fn(usize) -> Vec<Secret> + Sync + 'static,
        secrets: impl Fn(&mut Sought) + 'static,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run), secrets: Box::new(secrets), steps: 2 }
    }

    /// Of an operation that is one step.
    pub fn in_one(
        name: impl Into<String>,
        run: impl Fn() + Sync + 'static,
        secrets: impl Fn(&mut Sought) + 'static,
    ) -> Self {
        let run = move |_| {
            run();
            vec![]
        };
        Self::new(name, run, secrets).once()
    }

    /// Of an operation whose further steps are none.
    #[must_use]
    pub fn once(self) -> Self {
        Self { steps: 0, ..self }
    }

    /// Uses the secrets in a thread, whose stack is there for as long as it waits.
    fn look(&self, sought: &Sought, steps: usize) -> Found {
        let (results, used) = mpsc::channel();
        let (looked, go_on) = mpsc::channel::<()>();
        let run = &self.run;
        thread::scope(|scope| {
            scope.spawn(move || {
                results.send(run(steps)).unwrap();
                // Until there is nobody who looks.
                go_on.recv().unwrap_err();
            });
            // If it panics, so does the scope.
            let secrets = used.recv().unwrap_or_default();
            let mut sought = sought.clone();
            secrets.iter().for_each(|secret| sought.add(secret));
            drop(secrets);
            let found = sought.look();
            drop(looked);
            found
        })
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.name).finish()
    }
}

/// The whole of the test of this name, in its own process and in the other.
///
/// # Panics
///
/// If pieces of secrets are found.
pub fn check_nothing_is_left(test: &str, subjects: &[Subject]) {
    check(test, subjects, "left in memory", |found| found.count() == 0);
}

/// The same, of subjects that keep a secret: were none found, the other process would not know what there is to be found. In
/// one test with [`check_nothing_is_left`], as in one process, it must come first, and be over.
///
/// # Panics
///
/// If of one subject no pieces are found.
pub fn check_something_is_left(test: &str, subjects: &[Subject]) {
    check(test, subjects, "nowhere in memory", |found| found.count() > 0);
}

fn check(test: &str, subjects: &[Subject], otherwise: &str, is_right: fn(&Found) -> bool) {
    if let Ok(name) = env::var(SUBJECT) {
        return tell(&name, subjects);
    }
    let mut wrong = vec![];
    for subject in subjects {
        let sought = elsewhere(test, &subject.name);
        assert!(sought.len() >= 16, "nothing to look for: {}", subject.name);
        let found: Vec<Found> = (0..=subject.steps).map(|steps| subject.look(&sought, steps)).collect();
        println!("{}: {found:?}", subject.name);
        if !found.iter().all(is_right) {
            wrong.push(format!("{}: {found:?}", subject.name));
        }
    }
    assert!(wrong.is_empty(), "{otherwise}: {wrong:#?}");
}

/// In the environment of the other process: which subject is asked for.
const SUBJECT: &str = "MEMORY_TEST_SUBJECT";

/// The secrets of this subject, as another process tells them.
fn elsewhere(test: &str, name: &str) -> Sought {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(SUBJECT, name)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Sought::parse(&String::from_utf8(output.stdout).unwrap())
}

fn tell(name: &str, subjects: &[Subject]) {
    let Some(subject) = subjects.iter().find(|subject| subject.name == name) else { return };
    let mut sought = Sought::default();
    (subject.secrets)(&mut sought);
    println!("{sought}");
}
