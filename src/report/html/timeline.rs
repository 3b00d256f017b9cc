//! The events of a case as the timeline shows them: when, on which connection, what kind of thing, in words.
//!
//! Bounded: a peer that makes a case long or a reply large does not make the page so.

use serde::Serialize;

use crate::diagnostic::event_words;
use crate::report::sources::ScenarioSource;
use crate::report::text;
use crate::trace::{Event, EventKind, HandshakeFacts, HandshakeKind, Phase};

/// How many events are kept of the beginning and of the end of a case.
const FIRST: usize = 120;
const LAST: usize = 200;
/// How many further lines of a reply are kept.
const LINES: usize = 30;
/// How many characters of a line are kept.
const TEXT: usize = 240;

/// The timeline of a case.
#[derive(Serialize)]
pub(super) struct Timeline {
    /// Names of the connections, in the order of their first event.
    channels: Vec<String>,
    events: Vec<Item>,
    /// How many events are left out before the item at that place.
    cut: Option<(usize, usize)>,
}

/// One event.
#[derive(Serialize)]
struct Item {
    /// Position in the trace; findings name it.
    i: usize,
    /// Microseconds since the start of the case.
    t: u64,
    /// Place in [`Timeline::channels`].
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<usize>,
    /// What kind of thing.
    k: &'static str,
    /// `>` sent, `<` received, `=` neither.
    d: char,
    /// In words.
    x: String,
    /// Line of the scenario where a step begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    l: Option<usize>,
    /// Further lines of a reply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<String>,
    /// Name and value of what else is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<(&'static str, String)>,
}

/// The timeline of `events` of a case of `scenario`, without the book-keeping.
pub(super) fn timeline(events: &[Event], scenario: Option<&ScenarioSource>) -> Timeline {
    let kept: Vec<(usize, &Event)> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| {
            !matches!(
                event.kind,
                EventKind::StepFinished { .. } | EventKind::ReplyConsumed { .. }
            )
        })
        .collect();
    let cut = kept
        .len()
        .checked_sub(FIRST + LAST)
        .filter(|left_out| *left_out > 0)
        .map(|left_out| (FIRST, left_out));
    let mut channels: Vec<String> = Vec::new();
    let mut items = Vec::new();
    for (place, (index, event)) in kept.iter().enumerate() {
        if cut.is_some_and(|(at, left_out)| place >= at && place < at + left_out) {
            continue;
        }
        let channel = event.channel.as_ref().map(|channel| {
            let name = text::plain(&channel.to_string());
            channels
                .iter()
                .position(|known| *known == name)
                .unwrap_or_else(|| {
                    channels.push(name);
                    channels.len() - 1
                })
        });
        items.push(item(*index, event, channel, scenario));
    }
    Timeline {
        channels,
        events: items,
        cut,
    }
}

fn item(index: usize, event: &Event, channel: Option<usize>, scenario: Option<&ScenarioSource>) -> Item {
    let words = event_words(&event.kind);
    let (direction, words) = match words.split_at_checked(2) {
        Some((mark, rest)) => (mark.chars().next().unwrap_or('='), rest.to_owned()),
        None => ('=', words),
    };
    let words = match &event.kind {
        EventKind::HandshakeFinished(facts) => handshake_words(facts),
        EventKind::StepStarted { step } => step_words(step.phase, step.index),
        EventKind::ReplyReceived { code, lines, .. } => {
            format!("{code} {}", lines.first().map_or("", String::as_str))
        }
        _ => words,
    };
    Item {
        i: index,
        t: u64::try_from(event.at.as_micros()).unwrap_or(u64::MAX),
        c: channel,
        k: kind(&event.kind),
        d: direction,
        x: safe(&words),
        l: match &event.kind {
            EventKind::StepStarted { step } => scenario
                .and_then(|source| source.step(*step))
                .map(|place| place.step.0),
            _ => None,
        },
        more: more(&event.kind),
        facts: facts(&event.kind),
    }
}

fn safe(words: &str) -> String {
    text::short(words, TEXT)
}

fn step_words(phase: Phase, index: usize) -> String {
    let phase = match phase {
        Phase::Setup => "set-up",
        Phase::Steps => "step",
        Phase::Cleanup => "clean-up",
    };
    format!("{phase} {}", index.saturating_add(1))
}

