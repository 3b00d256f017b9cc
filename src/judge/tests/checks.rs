//! Tests of `closed`, `silence`, `endpoint` and `action` checks.

use super::*;
use crate::judge::Verdict;
use crate::scenario::model::{
    ActionPattern, ChannelRef, ClosedBy, Connect, DataPattern, EndpointPattern, ReadData,
};
use crate::trace::{AlertFacts, AlertLevel, DataPath};

fn read() -> Option<Action> {
    Some(Action::ReadData(ReadData::UntilClose))
}

fn closed(any_of: &[ClosedBy], events: &[EventKind]) -> Judgement {
    judge_one(
        read(),
        vec![required("r.fail", CheckKind::Closed(any_of.to_vec()))],
        |trace| {
            let trace = trace
                .data_connected()
                .data(EventKind::HandshakeFinished(handshake(
                    HandshakeKind::Full,
                    TlsVersion::Tls13,
                )));
            events.iter().cloned().fold(trace, Trace::data)
        },
    )
}

const NOTIFY: EventKind = EventKind::CloseNotifyReceived;
const FIN: EventKind = EventKind::FinReceived;
const RESET: EventKind = EventKind::ResetReceived;

#[test]
fn the_first_end_decides_how_a_connection_was_closed() {
    let alert = EventKind::AlertReceived(AlertFacts {
        level: Some(AlertLevel::Fatal),
        description: 20,
        name: "bad_record_mac".into(),
    });
    let warning = EventKind::AlertReceived(AlertFacts {
        level: Some(AlertLevel::Warning),
        description: 90,
        name: "user_canceled".into(),
    });
    let cases: [(&[EventKind], ClosedBy); 7] = [
        (&[NOTIFY, FIN], ClosedBy::CloseNotify),
        (&[NOTIFY], ClosedBy::CloseNotify),
        (
            &[NOTIFY, EventKind::CloseNotifySent, RESET],
            ClosedBy::CloseNotify,
        ),
        (&[NOTIFY, RESET], ClosedBy::Reset),
        (&[FIN, RESET], ClosedBy::Fin),
        (&[alert, FIN], ClosedBy::Alert),
        (&[warning, RESET], ClosedBy::Reset),
    ];
    for (events, by) in cases {
        for wanted in [
            ClosedBy::CloseNotify,
            ClosedBy::Fin,
            ClosedBy::Reset,
            ClosedBy::Alert,
        ] {
            let expected = if wanted == by {
                Verdict::Pass
            } else {
                Verdict::Fail
            };
            assert_eq!(
                closed(&[wanted], events).verdict,
                expected,
                "{events:?} {wanted:?}"
            );
        }
    }
}

#[test]
fn a_missing_close_notify_is_said() {
    let judgement = closed(&[ClosedBy::CloseNotify], &[FIN]);
    assert_eq!(
        only(&judgement).message,
        "ended the data connection with FIN, no close_notify"
    );
    assert_eq!(only(&judgement).expected, "the end by close_notify");
}

#[test]
fn an_open_connection_is_not_closed() {
    let timeout = EventKind::TimedOut {
        waited: Waited::Data,
        seconds: 10.0,
    };
    let judgement = closed(&[ClosedBy::Fin, ClosedBy::Reset], &[timeout]);
    assert_eq!(only(&judgement).observed, "still open after 10s");
    assert_eq!(closed(&[ClosedBy::Fin], &[]).verdict, Verdict::Fail);
    let never = judge_one(
        read(),
        vec![required("r.fail", CheckKind::Closed(vec![ClosedBy::Fin]))],
        |trace| trace,
    );
    assert_eq!(never.verdict, Verdict::Fail);
}

#[test]
fn an_older_connection_on_the_same_channel_does_not_count() {
    let judgement = judge_one(
        Some(Action::Connect(Connect::default())),
        vec![required("r.fail", CheckKind::Closed(vec![ClosedBy::Fin]))],
        |trace| trace.control(FIN).connected(),
    );
    assert_eq!(judgement.verdict, Verdict::Fail);
}

