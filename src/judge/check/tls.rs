//! `tls` checks: handshakes, probes, alerts, tickets (RFC 8446, RFC 5246).

use super::super::view::View;
use super::super::words;
use super::closed::ending;
use super::{Account, CheckResult};
use crate::scenario::model::{Action, HandshakeOutcome, TlsPattern};
use crate::trace::{
    ActionProblem, AlertFacts, Channel, Event, EventKind, HandshakeFacts, HandshakeKind, Waited,
};

/// What is known of the handshake or probe that the check looks at.
#[derive(Default)]
struct Seen<'a> {
    /// The outcomes it counts as; empty when there was none.
    outcomes: Vec<HandshakeOutcome>,
    words: String,
    event: usize,
    facts: Option<&'a HandshakeFacts>,
    version: Option<&'a str>,
    alpn: Option<&'a str>,
    /// There was a ServerHello or a finished handshake, so version and ALPN mean something.
    negotiated: bool,
}

/// One part of the pattern that does not fit: expected and observed.
struct Misfit {
    message: String,
    expected: String,
    observed: String,
    event: usize,
}

pub(super) fn expected(pattern: &TlsPattern) -> String {
    let mut parts = Vec::new();
    if !pattern.handshake.is_empty() {
        parts.push(words::any_of(
            pattern.handshake.iter().map(|one| words::handshake_outcome(*one)),
        ));
    }
    if !pattern.version.is_empty() {
        parts.push(format!(
            "version {}",
            words::any_of(pattern.version.iter().cloned())
        ));
    }
    if !pattern.alpn.is_empty() {
        parts.push(format!(
            "ALPN {}",
            words::any_of(pattern.alpn.iter().map(|name| words::quoted(name)))
        ));
    }
    if !pattern.alert.is_empty() {
        parts.push(format!(
            "the alert {}",
            words::any_of(pattern.alert.iter().map(|name| words::quoted(name)))
        ));
    }
    if let Some(tickets) = pattern.tickets {
        parts.push(format!(
            "at least {}",
            words::count(u64::from(tickets), "session ticket")
        ));
    }
    if let Some(lifetime) = pattern.ticket_lifetime {
        parts.push(format!("a ticket lifetime of at most {lifetime}s"));
    }
    if pattern.same_certificate {
        parts.push("the certificate of the control connection".to_owned());
    }
    if pattern.same_version {
        parts.push("the version of the control connection".to_owned());
    }
    words::all_of(parts)
}

pub(super) fn judge(view: &View<'_>, pattern: &TlsPattern, channel: &Channel) -> CheckResult {
    let seen = look(view, channel);
    let mut misfit = None;
    let mut refused = false;
    if !pattern.handshake.is_empty() {
        refused = !seen.negotiated;
        if !seen
            .outcomes
            .iter()
            .any(|outcome| pattern.handshake.contains(outcome))
        {
            misfit = Some(wrong_outcome(view, pattern, &seen, channel));
        }
    }
    // An accepted refusal has no version and no certificate to look at.
    if misfit.is_none() && !refused {
        misfit = version_or_alpn(pattern, &seen);
    }
    if misfit.is_none() {
        misfit = wrong_alert(view, pattern, &seen, channel);
    }
    if let Some(misfit) = misfit {
        return broken(misfit, seen.outcomes.is_empty());
    }
    if refused {
        return CheckResult::Held;
    }
    tickets(view, pattern, channel)
        .or_else(|| like_control(view, pattern, &seen, channel))
        .unwrap_or(CheckResult::Held)
}

/// An outcome that is no finished handshake explains why the action failed.
pub(super) fn allows_failure(pattern: &TlsPattern, problem: &ActionProblem) -> bool {
    let accepts = |outcome| pattern.handshake.contains(&outcome);
    match problem {
        ActionProblem::TimedOut {
            waited: Waited::Handshake,
            ..
        } => accepts(HandshakeOutcome::Nothing),
        ActionProblem::HandshakeFailed { .. }
        | ActionProblem::Closed { .. }
        | ActionProblem::NotConnected { .. }
        | ActionProblem::RefusedByReply { .. } => {
            accepts(HandshakeOutcome::Refused) || accepts(HandshakeOutcome::Plaintext)
        }
        _ => false,
    }
}

