//! What a file means: defaults, short forms, merging of reply patterns.

use std::time::Duration;

use crate::requirement::{Capability, Catalogue};
use crate::scenario::model::{
    AccountRef, Action, CaptureSource, ChannelRef, CheckKind, CloseConnection, ClosedBy, CodePattern,
    Content, DataPathChoice, HandshakeOutcome, Level, Otherwise, ReadData, ReplyAlternative, ReplyPattern,
    Resume, Severity, Step, StoreCommand, TcpEnd, TlsEnd,
};
use crate::scenario::{Known, Scenario, load};
use crate::trace::{DataPath, TlsVersion};

fn load_one(path: &str, text: &str) -> Scenario {
    let catalogue = Catalogue::embedded().unwrap();
    let known = Known {
        catalogue: &catalogue,
        faults: &["refuses-pbsz-zero"],
        certificates: &["client"],
    };
    let (mut scenarios, errors) = load(vec![(path.to_owned(), text.to_owned())], &known);
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(messages.is_empty(), "{}", messages.join("\n"));
    scenarios.remove(0)
}

/// The steps of a scenario with `steps`, without the last one, which is there for its requirement.
fn steps(steps: &str) -> Vec<Step> {
    let text = format!(
        "title: T\nwhy: W\ndetects: [refuses-pbsz-zero]\nrequires: [upload]\nsetup:\n  - reach: data-protected\n  \
         - {{ session: second, connect: {{}} }}\nsteps:\n{steps}\n  \
         - expect: {{ reply: 200, requirement: rfc4217.s9.pbsz-before-prot }}\n"
    );
    let mut all = load_one("area/name", &text).steps;
    all.pop();
    all
}

fn action(step: &str) -> Action {
    steps(step).remove(0).action.unwrap().value
}

/// The only pattern of a `reply` check.
fn reply(expect: &str) -> ReplyPattern {
    match kinds(expect).as_slice() {
        [CheckKind::Reply(pattern)] => pattern.clone(),
        other => panic!("{other:?}"),
    }
}

fn kinds(expect: &str) -> Vec<CheckKind> {
    let mut all = steps(&format!("  - wait: 1s\n    expect: {expect}"));
    all.remove(0).expect.remove(0).kinds
}

#[test]
fn the_head_has_its_defaults_and_folds_its_texts() {
    let scenario = load_one(
        "scenarios/discover/mlsd.yaml",
        "title: T\nwhy: >\n  one\n  two\ncapability: mlsd\nmatrix:\n  tls: [tls1.3]\n  size: [1, 0x10]\nvars:\n  \
         a: x-$(size)\n  b: $(a)\nsteps:\n  - reach: connected\n",
    );
    assert_eq!(scenario.id, "discover/mlsd");
    assert_eq!((scenario.title.as_str(), scenario.why.as_str()), ("T", "one two"));
    assert_eq!((scenario.severity, scenario.slow), (Severity::Medium, false));
    assert_eq!(scenario.capability, Some(Capability::Mlsd));
    let axes: Vec<(&str, Vec<&str>)> = scenario
        .matrix
        .iter()
        .map(|axis| {
            (
                axis.name.value.as_str(),
                axis.values.iter().map(|value| value.value.as_str()).collect(),
            )
        })
        .collect();
    assert_eq!(axes, [("tls", vec!["tls1.3"]), ("size", vec!["1", "0x10"])]);
    assert_eq!(scenario.vars[1].1.value, "$(a)");
}

#[test]
fn reach_takes_a_level_or_a_mapping() {
    let Action::Reach(short) = action("  - reach: protected") else {
        panic!()
    };
    assert_eq!(
        (short.level.value, short.account),
        (Level::Protected, AccountRef::First)
    );
    let Action::Reach(long) = action(
        "  - reach: { level: data-protected, account: second, versions: tls1.3, alpn: [ftp], sni: none, \
         certificate: client, resume: { session: second } }",
    ) else {
        panic!()
    };
    assert_eq!(
        (long.level.value, long.account),
        (Level::DataProtected, AccountRef::Second)
    );
    assert_eq!(long.tls.versions[0].value, TlsVersion::Tls13);
    assert_eq!(long.tls.resume.unwrap().value, Resume::Session("second".into()));
    assert_eq!(long.tls.alpn[0].value, "ftp");
}

#[test]
fn transfers_have_their_defaults_and_short_forms() {
    let Action::Store(store) = action("  - store: { bytes: 10, command: STOU, data: $(data) }") else {
        panic!()
    };
    assert_eq!((store.path, store.command), (None, StoreCommand::Stou));
    assert!(
        matches!(store.transfer.path.unwrap().value, DataPathChoice::Variable(text) if text.value == "$(data)")
    );
    let Action::Retrieve(retrieve) = action("  - retrieve: a b") else {
        panic!()
    };
    assert_eq!(retrieve.path.value, "a b");
    let Action::List(list) = action("  - list: { command: NLST, path: sub }") else {
        panic!()
    };
    assert_eq!(list.command.value, "NLST sub");
    let Action::ProvideFile(file) = action("  - provide-file: { path: x, text: 226 }") else {
        panic!()
    };
    assert_eq!(file.name.value, "file");
    assert!(matches!(file.content, Content::Text(text) if text.value == "226"));
}

