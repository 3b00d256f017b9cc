//! Which cases leave a capture behind, and what stands in it.

use std::time::Duration;

use crate::judge::{Judgement, Verdict};
use crate::trace::Captured;

/// Which cases leave a capture behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureChoice {
    /// Every case.
    All,
    /// Cases with a finding, and cases that say nothing about the target.
    #[default]
    Findings,
    /// None.
    None,
}

/// What is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureSettings {
    /// Which cases.
    pub which: CaptureChoice,
    /// Leave the passwords in. Without it they are masked, inside TLS too.
    pub with_passwords: bool,
}

impl CaptureSettings {
    /// Whether a case that ended like this keeps its capture.
    #[must_use]
    pub fn keeps(self, judgement: &Judgement) -> bool {
        match self.which {
            CaptureChoice::All => true,
            CaptureChoice::None => false,
            CaptureChoice::Findings => {
                !judgement.findings.is_empty()
                    || matches!(judgement.verdict, Verdict::Inconclusive | Verdict::Error)
            }
        }
    }
}

/// The capture of a case and when the case started, since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseCapture {
    /// What was captured.
    pub captured: Captured,
    /// When.
    pub started: Duration,
}
