//! A baseline made from a run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, EntryOutcome, TargetBaseline, broken, is_present};
use crate::judge::Verdict;
use crate::report::text;
use crate::runner::outcome::{CaseOutcome, RunOutcome};

/// What a new baseline keeps of an old one, besides reasons.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Scenarios that were not run and whose entries stay.
    pub untouched: BTreeSet<String>,
}

/// The baseline of `target` as `run` saw it. Reasons, links and last days come from `old` where it has the same finding,
/// and else from the known deviations of the target's profile.
#[must_use]
pub fn target_baseline(
    run: &RunOutcome,
    target: &str,
    old: Option<&TargetBaseline>,
    accepted: &Accepted,
) -> TargetBaseline {
    let outcome = run.targets.get(target);
    let mut new = TargetBaseline {
        version: outcome.and_then(|outcome| outcome.version.clone()),
        ..TargetBaseline::default()
    };
    for (word, evidence) in outcome.iter().flat_map(|outcome| &outcome.capabilities) {
        let list = if is_present(evidence) {
            &mut new.has
        } else {
            &mut new.lacks
        };
        list.push(word.clone());
    }
    let (seen, applicable) = seen(run, target);
    for ((scenario, requirement, outcome), found) in seen {
        let all = applicable.get(scenario).is_some_and(|all| *all == found.cells);
        let mut entry = Entry {
            scenario: scenario.to_owned(),
            cells: if all {
                Vec::new()
            } else {
                found.cells.into_iter().collect()
            },
            outcome,
            requirement: requirement.map(str::to_owned),
            seen: found.seen,
            reason: None,
            link: None,
            expires: None,
            varies: found.varies,
        };
        explain(&mut entry, run, target, old);
        keep_cells(&mut entry, old);
        new.entries.push(entry);
    }
    if let Some(old) = old {
        keep(&mut new, old, accepted);
    }
    new.entries.sort_by(|a, b| {
        (&a.scenario, &a.requirement, a.outcome, &a.cells).cmp(&(
            &b.scenario,
            &b.requirement,
            b.outcome,
            &b.cells,
        ))
    });
    new
}

/// Entries of the old baseline that the run says nothing against.
fn keep(new: &mut TargetBaseline, old: &TargetBaseline, accepted: &Accepted) {
    // What varies between two outcomes is worse than this run may have seen it.
    let is_seen = |old: &Entry| {
        new.entries.iter().any(|entry| {
            (&entry.scenario, &entry.requirement) == (&old.scenario, &old.requirement)
                && entry.outcome >= old.outcome
        })
    };
    let kept: Vec<Entry> = old
        .entries
        .iter()
        .filter(|entry| accepted.untouched.contains(&entry.scenario) || entry.varies && !is_seen(entry))
        .cloned()
        .collect();
    new.entries.extend(kept);
}

/// A finding in some cells.
struct Found {
    cells: BTreeSet<String>,
    seen: String,
    varies: bool,
}

type Key<'a> = (&'a str, Option<&'a str>, EntryOutcome);

/// What is wrong, and the cells of each scenario that apply.
fn seen<'a>(
    run: &'a RunOutcome,
    target: &'a str,
) -> (BTreeMap<Key<'a>, Found>, BTreeMap<&'a str, BTreeSet<String>>) {
    let mut seen: BTreeMap<Key<'a>, Found> = BTreeMap::new();
    let mut applicable: BTreeMap<&'a str, BTreeSet<String>> = BTreeMap::new();
    for case in run.cases_of(target) {
        if case.judgement.verdict == Verdict::NotApplicable {
            continue;
        }
        applicable
            .entry(&case.scenario)
            .or_default()
            .insert(text::cell(case));
        for broken in broken(run, case) {
            let key = (case.scenario.as_str(), broken.requirement, broken.outcome);
            let found = seen.entry(key).or_insert_with(|| Found {
                cells: BTreeSet::new(),
                seen: broken.seen,
                varies: false,
            });
            found.cells.insert(text::cell(case));
            found.varies |= varies(case);
        }
    }
    (seen, applicable)
}

/// Whether repetitions of a case went different ways.
fn varies(case: &CaseOutcome) -> bool {
    case.repeated.is_some_and(|(same, of)| same < of)
}

/// What varies was seen in the cells of the old entry, too.
fn keep_cells(entry: &mut Entry, old: Option<&TargetBaseline>) {
    let same = old.into_iter().flat_map(|old| &old.entries).filter(|other| {
        other.varies
            && (&other.scenario, &other.requirement, other.outcome)
                == (&entry.scenario, &entry.requirement, entry.outcome)
    });
    for other in same {
        if entry.cells.is_empty() || other.cells.is_empty() {
            entry.cells.clear();
        } else {
            entry.cells.extend(other.cells.iter().cloned());
            entry.cells.sort();
            entry.cells.dedup();
        }
    }
}

/// Reason, link and last day of an entry.
fn explain(entry: &mut Entry, run: &RunOutcome, target: &str, old: Option<&TargetBaseline>) {
    let same = old
        .into_iter()
        .flat_map(|old| &old.entries)
        .filter(|other| other.scenario == entry.scenario && other.requirement == entry.requirement);
    for other in same {
        entry.reason = entry.reason.take().or_else(|| other.reason.clone());
        entry.link = entry.link.take().or_else(|| other.link.clone());
        entry.expires = entry.expires.take().or_else(|| other.expires.clone());
        entry.varies |= other.varies;
    }
    let deviations = run
        .targets
        .get(target)
        .into_iter()
        .flat_map(|outcome| &outcome.known_deviations);
    let deviation = deviations
        .filter(|deviation| Some(&deviation.requirement) == entry.requirement.as_ref())
        .find(|deviation| {
            deviation
                .scenario
                .as_ref()
                .is_none_or(|only| *only == entry.scenario)
        });
    if let Some(deviation) = deviation {
        entry.reason.get_or_insert_with(|| deviation.reason.clone());
        entry.link = entry.link.take().or_else(|| deviation.link.clone());
        entry.expires = entry.expires.take().or_else(|| deviation.expires.clone());
        entry.varies |= deviation.varies;
    }
}
