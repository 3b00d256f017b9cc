//! Everything that can be run: the scenarios and requirements of this program, and the user's own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::mock::{Fault, Habit};
use crate::requirement::Catalogue;
use crate::scenario::{self, Known, LoadError, Scenario, embedded};
use crate::tls::certificate;

/// A scenario file may not be larger than this, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024;

/// How deep folders of scenarios may be nested.
const DEPTH_LIMIT: usize = 16;

/// Everything that can be run.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// Scenarios under test, sorted by id.
    pub scenarios: Vec<Arc<Scenario>>,
    /// Scenarios that find out capabilities, sorted by id.
    pub discover: Vec<Arc<Scenario>>,
    /// Scenarios that tell properties, sorted by id.
    pub properties: Vec<Arc<Scenario>>,
    /// Scenarios that `diagnose` looks at, sorted by id.
    pub diagnose: Vec<Arc<Scenario>>,
    /// SHA-256 over all of it, hex.
    pub digest: String,
}

/// Why there is no corpus.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file or folder of the user cannot be read; one sentence.
    #[error("{0}")]
    Unreadable(String),
    /// The scenarios have problems, all of them.
    #[error("{} problem(s) in the scenarios", .0.len())]
    Scenarios(Vec<LoadError>),
    /// The catalogue or the certificate recipes of this program are broken.
    #[error("{0}")]
    Internal(String),
}

impl Corpus {
    /// The scenarios of this program and those below `folders`.
    ///
    /// # Errors
    /// See [`CorpusError`].
    pub fn load(folders: &[PathBuf]) -> Result<Self, CorpusError> {
        let mut files = embedded::scenario_files();
        for folder in folders {
            let found = read_paths(std::slice::from_ref(folder))?;
            if found.is_empty() {
                return Err(CorpusError::Unreadable(format!(
                    "there is no scenario below {}",
                    folder.display()
                )));
            }
            files.extend(found);
        }
        Self::load_files(files)
    }

    /// These files only: path (the id with `.yaml`) and text.
    ///
    /// # Errors
    /// See [`CorpusError`].
    pub fn load_files(files: Vec<(String, String)>) -> Result<Self, CorpusError> {
        let mut digest = Sha256::new();
        for (name, text) in embedded::requirement_files().iter().chain(&files) {
            digest.update(name.as_bytes());
            digest.update(text.as_bytes());
        }
        let internal =
            |what: &str, error: String| CorpusError::Internal(format!("{what} is broken: {error}"));
        let catalogue =
            Catalogue::embedded().map_err(|error| internal("the catalogue", error.to_string()))?;
        let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        let habits: Vec<&str> = Habit::ALL.iter().map(|habit| habit.name()).collect();
        let recipes =
            certificate::recipes().map_err(|error| internal("a certificate recipe", error.to_string()))?;
        let certificates: Vec<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
        let known = Known {
            catalogue: &catalogue,
            faults: &faults,
            habits: &habits,
            certificates: &certificates,
        };
        let (scenarios, problems) = scenario::load(files, &known);
        if !problems.is_empty() {
            return Err(CorpusError::Scenarios(problems));
        }
        let all = scenarios.into_iter().map(Arc::new);
        let (mut discover, others): (Vec<_>, Vec<_>) =
            all.partition(|scenario| scenario.capability.is_some());
        let (mut diagnose, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|scenario| scenario.id.starts_with("diagnose/"));
        let (mut properties, mut tests): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|scenario| scenario.is_property());
        for list in [&mut tests, &mut discover, &mut properties, &mut diagnose] {
            list.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let digest = digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            catalogue: Arc::new(catalogue),
            scenarios: tests,
            discover,
            properties,
            diagnose,
            digest,
        })
    }
}

