//! Tests of `reply` checks.

use super::*;
use crate::judge::Verdict;
use crate::wire::reply::ReplyViolation;

fn closed_too(kind: CheckKind) -> CheckKind {
    let CheckKind::Reply(mut pattern) = kind else {
        panic!("not a reply check")
    };
    pattern.any_of.push(ReplyAlternative {
        closed: true,
        ..ReplyAlternative::default()
    });
    CheckKind::Reply(pattern)
}

fn alternative(alternative: ReplyAlternative) -> CheckKind {
    CheckKind::Reply(ReplyPattern {
        any_of: vec![alternative],
    })
}

#[test]
fn the_consumed_reply_is_the_one_that_counts() {
    let judgement = judge_one(send("PROT P"), vec![required("r.fail", codes(&[503]))], |trace| {
        trace
            .command("PROT P")
            .reply(1, 503, "PBSZ first")
            .reply(2, 200, "late")
            .consumed(1)
    });
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.held.len(), 1);
    assert_eq!(judgement.reason, None);
}

#[test]
fn a_wrong_code_is_a_finding_with_expected_and_observed() {
    let mut wanted = required("r.fail", codes(&[4, 5]));
    wanted.within = Some(spanned(Duration::from_secs(10)));
    let judgement = judge_one(send("STOR x"), vec![wanted], |trace| {
        trace
            .command("STOR x")
            .reply(1, 226, "Transfer complete.")
            .consumed(1)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    let finding = only(&judgement);
    assert_eq!(finding.expected, "4yz or 5yz within 10s");
    assert_eq!(finding.observed, "226 after 0.01s");
    assert_eq!(finding.message, "answered `STOR x` with `226 Transfer complete.`");
    assert_eq!(
        (finding.event, finding.check, finding.grade),
        (3, Some(0), Some(Grade::Fail))
    );
    assert_eq!(finding.at, Duration::from_millis(30));
}

#[test]
fn a_finding_behind_raw_bytes_names_them_and_no_command_before() {
    let judgement = judge_one(send("x"), vec![required("r.fail", codes(&[5]))], |trace| {
        trace
            .command("PBSZ 0")
            .control(EventKind::RawSent {
                text: "PORT 1,2\\r\\n".into(),
                bytes: 10,
                protected: true,
            })
            .reply(1, 200, "Fine.")
            .consumed(1)
    });
    assert_eq!(only(&judgement).message, "answered `PORT 1,2` with `200 Fine.`");
}

#[test]
fn a_timeout_is_nothing_and_the_last_thing_that_arrived() {
    let judgement = judge_one(None, vec![required("r.fail", codes(&[226]))], |trace| {
        trace
            .command("STOR x")
            .reply(1, 150, "go on")
            .timed_out(Waited::Reply)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).observed,
        "nothing within 10s; the last thing that arrived was the reply `150 go on` on control"
    );
    assert_eq!(only(&judgement).message, "did not answer `STOR x`");
    assert_eq!(only(&judgement).event, 4);
}

#[test]
fn closing_is_accepted_only_when_it_is_named() {
    let closed = |trace: Trace| trace.command("X").control(EventKind::FinReceived);
    let judgement = judge_one(send("X"), vec![required("r.fail", codes(&[421]))], closed);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).observed,
        "the control connection was closed (FIN) after 0.01s"
    );
    let judgement = judge_one(
        send("X"),
        vec![required("r.fail", closed_too(codes(&[421])))],
        closed,
    );
    assert_eq!(judgement.verdict, Verdict::Pass);
}

#[test]
fn an_open_connection_that_says_nothing_is_not_a_closed_one() {
    let judgement = judge_one(
        send("X"),
        vec![required("r.fail", closed_too(codes(&[421])))],
        |trace| trace.command("X").timed_out(Waited::Reply),
    );
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(only(&judgement).expected, "421 or a closed control connection");
}

