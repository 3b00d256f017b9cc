//! `silence` checks: nothing arrived, and the connection was there to carry something.

use super::super::view::View;
use super::super::words;
use super::closed::ending;
use super::{Account, CheckResult};
use crate::scenario::model::Check;
use crate::trace::{ActionProblem, Channel, EventKind, Waited};

pub(super) fn expected(check: &Check) -> String {
    match &check.within {
        Some(within) => format!("silence for {}", words::seconds(within.value.as_secs_f64())),
        None => "silence".to_owned(),
    }
}

pub(super) fn judge(view: &View<'_>, check: &Check, channel: &Channel) -> CheckResult {
    let connection = words::connection(Some(channel));
    let untaken = view
        .untaken_reply(channel)
        .and_then(|(position, kind)| Some((position, words::arrival(kind)?)));
    let arrived = view.in_step().find_map(|(position, event)| {
        if event.channel.as_ref() != Some(channel) || is_expected(&event.kind) {
            return None;
        }
        Some((position, words::arrival(&event.kind)?))
    });
    if let Some((event, arrival)) = arrived.or(untaken) {
        return CheckResult::Broken(Account {
            message: format!("was not silent on the {connection}"),
            expected: expected(check),
            observed: format!("{arrival}{}", words::after(view.since_last_sent(event))),
            event,
            nothing: false,
        });
    }
    let unjudged = |observed: String| {
        CheckResult::Unjudged(Account {
            message: format!("gave no chance to hear its silence on the {connection}"),
            expected: expected(check),
            observed,
            event: view.last(),
            nothing: true,
        })
    };
    if view.opened(channel).is_none() {
        return unjudged(format!("the {connection} was never open"));
    }
    if let Some(ending) = ending(view, channel) {
        return unjudged(format!("the {connection} was closed before ({})", ending.words));
    }
    let stayed = view.in_step().any(|(_, event)| {
        event.channel.as_ref() == Some(channel) && matches!(event.kind, EventKind::StayedSilent { .. })
    });
    if stayed {
        CheckResult::Held
    } else {
        unjudged("nobody listened".to_owned())
    }
}

/// An action that ran out of time because nothing came is what silence looks like.
pub(super) fn allows_failure(problem: &ActionProblem) -> bool {
    matches!(
        problem,
        ActionProblem::TimedOut {
            waited: Waited::Reply | Waited::Data | Waited::Handshake,
            ..
        }
    )
}

/// Replies are looked at apart: another check of the step may have taken them. The rest belongs to connections that
/// come up and say nothing.
fn is_expected(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::ReplyReceived { .. }
            | EventKind::Connected { .. }
            | EventKind::HandshakeFinished(_)
            | EventKind::TicketReceived(_)
    )
}
