//! The proof that scenarios can fail: each against the strict embedded server, and against every fault it detects.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text;
use crate::judge::Verdict;

/// One scenario of the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProofRow {
    /// Scenario id.
    pub scenario: String,
    /// The verdict against the strict server, the worst of all cells.
    pub strict: Verdict,
    /// The verdict against each fault that the scenario detects.
    pub faults: Vec<FaultVerdict>,
}

/// A scenario against one fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FaultVerdict {
    /// Name of the fault.
    pub fault: String,
    /// The verdict, the best of all cells: every cell has to notice.
    pub verdict: Verdict,
    /// The requirements that were found broken.
    pub requirements: Vec<String>,
}

impl FaultVerdict {
    /// Whether the fault was noticed: a check with a requirement was broken. Inconclusive is not enough.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info)
    }
}

impl ProofRow {
    /// Whether the scenario passes where it must and fails where it must. One that names no fault proves nothing.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.strict == Verdict::Pass
            && !self.faults.is_empty()
            && self.faults.iter().all(FaultVerdict::is_caught)
    }
}

/// The matrix as text: a scenario, its verdict against the strict server, then a line per fault. Without a sum: habits count for that, too.
#[must_use]
pub fn render(rows: &[ProofRow]) -> String {
    let mut out = String::new();
    for row in rows {
        let mark = if row.is_proven() { "ok" } else { "NOT PROVEN" };
        let _ = writeln!(
            out,
            "{:<10} {} (strict: {})",
            mark,
            text::plain(&row.scenario),
            row.strict
        );
        if row.faults.is_empty() {
            out.push_str("             names no fault\n");
        }
        for fault in &row.faults {
            let mark = if fault.is_caught() { "caught" } else { "MISSED" };
            let requirements: Vec<String> = fault.requirements.iter().map(|id| text::plain(id)).collect();
            let line = format!(
                "{mark:<7} {} ({}) {}",
                text::plain(&fault.fault),
                fault.verdict,
                requirements.join(", ")
            );
            let _ = writeln!(out, "           {}", line.trim_end());
        }
    }
    out
}
