//! Whatever a trace looks like, judging it ends with a verdict, and a trace that is cut short never passes.

use proptest::prelude::*;

use super::*;
use crate::judge::{Verdict, judge_step};
use crate::scenario::model::{
    ActionPattern, ChannelRef, ClosedBy, DataPattern, FilePattern, HandshakeOutcome, Milestone, ReadData,
    StartTls, TlsChoice, TlsPattern,
};
use crate::trace::TicketFacts;

/// A case with every kind of check, and the trace of a target that satisfies it.
fn everything() -> (Case, Trace) {
    (every_check(), every_event())
}

fn every_check() -> Case {
    case(
        vec![step(send("NOOP"), vec![check(codes(&[200]))])],
        vec![
            step(send("RETR x"), vec![required("r.fail", codes(&[150]))]),
            step(
                Some(Action::StartTls(StartTls {
                    channel: ChannelRef::Data,
                    tls: TlsChoice::default(),
                })),
                vec![required(
                    "r.fail",
                    CheckKind::Tls(TlsPattern {
                        handshake: vec![HandshakeOutcome::Full],
                        version: vec!["tls1.3".into()],
                        tickets: Some(1),
                        ..TlsPattern::default()
                    }),
                )],
            ),
            step(
                Some(Action::ReadData(ReadData::UntilClose)),
                vec![
                    required(
                        "r.fail",
                        CheckKind::Data(DataPattern {
                            bytes: Some(text("5")),
                            protected: Some(true),
                            ..DataPattern::default()
                        }),
                    ),
                    required("r.warn", CheckKind::Closed(vec![ClosedBy::CloseNotify])),
                    check(CheckKind::Action(ActionPattern::Done)),
                ],
            ),
            step(
                None,
                vec![
                    required("r.fail", codes(&[2])),
                    required(
                        "r.info",
                        CheckKind::Order(vec![
                            Milestone::Connected,
                            Milestone::Data,
                            Milestone::CompletionReply,
                        ]),
                    ),
                ],
            ),
            step(
                None,
                vec![required(
                    "r.fail",
                    CheckKind::File(FilePattern {
                        path: text("x"),
                        exists: Some(true),
                        bytes: None,
                        sha256: None,
                    }),
                )],
            ),
            step(None, vec![required("r.fail", CheckKind::Silence)]),
        ],
    )
}

fn every_event() -> Trace {
    let ticket = TicketFacts {
        early_data: None,
        lifetime: None,
        bytes: None,
        count: 1,
    };
    Trace::default()
        .connected()
        .setup(0)
        .command("NOOP")
        .reply(1, 200, "ok")
        .consumed(1)
        .setup_done(0)
        .start(0)
        .data_connected()
        .command("RETR x")
        .reply(2, 150, "go")
        .consumed(2)
        .done(0)
        .start(1)
        .data(EventKind::HandshakeFinished(handshake(
            HandshakeKind::Full,
            TlsVersion::Tls13,
        )))
        .data(EventKind::TicketReceived(ticket))
        .done(1)
        .start(2)
        .data(EventKind::DataReceived {
            bytes: 5,
            protected: true,
        })
        .data(EventKind::CloseNotifyReceived)
        .data(EventKind::FinReceived)
        .transfer(5, "hello")
        .done(2)
        .start(3)
        .reply(3, 226, "done")
        .consumed(3)
        .done(3)
        .start(4)
        .control(EventKind::FileExamined {
            path: "x".into(),
            exists: true,
            bytes: Some(5),
            sha256: None,
            problem: None,
        })
        .done(4)
        .start(5)
        .control(EventKind::StayedSilent { seconds: 1.0 })
        .done(5)
}

#[test]
fn the_whole_trace_passes_and_no_part_of_it_does() {
    let (case, trace) = everything();
    let whole = judge_case(&case, &requirements(), &trace.0);
    assert_eq!(whole.verdict, Verdict::Pass, "{whole:?}");
    assert_eq!(whole.held.len(), 8);
    for end in 0..trace.0.len() {
        let judgement = judge_case(&case, &requirements(), &trace.0[..end]);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "cut at {end}");
        assert!(judgement.reason.is_some());
    }
}

#[test]
fn taking_any_observation_away_takes_the_pass_away() {
    let (case, trace) = everything();
    // Each of these is what some check rests on.
    for position in 0..trace.0.len() {
        let mut events = trace.0.clone();
        let taken = events.remove(position);
        let spare = matches!(taken.kind, EventKind::CommandSent { .. } | EventKind::FinReceived);
        let verdict = judge_case(&case, &requirements(), &events).verdict;
        assert!(spare || verdict != Verdict::Pass, "without {taken:?}");
    }
}

proptest! {
    #[test]
    fn judging_shuffled_and_cut_traces_never_panics(
        order in Just((0..everything().1.0.len()).collect::<Vec<_>>()).prop_shuffle(),
        end in 0_usize..64,
        problem in 0_usize..64,
    ) {
        let (case, trace) = everything();
        let mut events: Vec<Event> = order.iter().take(end).map(|position| trace.0[*position].clone()).collect();
        let failure = EventKind::ActionFailed(ActionProblem::Closed { detail: "x".into() });
        events.insert(problem.min(events.len()), Event { at: Duration::ZERO, channel: None, kind: failure });
        let judgement = judge_case(&case, &requirements(), &events);
        prop_assert!(judgement.findings.iter().all(|finding| finding.event < events.len()));
        for phase in [Phase::Setup, Phase::Steps, Phase::Cleanup] {
            for index in 0..8 {
                let _ = judge_step(&case, &requirements(), &events, StepIndex { phase, index });
            }
        }
    }

    #[test]
    fn a_trace_cut_short_and_then_shuffled_never_passes(
        end in 0_usize..33,
        left in 0_usize..64,
        right in 0_usize..64,
    ) {
        let (case, trace) = everything();
        prop_assume!(end < trace.0.len());
        let mut events = trace.0[..end].to_vec();
        if left < end && right < end {
            events.swap(left, right);
        }
        prop_assert_ne!(judge_case(&case, &requirements(), &events).verdict, Verdict::Pass);
    }
}
