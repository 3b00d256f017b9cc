//! What reports need besides the outcome of a run: from the corpus during the run, from its folder later.

use std::collections::BTreeSet;
use std::path::Path;

use super::args::CorpusArgs;
use super::exit::CliError;
use super::stored::StoredRun;
use super::{corpus, output};
use crate::report::kill_matrix::ProofRow;
use crate::report::{Input, Sources, Traces};
use crate::runner::Corpus;
use crate::runner::outcome::RunOutcome;

/// The file of the sources in a report folder.
pub(super) const SOURCES: &str = "sources.json";
/// The file of the proof in a report folder.
pub(super) const PROOF: &str = "proof.json";

/// Larger files are none of ours, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// Scenarios, requirements and, when there is one, the proof.
#[derive(Debug, Clone)]
pub(super) struct Material {
    pub(super) sources: Sources,
    pub(super) proofs: Option<Vec<ProofRow>>,
}

impl Material {
    /// Of a run that was just made with `corpus`.
    pub(super) fn of(corpus: &Corpus, outcome: &RunOutcome) -> Self {
        let run: BTreeSet<&str> = outcome.cases.iter().map(|case| case.scenario.as_str()).collect();
        Self {
            sources: Sources::of(&corpus.catalogue, &corpus.scenarios, |id| run.contains(id)),
            proofs: None,
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
        let file = stored.folder.join(PROOF);
        let proofs = read(&file)?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?;
        Ok(Self { sources, proofs })
    }

    /// Of the shards of one run together. Proofs belong to a run in one piece and are left out.
    pub(super) fn joined(shards: &[StoredRun]) -> Result<Option<Self>, CliError> {
        let mut joined: Option<Self> = None;
        for shard in shards {
            let Self { sources, .. } = Self::stored(shard)?;
            match &mut joined {
                Some(all) => all.sources.add(sources),
                None => {
                    joined = Some(Self {
                        sources,
                        proofs: None,
                    });
                }
            }
        }
        Ok(joined)
    }

    /// What reports are made of.
    pub(super) fn input<'a>(&'a self, outcome: &'a RunOutcome, traces: &'a Traces<'a>) -> Input<'a> {
        Input {
            run: outcome,
            sources: &self.sources,
            traces,
            proofs: self.proofs.as_deref(),
        }
    }
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
