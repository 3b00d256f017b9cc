//! The summary of a run: targets, areas, findings by severity, what is inconclusive. Fits a screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::matrix;
use super::paint::Paint;
use crate::judge::Verdict;
use crate::report::gather::{Group, groups, not_applicable};
use crate::report::properties;
use crate::report::text;
use crate::runner::outcome::{CaseOutcome, Counts, RunOutcome};

/// How many findings the summary shows.
const FINDINGS: usize = 8;
/// How many inconclusive cases and harness errors the summary shows.
const REASONS: usize = 4;
/// How many lines a reason or an observation may take.
const LINES: usize = 3;
/// The narrowest screen that is written for.
const NARROWEST: usize = 40;

/// The summary of `run`, for a screen of `width` characters.
#[must_use]
pub fn render_summary(run: &RunOutcome, width: usize, colour: bool) -> String {
    let page = Page {
        width: width.max(NARROWEST),
        paint: Paint { colour },
    };
    let mut out = String::new();
    page.head(&mut out, run);
    page.targets(&mut out, run);
    page.areas(&mut out, run);
    page.not_applicable(&mut out, run);
    page.findings(&mut out, run);
    page.reasons(
        &mut out,
        run,
        Verdict::Inconclusive,
        "inconclusive: nothing is said about the target",
    );
    page.reasons(&mut out, run, Verdict::Error, "trouble in the harness");
    page.unstable(&mut out, run);
    page.properties(&mut out, run);
    page.stale(&mut out, run);
    page.last_line(&mut out, run);
    out
}

struct Page {
    width: usize,
    paint: Paint,
}

