//! What went over the wire in one case, line by line, without the book-keeping of the runner.

use std::fmt::Write as _;

use super::paint::Paint;
use crate::diagnostic::render_event;
use crate::report::text;
use crate::runner::outcome::CaseOutcome;
use crate::trace::{Event, EventKind, Phase};

/// The verdict and name of `case`, then its events; steps are told apart.
#[must_use]
pub fn render_transcript(case: &CaseOutcome, events: &[Event], colour: bool) -> String {
    let paint = Paint { colour };
    let head = format!(
        "{} {}: {}",
        text::plain(&case.target),
        text::case_name(case),
        text::verdict(case)
    );
    let mut out = String::new();
    let _ = writeln!(out, "{}", paint.bold(&head));
    for event in events {
        match &event.kind {
            EventKind::StepFinished { .. } | EventKind::ReplyConsumed { .. } => {}
            EventKind::StepStarted { step } => {
                let phase = match step.phase {
                    Phase::Setup => "set-up",
                    Phase::Steps => "step",
                    Phase::Cleanup => "clean-up",
                };
                let line = format!("{phase} {}", step.index.saturating_add(1));
                let _ = writeln!(out, "  {}", paint.dim(&line));
            }
            _ => {
                let _ = writeln!(out, "  {}", text::plain(&render_event(event)));
            }
        }
    }
    out
}
