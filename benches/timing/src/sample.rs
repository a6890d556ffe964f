//! Taking times, and what they say.

use crate::Outcome;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use ssh_crypto::{RandomError, SecureRandom};
use std::{
    hint::black_box,
    io::{self, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

/// Which secret a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same every time.
    Same,
    /// Another one every time.
    Other,
}

/// No operation takes longer in all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures operations, and tells what they showed.
pub(crate) struct Bench {
    /// Only operations whose name holds this run.
    pub(crate) name: String,
    /// How often what takes a microsecond runs.
    pub(crate) samples: usize,
}

impl Bench {
    /// Runs what `prepare` makes for a class, by chance one or the other, and compares the times. It is done one time in
    /// `share` of what is done of the shortest operations.
    pub(crate) fn compare<T, R>(
        &self,
        what: &str,
        differs: &str,
        share: usize,
        mut prepare: impl FnMut(Class) -> Outcome<T>,
        mut run: impl FnMut(T) -> R,
    ) -> Outcome<()> {
        if !what.contains(&self.name) {
            return Ok(());
        }
        let samples = self.samples / share;
        let mut chance = StdRng::from_rng(&mut rand::rng());
        let mut times: [Vec<f64>; 2] = Default::default();
        let begin = Instant::now();
        for number in 0..samples {
            if begin.elapsed() > PATIENCE {
                break;
            }
            let class = if chance.random() { Class::Same } else { Class::Other };
            let input = black_box(prepare(class)?);
            let start = Instant::now();
            let result = black_box(run(input));
            let time = start.elapsed();
            drop(result);
            // What is slow once is not looked at.
            if number >= samples / 50 {
                times[usize::from(class == Class::Other)].push(time.as_nanos() as f64);
            }
        }
        let samples: usize = times.iter().map(Vec::len).sum();
        writeln!(io::stdout(), "| {what} | {differs} | {samples} | {:.1} |", largest_t(&times))?;
        Ok(())
    }
}

/// The largest t, in absolute terms, with more and more of the slowest runs left out, which something else has delayed.
fn largest_t(times: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    [1.0, 0.99, 0.95, 0.9, 0.75, 0.5]
        .into_iter()
        .filter_map(|part| {
            let most = *all.get(((all.len() as f64 * part) as usize).saturating_sub(1))?;
            let [one, two] =
                [0, 1].map(|class| Moments::of(times[class].iter().copied().filter(|time| *time <= most)));
            Some(one.t(&two))
        })
        .fold(0.0, |largest: f64, t| if t.abs() > largest.abs() { t } else { largest })
}

/// Number, mean and variance.
#[derive(Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
}

impl Moments {
    /// By Welford's method, which does not lose digits.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        values.fold(Self::default(), |Self { count, mean, squares }, value| {
            let count = count + 1.0;
            let next = mean + (value - mean) / count;
            Self { count, mean: next, squares: squares + (value - mean) * (value - next) }
        })
    }

    /// Welch's t; 0 where nothing can be said.
    fn t(&self, other: &Self) -> f64 {
        let error = |of: &Self| of.squares / (of.count - 1.0) / of.count;
        let t = (self.mean - other.mean) / (error(self) + error(other)).sqrt();
        if t.is_finite() { t } else { 0.0 }
    }
}

/// Random bytes that begin anew with the same ones on demand.
#[derive(Debug)]
pub(crate) struct Repeating(Mutex<Option<StdRng>>);

/// The source of all secrets here.
pub(crate) static SECRETS: Repeating = Repeating(Mutex::new(None));

impl Repeating {
    /// The bytes from now on are those of the class.
    pub(crate) fn begin(&self, class: Class) {
        let source = match class {
            Class::Same => StdRng::seed_from_u64(1),
            Class::Other => StdRng::from_rng(&mut rand::rng()),
        };
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(source);
    }
}

impl SecureRandom for Repeating {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let mut source = self.0.lock().map_err(|_| RandomError)?;
        source.as_mut().ok_or(RandomError)?.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_as_by_hand() {
        // Means 2 and 4, variances 1 and 4, three values each: t = -2 / sqrt(1/3 + 4/3).
        let one = Moments::of([1.0, 2.0, 3.0].into_iter());
        let two = Moments::of([2.0, 4.0, 6.0].into_iter());
        assert!((one.t(&two) + 2.0 / (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(one.t(&Moments::default()), 0.0);
    }

    #[test]
    fn the_same_secret_comes_again() {
        let bytes = |class| {
            let mut bytes = [0; 32];
            SECRETS.begin(class);
            SECRETS.fill(&mut bytes).map(|()| bytes)
        };
        assert_eq!(bytes(Class::Same), bytes(Class::Same));
        assert_ne!(bytes(Class::Other), bytes(Class::Other));
    }
}
