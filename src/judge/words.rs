//! How the judge says things: times, peer text, lists, problems, arrivals.
//!
//! Short lower-case fragments that fit after "expected" and "got" (design section 9).

use std::time::Duration;

use crate::base::{PEER_TEXT_LIMIT, escape_peer, escape_peer_full};
use crate::scenario::model::{Action, Check, ClosedBy, CodePattern, HandshakeOutcome, Milestone, Step};
use crate::trace::{ActionProblem, Channel, EventKind, Waited};

/// `10s`, `1.5s`, `0.04s`: at most two decimals, none where they are zero.
pub(super) fn seconds(seconds: f64) -> String {
    let text = format!("{seconds:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}s")
}

/// ` after 0.04s`, two decimals always; empty when nothing was sent before.
pub(super) fn after(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!(" after {:.2}s", time.as_secs_f64()))
}

/// `expected` with the time allowed, when the check names one.
pub(super) fn within(expected: String, check: &Check) -> String {
    match &check.within {
        Some(within) => format!("{expected} within {}", seconds(within.value.as_secs_f64())),
        None => expected,
    }
}

/// `a or b`, `a, b or c`.
pub(super) fn any_of(words: impl IntoIterator<Item = String>) -> String {
    join(words, "or")
}

/// `a and b`, `a, b and c`.
pub(super) fn all_of(words: impl IntoIterator<Item = String>) -> String {
    join(words, "and")
}

fn join(words: impl IntoIterator<Item = String>, last: &str) -> String {
    let mut words: Vec<String> = words.into_iter().collect();
    let Some(end) = words.pop() else {
        return String::new();
    };
    if words.is_empty() {
        return end;
    }
    format!("{} {last} {end}", words.join(", "))
}

/// Text of a trace, safe to show: events carry escaped text already, so only what still could do harm is escaped, and
/// long text is cut.
pub(super) fn shown(text: &str) -> String {
    let harmless = text.chars().all(|c| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    });
    if !harmless {
        return escape_peer(text.as_bytes());
    }
    let mut cut: String = text.chars().take(PEER_TEXT_LIMIT).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// Whether `sample`, the escaped text of an event, contains `wanted`, which may hold characters that were escaped there.
pub(super) fn contains(sample: &str, wanted: &str) -> bool {
    sample.contains(wanted) || sample.contains(&escape_peer_full(wanted.as_bytes()))
}

/// Whether `line` as a whole has the form of `pattern`, letter case ignored: `#` is a digit, `*` anything, `[abc]` one or
/// more of the characters in brackets; everything else stands for itself.
pub(super) fn is_like(line: &str, pattern: &str) -> bool {
    let line: Vec<char> = line.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let parts = parts(&pattern);
    // Which positions of the line the parts so far can end at.
    let mut ends = vec![false; line.len().saturating_add(1)];
    if let Some(first) = ends.first_mut() {
        *first = true;
    }
    for part in parts {
        let mut next = vec![false; ends.len()];
        let mut is_open = false;
        for (position, is_next) in next.iter_mut().enumerate() {
            let before = position.checked_sub(1);
            let last = before.and_then(|before| line.get(before)).copied();
            let could_start = before.and_then(|before| ends.get(before)).copied() == Some(true);
            let can_end = ends.get(position).copied() == Some(true);
            *is_next = match part {
                Part::Anything => can_end || is_open,
                Part::Digit => could_start && last.is_some_and(|last| last.is_ascii_digit()),
                Part::OneOf(set) => (could_start || is_open) && last.is_some_and(|last| set.contains(&last)),
                Part::Exactly(wanted) => could_start && last == Some(wanted),
            };
            is_open = *is_next;
        }
        ends = next;
    }
    ends.last().copied() == Some(true)
}

/// A part of a pattern of [`is_like`].
#[derive(Clone, Copy)]
enum Part<'a> {
    Anything,
    Digit,
    OneOf(&'a [char]),
    Exactly(char),
}

fn parts(pattern: &[char]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let end = tail.iter().position(|c| *c == ']');
        parts.push(match (first, end) {
            ('*', _) => Part::Anything,
            ('#', _) => Part::Digit,
            ('[', Some(end)) => {
                let (set, tail) = tail.split_at(end);
                rest = tail.get(1..).unwrap_or_default();
                Part::OneOf(set)
            }
            (first, _) => Part::Exactly(*first),
        });
    }
    parts
}

