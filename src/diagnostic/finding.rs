//! A violated check: the lines of the scenario, the end of the trace, and how to go on.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Snippet};

use super::line::render_event;
use super::load::visible;
use super::render::renderer;
use crate::judge::Finding;
use crate::requirement::Grade;
use crate::scenario::Scenario;
use crate::scenario::model::Step;
use crate::trace::{Event, EventKind, Phase};

/// How many events the second excerpt shows.
const TAIL: usize = 10;

/// What a rendered finding is made of.
#[derive(Clone, Copy, Debug)]
pub struct FindingView<'a> {
    /// Name of the target.
    pub target: &'a str,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The finding.
    pub finding: &'a Finding,
    /// The whole trace of the case.
    pub events: &'a [Event],
    /// Help lines: a word (`target`, `because`, `rerun`, `capture`) and a text.
    pub help: &'a [(&'a str, String)],
}

/// The finding as people read it. Ends without a line break.
#[must_use]
pub fn render_finding(view: &FindingView<'_>, colour: bool) -> String {
    let finding = view.finding;
    let level = match finding.grade {
        Some(Grade::Fail) => Level::ERROR.with_name("fail"),
        Some(Grade::Warn) => Level::WARNING.with_name("warn"),
        Some(Grade::Info) => Level::INFO.with_name("info"),
        None => Level::NOTE.with_name("inconclusive"),
    };
    let title = match finding.grade {
        Some(_) => format!("{} {}", view.target, finding.message),
        None => format!("nothing is said about {}: {}", view.target, finding.message),
    };
    let mut title = level.primary_title(title);
    if let Some(requirement) = &finding.requirement {
        title = title.id(requirement.as_str());
    }
    let source = &view.scenario.source;
    let scenario = Snippet::source(source.text())
        .line_start(1)
        .path(source.name())
        .annotations(step_of(view).map(|step| marks(view, step)).unwrap_or_default());
    let mut groups: Vec<Group<'_>> = vec![title.element(scenario)];
    let trace = tail(view);
    if !trace.text.is_empty() {
        let title = Level::NOTE.with_name("observed").secondary_title(follows(view));
        groups.push(title.element(observed(&trace)));
    }
    let help = help_lines(view.help);
    if let Some(last) = groups.pop() {
        let last = if help.is_empty() {
            last
        } else {
            last.element(Level::HELP.message(help))
        };
        groups.push(last);
    }
    renderer(colour).render(&groups)
}

fn step_of<'a>(view: &FindingView<'a>) -> Option<&'a Step> {
    let steps = match view.finding.step.phase {
        Phase::Setup => &view.scenario.setup,
        Phase::Steps => &view.scenario.steps,
        Phase::Cleanup => &view.scenario.cleanup,
    };
    steps.get(view.finding.step.index)
}

/// What we did, and what was expected of it.
fn marks<'a>(view: &FindingView<'a>, step: &'a Step) -> Vec<Annotation<'a>> {
    let source = &view.scenario.source;
    let finding = view.finding;
    let verdict = format!("expected {}, got {}", finding.expected, finding.observed);
    let check = finding.check.and_then(|index| step.expect.get(index));
    let action = step.action.as_ref();
    let mut marks = Vec::new();
    match (check, action) {
        (Some(check), action) => {
            if let Some(action) = action.filter(|action| action.span.start != check.span.start) {
                let label = step.title.as_deref().unwrap_or("what we did");
                marks.push(
                    AnnotationKind::Context
                        .span(visible(source, action.span))
                        .label(label),
                );
            }
            marks.push(
                AnnotationKind::Primary
                    .span(visible(source, check.span))
                    .label(verdict),
            );
        }
        (None, Some(action)) => {
            marks.push(
                AnnotationKind::Primary
                    .span(visible(source, action.span))
                    .label(verdict),
            );
        }
        (None, None) => {
            marks.push(
                AnnotationKind::Primary
                    .span(visible(source, step.span))
                    .label(verdict),
            );
        }
    }
    marks
}

/// The end of the trace as a text, and which lines of it matter.
struct Tail {
    text: String,
    /// The line that shows the finding: start and end in `text`.
    shown: Option<std::ops::Range<usize>>,
}

/// The events up to the one that shows the finding, without the book-keeping.
fn tail(view: &FindingView<'_>) -> Tail {
    let until = view.finding.event.saturating_add(1).min(view.events.len());
    let before = view.events.get(..until).unwrap_or_default();
    let kept: Vec<(usize, &Event)> = before
        .iter()
        .enumerate()
        .filter(|(_, event)| !is_book_keeping(&event.kind))
        .collect();
    let from = kept.len().saturating_sub(TAIL);
    let mut text = String::new();
    let mut shown = None;
    for (index, event) in kept.get(from..).unwrap_or_default() {
        let start = text.len();
        text.push_str(&render_event(event));
        if *index == view.finding.event {
            shown = Some(start..text.len());
        }
        text.push('\n');
    }
    Tail { text, shown }
}

fn is_book_keeping(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::StepStarted { .. }
            | EventKind::StepFinished { .. }
            | EventKind::ReplyConsumed { .. }
            | EventKind::ReplyPassedOver { .. }
    )
}

/// How much of the trace the excerpt shows.
fn follows(view: &FindingView<'_>) -> String {
    match view
        .events
        .len()
        .checked_sub(view.finding.event.saturating_add(1))
    {
        Some(0) | None => "the end of the trace".to_owned(),
        Some(1) => "1 event follows in the trace".to_owned(),
        Some(more) => format!("{more} events follow in the trace"),
    }
}

fn observed(tail: &Tail) -> Snippet<'_, Annotation<'_>> {
    let end = tail.text.trim_end().len();
    let snippet = Snippet::source(tail.text.as_str())
        .line_numbering(false)
        .fold(false);
    match &tail.shown {
        Some(shown) => {
            // From the arrow on: the time and the channel are the same on most lines.
            let line = tail.text.get(shown.clone()).unwrap_or("");
            let arrow = line.find(['<', '>', '=']).unwrap_or(0);
            let span = (shown.start + arrow)..shown.end;
            snippet.annotation(AnnotationKind::Primary.span(span).label("this"))
        }
        None => snippet.annotation(
            AnnotationKind::Context
                .span(end..end)
                .label("and then nothing that was waited for"),
        ),
    }
}

/// `target    acme-ftpd 2.1`, one line each, aligned.
fn help_lines(lines: &[(&str, String)]) -> String {
    let width = lines
        .iter()
        .map(|(word, _)| word.chars().count())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = lines
        .iter()
        .map(|(word, text)| format!("{word:width$}  {text}"))
        .collect();
    lines.join("\n")
}
