//! Snapshots of every format, and hostile text in each of them.
//!
//! `SNAPSHOTS=overwrite cargo test --lib report` writes the snapshots anew.

use snapbox::assert_data_eq;

use super::baseline::{Change, Comparison};
use super::fixtures::{evil, trace, with_input};
use super::input::Input;
use super::*;
use crate::judge::Verdict;
use crate::plan::fixtures::{checking, scenario};
use crate::requirement::Grade;
use crate::runner::outcome::RunOutcome;
use crate::runner::outcome::fixtures::{case, case_with, everything, hostile, outcome};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/report.schema.json");

fn first_finding() -> String {
    let run = everything();
    let case = run.cases.last().unwrap();
    terminal::render_finding(
        &run,
        case,
        &case.judgement.findings[0],
        Some("RFC 8446 section 6.1"),
        false,
    )
}

#[test]
fn the_summary_looks_like_this() {
    assert_data_eq!(
        terminal::render_summary(&everything(), 100, false),
        snapbox::file!["../../tests/golden/report/summary.txt"].raw()
    );
}

/// The cases of `run` once for each of these targets.
fn against(targets: &[&str], run: &RunOutcome) -> RunOutcome {
    let mut many = outcome(Vec::new());
    many.targets.clear();
    for name in targets {
        let target = run.targets.values().next().unwrap().clone();
        many.targets.insert((*name).to_owned(), target);
        for case in &run.cases {
            let mut case = case.clone();
            case.target = (*name).to_owned();
            many.cases.push(case);
        }
    }
    many
}

const SERVERS: [&str; 7] = [
    "embedded",
    "proftpd",
    "proftpd-no-session-reuse-required",
    "pure-ftpd",
    "pyftpdlib",
    "vsftpd",
    "vsftpd-strict-shutdown",
];

#[test]
fn several_targets_stand_side_by_side() {
    let run = against(&SERVERS, &everything());
    let summary = terminal::render_summary(&run, 80, false);
    let areas = summary.find("area").unwrap();
    let end = summary.find("\ncritical").unwrap();
    // The first line of the head has no label.
    let start = summary[..areas].rfind("\n\n").unwrap();
    assert_data_eq!(
        format!(
            "{}\n{}",
            &summary[start..end],
            terminal::render_scenarios(&run, 80, false)
        ),
        snapbox::file!["../../tests/golden/report/matrix.txt"].raw()
    );
}

#[test]
fn the_matrix_fits_its_width_however_many_targets_there_are() {
    let names: Vec<String> = (0..40)
        .map(|number| format!("server-number-{number}-of-many"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for run in [everything(), hostile()] {
        let run = against(&names, &run);
        for text in [
            terminal::render_summary(&run, 80, false),
            terminal::render_scenarios(&run, 80, false),
        ] {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= 80, "{widest}\n{text}");
            let odd = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(odd), "{text}");
        }
    }
}

#[test]
fn a_finding_looks_like_this() {
    assert_data_eq!(
        first_finding(),
        snapbox::file!["../../tests/golden/report/finding.txt"].raw()
    );
}

#[test]
fn junit_tells_failures_from_errors() {
    let xml = junit::render(&everything()).unwrap();
    assert_data_eq!(
        xml.clone(),
        snapbox::file!["../../tests/golden/report/junit.xml"].raw()
    );
    assert_eq!(xml.matches("<failure ").count(), 2);
    assert_eq!(xml.matches("<error ").count(), 2);
    assert_eq!(xml.matches("<skipped ").count(), 1);
    assert_eq!(xml.matches("type=\"inconclusive\"").count(), 1);
    assert_eq!(xml.matches("type=\"harness\"").count(), 1);
}

#[test]
fn a_target_that_could_not_be_used_is_an_error_in_junit() {
    let mut run = outcome(Vec::new());
    for target in run.targets.values_mut() {
        target.unavailable = Some("nobody listens".into());
    }
    let xml = junit::render(&run).unwrap();
    assert!(
        xml.contains("<error message=\"nobody listens\" type=\"inconclusive\""),
        "{xml}"
    );
}

#[test]
fn markdown_looks_like_this() {
    assert_data_eq!(
        with_input(&everything(), &trace("hello"), markdown::render),
        snapbox::file!["../../tests/golden/report/summary.md"].raw()
    );
}

