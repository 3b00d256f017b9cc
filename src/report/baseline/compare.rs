//! A run held against a baseline: what got worse, what got better, what says nothing any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Baseline, Broken, Entry, EntryOutcome, TargetBaseline, broken, is_present};
use crate::judge::Verdict;
use crate::report::terminal::Paint;
use crate::report::text;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

/// How many lines a change may take.
const LINES: usize = 3;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Name of the target.
    pub target: String,
    /// Id of the scenario; none when it is about the target as a whole.
    pub scenario: Option<String>,
    /// The requirement, when one is broken or no longer broken.
    pub requirement: Option<String>,
    /// What is different, and how it was and is.
    pub text: String,
    /// The cells, as `axis=value,axis=value`; one empty text for a scenario without a matrix.
    pub cells: BTreeSet<String>,
}

/// All differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// Got worse: new findings, graver ones, entries past their last day, lost capabilities.
    pub worse: Vec<Change>,
    /// Got better: findings that are gone or milder.
    pub better: Vec<Change>,
    /// Cases that say nothing about their target and did before.
    pub open: Vec<Change>,
    /// Different, and neither worse nor better: new capabilities, another version.
    pub other: Vec<Change>,
}

impl Comparison {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worse.is_empty() && self.better.is_empty() && self.open.is_empty() && self.other.is_empty()
    }
}

/// Target, scenario, requirement and text of a change.
type Key = (String, Option<String>, Option<String>, String);

/// Changes, put together from cells.
#[derive(Default)]
struct Changes(BTreeMap<Key, BTreeSet<String>>);

impl Changes {
    fn of_target(&mut self, target: &str, text: String) {
        self.0.entry((target.to_owned(), None, None, text)).or_default();
    }

    fn of_case(&mut self, case: &CaseOutcome, requirement: Option<&str>, text: String) {
        let key = (
            case.target.clone(),
            Some(case.scenario.clone()),
            requirement.map(str::to_owned),
            text,
        );
        self.0.entry(key).or_default().insert(text::cell(case));
    }

    fn into_list(self) -> Vec<Change> {
        let changes = self.0.into_iter();
        changes
            .map(|((target, scenario, requirement, text), cells)| Change {
                target,
                scenario,
                requirement,
                text,
                cells,
            })
            .collect()
    }
}

#[derive(Default)]
struct Lists {
    worse: Changes,
    better: Changes,
    open: Changes,
    other: Changes,
}

/// Holds `run` against `baseline`; targets that the baseline does not name are expected to be without findings. `today`
/// is `YYYY-MM-DD`.
#[must_use]
pub fn compare(run: &RunOutcome, baseline: &Baseline, today: &str) -> Comparison {
    let mut lists = Lists::default();
    let nothing = TargetBaseline::default();
    for (name, outcome) in &run.targets {
        let expected = baseline.targets.get(name).unwrap_or(&nothing);
        if outcome.unavailable.is_none() && baseline.targets.contains_key(name) {
            capabilities(&mut lists, name, expected, &outcome.capabilities);
            if let (Some(old), Some(new)) = (&expected.version, &outcome.version)
                && old != new
            {
                lists.other.of_target(name, format!("was {old}, is {new}"));
            }
        }
        for case in run.cases_of(name) {
            compare_case(&mut lists, run, case, expected, today);
        }
    }
    Comparison {
        worse: lists.worse.into_list(),
        better: lists.better.into_list(),
        open: lists.open.into_list(),
        other: lists.other.into_list(),
    }
}

fn capabilities(
    lists: &mut Lists,
    target: &str,
    expected: &TargetBaseline,
    found: &BTreeMap<String, String>,
) {
    for word in &expected.has {
        if let Some(evidence) = found.get(word).filter(|evidence| !is_present(evidence)) {
            lists
                .worse
                .of_target(target, format!("no longer has {word} ({evidence})"));
        }
    }
    for word in &expected.lacks {
        if let Some(evidence) = found.get(word).filter(|evidence| is_present(evidence)) {
            lists
                .other
                .of_target(target, format!("now has {word} ({evidence})"));
        }
    }
}

