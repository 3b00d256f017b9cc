//! `tls` checks: handshakes, probes, alerts, tickets (RFC 8446, RFC 5246).

mod seen;
mod shown;
mod whole;

use seen::{Seen, look};
use whole::{like_control, named, tickets};

use super::{Account, CheckResult};
use crate::judge::view::View;
use crate::judge::words;
use crate::scenario::model::{HandshakeOutcome, TlsPattern};
use crate::trace::{ActionProblem, AlertFacts, Channel, Event, EventKind, Waited};

/// Replies that speak of the data connection itself, its handshake included (RFC 959 section 4.2.2, RFC 4217 section 10.2).
const ABOUT_DATA_CONNECTION: [u16; 3] = [425, 426, 522];

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
    parts.extend(shown::expected(pattern));
    if let Some(tickets) = pattern.tickets {
        parts.push(format!(
            "at least {}",
            words::count(u64::from(tickets), "session ticket")
        ));
    }
    if let Some(lifetime) = pattern.ticket_lifetime {
        parts.push(format!("a ticket lifetime of at most {lifetime}s"));
    }
    if let Some(name) = &pattern.certificate_name {
        parts.push(format!("a certificate for {}", words::quoted(&name.value)));
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
    if let Some(account) = refused_before_handshake(view, pattern, &seen, channel) {
        return CheckResult::Unjudged(account);
    }
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
        misfit = version_or_alpn(view, pattern, &seen);
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
    shown::judge(view, pattern, &seen, channel)
        .or_else(|| tickets(view, pattern, channel))
        .or_else(|| named(view, pattern, &seen))
        .or_else(|| like_control(view, pattern, &seen, channel))
        .unwrap_or(CheckResult::Held)
}

/// A transfer that the target refused for a reason of its own never came to a handshake: that says nothing about TLS.
fn refused_before_handshake(
    view: &View<'_>,
    pattern: &TlsPattern,
    seen: &Seen<'_>,
    channel: &Channel,
) -> Option<Account> {
    if seen.negotiated || !channel.is_data() {
        return None;
    }
    let answered = view.in_step().any(|(_, event)| match &event.kind {
        EventKind::HandshakeFailed(failure) if event.channel.as_ref() == Some(channel) => {
            failure.alert.is_some() || failure.plaintext.is_some()
        }
        EventKind::ProbeAnswered { answer, .. } => answer != "nothing",
        _ => false,
    });
    let (event, code) = view.refusal_before_transfer()?;
    if answered || ABOUT_DATA_CONNECTION.contains(&code.value()) {
        return None;
    }
    Some(Account {
        message: format!("refused the transfer with {code} before a handshake"),
        expected: expected(pattern),
        observed: format!("{code} to the transfer command, and no handshake"),
        event,
        nothing: true,
    })
}

/// An outcome that is no finished handshake explains why the action failed.
pub(super) fn allows_failure(pattern: &TlsPattern, problem: &ActionProblem) -> bool {
    let failed = [
        HandshakeOutcome::Refused,
        HandshakeOutcome::Plaintext,
        HandshakeOutcome::Nothing,
    ];
    pattern.handshake.iter().any(|outcome| failed.contains(outcome))
        && matches!(
            problem,
            ActionProblem::TimedOut {
                waited: Waited::Handshake,
                ..
            } | ActionProblem::HandshakeFailed { .. }
                | ActionProblem::Closed { .. }
                | ActionProblem::NotConnected { .. }
                | ActionProblem::RefusedByReply { .. }
        )
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

fn version_or_alpn(view: &View<'_>, pattern: &TlsPattern, seen: &Seen<'_>) -> Option<Misfit> {
    // A name without a value stays as it is written, and fits nothing.
    let filled = |text: &String| view.fill(text).unwrap_or_else(|_| text.clone());
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
            .any(|wanted| Some(filled(wanted).as_str()) == seen.version)
    {
        let observed = seen.version.map_or_else(without, words::shown);
        let expected = words::any_of(pattern.version.iter().map(filled));
        return misfit("negotiated another TLS version", expected, observed);
    }
    if !pattern.alpn.is_empty() {
        let chosen = seen.alpn.unwrap_or("none");
        if !seen.negotiated || !pattern.alpn.iter().any(|wanted| filled(wanted) == chosen) {
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
    if alerts.iter().any(|(_, alert)| {
        pattern
            .alert
            .iter()
            .any(|wanted| wanted == "any" || *wanted == alert.name)
    }) {
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