fn broken(misfit: Misfit, nothing: bool) -> CheckResult {
    CheckResult::Broken(Account {
        message: misfit.message,
        expected: misfit.expected,
        observed: misfit.observed,
        event: misfit.event,
        nothing,
    })
}

/// The last handshake or probe of the step on `channel`. A step whose action has nothing to do with TLS looks at the
/// last one since the connection was opened.
fn look<'a>(view: &View<'a>, channel: &Channel) -> Seen<'a> {
    let from_step = view
        .in_step()
        .rev()
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
        .find_map(|(position, event)| describe(position, event));
    let mut seen = match from_step {
        Some(seen) => Some(seen),
        None if !handshakes(view) => earlier(view, channel),
        None => None,
    }
    .unwrap_or_else(|| absent(view, channel));
    if seen.outcomes.contains(&HandshakeOutcome::Refused) && timed_out(view, channel) {
        seen.outcomes = vec![HandshakeOutcome::Nothing];
    }
    seen
}

fn handshakes(view: &View<'_>) -> bool {
    let action = view.step().action.as_ref().map(|action| &action.value);
    matches!(
        action,
        Some(
            Action::StartTls(_)
                | Action::ProbeTls(_)
                | Action::Reach(_)
                | Action::Connect(_)
                | Action::Store(_)
                | Action::Retrieve(_)
                | Action::List(_)
        )
    )
}

fn earlier<'a>(view: &View<'a>, channel: &Channel) -> Option<Seen<'a>> {
    let opened = view.opened(channel)?;
    view.all_from(opened)
        .rev()
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
        .find_map(|(position, event)| describe(position, event))
}

fn describe<'a>(position: usize, event: &'a Event) -> Option<Seen<'a>> {
    match &event.kind {
        EventKind::HandshakeFinished(facts) => Some(Seen {
            outcomes: vec![match facts.kind {
                HandshakeKind::Full => HandshakeOutcome::Full,
                HandshakeKind::Resumed => HandshakeOutcome::Resumed,
            }],
            words: match facts.kind {
                HandshakeKind::Full => format!("a full handshake ({})", facts.version.name()),
                HandshakeKind::Resumed => format!("a resumed handshake ({})", facts.version.name()),
            },
            event: position,
            facts: Some(facts),
            version: Some(facts.version.name()),
            alpn: facts.alpn.as_deref(),
            negotiated: true,
        }),
        EventKind::HandshakeFailed(failure) => {
            let clear = failure.plaintext.as_ref();
            let mut outcomes = vec![HandshakeOutcome::Refused];
            outcomes.extend(clear.map(|_| HandshakeOutcome::Plaintext));
            let words = match (clear, &failure.alert) {
                (Some(text), _) => format!("clear text {}", words::quoted(text)),
                (None, Some(alert)) => format!("a refused handshake (alert {})", words::quoted(&alert.name)),
                (None, None) => format!("a failed handshake ({})", words::shown(&failure.reason)),
            };
            Some(Seen {
                outcomes,
                words,
                event: position,
                ..Seen::default()
            })
        }
        EventKind::ProbeAnswered {
            answer,
            version,
            alpn,
            ..
        } => Some(Seen {
            outcomes: match answer.as_str() {
                "server-hello" => vec![HandshakeOutcome::ServerHello],
                "alert" | "closed" => vec![HandshakeOutcome::Refused],
                "plaintext" => vec![HandshakeOutcome::Refused, HandshakeOutcome::Plaintext],
                _ => vec![HandshakeOutcome::Nothing],
            },
            words: probe_words(&event.kind),
            event: position,
            facts: None,
            version: version.as_deref(),
            alpn: alpn.as_deref(),
            negotiated: answer == "server-hello",
        }),
        _ => None,
    }
}

