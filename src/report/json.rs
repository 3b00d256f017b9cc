//! The report as JSON, and its schema. `docs/report-format.md` describes it; `docs/schema/report.schema.json` is the
//! committed copy of the schema.

use crate::runner::outcome::{REPORT_FORMAT, RunOutcome};

/// A report that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
}

/// What is wrong with a report.
#[derive(Debug, thiserror::Error)]
pub enum JsonErrorKind {
    /// Not JSON, or not the fields of a report.
    #[error("not a report: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the format.
    #[error("a report of format {found}; this version reads format {REPORT_FORMAT}")]
    Format {
        /// Its version.
        found: u64,
    },
}

impl<T: Into<JsonErrorKind>> From<T> for JsonError {
    fn from(kind: T) -> Self {
        Self { kind: kind.into() }
    }
}

/// `run` as indented JSON with a line end.
///
/// # Errors
/// When a number is none that JSON can hold.
pub fn render(run: &RunOutcome) -> Result<String, JsonError> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(text)
}

/// What every version of the format has.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Version {
    ftpspec_report: Option<serde_json::Value>,
}

/// Reads a report back.
///
/// # Errors
/// When `text` is not a report of this format.
pub fn parse(text: &str) -> Result<RunOutcome, JsonError> {
    // The version is looked at first: fields of another format would give a confusing message.
    let version: Version = serde_json::from_str(text)?;
    if let Some(found) = version
        .ftpspec_report
        .as_ref()
        .and_then(serde_json::Value::as_u64)
        && found != u64::from(REPORT_FORMAT)
    {
        return Err(JsonErrorKind::Format { found }.into());
    }
    Ok(serde_json::from_str(text)?)
}

/// The JSON Schema of a report, indented, with a line end.
///
/// # Errors
/// Never in practice; a schema is plain JSON.
pub fn schema() -> Result<String, JsonError> {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(RunOutcome))?;
    text.push('\n');
    Ok(text)
}
