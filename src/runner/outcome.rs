//! Outcomes: what reports are made of. Plain data, versioned, written as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known;
use crate::judge::{Judgement, Verdict};
use crate::target::KnownDeviation;

/// Version of the report format.
pub const REPORT_FORMAT: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunOutcome {
    /// [`REPORT_FORMAT`].
    pub ftpspec_report: u32,
    /// Facts about the run.
    pub run: RunFacts,
    /// The targets, by name.
    pub targets: BTreeMap<String, TargetOutcome>,
    /// The cases, sorted by target, scenario, cell, repetition.
    pub cases: Vec<CaseOutcome>,
}

/// Facts about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunFacts {
    /// Id of the run.
    pub id: String,
    /// When it started, RFC 3339 UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Version of ftpspec.
    pub version: String,
    /// SHA-256 over all scenarios and requirements, hex.
    pub corpus: String,
    /// How many scenarios were selected.
    pub scenarios: usize,
    /// What was selected and how, in words of the command line: filters, `matrix AXIS=VALUE`, `repeat N`, `slow`.
    #[serde(default)]
    pub options: Vec<String>,
    /// Shard `i/n`, when one was asked for.
    pub shard: Option<String>,
    /// The cases of all shards together, when this is one.
    #[serde(default)]
    pub unsharded: Option<usize>,
    /// True when the run was interrupted: cases are missing.
    pub interrupted: bool,
    /// Cases selected, run or not.
    pub planned: usize,
}

/// A target of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TargetOutcome {
    /// Its version, as far as known.
    pub version: Option<String>,
    /// How it was provided: `embedded`, `process`, `external`.
    pub provision: String,
    /// Address and port.
    pub address: String,
    /// Whether certificates were not checked (`--insecure`).
    pub insecure: bool,
    /// Capabilities: word to how it is known (`declared`, `discovered: 211 with MLSD`, …).
    pub capabilities: BTreeMap<String, String>,
    /// Contradictions between declared and discovered, one sentence each.
    pub contradictions: Vec<String>,
    /// The known deviations of its profile.
    #[serde(default)]
    pub known_deviations: Vec<KnownDeviation>,
    /// Why the target could not be used, when it could not.
    pub unavailable: Option<String>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CaseOutcome {
    /// Scenario id.
    pub scenario: String,
    /// Target name.
    pub target: String,
    /// Axis to value, in the order of the axes.
    pub cell: Vec<(String, String)>,
    /// Title of the scenario.
    pub title: String,
    /// Severity of the scenario.
    pub severity: crate::scenario::model::Severity,
    /// The judge's word. With `--repeat`, the worst of all repetitions.
    pub judgement: Judgement,
    /// Set when every failing finding is a known deviation of the profile: its reason.
    pub known: Option<String>,
    /// `k of n` repetitions that had this verdict, when n > 1.
    pub repeated: Option<(u32, u32)>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Folder with the trace, relative to the report folder; none when nothing was run.
    pub folder: Option<String>,
}

/// Exit codes of a run (design section 6).
pub mod exit {
    /// Nothing wrong.
    pub const GOOD: u8 = 0;
    /// A case failed (with `--strict`: or warned).
    pub const FAILED: u8 = 1;
    /// Nothing can be said about a case or a target.
    pub const INCONCLUSIVE: u8 = 3;
    /// Nothing was selected.
    pub const NOTHING: u8 = 4;
    /// Trouble in the harness.
    pub const HARNESS: u8 = 70;
}

/// How many cases have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// `pass`.
    pub pass: usize,
    /// `info`.
    pub info: usize,
    /// `warn`.
    pub warn: usize,
    /// `fail`, known deviations not counted.
    pub fail: usize,
    /// `fail` where every failing finding is a known deviation.
    pub known: usize,
    /// `inconclusive`.
    pub inconclusive: usize,
    /// `not-applicable`.
    pub not_applicable: usize,
    /// `error`.
    pub error: usize,
}

impl Counts {
    /// The counts of `cases`.
    #[must_use]
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseOutcome>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.add(case);
        }
        counts
    }

    /// Counts `case` too.
    pub fn add(&mut self, case: &CaseOutcome) {
        *self.of_case(case) += 1;
    }

    fn of_case(&mut self, case: &CaseOutcome) -> &mut usize {
        match case.judgement.verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Info => &mut self.info,
            Verdict::Warn => &mut self.warn,
            Verdict::Fail if case.known.is_some() => &mut self.known,
            Verdict::Fail => &mut self.fail,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::NotApplicable => &mut self.not_applicable,
            Verdict::Error => &mut self.error,
        }
    }

    /// All cases.
    #[must_use]
    pub fn total(&self) -> usize {
        self.pass
            + self.info
            + self.warn
            + self.fail
            + self.known
            + self.inconclusive
            + self.not_applicable
            + self.error
    }
}

