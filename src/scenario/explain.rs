//! A scenario in words: what it does step by step, macros spelled out, and what stands behind its checks.

use super::model::{Axis, Otherwise, Scenario, Step};
use super::words;
use crate::requirement::{Catalogue, Requirement};

/// `scenario` in words. `meaning` tells what a fault of the embedded server does wrong.
#[must_use]
pub fn render(
    scenario: &Scenario,
    catalogue: &Catalogue,
    meaning: &dyn Fn(&str) -> Option<&'static str>,
) -> String {
    let mut page = Page::default();
    page.line(0, &scenario.id);
    page.line(0, "");
    page.wrapped(0, &scenario.title);
    page.line(0, "");
    page.wrapped(0, &scenario.why);
    page.line(0, "");
    head(&mut page, scenario, meaning);
    for (name, steps) in [
        ("setup", &scenario.setup),
        ("steps", &scenario.steps),
        ("cleanup", &scenario.cleanup),
    ] {
        if !steps.is_empty() {
            page.line(0, "");
            page.line(0, name);
            for (index, one) in steps.iter().enumerate() {
                step(&mut page, index + 1, one);
            }
        }
    }
    requirements(&mut page, scenario, catalogue);
    page.text
}

fn head(page: &mut Page, scenario: &Scenario, meaning: &dyn Fn(&str) -> Option<&'static str>) {
    page.line(0, &format!("severity   {}", words::word(&scenario.severity)));
    if let Some(capability) = scenario.capability {
        page.line(0, &format!("discovers  {capability}: {}", capability.meaning()));
    }
    for (value, words) in &scenario.values {
        let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
        let how = if words.is_empty() {
            "the embedded server as it is".to_owned()
        } else {
            format!("the embedded server with {}", words.join(", "))
        };
        page.labelled("value", &format!("{}: {how}", value.value));
    }
    for fault in &scenario.detects {
        let words = meaning(&fault.value).unwrap_or("Unknown to this version.");
        page.labelled("detects", &format!("{}: {words}", fault.value));
    }
    for capability in &scenario.requires {
        page.labelled(
            "requires",
            &format!("{}: {}", capability.value, capability.value.meaning()),
        );
    }
    for axis in &scenario.matrix {
        page.labelled("matrix", &axis_words(axis));
    }
    for (name, text) in &scenario.vars {
        page.labelled("variable", &format!("{} = {}", name.value, text.value));
    }
    if scenario.slow {
        page.labelled("slow", "waits for over five seconds; runs with --slow");
    }
    if scenario.alone {
        page.labelled("alone", "runs while no other case runs on the target");
    }
}

fn axis_words(axis: &Axis) -> String {
    let values: Vec<&str> = axis.values.iter().map(|value| value.value.as_str()).collect();
    format!("{}: {}", axis.name.value, values.join(", "))
}

fn step(page: &mut Page, number: usize, step: &Step) {
    let session = if step.session.value == "main" {
        String::new()
    } else {
        format!("[{}] ", step.session.value)
    };
    let action = step
        .action
        .as_ref()
        .map_or("wait for what comes next".to_owned(), |one| {
            words::action(&one.value)
        });
    page.wrapped(2, &format!("{number}. {session}{action}"));
    if let Some(title) = &step.title {
        page.wrapped(5, &format!("({title})"));
    }
    for line in step.action.iter().flat_map(|one| words::expansion(&one.value)) {
        page.wrapped(5, &format!("· {line}"));
    }
    for one in &step.yields {
        let checks = step.expect.get(one.checks.clone()).unwrap_or_default();
        let lines: Vec<String> = checks.iter().flat_map(words::check).collect();
        page.wrapped(5, &format!("{} if {}", one.value.value, lines.join(" and ")));
    }
    let expected = if step.yields.is_empty() {
        step.expect.as_slice()
    } else {
        &[]
    };
    for check in expected {
        for line in words::check(check) {
            page.wrapped(5, &format!("expect {line}"));
        }
        match (&check.requirement, &check.grade) {
            (Some(id), Some(grade)) => page.line(7, &format!("{} (only {})", id.value, grade.value)),
            (Some(id), None) => page.line(7, &id.value),
            (None, _) => {}
        }
        if check.otherwise == Otherwise::NotApplicable {
            page.line(7, "otherwise the case is not applicable");
        }
    }
    for (name, source) in &step.capture {
        page.line(
            5,
            &format!("remember {} as $({})", words::word(&source.value), name.value),
        );
    }
}

/// Each requirement once, with its place and weight.
fn requirements(page: &mut Page, scenario: &Scenario, catalogue: &Catalogue) {
    let known: Vec<&Requirement> = scenario
        .requirements()
        .filter_map(|id| catalogue.get(id))
        .collect();
    if known.is_empty() {
        return;
    }
    page.line(0, "");
    page.line(0, "requirements");
    for requirement in known {
        page.line(2, &requirement.id);
        page.wrapped(
            4,
            &format!(
                "{}, {}, grade {}",
                requirement.citation(),
                requirement.level,
                requirement.grade
            ),
        );
        page.wrapped(4, &requirement.summary);
    }
}

/// Lines of at most 100 characters.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        let line = format!("{:indent$}{text}", "");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// `detects    text`, following lines below the text.
    fn labelled(&mut self, label: &str, text: &str) {
        self.fill(&format!("{label:<11}"), 11, text);
    }

    fn wrapped(&mut self, indent: usize, text: &str) {
        self.fill(&" ".repeat(indent), indent, text);
    }

    fn fill(&mut self, first: &str, indent: usize, text: &str) {
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > 100 {
                self.line(0, &line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(0, &line);
    }
}
