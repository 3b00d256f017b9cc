//! The handshake or probe that a `tls` check looks at, and what it counts as.

use crate::judge::check::closed::ending;
use crate::judge::view::View;
use crate::judge::words;
use crate::scenario::model::{Action, HandshakeOutcome};
use crate::trace::{
    ActionProblem, Channel, Event, EventKind, HandshakeFacts, HandshakeKind, TlsSign, TlsVersion, Waited,
};

/// What is known of the handshake or probe that the check looks at.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// The outcomes it counts as; empty when there was none.
    pub(super) outcomes: Vec<HandshakeOutcome>,
    pub(super) words: String,
    pub(super) event: usize,
    pub(super) facts: Option<&'a HandshakeFacts>,
    pub(super) version: Option<&'a str>,
    pub(super) alpn: Option<&'a str>,
    pub(super) suite: Option<&'a str>,
    pub(super) signs: Vec<TlsSign>,
    pub(super) dh_bits: Option<u32>,
    /// There was a ServerHello or a finished handshake, so version and ALPN mean something.
    pub(super) negotiated: bool,
}

/// The last handshake or probe of the step on `channel`. A step whose action has nothing to do with TLS looks at the
/// last one since the connection was opened.
pub(super) fn look<'a>(view: &View<'a>, channel: &Channel) -> Seen<'a> {
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
            suite: Some(facts.suite.as_str()),
            signs: signs_of(facts),
            dh_bits: None,
            negotiated: true,
        }),
        EventKind::HandshakeFailed(failure) => {
            let clear = failure.plaintext.as_ref();
            // `transport` tells a deadline in words only.
            let mute = clear.is_none() && failure.alert.is_none() && failure.reason.starts_with("timed out");
            let outcomes = match (clear, mute) {
                (Some(_), _) => vec![HandshakeOutcome::Refused, HandshakeOutcome::Plaintext],
                (None, true) => vec![HandshakeOutcome::Nothing],
                (None, false) => vec![HandshakeOutcome::Refused],
            };
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
            suite,
            alpn,
            signs,
            dh_bits,
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
            suite: suite.as_deref(),
            signs: signs.clone(),
            dh_bits: *dh_bits,
            negotiated: answer == "server-hello",
        }),
        _ => None,
    }
}

/// What a finished handshake shows; what the TLS library would not have gone on with cannot be there.
fn signs_of(facts: &HandshakeFacts) -> Vec<TlsSign> {
    let mut signs = Vec::new();
    if facts.extended_master_secret == Some(true) {
        signs.push(TlsSign::ExtendedMasterSecret);
    }
    if facts.version == TlsVersion::Tls13 {
        if facts.group.is_some() {
            signs.push(TlsSign::KeyShare);
        }
        if facts.kind == HandshakeKind::Resumed {
            signs.push(TlsSign::PreSharedKey);
        }
    } else if facts.kind == HandshakeKind::Resumed {
        signs.push(TlsSign::Abbreviated);
    }
    signs
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
