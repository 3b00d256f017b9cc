//! What a `tls` check asks of the hello of a server and of what came behind it: suite, signs, group, certificate.

use super::seen::Seen;
use super::{Misfit, broken};
use crate::judge::check::{Account, CheckResult};
use crate::judge::view::View;
use crate::judge::words;
use crate::scenario::model::{CertificateQuality, TlsPattern};
use crate::trace::{AlertLevel, Channel, EventKind, HandshakeFacts, TlsSign, UNKNOWN_ISSUER};
use crate::wire::tls_record::suite_name;
use crate::wire::tls_record::suites::suites_called;

/// The first part that does not fit, or that cannot be judged; none when all of them hold.
pub(super) fn judge(
    view: &View<'_>,
    pattern: &TlsPattern,
    seen: &Seen<'_>,
    channel: &Channel,
) -> Option<CheckResult> {
    suite(pattern, seen)
        .or_else(|| signs(view, pattern, seen, channel))
        .or_else(|| group(pattern, seen))
        .or_else(|| certificate(pattern, seen))
}

/// The parts of the pattern in words.
pub(super) fn expected(pattern: &TlsPattern) -> Vec<String> {
    let mut parts = Vec::new();
    if !pattern.suite.is_empty() {
        parts.push(expected_suite(pattern));
    }
    parts.extend(pattern.shows.iter().map(|sign| words::quoted(sign.name())));
    parts.extend(
        pattern
            .lacks
            .iter()
            .map(|sign| format!("no {}", words::quoted(sign.name()))),
    );
    if let Some(bits) = pattern.dh_bits {
        parts.push(expected_group(bits));
    }
    parts.extend(
        pattern
            .certificate
            .iter()
            .map(|quality| expected_quality(*quality).to_owned()),
    );
    parts
}

fn expected_suite(pattern: &TlsPattern) -> String {
    format!("a suite of {}", words::any_of(pattern.suite.iter().cloned()))
}

fn expected_group(bits: u32) -> String {
    format!("a group of at least {bits} bits")
}

fn expected_quality(quality: CertificateQuality) -> &'static str {
    match quality {
        CertificateQuality::InDate => "a certificate that is in date",
        CertificateQuality::KnownIssuer => "a certificate that an authority vouches for",
        CertificateQuality::NamesServer => "a certificate that names the server",
        CertificateQuality::Strong => "strong keys and signatures",
        CertificateQuality::Valid => "a valid certificate",
    }
}

fn suite(pattern: &TlsPattern, seen: &Seen<'_>) -> Option<CheckResult> {
    if pattern.suite.is_empty() {
        return None;
    }
    let Some(chosen) = seen.suite else {
        return Some(unjudged(seen, expected_suite(pattern)));
    };
    let fits = pattern.suite.iter().any(|word| {
        suites_called(word).is_some_and(|numbers| numbers.iter().any(|number| suite_name(*number) == chosen))
    });
    (!fits).then(|| {
        misfit(
            seen,
            format!("chose the suite {}", words::shown(chosen)),
            expected_suite(pattern),
            words::shown(chosen),
        )
    })
}

fn signs(view: &View<'_>, pattern: &TlsPattern, seen: &Seen<'_>, channel: &Channel) -> Option<CheckResult> {
    let later = signs_of_connection(view, channel);
    let find = |sign: &TlsSign| {
        later
            .iter()
            .find(|(_, known)| known == sign)
            .map(|(event, _)| *event)
    };
    for sign in &pattern.shows {
        let expected = words::quoted(sign.name());
        if seen.signs.contains(sign) || find(sign).is_some() {
            continue;
        }
        if is_of_hello(*sign) && !seen.negotiated {
            return Some(unjudged(seen, expected));
        }
        let message = format!("did not show {expected}");
        let observed = if seen.words.is_empty() {
            "nothing of the kind".to_owned()
        } else {
            format!("{} without it", seen.words)
        };
        return Some(misfit(seen, message, expected, observed));
    }
    for sign in &pattern.lacks {
        let expected = format!("no {}", words::quoted(sign.name()));
        let message = format!("showed {}", words::quoted(sign.name()));
        if let Some(event) = find(sign) {
            let mut account = misfit(seen, message, expected, sign.name().to_owned());
            if let CheckResult::Broken(account) = &mut account {
                account.event = event;
            }
            return Some(account);
        }
        if seen.signs.contains(sign) {
            return Some(misfit(seen, message, expected, sign.name().to_owned()));
        }
        if is_of_hello(*sign) && !seen.negotiated {
            return Some(unjudged(seen, expected));
        }
    }
    None
}