/// The scenario files at `paths`: path relative to the folder (or the bare name of a file), and text. A folder
/// `requirements` at the top is left out, so that a copy of `scenarios/` can be named.
///
/// # Errors
/// When something cannot be read, is too large, or folders are nested too deep.
pub fn read_paths(paths: &[PathBuf]) -> Result<Vec<(String, String)>, CorpusError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            collect(path, path, 0, &mut files)?;
        } else {
            files.push(read(path, &name_of_file(path))?);
        }
    }
    Ok(files)
}

/// The name a single file gets: what stands behind `scenarios/` when the path has that, so that ids stay the same.
fn name_of_file(path: &Path) -> PathBuf {
    let parts: Vec<_> = path.components().collect();
    match parts.iter().rposition(|part| part.as_os_str() == "scenarios") {
        Some(at) if at + 1 < parts.len() => parts.iter().skip(at + 1).collect(),
        _ => path.file_name().map_or_else(|| path.to_owned(), PathBuf::from),
    }
}

fn collect(
    root: &Path,
    folder: &Path,
    depth: usize,
    into: &mut Vec<(String, String)>,
) -> Result<(), CorpusError> {
    let cannot =
        |error: std::io::Error| CorpusError::Unreadable(format!("cannot read {}: {error}", folder.display()));
    if depth > DEPTH_LIMIT {
        return Err(CorpusError::Unreadable(format!(
            "{} is nested too deep",
            folder.display()
        )));
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        entries.push(entry.map_err(cannot)?.path());
    }
    entries.sort();
    for path in entries {
        let is_other = ["requirements", "advice"]
            .iter()
            .any(|other| path.file_name().is_some_and(|name| name == *other));
        let is_catalogue = depth == 0 && is_other;
        if path.is_dir() && !is_catalogue {
            collect(root, &path, depth + 1, into)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            into.push(read(&path, path.strip_prefix(root).unwrap_or(&path))?);
        }
    }
    Ok(())
}

fn read(path: &Path, name: &Path) -> Result<(String, String), CorpusError> {
    let cannot =
        |reason: String| CorpusError::Unreadable(format!("cannot read {}: {reason}", path.display()));
    let size = std::fs::metadata(path)
        .map_err(|error| cannot(error.to_string()))?
        .len();
    if size > FILE_LIMIT {
        return Err(cannot(format!("it has {size} bytes, more than {FILE_LIMIT}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    Ok((name.display().to_string(), text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scenario::model::{Action, ChannelRef, CheckKind};

    /// RFC 4217 leaves open whether 150 comes before the handshake on the data connection, and a server may wait for the
    /// handshake with it. So the reply is looked at in the step `start-tls`, or behind it.
    #[test]
    fn no_scenario_waits_for_the_150_of_a_transfer_before_its_handshake() {
        let id = "defacto.data.handshake-or-150-order";
        let corpus = Corpus::load(&[]).unwrap();
        let mut offenders = Vec::new();
        for scenario in corpus.scenarios.iter().chain(&corpus.discover) {
            let mut waits: BTreeMap<&str, bool> = BTreeMap::new();
            for step in scenario.setup.iter().chain(&scenario.steps) {
                let waited = waits.entry(step.session.value.as_str()).or_default();
                match step.action.as_ref().map(|action| &action.value) {
                    Some(Action::Send(_)) => *waited = false,
                    Some(Action::StartTls(start)) if start.channel == ChannelRef::Data && *waited => {
                        offenders.push(scenario.id.clone());
                    }
                    Some(Action::StartTls(_)) => *waited = false,
                    _ => {}
                }
                *waited |= step.expect.iter().any(|check| {
                    let is_about_it = check.requirement.as_ref().is_some_and(|one| one.value == id);
                    let accepts = |kind: &CheckKind| match kind {
                        CheckKind::Reply(pattern) => pattern.accepts_preliminary(),
                        _ => false,
                    };
                    !is_about_it && check.kinds.iter().any(accepts)
                });
            }
        }
        assert_eq!(offenders, [""; 0], "put the reply check on `start-tls`");
    }
}
