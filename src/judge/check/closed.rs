//! `closed` checks: how the peer ended a connection (RFC 8446 section 6.1, RFC 5246 section 7.2.1).

use super::super::view::{View, is_ours};
use super::super::words;
use super::{Account, CheckResult};
use crate::scenario::model::{Check, ClosedBy};
use crate::trace::{ActionProblem, AlertLevel, Channel, EventKind, Waited};

/// How a peer ended a connection.
pub(super) struct Ending {
    pub by: ClosedBy,
    /// Position of the event that decided it.
    pub event: usize,
    /// `FIN, no close_notify`
    pub words: String,
}

pub(super) fn expected(check: &Check, any_of: &[ClosedBy]) -> String {
    words::within(
        format!(
            "the end by {}",
            words::any_of(any_of.iter().map(|by| words::closed_by(*by)))
        ),
        check,
    )
}

pub(super) fn judge(view: &View<'_>, check: &Check, any_of: &[ClosedBy], channel: &Channel) -> CheckResult {
    let expected = expected(check, any_of);
    let connection = words::connection(Some(channel));
    if let Some(ending) = ending(view, channel) {
        if any_of.contains(&ending.by) {
            return CheckResult::Held;
        }
        return CheckResult::Broken(Account {
            message: format!("ended the {connection} with {}", ending.words),
            expected,
            observed: format!(
                "{}{}",
                ending.words,
                words::after(view.since_last_sent(ending.event))
            ),
            event: ending.event,
            nothing: false,
        });
    }
    if view.opened(channel).is_none() {
        return CheckResult::Broken(Account {
            message: format!("did not open the {connection}"),
            expected,
            observed: format!("the {connection} was never open"),
            event: view.last(),
            nothing: true,
        });
    }
    let waited = view
        .in_step()
        .rev()
        .find_map(|(position, event)| match event.kind {
            EventKind::TimedOut {
                waited: Waited::Close | Waited::Data | Waited::Transfer,
                seconds,
            }
            | EventKind::ActionFailed(ActionProblem::TimedOut {
                waited: Waited::Close | Waited::Data | Waited::Transfer,
                seconds,
            }) => Some((position, seconds)),
            _ => None,
        });
    let (event, observed) = match waited {
        Some((position, seconds)) => (position, words::nothing_within(Waited::Close, seconds)),
        None => (view.last(), format!("the {connection} is still open")),
    };
    CheckResult::Broken(Account {
        message: format!("did not close the {connection}"),
        expected,
        observed,
        event,
        nothing: false,
    })
}

/// A connection that the peer ended explains why an action on it failed.
pub(super) fn allows_failure(problem: &ActionProblem) -> bool {
    matches!(
        problem,
        ActionProblem::Closed { .. }
            | ActionProblem::HandshakeFailed { .. }
            | ActionProblem::NotConnected { .. }
    )
}

/// How the peer ended `channel` since it was opened (or since TLS on it was stopped); none while it has not.
pub(super) fn ending(view: &View<'_>, channel: &Channel) -> Option<Ending> {
    let opened = view.opened(channel)?;
    let mut from = opened;
    let mut protected = false;
    for (position, event) in view
        .all_from(opened)
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
    {
        match event.kind {
            EventKind::TlsStopped => {
                from = position;
                protected = false;
            }
            EventKind::HandshakeFinished(_) => protected = true,
            _ => {}
        }
    }
    let events = || {
        view.all_from(from)
            .filter(|(_, event)| event.channel.as_ref() == Some(channel))
    };
    let (event, first) = events().find(|(_, event)| is_ending(&event.kind))?;
    let rest: Vec<&EventKind> = events()
        .filter(|(position, _)| *position > event)
        .map(|(_, event)| &event.kind)
        .collect();
    let (by, words) = match &first.kind {
        EventKind::CloseNotifyReceived => after_close_notify(&rest),
        EventKind::FinReceived if protected => (ClosedBy::Fin, "FIN, no close_notify".to_owned()),
        EventKind::FinReceived => (ClosedBy::Fin, "FIN".to_owned()),
        EventKind::ResetReceived if protected => (ClosedBy::Reset, "RST, no close_notify".to_owned()),
        EventKind::ResetReceived => (ClosedBy::Reset, "RST".to_owned()),
        EventKind::AlertReceived(alert) => (
            ClosedBy::Alert,
            format!("the alert {}", words::quoted(&alert.name)),
        ),
        EventKind::HandshakeFailed(failure) => {
            let name = failure.alert.as_ref().map_or("", |alert| alert.name.as_str());
            (ClosedBy::Alert, format!("the alert {}", words::quoted(name)))
        }
        _ => return None,
    };
    Some(Ending { by, event, words })
}

fn is_ending(kind: &EventKind) -> bool {
    match kind {
        EventKind::CloseNotifyReceived | EventKind::FinReceived | EventKind::ResetReceived => true,
        // A warning (`user_canceled`, `no_renegotiation`) ends nothing; a hidden level is fatal in practice.
        EventKind::AlertReceived(alert) => alert.level != Some(AlertLevel::Warning),
        EventKind::HandshakeFailed(failure) => failure.alert.is_some(),
        _ => false,
    }
}

/// RST behind close_notify is the peer's own doing only when we sent nothing in between: what we send to a peer that
/// has closed is answered by RST.
fn after_close_notify(rest: &[&EventKind]) -> (ClosedBy, String) {
    for kind in rest {
        match kind {
            EventKind::FinReceived => return (ClosedBy::CloseNotify, "close_notify, then FIN".to_owned()),
            EventKind::ResetReceived => return (ClosedBy::Reset, "close_notify, then RST".to_owned()),
            ours if is_ours(ours) => break,
            _ => {}
        }
    }
    (ClosedBy::CloseNotify, "close_notify".to_owned())
}
