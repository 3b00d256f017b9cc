//! Several targets side by side: areas with their counts, and scenarios with their verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::grid::{Grid, GridCell, GridRow, Tone};
use super::paint::Paint;
use crate::judge::Verdict;
use crate::report::text;
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome};

/// What the numbers of [`areas`] mean.
const LEGEND: &str = "pass/warn/fail/n.a.; ~ known deviation, ? inconclusive or error";

/// A row per scenario and cell of its matrix, a column per target.
#[must_use]
pub fn render_scenarios(run: &RunOutcome, width: usize, colour: bool) -> String {
    let mut scenarios: BTreeMap<&str, BTreeMap<String, BTreeMap<&str, &CaseOutcome>>> = BTreeMap::new();
    for case in &run.cases {
        let cells = scenarios.entry(&case.scenario).or_default();
        let row = cells.entry(text::cell(case)).or_default();
        row.insert(&case.target, case);
    }
    let columns = columns(run);
    let mut rows = Vec::new();
    for (scenario, cells) in scenarios {
        rows.push(GridRow {
            label: text::plain(scenario),
            cells: Vec::new(),
        });
        for (cell, row) in cells {
            let label = if cell.is_empty() {
                "  -".to_owned()
            } else {
                format!("  {cell}")
            };
            let cells = columns
                .iter()
                .map(|target| row.get(target).map_or_else(absent, |case| verdict(case)));
            rows.push(GridRow {
                label,
                cells: cells.collect(),
            });
        }
    }
    let mut out = String::new();
    grid("scenario", &columns, rows).render(&mut out, width, Paint { colour });
    out
}

/// A row per area, a column per target; the cells hold counts.
pub(super) fn areas(out: &mut String, run: &RunOutcome, width: usize, paint: Paint) {
    let mut counts: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for case in &run.cases {
        names.insert(case.area());
        let place = counts.entry((case.area(), &case.target)).or_default();
        place.add(case);
    }
    let columns = columns(run);
    let rows = names.into_iter().map(|area| GridRow {
        label: text::plain(area),
        cells: columns
            .iter()
            .map(|target| counts.get(&(area, *target)).map_or_else(absent, count))
            .collect(),
    });
    grid("area", &columns, rows.collect()).render(out, width, paint);
    let _ = writeln!(out, "{}", paint.dim(&text::cut(LEGEND, width)));
}

fn columns(run: &RunOutcome) -> Vec<&str> {
    let mut names: BTreeSet<&str> = run.targets.keys().map(String::as_str).collect();
    names.extend(run.cases.iter().map(|case| case.target.as_str()));
    names.into_iter().collect()
}

fn grid(head: &'static str, columns: &[&str], rows: Vec<GridRow>) -> Grid {
    Grid {
        head,
        columns: columns.iter().map(|name| text::plain(name)).collect(),
        rows,
    }
}

/// No case of that kind.
fn absent() -> GridCell {
    GridCell::new("", Tone::Dim)
}

/// `44/2/1/3~1?2`, with `-` for nothing.
fn count(counts: &Counts) -> GridCell {
    let number = |number: usize| {
        if number == 0 {
            "-".to_owned()
        } else {
            number.to_string()
        }
    };
    let open = counts.inconclusive + counts.error;
    let mut words = [
        counts.pass + counts.info,
        counts.warn,
        counts.fail,
        counts.not_applicable,
    ]
    .map(number)
    .join("/");
    for (mark, number) in [('~', counts.known), ('?', open)] {
        if number > 0 {
            let _ = write!(words, "{mark}{number}");
        }
    }
    let tone = if counts.fail > 0 || counts.error > 0 {
        Tone::Bad
    } else if counts.inconclusive > 0 || counts.warn > 0 {
        Tone::Odd
    } else if counts.pass + counts.info > 0 {
        Tone::Good
    } else {
        Tone::Dim
    };
    GridCell::new(words, tone)
}

fn verdict(case: &CaseOutcome) -> GridCell {
    match case.judgement.verdict {
        Verdict::Pass => GridCell::new("pass", Tone::Good),
        Verdict::Info => GridCell::new("info", Tone::Good),
        Verdict::Warn => GridCell::new("warn", Tone::Odd),
        Verdict::Fail if case.known.is_some() => GridCell::new("known", Tone::Plain),
        Verdict::Fail => GridCell::new("fail", Tone::Bad),
        Verdict::Inconclusive => GridCell::new("incon", Tone::Odd),
        Verdict::NotApplicable => GridCell::new("n.a.", Tone::Dim),
        Verdict::Error => GridCell::new("error", Tone::Bad),
    }
}