#[test]
fn markdown_tells_first_what_is_different_from_a_baseline() {
    let change = |text: &str, cells: &[&str]| Change {
        target: "embedded".into(),
        scenario: Some("shutdown/truncated-upload".into()),
        requirement: Some("sec.truncation.stor".into()),
        text: text.into(),
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
    };
    let comparison = Comparison {
        worse: vec![change("new fail: <img>\n# got 226", &["tls=tls1.3"])],
        better: vec![change("no longer there (warn)", &[]); SHOWN_CHANGES + 1],
        ..Comparison::default()
    };
    let told = |comparison: Option<&Comparison>| {
        with_input(&everything(), &trace("hello"), |input| {
            let input = Input {
                changes: comparison,
                ..*input
            };
            markdown::render(&input)
        })
    };
    assert!(!told(None).contains("baseline"));
    assert!(told(Some(&Comparison::default())).contains("Nothing is different from the baseline."));
    let text = told(Some(&comparison));
    assert!(
        text.contains("- **worse** embedded shutdown/truncated-upload tls=tls1.3: new fail: &lt;img&gt;"),
        "{text}"
    );
    assert!(!text.contains("\n# got 226"), "{text}");
    assert!(text.contains("- … and 1 more"), "{text}");
    let (changes, findings) = (text.find("Since the baseline"), text.find("### Findings"));
    assert!(changes.unwrap() < findings.unwrap());
}

/// As many changes of a kind as the summary in Markdown shows.
const SHOWN_CHANGES: usize = 20;

#[test]
fn tap_looks_like_this() {
    assert_data_eq!(
        tap::render(&everything()),
        snapbox::file!["../../tests/golden/report/results.tap"].raw()
    );
}

#[test]
fn the_matrix_as_csv_looks_like_this() {
    let text = csv::render(&against(&["embedded", "=evil()"], &everything())).unwrap();
    assert_eq!(text.matches("\r\n").count(), text.lines().count());
    assert_data_eq!(
        text.replace("\r\n", "\n"),
        snapbox::file!["../../tests/golden/report/matrix.csv"].raw()
    );
}

#[test]
fn annotations_look_like_this() {
    assert_data_eq!(
        with_input(&everything(), &trace("hello"), github::render),
        snapbox::file!["../../tests/golden/report/annotations.txt"].raw()
    );
}

#[test]
fn only_as_many_annotations_as_the_service_shows() {
    let cases = (0..30).map(|number| case_with(&format!("a/b{number}"), Verdict::Fail, Grade::Fail));
    let text = with_input(&outcome(cases.collect()), &[], github::render);
    assert_eq!(text.lines().count(), 10);
    assert_eq!(text.lines().last(), Some("::error::… and 21 more, in the report"));
}

#[test]
fn a_badge_says_what_is_worst() {
    let badge = |cases| badge::render(&outcome(cases), "embedded").unwrap();
    assert_data_eq!(
        badge::render(&everything(), "embedded").unwrap(),
        snapbox::file!["../../tests/golden/report/badge.svg"].raw()
    );
    assert!(
        badge(vec![
            case("a/b", Verdict::Pass),
            case("a/c", Verdict::NotApplicable)
        ])
        .contains(">1 passed<")
    );
    assert!(badge(vec![case("a/b", Verdict::NotApplicable)]).contains(">inconclusive<"));
    assert!(badge(vec![case_with("a/b", Verdict::Warn, Grade::Warn)]).contains(">0 passed, 1 warned<"));
    assert_eq!(badge::file("127.0.0.1:21/x"), "badge-127.0.0.1_21_x.svg");
}

#[test]
fn a_transcript_tells_the_steps_apart() {
    let case = case("a/b", Verdict::Pass);
    assert_data_eq!(
        terminal::render_transcript(&case, &trace("hello"), false),
        snapbox::file!["../../tests/golden/report/transcript.txt"].raw()
    );
    let hostile = terminal::render_transcript(&case, &trace(&evil()), false);
    assert!(hostile.chars().all(|c| c == '\n' || !c.is_control()), "{hostile}");
}

#[test]
fn sources_are_read_as_they_were_written() {
    let sources = fixtures::sources();
    let text = sources.render().unwrap();
    assert_eq!(Sources::parse(&text).unwrap(), sources);
    let newer = text.replacen("\"ftpspec-sources\":1", "\"ftpspec-sources\":2", 1);
    assert!(Sources::parse(&newer).is_err());
}

