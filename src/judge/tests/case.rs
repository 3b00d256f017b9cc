//! Tests of verdicts: grades, preconditions, failed actions, set-up, traces that end early.

use super::*;
use crate::judge::{Next, StepJudgement, Verdict, judge_step};
use crate::scenario::model::{DataPattern, HandshakeOutcome, ProbeTls, ReadData, TlsPattern};

fn answered(code: u16) -> impl FnOnce(Trace) -> Trace {
    move |trace| trace.command("X").reply(1, code, "text").consumed(1)
}

fn verdict_of(expect: Vec<Check>, code: u16) -> Verdict {
    judge_one(send("X"), expect, answered(code)).verdict
}

/// Two steps with a reply each; the first check is `first`.
fn two_steps(first: Check) -> Case {
    case(
        Vec::new(),
        vec![
            step(send("ONE"), vec![first]),
            step(send("TWO"), vec![required("r.fail", codes(&[200]))]),
        ],
    )
}

fn two_replies(first: u16, second: u16) -> Trace {
    Trace::default()
        .connected()
        .start(0)
        .command("ONE")
        .reply(1, first, "a")
        .consumed(1)
        .done(0)
        .start(1)
        .command("TWO")
        .reply(2, second, "b")
        .consumed(2)
        .done(1)
}

fn next(case: &Case, trace: &Trace, index: usize) -> StepJudgement {
    let step = StepIndex {
        phase: Phase::Steps,
        index,
    };
    judge_step(case, &requirements(), &trace.0, step)
}

#[test]
fn the_grade_of_the_requirement_decides_what_a_broken_check_costs() {
    assert_eq!(
        verdict_of(vec![required("r.fail", codes(&[200]))], 500),
        Verdict::Fail
    );
    assert_eq!(
        verdict_of(vec![required("r.warn", codes(&[200]))], 500),
        Verdict::Warn
    );
    assert_eq!(
        verdict_of(vec![required("r.info", codes(&[200]))], 500),
        Verdict::Info
    );
    assert_eq!(verdict_of(vec![check(codes(&[200]))], 500), Verdict::Inconclusive);
    assert_eq!(
        verdict_of(vec![required("unknown", codes(&[200]))], 500),
        Verdict::Inconclusive
    );
}

#[test]
fn a_check_may_soften_its_grade_and_never_harden_it() {
    let graded = |requirement, grade| {
        let mut check = required(requirement, codes(&[200]));
        check.grade = Some(spanned(grade));
        verdict_of(vec![check], 500)
    };
    assert_eq!(graded("r.fail", Grade::Warn), Verdict::Warn);
    assert_eq!(graded("r.info", Grade::Fail), Verdict::Info);
}

#[test]
fn the_worst_finding_gives_the_verdict() {
    let both = |worse| vec![required("r.info", codes(&[201])), required(worse, codes(&[202]))];
    assert_eq!(verdict_of(both("r.warn"), 500), Verdict::Warn);
    assert_eq!(verdict_of(both("r.fail"), 500), Verdict::Fail);
    assert_eq!(
        verdict_of(vec![required("r.warn", codes(&[201])), check(codes(&[202]))], 500),
        Verdict::Inconclusive
    );
}

#[test]
fn nothing_held_is_never_a_pass() {
    assert_eq!(verdict_of(Vec::new(), 200), Verdict::Inconclusive);
    let judgement = judge_case(&case(Vec::new(), Vec::new()), &requirements(), &[]);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.reason.as_deref(), Some("no check held"));
}

#[test]
fn a_fail_stops_the_case_and_a_warning_does_not() {
    let case = two_steps(required("r.fail", codes(&[200])));
    let trace = two_replies(500, 500);
    assert_eq!(next(&case, &trace, 0).next, Next::Stop);
    let judgement = judge_case(&case, &requirements(), &trace.0);
    assert_eq!(judgement.findings.len(), 1);
    assert_eq!(judgement.reason.as_deref(), Some("1 step was not judged"));
    let case = two_steps(required("r.warn", codes(&[200])));
    assert_eq!(next(&case, &trace, 0).next, Next::GoOn);
    let judgement = judge_case(&case, &requirements(), &trace.0);
    assert_eq!((judgement.findings.len(), judgement.verdict), (2, Verdict::Fail));
}