#[test]
fn a_reply_does_not_match_an_alternative_that_only_names_closing() {
    let only_closed = alternative(ReplyAlternative {
        closed: true,
        ..ReplyAlternative::default()
    });
    let judgement = judge_one(send("X"), vec![required("r.fail", only_closed)], |trace| {
        trace.command("X").reply(1, 200, "ok").consumed(1)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
}

#[test]
fn a_missing_close_notify_is_named() {
    let judgement = judge_one(send("X"), vec![required("r.fail", codes(&[421]))], |trace| {
        trace
            .control(EventKind::HandshakeFinished(handshake(
                HandshakeKind::Full,
                TlsVersion::Tls13,
            )))
            .command("X")
            .control(EventKind::FinReceived)
    });
    assert_eq!(
        only(&judgement).observed,
        "the control connection was closed (FIN, no close_notify) after 0.01s"
    );
}

#[test]
fn text_protection_and_form_are_judged() {
    let with_text = |wanted: &str| ReplyAlternative {
        codes: vec![CodePattern::Class(2)],
        text: Some(text(wanted)),
        ..ReplyAlternative::default()
    };
    let reply = |trace: Trace| trace.command("PBSZ 4").reply(1, 200, "pbsz=0").consumed(1);
    let judge = |one| judge_one(send("PBSZ 4"), vec![required("r.fail", alternative(one))], reply);
    assert_eq!(judge(with_text("PBSZ=0")).verdict, Verdict::Pass);
    let judgement = judge(with_text("PBSZ=1"));
    assert_eq!(only(&judgement).expected, "2yz with the text `PBSZ=1`");
    assert_eq!(
        only(&judgement).observed,
        "200 with the text `pbsz=0` after 0.01s"
    );
    let without = ReplyAlternative {
        without: Some(text("PBSZ")),
        ..ReplyAlternative::default()
    };
    assert_eq!(judge(without).verdict, Verdict::Fail);
    let in_clear = ReplyAlternative {
        protected: Some(false),
        ..ReplyAlternative::default()
    };
    assert_eq!(only(&judge(in_clear)).observed, "200 under TLS after 0.01s");
    let judgement = judge_one(
        send("X"),
        vec![required(
            "r.fail",
            alternative(ReplyAlternative {
                well_formed: true,
                ..ReplyAlternative::default()
            }),
        )],
        |trace| {
            trace
                .control(EventKind::ReplyReceived {
                    number: 1,
                    code: ReplyCode::new(200).unwrap(),
                    lines: vec!["ok".into()],
                    protected: true,
                    violations: vec![ReplyViolation::BareLineFeed],
                })
                .consumed(1)
        },
    );
    assert_eq!(
        only(&judgement).observed,
        "200 in a wrong form (bare-line-feed) after 0.02s"
    );
}

#[test]
fn bytes_that_are_no_reply_are_shown_escaped() {
    let judgement = judge_one(send("X"), vec![required("r.fail", codes(&[2]))], |trace| {
        trace.control(EventKind::ReplyMalformed {
            reason: "no code".into(),
            text: "\u{1b}[2J".into(),
        })
    });
    assert_eq!(only(&judgement).observed, "`\\x1b[2J` (no code)");
}

#[test]
fn every_reply_check_of_a_step_looks_at_the_same_reply() {
    let judgement = judge_one(
        None,
        vec![check(codes(&[4, 5])), required("r.warn", codes(&[522]))],
        |trace| trace.reply(1, 425, "no").consumed(1),
    );
    assert_eq!(judgement.verdict, Verdict::Warn);
    assert_eq!(only(&judgement).check, Some(1));
}

#[test]
fn a_consumed_number_without_its_reply_never_passes() {
    let judgement = judge_one(None, vec![required("r.fail", codes(&[2]))], |trace| {
        trace.consumed(7)
    });
    assert_ne!(judgement.verdict, Verdict::Pass);
}

#[test]
fn variables_come_from_captured_events_and_the_cell() {
    let pattern = || {
        vec![required(
            "r.fail",
            alternative(ReplyAlternative {
                text: Some(text("$(name) $(tls)")),
                ..ReplyAlternative::default()
            }),
        )]
    };
    let judgement = judge_one(send("X"), pattern(), |trace| {
        trace
            .event(
                None,
                EventKind::Captured {
                    name: "name".into(),
                    value: "old".into(),
                },
            )
            .event(
                None,
                EventKind::Captured {
                    name: "name".into(),
                    value: "new".into(),
                },
            )
            .reply(1, 200, "new tls1.3")
            .consumed(1)
    });
    assert_eq!(judgement.verdict, Verdict::Pass);
    let judgement = judge_one(send("X"), pattern(), |trace| trace.reply(1, 200, "x").consumed(1));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(only(&judgement).expected, "a value for `$(name)`");
}

#[test]
fn a_wait_that_came_to_nothing_counts_more_than_a_reply_consumed_before_it() {
    let judge = |missed: EventKind| {
        judge_one(send("X"), vec![required("r.fail", codes(&[2]))], |trace| {
            trace
                .command("EPSV")
                .reply(1, 229, "epsv")
                .consumed(1)
                .command("RETR x")
                .control(missed)
        })
    };
    let timeout = EventKind::TimedOut {
        waited: Waited::Reply,
        seconds: 10.0,
    };
    let judgement = judge(timeout);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(only(&judgement).message, "did not answer `RETR x`");
    let closed = ActionProblem::Closed { detail: "FIN".into() };
    let judgement = judge(EventKind::ActionFailed(closed));
    assert_eq!(only(&judgement).observed, "the connection was closed (FIN)");
}

#[test]
fn a_last_word_in_front_of_the_end_does_not_undo_that_closing_was_named() {
    let judge = |kind: CheckKind| {
        judge_one(send("X"), vec![required("r.fail", kind)], |trace| {
            let closed = ActionProblem::Closed { detail: "RST".into() };
            trace
                .reply(1, 500, "bye")
                .control(EventKind::ResetReceived)
                .control(EventKind::ActionFailed(closed))
                .consumed(1)
        })
    };
    assert_eq!(judge(closed_too(codes(&[5]))).verdict, Verdict::Pass);
    assert_eq!(judge(codes(&[5])).verdict, Verdict::Inconclusive);
}

/// The target closes the connection behind a 150: the 150 is not the answer that the check is about.
#[test]
fn a_passed_over_150_is_no_final_reply() {
    let judgement = judge_one(
        None,
        vec![required("r.fail", closed_too(codes(&[4, 5])))],
        |trace| {
            trace
                .connected()
                .command("STOR f")
                .reply(1, 150, "go on")
                .control(EventKind::ReplyPassedOver { number: 1 })
                .control(EventKind::FinReceived)
        },
    );
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:?}");
}

#[test]
fn what_was_said_before_the_end_is_the_answer_unless_it_announces_the_end() {
    let judged = |code: u16, class: u16| {
        judge_one(
            send("USER x"),
            vec![required("r.fail", closed_too(codes(&[class])))],
            |trace| {
                trace
                    .reply(1, code, "said before")
                    .control(EventKind::FinReceived)
            },
        )
    };
    let judgement = judged(221, 5);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(
        only(&judgement).observed.starts_with("221"),
        "{}",
        only(&judgement).observed
    );
    assert_eq!(judged(530, 5).verdict, Verdict::Pass);
    assert_eq!(judged(421, 5).verdict, Verdict::Pass);
    assert_eq!(judged(150, 5).verdict, Verdict::Pass);
}
