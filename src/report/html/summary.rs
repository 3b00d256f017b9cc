//! What the page says without a script: tally, targets, findings, requirements, proof, facts of the run.
//!
//! Views for the template: every text in them is harmless already, the template only escapes it for HTML.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::detail::Details;
use super::index::VERDICTS;
use crate::report::baseline::{Change, Comparison};
use crate::report::gather::Group;
use crate::report::input::Input;
use crate::report::kill_matrix::{FaultVerdict, ProofRow};
use crate::report::properties;
use crate::report::sources::RequirementSource;
use crate::report::text;
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome, TargetOutcome};
use crate::scenario::model::Severity;

/// What stays as it is in the links of the page.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'/');

/// Width of the bar of a tally, in its own units.
const BAR: usize = 1000;

/// A verdict as the page writes it: never by colour alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Badge {
    /// Class of the style sheet.
    pub class: &'static str,
    pub glyph: &'static str,
    pub word: &'static str,
}

/// The badge of the verdict with that number ([`VERDICTS`]).
fn badge(number: usize) -> Badge {
    let glyphs = ["✓", "i", "!", "~", "✕", "?", "–", "E"];
    let words = [
        "pass",
        "info",
        "warn",
        "known",
        "fail",
        "inconclusive",
        "n.a.",
        "error",
    ];
    Badge {
        class: VERDICTS.get(number).copied().unwrap_or("error"),
        glyph: glyphs.get(number).copied().unwrap_or("E"),
        word: words.get(number).copied().unwrap_or("error"),
    }
}

/// The counts in the order of [`VERDICTS`].
fn numbers(counts: &Counts) -> [usize; 8] {
    [
        counts.pass,
        counts.info,
        counts.warn,
        counts.known,
        counts.fail,
        counts.inconclusive,
        counts.not_applicable,
        counts.error,
    ]
}

/// How many cases have which verdict.
pub(super) struct TallyView {
    pub total: usize,
    pub parts: Vec<TallyPart>,
}

/// One verdict of a tally.
pub(super) struct TallyPart {
    pub badge: Badge,
    pub count: usize,
    /// Where its part of the bar begins and how long it is, of [`BAR`].
    pub start: usize,
    pub length: usize,
}

pub(super) fn tally(counts: &Counts) -> TallyView {
    let total = counts.total();
    let mut parts = Vec::new();
    let mut before = 0;
    // The bad ones first: they are what one looks for.
    for number in [4, 7, 5, 2, 3, 1, 0, 6] {
        let count = numbers(counts).get(number).copied().unwrap_or_default();
        if count > 0 {
            let start = before * BAR / total.max(1);
            let end = (before + count) * BAR / total.max(1);
            parts.push(TallyPart {
                badge: badge(number),
                count,
                start,
                // What is there can be seen, however little it is.
                length: (end - start).max(4),
            });
            before += count;
        }
    }
    TallyView { total, parts }
}

