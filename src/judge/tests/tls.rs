//! Tests of `tls` checks.

use super::*;
use crate::judge::Verdict;
use crate::scenario::model::{ChannelRef, HandshakeOutcome, ProbeTls, StartTls, TlsChoice, TlsPattern};
use crate::trace::{AlertFacts, AlertLevel, CertificateFacts, HandshakeFailure, TicketFacts};

fn start_tls() -> Option<Action> {
    Some(Action::StartTls(StartTls {
        channel: ChannelRef::Data,
        tls: TlsChoice::default(),
    }))
}

fn probe() -> Option<Action> {
    Some(Action::ProbeTls(ProbeTls::default()))
}

fn outcomes(outcomes: &[HandshakeOutcome]) -> TlsPattern {
    TlsPattern {
        handshake: outcomes.to_vec(),
        ..TlsPattern::default()
    }
}

fn finished(kind: HandshakeKind) -> EventKind {
    EventKind::HandshakeFinished(handshake(kind, TlsVersion::Tls13))
}

fn alert(name: &str) -> AlertFacts {
    AlertFacts {
        level: Some(AlertLevel::Fatal),
        description: 40,
        name: name.into(),
    }
}

fn refused(name: &str) -> EventKind {
    EventKind::HandshakeFailed(HandshakeFailure {
        reason: "alert".into(),
        alert: Some(alert(name)),
        plaintext: None,
    })
}

fn answered(answer: &str, version: Option<&str>) -> EventKind {
    EventKind::ProbeAnswered {
        signs: Vec::new(),
        dh_bits: None,
        answer: answer.into(),
        version: version.map(Into::into),
        suite: None,
        alpn: None,
        alert: (answer == "alert").then(|| alert("protocol_version")),
    }
}

fn failed() -> ActionProblem {
    ActionProblem::HandshakeFailed {
        detail: "alert".into(),
    }
}

fn judge(action: Option<Action>, pattern: TlsPattern, inside: impl FnOnce(Trace) -> Trace) -> Judgement {
    judge_one(
        action,
        vec![required("r.fail", CheckKind::Tls(pattern))],
        |trace| inside(trace.data_connected()),
    )
}

#[test]
fn a_resumed_handshake_is_told_from_a_full_one() {
    let resumed = || outcomes(&[HandshakeOutcome::Resumed]);
    let judgement = judge(start_tls(), resumed(), |trace| {
        trace.data(finished(HandshakeKind::Resumed))
    });
    assert_eq!(judgement.verdict, Verdict::Pass);
    let judgement = judge(start_tls(), resumed(), |trace| {
        trace.data(finished(HandshakeKind::Full))
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).message,
        "made a full handshake on the data connection"
    );
    assert_eq!(only(&judgement).observed, "a full handshake (tls1.3) after 0.01s");
}

#[test]
fn a_refused_handshake_is_accepted_only_when_it_is_named() {
    let inside = |trace: Trace| trace.data(refused("handshake_failure")).failed(failed());
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Refused]), inside);
    assert_eq!(judgement.verdict, Verdict::Pass);
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Resumed]), inside);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).observed,
        "a refused handshake (alert `handshake_failure`) after 0.01s"
    );
}

#[test]
fn a_closed_connection_is_a_refusal_and_a_timeout_is_not() {
    let refusal = || outcomes(&[HandshakeOutcome::Refused]);
    let judgement = judge(start_tls(), refusal(), |trace| {
        trace
            .data(EventKind::FinReceived)
            .failed(ActionProblem::Closed { detail: "FIN".into() })
    });
    assert_eq!(judgement.verdict, Verdict::Pass);
    let timeout = |trace: Trace| {
        trace.failed(ActionProblem::TimedOut {
            waited: Waited::Handshake,
            seconds: 10.0,
        })
    };
    let judgement = judge(start_tls(), refusal(), timeout);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(only(&judgement).observed, "no handshake within 10s after 0.01s");
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Nothing]), timeout);
    assert_eq!(judgement.verdict, Verdict::Pass);
}