#[test]
fn a_close_notify_that_ended_tls_only_is_no_closed_control_connection() {
    let mut wanted = required("r.fail", CheckKind::Closed(vec![ClosedBy::CloseNotify]));
    wanted.channel = Some(ChannelRef::Control);
    let judgement = judge_one(send("CCC"), vec![wanted], |trace| {
        trace.control(NOTIFY).control(EventKind::TlsStopped)
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
}

fn silence(inside: impl FnOnce(Trace) -> Trace) -> Judgement {
    judge_one(None, vec![required("r.fail", CheckKind::Silence)], inside)
}

#[test]
fn silence_needs_a_listener_and_an_open_connection() {
    let stayed = EventKind::StayedSilent { seconds: 2.0 };
    assert_eq!(
        silence(|trace| trace.control(stayed.clone())).verdict,
        Verdict::Pass
    );
    let judgement = silence(|trace| trace.reply(1, 200, "hello"));
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(only(&judgement).observed, "the reply `200 hello` after 0.02s");
    assert_eq!(silence(|trace| trace.control(FIN)).verdict, Verdict::Fail);
    assert_eq!(
        silence(|trace| trace.reply(1, 200, "x").control(stayed.clone())).verdict,
        Verdict::Fail
    );
    assert_eq!(silence(|trace| trace).verdict, Verdict::Inconclusive);
    assert_eq!(
        silence(|trace| trace.timed_out(Waited::Reply)).verdict,
        Verdict::Inconclusive
    );
    let gone = Trace::default()
        .connected()
        .control(FIN)
        .start(0)
        .control(stayed)
        .done(0);
    let case = case(
        Vec::new(),
        vec![step(None, vec![required("r.fail", CheckKind::Silence)])],
    );
    assert_eq!(
        judge_case(&case, &requirements(), &gone.0).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn a_reply_that_another_check_took_does_not_break_silence() {
    let judgement = judge_one(
        send("X"),
        vec![check(codes(&[2])), required("r.fail", CheckKind::Silence)],
        |trace| {
            trace
                .command("X")
                .reply(1, 200, "ok")
                .consumed(1)
                .control(EventKind::StayedSilent { seconds: 1.0 })
        },
    );
    assert_eq!(judgement.verdict, Verdict::Pass);
}

#[test]
fn a_reply_that_nobody_took_is_no_silence_even_when_it_came_before() {
    let case = case(
        Vec::new(),
        vec![step(None, vec![required("r.fail", CheckKind::Silence)])],
    );
    let trace = |taken: bool| {
        let trace = Trace::default().connected().reply(1, 226, "done").consumed(1);
        let trace = if taken {
            trace
        } else {
            trace.reply(2, 226, "again")
        };
        trace
            .start(0)
            .control(EventKind::StayedSilent { seconds: 1.0 })
            .done(0)
    };
    assert_eq!(
        judge_case(&case, &requirements(), &trace(true).0).verdict,
        Verdict::Pass
    );
    let judgement = judge_case(&case, &requirements(), &trace(false).0);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(only(&judgement).observed.starts_with("the reply `226 again`"));
}

#[test]
fn an_action_is_done_or_failed_as_named() {
    let judge = |pattern, inside: fn(Trace) -> Trace| {
        judge_one(
            read(),
            vec![required("r.fail", CheckKind::Action(pattern))],
            inside,
        )
    };
    let fails: fn(Trace) -> Trace = |trace| {
        trace.failed(ActionProblem::TimedOut {
            waited: Waited::Data,
            seconds: 3.0,
        })
    };
    let works: fn(Trace) -> Trace = |trace| trace;
    assert_eq!(judge(ActionPattern::Done, works).verdict, Verdict::Pass);
    assert_eq!(judge(ActionPattern::Failed, fails).verdict, Verdict::Pass);
    assert_eq!(
        only(&judge(ActionPattern::Failed, works)).observed,
        "it succeeded"
    );
    assert_eq!(
        only(&judge(ActionPattern::Done, fails)).message,
        "did not let `read-data` succeed: nothing within 3s"
    );
    for inside in [works, fails] {
        let judgement = judge(ActionPattern::Any, inside);
        assert_eq!(
            judgement.verdict,
            Verdict::Inconclusive,
            "anything proves nothing"
        );
        assert!(judgement.held.is_empty());
    }
}

fn endpoint(pattern: EndpointPattern) -> Vec<Check> {
    vec![required("r.fail", CheckKind::Endpoint(pattern))]
}

fn data_from(peer: &str) -> EventKind {
    EventKind::Connected {
        local: "127.0.0.1:50000".to_owned(),
        peer: peer.to_owned(),
        path: Some(DataPath::Active),
    }
}

#[test]
fn an_active_data_connection_comes_from_the_address_of_the_control_connection() {
    let verdict = |peer: &str| {
        let judgement = judge_one(None, endpoint(EndpointPattern::OwnAddress), |trace| {
            trace.data(data_from(peer))
        });
        judgement.verdict
    };
    assert_eq!(verdict("127.0.0.1:20"), Verdict::Pass);
    assert_eq!(verdict("127.0.0.3:20"), Verdict::Fail);
}

#[test]
fn the_address_of_a_227_is_looked_at_where_the_step_has_one() {
    let verdict = |text: &str| {
        judge_one(send("PASV"), endpoint(EndpointPattern::OwnAddress), |trace| {
            trace.command("PASV").reply(1, 227, text).consumed(1)
        })
        .verdict
    };
    assert_eq!(
        verdict("Entering Passive Mode (127,0,0,1,200,10)."),
        Verdict::Pass
    );
    assert_eq!(verdict("Entering Passive Mode (10,0,0,1,200,10)."), Verdict::Fail);
}

#[test]
fn a_few_ports_are_not_enough_to_tell_an_order() {
    let judgement = judge_one(send("EPSV"), endpoint(EndpointPattern::NoSequence), |trace| {
        trace
            .command("EPSV")
            .reply(1, 229, "Entering (|||50000|)")
            .consumed(1)
    });
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn data_may_have_an_upper_bound() {
    let verdict = |bytes: u64| {
        let pattern = DataPattern {
            at_most: Some(text("10")),
            ..DataPattern::default()
        };
        judge_one(
            None,
            vec![required("r.fail", CheckKind::Data(pattern))],
            |trace| trace.data_connected().transfer(bytes, ""),
        )
        .verdict
    };
    assert_eq!(verdict(10), Verdict::Pass);
    assert_eq!(verdict(11), Verdict::Fail);
}
