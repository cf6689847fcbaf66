//! From evidence to a score: independent pieces add up as log-odds, starting from how rarely a dropped and an added
//! object are the same one. The weights are round numbers checked against labelled migrations (`make eval`).

/// From this score on, a candidate is put as a question.
pub(crate) const ASK: f64 = 0.3;

/// Below this score, a pair is not even named.
pub(crate) const FLOOR: f64 = 0.1;

/// Evidence as it is gathered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scale {
    log_odds: f64,
    lines: Vec<String>,
}

impl Scale {
    /// Starts at a base rate's log-odds.
    pub(crate) fn starting(log_odds: f64) -> Self {
        Self { log_odds, lines: Vec::new() }
    }

    /// Adds a weight without a word.
    pub(crate) fn weigh(&mut self, weight: f64) {
        self.log_odds += weight;
    }

    /// Adds a weight and the line that says why.
    pub(crate) fn add(&mut self, weight: f64, line: impl Into<String>) {
        self.log_odds += weight;
        let line = line.into();
        if !line.is_empty() {
            self.lines.push(line);
        }
    }

    /// The probability.
    pub(crate) fn score(&self) -> f64 {
        1.0 / (1.0 + (-self.log_odds).exp())
    }

    /// The lines, in the order they were added.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
