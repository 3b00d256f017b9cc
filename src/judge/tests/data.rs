//! Tests of `data`, `file` and `order` checks.

use super::*;
use crate::judge::Verdict;
use crate::scenario::model::{DataPattern, FilePattern, Milestone, ReadData};

fn read() -> Option<Action> {
    Some(Action::ReadData(ReadData::UntilClose))
}

fn judge(pattern: DataPattern, inside: impl FnOnce(Trace) -> Trace) -> Judgement {
    judge_one(
        read(),
        vec![required("r.fail", CheckKind::Data(pattern))],
        |trace| inside(trace.data_connected()),
    )
}

fn bytes(number: &str) -> DataPattern {
    DataPattern {
        bytes: Some(text(number)),
        ..DataPattern::default()
    }
}

fn received(bytes: u64, protected: bool) -> EventKind {
    EventKind::DataReceived { bytes, protected }
}

#[test]
fn size_and_hash_must_be_exact() {
    let whole = || DataPattern {
        sha256: Some(text("$(hash)")),
        ..bytes("$(bytes)")
    };
    let inside = |number: u64| {
        move |trace: Trace| {
            trace
                .event(
                    None,
                    EventKind::Captured {
                        name: "bytes".into(),
                        value: "5".into(),
                    },
                )
                .event(
                    None,
                    EventKind::Captured {
                        name: "hash".into(),
                        value: "AB".repeat(32),
                    },
                )
                .transfer(number, "hello")
        }
    };
    assert_eq!(judge(whole(), inside(5)).verdict, Verdict::Pass);
    let judgement = judge(whole(), inside(4));
    assert_eq!(only(&judgement).expected, "5 bytes");
    assert_eq!(only(&judgement).observed, "4 bytes");
    let other = DataPattern {
        sha256: Some(text(&"cd".repeat(32))),
        ..DataPattern::default()
    };
    assert_eq!(only(&judge(other, inside(5))).message, "sent other data");
    let more = DataPattern {
        at_least: Some(text("6")),
        ..DataPattern::default()
    };
    assert_eq!(only(&judge(more, inside(5))).expected, "at least 6 bytes");
}