#[test]
fn a_handshake_that_never_took_place_is_no_refusal() {
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Refused]), |trace| trace);
    assert_eq!(judgement.verdict, Verdict::Fail);
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Refused]), |trace| {
        trace.failed(ActionProblem::NotConnected {
            detail: "never opened".into(),
        })
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(only(&judgement).observed, "not connected (never opened)");
}

#[test]
fn clear_text_instead_of_tls_is_a_refusal_of_its_own_kind() {
    let inside = |trace: Trace| {
        trace
            .data(EventKind::HandshakeFailed(HandshakeFailure {
                reason: "not TLS".into(),
                alert: None,
                plaintext: Some("<b>\u{1b}x".into()),
            }))
            .failed(failed())
    };
    assert_eq!(
        judge(start_tls(), outcomes(&[HandshakeOutcome::Plaintext]), inside).verdict,
        Verdict::Pass
    );
    assert_eq!(
        judge(start_tls(), outcomes(&[HandshakeOutcome::Refused]), inside).verdict,
        Verdict::Pass
    );
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Full]), inside);
    assert_eq!(only(&judgement).observed, "clear text `<b>\\x1bx` after 0.01s");
}

#[test]
fn probes_are_judged_by_their_answer() {
    let probe_pattern = TlsPattern {
        handshake: vec![HandshakeOutcome::Refused, HandshakeOutcome::ServerHello],
        version: vec!["tls1.2".into()],
        ..TlsPattern::default()
    };
    let judge = |event| {
        judge_one(
            probe(),
            vec![required("r.fail", CheckKind::Tls(probe_pattern.clone()))],
            |trace| trace.control(event),
        )
    };
    assert_eq!(judge(answered("alert", None)).verdict, Verdict::Pass);
    assert_eq!(
        judge(answered("server-hello", Some("tls1.2"))).verdict,
        Verdict::Pass
    );
    let judgement = judge(answered("server-hello", Some("tls1.0")));
    assert_eq!(only(&judgement).message, "negotiated another TLS version");
    assert_eq!(only(&judgement).observed, "tls1.0");
    assert_eq!(judge(answered("nothing", None)).verdict, Verdict::Fail);
}

#[test]
fn alerts_are_judged_by_name() {
    let pattern = |name: &str| TlsPattern {
        alert: vec![name.into()],
        ..outcomes(&[HandshakeOutcome::Refused])
    };
    let inside = |trace: Trace| trace.data(refused("no_application_protocol")).failed(failed());
    assert_eq!(
        judge(start_tls(), pattern("no_application_protocol"), inside).verdict,
        Verdict::Pass
    );
    let judgement = judge(start_tls(), pattern("handshake_failure"), inside);
    assert_eq!(only(&judgement).observed, "the alert `no_application_protocol`");
}

#[test]
fn alpn_none_means_no_protocol_was_chosen() {
    let pattern = || TlsPattern {
        alpn: vec!["none".into(), "ftp".into()],
        ..TlsPattern::default()
    };
    let chosen = |name: Option<&str>| {
        let mut facts = handshake(HandshakeKind::Full, TlsVersion::Tls13);
        facts.alpn = name.map(Into::into);
        judge(start_tls(), pattern(), |trace| {
            trace.data(EventKind::HandshakeFinished(facts))
        })
    };
    assert_eq!(chosen(None).verdict, Verdict::Pass);
    assert_eq!(chosen(Some("ftp")).verdict, Verdict::Pass);
    assert_eq!(only(&chosen(Some("h2"))).observed, "ALPN `h2`");
    assert_eq!(
        judge(start_tls(), pattern(), |trace| trace).verdict,
        Verdict::Fail
    );
}

#[test]
fn tickets_and_their_lifetime_are_counted_over_the_connection() {
    let ticket = |lifetime| {
        EventKind::TicketReceived(TicketFacts {
            early_data: None,
            lifetime,
            bytes: None,
            count: 1,
        })
    };
    let lifetime = TlsPattern {
        ticket_lifetime: Some(604_800),
        ..TlsPattern::default()
    };
    let judgement = judge(None, lifetime.clone(), |trace| trace.data(ticket(Some(7200))));
    assert_eq!(judgement.verdict, Verdict::Pass);
    let judgement = judge(None, lifetime.clone(), |trace| trace.data(ticket(Some(700_000))));
    assert_eq!(only(&judgement).observed, "700000s");
    assert_eq!(
        judge(None, lifetime, |trace| trace).verdict,
        Verdict::Inconclusive
    );
    let two = TlsPattern {
        tickets: Some(2),
        ..TlsPattern::default()
    };
    let judgement = judge(None, two, |trace| trace.data(ticket(None)));
    assert_eq!(only(&judgement).expected, "at least 2 session tickets");
    assert_eq!(only(&judgement).observed, "1 session ticket");
}

