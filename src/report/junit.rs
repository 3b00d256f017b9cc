//! The report as JUnit XML: one suite per target, one test case per case.
//!
//! A failure is a failure and an error is an error (design section 6): `fail` becomes `failure`, `inconclusive` and
//! `error` become `error`, `not-applicable` becomes `skipped`, everything else is a success with properties.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::terminal::render_finding;
use super::text;
use crate::judge::{Finding, Verdict};
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

/// `run` as JUnit XML.
///
/// # Errors
/// When the XML cannot be written.
pub fn render(run: &RunOutcome) -> Result<String, SerializeError> {
    let mut report = Report::new("ftpspec");
    report.set_time(seconds(run.run.seconds));
    for name in run.targets.keys() {
        report.add_test_suite(suite(run, name));
    }
    report.to_string()
}

fn suite(run: &RunOutcome, name: &str) -> TestSuite {
    let mut suite = TestSuite::new(text::plain(name));
    suite.add_property(Property::new("started", text::plain(&run.run.started)));
    if let Some(target) = run.targets.get(name) {
        if let Some(version) = &target.version {
            suite.add_property(Property::new("version", text::plain(version)));
        }
        if let Some(reason) = &target.unavailable {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(text::plain(reason));
            suite.add_test_case(TestCase::new("the target can be used", status));
        }
    }
    let mut total = Duration::ZERO;
    for case in run.cases_of(name) {
        total = total.saturating_add(seconds(case.seconds));
        suite.add_test_case(test_case(run, case));
    }
    suite.set_time(total);
    suite
}

fn test_case(run: &RunOutcome, case: &CaseOutcome) -> TestCase {
    let mut test = TestCase::new(text::case_name(case), status(run, case));
    test.set_classname(format!(
        "{}.{}",
        text::plain(&case.target),
        text::plain(case.area())
    ));
    test.set_time(seconds(case.seconds));
    test.add_property(Property::new("title", text::plain(&case.title)));
    test.add_property(Property::new("severity", text::severity(case.severity)));
    test.add_property(Property::new("verdict", text::verdict(case)));
    if let Some(reason) = &case.known {
        test.add_property(Property::new("known-deviation", text::plain(reason)));
    }
    for finding in &case.judgement.findings {
        let name = match finding.grade {
            Some(Grade::Warn) => "warning",
            Some(Grade::Info) => "info",
            Some(Grade::Fail) if case.known.is_some() => "known-finding",
            _ => continue,
        };
        test.add_property(Property::new(name, one_line(case, finding)));
    }
    test
}

fn status(run: &RunOutcome, case: &CaseOutcome) -> TestCaseStatus {
    let reason = || {
        case.judgement
            .reason
            .as_deref()
            .map_or_else(|| "no reason given".to_owned(), text::plain)
    };
    let error = |kind: &str| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_type(kind)
            .set_message(reason())
            .set_description(findings(run, case, None));
        status
    };
    match case.judgement.verdict {
        Verdict::Pass | Verdict::Info | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Fail if case.known.is_some() => TestCaseStatus::success(),
        Verdict::Fail => {
            let first = case
                .judgement
                .findings
                .iter()
                .find(|finding| finding.grade == Some(Grade::Fail));
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let requirement = first
                .and_then(|finding| finding.requirement.as_deref())
                .unwrap_or("fail");
            status.set_type(text::plain(requirement));
            status.set_message(first.map_or_else(reason, |finding| one_line(case, finding)));
            status.set_description(findings(run, case, Some(Grade::Fail)));
            status
        }
        Verdict::Inconclusive => error("inconclusive"),
        Verdict::Error => error("harness"),
        Verdict::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason());
            status
        }
    }
}

/// The findings of `grade` (of any, without one) in full.
fn findings(run: &RunOutcome, case: &CaseOutcome, grade: Option<Grade>) -> String {
    let mut all = String::new();
    for finding in &case.judgement.findings {
        if grade.is_none() || finding.grade == grade {
            let _ = writeln!(all, "{}", render_finding(run, case, finding, None, false));
        }
    }
    all.trim_end().to_owned()
}

fn one_line(case: &CaseOutcome, finding: &Finding) -> String {
    let message = text::plain(&finding.message);
    format!(
        "{} {message}: {}",
        text::plain(&case.target),
        text::expected_got(finding)
    )
}

/// A report that was read from a file may hold any number.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
