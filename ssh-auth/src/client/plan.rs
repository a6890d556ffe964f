//! Which method comes next: the caller's list against what the server goes on with.

use crate::{
    attempt::{Attempt, Outcome, Reason},
    method::Method,
};

/// Times that `keyboard-interactive` may contribute to one authentication, for the server asks anew each time.
const MAX_USES: u32 = 16;

/// The caller's list, and what the server has said to each of its entries.
#[derive(Debug)]
pub(super) struct Plan {
    entries: Vec<Entry>,
    /// How often a method that the user answers is tried before it is given up.
    tries: u32,
    /// The methods with which the server goes on; unknown before its first answer.
    offered: Option<Vec<String>>,
    /// Partial successes so far. Each changes what the server asks for, so that what it did not want before is worth
    /// another try.
    stage: u32,
}

#[derive(Debug)]
struct Entry {
    method: Method,
    fate: Fate,
    tries: u32,
    uses: u32,
    /// The algorithms of its key that were refused.
    refused: Vec<String>,
    /// The stage in which it was refused because the server did not want the method, whatever the credential.
    unwanted: Option<u32>,
    /// The stage in which it was recorded that it was passed over.
    noted: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    /// Nothing came from the caller.
    GivenUp,
    /// The server has judged it.
    Judged,
}

impl Plan {
    pub(super) fn new(methods: Vec<Method>, tries: u32) -> Self {
        let entries = methods.into_iter().map(Entry::new).collect();
        Self { entries, tries: tries.max(1), offered: None, stage: 0 }
    }

    /// Gives up what is open and goes on with `methods`; what the server has said still counts.
    pub(super) fn extend(&mut self, methods: Vec<Method>) {
        for entry in self.entries.iter_mut().filter(|entry| entry.fate == Fate::Open) {
            entry.fate = Fate::GivenUp;
        }
        self.entries.extend(methods.into_iter().map(Entry::new));
    }

    /// No method is tried any more.
    pub(super) fn forget(&mut self) {
        self.entries = Vec::new();
    }

    pub(super) fn method(&self, at: usize) -> &Method {
        &self.entries[at].method
    }

    pub(super) fn offered(&self) -> Option<&[String]> {
        self.offered.as_deref()
    }

    /// Which time it is that the user is asked, counted from 1.
    pub(super) fn attempt(&self, at: usize) -> u32 {
        self.entries[at].tries + 1
    }

    /// The algorithm with which to try a key next.
    pub(super) fn algorithm(&self, at: usize, sig_algs: Option<&[String]>) -> Option<&str> {
        let entry = &self.entries[at];
        match &entry.method {
            Method::Publickey(key) => key.algorithm(&entry.refused, sig_algs),
            Method::Hostbased(host) => Some(&host.algorithm),
            _ => None,
        }
    }

    /// The first entry that is open and wanted; what is passed over on the way is recorded.
    pub(super) fn next(&mut self, sig_algs: Option<&[String]>, attempts: &mut Vec<Attempt>) -> Option<usize> {
        for at in 0..self.entries.len() {
            let entry = &self.entries[at];
            if entry.fate != Fate::Open || entry.unwanted == Some(self.stage) {
                continue;
            }
            let Some(reason) = self.obstacle(at, sig_algs) else { return Some(at) };
            let tried = !entry.refused.is_empty();
            let entry = &mut self.entries[at];
            let noted = match reason {
                Reason::NotOffered { .. } => entry.noted.replace(self.stage) == Some(self.stage),
                _ => {
                    entry.fate = Fate::GivenUp;
                    tried
                }
            };
            if !noted {
                attempts.push(entry.skipped(reason));
            }
        }
        None
    }

    fn obstacle(&self, at: usize, sig_algs: Option<&[String]>) -> Option<Reason> {
        let method = &self.entries[at].method;
        if let (Some(offered), false) = (&self.offered, matches!(method, Method::None))
            && !offered.iter().any(|name| name == method.name())
        {
            return Some(Reason::NotOffered { methods: offered.clone() });
        }
        let Method::Publickey(key) = method else { return None };
        let judged = |other: &Entry| {
            let Method::Publickey(other_key) = &other.method else { return false };
            other.fate == Fate::Judged && other_key.public_key == key.public_key
        };
        if self.entries.iter().any(judged) {
            return Some(Reason::Duplicate);
        }
        self.algorithm(at, sig_algs).is_none().then(|| Reason::NoAlgorithm {
            key: key.algorithms.clone(),
            server: sig_algs.unwrap_or_default().to_vec(),
        })
    }

    /// The caller had nothing to send.
    pub(super) fn give_up(&mut self, at: usize) {
        self.entries[at].fate = Fate::GivenUp;
    }

    /// The server refused, after it had asked the user something or without.
    pub(super) fn failed(
        &mut self,
        at: usize,
        methods: Vec<String>,
        algorithm: Option<&str>,
        sig_algs: Option<&[String]>,
        asked: bool,
    ) {
        let stage = self.stage;
        let tries = self.tries;
        let entry = &mut self.entries[at];
        let wanted = methods.iter().any(|name| name == entry.method.name());
        self.offered = Some(methods);
        match &entry.method {
            Method::None => entry.fate = Fate::Judged,
            _ if !wanted => entry.unwanted = Some(stage),
            Method::Publickey(key) => {
                entry.refused.extend(algorithm.map(str::to_owned));
                // Without the server's list the refusal may be the algorithm's, which an old server does not know.
                let known = sig_algs.is_some() && algorithm.is_some_and(|name| key.takes(name, sig_algs));
                if known || !key.is_rsa() || key.algorithm(&entry.refused, sig_algs).is_none() {
                    entry.fate = Fate::Judged;
                }
            }
            Method::Hostbased(_) => entry.fate = Fate::Judged,
            // There is nobody who asks: another try would be answered no better.
            Method::KeyboardInteractive { .. } if !asked => entry.fate = Fate::Judged,
            Method::Password { .. } | Method::KeyboardInteractive { .. } => {
                entry.tries += 1;
                if entry.tries >= tries {
                    entry.fate = Fate::Judged;
                }
            }
        }
    }

    /// The server accepted and wants more.
    pub(super) fn accepted(&mut self, at: usize, methods: Vec<String>) {
        self.offered = Some(methods);
        self.stage += 1;
        let entry = &mut self.entries[at];
        entry.uses += 1;
        entry.tries = 0;
        if !matches!(entry.method, Method::KeyboardInteractive { .. }) || entry.uses >= MAX_USES {
            entry.fate = Fate::Judged;
        }
    }
}

impl Entry {
    fn new(method: Method) -> Self {
        Self { method, fate: Fate::Open, tries: 0, uses: 0, refused: Vec::new(), unwanted: None, noted: None }
    }

    fn skipped(&self, reason: Reason) -> Attempt {
        let (id, method, detail) = (self.method.id(), self.method.name(), self.method.detail(None));
        Attempt { id, method, detail, outcome: Outcome::Skipped(reason) }
    }
}
