//! `action` checks: whether the action itself could be done.

use super::super::view::View;
use super::super::words;
use super::{Account, CheckResult};
use crate::scenario::model::ActionPattern;

pub(super) fn judge(view: &View<'_>, pattern: ActionPattern) -> CheckResult {
    let verb = view
        .step()
        .action
        .as_ref()
        .map_or("expect", |action| words::action_verb(&action.value));
    match (pattern, view.problem()) {
        (ActionPattern::Any, _) => CheckResult::Vacant,
        (ActionPattern::Done, None) | (ActionPattern::Failed, Some(_)) => CheckResult::Held,
        (ActionPattern::Done, Some((event, problem, channel))) => {
            let observed = words::problem(problem, channel);
            CheckResult::Broken(Account {
                message: format!("did not let `{verb}` succeed: {observed}"),
                expected: format!("`{verb}` to succeed"),
                observed,
                event,
                nothing: false,
            })
        }
        (ActionPattern::Failed, None) => CheckResult::Broken(Account {
            message: format!("let `{verb}` succeed"),
            expected: format!("`{verb}` to fail"),
            observed: "it succeeded".to_owned(),
            event: view.last(),
            nothing: false,
        }),
    }
}

pub(super) fn allows_failure(pattern: ActionPattern) -> bool {
    matches!(pattern, ActionPattern::Any | ActionPattern::Failed)
}
