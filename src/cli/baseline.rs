//! `--baseline` and `--update-baseline`: which file belongs to which target, and what a run means in its light.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::exit::{CliError, Exit};
use super::stored::StoredRun;
use crate::base::closest;
use crate::report::baseline::{
    Accepted, Baseline, Comparison, EntryOutcome, TargetBaseline, compare, target_baseline,
};
use crate::runner::outcome::{RunOutcome, exit};
use crate::runner::{Corpus, RunRequest, TargetChoice};
use crate::target::{EMBEDDED, KnownDeviation};

/// The name of a baseline in a folder.
const FILE: &str = "baseline.json";

/// A larger baseline is none of ours, in bytes.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The baselines of a run.
#[derive(Debug)]
pub(super) struct Baselines {
    /// What was named on the command line.
    named: PathBuf,
    /// All targets that are known there.
    all: Baseline,
    /// The file each target came from.
    files: BTreeMap<String, PathBuf>,
}

impl Baselines {
    /// Reads the file `path`, the stored run there, or every `baseline.json` in the folder and the folders in it.
    ///
    /// A path that is not there is an empty baseline when it `may_be_new`.
    pub(super) fn open(path: &Path, may_be_new: bool) -> Result<Self, CliError> {
        let mut baselines = Self {
            named: path.to_owned(),
            all: Baseline::new(),
            files: BTreeMap::new(),
        };
        if path.is_dir() && path.join("report.json").is_file() {
            baselines.all = Baseline::of(&StoredRun::open(path)?.outcome);
            return Ok(baselines);
        }
        let files = if path.is_dir() {
            files_below(path).map_err(|reason| cannot_read(path, &reason))?
        } else if path.exists() || !may_be_new {
            vec![path.to_owned()]
        } else {
            Vec::new()
        };
        if files.is_empty() && !may_be_new {
            let reason = format!("there is no {FILE} in it or in a folder in it");
            return Err(cannot_read(path, &reason));
        }
        for file in files {
            baselines.add(&file)?;
        }
        Ok(baselines)
    }

    fn add(&mut self, file: &Path) -> Result<(), CliError> {
        let size = std::fs::metadata(file).map_err(|error| cannot_read(file, &error.to_string()))?;
        if size.len() > LIMIT {
            return Err(cannot_read(file, &format!("it has more than {LIMIT} bytes")));
        }
        let text = std::fs::read_to_string(file).map_err(|error| cannot_read(file, &error.to_string()))?;
        let baseline = Baseline::parse(&text).map_err(|error| cannot_read(file, &error.to_string()))?;
        for (name, target) in baseline.targets {
            if let Some(other) = self.files.get(&name) {
                return Err(CliError::usage(format!(
                    "the target `{name}` has two baselines: {} and {}",
                    other.display(),
                    file.display()
                )));
            }
            self.files.insert(name.clone(), file.to_owned());
            self.all.targets.insert(name, target);
        }
        Ok(())
    }