fn probe_words(kind: &EventKind) -> String {
    let EventKind::ProbeAnswered {
        answer,
        version,
        suite,
        alert,
        ..
    } = kind
    else {
        return String::new();
    };
    match answer.as_str() {
        "server-hello" => {
            let facts: Vec<String> = [version, suite]
                .into_iter()
                .flatten()
                .map(|fact| words::shown(fact))
                .collect();
            format!("a ServerHello ({})", facts.join(", "))
        }
        "alert" => match alert {
            Some(alert) => format!("the alert {}", words::quoted(&alert.name)),
            None => "an alert".to_owned(),
        },
        "closed" => "a closed connection".to_owned(),
        "plaintext" => "clear text".to_owned(),
        _ => "no answer".to_owned(),
    }
}

/// No handshake event: a peer that closed before is a refusal, a wait that ran out is nothing.
fn absent<'a>(view: &View<'a>, channel: &Channel) -> Seen<'a> {
    let Some((position, problem, _)) = view.problem() else {
        return Seen {
            words: "no handshake".to_owned(),
            event: view.last(),
            ..Seen::default()
        };
    };
    let outcomes = match problem {
        ActionProblem::TimedOut {
            waited: Waited::Handshake,
            ..
        } => vec![HandshakeOutcome::Nothing],
        ActionProblem::HandshakeFailed { .. } | ActionProblem::RefusedByReply { .. } => {
            vec![HandshakeOutcome::Refused]
        }
        ActionProblem::Closed { .. } | ActionProblem::NotConnected { .. }
            if ending(view, channel).is_some() =>
        {
            vec![HandshakeOutcome::Refused]
        }
        _ => Vec::new(),
    };
    Seen {
        outcomes,
        words: words::problem(problem, Some(channel)),
        event: position,
        ..Seen::default()
    }
}

fn timed_out(view: &View<'_>, channel: &Channel) -> bool {
    let silent = view.in_step().any(|(_, event)| {
        matches!(
            event.kind,
            EventKind::TimedOut {
                waited: Waited::Handshake,
                ..
            } | EventKind::ActionFailed(ActionProblem::TimedOut {
                waited: Waited::Handshake,
                ..
            })
        )
    });
    silent && ending(view, channel).is_none()
}

fn wrong_outcome(view: &View<'_>, pattern: &TlsPattern, seen: &Seen<'_>, channel: &Channel) -> Misfit {
    let connection = words::connection(Some(channel));
    let message = match seen.outcomes.first() {
        Some(HandshakeOutcome::Full) => format!("made a full handshake on the {connection}"),
        Some(HandshakeOutcome::Resumed) => format!("resumed a session on the {connection}"),
        Some(HandshakeOutcome::ServerHello) => {
            format!("answered the probe on the {connection} with a ServerHello")
        }
        Some(HandshakeOutcome::Refused | HandshakeOutcome::Plaintext) => {
            format!("refused the handshake on the {connection}")
        }
        Some(HandshakeOutcome::Nothing) | None => format!("did not answer the handshake on the {connection}"),
    };
    Misfit {
        message,
        expected: words::any_of(pattern.handshake.iter().map(|one| words::handshake_outcome(*one))),
        observed: format!("{}{}", seen.words, words::after(view.since_last_sent(seen.event))),
        event: seen.event,
    }
}

