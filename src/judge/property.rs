//! Properties: which of its values a target has, and what shows it. Judges nothing: no value is better than another.
//!
//! A step below `properties/` lists values, each with checks. The first value whose checks all hold is the property's.

use super::case::{Requirements, settled};
use super::check::CheckResult;
use super::step::{JudgedStep, unallowed_failure};
use super::verdict::Next;
use super::view::View;
use super::words;
use crate::plan::Case;
use crate::trace::{Event, EventKind, HandshakeKind};

/// How many things of a step are shown as evidence, the last ones.
const SHOWN: usize = 4;

/// What a property scenario found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yielded {
    /// The value.
    pub value: String,
    /// The exchange that shows it, in words.
    pub evidence: String,
}

/// The value that the trace of a property scenario shows; none when it shows none of them.
#[must_use]
pub fn yielded(case: &Case, requirements: &Requirements, events: &[Event]) -> Option<Yielded> {
    let (value, range) = settled(case, requirements, events)?;
    let step = events.get(range.start..range.end).unwrap_or_default();
    let mut seen: Vec<String> = step.iter().filter_map(in_words).collect();
    // Between two looks at the same connection nothing is lost by saying it once.
    seen.dedup();
    if !step.iter().any(is_ours)
        && let Some(before) = events.iter().take(range.start).rev().find(|event| is_ours(event))
    {
        seen.splice(0..0, in_words(before));
    }
    let skipped = seen.len().saturating_sub(SHOWN);
    let evidence = seen.get(skipped..).unwrap_or_default().join(", ");
    Some(Yielded { value, evidence })
}

/// Judges a step that yields.
pub(super) fn judge(view: &View<'_>, results: &[Vec<CheckResult>]) -> JudgedStep {
    let fits = |checks: &std::ops::Range<usize>| {
        let own = results.get(checks.clone()).unwrap_or_default();
        let mut all = own.iter().flatten();
        let holds = own.iter().flatten().any(|result| *result == CheckResult::Held)
            && all.all(|result| matches!(result, CheckResult::Held | CheckResult::Vacant));
        holds && unallowed_failure(view, checks.start, own).is_none()
    };
    let value = view.step().yields.iter().find(|one| fits(&one.checks));
    match value {
        Some(one) => JudgedStep {
            held_checks: 1,
            next: Next::Stop,
            yielded: Some(one.value.value.clone()),
            ..JudgedStep::default()
        },
        None => JudgedStep::default(),
    }
}

fn is_ours(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::CommandSent { .. } | EventKind::ProbeSent { .. } | EventKind::RawSent { .. }
    )
}

/// What happened, when it tells something about the target.
fn in_words(event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::CommandSent { line, .. } => Some(format!("we sent {}", words::quoted(line))),
        EventKind::ProbeSent { hello } => Some(format!("we offered {}", words::shown(hello))),
        EventKind::RawSent { bytes, .. } => Some(format!("we sent {}", words::count(*bytes, "byte"))),
        EventKind::CloseNotifySent => Some("we sent close_notify".to_owned()),
        EventKind::FinSent => Some("we sent FIN".to_owned()),
        EventKind::ResetSent => Some("we sent RST".to_owned()),
        EventKind::HandshakeFinished(facts) => Some(format!(
            "a {} handshake of {} with {}",
            match facts.kind {
                HandshakeKind::Full => "full",
                HandshakeKind::Resumed => "resumed",
            },
            facts.version.name(),
            words::shown(&facts.suite)
        )),
        EventKind::HandshakeFailed(failure) => Some(format!(
            "the handshake failed ({})",
            words::shown(&failure.reason)
        )),
        EventKind::ProbeAnswered {
            version: Some(version),
            suite,
            ..
        } => Some(format!(
            "a ServerHello of {} with {}",
            words::shown(version),
            words::shown(suite.as_deref().unwrap_or("no suite"))
        )),
        EventKind::ProbeAnswered {
            alert: Some(alert), ..
        } => Some(format!("the alert {}", words::quoted(&alert.name))),
        EventKind::ActionFailed(problem) => Some(words::problem(problem, event.channel.as_ref())),
        EventKind::TimedOut { waited, seconds } => Some(words::nothing_within(*waited, *seconds)),
        EventKind::StayedSilent { seconds } => Some(format!("nothing for {}", words::seconds(*seconds))),
        kind => words::arrival(kind),
    }
    .map(|words| {
        let channel = event.channel.as_ref();
        match channel.filter(|channel| channel.is_data()) {
            Some(_) => format!("data: {words}"),
            None => words,
        }
    })
}
