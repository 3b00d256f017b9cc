//! Which requirement has which scenario, proven by which fault; what is neither covered nor waived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::kill_matrix::{FaultVerdict, ProofRow};
use super::text;
use crate::plan::requirements_of;
use crate::requirement::{Catalogue, Grade, Side};
use crate::scenario::Scenario;

/// What coverage needs to know of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// Its area.
    pub area: String,
    /// What breaking it costs.
    pub grade: Grade,
    /// Why no scenario has to cover it, when none has to.
    pub waived: Option<String>,
    /// What of it no scenario does, and why; where scenarios cover the rest.
    pub partly_waived: Option<String>,
}

/// What has to be covered of `catalogue`: everything that binds servers.
#[must_use]
pub fn wanted(catalogue: &Catalogue) -> Vec<Wanted> {
    catalogue
        .iter()
        .filter(|requirement| requirement.applies_to == Side::Server)
        .map(|requirement| Wanted {
            id: requirement.id.clone(),
            area: requirement.area.clone(),
            grade: requirement.grade,
            waived: requirement.waived.clone(),
            partly_waived: requirement.partly_waived.clone(),
        })
        .collect()
}

/// Coverage of the whole catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every requirement, sorted by id.
    pub rows: Vec<CoverageRow>,
    /// Requirements that scenarios name and the catalogue does not have: id and scenario.
    pub unknown: Vec<(String, String)>,
    /// Whether the faults of the rows are those that were seen to break a check that names the requirement
    /// ([`Coverage::measured_by`]), and not only those that its scenarios detect.
    pub is_measured: bool,
}

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageRow {
    /// Its id.
    pub id: String,
    /// Its area.
    pub area: String,
    /// What breaking it costs.
    pub grade: Grade,
    /// Scenarios that check it, sorted, each with the faults that it detects, sorted.
    pub scenarios: BTreeMap<String, BTreeSet<String>>,
    /// Why no scenario has to cover it.
    pub waived: Option<String>,
    /// What of it no scenario does, and why.
    pub partly_waived: Option<String>,
}

/// How a requirement is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A scenario that detects a fault checks it; measured: a fault broke a check that names it.
    Proven,
    /// Scenarios check it, and none of them detects a fault; measured: no fault broke a check that names it.
    Unproven,
    /// No scenario, and a reason.
    Waived,
    /// Neither.
    Uncovered,
}

/// The sums of an area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaTotal {
    /// Requirements that are [`Standing::Proven`].
    pub proven: usize,
    /// Requirements that are [`Standing::Unproven`].
    pub unproven: usize,
    /// Requirements without a scenario and with a reason.
    pub waived: usize,
    /// Requirements without either.
    pub uncovered: usize,
}

impl CoverageRow {
    /// How it is looked after.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.scenarios.values().any(|faults| !faults.is_empty()) {
            Standing::Proven
        } else if !self.scenarios.is_empty() {
            Standing::Unproven
        } else if self.waived.is_some() {
            Standing::Waived
        } else {
            Standing::Uncovered
        }
    }

    /// Neither covered nor waived.
    #[must_use]
    pub fn is_uncovered(&self) -> bool {
        self.standing() == Standing::Uncovered
    }

    /// Waived although scenarios check it: the waiver has to go.
    #[must_use]
    pub fn is_needlessly_waived(&self) -> bool {
        self.waived.is_some() && !self.scenarios.is_empty()
    }
}

/// Computes the coverage of `requirements` by `scenarios`.
#[must_use]
pub fn compute<'a>(requirements: &[Wanted], scenarios: impl IntoIterator<Item = &'a Scenario>) -> Coverage {
    let mut checked: BTreeMap<&str, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for scenario in scenarios {
        for requirement in requirements_of(scenario) {
            let faults = scenario.detects.iter().map(|fault| fault.value.clone());
            checked
                .entry(requirement)
                .or_default()
                .entry(scenario.id.clone())
                .or_default()
                .extend(faults);
        }
    }
    let mut rows: Vec<CoverageRow> = requirements
        .iter()
        .map(|wanted| CoverageRow {
            id: wanted.id.clone(),
            area: wanted.area.clone(),
            grade: wanted.grade,
            scenarios: checked.remove(wanted.id.as_str()).unwrap_or_default(),
            waived: wanted.waived.clone(),
            partly_waived: wanted.partly_waived.clone(),
        })
        .collect();
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    let unknown = checked
        .into_iter()
        .flat_map(|(id, scenarios)| {
            scenarios
                .into_keys()
                .map(move |scenario| (id.to_owned(), scenario))
        })
        .collect();
    Coverage {
        rows,
        unknown,
        is_measured: false,
    }
}