fn version_or_alpn(pattern: &TlsPattern, seen: &Seen<'_>) -> Option<Misfit> {
    let misfit = |message: &str, expected: String, observed: String| {
        Some(Misfit {
            message: message.to_owned(),
            expected,
            observed,
            event: seen.event,
        })
    };
    let without = || {
        if seen.words.is_empty() {
            "no handshake".to_owned()
        } else {
            seen.words.clone()
        }
    };
    if !pattern.version.is_empty()
        && !pattern
            .version
            .iter()
            .any(|wanted| Some(wanted.as_str()) == seen.version)
    {
        let observed = seen.version.map_or_else(without, words::shown);
        let expected = words::any_of(pattern.version.iter().cloned());
        return misfit("negotiated another TLS version", expected, observed);
    }
    if !pattern.alpn.is_empty() {
        let chosen = seen.alpn.unwrap_or("none");
        if !seen.negotiated || !pattern.alpn.iter().any(|wanted| wanted == chosen) {
            let observed = if seen.negotiated {
                format!("ALPN {}", words::quoted(chosen))
            } else {
                without()
            };
            let expected = format!(
                "ALPN {}",
                words::any_of(pattern.alpn.iter().map(|name| words::quoted(name)))
            );
            return misfit("chose another ALPN protocol", expected, observed);
        }
    }
    None
}

fn wrong_alert(view: &View<'_>, pattern: &TlsPattern, seen: &Seen<'_>, channel: &Channel) -> Option<Misfit> {
    // `handshake: [full, refused]` with an alert: the alert belongs to the refusal.
    let accepted_as_finished = seen.negotiated && !pattern.handshake.is_empty();
    if pattern.alert.is_empty() || accepted_as_finished {
        return None;
    }
    let alerts: Vec<(usize, &AlertFacts)> = view
        .in_step()
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
        .filter_map(alert_of)
        .collect();
    if alerts
        .iter()
        .any(|(_, alert)| pattern.alert.contains(&alert.name))
    {
        return None;
    }
    let expected = format!(
        "the alert {}",
        words::any_of(pattern.alert.iter().map(|name| words::quoted(name)))
    );
    let (event, observed) = match alerts.last() {
        Some((event, alert)) => (*event, format!("the alert {}", words::quoted(&alert.name))),
        None => (seen.event, format!("{}, no alert", seen.words)),
    };
    let message = match alerts.last() {
        Some((_, alert)) => format!("sent the alert {}", words::quoted(&alert.name)),
        None => "sent no alert".to_owned(),
    };
    Some(Misfit {
        message,
        expected,
        observed,
        event,
    })
}

fn alert_of((position, event): (usize, &Event)) -> Option<(usize, &AlertFacts)> {
    match &event.kind {
        EventKind::AlertReceived(alert) => Some((position, alert)),
        EventKind::HandshakeFailed(failure) => failure.alert.as_ref().map(|alert| (position, alert)),
        EventKind::ProbeAnswered {
            alert: Some(alert), ..
        } => Some((position, alert)),
        _ => None,
    }
}

/// The tickets of the whole connection; none when the pattern says nothing or they fit.
fn tickets(view: &View<'_>, pattern: &TlsPattern, channel: &Channel) -> Option<CheckResult> {
    let opened = view.opened(channel).unwrap_or(0);
    let arrived: Vec<(usize, Option<u32>)> = view
        .all_from(opened)
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
        .filter_map(|(position, event)| match &event.kind {
            EventKind::TicketReceived(ticket) => Some((position, ticket.lifetime)),
            _ => None,
        })
        .collect();
    let last = arrived.last().map_or(view.last(), |(position, _)| *position);
    let number = arrived.len() as u64;
    if let Some(wanted) = pattern.tickets
        && number < u64::from(wanted)
    {
        return Some(broken(
            Misfit {
                message: format!("sent {}", words::count(number, "session ticket")),
                expected: format!("at least {}", words::count(u64::from(wanted), "session ticket")),
                observed: words::count(number, "session ticket"),
                event: last,
            },
            false,
        ));
    }
    let limit = pattern.ticket_lifetime?;
    let expected = format!("a ticket lifetime of at most {limit}s");
    let longest = arrived
        .iter()
        .filter_map(|(position, lifetime)| lifetime.map(|time| (time, *position)))
        .max();
    match longest {
        Some((time, event)) if time > limit => Some(broken(
            Misfit {
                message: format!("sent a session ticket with a lifetime of {time}s"),
                expected,
                observed: format!("{time}s"),
                event,
            },
            false,
        )),
        Some(_) => None,
        None => Some(CheckResult::Unjudged(Account {
            message: "sent no session ticket whose lifetime can be seen".to_owned(),
            expected,
            observed: "no ticket lifetime".to_owned(),
            event: last,
            nothing: false,
        })),
    }
}

