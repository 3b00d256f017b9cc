//! A run read back from its report folder. Does not judge: `judge` does that.

use std::path::{Path, PathBuf};

use super::exit::CliError;
use crate::report;
use crate::runner::outcome::RunOutcome;
use crate::runner::{FolderError, read_case};
use crate::trace::Event;

/// The file that holds the outcome.
const REPORT: &str = "report.json";

/// A larger report is none of ours, in bytes: a million cases need about one gigabyte.
const REPORT_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// A run on disk.
#[derive(Debug, Clone)]
pub(super) struct StoredRun {
    /// The report folder.
    pub(super) folder: PathBuf,
    /// What `report.json` says.
    pub(super) outcome: RunOutcome,
}

impl StoredRun {
    /// Reads the run in the folder `path`; the path of its `report.json` will do as well.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let file = if path.is_file() {
            path.to_owned()
        } else {
            path.join(REPORT)
        };
        let cannot = |reason: String| {
            CliError::usage(format!("cannot read {}: {reason}{}", file.display(), hint(path)))
        };
        let size = std::fs::metadata(&file)
            .map_err(|error| cannot(error.to_string()))?
            .len();
        if size > REPORT_LIMIT {
            return Err(cannot(format!("it has more than {REPORT_LIMIT} bytes")));
        }
        let text = std::fs::read_to_string(&file).map_err(|error| cannot(error.to_string()))?;
        let outcome = report::json::parse(&text).map_err(|error| cannot(error.to_string()))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { folder, outcome })
    }

    /// The events below `place`, the folder of a case or of a property; nothing where nothing was run or no trace was
    /// kept.
    pub(super) fn events(&self, place: Option<&str>) -> Result<Option<Vec<Event>>, FolderError> {
        place.map(|place| read_case(&self.folder, place)).transpose()
    }
}

/// Where the run probably is, when a folder of runs was named.
fn hint(path: &Path) -> String {
    let latest = path.join("latest");
    if latest.join(REPORT).is_file() {
        format!(" (did you mean {}?)", latest.display())
    } else {
        String::new()
    }
}
