//! The formats of a report by name, and the files of a report folder.

use super::html::HtmlError;
use super::input::Input;
use super::json::JsonError;
use super::{badge, csv, github, html, json, junit, markdown, tap, terminal};

/// The width of the summary in a file.
const WIDTH: usize = 120;

/// What a report can be rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The matrix as comma-separated values, RFC 4180.
    Csv,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// One file for a browser.
    Html,
    /// The outcome itself.
    Json,
    /// JUnit XML.
    Junit,
    /// A short summary for the page of a CI job.
    Markdown,
    /// The summary of the terminal, without colours.
    Summary,
    /// Test Anything Protocol, version 14.
    Tap,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::Github,
        Self::Html,
        Self::Json,
        Self::Junit,
        Self::Markdown,
        Self::Summary,
        Self::Tap,
    ];

    /// The name of its file in the report folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Csv => "matrix.csv",
            Self::Github => "annotations.txt",
            Self::Html => "index.html",
            Self::Json => "report.json",
            Self::Junit => "junit.xml",
            Self::Markdown => "summary.md",
            Self::Summary => "summary.txt",
            Self::Tap => "results.tap",
        }
    }
}

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Path relative to the report folder.
    pub path: String,
    /// Content.
    pub text: String,
}

/// A report that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As comma-separated values.
    #[error("cannot render matrix.csv: {0}")]
    Csv(#[from] ::csv::Error),
    /// As HTML.
    #[error("cannot render index.html: {0}")]
    Html(#[from] HtmlError),
    /// As JSON.
    #[error("cannot render report.json: {0}")]
    Json(#[from] JsonError),
    /// As JUnit XML.
    #[error("cannot render junit.xml: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// A badge.
    #[error("cannot render a badge: {0}")]
    Template(#[from] askama::Error),
}

/// The report as `format`.
///
/// # Errors
/// When the format cannot hold what is in the run.
pub fn render(format: Format, input: &Input<'_>) -> Result<String, RenderError> {
    let run = input.run;
    Ok(match format {
        Format::Csv => csv::render(run)?,
        Format::Github => github::render(input),
        Format::Html => html::render(input)?,
        Format::Json => json::render(run)?,
        Format::Junit => junit::render(run)?,
        Format::Markdown => markdown::render(input),
        Format::Summary => terminal::render_summary(run, WIDTH, false),
        Format::Tap => tap::render(run),
    })
}

/// All formats and a badge per target, each with its place in the report folder. Each is rendered when it is asked for, so
/// that only one of them is in memory at a time: a report of 100,000 cases has 130 MB.
///
/// # Errors
/// An item is an error when that format cannot hold what is in the run.
pub fn files<'a>(input: &'a Input<'_>) -> impl Iterator<Item = Result<ReportFile, RenderError>> + 'a {
    let formats = Format::ALL.into_iter().map(move |format| {
        Ok(ReportFile {
            path: format.file().to_owned(),
            text: render(format, input)?,
        })
    });
    let badges = input.run.targets.keys().map(move |target| {
        Ok(ReportFile {
            path: badge::file(target),
            text: badge::render(input.run, target)?,
        })
    });
    formats.chain(badges)
}