/// `same-certificate` and `same-version`, against the control connection of the session.
fn like_control(
    view: &View<'_>,
    pattern: &TlsPattern,
    seen: &Seen<'_>,
    channel: &Channel,
) -> Option<CheckResult> {
    if !pattern.same_certificate && !pattern.same_version {
        return None;
    }
    let control = last_handshake(view, &view.control(), view.last() + 1);
    let (Some(facts), Some((_, control_facts))) = (seen.facts, control) else {
        return Some(CheckResult::Unjudged(Account {
            message: "made no handshakes that could be compared".to_owned(),
            expected: expected(pattern),
            observed: if seen.words.is_empty() {
                "no handshake".to_owned()
            } else {
                seen.words.clone()
            },
            event: seen.event,
            nothing: true,
        }));
    };
    let connection = words::connection(Some(channel));
    if pattern.same_version && facts.version != control_facts.version {
        return Some(broken(
            Misfit {
                message: format!(
                    "negotiated another TLS version on the {connection} than on the control connection"
                ),
                expected: control_facts.version.name().to_owned(),
                observed: facts.version.name().to_owned(),
                event: seen.event,
            },
            false,
        ));
    }
    if !pattern.same_certificate {
        return None;
    }
    same_certificate(view, seen, channel, &connection)
}

fn same_certificate(
    view: &View<'_>,
    seen: &Seen<'_>,
    channel: &Channel,
    connection: &str,
) -> Option<CheckResult> {
    let ours = leaf(view, channel, view.last() + 1, 4);
    let theirs = leaf(view, &view.control(), view.last() + 1, 4);
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (Some(ours), Some(theirs)) => Some(broken(
            Misfit {
                message: format!(
                    "showed another certificate on the {connection} than on the control connection"
                ),
                expected: format!("the certificate {}", words::quoted(&theirs)),
                observed: format!("the certificate {}", words::quoted(&ours)),
                event: seen.event,
            },
            false,
        )),
        _ => Some(CheckResult::Unjudged(Account {
            message: "showed no certificates that could be compared".to_owned(),
            expected: "the certificate of the control connection".to_owned(),
            observed: "no certificate".to_owned(),
            event: seen.event,
            nothing: true,
        })),
    }
}

fn last_handshake<'a>(
    view: &View<'a>,
    channel: &Channel,
    before: usize,
) -> Option<(usize, &'a HandshakeFacts)> {
    view.all_from(0)
        .rev()
        .filter(|(position, _)| *position < before)
        .find_map(|(position, event)| match &event.kind {
            EventKind::HandshakeFinished(facts) if event.channel.as_ref() == Some(channel) => {
                Some((position, facts))
            }
            _ => None,
        })
}

/// SHA-256 of the leaf certificate of the last handshake on `channel` before position `before`; a resumed handshake
/// inherits the one of the session that it resumed.
fn leaf(view: &View<'_>, channel: &Channel, before: usize, depth: u8) -> Option<String> {
    let (position, facts) = last_handshake(view, channel, before)?;
    if let Some(certificate) = facts.chain.first() {
        return Some(certificate.sha256.clone());
    }
    if facts.kind != HandshakeKind::Resumed || depth == 0 {
        return None;
    }
    let origin: Channel = facts.session_of.as_ref()?.parse().ok()?;
    leaf(view, &origin, position, depth - 1)
}
