//! Tests of the judge: builders of cases and traces, then one file per kind of check.

mod case;
mod checks;
mod data;
mod property;
mod reply;
mod shown;
mod tls;
mod yields;

use std::sync::Arc;
use std::time::Duration;

use super::{Finding, Judgement, Requirements, judge_case};
use crate::base::{Source, Span, Spanned};
use crate::plan::{Case, CaseId, Cell};
use crate::requirement::{Grade, Level};
use crate::scenario::Scenario;
use crate::scenario::model::{
    Action, Check, CheckKind, CodePattern, Otherwise, ReplyAlternative, ReplyPattern, Severity, Step,
    Template,
};
use crate::trace::{
    ActionProblem, Channel, Event, EventKind, HandshakeFacts, HandshakeKind, Phase, StepIndex, TlsVersion,
    TransferSummary, Waited,
};
use crate::wire::reply::ReplyCode;

pub(super) fn text(text: &str) -> Template {
    Spanned::new(text.to_owned(), Span::default())
}

pub(super) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

pub(super) fn check(kind: CheckKind) -> Check {
    Check {
        requirement: None,
        grade: None,
        otherwise: Otherwise::default(),
        within: None,
        channel: None,
        kinds: vec![kind],
        span: Span::default(),
    }
}

/// A check of the requirement `r.fail`, `r.warn` or `r.info`.
pub(super) fn required(requirement: &str, kind: CheckKind) -> Check {
    Check {
        requirement: Some(text(requirement)),
        ..check(kind)
    }
}

pub(super) fn codes(codes: &[u16]) -> CheckKind {
    let codes = codes
        .iter()
        .map(|code| match code {
            1..=9 => CodePattern::Class(u8::try_from(*code).unwrap()),
            _ => CodePattern::Code(*code),
        })
        .collect();
    CheckKind::Reply(ReplyPattern {
        any_of: vec![ReplyAlternative {
            codes,
            ..ReplyAlternative::default()
        }],
    })
}

pub(super) fn step(action: Option<Action>, expect: Vec<Check>) -> Step {
    Step {
        title: None,
        session: text("main"),
        action: action.map(spanned),
        expect,
        yields: Vec::new(),
        capture: Vec::new(),
        span: Span::default(),
    }
}

pub(super) fn send(line: &str) -> Option<Action> {
    Some(Action::Send(text(line)))
}

pub(super) fn case(setup: Vec<Step>, steps: Vec<Step>) -> Case {
    Case {
        id: CaseId {
            scenario: "a/b".into(),
            target: "embedded".into(),
            cell: Cell(vec![("tls".into(), "tls1.3".into())]),
        },
        scenario: Arc::new(Scenario {
            id: "a/b".into(),
            source: Source::new("a/b.yaml", ""),
            title: "t".into(),
            why: "w".into(),
            severity: Severity::Low,
            capability: None,
            values: Vec::new(),
            detects: Vec::new(),
            requires: Vec::new(),
            matrix: Vec::new(),
            vars: Vec::new(),
            slow: false,
            alone: false,
            setup,
            steps,
            cleanup: Vec::new(),
        }),
    }
}

pub(super) fn requirements() -> Requirements {
    [
        ("r.fail", Level::Must, Grade::Fail),
        ("r.warn", Level::Should, Grade::Warn),
        ("r.info", Level::May, Grade::Info),
    ]
    .into_iter()
    .map(|(id, level, grade)| (id.to_owned(), (level, grade)))
    .collect()
}

/// A trace in the making; ten milliseconds pass with every event.
#[derive(Clone, Default)]
pub(super) struct Trace(pub Vec<Event>);

impl Trace {
    pub(super) fn event(mut self, channel: Option<Channel>, kind: EventKind) -> Self {
        let at = Duration::from_millis(10 * self.0.len() as u64);
        self.0.push(Event { at, channel, kind });
        self
    }

    pub(super) fn control(self, kind: EventKind) -> Self {
        self.event(Some(Channel::control("main")), kind)
    }

    pub(super) fn data(self, kind: EventKind) -> Self {
        self.event(Some(Channel::data("main", 1)), kind)
    }

    pub(super) fn setup(self, index: usize) -> Self {
        let step = StepIndex {
            phase: Phase::Setup,
            index,
        };
        self.event(None, EventKind::StepStarted { step })
    }

    pub(super) fn setup_done(self, index: usize) -> Self {
        let step = StepIndex {
            phase: Phase::Setup,
            index,
        };
        self.event(None, EventKind::StepFinished { step })
    }

    pub(super) fn start(self, index: usize) -> Self {
        let step = StepIndex {
            phase: Phase::Steps,
            index,
        };
        self.event(None, EventKind::StepStarted { step })
    }

    pub(super) fn done(self, index: usize) -> Self {
        let step = StepIndex {
            phase: Phase::Steps,
            index,
        };
        self.event(None, EventKind::StepFinished { step })
    }

    pub(super) fn connected(self) -> Self {
        self.control(connected())
    }

    pub(super) fn data_connected(self) -> Self {
        self.data(connected())
    }

    pub(super) fn command(self, line: &str) -> Self {
        self.control(EventKind::CommandSent {
            line: line.into(),
            protected: true,
        })
    }

    pub(super) fn reply(self, number: u32, code: u16, line: &str) -> Self {
        self.control(EventKind::ReplyReceived {
            number,
            code: ReplyCode::new(code).unwrap(),
            lines: vec![line.into()],
            protected: true,
            violations: Vec::new(),
        })
    }

    pub(super) fn consumed(self, number: u32) -> Self {
        self.control(EventKind::ReplyConsumed { number })
    }

    pub(super) fn failed(self, problem: ActionProblem) -> Self {
        self.event(None, EventKind::ActionFailed(problem))
    }

    pub(super) fn timed_out(self, waited: Waited) -> Self {
        self.control(EventKind::TimedOut {
            waited,
            seconds: 10.0,
        })
    }

    pub(super) fn transfer(self, bytes: u64, text: &str) -> Self {
        self.data(EventKind::TransferFinished(TransferSummary {
            bytes,
            sha256: "ab".repeat(32),
            text: text.into(),
            clear_bytes: 0,
        }))
    }
}

pub(super) fn connected() -> EventKind {
    EventKind::Connected {
        local: "127.0.0.1:1".into(),
        peer: "127.0.0.1:2".into(),
        path: None,
    }
}

pub(super) fn handshake(kind: HandshakeKind, version: TlsVersion) -> HandshakeFacts {
    HandshakeFacts {
        certificate: None,
        version,
        suite: "TLS_AES_128_GCM_SHA256".into(),
        group: None,
        kind,
        by: None,
        session_of: None,
        retried: false,
        alpn: None,
        sni: None,
        chain: Vec::new(),
        certificate_problem: None,
        extended_master_secret: None,
    }
}

/// Judges one step that holds `expect`, with `trace` between its start and its end.
pub(super) fn judge_one(
    action: Option<Action>,
    expect: Vec<Check>,
    inside: impl FnOnce(Trace) -> Trace,
) -> Judgement {
    let trace = inside(Trace::default().connected().start(0)).done(0);
    judge_case(
        &case(Vec::new(), vec![step(action, expect)]),
        &requirements(),
        &trace.0,
    )
}

/// The only finding.
pub(super) fn only(judgement: &Judgement) -> &Finding {
    assert_eq!(judgement.findings.len(), 1, "{judgement:?}");
    &judgement.findings[0]
}