#[test]
fn a_broken_precondition_stops_and_says_why() {
    let case = two_steps(check(codes(&[200])));
    let trace = two_replies(530, 200);
    assert_eq!(next(&case, &trace, 0).next, Next::Stop);
    let judgement = judge_case(&case, &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(
        judgement.reason.as_deref(),
        Some(
            "step 1 (send ONE) did not come about: expected 200, got 530 after 0.01s; 1 step was not judged"
        )
    );
}

#[test]
fn a_step_is_judged_before_and_after_its_end_was_recorded() {
    let case = two_steps(required("r.fail", codes(&[200])));
    let trace = two_replies(200, 200);
    assert_eq!(
        next(&case, &trace, 0),
        next(&case, &Trace(trace.0[..5].to_vec()), 0)
    );
    assert_eq!(next(&case, &trace, 0).held.len(), 1);
    let never = next(&case, &Trace(trace.0[..5].to_vec()), 1);
    assert_eq!(
        (never.next, never.held.len(), never.findings.len()),
        (Next::Stop, 0, 1)
    );
}

#[test]
fn a_failed_action_that_nothing_accepts_is_inconclusive() {
    let refused = || ActionProblem::ConnectionRefused { detail: "no".into() };
    let judgement = judge_one(None, Vec::new(), |trace| trace.failed(refused()));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let held = judge_one(send("X"), vec![required("r.fail", codes(&[200]))], |trace| {
        answered(200)(trace).failed(refused())
    });
    assert_eq!(
        held.verdict,
        Verdict::Inconclusive,
        "the reply does not explain the failure"
    );
}

#[test]
fn a_failed_action_is_a_finding_of_the_requirement_that_it_leaves_unmet() {
    let judgement = judge_one(send("X"), vec![required("r.fail", codes(&[200]))], |trace| {
        trace.failed(ActionProblem::Closed {
            detail: "reset by peer".into(),
        })
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).observed,
        "the connection was closed (reset by peer)"
    );
    let forbidden = judge_one(send("X"), vec![required("r.fail", codes(&[200]))], |trace| {
        trace.failed(ActionProblem::NotAllowed {
            detail: "another host".into(),
        })
    });
    assert_eq!(
        forbidden.verdict,
        Verdict::Inconclusive,
        "the profile forbids it, not the target"
    );
}

#[test]
fn a_reply_that_refused_the_action_is_accepted_by_a_check_that_accepts_the_reply() {
    let judge = |wanted: &[u16]| {
        judge_one(send("X"), vec![required("r.fail", codes(wanted))], |trace| {
            answered(425)(trace).failed(ActionProblem::RefusedByReply {
                code: ReplyCode::new(425).unwrap(),
            })
        })
    };
    assert_eq!(judge(&[4, 5]).verdict, Verdict::Pass);
    assert_eq!(judge(&[229]).verdict, Verdict::Fail);
}

#[test]
fn trouble_in_set_up_is_inconclusive_whatever_the_requirement() {
    let case = case(
        vec![step(send("A"), vec![required("r.fail", codes(&[200]))])],
        vec![step(send("B"), vec![required("r.fail", codes(&[200]))])],
    );
    let trace = |code| {
        Trace::default()
            .connected()
            .setup(0)
            .command("A")
            .reply(1, code, "x")
            .consumed(1)
            .setup_done(0)
            .start(0)
            .command("B")
            .reply(2, 200, "y")
            .consumed(2)
            .done(0)
    };
    let judgement = judge_case(&case, &requirements(), &trace(500).0);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(
        judgement
            .reason
            .unwrap()
            .starts_with("set-up step 1 (send A) did not come about")
    );
    assert_eq!(judgement.findings[0].grade, None);
    let judgement = judge_case(&case, &requirements(), &trace(200).0);
    assert_eq!((judgement.verdict, judgement.held.len()), (Verdict::Pass, 1));
}

#[test]
fn a_trace_that_ends_early_is_inconclusive_unless_it_already_fails() {
    let case = two_steps(required("r.warn", codes(&[200])));
    let cut = |first| Trace(two_replies(first, 200).0[..8].to_vec());
    let judgement = judge_case(&case, &requirements(), &cut(200).0);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(
        judgement.reason.as_deref(),
        Some("the trace ends too early; 1 step was not judged")
    );
    assert_eq!(
        judge_case(&case, &requirements(), &cut(500).0).verdict,
        Verdict::Inconclusive
    );
    let case = two_steps(required("r.fail", codes(&[200])));
    let judgement = judge_case(&case, &requirements(), &cut(500).0);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.reason.as_deref(), Some("1 step was not judged"));
}

#[test]
fn trouble_in_the_harness_is_an_error_whatever_else_is_there() {
    let case = two_steps(required("r.fail", codes(&[200])));
    let trace = two_replies(200, 200).event(
        None,
        EventKind::HarnessFailed {
            reason: "disk full".into(),
        },
    );
    let judgement = judge_case(&case, &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::Error);
    assert_eq!(judgement.reason.as_deref(), Some("disk full"));
}

