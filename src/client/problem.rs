//! Short ways to say why an action could not be done.

use std::time::Duration;

use crate::trace::{ActionProblem, EventKind, Recorder, Waited};
use crate::transport::{LinkError, LinkErrorKind};

/// Something is not open.
pub(super) fn not_connected(detail: &str) -> ActionProblem {
    ActionProblem::NotConnected {
        detail: detail.to_owned(),
    }
}

/// The target ended a connection.
pub(super) fn closed(detail: &str) -> ActionProblem {
    ActionProblem::Closed {
        detail: detail.to_owned(),
    }
}

/// What the target sent cannot be used.
pub(super) fn unusable(detail: impl Into<String>) -> ActionProblem {
    ActionProblem::Unusable {
        detail: detail.into(),
    }
}

/// The harness may not or cannot do it here: says nothing about the target.
pub(super) fn not_allowed(detail: impl Into<String>) -> ActionProblem {
    ActionProblem::NotAllowed {
        detail: detail.into(),
    }
}

/// Nothing within `within`.
pub(super) fn timed_out(waited: Waited, within: Duration) -> ActionProblem {
    ActionProblem::TimedOut {
        waited,
        seconds: within.as_secs_f64(),
    }
}

/// The problem that `error` is to an action that waited for `waited` at most `within`. Local trouble is recorded as
/// the harness's own.
pub(super) fn from_link(
    error: &LinkError,
    waited: Waited,
    within: Duration,
    recorder: &Recorder,
) -> ActionProblem {
    match error.kind {
        LinkErrorKind::Refused => ActionProblem::ConnectionRefused {
            detail: error.detail.clone(),
        },
        LinkErrorKind::TimedOut => timed_out(waited, within),
        LinkErrorKind::Closed => closed(&error.detail),
        LinkErrorKind::Local => {
            recorder.record_case(EventKind::HarnessFailed {
                reason: error.detail.clone(),
            });
            not_connected(&error.detail)
        }
    }
}