/// `shown` text in backticks.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// `control connection` or `data connection`, with its session when that is not `main`.
pub(super) fn connection(channel: Option<&Channel>) -> String {
    let kind = match channel {
        Some(channel) if !channel.is_data() => "control connection",
        _ => "data connection",
    };
    match channel {
        Some(channel) if &*channel.session != Channel::MAIN => {
            format!("{kind} of `{}`", shown(&channel.session))
        }
        _ => kind.to_owned(),
    }
}

/// `503` or `5yz`.
pub(super) fn code_pattern(pattern: CodePattern) -> String {
    match pattern {
        CodePattern::Code(code) => format!("{code:03}"),
        CodePattern::Class(digit) => format!("{digit}yz"),
    }
}

pub(super) fn handshake_outcome(outcome: HandshakeOutcome) -> String {
    match outcome {
        HandshakeOutcome::Full => "a full handshake",
        HandshakeOutcome::Resumed => "a resumed handshake",
        HandshakeOutcome::Refused => "a refused handshake",
        HandshakeOutcome::ServerHello => "a ServerHello",
        HandshakeOutcome::Plaintext => "an answer in clear text",
        HandshakeOutcome::Nothing => "no answer",
    }
    .to_owned()
}

pub(super) fn closed_by(by: ClosedBy) -> String {
    match by {
        ClosedBy::CloseNotify => "close_notify",
        ClosedBy::Fin => "FIN without close_notify",
        ClosedBy::Reset => "RST",
        ClosedBy::Alert => "a fatal alert",
    }
    .to_owned()
}

pub(super) fn milestone(milestone: Milestone) -> String {
    match milestone {
        Milestone::Connected => "connection",
        Milestone::PreliminaryReply => "1yz reply",
        Milestone::CompletionReply => "2yz reply",
        Milestone::Handshake => "handshake",
        Milestone::Data => "data",
        Milestone::CloseNotify => "close_notify",
        Milestone::Fin => "FIN",
    }
    .to_owned()
}

/// What a wait that ran out did not see.
pub(super) fn nothing_within(waited: Waited, time: f64) -> String {
    let time = seconds(time);
    match waited {
        Waited::Reply | Waited::Data => format!("nothing within {time}"),
        Waited::Handshake => format!("no handshake within {time}"),
        Waited::Connection => format!("no connection within {time}"),
        Waited::Close => format!("still open after {time}"),
        Waited::Write => format!("nothing more could be written for {time}"),
        Waited::Transfer => format!("data, but not all of it within {time}"),
        Waited::Case => format!("the case did not end within {time}"),
    }
}

/// Why an action could not be done.
pub(super) fn problem(problem: &ActionProblem, channel: Option<&Channel>) -> String {
    match problem {
        ActionProblem::NotConnected { detail } => format!("not connected ({})", shown(detail)),
        ActionProblem::ConnectionRefused { detail } => {
            format!("the {} was refused ({})", connection(channel), shown(detail))
        }
        ActionProblem::TimedOut { waited, seconds } => nothing_within(*waited, *seconds),
        ActionProblem::Closed { detail } => format!("the connection was closed ({})", shown(detail)),
        ActionProblem::RefusedByReply { code } => format!("refused with {code}"),
        ActionProblem::HandshakeFailed { detail } => format!("the handshake failed ({})", shown(detail)),
        ActionProblem::Unusable { detail } => format!("something the action cannot use ({})", shown(detail)),
        ActionProblem::NotAllowed { detail } => format!("not allowed by the profile ({})", shown(detail)),
        ActionProblem::UnexpectedReply { code, hoped } => {
            format!("{code} where {} was hoped for", shown(hoped))
        }
    }
}

