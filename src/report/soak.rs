//! The full kill matrix: which scenarios catch which fault of the embedded server, and with what verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text;
use crate::judge::Verdict;

/// Version of the format.
pub const MATRIX_FORMAT: u32 = 1;

/// How many scenarios a line of the text names.
const NAMED: usize = 6;

/// Every scenario against every fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FullMatrix {
    /// [`MATRIX_FORMAT`].
    pub ftpspec_kill_matrix: u32,
    /// Which part of the runs, when not all.
    pub shard: Option<String>,
    /// How many runs came to an end.
    pub runs: usize,
    /// How long they took, in seconds.
    pub seconds: f64,
    /// Runs against the strict server that did not pass.
    pub strict: Vec<Seen>,
    /// The faults, in alphabetical order.
    pub faults: Vec<FaultRow>,
    /// Runs that broke down.
    pub lost: Vec<String>,
    /// Panics anywhere in the program, the embedded server included.
    pub panics: usize,
}

/// One fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FaultRow {
    /// Its name.
    pub fault: String,
    /// How many runs passed: the fault does not show there.
    pub pass: usize,
    /// The runs that did not.
    pub seen: Vec<Seen>,
}

/// A run that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// Scenario id.
    pub scenario: String,
    /// The cell, `axis=value,…`; empty without a matrix.
    pub cell: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The requirements that were found broken.
    pub requirements: Vec<String>,
    /// Whether the scenario says that it detects the fault.
    pub is_declared: bool,
    /// The first finding, or the reason.
    pub words: String,
}

impl Seen {
    /// Whether the fault was noticed: a check with a requirement was broken.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info) && !self.requirements.is_empty()
    }
}

impl FaultRow {
    /// Whether no scenario catches it.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        !self.seen.iter().any(Seen::is_caught)
    }
}

impl FullMatrix {
    /// Every run that ended in an error, fault by fault; `strict` for the strict server.
    pub fn errors(&self) -> impl Iterator<Item = (&str, &Seen)> {
        let strict = self.strict.iter().map(|seen| ("strict", seen));
        let faults = self
            .faults
            .iter()
            .flat_map(|row| row.seen.iter().map(|seen| (row.fault.as_str(), seen)));
        strict
            .chain(faults)
            .filter(|(_, seen)| seen.verdict == Verdict::Error)
    }
}

/// The matrix as text: a paragraph per fault, then what must not be, then the sums.
#[must_use]
pub fn render(matrix: &FullMatrix) -> String {
    let mut out = String::new();
    for row in &matrix.faults {
        fault(&mut out, row);
    }
    for seen in &matrix.strict {
        let _ = writeln!(out, "not proven: {} against the strict server", in_words(seen));
    }
    for (fault, seen) in matrix.errors().filter(|(fault, _)| *fault != "strict") {
        let _ = writeln!(out, "error: {} against {}", in_words(seen), text::plain(fault));
    }
    for name in &matrix.lost {
        let _ = writeln!(out, "broke down: {}", text::plain(name));
    }
    let missed: Vec<String> = matrix
        .faults
        .iter()
        .filter(|row| row.is_missed())
        .map(|row| text::plain(&row.fault))
        .collect();
    // A shard has not seen every pair.
    if !missed.is_empty() && matrix.shard.is_none() {
        let _ = writeln!(out, "caught by nothing: {}", missed.join(", "));
    }
    let _ = writeln!(
        out,
        "{} of {} faults caught; {} runs in {:.0} s{}; {} errors, {} broke down, {} panics",
        matrix.faults.len() - missed.len(),
        matrix.faults.len(),
        matrix.runs,
        matrix.seconds,
        matrix
            .shard
            .as_ref()
            .map_or_else(String::new, |shard| format!(" (shard {})", text::plain(shard))),
        matrix.errors().count(),
        matrix.lost.len(),
        matrix.panics
    );
    out
}

fn fault(out: &mut String, row: &FaultRow) {
    let _ = writeln!(out, "{}", text::plain(&row.fault));
    let mut by_verdict: BTreeMap<Verdict, Vec<&Seen>> = BTreeMap::new();
    for seen in &row.seen {
        by_verdict.entry(seen.verdict).or_default().push(seen);
    }
    for (verdict, seen) in by_verdict.iter().rev() {
        let mut names: Vec<String> = seen.iter().map(|seen| text::plain(&seen.scenario)).collect();
        names.dedup();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        let _ = writeln!(
            out,
            "    {:<14} {:>4}  {}",
            verdict.name(),
            seen.len(),
            names.join(", ")
        );
    }
    let _ = writeln!(out, "    {:<14} {:>4}", "pass", row.pass);
}

fn in_words(seen: &Seen) -> String {
    let cell = if seen.cell.is_empty() {
        String::new()
    } else {
        format!("[{}]", text::plain(&seen.cell))
    };
    format!(
        "{}{cell} is {} ({})",
        text::plain(&seen.scenario),
        seen.verdict,
        text::plain(&seen.words)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(scenario: &str, verdict: Verdict, requirements: &[&str]) -> Seen {
        Seen {
            scenario: scenario.into(),
            cell: "tls=tls1.3".into(),
            verdict,
            requirements: requirements.iter().map(|id| (*id).to_owned()).collect(),
            is_declared: false,
            words: "sent \u{1b}[31m".into(),
        }
    }

    fn matrix() -> FullMatrix {
        let row = |fault: &str, seen: Vec<Seen>| FaultRow {
            fault: fault.into(),
            pass: 3,
            seen,
        };
        FullMatrix {
            ftpspec_kill_matrix: MATRIX_FORMAT,
            shard: None,
            runs: 9,
            seconds: 1.5,
            strict: vec![seen("a/one", Verdict::Inconclusive, &[])],
            faults: vec![
                row(
                    "greets-twice",
                    vec![
                        seen("a/one", Verdict::Fail, &["r.one"]),
                        seen("a/two", Verdict::Warn, &["r.two"]),
                    ],
                ),
                row("omits-150", vec![seen("a/one", Verdict::Inconclusive, &[])]),
                row("omits-auth", vec![seen("a/two", Verdict::Error, &[])]),
            ],
            lost: vec!["a/two against omits-auth".into()],
            panics: 1,
        }
    }

    #[test]
    fn what_must_not_be_stands_below_the_faults() {
        let text = render(&matrix());
        for line in [
            "    fail              1  a/one\n    warn              1  a/two\n    pass              3",
            "not proven: a/one[tls=tls1.3] is inconclusive (sent \\x1b[31m) against the strict server",
            "error: a/two[tls=tls1.3] is error (sent \\x1b[31m) against omits-auth",
            "broke down: a/two against omits-auth",
            "caught by nothing: omits-150, omits-auth",
            "1 of 3 faults caught; 9 runs in 2 s; 1 errors, 1 broke down, 1 panics",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn it_is_read_back_from_json() {
        let text = serde_json::to_string(&matrix()).unwrap();
        assert_eq!(serde_json::from_str::<FullMatrix>(&text).unwrap(), matrix());
    }
}