#[test]
fn sources_know_the_lines_of_a_finding() {
    let corpus = checking("auth/a", "r.one", "omits-auth");
    let catalogue = crate::requirement::Catalogue::embedded().unwrap();
    let scenarios = [std::sync::Arc::new(corpus)];
    let sources = Sources::of(&catalogue, &scenarios, |id| id == "auth/a");
    let source = &sources.scenarios["auth/a"];
    assert_eq!(source.requirements, ["r.one"]);
    assert_eq!(source.places[1].len(), scenarios[0].steps.len());
    assert!(sources.requirements.len() > 100);
    assert!(
        Sources::of(&catalogue, &scenarios, |_| false)
            .scenarios
            .is_empty()
    );
}

#[test]
fn json_looks_like_this_and_is_read_back() {
    let run = everything();
    let text = json::render(&run).unwrap();
    assert_data_eq!(
        text.clone(),
        snapbox::file!["../../tests/golden/report/report.json"].raw()
    );
    assert_eq!(json::parse(&text).unwrap(), run);
    let newer = text.replacen("\"ftpspec-report\": 1", "\"ftpspec-report\": 2", 1);
    assert_eq!(
        json::parse(&newer).unwrap_err().to_string(),
        "a report of format 2; this version reads format 1"
    );
    assert!(json::parse("{}").is_err());
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let schema = json::schema().unwrap();
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(SCHEMA).unwrap();
    assert_eq!(
        committed, schema,
        "run `SNAPSHOTS=overwrite cargo test --lib report`"
    );
}

#[test]
fn the_summary_fits_its_width_and_a_screen() {
    for width in [0, 40, 72, 200] {
        for run in [everything(), hostile()] {
            let summary = terminal::render_summary(&run, width, false);
            let widest = summary.lines().map(|line| line.chars().count()).max().unwrap();
            // Eight columns of numbers do not fit into less.
            assert!(widest <= width.max(80), "{widest} of {width}\n{summary}");
        }
    }
    let many = outcome(everything().cases.into_iter().cycle().take(500).collect());
    assert!(terminal::render_summary(&many, 100, false).lines().count() < 80);
}

#[test]
fn colours_only_come_when_asked_for() {
    let plain = terminal::render_summary(&everything(), 100, false);
    let coloured = terminal::render_summary(&everything(), 100, true);
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}["));
    let stripped: String = anstream::adapter::strip_str(&coloured).collect();
    assert_eq!(stripped, plain);
}

#[test]
fn hostile_text_is_harmless_in_every_format() {
    let run = hostile();
    for file in with_input(&run, &trace(&evil()), |input| {
        files(input).collect::<Result<Vec<_>, _>>().unwrap()
    }) {
        for character in file.text.chars() {
            let odd = character.is_control() && character != '\n' || character == '\u{202e}';
            let is_fine = match file.path.as_str() {
                "report.json" => character == '\u{202e}',
                "matrix.csv" => character == '\r',
                _ => false,
            };
            assert!(!odd || is_fine, "{character:?} in {}", file.path);
        }
        if matches!(
            file.path.as_str(),
            "junit.xml" | "summary.md" | "badge-embedded.svg"
        ) {
            // Markdown shows a fenced block as it is.
            let outside: String = file.text.split("```").step_by(2).collect();
            assert!(!outside.contains("<script"), "{}:\n{outside}", file.path);
        }
        if file.path == "summary.md" {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let table: Vec<usize> = file
                .text
                .lines()
                .filter(|line| line.starts_with('|'))
                .map(bars)
                .collect();
            assert_eq!(table, [10, 10, 10]);
            assert_eq!(
                file.text.matches("<details>").count(),
                file.text.matches("</details>").count()
            );
        }
        if file.path == "annotations.txt" {
            assert!(
                file.text.lines().all(|line| line.starts_with("::")),
                "{}",
                file.text
            );
        }
    }
    let case = run.cases.last().unwrap();
    let finding = terminal::render_finding(&run, case, &case.judgement.findings[0], None, false);
    assert!(
        finding
            .chars()
            .all(|character| !character.is_control() || character == '\n')
    );
    assert_eq!(json::parse(&json::render(&run).unwrap()).unwrap(), run);
}

fn row(scenario: &str, strict: Verdict, faults: &[(&str, Verdict)]) -> kill_matrix::ProofRow {
    kill_matrix::ProofRow {
        scenario: scenario.into(),
        strict,
        faults: faults
            .iter()
            .map(|(fault, verdict)| kill_matrix::FaultVerdict {
                fault: (*fault).into(),
                verdict: *verdict,
                requirements: vec!["rfc4217.s9.prot".into()],
            })
            .collect(),
    }
}

