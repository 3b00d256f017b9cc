//! The page needs nothing else, says what the run says, and nothing in it comes to life.
//!
//! What a browser makes of it is tested in `tests/browser.rs`.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::render;
use crate::judge::{Proven, Verdict};
use crate::report::baseline::{Change, Comparison};
use crate::report::fixtures::{evil, sources, trace, with_input};
use crate::report::input::Input;
use crate::report::kill_matrix::{FaultVerdict, ProofRow};
use crate::requirement::Grade;
use crate::runner::outcome::RunOutcome;
use crate::runner::outcome::fixtures::{case, case_with, everything, hostile, outcome};
use crate::trace::{Event, Phase, StepIndex};

fn page(run: &RunOutcome, events: &[Event]) -> String {
    with_input(run, events, |input| render(input).unwrap())
}

/// What stands between the first `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}")).0
}

/// The JSON of the script element `id`.
fn json(page: &str, id: &str) -> serde_json::Value {
    let start = format!("<script type=\"application/json\" id=\"{id}\">");
    serde_json::from_str(between(page, &start, "</script>")).unwrap()
}

fn number_of(page: &str, verdict: &str) -> String {
    let index = json(page, "index");
    let words: Vec<&str> = index["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|word| word.as_str())
        .collect();
    let digit = words
        .iter()
        .position(|word| *word == verdict)
        .unwrap()
        .to_string();
    let place = index["cases"]["v"].as_str().unwrap().find(&digit).unwrap();
    place.to_string()
}

#[test]
fn the_page_asks_for_nothing_and_allows_nothing_but_its_own_script() {
    let page = page(&everything(), &trace("hello"));
    for word in [
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "//cdn",
        " style=",
        " onclick",
        "innerHTML",
    ] {
        let body = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!body.contains(word), "{word}");
    }
    let policy = between(&page, "Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let hash = |text: &str| {
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
        format!("'sha256-{digest}'")
    };
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"
        )
    );
}

#[test]
fn the_page_says_what_the_run_says() {
    let page = page(&everything(), &trace("hello"));
    for words in [
        "2 failed, 1 in error, 1 inconclusive of 9 cases",
        "2026-01-02 03:04 UTC",
        "4yz or 5yz within 10s",
        "RFC 8446 section 6.1",
        "known: accepted on purpose until 2.0",
        "#case?target=embedded&#38;scenario=shutdown/truncated-upload&#38;cell=tls%3Dtls1.2",
        "An upload that may have been cut must not be reported as complete.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let index = json(&page, "index");
    assert_eq!(index["cases"]["v"].as_str().unwrap().len(), 9);
    assert_eq!(index["targets"][0]["rerun"][0], " --target embedded");
    assert_eq!(index["cells"][0]["rerun"], " --matrix tls=tls1.3");
}

#[test]
fn a_finding_has_its_lines_and_its_timeline() {
    let page = page(&everything(), &trace("hello"));
    let detail = json(&page, &format!("d{}", number_of(&page, "fail")));
    let finding = &detail["findings"][0];
    assert_eq!(finding["broken"], serde_json::json!([8, 8]));
    assert_eq!(finding["action"], serde_json::json!([7, 7]));
    assert_eq!(finding["event"], 17);
    let timeline = &detail["timeline"];
    assert_eq!(timeline["channels"], serde_json::json!(["control", "data 1"]));
    let kinds: Vec<&str> = timeline["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["k"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "note",
            "connect",
            "reply",
            "hello",
            "full",
            "ticket",
            "step",
            "command",
            "resumed",
            "data",
            "close-notify",
            "fin",
            "reset",
            "wait",
            "problem",
            "note",
            "note",
            "reply"
        ]
    );
    assert_eq!(timeline["events"][6]["l"], 7);
    assert_eq!(
        timeline["events"][8]["x"],
        "resumed handshake, tls1.3, session of control"
    );
    assert_eq!(timeline["events"][2]["more"], serde_json::json!(["second line"]));
    let texts = json(&page, "scenarios");
    assert!(
        texts["shutdown/truncated-upload"]["text"]
            .as_str()
            .unwrap()
            .contains("line: 7")
    );
}

#[test]
fn what_a_hostile_peer_says_stays_text() {
    let evil = evil();
    let mut run = hostile();
    let peaceful = page(&everything(), &trace("hello"));
    for case in &mut run.cases {
        case.folder = Some(evil.clone());
        case.known = case
            .known
            .clone()
            .or_else(|| (case.judgement.verdict == Verdict::Fail).then(|| evil.clone()));
    }
    let page = page(&run, &trace(&evil));
    let scripts = |text: &str| text.matches("<script").count() - text.matches("id=\"d").count();
    assert_eq!(scripts(&page), scripts(&peaceful));
    assert_eq!(page.matches("</script").count(), page.matches("<script").count());
    for character in page.chars() {
        assert!(!character.is_control() || character == '\n', "{character:?}");
        assert!(!('\u{202a}'..='\u{202e}').contains(&character), "{character:?}");
    }
    let index = json(&page, "index");
    for number in index["details"].as_array().unwrap() {
        json(&page, &format!("d{number}"));
    }
}

