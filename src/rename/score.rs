//! From evidence to a score: independent pieces add up as log-odds, starting from how rarely a dropped and an added
//! object are the same one.
//!
//! What each kind of evidence weighs is fitted on labelled migrations and rounded (`make eval` prints the fit, and how well
//! weights do on projects they were not fitted on); where too few labelled pairs exist, it is set by hand.

use super::weights::{Sign, Weights};

/// From this score on, a candidate is put as a question.
pub(crate) const ASK: f64 = 0.25;

/// Below this score, a pair does not rival others.
pub(crate) const FLOOR: f64 = 0.1;

/// Below this score, a pair is not even named.
pub(crate) const NAMED: f64 = 0.02;

/// Evidence as it is gathered.
#[derive(Debug, Clone)]
pub(crate) struct Scale<'w> {
    weights: &'w Weights,
    log_odds: f64,
    signs: Vec<(Sign, f64)>,
    /// A sign that takes certainty away.
    against: bool,
    lines: Vec<String>,
}

impl<'w> Scale<'w> {
    /// Starts at a base rate.
    pub(crate) fn starting(weights: &'w Weights, base: Sign) -> Self {
        let mut scale = Self::by_hand(weights, 0.0);
        scale.note(base, 1.0);
        scale
    }

    /// Starts at a base rate's log-odds, for what is weighed by hand.
    pub(crate) fn by_hand(weights: &'w Weights, log_odds: f64) -> Self {
        Self { weights, log_odds, signs: Vec::new(), against: false, lines: Vec::new() }
    }

    /// Notes evidence without a word. `strength` is 1 where it is simply there.
    pub(crate) fn note(&mut self, sign: Sign, strength: f64) {
        self.log_odds += self.weights.of(sign) * strength;
        self.against |= sign.speaks_against();
        self.signs.push((sign, strength));
    }

    /// Notes evidence and the line that says it.
    pub(crate) fn say(&mut self, sign: Sign, strength: f64, line: impl Into<String>) {
        self.note(sign, strength);
        self.line(line);
    }

    /// Adds a weight of its own without a word.
    pub(crate) fn weigh(&mut self, weight: f64) {
        self.log_odds += weight;
    }

    /// Adds a weight of its own and the line that says why.
    pub(crate) fn add(&mut self, weight: f64, line: impl Into<String>) {
        self.log_odds += weight;
        self.line(line);
    }

    /// Adds a line that weighs nothing.
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        let line = line.into();
        if !line.is_empty() {
            self.lines.push(line);
        }
    }

    /// The probability.
    pub(crate) fn score(&self) -> f64 {
        1.0 / (1.0 + (-self.log_odds).exp())
    }

    /// Whether anything speaks against it, however much speaks for it.
    pub(crate) fn is_doubted(&self) -> bool {
        self.against
    }

    /// What was noted.
    pub(crate) fn signs(&self) -> &[(Sign, f64)] {
        &self.signs
    }

    /// The lines, in the order they were added.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
