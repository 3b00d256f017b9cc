//! What a `tls` check asks of the whole connection: its tickets, and whether it is like the control connection.

use super::seen::Seen;
use super::{Misfit, broken, expected};
use crate::judge::check::{Account, CheckResult};
use crate::judge::view::View;
use crate::judge::words;
use crate::scenario::model::TlsPattern;
use crate::trace::{Channel, EventKind, HandshakeFacts, HandshakeKind};

/// The tickets of the whole connection; none when the pattern says nothing or they fit.
pub(super) fn tickets(view: &View<'_>, pattern: &TlsPattern, channel: &Channel) -> Option<CheckResult> {
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

/// `certificate-name`, against the names of the leaf certificate.
pub(super) fn named(view: &View<'_>, pattern: &TlsPattern, seen: &Seen<'_>) -> Option<CheckResult> {
    let template = pattern.certificate_name.as_ref()?;
    let unjudged = |expected: String, observed: &str| {
        Some(CheckResult::Unjudged(Account {
            message: "showed no certificate whose names can be seen".to_owned(),
            expected,
            observed: observed.to_owned(),
            event: seen.event,
            nothing: true,
        }))
    };
    let Ok(wanted) = view.fill(&template.value) else {
        return unjudged(format!("a value for {}", words::quoted(&template.value)), "none");
    };
    let expected = format!("a certificate for {}", words::quoted(&wanted));
    let Some(leaf) = seen.facts.and_then(|facts| facts.chain.first()) else {
        return unjudged(expected, "no certificate");
    };
    if leaf.names.iter().any(|name| name.eq_ignore_ascii_case(&wanted)) {
        return None;
    }
    let names: Vec<String> = leaf.names.iter().map(|name| words::quoted(name)).collect();
    Some(broken(
        Misfit {
            message: format!("showed a certificate that is not for {}", words::quoted(&wanted)),
            expected,
            observed: format!("a certificate for {}", names.join(", ")),
            event: seen.event,
        },
        false,
    ))
}

/// `same-certificate` and `same-version`, against the control connection of the session.
pub(super) fn like_control(
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