fn with_leaf(hash: &str) -> HandshakeFacts {
    let mut facts = handshake(HandshakeKind::Full, TlsVersion::Tls13);
    facts.chain.push(CertificateFacts {
        sha256: hash.into(),
        subject: "s".into(),
        issuer: "i".into(),
        names: Vec::new(),
        not_before: String::new(),
        not_after: String::new(),
        key: "ed25519".into(),
    });
    facts
}

#[test]
fn the_certificate_of_a_resumed_handshake_is_the_one_of_its_session() {
    let same = || TlsPattern {
        same_certificate: true,
        same_version: true,
        ..TlsPattern::default()
    };
    let control = |trace: Trace| trace.control(EventKind::HandshakeFinished(with_leaf("aa")));
    let judgement = judge(start_tls(), same(), |trace| {
        let mut resumed = handshake(HandshakeKind::Resumed, TlsVersion::Tls13);
        resumed.session_of = Some("control".into());
        control(trace).data(EventKind::HandshakeFinished(resumed))
    });
    assert_eq!(judgement.verdict, Verdict::Pass);
    let judgement = judge(start_tls(), same(), |trace| {
        control(trace).data(EventKind::HandshakeFinished(with_leaf("bb")))
    });
    assert_eq!(only(&judgement).expected, "the certificate `aa`");
    let judgement = judge(start_tls(), same(), |trace| {
        let facts = HandshakeFacts {
            version: TlsVersion::Tls12,
            ..with_leaf("aa")
        };
        control(trace).data(EventKind::HandshakeFinished(facts))
    });
    assert_eq!(only(&judgement).observed, "tls1.2");
    let judgement = judge(start_tls(), same(), |trace| {
        trace.data(EventKind::HandshakeFinished(with_leaf("bb")))
    });
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn a_handshake_that_timed_out_is_no_refusal() {
    let mute = |trace: Trace| {
        trace
            .data(EventKind::HandshakeFailed(HandshakeFailure {
                reason: "timed out during the handshake".into(),
                alert: None,
                plaintext: None,
            }))
            .failed(failed())
    };
    let judged = |outcome| judge(start_tls(), outcomes(&[outcome]), mute).verdict;
    assert_eq!(judged(HandshakeOutcome::Refused), Verdict::Fail);
    assert_eq!(judged(HandshakeOutcome::Nothing), Verdict::Pass);
}

/// `refused` without an alert: what a handshake looks like that we gave up.
fn given_up() -> EventKind {
    EventKind::HandshakeFailed(HandshakeFailure {
        reason: "given up".into(),
        alert: None,
        plaintext: None,
    })
}

fn transfer_answered(trace: Trace, code: u16) -> Trace {
    trace
        .command("RETR f")
        .reply(1, code, "no")
        .data(given_up())
        .failed(ActionProblem::RefusedByReply {
            code: ReplyCode::new(code).unwrap(),
        })
}

/// 550 without 150 is about the file: no handshake was due, so nothing is said about TLS, neither good nor bad.
#[test]
fn a_transfer_refused_before_it_began_says_nothing_about_its_handshake() {
    for wanted in [HandshakeOutcome::Full, HandshakeOutcome::Refused] {
        let judgement = judge(start_tls(), outcomes(&[wanted]), |trace| {
            transfer_answered(trace, 550)
        });
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{wanted:?}");
    }
    // 522 is about the handshake itself.
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Full]), |trace| {
        transfer_answered(trace, 522)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    // So is an alert, whatever the reply says.
    let judgement = judge(start_tls(), outcomes(&[HandshakeOutcome::Full]), |trace| {
        transfer_answered(trace.data(refused("handshake_failure")), 550)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
}