impl Coverage {
    /// The part of it that `proofs` say something about, by what they saw: a fault counts for a requirement only where it
    /// broke a check that names the requirement. Rows with a scenario that was not proved are left out, so that a part of
    /// the scenarios says nothing of what the rest may prove.
    #[must_use]
    pub fn measured_by(mut self, proofs: &[ProofRow]) -> Self {
        let proofs: BTreeMap<&str, &ProofRow> = proofs
            .iter()
            .map(|proof| (proof.scenario.as_str(), proof))
            .collect();
        self.rows.retain(|row| {
            row.scenarios
                .keys()
                .all(|scenario| proofs.contains_key(scenario.as_str()))
        });
        for row in &mut self.rows {
            for (scenario, faults) in &mut row.scenarios {
                let proof = proofs.get(scenario.as_str());
                let seen = proof.iter().flat_map(|proof| &proof.faults);
                *faults = seen
                    .filter(|fault| breaks(fault, &row.id))
                    .map(|fault| fault.fault.clone())
                    .collect();
            }
        }
        self.is_measured = true;
        self
    }

    /// Requirements with scenarios and without a fault.
    pub fn unproven(&self) -> impl Iterator<Item = &CoverageRow> {
        self.rows
            .iter()
            .filter(|row| row.standing() == Standing::Unproven)
    }

    /// Requirements that are neither covered nor waived.
    pub fn uncovered(&self) -> impl Iterator<Item = &CoverageRow> {
        self.rows.iter().filter(|row| row.is_uncovered())
    }

    /// The sums per area.
    #[must_use]
    pub fn areas(&self) -> BTreeMap<&str, AreaTotal> {
        let mut areas: BTreeMap<&str, AreaTotal> = BTreeMap::new();
        for row in &self.rows {
            areas.entry(&row.area).or_default().count(row);
        }
        areas
    }

    /// The sums over all areas.
    #[must_use]
    pub fn total(&self) -> AreaTotal {
        let mut total = AreaTotal::default();
        self.rows.iter().for_each(|row| total.count(row));
        total
    }
}

/// Whether the fault broke a check that names the requirement.
fn breaks(fault: &FaultVerdict, requirement: &str) -> bool {
    fault.is_caught() && fault.requirements.iter().any(|id| id == requirement)
}

impl AreaTotal {
    fn count(&mut self, row: &CoverageRow) {
        match row.standing() {
            Standing::Proven => self.proven += 1,
            Standing::Unproven => self.unproven += 1,
            Standing::Waived => self.waived += 1,
            Standing::Uncovered => self.uncovered += 1,
        }
    }
}

/// The coverage as text: every requirement with its grade, its scenarios and what they detect, area by area; then the
/// sums, and what is wrong.
#[must_use]
pub fn render(coverage: &Coverage) -> String {
    let mut out = String::new();
    for area in coverage.areas().keys() {
        let _ = writeln!(out, "{}", text::plain(area));
        for row in coverage.rows.iter().filter(|row| row.area == **area) {
            requirement(&mut out, row);
        }
        out.push('\n');
    }
    out.push_str(&render_totals(coverage));
    out
}

/// The sums per area, then what is missing. `covered` without proofs: a scenario that names a fault checks it.
#[must_use]
pub fn render_totals(coverage: &Coverage) -> String {
    let mut out = String::new();
    let areas = coverage.areas();
    let width = areas
        .keys()
        .map(|area| area.chars().count())
        .max()
        .unwrap_or(0)
        .max("area".len());
    // Without proofs it is only known which scenarios name a fault.
    let proven = if coverage.is_measured { "proven" } else { "covered" };
    let _ = writeln!(
        out,
        "{:<width$}  {proven:>7}  unproven  waived  uncovered",
        "area"
    );
    for (area, total) in &areas {
        line(&mut out, width, &text::plain(area), total);
    }
    line(&mut out, width, "all", &coverage.total());
    section(
        &mut out,
        "uncovered",
        coverage.uncovered().map(|row| text::plain(&row.id)),
    );
    section(
        &mut out,
        "covered, but no fault proves it",
        coverage.unproven().map(|row| {
            let scenarios: Vec<String> = row.scenarios.keys().map(|id| text::plain(id)).collect();
            format!("{} ({})", text::plain(&row.id), scenarios.join(", "))
        }),
    );
    section(
        &mut out,
        "waived, but covered",
        coverage
            .rows
            .iter()
            .filter(|row| row.is_needlessly_waived())
            .map(|row| text::plain(&row.id)),
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

/// A requirement with its grade, then a line for each scenario with the faults that it detects.
fn requirement(out: &mut String, row: &CoverageRow) {
    let _ = writeln!(out, "  {:<4}  {}", row.grade, text::plain(&row.id));
    for (scenario, faults) in &row.scenarios {
        let faults: Vec<String> = faults.iter().map(|fault| text::plain(fault)).collect();
        let proof = if faults.is_empty() {
            "no fault".to_owned()
        } else {
            faults.join(", ")
        };
        let _ = writeln!(out, "          {}: {proof}", text::plain(scenario));
    }
    if let Some(reason) = &row.partly_waived {
        let _ = writeln!(out, "          partly waived: {}", text::plain(reason));
    }
    match &row.waived {
        Some(reason) => {
            let _ = writeln!(out, "          waived: {}", text::plain(reason.trim()));
        }
        None if row.scenarios.is_empty() => out.push_str("          uncovered\n"),
        None => {}
    }
}

fn line(out: &mut String, width: usize, name: &str, total: &AreaTotal) {
    let _ = writeln!(
        out,
        "{name:<width$}  {:>7}  {:>8}  {:>6}  {:>9}",
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