#[test]
fn clean_up_is_never_judged() {
    let step = StepIndex {
        phase: Phase::Cleanup,
        index: 3,
    };
    let judged = judge_step(&two_steps(check(codes(&[200]))), &requirements(), &[], step);
    assert_eq!((judged.next, judged.findings.len()), (Next::GoOn, 0));
}

#[test]
fn another_session_is_judged_by_its_own_connections() {
    let mut other = step(None, vec![required("r.fail", codes(&[200]))]);
    other.session = text("second");
    let case = case(Vec::new(), vec![other]);
    let on_second = |kind| (Some(Channel::control("second")), kind);
    let (channel, reply) = on_second(Trace::default().reply(1, 200, "x").0[0].kind.clone());
    let trace = Trace::default()
        .start(0)
        .reply(1, 500, "main")
        .event(channel.clone(), reply)
        .event(channel, EventKind::ReplyConsumed { number: 1 })
        .done(0);
    assert_eq!(
        judge_case(&case, &requirements(), &trace.0).verdict,
        Verdict::Pass
    );
}

/// A case whose set-up asks for something optional, with 200 as the answer that shows it.
fn optional_setup() -> Case {
    let optional = Check {
        otherwise: Otherwise::NotApplicable,
        ..check(codes(&[200]))
    };
    case(
        vec![step(send("ONE"), vec![optional])],
        vec![step(send("TWO"), vec![required("r.fail", codes(&[200]))])],
    )
}

/// The answer to a probe says what a target is without as well as a reply does; no answer says nothing.
#[test]
fn a_probe_that_is_answered_makes_the_case_not_applicable() {
    let refused = TlsPattern {
        handshake: vec![HandshakeOutcome::Refused],
        ..TlsPattern::default()
    };
    let optional = Check {
        otherwise: Otherwise::NotApplicable,
        ..check(CheckKind::Tls(refused))
    };
    let probe = Action::ProbeTls(ProbeTls::default());
    let case = case(
        vec![step(Some(probe), vec![optional])],
        vec![step(send("TWO"), vec![required("r.fail", codes(&[200]))])],
    );
    let verdict = |answer: &str| {
        let answered = EventKind::ProbeAnswered {
            answer: answer.into(),
            version: None,
            suite: None,
            alpn: None,
            alert: None,
            signs: Vec::new(),
            dh_bits: None,
        };
        let trace = Trace::default()
            .connected()
            .setup(0)
            .control(answered)
            .setup_done(0);
        judge_case(&case, &requirements(), &trace.0).verdict
    };
    assert_eq!(verdict("server-hello"), Verdict::NotApplicable);
    assert_eq!(verdict("nothing"), Verdict::Inconclusive);
    assert_eq!(verdict("plaintext"), Verdict::Inconclusive);
}

/// What a target sent says what a check about data asks for, and nothing else; no data says nothing.
#[test]
fn data_that_came_makes_a_case_about_it_not_applicable() {
    let few = DataPattern {
        at_most: Some(text("9")),
        ..DataPattern::default()
    };
    let verdict = |kind: CheckKind, bytes: u64| {
        let optional = Check {
            otherwise: Otherwise::NotApplicable,
            ..check(kind)
        };
        let read = Action::ReadData(ReadData::UntilClose);
        let case = case(
            vec![step(Some(read), vec![optional])],
            vec![step(send("TWO"), vec![required("r.fail", codes(&[200]))])],
        );
        let trace = Trace::default()
            .connected()
            .setup(0)
            .data_connected()
            .transfer(bytes, "x")
            .setup_done(0);
        judge_case(&case, &requirements(), &trace.0).verdict
    };
    let exactly = |bytes: &str| {
        CheckKind::Data(DataPattern {
            bytes: Some(text(bytes)),
            ..DataPattern::default()
        })
    };
    assert_eq!(verdict(CheckKind::Data(few), 10), Verdict::NotApplicable);
    assert_eq!(verdict(exactly("5"), 0), Verdict::Inconclusive);
    assert_eq!(verdict(codes(&[200]), 10), Verdict::Inconclusive);
}

#[test]
fn what_a_target_may_be_without_makes_the_case_not_applicable() {
    let trace = Trace::default()
        .connected()
        .setup(0)
        .command("ONE")
        .reply(1, 502, "no")
        .consumed(1)
        .setup_done(0);
    let judgement = judge_case(&optional_setup(), &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::NotApplicable);
    assert!(judgement.findings.is_empty());
    let reason = judgement.reason.unwrap();
    assert!(
        reason.starts_with("set-up step 1 (send ONE): expected 200, got 502"),
        "{reason}"
    );
}

#[test]
fn silence_is_not_the_absence_of_an_option() {
    let trace = Trace::default()
        .connected()
        .setup(0)
        .command("ONE")
        .timed_out(Waited::Reply)
        .setup_done(0);
    let judgement = judge_case(&optional_setup(), &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}