#[test]
fn the_kill_matrix_looks_like_this() {
    let rows = [
        row(
            "auth/a",
            Verdict::Pass,
            &[("omits-auth", Verdict::Fail), ("odd-auth", Verdict::Warn)],
        ),
        row("auth/b", Verdict::Pass, &[("omits-auth", Verdict::Inconclusive)]),
        row("auth/c", Verdict::Inconclusive, &[("omits-auth", Verdict::Fail)]),
        row("auth/d", Verdict::Pass, &[]),
    ];
    let proven: Vec<bool> = rows.iter().map(kill_matrix::ProofRow::is_proven).collect();
    assert_eq!(proven, [true, false, false, false]);
    assert_data_eq!(
        kill_matrix::render(&rows),
        snapbox::file!["../../tests/golden/report/kill-matrix.txt"].raw()
    );
}

#[test]
fn coverage_lists_what_is_missing() {
    let wanted = |id: &str, area: &str, waived: Option<&str>| coverage::Wanted {
        id: id.into(),
        area: area.into(),
        grade: Grade::Warn,
        waived: waived.map(Into::into),
        partly_waived: (id == "r.one").then(|| "the rest needs a second machine".into()),
    };
    let requirements = [
        wanted("r.one", "auth", None),
        wanted("r.two", "auth", None),
        wanted("r.three", "listing", Some("needs a second machine")),
    ];
    let scenarios = [
        checking("auth/a", "r.one", "omits-auth"),
        checking("auth/b", "r.unknown", "omits-auth"),
        scenario("auth/c"),
    ];
    let coverage = coverage::compute(&requirements, &scenarios);
    let uncovered: Vec<&str> = coverage.uncovered().map(|row| row.id.as_str()).collect();
    assert_eq!(uncovered, ["r.two"]);
    assert_eq!(coverage.unknown, [("r.unknown".to_owned(), "auth/b".to_owned())]);
    assert_eq!(
        coverage.rows[0].scenarios["auth/a"],
        ["omits-auth".to_owned()].into()
    );
    assert!(coverage.rows.iter().all(|row| !row.is_needlessly_waived()));
    assert_data_eq!(
        coverage::render(&coverage),
        snapbox::file!["../../tests/golden/report/coverage.txt"].raw()
    );
}

#[test]
fn measured_coverage_counts_only_faults_that_break_a_check_naming_the_requirement() {
    let wanted = |id: &str| coverage::Wanted {
        id: id.into(),
        area: "auth".into(),
        grade: Grade::Fail,
        waived: None,
        partly_waived: None,
    };
    let scenarios = [
        checking("auth/a", "r.one", "omits-auth"),
        checking("auth/b", "r.two", "omits-auth"),
        checking("auth/c", "r.three", "omits-auth"),
        checking("auth/d", "r.four", "omits-auth"),
    ];
    let proof = |scenario: &str, requirement: &str, verdict| kill_matrix::ProofRow {
        scenario: scenario.into(),
        strict: Verdict::Pass,
        faults: vec![kill_matrix::FaultVerdict {
            fault: "omits-auth".into(),
            verdict,
            requirements: vec![requirement.into()],
        }],
    };
    let listed = coverage::compute(&["r.one", "r.two", "r.three", "r.four"].map(wanted), &scenarios);
    assert_eq!(listed.total().proven, 4);
    let measured = listed.measured_by(&[
        proof("auth/a", "r.one", Verdict::Warn),
        proof("auth/b", "r.one", Verdict::Fail),
        proof("auth/c", "r.three", Verdict::Inconclusive),
    ]);
    let unproven: Vec<&str> = measured.unproven().map(|row| row.id.as_str()).collect();
    assert_eq!(unproven, ["r.three", "r.two"]);
    assert_eq!((measured.rows.len(), measured.total().proven), (3, 1));
    let text = coverage::render(&measured);
    assert!(
        text.contains("area   proven  unproven") && text.contains("auth/b: no fault"),
        "{text}"
    );
}

#[test]
fn a_waiver_of_what_is_covered_is_told() {
    let requirements = [coverage::Wanted {
        id: "r.one".into(),
        area: "auth".into(),
        grade: Grade::Fail,
        waived: Some("needs a second machine".into()),
        partly_waived: None,
    }];
    let coverage = coverage::compute(&requirements, &[checking("auth/a", "r.one", "omits-auth")]);
    assert!(coverage.rows[0].is_needlessly_waived());
    let text = coverage::render(&coverage);
    assert!(text.contains("waived, but covered\n  r.one"), "{text}");
}

