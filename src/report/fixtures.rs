//! Material for the tests of reports: what a run quotes, and traces with everything a timeline shows.

use std::time::Duration;

use super::input::Input;
use super::sources::{RequirementSource, SOURCES_FORMAT, ScenarioSource, Sources, StepPlace};
use crate::requirement::{Grade, Level};
use crate::runner::outcome::RunOutcome;
use crate::runner::outcome::fixtures::hostile;
use crate::scenario::model::Severity;
use crate::trace::{
    CertificateFacts, Channel, Event, EventKind, HandshakeFacts, HandshakeKind, Phase, ResumedBy, StepIndex,
    TicketFacts, TlsVersion, Waited,
};
use crate::wire::reply::ReplyCode;

/// The text that [`hostile`] puts wherever it can.
pub(super) fn evil() -> String {
    let run = hostile();
    let version = run.targets.values().find_map(|target| target.version.clone());
    version.unwrap()
}

/// One requirement, and the scenario of the findings of the fixtures.
pub(super) fn sources() -> Sources {
    let requirement = RequirementSource {
        document: Some("RFC 8446".into()),
        section: Some("6.1".into()),
        citation: "RFC 8446 section 6.1".into(),
        level: Level::SecurityPractice,
        grade: Grade::Fail,
        area: "shutdown".into(),
        summary: "An upload that may have been cut must not be reported as complete.".into(),
        waived: None,
        scenarios: vec!["shutdown/truncated-upload".into()],
        faults: vec!["acknowledges-truncated-upload".into()],
    };
    let text: Vec<String> = (1..=12).map(|line| format!("line: {line} # <b>")).collect();
    let place = |line| StepPlace {
        step: (line, line),
        action: Some((line, line)),
        checks: vec![(line + 1, line + 1)],
    };
    let scenario = ScenarioSource {
        file: "scenarios/shutdown/truncated-upload.yaml".into(),
        text: text.join("\n"),
        why: "Half a file must not look whole.".into(),
        severity: Severity::Critical,
        requirements: vec!["sec.truncation.stor".into()],
        detects: vec!["acknowledges-truncated-upload".into()],
        places: [vec![place(1)], (2..9).map(place).collect(), Vec::new()],
    };
    Sources {
        ftpspec_sources: SOURCES_FORMAT,
        requirements: [("sec.truncation.stor".to_owned(), requirement)].into(),
        scenarios: [("shutdown/truncated-upload".to_owned(), scenario)].into(),
    }
}

/// Calls `then` with `run` and what it quotes; every case has the trace `events`.
pub(super) fn with_input<T>(run: &RunOutcome, events: &[Event], then: impl FnOnce(&Input<'_>) -> T) -> T {
    let sources = sources();
    let traces = |_: &str| Some(events.to_vec());
    then(&Input {
        run,
        sources: &sources,
        traces: &traces,
        proofs: None,
        changes: None,
    })
}

fn event(at: u64, channel: Option<Channel>, kind: EventKind) -> Event {
    Event {
        at: Duration::from_millis(at),
        channel,
        kind,
    }
}

fn handshake(kind: HandshakeKind, words: &str) -> HandshakeFacts {
    let is_resumed = kind == HandshakeKind::Resumed;
    HandshakeFacts {
        version: TlsVersion::Tls13,
        suite: "TLS_AES_128_GCM_SHA256".into(),
        group: Some("x25519".into()),
        kind,
        by: is_resumed.then_some(ResumedBy::Psk),
        session_of: is_resumed.then(|| "control".into()),
        retried: false,
        alpn: Some(words.into()),
        sni: None,
        chain: vec![CertificateFacts {
            sha256: "00".into(),
            subject: words.into(),
            issuer: words.into(),
            names: vec![words.into()],
            not_before: "2026-01-01T00:00:00Z".into(),
            not_after: "2027-01-01T00:00:00Z".into(),
            key: "ecdsa-p256".into(),
        }],
        certificate_problem: Some(words.into()),
        certificate: None,
        extended_master_secret: None,
    }
}

/// A case with both connections; the peer says `words` wherever it says something.
pub(super) fn trace(words: &str) -> Vec<Event> {
    let mut events = beginning(words);
    events.extend(transfer(words));
    events
}

fn control() -> Option<Channel> {
    Some(Channel::control(Channel::MAIN))
}

fn reply(code: u16, number: u32, lines: Vec<String>) -> EventKind {
    EventKind::ReplyReceived {
        number,
        code: serde_json::from_value::<ReplyCode>(serde_json::json!(code)).unwrap(),
        lines,
        protected: true,
        violations: Vec::new(),
    }
}

/// Up to the protected control connection.
fn beginning(words: &str) -> Vec<Event> {
    vec![
        event(
            0,
            None,
            EventKind::Captured {
                name: "run.id".into(),
                value: words.into(),
            },
        ),
        event(
            1,
            control(),
            EventKind::Connected {
                local: "127.0.0.1:1".into(),
                peer: "127.0.0.1:21".into(),
                path: None,
            },
        ),
        event(
            2,
            control(),
            reply(220, 1, vec![words.into(), "second line".into()]),
        ),
        event(3, control(), EventKind::HandshakeStarted { offered: None }),
        event(
            5,
            control(),
            EventKind::HandshakeFinished(handshake(HandshakeKind::Full, words)),
        ),
        event(
            6,
            control(),
            EventKind::TicketReceived(TicketFacts {
                lifetime: Some(7200),
                early_data: None,
                bytes: None,
                count: 1,
            }),
        ),
    ]
}

/// A transfer that ends badly.
fn transfer(words: &str) -> Vec<Event> {
    let data = || Some(Channel::data(Channel::MAIN, 1));
    let step = StepIndex {
        phase: Phase::Steps,
        index: 5,
    };
    vec![
        event(7, None, EventKind::StepStarted { step }),
        event(
            8,
            control(),
            EventKind::CommandSent {
                line: "STOR x".into(),
                protected: true,
            },
        ),
        event(
            9,
            data(),
            EventKind::HandshakeFinished(handshake(HandshakeKind::Resumed, words)),
        ),
        event(
            10,
            data(),
            EventKind::DataSent {
                bytes: 65536,
                protected: true,
            },
        ),
        event(11, data(), EventKind::CloseNotifySent),
        event(12, data(), EventKind::FinSent),
        event(13, data(), EventKind::ResetReceived),
        event(
            14,
            control(),
            EventKind::TimedOut {
                waited: Waited::Reply,
                seconds: 1.0,
            },
        ),
        event(
            1500,
            control(),
            EventKind::ReplyMalformed {
                reason: "no code".into(),
                text: words.into(),
            },
        ),
        event(
            1501,
            control(),
            EventKind::FileExamined {
                path: words.into(),
                exists: true,
                bytes: Some(3),
                sha256: None,
                problem: None,
            },
        ),
        event(
            1502,
            control(),
            EventKind::Noted {
                name: "motto".into(),
                value: words.into(),
            },
        ),
        event(1503, control(), reply(226, 2, vec![words.into()])),
    ]
}