/// What arrived, in a few words; none for events that are no arrival.
pub(super) fn arrival(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::ReplyReceived { code, lines, .. } => {
            let text = lines.last().map_or("", String::as_str);
            format!("the reply {}", quoted(format!("{code} {text}").trim_end()))
        }
        EventKind::ReplyMalformed { text, .. } => format!("{}, which is no reply", quoted(text)),
        EventKind::DataReceived { bytes, .. } => count(*bytes, "byte"),
        EventKind::CloseNotifyReceived => "close_notify".to_owned(),
        EventKind::FinReceived => "FIN".to_owned(),
        EventKind::ResetReceived => "RST".to_owned(),
        EventKind::AlertReceived(alert) => format!("the alert {}", quoted(&alert.name)),
        EventKind::TlsViolated { reason } => format!("broken TLS ({})", shown(reason)),
        EventKind::ProbeAnswered { answer, .. } if answer != "nothing" => {
            format!("{} as answer to the probe", quoted(answer))
        }
        EventKind::HandshakeFinished(_) => "a finished handshake".to_owned(),
        EventKind::TicketReceived(_) => "a session ticket".to_owned(),
        EventKind::KeyUpdateReceived => "a KeyUpdate".to_owned(),
        EventKind::RenegotiationAccepted => "a ServerHello under TLS".to_owned(),
        EventKind::Connected { .. } => "the connection".to_owned(),
        _ => return None,
    })
}

/// `1 byte`, `2 bytes`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The step for a sentence: its title, or its verb.
pub(super) fn step(step: &Step) -> String {
    if let Some(title) = &step.title {
        return shown(title);
    }
    match step.action.as_ref().map(|action| &action.value) {
        Some(Action::Send(line)) => format!("send {}", shown(&line.value)),
        Some(action) => action_verb(action).to_owned(),
        None => "expect".to_owned(),
    }
}

/// The YAML verb of an action.
pub(super) fn action_verb(action: &Action) -> &'static str {
    match action {
        Action::CloseControl(_) => "close-control",
        Action::CloseData(_) => "close-data",
        Action::Connect(_) => "connect",
        Action::ConnectData(_) => "connect-data",
        Action::ExamineFile(_) => "file",
        Action::List(_) => "list",
        Action::OpenData(_) => "open-data",
        Action::ProbeTls(_) => "probe-tls",
        Action::ProvideFile(_) => "provide-file",
        Action::Reach(_) => "reach",
        Action::ReadData(_) => "read-data",
        Action::Retrieve(_) => "retrieve",
        Action::Send(_) => "send",
        Action::SendRaw(_) => "send-raw",
        Action::SendRecord(_) => "send-record",
        Action::StartTls(_) => "start-tls",
        Action::StopTls(_) => "stop-tls",
        Action::Store(_) => "store",
        Action::Wait(_) => "wait",
        Action::WriteData(_) => "write-data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_compared_as_a_whole_with_wildcards() {
        for (line, pattern) in [
            (" SIZE", " size"),
            ("20261122170000", "##############"),
            ("4096", "[0123456789]"),
            (" MLST type*;size*;", " MLST [*;abcdefghijklmnopqrstuvwxyz]"),
            (" type=file;size=1; /a b", " *size=[0123456789];* /a b"),
            ("", "*"),
            ("[", "["),
        ] {
            assert!(is_like(line, pattern), "{line} is like {pattern}");
        }
        for (line, pattern) in [
            ("  SIZE", " size"),
            ("2026112217000x", "##############"),
            ("size is 4096", "[0123456789]"),
            (" MLST type*, size*;", " MLST [*;abcdefghijklmnopqrstuvwxyz]"),
            ("", "[0123456789]"),
            ("", "#"),
        ] {
            assert!(!is_like(line, pattern), "{line} is not like {pattern}");
        }
    }

    #[test]
    fn times_and_lists_read_well() {
        assert_eq!(seconds(10.0), "10s");
        assert_eq!(seconds(1.5), "1.5s");
        assert_eq!(after(Some(Duration::from_millis(41))), " after 0.04s");
        assert_eq!(any_of(["a".into(), "b".into(), "c".into()]), "a, b or c");
        assert_eq!(all_of(["a".into()]), "a");
    }

    #[test]
    fn escaped_text_is_not_escaped_twice_and_raw_text_is_escaped() {
        assert_eq!(shown("a\\x1bb"), "a\\x1bb");
        assert_eq!(shown("a\u{1b}[31m"), "a\\x1b[31m");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), PEER_TEXT_LIMIT + 1);
    }
}