#[test]
fn data_connections_are_opened_read_and_closed_as_written() {
    let Action::OpenData(open) = action("  - open-data: passive") else {
        panic!()
    };
    assert_eq!(open.path, DataPathChoice::Fixed(DataPath::Passive));
    assert!(!open.only_command);
    assert_eq!(
        action("  - read-data: until-close"),
        Action::ReadData(ReadData::UntilClose)
    );
    assert_eq!(
        action("  - read-data: { during: 300ms }"),
        Action::ReadData(ReadData::During(Duration::from_millis(300)))
    );
    let close = |tls, tcp, drain| Action::CloseData(CloseConnection { tls, tcp, drain });
    assert_eq!(
        action("  - close-data: {}"),
        close(TlsEnd::CloseNotify, TcpEnd::Fin, true)
    );
    assert_eq!(
        action("  - close-data: { tls: silent, tcp: reset }"),
        close(TlsEnd::Silent, TcpEnd::Reset, false)
    );
    assert_eq!(
        action("  - close-data: 'alert:internal_error'"),
        close(TlsEnd::Alert(80), TcpEnd::Fin, false)
    );
    assert_eq!(action("  - stop-tls: data"), Action::StopTls(ChannelRef::Data));
}

#[test]
fn bare_reply_codes_become_one_alternative() {
    let class = CodePattern::Class;
    let both = ReplyAlternative {
        codes: vec![class(4), class(5)],
        closed: true,
        ..ReplyAlternative::default()
    };
    assert_eq!(reply("{ reply: [4yz, 5yz, closed] }").any_of, [both]);
    let pattern = reply("{ reply: [{ code: [200, 2yz], text: PBSZ, protected: true }, 503] }");
    assert_eq!(pattern.any_of.len(), 2);
    assert_eq!(pattern.any_of[0].codes, [CodePattern::Code(503)]);
    assert_eq!(pattern.any_of[1].codes, [CodePattern::Code(200), class(2)]);
    assert_eq!(pattern.any_of[1].protected, Some(true));
}

#[test]
fn one_check_may_have_several_kinds() {
    let kinds = kinds("{ tls: resumed, closed: [fin, reset], within: 2s, channel: data }");
    let [CheckKind::Tls(tls), CheckKind::Closed(closed)] = kinds.as_slice() else {
        panic!("{kinds:?}")
    };
    assert_eq!(tls.handshake, [HandshakeOutcome::Resumed]);
    assert_eq!(closed, &[ClosedBy::Fin, ClosedBy::Reset]);
}

#[test]
fn silence_can_name_its_channel() {
    let step = steps("  - expect: { silence: data, within: 500ms }").remove(0);
    assert_eq!(step.expect[0].channel, Some(ChannelRef::Data));
    assert_eq!(
        step.expect[0].within.as_ref().unwrap().value,
        Duration::from_millis(500)
    );
    assert_eq!(step.expect[0].kinds, [CheckKind::Silence]);
}

#[test]
fn a_file_check_looks_at_the_file() {
    let step = steps("  - expect: { file: { path: x, exists: false } }").remove(0);
    assert!(matches!(step.action.unwrap().value, Action::ExamineFile(path) if path.value == "x"));
}

#[test]
fn spans_are_those_of_the_words() {
    let step =
        steps("  - send: PWD\n    capture: { where: reply.quoted }\n    expect: { reply: 257 }").remove(0);
    let text = "title: T\nwhy: W\n";
    assert!(step.span.start > text.len());
    assert_eq!(step.capture[0].1.value, CaptureSource::ReplyQuoted);
    let action = step.action.unwrap();
    assert_eq!(action.span.end - action.span.start, "send: PWD".len());
    assert_eq!(
        step.expect[0].span.end - step.expect[0].span.start,
        "{ reply: 257 }".len()
    );
}

#[test]
fn a_broken_precondition_of_the_set_up_may_make_a_case_not_applicable() {
    let text = |place: &str| {
        let optional = "  - { send: FEAT, expect: { reply: 211, otherwise: not-applicable } }\n";
        let (setup, steps) = if place == "setup" {
            (optional, "")
        } else {
            ("", optional)
        };
        format!(
            "title: T\nwhy: W\ndetects: [refuses-pbsz-zero]\nsetup:\n  - reach: protected\n{setup}steps:\n{steps}  \
             - expect: {{ reply: 200, requirement: rfc4217.s9.pbsz-before-prot }}\n"
        )
    };
    let scenario = load_one("area/name", &text("setup"));
    assert_eq!(scenario.setup[1].expect[0].otherwise, Otherwise::NotApplicable);
    let catalogue = Catalogue::embedded().unwrap();
    let known = Known {
        catalogue: &catalogue,
        faults: &["refuses-pbsz-zero"],
        certificates: &[],
    };
    let (_, errors) = load(vec![("area/name".into(), text("steps"))], &known);
    let codes: Vec<&str> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(codes, ["scenario::conflicting-keys"]);
}