/// Whether the sign can only stand in a ServerHello; without one, nothing can be said of it.
fn is_of_hello(sign: TlsSign) -> bool {
    !matches!(
        sign,
        TlsSign::EarlyData | TlsSign::KeyUpdate | TlsSign::Renegotiation | TlsSign::WarningAlert
    )
}

/// What the whole connection showed until now, beside its hello.
fn signs_of_connection(view: &View<'_>, channel: &Channel) -> Vec<(usize, TlsSign)> {
    let opened = view.opened(channel).unwrap_or(0);
    view.all_from(opened)
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
        .filter_map(|(position, event)| {
            let sign = match &event.kind {
                EventKind::KeyUpdateReceived => TlsSign::KeyUpdate,
                EventKind::RenegotiationAccepted => TlsSign::Renegotiation,
                EventKind::TicketReceived(ticket) if ticket.early_data.is_some_and(|bytes| bytes > 0) => {
                    TlsSign::EarlyData
                }
                EventKind::ProbeAnswered {
                    alert: Some(alert), ..
                } if alert.level == Some(AlertLevel::Warning) => TlsSign::WarningAlert,
                _ => return None,
            };
            Some((position, sign))
        })
        .collect()
}

fn group(pattern: &TlsPattern, seen: &Seen<'_>) -> Option<CheckResult> {
    let wanted = pattern.dh_bits?;
    let Some(bits) = seen.dh_bits else {
        return Some(unjudged(seen, expected_group(wanted)));
    };
    (bits < wanted).then(|| {
        misfit(
            seen,
            format!("used a Diffie-Hellman group of {bits} bits"),
            expected_group(wanted),
            format!("{bits} bits"),
        )
    })
}

fn certificate(pattern: &TlsPattern, seen: &Seen<'_>) -> Option<CheckResult> {
    for quality in &pattern.certificate {
        let expected = expected_quality(*quality);
        let Some(facts) = seen.facts.filter(|facts| !facts.chain.is_empty()) else {
            return Some(unjudged(seen, expected.to_owned()));
        };
        match problem(*quality, facts) {
            Ok(None) => {}
            Ok(Some(problem)) => {
                let message = format!(
                    "showed a certificate that is not good: {}",
                    words::shown(&problem)
                );
                return Some(misfit(seen, message, expected.to_owned(), words::shown(&problem)));
            }
            Err(()) => return Some(unjudged(seen, expected.to_owned())),
        }
    }
    None
}

/// What is wrong; an error when the trace does not tell.
fn problem(quality: CertificateQuality, facts: &HandshakeFacts) -> Result<Option<String>, ()> {
    let account = facts.certificate.as_ref().ok_or(())?;
    let unnamed = || {
        let names = facts.chain.first().map(|leaf| leaf.names.join(", "));
        match names.filter(|names| !names.is_empty()) {
            Some(names) => format!("its alternative names are {names}"),
            None => "it has no alternative names".to_owned(),
        }
    };
    Ok(match quality {
        CertificateQuality::InDate => account.date_problem.clone(),
        CertificateQuality::KnownIssuer if !account.is_checked => {
            Some("held against no authority".to_owned())
        }
        CertificateQuality::KnownIssuer => facts
            .certificate_problem
            .clone()
            .filter(|problem| problem == UNKNOWN_ISSUER),
        CertificateQuality::NamesServer => match account.names_server {
            Some(true) => None,
            Some(false) => Some(unnamed()),
            None => return Err(()),
        },
        CertificateQuality::Strong => account.weakness.clone(),
        CertificateQuality::Valid => facts
            .certificate_problem
            .clone()
            .or_else(|| account.date_problem.clone()),
    })
}

fn misfit(seen: &Seen<'_>, message: String, expected: String, observed: String) -> CheckResult {
    broken(
        Misfit {
            message,
            expected,
            observed,
            event: seen.event,
        },
        false,
    )
}

fn unjudged(seen: &Seen<'_>, expected: String) -> CheckResult {
    let observed = if seen.words.is_empty() {
        "no handshake".to_owned()
    } else {
        seen.words.clone()
    };
    CheckResult::Unjudged(Account {
        message: "showed nothing that could be judged".to_owned(),
        expected,
        observed,
        event: seen.event,
        nothing: seen.outcomes.is_empty(),
    })
}
