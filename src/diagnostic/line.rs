//! An event of a trace in one line: when, where, which way, what.

use crate::trace::{AlertFacts, Event, EventKind, HandshakeKind};

/// `+0.281  control   < 226 Transfer complete.` Events carry escaped and masked text only. Replies of several lines
/// show the first and how many follow.
#[must_use]
pub fn render_event(event: &Event) -> String {
    let channel = event
        .channel
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    format!(
        "{:>+8.3}  {channel:<8}  {}",
        event.at.as_secs_f64(),
        event_words(&event.kind)
    )
}

/// What happened: `> `, `< ` or `= ` for sent, received and everything else, then words.
#[must_use]
pub fn event_words(kind: &EventKind) -> String {
    wire(kind)
        .or_else(|| tls(kind))
        .or_else(|| tcp(kind))
        .unwrap_or_else(|| case(kind))
}

fn wire(kind: &EventKind) -> Option<String> {
    let line = match kind {
        EventKind::CommandSent { line, protected } => format!("> {line}{}", clear(*protected)),
        EventKind::RawSent {
            text,
            bytes,
            protected,
        } => {
            format!("> {bytes} raw bytes: {text}{}", clear(*protected))
        }
        EventKind::ReplyReceived {
            code,
            lines,
            protected,
            violations,
            ..
        } => {
            let first = lines.first().map_or("", String::as_str);
            let more = match lines.len() {
                0 | 1 => String::new(),
                count => format!(" (and {} more lines)", count - 1),
            };
            let odd = if violations.is_empty() { "" } else { " [malformed]" };
            format!("< {code} {first}{more}{}{odd}", clear(*protected))
        }
        EventKind::ReplyMalformed { reason, text } => format!("< no reply, {reason}: {text}"),
        EventKind::DataSent { bytes, protected } => format!("> {bytes} bytes{}", clear(*protected)),
        EventKind::DataReceived { bytes, protected } => format!("< {bytes} bytes{}", clear(*protected)),
        EventKind::TransferFinished(sums) => format!("= {} bytes received in all", sums.bytes),
        EventKind::ClearBytesLeftOver { bytes, text } => {
            format!("< {bytes} bytes in clear left over before TLS: {text}")
        }
        _ => return None,
    };
    Some(line)
}

fn tls(kind: &EventKind) -> Option<String> {
    let line = match kind {
        EventKind::HandshakeStarted { offered: None } => "> ClientHello, no session offered".to_owned(),
        EventKind::HandshakeStarted {
            offered: Some(channel),
        } => {
            format!("> ClientHello, offers the session of {channel}")
        }
        EventKind::HandshakeFinished(facts) => {
            let kind = match facts.kind {
                HandshakeKind::Full => "full",
                HandshakeKind::Resumed => "resumed",
            };
            format!(
                "= handshake finished: {}, {kind}, {}",
                facts.version.name(),
                facts.suite
            )
        }
        EventKind::HandshakeFailed(failure) => format!("= handshake failed: {}", failure.reason),
        EventKind::ProbeSent { hello } => format!("> probe: {hello}"),
        EventKind::ProbeAnswered {
            answer,
            version,
            suite,
            alert,
            signs,
            dh_bits,
            ..
        } => {
            let mut words = vec![answer.clone()];
            words.extend(version.clone());
            words.extend(suite.clone());
            words.extend(alert.as_ref().map(|alert| alert.name.clone()));
            words.extend(signs.iter().map(|sign| sign.name().to_owned()));
            words.extend(dh_bits.map(|bits| format!("a group of {bits} bits")));
            format!("< probe answered: {}", words.join(", "))
        }
        EventKind::TicketReceived(ticket) => format!("< session ticket ({} so far)", ticket.count),
        EventKind::AlertReceived(alert) => format!("< {}", alert_words(alert)),
        EventKind::AlertSent(alert) => format!("> {}", alert_words(alert)),
        EventKind::CloseNotifySent => "> close_notify".to_owned(),
        EventKind::CloseNotifyReceived => "< close_notify".to_owned(),
        EventKind::TlsViolated { reason } => format!("= TLS broken by the peer: {reason}"),
        EventKind::RecordSent { record, count: 1 } => format!("> record made by hand: {record}"),
        EventKind::RecordSent { record, count } => format!("> {count} records made by hand: {record}"),
        EventKind::KeyUpdateReceived => "< KeyUpdate".to_owned(),
        EventKind::RenegotiationAccepted => "< ServerHello under TLS".to_owned(),
        EventKind::TlsStopped => "= TLS ended, going on in clear".to_owned(),
        _ => return None,
    };
    Some(line)
}

fn tcp(kind: &EventKind) -> Option<String> {
    let line = match kind {
        EventKind::Connected { local, peer, .. } => format!("= connected: {local} to {peer}"),
        EventKind::ConnectFailed { peer, reason } => format!("= no connection to {peer}: {reason}"),
        EventKind::Listening { local } => format!("= listening on {local}"),
        EventKind::FinSent => "> FIN".to_owned(),
        EventKind::FinReceived => "< FIN".to_owned(),
        EventKind::ResetSent => "> RST".to_owned(),
        EventKind::ResetReceived => "< RST".to_owned(),
        EventKind::TimedOut { seconds, .. } => format!("= nothing within {seconds}s"),
        EventKind::StayedSilent { seconds } => format!("= silent for {seconds}s"),
        _ => return None,
    };
    Some(line)
}

/// Events of the case itself, and kinds that a later version adds.
fn case(kind: &EventKind) -> String {
    match kind {
        EventKind::StepStarted { step } => {
            format!("= step {} of {} started", step.index + 1, phase(step.phase))
        }
        EventKind::StepFinished { step } => {
            format!("= step {} of {} done", step.index + 1, phase(step.phase))
        }
        EventKind::ActionFailed(problem) => {
            let text = serde_json::to_value(problem).unwrap_or_default();
            let part = |key: &str| {
                text.get(key)
                    .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
            };
            let words: Vec<String> = ["problem", "detail", "waited", "code", "hoped"]
                .into_iter()
                .filter_map(part)
                .collect();
            format!("= the action failed: {}", words.join(", "))
        }
        EventKind::HarnessFailed { reason } => format!("= trouble in the harness: {reason}"),
        EventKind::Captured { name, value } => format!("= {name} is {value}"),
        EventKind::Noted { name, value } => format!("= {name}: {value}"),
        EventKind::ReplyConsumed { number } => format!("= reply {number} taken by this step"),
        EventKind::ReplyPassedOver { number } => format!("= reply {number} passed over by this step"),
        EventKind::FileExamined {
            path,
            exists: true,
            bytes,
            ..
        } => {
            format!("= {path} is there, {} bytes", bytes.unwrap_or_default())
        }
        EventKind::FileExamined { path, problem, .. } => {
            format!(
                "= {path} is not there{}",
                problem
                    .as_ref()
                    .map_or(String::new(), |problem| format!(" ({problem})"))
            )
        }
        other => format!("= {other:?}"),
    }
}

fn phase(phase: crate::trace::Phase) -> &'static str {
    match phase {
        crate::trace::Phase::Setup => "setup",
        crate::trace::Phase::Steps => "steps",
        crate::trace::Phase::Cleanup => "cleanup",
    }
}

fn clear(protected: bool) -> &'static str {
    if protected { "" } else { "  [clear]" }
}

fn alert_words(alert: &AlertFacts) -> String {
    format!("alert {} ({})", alert.name, alert.description)
}
