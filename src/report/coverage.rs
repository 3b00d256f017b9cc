//! Which requirement has which scenario, proven by which fault; what is neither covered nor waived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::text;
use crate::plan::requirements_of;
use crate::scenario::Scenario;

/// What coverage needs to know of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// Its area.
    pub area: String,
    /// Why no scenario has to cover it, when none has to.
    pub waived: Option<String>,
}

/// Coverage of the whole catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every requirement, sorted by id.
    pub rows: Vec<CoverageRow>,
    /// Requirements that scenarios name and the catalogue does not have: id and scenario.
    pub unknown: Vec<(String, String)>,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageRow {
    /// Its id.
    pub id: String,
    /// Its area.
    pub area: String,
    /// Scenarios that check it, sorted.
    pub scenarios: Vec<String>,
    /// Faults that those scenarios detect, sorted.
    pub faults: Vec<String>,
    /// Why no scenario has to cover it.
    pub waived: Option<String>,
}

/// The sums of an area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaTotal {
    /// Requirements with a scenario that detects a fault.
    pub proven: usize,
    /// Requirements with scenarios, none of which detects a fault.
    pub unproven: usize,
    /// Requirements without a scenario and with a reason.
    pub waived: usize,
    /// Requirements without either.
    pub uncovered: usize,
}

impl CoverageRow {
    /// Neither covered nor waived.
    #[must_use]
    pub fn is_uncovered(&self) -> bool {
        self.scenarios.is_empty() && self.waived.is_none()
    }
}

/// Computes the coverage of `requirements` by `scenarios`.
#[must_use]
pub fn compute<'a>(requirements: &[Wanted], scenarios: impl IntoIterator<Item = &'a Scenario>) -> Coverage {
    let mut checked: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for scenario in scenarios {
        for requirement in requirements_of(scenario) {
            let (ids, faults) = checked.entry(requirement).or_default();
            ids.insert(&scenario.id);
            faults.extend(scenario.detects.iter().map(|fault| fault.value.as_str()));
        }
    }
    let names = |set: &BTreeSet<&str>| set.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut rows: Vec<CoverageRow> = requirements
        .iter()
        .map(|wanted| {
            let (scenarios, faults) = checked.remove(wanted.id.as_str()).unwrap_or_default();
            CoverageRow {
                id: wanted.id.clone(),
                area: wanted.area.clone(),
                scenarios: names(&scenarios),
                faults: names(&faults),
                waived: wanted.waived.clone(),
            }
        })
        .collect();
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    let unknown = checked
        .into_iter()
        .flat_map(|(id, (scenarios, _))| {
            names(&scenarios)
                .into_iter()
                .map(move |scenario| (id.to_owned(), scenario))
        })
        .collect();
    Coverage { rows, unknown }
}

impl Coverage {
    /// Requirements that are neither covered nor waived.
    pub fn uncovered(&self) -> impl Iterator<Item = &CoverageRow> {
        self.rows.iter().filter(|row| row.is_uncovered())
    }

    /// The sums per area.
    #[must_use]
    pub fn areas(&self) -> BTreeMap<&str, AreaTotal> {
        let mut areas: BTreeMap<&str, AreaTotal> = BTreeMap::new();
        for row in &self.rows {
            let total = areas.entry(&row.area).or_default();
            match (row.scenarios.is_empty(), row.faults.is_empty(), &row.waived) {
                (false, false, _) => total.proven += 1,
                (false, true, _) => total.unproven += 1,
                (true, _, Some(_)) => total.waived += 1,
                (true, _, None) => total.uncovered += 1,
            }
        }
        areas
    }
}

/// The coverage as text: sums per area, then what is missing.
#[must_use]
pub fn render(coverage: &Coverage) -> String {
    let mut out = String::new();
    let areas = coverage.areas();
    let width = areas
        .keys()
        .map(|area| area.chars().count())
        .max()
        .unwrap_or(0)
        .max("area".len());
    let _ = writeln!(out, "{:<width$}  proven  unproven  waived  uncovered", "area");
    let mut sum = AreaTotal::default();
    for (area, total) in &areas {
        line(&mut out, width, &text::plain(area), total);
        sum.proven += total.proven;
        sum.unproven += total.unproven;
        sum.waived += total.waived;
        sum.uncovered += total.uncovered;
    }
    line(&mut out, width, "all", &sum);
    section(
        &mut out,
        "uncovered",
        coverage.uncovered().map(|row| text::plain(&row.id)),
    );
    let unproven = coverage
        .rows
        .iter()
        .filter(|row| !row.scenarios.is_empty() && row.faults.is_empty());
    section(
        &mut out,
        "covered, but no fault proves it",
        unproven.map(|row| {
            format!(
                "{} ({})",
                text::plain(&row.id),
                text::plain(&row.scenarios.join(", "))
            )
        }),
    );
    section(
        &mut out,
        "not in the catalogue",
        coverage
            .unknown
            .iter()
            .map(|(id, scenario)| format!("{} ({})", text::plain(id), text::plain(scenario))),
    );
    out
}

fn line(out: &mut String, width: usize, name: &str, total: &AreaTotal) {
    let _ = writeln!(
        out,
        "{name:<width$}  {:>6}  {:>8}  {:>6}  {:>9}",
        total.proven, total.unproven, total.waived, total.uncovered
    );
}

fn section(out: &mut String, head: &str, lines: impl Iterator<Item = String>) {
    let mut head = Some(head);
    for line in lines {
        if let Some(head) = head.take() {
            let _ = writeln!(out, "\n{head}");
        }
        let _ = writeln!(out, "  {line}");
    }
}