#[test]
fn a_case_that_waits_now_has_another_timing_class_and_noise_has_not() {
    let (old, mut new) = (everything(), everything());
    for case in &mut new.cases {
        // Twice as long is the load of the machine.
        case.seconds *= 2.0;
    }
    assert!(diff::diff(&old, &new).timing.is_empty());
    new.cases[0].seconds = 12.0;
    let diff = diff::diff(&old, &new);
    assert_eq!(diff.timing.len(), 1);
    let change = &diff.timing[0];
    assert_eq!(
        (change.was, change.is),
        (diff::TimingClass::Quick, diff::TimingClass::Waiting)
    );
    let text = diff::render_diff(&diff, "old", 120, false);
    assert!(
        text.contains("\ntime taken\n") && text.contains(": waiting (12.0s), was quick ("),
        "{text}"
    );
}

#[test]
fn a_property_with_another_value_is_told_per_cell_and_one_that_was_not_asked_for_is_no_change() {
    let (old, mut new) = (everything(), everything());
    for target in new.targets.values_mut() {
        target.properties.retain(|one| one.property != "rein");
        target.properties.last_mut().unwrap().value = None;
    }
    let diff = diff::diff(&old, &new);
    assert_eq!(diff.properties.len(), 1, "{:?}", diff.properties);
    let change = &diff.properties[0];
    assert_eq!(
        (
            change.property.as_str(),
            change.was.as_deref(),
            change.is.as_deref()
        ),
        ("list-end", Some("close-notify"), None)
    );
    let text = diff::render_diff(&diff, "old", 160, false);
    assert!(
        text.contains("embedded list-end[tls=tls1.3]: not found out, was close-notify ("),
        "{text}"
    );
    assert!(diff.findings.is_empty(), "no value is better than another");
}

#[test]
fn a_baseline_accepts_what_it_knows_and_nothing_else() {
    let mut run = everything();
    run.cases
        .retain(|case| case.scenario == "shutdown/truncated-upload");
    let target = &baseline::Baseline::of(&run).targets["embedded"];
    let judgement = &run.cases[0].judgement;
    assert!(target.accepts("shutdown/truncated-upload", "tls=tls1.3", judgement));
    assert!(!target.accepts("shutdown/another", "tls=tls1.3", judgement));
    let mut silent = judgement.clone();
    silent.verdict = Verdict::Inconclusive;
    assert!(
        !target.accepts("shutdown/truncated-upload", "tls=tls1.3", &silent),
        "that nothing is said was not known"
    );
    let mut new = judgement.clone();
    new.findings[0].requirement = Some("another.requirement".into());
    assert!(!target.accepts("shutdown/truncated-upload", "tls=tls1.3", &new));
}

#[test]
fn what_varies_keeps_the_cells_it_was_seen_in() {
    let run = everything();
    let accepted = baseline::Accepted::default();
    let mut old = baseline::target_baseline(&run, "embedded", None, &accepted);
    let entry = |target: &mut baseline::TargetBaseline| {
        let place = target
            .entries
            .iter()
            .position(|entry| entry.scenario == "shutdown/truncated-upload");
        target.entries.swap_remove(place.unwrap())
    };
    let mut seen = entry(&mut old);
    seen.cells = vec!["tls=tls1.2".into()];
    seen.varies = true;
    old.entries.push(seen.clone());
    // This time it happened in the other cell alone.
    let mut again = run.clone();
    for case in &mut again.cases {
        if case.scenario == "shutdown/truncated-upload" && text::cell(case) == "tls=tls1.2" {
            case.judgement.verdict = Verdict::Pass;
            case.judgement.findings.clear();
        }
    }
    let mut new = baseline::target_baseline(&again, "embedded", Some(&old), &accepted);
    let kept = entry(&mut new);
    assert_eq!(kept.cells, ["tls=tls1.2", "tls=tls1.3"]);
    assert!(kept.varies);
    old.entries.pop();
    seen.varies = false;
    old.entries.push(seen);
    let mut new = baseline::target_baseline(&again, "embedded", Some(&old), &accepted);
    assert_eq!(
        entry(&mut new).cells,
        ["tls=tls1.3"],
        "what does not vary has moved"
    );
}
