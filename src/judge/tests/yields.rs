//! Properties: the first value that fits, the evidence, and no value for what fits none.

use std::sync::Arc;

use super::*;
use crate::judge::{Next, Verdict, Yielded, judge_step, yielded};
use crate::scenario::model::Yield;

/// A step that sends `line` and yields a value for each reply.
fn yielding(line: &str, values: &[(&str, u16)]) -> Step {
    let checks = values.iter().map(|(_, code)| check(codes(&[*code]))).collect();
    let mut one = step(send(line), checks);
    one.yields = values
        .iter()
        .enumerate()
        .map(|(position, (value, _))| Yield {
            value: text(value),
            checks: position..position + 1,
        })
        .collect();
    one
}

fn property(steps: Vec<Step>) -> Case {
    let mut case = case(Vec::new(), steps);
    let mut scenario = Scenario::clone(&case.scenario);
    scenario.values = vec![(text("refused"), Vec::new()), (text("accepted"), Vec::new())];
    case.scenario = Arc::new(scenario);
    case
}

fn ccc() -> Case {
    property(vec![
        yielding("CCC", &[("refused", 502), ("refused", 5), ("accepted", 2)]),
        yielding("NOOP", &[("accepted", 200)]),
    ])
}

fn seen(case: &Case, trace: &Trace) -> Option<Yielded> {
    yielded(case, &requirements(), &trace.0)
}

/// One step in which `line` is answered with `code`.
fn answered(trace: Trace, index: usize, line: &str, code: u16) -> Trace {
    let number = u32::try_from(index).unwrap() + 1;
    trace
        .start(index)
        .command(line)
        .reply(number, code, "So be it")
        .consumed(number)
        .done(index)
}

#[test]
fn the_first_value_that_fits_is_the_propertys_and_ends_the_case() {
    let trace = answered(Trace::default().connected(), 0, "CCC", 502);
    let index = StepIndex {
        phase: Phase::Steps,
        index: 0,
    };
    let judged = judge_step(&ccc(), &requirements(), &trace.0, index);
    assert_eq!(judged.next, Next::Stop);
    let judgement = judge_case(&ccc(), &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.findings, []);
    let found = seen(&ccc(), &trace).unwrap();
    assert_eq!(found.value, "refused");
    assert_eq!(found.evidence, "we sent `CCC`, the reply `502 So be it`");
}

#[test]
fn what_fits_no_value_of_a_step_is_asked_in_the_next_one() {
    let trace = answered(Trace::default().connected(), 0, "CCC", 331);
    let trace = answered(trace, 1, "NOOP", 200);
    let found = seen(&ccc(), &trace).unwrap();
    assert_eq!(found.value, "accepted");
    assert_eq!(found.evidence, "we sent `NOOP`, the reply `200 So be it`");
}

#[test]
fn what_fits_no_value_at_all_is_not_found_out() {
    let trace = answered(Trace::default().connected(), 0, "CCC", 331);
    let trace = answered(trace, 1, "NOOP", 331);
    assert_eq!(seen(&ccc(), &trace), None);
    let judgement = judge_case(&ccc(), &requirements(), &trace.0);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.reason.unwrap().contains("none of its values"));
}

#[test]
fn a_trace_that_ends_early_shows_no_value() {
    let trace = Trace::default().connected().start(0).command("CCC");
    assert_eq!(seen(&ccc(), &trace), None);
}

#[test]
fn an_action_that_failed_yields_nothing_unless_a_check_accepts_that() {
    let problem = ActionProblem::Closed {
        detail: "gone".into(),
    };
    let trace = Trace::default()
        .connected()
        .start(0)
        .reply(1, 200, "Fine")
        .consumed(1)
        .failed(problem)
        .done(0);
    let only = property(vec![yielding("CCC", &[("accepted", 200)])]);
    assert_eq!(seen(&only, &trace), None);
}
