//! Progress on standard error: a bar on a terminal, now and then a line where it is a log.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output;
use crate::base::{Clock as _, SystemClock};
use crate::judge::Verdict;
use crate::runner::Progress;
use crate::runner::outcome::CaseOutcome;

/// How long a log stays silent at least.
const SILENCE: Duration = Duration::from_secs(20);

/// A bar with counts per verdict.
pub(super) struct Bar {
    bar: ProgressBar,
    passed: u64,
    warned: u64,
    failed: u64,
    other: u64,
    /// Counts runs that show what they are made for, not verdicts.
    is_proof: bool,
    /// Lines for a log; none on a terminal and when nothing is wanted.
    log: Option<Log>,
}

/// When a line was last written.
struct Log {
    clock: SystemClock,
    last: Duration,
}

impl Bar {
    /// A bar that shows nothing yet; `quiet` ones never do.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            passed: 0,
            warned: 0,
            failed: 0,
            other: 0,
            is_proof: false,
            log: (!quiet && !std::io::stderr().is_terminal()).then(|| Log {
                clock: SystemClock::new(),
                last: Duration::ZERO,
            }),
        }
    }

    /// A bar for runs of which each ought to show something.
    pub(super) fn of_proofs(quiet: bool) -> Self {
        Self {
            is_proof: true,
            ..Self::new(quiet)
        }
    }

    /// Whether somebody can see it.
    pub(super) fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows what happened.
    pub(super) fn show(&mut self, progress: &Progress) {
        match progress {
            Progress::Preparing { target, what } => self.bar.set_message(format!("{what}: {target}")),
            Progress::Planned { cases } => self.bar.set_length(u64::try_from(*cases).unwrap_or(u64::MAX)),
            Progress::Finished(outcome) => self.count(outcome),
        }
    }

    /// Shows one finished piece of work.
    pub(super) fn step(&mut self, ok: bool) {
        if ok {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.refresh();
    }

    /// How many pieces of work there are.
    pub(super) fn set_length(&self, length: usize) {
        self.bar.set_length(u64::try_from(length).unwrap_or(u64::MAX));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn count(&mut self, outcome: &CaseOutcome) {
        match outcome.judgement.verdict {
            Verdict::Pass | Verdict::Info => self.passed += 1,
            Verdict::Warn => self.warned += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::NotApplicable | Verdict::Inconclusive | Verdict::Error => self.other += 1,
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        self.bar.inc(1);
        let counts = if self.is_proof {
            format!("{} show what they ought to, {} do not", self.passed, self.failed)
        } else {
            format!(
                "{} passed, {} warned, {} failed, {} other",
                self.passed, self.warned, self.failed, self.other
            )
        };
        if let Some(log) = &mut self.log {
            let now = log.clock.monotonic();
            if now.saturating_sub(log.last) >= SILENCE {
                log.last = now;
                let of = self.bar.length().unwrap_or_default();
                output::complain(&format!("{} of {of} done: {counts}", self.bar.position()));
            }
        }
        self.bar.set_message(counts);
    }
}