fn compare_case(
    lists: &mut Lists,
    run: &RunOutcome,
    case: &CaseOutcome,
    expected: &TargetBaseline,
    today: &str,
) {
    let cell = text::cell(case);
    let entries: Vec<&Entry> = expected
        .entries
        .iter()
        .filter(|entry| entry.scenario == case.scenario)
        .filter(|entry| entry.cells.is_empty() || entry.cells.contains(&cell))
        .collect();
    let found = broken(run, case);
    for broken in &found {
        let same = entries
            .iter()
            .filter(|entry| entry.requirement.as_deref() == broken.requirement)
            .max_by_key(|entry| entry.outcome);
        // The profile says that it happens now and then; whether it did when the baseline was made, or something milder of
        // the same requirement, is chance.
        let is_milder = same.is_none_or(|entry| entry.outcome < broken.outcome);
        if is_milder && varies(run, case, broken, &cell, today) {
            continue;
        }
        compare_broken(lists, case, broken, same.copied(), today);
    }
    // What is not there may only be hidden, unless the case went through.
    if !matches!(
        case.judgement.verdict,
        Verdict::Pass | Verdict::Info | Verdict::Warn
    ) {
        return;
    }
    for entry in entries.iter().filter(|entry| !entry.varies) {
        let is_gone = !found
            .iter()
            .any(|broken| broken.requirement == entry.requirement.as_deref());
        if is_gone {
            let was = entry.outcome.name();
            let text = match entry.outcome {
                EntryOutcome::Inconclusive => "no longer inconclusive".to_owned(),
                EntryOutcome::Fail | EntryOutcome::Warn => format!("no longer there ({was})"),
            };
            lists.better.of_case(case, entry.requirement.as_deref(), text);
        }
    }
}

/// Whether a known deviation of the target says that this does not happen every time.
fn varies(run: &RunOutcome, case: &CaseOutcome, broken: &Broken<'_>, cell: &str, today: &str) -> bool {
    let outcome = run.targets.get(&case.target);
    let mut deviations = outcome.into_iter().flat_map(|outcome| &outcome.known_deviations);
    deviations.any(|deviation| {
        deviation.varies
            && broken.requirement == Some(deviation.requirement.as_str())
            && deviation.speaks_of(&case.scenario, cell)
            && deviation.holds_on(today)
    })
}

fn compare_broken(
    lists: &mut Lists,
    case: &CaseOutcome,
    broken: &Broken<'_>,
    same: Option<&Entry>,
    today: &str,
) {
    let is = broken.outcome.name();
    let list = |lists: &mut Lists, text: String| {
        let changes = if broken.outcome == EntryOutcome::Inconclusive {
            &mut lists.open
        } else {
            &mut lists.worse
        };
        changes.of_case(case, broken.requirement, text);
    };
    let Some(entry) = same else {
        list(lists, format!("new {is}: {}", broken.seen));
        return;
    };
    if let Some(last) = entry.expires.as_deref().filter(|last| today > *last) {
        list(
            lists,
            format!("{is}, accepted until {last} only: {}", broken.seen),
        );
    } else if broken.outcome > entry.outcome {
        let was = entry.outcome.name();
        list(lists, format!("was {was}, is {is}: {}", broken.seen));
    } else if broken.outcome < entry.outcome && !entry.varies {
        let was = entry.outcome.name();
        let text = format!("was {was}, is {is}: {}", broken.seen);
        lists.better.of_case(case, broken.requirement, text);
    }
}

/// The comparison for a screen of `width` characters; `against` names the baseline.
#[must_use]
pub fn render_comparison(comparison: &Comparison, against: &str, width: usize, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}",
        paint.bold(&format!("compared with {}", text::plain(against)))
    );
    for (mark, changes) in [
        (paint.red("x worse       "), &comparison.worse),
        (paint.yellow("? inconclusive"), &comparison.open),
        (paint.green("+ better      "), &comparison.better),
        (paint.dim("  different   "), &comparison.other),
    ] {
        for change in changes {
            render_change(&mut out, change, &mark, width);
        }
    }
    let count = |number: usize, what: &str| format!("{number} {what}");
    let line = [
        count(comparison.worse.len(), "worse"),
        count(comparison.open.len(), "inconclusive"),
        count(comparison.better.len(), "better"),
        count(comparison.other.len(), "different"),
    ]
    .join(", ");
    let painted = if !comparison.worse.is_empty() {
        paint.red(&line)
    } else if !comparison.open.is_empty() {
        paint.yellow(&line)
    } else {
        paint.green(&line)
    };
    let _ = writeln!(out, "{painted}");
    out
}

fn render_change(out: &mut String, change: &Change, mark: &str, width: usize) {
    let mut head = text::plain(&change.target);
    if let Some(scenario) = &change.scenario {
        let _ = write!(head, " {}", text::plain(scenario));
    }
    let cells = change.cells.iter().filter(|cell| !cell.is_empty());
    for cell in cells {
        let _ = write!(head, " [{}]", text::plain(cell));
    }
    let room = width.saturating_sub(17);
    let _ = writeln!(
        out,
        "{mark} {}",
        text::wrap(&head, room, LINES).join("\n                 ")
    );
    let mut lines = text::wrap(&text::plain(&change.text), width.saturating_sub(6), LINES);
    lines.extend(change.requirement.as_deref().map(text::plain));
    for line in lines {
        let _ = writeln!(out, "      {}", text::cut(&line, width.saturating_sub(6)));
    }
}
