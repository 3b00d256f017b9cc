//! The report folder: `run-<id>/` with the reports and a folder per case, and the link `latest`.
//!
//! Every file is written beside its place and renamed, so that a full disk never leaves half a report behind.

use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::capture::CaseCapture;
use super::case_runner::stable_hash;
use crate::plan::Case;
use crate::trace::{CaptureLabel, Event, TraceError, read_trace, write_capture, write_trace};

/// Mode of reports: the umask decides.
const READABLE: u32 = 0o666;
/// Mode of files with secrets.
const PRIVATE: u32 = 0o600;

/// The report folder cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {path}: {reason}")]
pub struct FolderError {
    /// `write` or `read`.
    pub doing: &'static str,
    /// The file.
    pub path: String,
    /// The operating system's words, or what is wrong with the file.
    pub reason: String,
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct ReportFolder {
    root: PathBuf,
    path: PathBuf,
}

impl ReportFolder {
    /// Makes `root/run-<id>`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(root: &Path, id: &str) -> Result<Self, FolderError> {
        let path = root.join(format!("run-{id}"));
        std::fs::create_dir_all(&path).map_err(|error| cannot("write", &path, &error))?;
        Ok(Self {
            root: root.to_owned(),
            path,
        })
    }

    /// Makes `root/prove-<id>`, which is not a run and never `latest`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn of_proof(root: &Path, id: &str) -> Result<Self, FolderError> {
        let path = root.join(format!("prove-{id}"));
        std::fs::create_dir_all(&path).map_err(|error| cannot("write", &path, &error))?;
        Ok(Self {
            root: root.to_owned(),
            path,
        })
    }

    /// The folder of a run that was stored earlier.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            root: path.parent().unwrap_or(Path::new("")).to_owned(),
            path: path.to_owned(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the trace of a case; gives its folder relative to the report folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_case(&self, case: &Case, events: &[Event]) -> Result<String, FolderError> {
        let relative = case_folder(case);
        let mut bytes = Vec::new();
        write_trace(&mut bytes, &case.id.to_string(), events)
            .map_err(|error| cannot("write", &self.path.join(&relative), &error))?;
        self.write(&format!("{relative}/trace.jsonl"), &bytes)?;
        Ok(relative)
    }

    /// Writes `capture.pcapng` and `keys.log` beside the trace of a case, for the eyes of this user only; gives the path
    /// of the capture relative to the report folder, none when no connection was made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_capture(
        &self,
        case: &Case,
        place: &str,
        capture: &CaseCapture,
    ) -> Result<Option<String>, FolderError> {
        if capture.captured.is_empty() {
            return Ok(None);
        }
        let label = CaptureLabel {
            case: &case.id.to_string(),
            started: capture.started,
        };
        let relative = format!("{place}/capture.pcapng");
        self.write_private(&relative, &write_capture(&capture.captured, label))?;
        let keys = capture.captured.key_log();
        if !keys.is_empty() {
            self.write_private(&format!("{place}/keys.log"), keys.as_bytes())?;
        }
        Ok(Some(relative))
    }

    /// Points `latest` at this run. Older runs stay: only their owner knows what they are good for.
    ///
    /// # Errors
    /// When the link cannot be written.
    pub fn publish(&self) -> Result<(), FolderError> {
        self.point_latest()
    }

    /// The link to the newest run.
    #[must_use]
    pub fn latest(&self) -> PathBuf {
        self.root.join("latest")
    }

    /// Writes a file below the folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(relative);
        write_whole(&path, bytes, READABLE).map_err(|error| cannot("write", &path, &error))
    }

    fn write_private(&self, relative: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(relative);
        write_whole(&path, bytes, PRIVATE).map_err(|error| cannot("write", &path, &error))
    }

    /// `latest` is replaced in one step, so that a reader always finds a whole run.
    fn point_latest(&self) -> Result<(), FolderError> {
        let latest = self.latest();
        let name = self
            .path
            .file_name()
            .map_or_else(|| self.path.clone(), PathBuf::from);
        let fresh = self.root.join(".latest-new");
        let replace = || -> io::Result<()> {
            if fresh.symlink_metadata().is_ok() {
                std::fs::remove_file(&fresh)?;
            }
            std::os::unix::fs::symlink(&name, &fresh)?;
            std::fs::rename(&fresh, &latest)
        };
        replace().map_err(|error| cannot("write", &latest, &error))
    }
}

/// Reads the trace of a case: `relative` is [`super::outcome::CaseOutcome::folder`].
///
/// # Errors
/// When it cannot be read.
pub fn read_case(folder: &Path, relative: &str) -> Result<Vec<Event>, FolderError> {
    let path = folder.join(relative).join("trace.jsonl");
    let file = std::fs::File::open(&path).map_err(|error| cannot("read", &path, &error))?;
    let (_, events) = read_trace(BufReader::new(file)).map_err(|error: TraceError| FolderError {
        doing: "read",
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(events)
}

/// `<target>/<scenario>/<cell>`; cells that would make long names end in a hash.
fn case_folder(case: &Case) -> String {
    let cell = case.id.cell.to_string();
    let mut name: String = cell
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "=.,-_".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        name.push_str("case");
    }
    if name.len() > 80 || name.contains('_') {
        name.truncate(60);
        name = format!("{name}-{:08x}", stable_hash(&cell));
    }
    format!("{}/{}/{name}", case.id.target, case.id.scenario)
}

fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.flush()
    });
    match written.and_then(|()| std::fs::rename(&part, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // The half file must not stay; the error that matters is the first one.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

fn cannot(doing: &'static str, path: &Path, error: &io::Error) -> FolderError {
    FolderError {
        doing,
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}