fn handshake_words(facts: &HandshakeFacts) -> String {
    match (facts.kind, &facts.session_of) {
        (HandshakeKind::Full, None) => format!("full handshake, {}", facts.version.name()),
        (HandshakeKind::Full, Some(of)) => {
            format!(
                "full handshake, {}; the session of {of} was not taken",
                facts.version.name()
            )
        }
        (HandshakeKind::Resumed, of) => format!(
            "resumed handshake, {}, session of {}",
            facts.version.name(),
            of.as_deref().unwrap_or("another connection")
        ),
    }
}

/// What kind of thing an event is; the style sheet knows these words.
fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::CommandSent { .. } | EventKind::RawSent { .. } => "command",
        EventKind::ReplyReceived { .. } => "reply",
        EventKind::HandshakeStarted { .. } | EventKind::ProbeSent { .. } => "hello",
        EventKind::HandshakeFinished(facts) => match facts.kind {
            HandshakeKind::Full => "full",
            HandshakeKind::Resumed => "resumed",
        },
        EventKind::ProbeAnswered { .. } => "probe",
        EventKind::TicketReceived(_) => "ticket",
        EventKind::CloseNotifySent | EventKind::CloseNotifyReceived => "close-notify",
        EventKind::FinSent | EventKind::FinReceived => "fin",
        EventKind::ResetSent | EventKind::ResetReceived => "reset",
        EventKind::DataSent { .. } | EventKind::DataReceived { .. } | EventKind::TransferFinished(_) => {
            "data"
        }
        EventKind::Connected { .. } | EventKind::Listening { .. } => "connect",
        EventKind::TimedOut { .. } | EventKind::StayedSilent { .. } => "wait",
        EventKind::StepStarted { .. } => "step",
        EventKind::AlertReceived(_)
        | EventKind::AlertSent(_)
        | EventKind::HandshakeFailed(_)
        | EventKind::TlsViolated { .. }
        | EventKind::ReplyMalformed { .. }
        | EventKind::ClearBytesLeftOver { .. }
        | EventKind::ConnectFailed { .. }
        | EventKind::ActionFailed(_)
        | EventKind::HarnessFailed { .. } => "problem",
        _ => "note",
    }
}

fn more(kind: &EventKind) -> Vec<String> {
    let EventKind::ReplyReceived { lines, .. } = kind else {
        return Vec::new();
    };
    let mut more: Vec<String> = lines.iter().skip(1).take(LINES).map(|line| safe(line)).collect();
    if lines.len() > LINES + 1 {
        more.push(format!("… and {} more lines", lines.len() - LINES - 1));
    }
    more
}

fn facts(kind: &EventKind) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, safe(&value))));
    match kind {
        EventKind::HandshakeFinished(handshake) => {
            add("suite", Some(handshake.suite.clone()));
            add("group", handshake.group.clone());
            add("resumed by", handshake.by.map(|by| words_of(&by)));
            add("ALPN", handshake.alpn.clone());
            add("SNI", handshake.sni.clone());
            add(
                "hello",
                handshake.retried.then(|| "after HelloRetryRequest".to_owned()),
            );
            if let Some(leaf) = handshake.chain.first() {
                add("certificate", Some(leaf.subject.clone()));
                add("key", Some(leaf.key.clone()));
                add("valid until", Some(leaf.not_after.clone()));
            }
            add("certificate problem", handshake.certificate_problem.clone());
        }
        EventKind::HandshakeFailed(failure) => {
            add("alert", failure.alert.as_ref().map(|alert| alert.name.clone()));
            add("clear text", failure.plaintext.clone());
        }
        EventKind::TicketReceived(ticket) => {
            add("lifetime", ticket.lifetime.map(|seconds| format!("{seconds} s")));
        }
        EventKind::ReplyReceived { violations, .. } if !violations.is_empty() => {
            let names: Vec<&str> = violations.iter().map(|violation| violation.name()).collect();
            add("form", Some(names.join(", ")));
        }
        EventKind::TransferFinished(sums) => add("SHA-256", Some(sums.sha256.clone())),
        _ => {}
    }
    facts
}

/// The word that serde writes for a unit variant.
fn words_of(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