impl CaseOutcome {
    /// Whether the case failed and not every failing finding is a known deviation.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.judgement.verdict == Verdict::Fail && self.known.is_none()
    }

    /// The area of the scenario: the first part of its id.
    #[must_use]
    pub fn area(&self) -> &str {
        self.scenario.split('/').next().unwrap_or("")
    }
}

impl RunOutcome {
    /// The counts over all cases.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.cases)
    }

    /// The cases of `target`.
    pub fn cases_of<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a CaseOutcome> {
        self.cases.iter().filter(move |case| case.target == target)
    }

    /// The known deviations that no longer happen, one sentence each. See [`KnownDeviation::targets`].
    #[must_use]
    pub fn stale_deviations(&self) -> Vec<String> {
        known::stale(self)
    }

    /// The exit code; with `strict`, warnings fail.
    ///
    /// A run that was interrupted, that has fewer cases than were planned, or with a target that could not be used, is
    /// inconclusive at best: what did not run never counts as good. A known deviation that no longer happens fails, so
    /// that nobody relies on a list that is out of date.
    #[must_use]
    pub fn exit_code(&self, strict: bool) -> u8 {
        let counts = self.counts();
        let unavailable = self.targets.values().any(|target| target.unavailable.is_some());
        if counts.error > 0 {
            exit::HARNESS
        } else if counts.fail > 0 || strict && counts.warn > 0 || !self.stale_deviations().is_empty() {
            exit::FAILED
        } else if counts.inconclusive > 0
            || unavailable
            || self.run.interrupted
            || self.cases.len() < self.run.planned
        {
            exit::INCONCLUSIVE
        } else if counts.total() == counts.not_applicable {
            // Nothing was judged, so nothing can be good.
            exit::NOTHING
        } else {
            exit::GOOD
        }
    }
}

/// Outcomes for tests.
#[cfg(test)]
pub(crate) mod fixtures {
    use std::time::Duration;

    use super::*;
    use crate::judge::Finding;
    use crate::requirement::{Grade, Level};
    use crate::scenario::model::Severity;
    use crate::trace::{Phase, StepIndex};

    /// A case of the target `embedded` without findings.
    pub(crate) fn case(scenario: &str, verdict: Verdict) -> CaseOutcome {
        CaseOutcome {
            scenario: scenario.into(),
            target: "embedded".into(),
            cell: vec![("tls".into(), "tls1.3".into())],
            title: "A truncated upload is not acknowledged".into(),
            severity: Severity::Critical,
            judgement: Judgement {
                verdict,
                findings: Vec::new(),
                held: Vec::new(),
                reason: None,
            },
            known: None,
            repeated: None,
            seconds: 0.25,
            folder: Some(format!("embedded/{scenario}/tls=tls1.3")),
        }
    }

    /// A finding of the requirement `sec.truncation.stor`.
    pub(crate) fn finding(grade: Grade) -> Finding {
        Finding {
            requirement: Some("sec.truncation.stor".into()),
            level: Some(Level::SecurityPractice),
            grade: Some(grade),
            step: StepIndex {
                phase: Phase::Steps,
                index: 5,
            },
            check: Some(0),
            message: "answered `STOR x` with `226 Transfer complete.`".into(),
            expected: "4yz or 5yz within 10s".into(),
            observed: "226 after 0.04s".into(),
            event: 17,
            at: Duration::from_millis(281),
        }
    }

    /// A case with one finding of `grade`.
    pub(crate) fn case_with(scenario: &str, verdict: Verdict, grade: Grade) -> CaseOutcome {
        let mut case = case(scenario, verdict);
        case.judgement.findings.push(finding(grade));
        case
    }

    /// A run of these cases against the target `embedded`.
    pub(crate) fn outcome(cases: Vec<CaseOutcome>) -> RunOutcome {
        RunOutcome {
            ftpspec_report: REPORT_FORMAT,
            run: RunFacts {
                id: "1a2b".into(),
                started: "2026-01-02T03:04:05Z".into(),
                seconds: 12.34,
                version: "0.1.0".into(),
                corpus: "00ff".into(),
                scenarios: cases.len(),
                options: Vec::new(),
                shard: None,
                unsharded: None,
                interrupted: false,
                planned: cases.len(),
            },
            targets: [(
                "embedded".to_owned(),
                TargetOutcome {
                    version: Some("0.1.0".into()),
                    provision: "embedded".into(),
                    address: "127.0.0.1:2121".into(),
                    insecure: false,
                    capabilities: [("upload".to_owned(), "declared".to_owned())].into(),
                    contradictions: Vec::new(),
                    known_deviations: Vec::new(),
                    unavailable: None,
                },
            )]
            .into(),
            cases,
        }
    }

