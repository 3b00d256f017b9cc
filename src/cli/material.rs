//! What reports need besides the outcome of a run: from the corpus during the run, from its folder later.

use std::collections::BTreeSet;
use std::path::Path;

use super::args::CorpusArgs;
use super::exit::CliError;
use super::stored::StoredRun;
use super::{corpus, output};
use crate::report::baseline::Comparison;
use crate::report::kill_matrix::ProofRow;
use crate::report::{Input, Sources, Traces};
use crate::runner::Corpus;
use crate::runner::outcome::RunOutcome;

/// The file of the sources in a report folder.
const SOURCES: &str = "sources.json";
/// The file of the proof in a report folder.
const PROOF: &str = "proof.json";

/// The file of what is different from a baseline in a report folder.
const CHANGES: &str = "changes.json";

/// Larger files are none of ours, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// Scenarios, requirements and, when there are, the proof and what is different from a baseline.
#[derive(Debug, Clone)]
pub(super) struct Material {
    pub(super) sources: Sources,
    pub(super) proofs: Option<Vec<ProofRow>>,
    pub(super) changes: Option<Comparison>,
}

impl Material {
    /// Of a run that was just made with `corpus`.
    pub(super) fn of(corpus: &Corpus, outcome: &RunOutcome) -> Self {
        let run: BTreeSet<&str> = outcome.cases.iter().map(|case| case.scenario.as_str()).collect();
        Self {
            sources: Sources::of(&corpus.catalogue, &corpus.scenarios, |id| run.contains(id)),
            proofs: None,
            changes: None,
        }
    }

    /// Of a stored run.
    pub(super) fn stored(stored: &StoredRun) -> Result<Self, CliError> {
        let file = stored.folder.join(SOURCES);
        let sources = match read(&file)? {
            Some(text) => Sources::parse(&text)
                .map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?,
            None => {
                output::complain(&format!(
                    "note: {} is missing; the scenarios of this program are quoted",
                    file.display()
                ));
                Self::of(&corpus::load(&CorpusArgs::default())?, &stored.outcome).sources
            }
        };
        Ok(Self {
            sources,
            proofs: read_json(&stored.folder.join(PROOF))?,
            changes: read_json(&stored.folder.join(CHANGES))?,
        })
    }

    /// With the scenarios and requirements of `other` too. The proof and the changes of a part say nothing about the whole.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.sources.requirements.extend(other.sources.requirements);
        self.sources.scenarios.extend(other.sources.scenarios);
        self.proofs = None;
        self.changes = None;
        self
    }

    /// The files of a report folder that this is read back from.
    pub(super) fn files(&self) -> Result<Vec<(&'static str, String)>, CliError> {
        let sources = self.sources.render();
        let mut files = vec![(
            SOURCES,
            sources.map_err(|error| CliError::internal(error.to_string()))?,
        )];
        if let Some(proofs) = &self.proofs {
            files.push((PROOF, pretty(proofs)?));
        }
        if let Some(changes) = &self.changes {
            files.push((CHANGES, pretty(changes)?));
        }
        Ok(files)
    }

    /// What reports are made of.
    pub(super) fn input<'a>(&'a self, outcome: &'a RunOutcome, traces: &'a Traces<'a>) -> Input<'a> {
        Input {
            run: outcome,
            sources: &self.sources,
            traces,
            proofs: self.proofs.as_deref(),
            changes: self.changes.as_ref(),
        }
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<String, CliError> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| CliError::internal(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// The value in `file`; none when there is no such file.
fn read_json<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>, CliError> {
    read(file)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))
}

/// The text of `file`; none when there is no such file.
fn read(file: &Path) -> Result<Option<String>, CliError> {
    let cannot = |reason: String| CliError::usage(format!("cannot read {}: {reason}", file.display()));
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(error.to_string())),
        Ok(facts) if facts.len() > LIMIT => Err(cannot(format!("it has more than {LIMIT} bytes"))),
        Ok(_) => std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| cannot(error.to_string())),
    }
}