/// `3 fail, 2 inconclusive of 400 cases`, or `400 cases, none failed`.
pub(super) fn headline(run: &RunOutcome) -> String {
    let counts = run.counts();
    let cases = text::count(counts.total(), "case");
    let bad: Vec<String> = [
        (counts.fail, "failed"),
        (counts.error, "in error"),
        (counts.inconclusive, "inconclusive"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    // A list of deviations that is out of date fails a run of which no case failed.
    let stale = match run.stale_deviations().len() {
        0 => String::new(),
        1 => ", but 1 known deviation is out of date".to_owned(),
        more => format!(", but {more} known deviations are out of date"),
    };
    match bad.is_empty() {
        true if counts.total() == counts.not_applicable => format!("{cases}, none applied"),
        true => format!("{cases}, none failed{stale}"),
        false => format!("{} of {cases}", bad.join(", ")),
    }
}

/// A target.
pub(super) struct TargetView {
    pub name: String,
    pub version: String,
    pub provision: String,
    pub tally: TallyView,
    /// Severity, and how many different findings fail, warn, are known.
    pub severities: Vec<(&'static str, usize, usize, usize)>,
    pub notes: Vec<String>,
    pub unavailable: Option<String>,
    pub capabilities: Vec<(String, String)>,
    /// What no requirement judges.
    pub properties: Vec<properties::Row>,
    pub link: String,
}

pub(super) fn targets(run: &RunOutcome, groups: &[Group<'_>]) -> Vec<TargetView> {
    let mut counts: BTreeMap<&str, Vec<&CaseOutcome>> = BTreeMap::new();
    for case in &run.cases {
        counts.entry(&case.target).or_default().push(case);
    }
    run.targets
        .iter()
        .map(|(name, target)| {
            let cases = counts.remove(name.as_str()).unwrap_or_default();
            TargetView {
                name: text::plain(name),
                version: text::plain(target.version.as_deref().unwrap_or("")),
                provision: text::plain(&target.provision),
                tally: tally(&Counts::of(cases)),
                severities: severities(name, groups),
                notes: notes(target),
                unavailable: target.unavailable.as_deref().map(text::plain),
                capabilities: target
                    .capabilities
                    .iter()
                    .map(|(word, how)| (text::plain(word), text::plain(how)))
                    .collect(),
                properties: properties::rows(&target.properties),
                link: format!("#matrix?target={}", encode(name)),
            }
        })
        .collect()
}

fn notes(target: &TargetOutcome) -> Vec<String> {
    let mut notes = Vec::new();
    if target.insecure {
        notes.push("certificates were not checked".to_owned());
    }
    notes.extend(target.contradictions.iter().map(|note| text::plain(note)));
    notes
}

fn severities(target: &str, groups: &[Group<'_>]) -> Vec<(&'static str, usize, usize, usize)> {
    let mut rows = Vec::new();
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ] {
        let mut row = (text::severity(severity), 0, 0, 0);
        for group in groups
            .iter()
            .filter(|group| group.case.target == target && group.case.severity == severity)
        {
            match (group.finding.grade, group.case.known.is_some()) {
                (Some(Grade::Fail), false) => row.1 += 1,
                (Some(Grade::Fail), true) => row.3 += 1,
                (Some(Grade::Warn), _) => row.2 += 1,
                _ => {}
            }
        }
        if (row.1, row.2, row.3) != (0, 0, 0) {
            rows.push(row);
        }
    }
    rows
}

/// A finding, with all cells it was found in.
pub(super) struct FindingView {
    pub badge: Badge,
    pub severity: &'static str,
    pub target: String,
    pub title: String,
    pub cells: Vec<String>,
    pub message: String,
    pub expected: String,
    pub observed: String,
    pub requirement: String,
    pub citation: String,
    pub known: Option<String>,
    pub link: String,
}

/// How many characters of a text of a finding the list shows.
const TEXT: usize = 300;

pub(super) fn finding(input: &Input<'_>, group: &Group<'_>) -> FindingView {
    let finding = group.finding;
    let id = finding.requirement.as_deref().unwrap_or("");
    let short = |words: &str| text::short(words, TEXT);
    FindingView {
        badge: badge(
            finding
                .grade
                .map_or(5, |grade| finding_number(grade, group.case.known.is_some())),
        ),
        severity: text::severity(group.case.severity),
        target: text::plain(&group.case.target),
        title: short(&group.case.title),
        cells: group.cells.clone(),
        message: short(&format!("{} {}", group.case.target, finding.message)),
        expected: short(&finding.expected),
        observed: short(&finding.observed),
        requirement: text::plain(id),
        citation: input
            .sources
            .requirements
            .get(id)
            .map_or_else(String::new, |source| text::plain(&source.citation)),
        known: group.case.known.as_deref().map(short),
        link: case_link(group.case),
    }
}

/// Number of the badge of a finding ([`VERDICTS`]); a worse one has a higher number.
fn finding_number(grade: Grade, is_known: bool) -> usize {
    match grade {
        Grade::Fail if is_known => 3,
        Grade::Fail => 4,
        Grade::Warn => 2,
        Grade::Info => 1,
    }
}

/// The link to the page of a case. It names the case, so it holds from run to run.
fn case_link(case: &CaseOutcome) -> String {
    let mut link = format!(
        "#case?target={}&scenario={}",
        encode(&text::plain(&case.target)),
        encode(&text::plain(&case.scenario))
    );
    let cell = text::cell(case);
    if !cell.is_empty() {
        link.push_str("&cell=");
        link.push_str(&encode(&cell));
    }
    link
}

pub(super) fn encode(word: &str) -> String {
    utf8_percent_encode(word, PLAIN).to_string()
}

/// The requirements by document.
pub(super) struct CoverageView {
    pub documents: Vec<DocumentView>,
    pub total: usize,
    pub covered: usize,
    pub proven: usize,
}

/// One document.
pub(super) struct DocumentView {
    pub name: String,
    pub total: usize,
    pub covered: usize,
    pub broken: usize,
    pub sections: Vec<SectionView>,
}

/// One section.
pub(super) struct SectionView {
    pub name: String,
    pub rows: Vec<RequirementView>,
}

/// One requirement.
pub(super) struct RequirementView {
    pub id: String,
    pub level: String,
    pub summary: String,
    /// Class, glyph and words of its state.
    pub state: Badge,
    pub detail: String,
    pub scenarios: usize,
    pub faults: usize,
    /// The matrix, showing what checks it; none when nothing of the run does.
    pub link: Option<String>,
}

/// What the run says about a requirement.
#[derive(Default)]
struct Seen<'a> {
    held: usize,
    /// Target, and the number of the badge of the worst that was found there.
    broken: BTreeMap<&'a str, usize>,
}

pub(super) fn coverage(input: &Input<'_>) -> CoverageView {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for case in &input.run.cases {
        let mut held = BTreeSet::new();
        for proven in &case.judgement.held {
            if held.insert(&proven.requirement) {
                seen.entry(&proven.requirement).or_default().held += 1;
            }
        }
        for finding in &case.judgement.findings {
            if let (Some(id), Some(grade)) = (&finding.requirement, finding.grade) {
                let number = finding_number(grade, case.known.is_some());
                let worst = seen
                    .entry(id)
                    .or_default()
                    .broken
                    .entry(&case.target)
                    .or_default();
                *worst = number.max(*worst);
            }
        }
    }
    let checked: BTreeSet<&str> = input
        .sources
        .scenarios
        .values()
        .flat_map(|scenario| scenario.requirements.iter().map(String::as_str))
        .collect();
    let mut documents: BTreeMap<DocumentKey, BTreeMap<SectionKey, Vec<RequirementView>>> = BTreeMap::new();
    for (id, source) in &input.sources.requirements {
        let row = requirement(id, source, seen.get(id.as_str()), checked.contains(id.as_str()));
        documents
            .entry(document_key(source))
            .or_default()
            .entry(section_key(source))
            .or_default()
            .push(row);
    }
    let documents: Vec<DocumentView> = documents.into_iter().map(document).collect();
    let requirements = || input.sources.requirements.values();
    CoverageView {
        total: requirements().count(),
        covered: requirements()
            .filter(|source| !source.scenarios.is_empty())
            .count(),
        proven: requirements().filter(|source| !source.faults.is_empty()).count(),
        documents,
    }
}

/// Documents without a number come last; those with one in the order of their numbers.
type DocumentKey = (u64, String);
/// Sections in the order of their parts.
type SectionKey = (Vec<u64>, String);

fn document_key(source: &RequirementSource) -> DocumentKey {
    match &source.document {
        Some(name) => {
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            (digits.parse().unwrap_or(u64::MAX - 1), text::plain(name))
        }
        None => (u64::MAX, "Practice".to_owned()),
    }
}

fn section_key(source: &RequirementSource) -> SectionKey {
    let name = source.section.as_deref().unwrap_or("");
    let parts = name
        .split('.')
        .map(|part| part.parse().unwrap_or(u64::MAX))
        .collect();
    let shown = match name {
        "" => String::new(),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("section {}", text::plain(name)),
        _ => text::plain(name),
    };
    (parts, shown)
}

fn document(
    ((_, name), sections): (DocumentKey, BTreeMap<SectionKey, Vec<RequirementView>>),
) -> DocumentView {
    let sections: Vec<SectionView> = sections
        .into_iter()
        .map(|((_, name), rows)| SectionView { name, rows })
        .collect();
    let rows = || sections.iter().flat_map(|section| &section.rows);
    DocumentView {
        name,
        total: rows().count(),
        covered: rows().filter(|row| row.scenarios > 0).count(),
        broken: rows().filter(|row| row.state.class == "fail").count(),
        sections,
    }
}

fn requirement(
    id: &str,
    source: &RequirementSource,
    seen: Option<&Seen<'_>>,
    is_checked: bool,
) -> RequirementView {
    let (state, detail) = state(source, seen, is_checked);
    RequirementView {
        id: text::plain(id),
        level: source.level.to_string(),
        summary: text::plain(&source.summary),
        state,
        detail,
        scenarios: source.scenarios.len(),
        faults: source.faults.len(),
        link: is_checked.then(|| format!("#matrix?requirement={}", encode(id))),
    }
}

fn state(source: &RequirementSource, seen: Option<&Seen<'_>>, is_checked: bool) -> (Badge, String) {
    let named = |number: usize, word| Badge {
        word,
        ..badge(number)
    };
    if let Some(seen) = seen {
        let worst = seen.broken.values().max().copied();
        let who: Vec<String> = seen.broken.keys().map(|target| text::plain(target)).collect();
        return match worst {
            Some(4) => (named(4, "broken"), format!("by {}", who.join(", "))),
            Some(3) => (named(3, "known"), format!("to be broken by {}", who.join(", "))),
            Some(2) => (named(2, "warned"), format!("about {}", who.join(", "))),
            Some(_) => (named(1, "noted"), format!("of {}", who.join(", "))),
            None => (named(0, "held"), format!("in {}", text::count(seen.held, "case"))),
        };
    }
    let none = |word| Badge {
        class: "none",
        glyph: "·",
        word,
    };
    match &source.waived {
        _ if is_checked => (named(6, "not judged"), "in this run".to_owned()),
        _ if !source.scenarios.is_empty() => (none("not run"), String::new()),
        Some(reason) => (none("waived"), text::plain(reason)),
        None => (none("uncovered"), String::new()),
    }
}

/// The kill matrix.
pub(super) struct ProofView {
    pub rows: Vec<ProofRowView>,
    pub proven: usize,
    pub faults: usize,
    pub caught: usize,
}

/// One scenario of the proof.
pub(super) struct ProofRowView {
    pub scenario: String,
    pub state: Badge,
    pub strict: String,
    pub faults: Vec<FaultView>,
}

/// A scenario against a fault.
pub(super) struct FaultView {
    pub name: String,
    pub state: Badge,
    pub requirements: String,
}

pub(super) fn proof(rows: &[ProofRow]) -> ProofView {
    let named = |number: usize, word| Badge {
        word,
        ..badge(number)
    };
    let fault = |fault: &FaultVerdict| FaultView {
        name: text::plain(&fault.fault),
        state: if fault.is_caught() {
            named(0, "caught")
        } else {
            named(4, "missed")
        },
        requirements: text::plain(&fault.requirements.join(", ")),
    };
    let all = || rows.iter().flat_map(|row| &row.faults);
    ProofView {
        proven: rows.iter().filter(|row| row.is_proven()).count(),
        faults: all().count(),
        caught: all().filter(|fault| fault.is_caught()).count(),
        rows: rows
            .iter()
            .map(|row| ProofRowView {
                scenario: text::plain(&row.scenario),
                state: if row.is_proven() {
                    named(0, "proven")
                } else {
                    named(4, "not proven")
                },
                strict: row.strict.to_string(),
                faults: row.faults.iter().map(fault).collect(),
            })
            .collect(),
    }
}

/// Facts of the run, and what is missing from the page.
pub(super) struct Facts {
    pub headline: String,
    pub rows: Vec<(&'static str, String)>,
    pub warnings: Vec<String>,
    /// RFC 3339, and as people write it.
    pub started: String,
    pub date: String,
    pub version: String,
    /// What the run as a whole amounts to.
    pub outcome: Badge,
}

pub(super) fn facts(input: &Input<'_>, details: &Details) -> Facts {
    let run = input.run;
    let facts = &run.run;
    let mut rows = vec![
        ("run", text::plain(&facts.id)),
        ("started", text::plain(&facts.started)),
        ("took", format!("{:.1} s", facts.seconds)),
        ("ftpspec", text::plain(&facts.version)),
        ("scenarios", facts.scenarios.to_string()),
        (
            "cases",
            format!("{} of {} planned", run.cases.len(), facts.planned),
        ),
        ("corpus", text::short(&facts.corpus, 17)),
    ];
    if !facts.options.is_empty() {
        rows.push(("options", text::plain(&facts.options.join(", "))));
    }
    if let Some(shard) = &facts.shard {
        rows.push(("shard", text::plain(shard)));
    }
    if let Some((_, of)) = run.cases.iter().find_map(|case| case.repeated) {
        rows.push(("repeated", format!("each case {of} times")));
    }
    let mut warnings = Vec::new();
    let missing = facts.planned.saturating_sub(run.cases.len());
    if facts.interrupted || missing > 0 {
        warnings.push(format!(
            "interrupted: {} did not run",
            text::count(missing, "case")
        ));
    }
    warnings.extend(run.stale_deviations().iter().map(|stale| text::plain(stale)));
    for (name, target) in run
        .targets
        .iter()
        .filter(|(_, target)| target.unavailable.is_some())
    {
        let reason = target.unavailable.as_deref().unwrap_or("");
        warnings.push(format!(
            "{} could not be used: {}",
            text::plain(name),
            text::plain(reason)
        ));
    }
    if details.left_out > 0 {
        warnings.push(format!(
            "{} have no details here, for the size of the page; their traces are in the report folder",
            text::count(details.left_out, "case")
        ));
    }
    if details.unreadable > 0 {
        warnings.push(format!(
            "the traces of {} could not be read",
            text::count(details.unreadable, "case")
        ));
    }
    Facts {
        headline: headline(run),
        rows,
        warnings,
        started: text::plain(&facts.started),
        date: date(&text::plain(&facts.started)),
        version: text::plain(&facts.version),
        outcome: outcome(run),
    }
}

fn outcome(run: &RunOutcome) -> Badge {
    let named = |number: usize, word| Badge {
        word,
        ..badge(number)
    };
    match run.exit_code(false) {
        0 => named(0, "passed"),
        1 => named(4, "failed"),
        70 => named(7, "trouble in ftpspec"),
        _ => named(5, "inconclusive"),
    }
}

/// `2026-01-02 03:04 UTC`.
fn date(started: &str) -> String {
    match started.split_once('T') {
        Some((day, time)) if started.ends_with('Z') => {
            format!(
                "{day} {} UTC",
                time.chars().take("03:04".len()).collect::<String>()
            )
        }
        _ => started.to_owned(),
    }
}

/// What is different from a baseline.
pub(super) struct ChangesView {
    pub groups: Vec<ChangeGroup>,
}

/// Changes of one kind.
pub(super) struct ChangeGroup {
    pub state: Badge,
    pub rows: Vec<ChangeView>,
}

/// One change.
pub(super) struct ChangeView {
    pub target: String,
    pub text: String,
    pub requirement: String,
    pub cells: Vec<String>,
    /// The scenario, and the matrix that shows it.
    pub scenario: Option<(String, String)>,
}

/// How many changes of a kind are shown.
const CHANGES: usize = 500;

pub(super) fn changes(comparison: &Comparison) -> ChangesView {
    let named = |number: usize, word| Badge {
        word,
        ..badge(number)
    };
    let kinds = [
        (named(4, "worse"), &comparison.worse),
        (named(5, "nothing is said any more"), &comparison.open),
        (named(0, "better"), &comparison.better),
        (named(1, "different"), &comparison.other),
    ];
    ChangesView {
        groups: kinds
            .into_iter()
            .filter(|(_, changes)| !changes.is_empty())
            .map(|(state, changes)| ChangeGroup {
                state,
                rows: changes.iter().take(CHANGES).map(change).collect(),
            })
            .collect(),
    }
}

fn change(change: &Change) -> ChangeView {
    let link = |id: &String| {
        let target = encode(&text::plain(&change.target));
        let scenario = encode(&text::plain(id));
        (
            text::plain(id),
            format!("#matrix?target={target}&scenario={scenario}&rows=case"),
        )
    };
    ChangeView {
        target: text::plain(&change.target),
        text: text::short(&change.text, TEXT),
        requirement: text::plain(change.requirement.as_deref().unwrap_or("")),
        cells: change
            .cells
            .iter()
            .filter(|cell| !cell.is_empty())
            .map(|cell| text::plain(cell))
            .collect(),
        scenario: change.scenario.as_ref().map(link),
    }
}