    /// One case of every verdict, a known deviation, and two cells with the same finding.
    pub(crate) fn everything() -> RunOutcome {
        let with_reason = |scenario: &str, verdict, reason: &str| {
            let mut case = case(scenario, verdict);
            case.judgement.reason = Some(reason.into());
            case
        };
        let mut other_cell = case_with("shutdown/truncated-upload", Verdict::Fail, Grade::Fail);
        other_cell.cell = vec![("tls".into(), "tls1.2".into())];
        let mut known = case_with("protection/prot-before-pbsz", Verdict::Fail, Grade::Fail);
        known.known = Some("accepted on purpose until 2.0".into());
        let mut warned = case_with("replies/odd-code", Verdict::Warn, Grade::Warn);
        warned.severity = Severity::Low;
        let mut informed = case_with("session-reuse/policy", Verdict::Info, Grade::Info);
        informed.severity = Severity::Medium;
        outcome(vec![
            case("auth/auth-tls", Verdict::Pass),
            with_reason(
                "active-mode/port",
                Verdict::NotApplicable,
                "requires `port`, which the target lacks (declared)",
            ),
            with_reason(
                "transfer/stor",
                Verdict::Inconclusive,
                "set-up step 1 (reach) did not come about: expected `reach` to succeed, got 530 where 230 was hoped for",
            ),
            with_reason("transfer/abor", Verdict::Error, "no free port"),
            known,
            warned,
            informed,
            other_cell,
            case_with("shutdown/truncated-upload", Verdict::Fail, Grade::Fail),
        ])
    }

    /// A target that put control characters, markup and a NUL wherever it could.
    pub(crate) fn hostile() -> RunOutcome {
        const EVIL: &str = "\u{1b}[31mred\u{0}<script>alert(1)</script>|`x`]]>\r\n\u{202e}&amp;";
        let mut failed = case_with("shutdown/evil", Verdict::Fail, Grade::Fail);
        for finding in &mut failed.judgement.findings {
            finding.message = format!("answered with {EVIL}");
            finding.observed = EVIL.into();
        }
        let mut inconclusive = case("auth/evil", Verdict::Inconclusive);
        inconclusive.judgement.reason = Some(EVIL.into());
        let mut absent = case("auth/absent", Verdict::NotApplicable);
        absent.judgement.reason = Some(EVIL.into());
        let mut warned = case_with("auth/warned", Verdict::Warn, Grade::Warn);
        warned.title = EVIL.into();
        for finding in &mut warned.judgement.findings {
            finding.observed = EVIL.into();
        }
        let mut run = outcome(vec![absent, inconclusive, warned, failed]);
        for target in run.targets.values_mut() {
            target.version = Some(EVIL.into());
            target.contradictions.push(EVIL.into());
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{case, outcome};
    use super::*;

    fn code_of(verdicts: &[Verdict], strict: bool) -> u8 {
        outcome(verdicts.iter().map(|verdict| case("a/b", *verdict)).collect()).exit_code(strict)
    }

    #[test]
    fn the_worst_verdict_gives_the_exit_code() {
        use Verdict::{Error, Fail, Inconclusive, Info, NotApplicable, Pass, Warn};
        assert_eq!(code_of(&[Pass, Info, Warn, NotApplicable], false), 0);
        assert_eq!(code_of(&[Pass, Warn], true), 1);
        assert_eq!(code_of(&[Pass, Info], true), 0);
        assert_eq!(code_of(&[Pass, Inconclusive], false), 3);
        assert_eq!(code_of(&[Inconclusive, Fail], false), 1);
        assert_eq!(code_of(&[Inconclusive, Warn], true), 1);
        assert_eq!(code_of(&[Fail, Error], false), 70);
    }

    #[test]
    fn known_deviations_do_not_fail_a_run() {
        let mut known = case("a/b", Verdict::Fail);
        known.known = Some("fixed in 2.0".into());
        let run = outcome(vec![known, case("a/c", Verdict::Pass)]);
        assert_eq!(run.exit_code(true), 0);
        let counts = run.counts();
        assert_eq!((counts.known, counts.fail, counts.total()), (1, 0, 2));
    }

    #[test]
    fn what_did_not_run_is_never_good() {
        assert_eq!(code_of(&[], false), 4);
        let mut run = outcome(vec![case("a/b", Verdict::Pass)]);
        run.run.planned = 2;
        assert_eq!(run.exit_code(false), 3);
        run.run.planned = 1;
        assert_eq!(run.exit_code(false), 0);
        run.run.interrupted = true;
        assert_eq!(run.exit_code(false), 3);
        run.run.interrupted = false;
        for target in run.targets.values_mut() {
            target.unavailable = Some("no answer".into());
        }
        assert_eq!(run.exit_code(false), 3);
    }
}
