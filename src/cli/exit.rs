//! Exit codes and the errors that lead to them. The only module that ends the process.

use std::process::ExitCode;

use crate::runner::outcome::{RunOutcome, exit};

/// How the program ends (design section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Passed.
    Success = 0,
    /// A check failed.
    Failed = 1,
    /// The command line, a scenario or a profile cannot be read.
    Usage = 2,
    /// Nothing is said about a target.
    Inconclusive = 3,
    /// Nothing was selected.
    Nothing = 4,
    /// Trouble in ftpspec or on this machine.
    Internal = 70,
}

impl Exit {
    /// The exit code of a run.
    pub(super) fn of(outcome: &RunOutcome, strict: bool) -> Self {
        match outcome.exit_code(strict) {
            exit::GOOD => Self::Success,
            exit::FAILED => Self::Failed,
            exit::INCONCLUSIVE => Self::Inconclusive,
            exit::NOTHING => Self::Nothing,
            _ => Self::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a subcommand gave up: the text for standard error, and the exit code.
#[derive(Debug, Clone)]
pub(super) struct CliError {
    pub(super) exit: Exit,
    pub(super) text: String,
}

impl CliError {
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            text: text.into(),
        }
    }

    pub(super) fn nothing(text: impl Into<String>) -> Self {
        Self {
            exit: Exit::Nothing,
            text: text.into(),
        }
    }

    pub(super) fn internal(text: impl Into<String>) -> Self {
        Self {
            exit: Exit::Internal,
            text: text.into(),
        }
    }

    pub(super) fn inconclusive(text: impl Into<String>) -> Self {
        Self {
            exit: Exit::Inconclusive,
            text: text.into(),
        }
    }
}

/// Something that was typed or given cannot be used.
impl From<String> for CliError {
    fn from(text: String) -> Self {
        Self::usage(text)
    }
}

/// Ends the process at once. Only for a second interrupt: nothing is tidied.
#[expect(clippy::disallowed_methods, reason = "the one place that ends the process")]
pub(super) fn end_now(exit: Exit) -> ! {
    std::process::exit(exit as i32)
}
