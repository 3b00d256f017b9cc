//! What is wrong with a scenario file.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Snippet};

use super::render::renderer;
use crate::base::{Source, Span};
use crate::scenario::LoadError;

/// `error` with its line, and what to do about it. Ends without a line break.
#[must_use]
pub fn render_load_error(error: &LoadError, colour: bool) -> String {
    let message = error.kind.to_string();
    let snippet = Snippet::source(error.source.text())
        .line_start(1)
        .path(error.source.name())
        .annotation(AnnotationKind::Primary.span(visible(&error.source, error.span)));
    let mut group: Group<'_> = Level::ERROR
        .primary_title(message)
        .id(error.code())
        .element(snippet);
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer(colour).render(&[group])
}

/// All of them, an empty line between two, and how many there are.
#[must_use]
pub fn render_load_errors(errors: &[LoadError], colour: bool) -> String {
    let mut text = String::new();
    for error in errors {
        text.push_str(&render_load_error(error, colour));
        text.push_str("\n\n");
    }
    let files: std::collections::BTreeSet<&str> = errors.iter().map(|error| error.source.name()).collect();
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    let _ = writeln!(
        text,
        "{} in {}",
        count(errors.len(), "problem"),
        count(files.len(), "file")
    );
    text
}

/// The first line of `span` inside the text: a mark over many lines hides more than it shows.
pub(super) fn visible(source: &Source, span: Span) -> Range<usize> {
    let length = source.text().len();
    let start = span.start.min(length);
    let end = span.end.min(length).max(start);
    let inside = source.text().get(start..end).unwrap_or("");
    let first = inside.lines().next().map_or(0, |line| line.trim_end().len());
    start..(start + first)
}
