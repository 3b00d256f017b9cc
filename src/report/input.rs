//! What reports are made of. The same values during a run and when a stored run is rendered later.

use super::baseline::Comparison;
use super::kill_matrix::ProofRow;
use super::sources::Sources;
use crate::runner::outcome::RunOutcome;
use crate::trace::Event;

/// Reads the trace in a folder of a case ([`crate::runner::outcome::CaseOutcome::folder`]); none when it cannot be read.
pub type Traces<'a> = dyn Fn(&str) -> Option<Vec<Event>> + 'a;

/// What reports are made of.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The outcome.
    pub run: &'a RunOutcome,
    /// What it quotes.
    pub sources: &'a Sources,
    /// Where traces come from.
    pub traces: &'a Traces<'a>,
    /// The proof that the scenarios can fail, when one was made.
    pub proofs: Option<&'a [ProofRow]>,
    /// What is different from a baseline, when there was one.
    pub changes: Option<&'a Comparison>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("cases", &self.run.cases.len())
            .finish_non_exhaustive()
    }
}