#[test]
fn text_is_looked_for_in_the_sample() {
    let with = DataPattern {
        text: Some(text("b.txt")),
        ..DataPattern::default()
    };
    let listing = |trace: Trace| trace.transfer(14, "a.txt\\r\\nb.txt");
    assert_eq!(judge(with.clone(), listing).verdict, Verdict::Pass);
    assert_eq!(
        judge(with, |trace| trace.transfer(5, "a.txt")).verdict,
        Verdict::Fail
    );
    let lines = DataPattern {
        text: Some(text("\r\n")),
        ..DataPattern::default()
    };
    assert_eq!(judge(lines, listing).verdict, Verdict::Pass);
    let without = DataPattern {
        without: Some(text("a.txt")),
        ..DataPattern::default()
    };
    assert_eq!(judge(without.clone(), listing).verdict, Verdict::Fail);
    assert_eq!(
        judge(without, |trace| trace.transfer(0, "")).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn protection_is_judged_byte_by_byte() {
    let protected = |wanted| DataPattern {
        protected: Some(wanted),
        ..DataPattern::default()
    };
    let tls = |trace: Trace| trace.data(received(5, true)).transfer(5, "");
    assert_eq!(judge(protected(true), tls).verdict, Verdict::Pass);
    assert_eq!(judge(protected(false), tls).verdict, Verdict::Fail);
    let mixed = judge(protected(true), |trace| {
        trace
            .data(received(1, false))
            .data(received(5, true))
            .transfer(6, "")
    });
    assert_eq!(only(&mixed).observed, "5 bytes under TLS and 1 byte in clear");
    assert_eq!(
        judge(protected(true), |trace| trace.transfer(0, "")).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn no_transfer_is_a_finding_but_no_proof_of_nothing() {
    let refused = |trace: Trace| {
        trace.event(
            Some(Channel::data("main", 1)),
            EventKind::ActionFailed(ActionProblem::ConnectionRefused {
                detail: "refused".into(),
            }),
        )
    };
    let judgement = judge(bytes("5"), refused);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        only(&judgement).observed,
        "the data connection was refused (refused)"
    );
    assert_eq!(judge(bytes("0"), refused).verdict, Verdict::Inconclusive);
    let clear = judge(bytes("0"), |trace| {
        trace.data(EventKind::TransferFinished(TransferSummary {
            clear_bytes: 9,
            ..TransferSummary::default()
        }))
    });
    assert_eq!(only(&clear).observed, "9 bytes in clear");
}

#[test]
fn a_target_that_refuses_to_open_a_data_connection_sends_nothing_on_it() {
    let not_connected = |trace: Trace| {
        trace.failed(ActionProblem::NotConnected {
            detail: "there is no data connection".into(),
        })
    };
    let opened = |code| {
        move |trace: Trace| {
            not_connected(
                trace
                    .command("EPSV")
                    .reply(1, code, "Whatever.")
                    .command("RETR x")
                    .reply(2, 150, "Ok."),
            )
        }
    };
    let judge_zero = |inside: &dyn Fn(Trace) -> Trace| {
        judge_one(
            read(),
            vec![required("r.fail", CheckKind::Data(bytes("0")))],
            inside,
        )
    };
    assert_eq!(judge_zero(&opened(550)).verdict, Verdict::Pass);
    assert_eq!(judge_zero(&opened(229)).verdict, Verdict::Inconclusive);
    assert_eq!(judge_zero(&not_connected).verdict, Verdict::Inconclusive);
    // It says nothing when bytes are expected.
    let five = judge_one(
        read(),
        vec![required("r.fail", CheckKind::Data(bytes("5")))],
        opened(550),
    );
    assert_eq!(five.verdict, Verdict::Fail);
}

#[test]
fn a_refusing_reply_while_reading_goes_with_zero_bytes_and_a_timeout_does_not() {
    let refused = ActionProblem::RefusedByReply {
        code: ReplyCode::new(522).unwrap(),
    };
    assert_eq!(
        judge(bytes("0"), |trace| trace.transfer(0, "").failed(refused)).verdict,
        Verdict::Pass
    );
    let timeout = ActionProblem::TimedOut {
        waited: Waited::Data,
        seconds: 10.0,
    };
    let judgement = judge(bytes("0"), |trace| trace.transfer(0, "").failed(timeout));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(only(&judgement).check, None);
    assert_eq!(only(&judgement).observed, "nothing within 10s");
}

#[test]
fn files_are_judged_as_they_were_examined() {
    let examined = |exists: bool, bytes: Option<u64>, problem: Option<&str>| EventKind::FileExamined {
        path: "up/x".into(),
        exists,
        bytes,
        sha256: bytes.map(|_| "ab".repeat(32)),
        problem: problem.map(Into::into),
    };
    let pattern = |exists, bytes: Option<&str>, hash: Option<&str>| FilePattern {
        path: text("up/x"),
        exists,
        bytes: bytes.map(text),
        sha256: hash.map(text),
    };
    let judge = |pattern: FilePattern, event: EventKind| {
        judge_one(
            None,
            vec![required("r.fail", CheckKind::File(pattern))],
            |trace| trace.control(event),
        )
    };
    let present = examined(true, Some(5), None);
    assert_eq!(
        judge(pattern(Some(true), Some("5"), None), present.clone()).verdict,
        Verdict::Pass
    );
    assert_eq!(
        only(&judge(pattern(None, Some("6"), None), present.clone())).observed,
        "a file of 5 bytes"
    );
    assert_eq!(
        only(&judge(pattern(None, None, Some("00")), present.clone())).message,
        "kept `up/x` with other content"
    );
    assert_eq!(
        only(&judge(pattern(Some(false), None, None), present)).message,
        "has a file `up/x`"
    );
    let absent = examined(false, None, None);
    assert_eq!(
        judge(pattern(Some(false), None, None), absent.clone()).verdict,
        Verdict::Pass
    );
    assert_eq!(
        only(&judge(pattern(Some(true), None, None), absent)).observed,
        "no such file"
    );
    let unknown = examined(false, None, Some("the session is gone"));
    assert_eq!(
        judge(pattern(Some(false), None, None), unknown).verdict,
        Verdict::Inconclusive
    );
    let nothing = judge(pattern(Some(false), None, None), connected());
    assert_eq!(nothing.verdict, Verdict::Inconclusive);
}

#[test]
fn order_is_taken_from_the_newest_data_connection() {
    let wanted = [
        Milestone::Connected,
        Milestone::PreliminaryReply,
        Milestone::Handshake,
        Milestone::CompletionReply,
    ];
    let judge = |inside: fn(Trace) -> Trace| {
        judge_one(
            None,
            vec![required("r.fail", CheckKind::Order(wanted.to_vec()))],
            inside,
        )
    };
    let good = judge(|trace| {
        trace
            .reply(1, 229, "epsv")
            .data_connected()
            .command("RETR x")
            .reply(2, 150, "go")
            .data(EventKind::HandshakeFinished(handshake(
                HandshakeKind::Full,
                TlsVersion::Tls13,
            )))
            .reply(3, 226, "done")
    });
    assert_eq!(good.verdict, Verdict::Pass);
    let swapped = judge(|trace| {
        trace
            .data_connected()
            .command("RETR x")
            .data(EventKind::HandshakeFinished(handshake(
                HandshakeKind::Full,
                TlsVersion::Tls13,
            )))
            .reply(2, 150, "go")
            .reply(3, 226, "done")
    });
    assert_eq!(
        only(&swapped).observed,
        "connection, handshake, 1yz reply, 2yz reply"
    );
    let missing = judge(|trace| trace.data_connected().command("RETR x").reply(2, 150, "go"));
    assert_eq!(
        only(&missing).observed,
        "connection, 1yz reply; no handshake, no 2yz reply"
    );
    assert_eq!(judge(|trace| trace).verdict, Verdict::Fail);
    let active = judge(|trace| {
        trace
            .data(EventKind::Listening {
                local: "127.0.0.1:9".into(),
            })
            .command("PORT 1")
            .reply(1, 200, "port")
            .command("RETR x")
            .data_connected()
            .reply(2, 150, "go")
            .data(EventKind::HandshakeFinished(handshake(
                HandshakeKind::Full,
                TlsVersion::Tls13,
            )))
            .reply(3, 226, "done")
    });
    assert_eq!(active.verdict, Verdict::Pass);
}
