//! A badge per target, as SVG: what the run says about it in a few words.

use askama::Template;

use super::text;
use crate::runner::outcome::{Counts, RunOutcome};

/// Width of a character of the font, in tenths of a pixel.
const CHARACTER: usize = 68;
/// How many characters of a name are shown.
const NAME: usize = 40;

#[derive(Template)]
#[template(path = "badge.svg")]
struct Badge {
    label: String,
    value: String,
    width: usize,
    /// Where the right part begins, and how wide it is.
    split: usize,
    right: usize,
    colour: &'static str,
}

/// The name of the file of `target`'s badge.
#[must_use]
pub fn file(target: &str) -> String {
    let name: String = target
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("badge-{name}.svg")
}

/// The badge of `target`.
///
/// # Errors
/// Never in practice; it is written to memory.
pub fn render(run: &RunOutcome, target: &str) -> Result<String, askama::Error> {
    let counts = Counts::of(run.cases_of(target));
    let unavailable = run
        .targets
        .get(target)
        .is_none_or(|target| target.unavailable.is_some());
    let (value, colour) = words(&counts, unavailable);
    let label = format!("FTPS {}", text::cut(&text::plain(target), NAME));
    let width_of = |words: &str| words.chars().count() * CHARACTER / 10 + 12;
    let (split, right) = (width_of(&label), width_of(&value));
    let mut text = Badge {
        width: split + right,
        label,
        value,
        split,
        right,
        colour,
    }
    .render()?;
    text.push('\n');
    Ok(text)
}

/// What it says, and its colour; white text is readable on each.
fn words(counts: &Counts, unavailable: bool) -> (String, &'static str) {
    const RED: &str = "#b0251d";
    const AMBER: &str = "#855000";
    const GREEN: &str = "#1b6b48";
    const VIOLET: &str = "#683c9f";
    let judged = counts.total() - counts.not_applicable;
    if counts.error > 0 {
        (format!("{} in error", counts.error), VIOLET)
    } else if counts.fail > 0 {
        (format!("{} of {judged} failed", counts.fail), RED)
    } else if unavailable || judged == 0 || counts.inconclusive > 0 {
        ("inconclusive".to_owned(), VIOLET)
    } else if counts.warn + counts.known > 0 {
        let more = match (counts.warn, counts.known) {
            (warn, 0) => format!("{warn} warned"),
            (0, known) => format!("{known} known"),
            (warn, known) => format!("{warn} warned, {known} known"),
        };
        (format!("{} passed, {more}", counts.pass + counts.info), AMBER)
    } else {
        (format!("{judged} passed"), GREEN)
    }
}
