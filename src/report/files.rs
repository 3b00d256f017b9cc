//! The files of a report folder, as paths and bytes.

use super::json::JsonError;
use super::{json, junit, markdown, terminal};
use crate::runner::outcome::RunOutcome;

/// The width of the summary in a file.
const WIDTH: usize = 120;

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Path relative to the report folder.
    pub path: &'static str,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A report that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// As JSON.
    #[error("cannot render report.json: {0}")]
    Json(#[from] JsonError),
    /// As JUnit XML.
    #[error("cannot render junit.xml: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// `report.json`, `junit.xml`, `summary.md` and `summary.txt`.
///
/// # Errors
/// When one of the formats cannot hold what is in `run`.
pub fn files(run: &RunOutcome) -> Result<Vec<ReportFile>, FilesError> {
    let file = |path, text: String| ReportFile {
        path,
        bytes: text.into_bytes(),
    };
    Ok(vec![
        file("report.json", json::render(run)?),
        file("junit.xml", junit::render(run)?),
        file("summary.md", markdown::render(run)),
        file("summary.txt", terminal::render_summary(run, WIDTH, false)),
    ])
}
