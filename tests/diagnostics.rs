//! What people read when a scenario cannot be loaded or a check is broken.
//!
//! Every `tests/golden/load/*.yaml` is a broken scenario; the text beside it is the message. `SNAPSHOTS=overwrite`
//! writes the texts again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ftpspec::diagnostic::{FindingView, render_finding, render_load_error, render_load_errors};
use ftpspec::judge::Finding;
use ftpspec::requirement::{Catalogue, Grade, Level};
use ftpspec::scenario::{Known, LoadErrorKind, Scenario, load};
use ftpspec::trace::{Channel, Event, EventKind, Phase, StepIndex, TicketFacts};
use ftpspec::wire::reply::ReplyCode;

const FAULTS: &[&str] = &[
    "accepts-prot-without-pbsz",
    "acknowledges-truncated-upload",
    "refuses-pbsz-zero",
];

#[test]
fn every_kind_of_broken_scenario_has_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/load");
    let catalogue = Catalogue::embedded().unwrap();
    let known = Known {
        catalogue: &catalogue,
        faults: FAULTS,
        habits: &[],
        certificates: &["client", "client-expired"],
    };
    let mut codes = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 25, "only {} broken scenarios", files.len());
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (scenarios, errors) = load(vec![(format!("scenarios/broken/{name}.yaml"), text)], &known);
        assert!(!errors.is_empty(), "{name} is not broken");
        assert!(scenarios.is_empty(), "{name} was loaded although it is broken");
        codes.extend(errors.iter().map(|error| error.code()));
        let rendered = render_load_errors(&errors, false);
        snapbox::assert_data_eq!(
            rendered,
            snapbox::Data::read_from(&path.with_extension("txt"), None).raw()
        );
    }
    // Two kinds are about names of files, which these files cannot have.
    codes.extend(["scenario::bad-name", "scenario::duplicate-id"]);
    for code in LoadErrorKind::CODES {
        assert!(codes.contains(code), "no broken scenario for {code}");
    }
}

#[test]
fn problems_of_all_files_are_reported_at_once_and_good_files_are_loaded() {
    let catalogue = Catalogue::embedded().unwrap();
    let known = Known {
        catalogue: &catalogue,
        faults: FAULTS,
        habits: &[],
        certificates: &[],
    };
    let files = vec![
        ("area/Bad_Name.yaml".to_owned(), TRUNCATED.to_owned()),
        ("area/broken.yaml".to_owned(), "title: [\n".to_owned()),
        ("area/good.yaml".to_owned(), TRUNCATED.to_owned()),
        ("area/good.yaml".to_owned(), TRUNCATED.to_owned()),
    ];
    let (scenarios, errors) = load(files, &known);
    let codes: Vec<&str> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(
        codes,
        ["scenario::bad-name", "scenario::syntax", "scenario::duplicate-id"]
    );
    let ids: Vec<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    assert_eq!(ids, ["area/good"]);
    let rendered: Vec<String> = errors
        .iter()
        .map(|error| render_load_error(error, false))
        .collect();
    assert!(
        rendered[0].contains("`area/Bad_Name` is not a kebab-case path"),
        "{}",
        rendered[0]
    );
    assert!(
        rendered[2].contains("the other one is area/good.yaml"),
        "{}",
        rendered[2]
    );
}

/// The scenario of the findings below.
const TRUNCATED: &str = "\
title: An upload cut off without close_notify is not acknowledged
why: A TCP FIN can be forged.
severity: critical
detects: [acknowledges-truncated-upload]
requires: [upload]
matrix:
  tls: [tls1.2, tls1.3]
vars:
  path: truncated-$(run.id).bin

setup:
  - reach: data-protected

steps:
  - open-data: extended-passive
  - send: STOR $(path)
    expect: { reply: [125, 150] }
  - start-tls: { channel: data, resume: control }
  - write-data: { bytes: 65536 }
  - title: the upload was cut here, without close_notify
    close-data: { tls: silent, tcp: fin }
    expect:
      - reply: [4yz, 5yz]
        within: 10s
        requirement: sec.truncation.stor-without-close-notify
  - expect: { reply: 226 }
";

fn truncated() -> Scenario {
    let catalogue = Catalogue::embedded().expect("the built-in catalogue");
    let known = Known {
        catalogue: &catalogue,
        faults: FAULTS,
        habits: &[],
        certificates: &[],
    };
    let file = ("shutdown/truncated-upload".to_owned(), TRUNCATED.to_owned());
    let (mut scenarios, errors) = load(vec![file], &known);
    assert!(errors.is_empty(), "{}", render_load_errors(&errors, false));
    scenarios.remove(0)
}

fn event(milliseconds: u64, channel: Channel, kind: EventKind) -> Event {
    Event {
        at: Duration::from_millis(milliseconds),
        channel: Some(channel),
        kind,
    }
}