    /// Refuses what cannot be compared: a target without a baseline, and entries that match nothing whatever is run.
    pub(super) fn check<'a>(
        &self,
        corpus: &Corpus,
        targets: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), CliError> {
        for name in targets {
            let Some(target) = self.all.targets.get(name) else {
                // The embedded server is right in everything.
                if name == EMBEDDED {
                    continue;
                }
                return Err(self.not_there(name));
            };
            let unknown = target.unknown_entries(&corpus.scenarios);
            if !unknown.is_empty() {
                let file = self.files.get(name).unwrap_or(&self.named);
                return Err(CliError::usage(format!(
                    "{}: the baseline of {name} has entries that can match nothing; it was made with other scenarios:\n       \
                     {}\n       correct them, or write what is true now with --update-baseline",
                    file.display(),
                    unknown.join("\n       ")
                )));
            }
        }
        Ok(())
    }

    fn not_there(&self, name: &str) -> CliError {
        let known = || self.all.targets.keys().map(String::as_str);
        let near = closest(name, known())
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        let names: Vec<&str> = known().take(8).collect();
        CliError::usage(format!(
            "{} has no baseline of the target `{name}`, but of {}{near} (--update-baseline adds one)",
            self.named.display(),
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        ))
    }

    /// The failing findings that are expected, by target, so that the run tells them from new ones.
    pub(super) fn accepted(&self) -> BTreeMap<String, Vec<KnownDeviation>> {
        let targets = self.all.targets.iter();
        targets
            .map(|(name, target)| (name.clone(), deviations(name, target)))
            .collect()
    }

    /// What changed.
    pub(super) fn compare(&self, outcome: &RunOutcome, today: &str) -> Comparison {
        compare(outcome, &self.all, today)
    }

    /// Writes what is true now; gives the files that are different from before.
    pub(super) fn update(
        &mut self,
        outcome: &RunOutcome,
        request: &RunRequest,
        corpus: &Corpus,
    ) -> Result<Vec<PathBuf>, CliError> {
        let accepted = Accepted {
            untouched: untouched(request, corpus),
        };
        let mut touched = BTreeSet::new();
        for choice in &request.targets {
            let name = choice.name();
            let unusable = outcome
                .targets
                .get(name)
                .is_none_or(|target| target.unavailable.is_some());
            if unusable {
                return Err(CliError::inconclusive(format!(
                    "no baseline is written: {name} could not be used"
                )));
            }
            if name == EMBEDDED && !self.all.targets.contains_key(name) {
                continue;
            }
            let old = self.all.targets.get(name);
            let new = target_baseline(outcome, name, old, &accepted);
            let file = self
                .files
                .get(name)
                .cloned()
                .unwrap_or_else(|| self.place(choice));
            self.files.insert(name.to_owned(), file.clone());
            self.all.targets.insert(name.to_owned(), new);
            touched.insert(file);
        }
        let mut written = Vec::new();
        for file in touched {
            if self.write(&file)? {
                written.push(file);
            }
        }
        Ok(written)
    }

    /// Where a new baseline of `choice` goes.
    fn place(&self, choice: &TargetChoice) -> PathBuf {
        let is_file = self.named.is_file()
            || self
                .named
                .extension()
                .is_some_and(|extension| extension == "json");
        if is_file {
            return self.named.clone();
        }
        let own = match choice {
            TargetChoice::Profile(profile) => self.named.join(&profile.software),
            TargetChoice::Embedded => self.named.clone(),
        };
        if own.is_dir() {
            own.join(FILE)
        } else {
            self.named.join(FILE)
        }
    }

    /// Writes the targets of `file`; nothing when they stand there already.
    fn write(&self, file: &Path) -> Result<bool, CliError> {
        let cannot =
            |reason: String| CliError::internal(format!("cannot write {}: {reason}", file.display()));
        let mut baseline = Baseline::new();
        for (name, _) in self.files.iter().filter(|(_, other)| other.as_path() == file) {
            if let Some(target) = self.all.targets.get(name) {
                baseline.targets.insert(name.clone(), target.clone());
            }
        }
        let text = baseline.render().map_err(|error| cannot(error.to_string()))?;
        if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
            return Ok(false);
        }
        if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(|error| cannot(error.to_string()))?;
        }
        let part = file.with_extension("json.part");
        std::fs::write(&part, text)
            .and_then(|()| std::fs::rename(&part, file))
            .map_err(|error| cannot(error.to_string()))?;
        Ok(true)
    }
}

/// Refuses options under which a baseline would lose what was not run.
pub(super) fn check_update(request: &RunRequest) -> Result<(), CliError> {
    if request.shard.is_some() || !request.cells.is_empty() {
        return Err(CliError::usage(
            "a baseline is made of whole scenarios: --update-baseline goes with neither --shard nor --matrix",
        ));
    }
    Ok(())
}

/// How the run ends in the light of its baseline.
pub(super) fn exit_of(outcome: &RunOutcome, comparison: &Comparison) -> Exit {
    let is_whole = !outcome.run.interrupted && outcome.cases.len() >= outcome.run.planned;
    let unusable = outcome
        .targets
        .values()
        .any(|target| target.unavailable.is_some());
    if outcome.counts().error > 0 {
        Exit::Internal
    } else if !comparison.worse.is_empty() || !outcome.stale_deviations().is_empty() {
        Exit::Failed
    } else if !comparison.open.is_empty() || unusable || !is_whole {
        Exit::Inconclusive
    } else if outcome.exit_code(false) == exit::NOTHING {
        Exit::Nothing
    } else {
        Exit::Success
    }
}

/// Scenarios that the request leaves out, and that are still there.
fn untouched(request: &RunRequest, corpus: &Corpus) -> BTreeSet<String> {
    let run: BTreeSet<&str> = request
        .scenarios
        .iter()
        .filter(|scenario| request.slow || !scenario.slow)
        .map(|scenario| scenario.id.as_str())
        .collect();
    corpus
        .scenarios
        .iter()
        .map(|scenario| scenario.id.as_str())
        .filter(|id| !run.contains(id))
        .map(str::to_owned)
        .collect()
}

fn deviations(name: &str, target: &TargetBaseline) -> Vec<KnownDeviation> {
    let failing = target
        .entries
        .iter()
        .filter(|entry| entry.outcome == EntryOutcome::Fail);
    failing
        .filter_map(|entry| {
            Some(KnownDeviation {
                requirement: entry.requirement.clone()?,
                scenario: Some(entry.scenario.clone()),
                cells: entry.cells.clone(),
                reason: entry
                    .reason
                    .clone()
                    .unwrap_or_else(|| "as in the baseline".to_owned()),
                link: entry.link.clone(),
                expires: entry.expires.clone(),
                varies: entry.varies,
                targets: vec![name.to_owned()],
            })
        })
        .collect()
}

/// Every baseline in `folder` and in the folders in it, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let own = folder.join(FILE);
    if own.is_file() {
        files.push(own);
    }
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    for entry in entries {
        let file = entry.map_err(|error| error.to_string())?.path().join(FILE);
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn cannot_read(path: &Path, reason: &str) -> CliError {
    CliError::usage(format!("cannot read the baseline {}: {reason}", path.display()))
}