#[test]
fn the_page_stays_small_whatever_the_traces_hold() {
    let long = "x".repeat(1000);
    let events: Vec<Event> = trace(&long).into_iter().cycle().take(400).collect();
    let cases = (0..250).map(|number| case_with(&format!("a/b{number}"), Verdict::Fail, Grade::Fail));
    let run = outcome(cases.collect());
    let page = page(&run, &events);
    assert!(page.len() < 16 * 1024 * 1024, "{} bytes", page.len());
    assert!(
        page.contains("have no details here, for the size of the page"),
        "it says what is missing"
    );
    assert!(page.contains("left out") || page.contains("\"cut\":["));
}

#[test]
fn a_case_takes_few_bytes() {
    let few = |count: usize| {
        let cases = (0..count).map(|number| case(&format!("a/b{}", number % 500), Verdict::Pass));
        page(&outcome(cases.collect()), &[]).len()
    };
    let per_case = (few(20_000) - few(10_000)) / 10_000;
    assert!(per_case <= 20, "{per_case} bytes");
}

#[test]
fn passed_cases_have_details_in_a_small_run_only() {
    let details = |count: usize| {
        let cases = (0..count).map(|number| case(&format!("a/b{number}"), Verdict::Pass));
        let page = page(&outcome(cases.collect()), &trace("hello"));
        json(&page, "index")["details"].as_array().unwrap().len()
    };
    assert_eq!(details(3), 3);
    assert_eq!(details(100), 0);
}

#[test]
fn the_proof_is_there_when_it_was_made() {
    let run = everything();
    let sources = sources();
    let proofs = [ProofRow {
        scenario: "shutdown/truncated-upload".into(),
        strict: Verdict::Pass,
        faults: vec![FaultVerdict {
            fault: "acknowledges-truncated-upload".into(),
            verdict: Verdict::Fail,
            requirements: vec!["sec.truncation.stor".into()],
        }],
    }];
    let mut input = Input {
        run: &run,
        sources: &sources,
        traces: &|_: &str| None,
        proofs: None,
        changes: None,
    };
    assert!(!render(&input).unwrap().contains("Proof"));
    input.proofs = Some(&proofs);
    let page = render(&input).unwrap();
    assert!(page.contains("1 of 1 scenarios proven, 1 of 1 faults caught"));
    assert!(
        page.contains("the traces of 8 cases could not be read"),
        "missing traces are told"
    );
}

#[test]
fn what_is_different_from_a_baseline_is_told() {
    let run = everything();
    let sources = sources();
    let change = Change {
        target: "embedded".into(),
        scenario: Some("shutdown/truncated-upload".into()),
        requirement: Some("sec.truncation.stor".into()),
        text: "a new finding <b>".into(),
        cells: ["tls=tls1.3".to_owned()].into(),
    };
    let comparison = Comparison {
        worse: vec![change],
        ..Comparison::default()
    };
    let mut input = Input {
        run: &run,
        sources: &sources,
        traces: &|_: &str| None,
        proofs: None,
        changes: None,
    };
    assert!(!render(&input).unwrap().contains("since the baseline"));
    input.changes = Some(&comparison);
    let page = render(&input).unwrap();
    assert!(page.contains("a new finding &#60;b&#62;"));
    assert!(page.contains("#matrix?target=embedded&#38;scenario=shutdown/truncated-upload&#38;rows=case"));
    let nothing = Comparison::default();
    input.changes = Some(&nothing);
    assert!(render(&input).unwrap().contains("Nothing is different"));
}

#[test]
fn a_run_that_fails_for_a_stale_deviation_says_so_first() {
    let mut run = outcome(vec![case("a/b", Verdict::Pass)]);
    for target in run.targets.values_mut() {
        target.known_deviations = vec![
            serde_json::from_value(serde_json::json!({
                "requirement": "r.one", "scenario": null, "cells": [], "reason": "fixed in 2.0", "link": null, "expires": null,
                "varies": false, "targets": []
            }))
                .unwrap(),
        ];
    }
    for case in &mut run.cases {
        case.judgement.held = vec![Proven {
            requirement: "r.one".into(),
            step: StepIndex {
                phase: Phase::Steps,
                index: 0,
            },
        }];
    }
    assert_eq!(run.stale_deviations().len(), 1);
    assert!(page(&run, &[]).contains("1 case, none failed, but 1 known deviation is out of date"));
}

#[test]
fn a_target_shows_its_properties_and_a_case_its_files() {
    let page = page(&everything(), &trace("hello"));
    let card = between(&page, "<details class=\"properties\">", "</details>");
    for words in ["2 properties", "fin (tls1.2), close-notify (tls1.3)", "refused"] {
        assert!(card.contains(words), "{words} in {card}");
    }
    let mut run = everything();
    for (case, path) in run
        .cases
        .iter_mut()
        .rev()
        .zip(["a b/t:1/capture.pcapng", "../../../etc/passwd"])
    {
        case.capture = Some(path.into());
    }
    let page = self::page(&run, &trace("hello"));
    let last = run.cases.len() - 1;
    assert_eq!(
        json(&page, &format!("d{last}"))["capture"],
        serde_json::json!({ "path": "a b/t:1/capture.pcapng", "href": "a%20b/t%3A1/capture.pcapng" })
    );
    assert_eq!(
        json(&page, &format!("d{}", last - 1))["capture"],
        serde_json::json!({ "path": "../../../etc/passwd" })
    );
}