impl Page {
    /// A line cut to the width; only for text without colours.
    fn line(&self, out: &mut String, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent);
        let _ = writeln!(out, "{:indent$}{}", "", text::cut(text, room));
    }

    /// Text over several lines.
    fn lines(&self, out: &mut String, indent: usize, text: &str) {
        for line in text::wrap(text, self.width.saturating_sub(indent), LINES) {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }

    fn head(&self, out: &mut String, run: &RunOutcome) {
        let head = format!(
            "ftpspec {}, run {}",
            text::plain(&run.run.version),
            text::plain(&run.run.id)
        );
        let _ = writeln!(out, "{}", self.paint.bold(&text::cut(&head, self.width)));
        let mut facts = format!(
            "{} of {} on {} in {:.1}s",
            text::count(run.cases.len(), "case"),
            text::count(run.run.scenarios, "scenario"),
            text::count(run.targets.len(), "target"),
            run.run.seconds
        );
        if let Some(of) = run.cases.iter().find_map(|case| case.repeated.map(|(_, of)| of)) {
            let _ = write!(facts, ", each {of} times");
        }
        if let Some(shard) = &run.run.shard {
            facts.push_str(", shard ");
            facts.push_str(&text::plain(shard));
        }
        self.line(out, 0, &facts);
        if run.run.interrupted || run.cases.len() < run.run.planned {
            let missing = run.run.planned.saturating_sub(run.cases.len());
            let text = format!("interrupted: {} did not run", text::count(missing, "case"));
            let _ = writeln!(out, "{}", self.paint.yellow(&text));
        }
    }

    fn targets(&self, out: &mut String, run: &RunOutcome) {
        out.push('\n');
        let mut rows = Vec::new();
        for (name, target) in &run.targets {
            let version = target.version.as_deref().unwrap_or("");
            let label = format!("{} {}", text::plain(name), text::plain(version));
            rows.push((label.trim_end().to_owned(), Counts::of(run.cases_of(name))));
        }
        self.table(out, "target", &rows);
        for (name, target) in &run.targets {
            if let Some(reason) = &target.unavailable {
                self.lines(
                    out,
                    2,
                    &format!("{} could not be used: {}", text::plain(name), text::plain(reason)),
                );
            }
            if target.insecure {
                self.line(
                    out,
                    2,
                    &format!("{}: certificates were not checked", text::plain(name)),
                );
            }
            for contradiction in &target.contradictions {
                self.lines(
                    out,
                    2,
                    &format!("{}: {}", text::plain(name), text::plain(contradiction)),
                );
            }
        }
    }

    /// Known deviations that are out of date.
    fn stale(&self, out: &mut String, run: &RunOutcome) {
        for (position, text) in run.stale_deviations().iter().enumerate() {
            if position == 0 {
                out.push('\n');
            }
            let _ = write!(out, "{} ", self.paint.red("x"));
            for (line, text) in text::wrap(&text::plain(text), self.width.saturating_sub(2), LINES)
                .iter()
                .enumerate()
            {
                let indent = if line == 0 { 0 } else { 2 };
                let _ = writeln!(out, "{:indent$}{text}", "");
            }
        }
    }

    fn areas(&self, out: &mut String, run: &RunOutcome) {
        let mut areas: BTreeMap<&str, Vec<&CaseOutcome>> = BTreeMap::new();
        for case in &run.cases {
            areas.entry(case.area()).or_default().push(case);
        }
        if areas.len() < 2 {
            return;
        }
        out.push('\n');
        if run.targets.len() > 1 {
            matrix::areas(out, run, self.width, self.paint);
            return;
        }
        let rows: Vec<(String, Counts)> = areas
            .into_iter()
            .map(|(area, cases)| (text::plain(area), Counts::of(cases)))
            .collect();
        self.table(out, "area", &rows);
    }

    /// Why cases do not apply: one line, the most frequent reason first.
    fn not_applicable(&self, out: &mut String, run: &RunOutcome) {
        let reasons = not_applicable(run);
        let mut left: usize = reasons.iter().map(|(_, count)| count).sum();
        if left == 0 {
            return;
        }
        let mut line = "n.a.:".to_owned();
        for (position, (reason, count)) in reasons.iter().enumerate() {
            let next = format!("{}{count} {reason}", if position == 0 { " " } else { ", " });
            // Whatever stands in the line, the rest has to have room behind it.
            let rest = match left - count {
                0 => String::new(),
                rest => format!(", {rest} for other reasons"),
            };
            if position > 0 && line.chars().count() + next.chars().count() + rest.len() > self.width {
                let _ = write!(line, ", {left} for other reasons");
                break;
            }
            line.push_str(&next);
            left -= count;
        }
        out.push('\n');
        self.line(out, 0, &line);
    }

    /// A table of counts without the columns that hold nothing; `pass` and `fail` are always there.
    fn table(&self, out: &mut String, head: &str, rows: &[(String, Counts)]) {
        let used: Vec<&str> = text::columns(&Counts::default())
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| {
                let in_column = |(_, counts): &(String, Counts)| {
                    text::columns(counts)
                        .iter()
                        .any(|(column, number)| column == name && *number > 0)
                };
                matches!(*name, "pass" | "fail") || rows.iter().any(in_column)
            })
            .collect();
        let numbers: usize = used.iter().map(|name| name.len().max(5) + 2).sum();
        let longest = rows
            .iter()
            .map(|(label, _)| label.chars().count())
            .max()
            .unwrap_or(0)
            .max(head.len());
        let label_width = longest.min(self.width.saturating_sub(numbers).max(8));
        let mut line = format!("{head:<label_width$}");
        for name in &used {
            let _ = write!(line, "  {name:>width$}", width = name.len().max(5));
        }
        let _ = writeln!(out, "{}", self.paint.dim(&line));
        for (label, counts) in rows {
            let label = text::cut(label, label_width);
            let _ = write!(out, "{label:<label_width$}");
            for (name, number) in text::columns(counts) {
                if !used.contains(&name) {
                    continue;
                }
                let cell = format!("{number:>width$}", width = name.len().max(5));
                let _ = write!(out, "  {}", self.number(name, number, &cell));
            }
            out.push('\n');
        }
    }

    fn number(&self, column: &str, number: usize, cell: &str) -> String {
        match column {
            _ if number == 0 => self.paint.dim(cell),
            "pass" => self.paint.green(cell),
            "fail" | "error" => self.paint.red(cell),
            "warn" | "inconclusive" => self.paint.yellow(cell),
            _ => cell.to_owned(),
        }
    }

    fn findings(&self, out: &mut String, run: &RunOutcome) {
        let groups = groups(run);
        let mut severity = None;
        for group in groups.iter().take(FINDINGS) {
            if severity != Some(group.case.severity) {
                severity = Some(group.case.severity);
                let _ = writeln!(out, "\n{}", self.paint.bold(text::severity(group.case.severity)));
            }
            self.finding(out, group);
        }
        if groups.len() > FINDINGS {
            self.line(out, 2, &format!("… and {} more", groups.len() - FINDINGS));
        }
    }

    fn finding(&self, out: &mut String, group: &Group<'_>) {
        let finding = group.finding;
        let known = group.case.known.is_some();
        let mut head = format!(
            "{} {}",
            text::plain(&group.case.target),
            text::plain(&group.case.scenario)
        );
        if !group.cells.is_empty() {
            head.push_str(" [");
            head.push_str(&group.cells.join("] ["));
            head.push(']');
        }
        let mark = self.paint.mark(finding.grade, known);
        let _ = writeln!(out, "  {mark} {}", text::cut(&head, self.width.saturating_sub(4)));
        self.lines(out, 6, &text::plain(&finding.message));
        self.lines(out, 6, &text::expected_got(finding));
        let mut why = finding
            .requirement
            .as_deref()
            .map(text::plain)
            .unwrap_or_default();
        if let Some(reason) = &group.case.known {
            let _ = write!(why, " (known: {})", text::plain(reason));
        }
        self.line(out, 6, &why);
    }

    fn reasons(&self, out: &mut String, run: &RunOutcome, verdict: Verdict, head: &str) {
        let cases: Vec<&CaseOutcome> = run
            .cases
            .iter()
            .filter(|case| case.judgement.verdict == verdict)
            .collect();
        if cases.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", self.paint.bold(&text::cut(head, self.width)));
        let mut groups: Vec<(String, Vec<&CaseOutcome>)> = Vec::new();
        for case in cases {
            let reason = case.judgement.reason.as_deref();
            let reason = reason.map_or_else(|| "no reason given".to_owned(), text::plain);
            match groups.iter_mut().find(|(known, cases)| {
                *known == reason && cases.iter().all(|other| other.target == case.target)
            }) {
                Some((_, same)) => same.push(case),
                None => groups.push((reason, vec![case])),
            }
        }
        for (reason, same) in groups.iter().take(REASONS) {
            let Some(case) = same.first() else { continue };
            let _ = write!(out, "  {} ", self.paint.yellow("?"));
            let mut name = format!("{} {}", text::plain(&case.target), text::case_name(case));
            let others = match same.len() - 1 {
                0 => String::new(),
                others => format!(" and {}", text::count(others, "more case")),
            };
            let room = self.width.saturating_sub(4 + others.chars().count());
            name = text::cut(&name, room);
            let _ = writeln!(out, "{name}{others}");
            self.lines(out, 6, reason);
        }
        if groups.len() > REASONS {
            let rest: usize = groups.iter().skip(REASONS).map(|(_, same)| same.len()).sum();
            self.line(
                out,
                2,
                &format!("… and {} for other reasons", text::count(rest, "case")),
            );
        }
    }

    /// Cases that did not go the same way every time.
    fn unstable(&self, out: &mut String, run: &RunOutcome) {
        let unstable: Vec<(&CaseOutcome, u32, u32)> = run
            .cases
            .iter()
            .filter_map(|case| case.repeated.map(|(same, of)| (case, same, of)))
            .filter(|(_, same, of)| same < of)
            .collect();
        if unstable.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", self.paint.bold("not the same every time"));
        for (case, same, of) in unstable.iter().take(REASONS) {
            let text = format!(
                "{} {}: {} {same} of {of} times",
                text::plain(&case.target),
                text::case_name(case),
                text::verdict(case)
            );
            let _ = writeln!(
                out,
                "  {} {}",
                self.paint.yellow("?"),
                text::cut(&text, self.width.saturating_sub(4))
            );
        }
        if unstable.len() > REASONS {
            self.line(out, 2, &format!("… and {} more", unstable.len() - REASONS));
        }
    }

    /// What no RFC judges, a paragraph per target.
    fn properties(&self, out: &mut String, run: &RunOutcome) {
        for (name, target) in &run.targets {
            let facts = properties::in_brief(&target.properties);
            if facts.is_empty() {
                continue;
            }
            let head = format!("properties of {}", text::plain(name));
            let _ = writeln!(out, "\n{}", self.paint.bold(&text::cut(&head, self.width)));
            for line in text::wrap(&facts.join("; "), self.width.saturating_sub(2), facts.len()) {
                let _ = writeln!(out, "  {line}");
            }
        }
    }

    fn last_line(&self, out: &mut String, run: &RunOutcome) {
        let counts = run.counts();
        let parts: Vec<String> = text::columns(&counts)
            .iter()
            .filter(|(name, number)| *number > 0 || matches!(*name, "pass" | "fail"))
            .map(|(name, number)| format!("{number} {name}"))
            .collect();
        let line = text::cut(&parts.join(", "), self.width);
        let painted = match run.exit_code(false) {
            0 => self.paint.green(&line),
            1 | 70 => self.paint.red(&line),
            _ => self.paint.yellow(&line),
        };
        let _ = writeln!(out, "\n{painted}");
        if counts.not_applicable > 0 && counts.not_applicable == counts.total() {
            let text = "nothing applied: no case says anything about a target";
            let _ = writeln!(out, "{}", self.paint.yellow(&text::cut(text, self.width)));
        }
    }
}
