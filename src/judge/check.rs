//! One file per kind of check: what was expected, what was observed, and whether that is the same.

mod action;
mod closed;
mod data;
mod endpoint;
mod file;
mod order;
mod reply;
mod silence;
mod tls;

use super::view::View;
use crate::plan::template::FillError;
use crate::scenario::model::{ChannelRef, Check, CheckKind};

/// What a check that does not hold says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    /// What is wrong, said of the target: a verb in the past tense and what follows.
    pub message: String,
    /// Fits after "expected".
    pub expected: String,
    /// Fits after "got".
    pub observed: String,
    /// Position in the trace that shows it.
    pub event: usize,
    /// Nothing was observed at all, so the reason why the action failed says more than `observed`.
    pub nothing: bool,
}

/// How one kind of one check turned out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CheckResult {
    /// As expected.
    Held,
    /// Anything would do; proves nothing.
    Vacant,
    /// Not as expected.
    Broken(Account),
    /// What would have to be observed did not come about; nothing can be said.
    Unjudged(Account),
}

/// Judges one kind of `check`.
pub(super) fn judge(view: &View<'_>, check: &Check, kind: &CheckKind) -> CheckResult {
    let result = match kind {
        CheckKind::Reply(pattern) => reply::judge(view, check, pattern),
        CheckKind::Tls(pattern) => match view.channel_of(check, ChannelRef::Data) {
            Some(channel) => Ok(tls::judge(view, pattern, &channel)),
            None => Ok(CheckResult::Broken(no_data_connection(
                view,
                tls::expected(pattern),
            ))),
        },
        CheckKind::Data(pattern) => data::judge(view, pattern),
        CheckKind::Closed(any_of) => match view.channel_of(check, ChannelRef::Data) {
            Some(channel) => Ok(closed::judge(view, check, any_of, &channel)),
            None => Ok(CheckResult::Broken(no_data_connection(
                view,
                closed::expected(check, any_of),
            ))),
        },
        CheckKind::File(pattern) => file::judge(view, pattern),
        CheckKind::Order(milestones) => Ok(order::judge(view, milestones)),
        CheckKind::Silence => match view.channel_of(check, ChannelRef::Control) {
            Some(channel) => Ok(silence::judge(view, check, &channel)),
            None => Ok(CheckResult::Unjudged(no_data_connection(
                view,
                silence::expected(check),
            ))),
        },
        CheckKind::Endpoint(pattern) => Ok(endpoint::judge(view, *pattern)),
        CheckKind::Action(pattern) => Ok(action::judge(view, *pattern)),
    };
    result.unwrap_or_else(|error: FillError| {
        CheckResult::Unjudged(Account {
            message: "did not give a value that the check needs".to_owned(),
            expected: format!("a value for `$({})`", error.name),
            observed: "none".to_owned(),
            event: view.last(),
            nothing: true,
        })
    })
}

/// Whether `kind`, given how it turned out, accepts that the step's action failed.
pub(super) fn allows_failure(view: &View<'_>, kind: &CheckKind, result: &CheckResult) -> bool {
    let Some((_, problem, _)) = view.problem() else {
        return true;
    };
    if !matches!(result, CheckResult::Held | CheckResult::Vacant) {
        return false;
    }
    match kind {
        CheckKind::Action(pattern) => action::allows_failure(*pattern),
        CheckKind::Tls(pattern) => tls::allows_failure(pattern, problem),
        CheckKind::Closed(_) => closed::allows_failure(problem),
        CheckKind::Reply(pattern) => reply::allows_failure(view, pattern, problem),
        CheckKind::Data(_) => data::allows_failure(view, problem),
        CheckKind::Silence => silence::allows_failure(problem),
        CheckKind::File(_) | CheckKind::Order(_) | CheckKind::Endpoint(_) => false,
    }
}

fn no_data_connection(view: &View<'_>, expected: String) -> Account {
    Account {
        message: "did not open a data connection".to_owned(),
        expected,
        observed: "there was no data connection".to_owned(),
        event: view.last(),
        nothing: true,
    }
}