/// The trace of a server that acknowledges the truncated upload.
fn trace() -> Vec<Event> {
    let (control, data) = (Channel::control("main"), Channel::data("main", 1));
    let reply = |number, code: u16, text: &str| EventKind::ReplyReceived {
        number,
        code: ReplyCode::new(code).expect("a code"),
        lines: vec![text.to_owned()],
        protected: true,
        violations: Vec::new(),
    };
    let step = StepIndex {
        phase: Phase::Steps,
        index: 4,
    };
    vec![
        event(
            180,
            control.clone(),
            EventKind::CommandSent {
                line: "STOR truncated-x.bin".into(),
                protected: true,
            },
        ),
        event(199, control.clone(), reply(9, 150, "Ok to send data.")),
        event(
            200,
            data.clone(),
            EventKind::HandshakeStarted {
                offered: Some("control".into()),
            },
        ),
        event(
            220,
            data.clone(),
            EventKind::TicketReceived(TicketFacts {
                early_data: None,
                lifetime: None,
                bytes: None,
                count: 1,
            }),
        ),
        event(
            240,
            data.clone(),
            EventKind::DataSent {
                bytes: 65_536,
                protected: true,
            },
        ),
        event(240, data.clone(), EventKind::StepStarted { step }),
        event(240, data, EventKind::FinSent),
        event(
            281,
            control.clone(),
            reply(10, 226, "Transfer \\x1b[31mcomplete."),
        ),
        event(
            290,
            control,
            EventKind::CommandSent {
                line: "QUIT".into(),
                protected: true,
            },
        ),
    ]
}

fn finding() -> Finding {
    Finding {
        requirement: Some("sec.truncation.stor-without-close-notify".into()),
        level: Some(Level::SecurityPractice),
        grade: Some(Grade::Fail),
        step: StepIndex {
            phase: Phase::Steps,
            index: 4,
        },
        check: Some(0),
        message: "answered 226 where 4yz or 5yz was expected".into(),
        expected: "4yz or 5yz within 10s".into(),
        observed: "226 after 0.04s".into(),
        event: 7,
        at: Duration::from_millis(281),
    }
}

fn render(finding: &Finding, events: &[Event], colour: bool) -> String {
    let help = [
        ("target", "acme-ftpd 2.1, tls1.3".to_owned()),
        ("because", "RFC 8446 section 6.1".to_owned()),
        (
            "rerun",
            "ftpspec run shutdown/truncated-upload --target acme-ftpd --matrix tls=tls1.3".to_owned(),
        ),
    ];
    let scenario = truncated();
    let view = FindingView {
        target: "acme-ftpd",
        scenario: &scenario,
        finding,
        events,
        help: &help,
    };
    let mut text = render_finding(&view, colour);
    text.push('\n');
    text
}

fn assert_golden(name: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/finding")
        .join(name);
    snapbox::assert_data_eq!(text, snapbox::Data::read_from(&path, None).raw());
}

#[test]
fn a_failed_check_shows_the_step_and_the_end_of_the_trace() {
    assert_golden("failed-check.txt", render(&finding(), &trace(), false));
}

#[test]
fn a_check_that_saw_nothing_shows_the_last_thing_that_came() {
    let events = trace()[..7].to_vec();
    let nothing = Finding {
        message: "did not answer within 10s".into(),
        observed: "nothing within 10s, the last reply was 150".into(),
        event: events.len(),
        grade: Some(Grade::Warn),
        ..finding()
    };
    assert_golden("nothing-came.txt", render(&nothing, &events, false));
}

#[test]
fn a_broken_precondition_says_that_nothing_is_said() {
    let precondition = Finding {
        requirement: None,
        level: None,
        grade: None,
        step: StepIndex {
            phase: Phase::Steps,
            index: 5,
        },
        ..finding()
    };
    assert_golden("precondition.txt", render(&precondition, &trace(), false));
}

#[test]
fn a_failed_action_is_marked_itself() {
    let action = Finding {
        step: StepIndex {
            phase: Phase::Setup,
            index: 0,
        },
        check: None,
        requirement: None,
        level: None,
        grade: None,
        message: "refused the login".into(),
        expected: "the session to be data-protected".into(),
        observed: "530 after USER".into(),
        event: 0,
        ..finding()
    };
    assert_golden("failed-action.txt", render(&action, &[], false));
}

#[test]
fn colours_change_nothing_but_the_colours() {
    let coloured = render(&finding(), &trace(), true);
    assert!(coloured.contains('\u{1b}'));
    let bare: String = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(bare, render(&finding(), &trace(), false));
}

#[test]
fn what_a_peer_sends_cannot_colour_a_terminal() {
    // Events carry escaped text; whatever slips through must not reach the terminal as it is.
    let mut events = trace();
    if let Some(Event {
        kind: EventKind::ReplyReceived { lines, .. },
        ..
    }) = events.get_mut(7)
    {
        lines[0] = "\u{1b}[31mred\u{202e}".into();
    }
    let text = render(&finding(), &events, false);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, ..Default::default() })]

    /// A scenario with something cut out and something put in is loaded or refused with messages, never a panic.
    #[test]
    fn damaged_scenarios_never_stop_the_loader(
        cut in 0.0..1.0f64,
        length in 0..40usize,
        put in "(\\PC|[\t\n\r\"'\\[\\]{}:,#&*!|>%@` -]|é|\u{1f600}|\u{0}){0,6}",
    ) {
        let catalogue = Catalogue::default();
        let known = Known { catalogue: &catalogue, faults: FAULTS, habits: &[], certificates: &[] };
        let characters: Vec<char> = TRUNCATED.chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small number")]
        let from = (cut * characters.len() as f64) as usize;
        let before: String = characters.iter().take(from).collect();
        let after: String = characters.iter().skip(from + length).collect();
        let text = format!("{before}{put}{after}");
        let (scenarios, errors) = load(vec![("area/damaged".to_owned(), text)], &known);
        proptest::prop_assert!(scenarios.is_empty() != errors.is_empty());
        for error in &errors {
            proptest::prop_assert!(error.span.end <= error.source.text().len());
        }
        proptest::prop_assert!(!render_load_errors(&errors, true).is_empty());
    }
}
